"""A real node, founded, run, used, checked and reset by commands alone."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chaosnet.crypto.addresses import format_address
from tests.making import Person

ANNA, BERT = Person("anna"), Person("bert")
[SEED] = ANNA.seeds.values()
TIMEOUT_S = 60

pytestmark = pytest.mark.process


class Shell:
    """Runs the installed command in a directory of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        password = home / "password"
        password.touch(mode=0o600)
        password.write_text("secret")
        self.environment = os.environ | {
            "CHAOSNET_HOME": str(home),
            "CHAOSNET_PASSWORD_FILE": str(password),
            "CHAOSNET_NODE": f"unix://{home}/n/data/admin.sock",
        }
        self._command = [sys.executable, "-c", "from chaosnet.cli.main import main; main()"]

    def __call__(self, *arguments: object, stdin: str = "", code: int = 0) -> Any:
        done = subprocess.run(
            [*self._command, *map(str, arguments), "--json"],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout if code == 0 else done.stderr)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the node; its log is `log`."""
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(
                [*self._command, "node", "run", "--config", str(self.home / "n/node.toml")],
                env=self.environment,
                stderr=log,
                stdout=log,
            )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A founded network of one validator where Anna has 100 COS."""
    shell = Shell(tmp_path)
    shell("keys", "import", "anna", "--hex", stdin=SEED.hex())
    directory, path = tmp_path / "n", tmp_path / "genesis.json"
    shell("init", directory, "--host", "127.0.0.1", "--port", 0, "--public-port", 0, "--operator-port", 0)
    address = format_address("cos", ANNA.address)
    members = ["--member-dir", directory, "--alloc", f"anna:{address}:100"]
    shell("genesis", "new", "consortium", "--name", "solo", *members, "--out", path)
    shell("init", directory, "--genesis", path)
    return shell


@pytest.fixture
def running(shell: Shell) -> Iterator[subprocess.Popen[bytes]]:
    process = shell.start()
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(TIMEOUT_S)


def test_life_of_a_node(shell: Shell, running: subprocess.Popen[bytes]) -> None:
    config = shell.home / "n/node.toml"
    to = format_address("cos", BERT.address)
    shell("wait-height", 0)
    sent = shell("tx", "send", "--from", "anna", "--to", to, "--amount", "2.5")
    assert sent["code"] == "ok"
    proven = shell("account", to, "--prove", "--genesis", shell.home / "genesis.json")
    assert proven["balance"] == "250000000"
    assert shell("verify", "--config", config)["transactions"] == 1
    assert shell("node", "reset", "--config", config, "--yes", code=1)["code"] == "in_use"
    second = shell.start()
    assert second.wait(TIMEOUT_S) == 1
    running.send_signal(signal.SIGTERM)
    assert running.wait(TIMEOUT_S) == 0
    assert shell("status", code=3)["code"] == "connection"
    before = shell("verify", "--config", config)
    assert before["transactions"] == 1
    again = shell.start()
    try:
        shell("wait-height", before["height"])
        assert shell("block", before["height"])["summary"]["id"] == before["block_id"]
    finally:
        again.terminate()
        assert again.wait(TIMEOUT_S) == 0
    assert shell("node", "reset", "--config", config, "--yes")["removed"]
    assert shell("verify", "--config", config, code=1)["code"] == "not_found"


def test_validator_without_its_sign_state_does_not_start(shell: Shell) -> None:
    (shell.home / "n/keys/sign-state").unlink()
    config = shell.home / "n/node.toml"
    assert "no_fence" in json.dumps(failed_start(shell, config))


def test_failure_is_told_once_on_a_terminal(shell: Shell) -> None:
    (shell.home / "n/keys/sign-state").unlink()
    terminal, end = pty.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as reader:
        process = subprocess.Popen(
            [*shell._command, "node", "run", "--config", str(shell.home / "n/node.toml")],
            env=shell.environment,
            stdin=end,
            stderr=end,
        )
        os.close(end)
        shown = b""
        with suppress(OSError):  # how the end of a terminal is told
            while part := reader.read(4096):
                shown += part
    assert process.wait(TIMEOUT_S) == 1
    assert shown.count(b"no_fence") == 1, shown


def failed_start(shell: Shell, config: Path) -> Any:
    """Return the error of a node that does not start: the last line of its standard error."""
    done = subprocess.run(
        [*shell._command, "node", "run", "--config", str(config), "--json"],
        env=shell.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 1
    return json.loads(done.stderr.splitlines()[-1])
