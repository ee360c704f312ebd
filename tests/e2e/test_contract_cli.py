"""Contracts from the command line on a real network: as somebody does it who has read the manual."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaosnet.base.errors import Refused
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.loadgen import Sender, make_senders
from chaosnet.rpc.client import Client
from tests.e2e.net import network, wait_for

pytestmark = pytest.mark.process

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "js"


@dataclass
class Person:
    """Somebody with a terminal, a key and a folder."""

    net: Devnet
    sender: Sender
    home: Path

    def run(self, *arguments: object, stdin: str = "", code: int = 0) -> Any:
        """Run a command; return what it printed as JSON."""
        environment = os.environ | {
            "CHAOSNET_HOME": str(self.home),
            "CHAOSNET_PASSWORD_FILE": str(self.home / "password"),
            "CHAOSNET_NODE": self.net.plan.nodes[0].rest_url,
        }
        ran = subprocess.run(
            [sys.executable, "-m", "chaosnet", *map(str, arguments), "--json"],
            input=stdin,
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return json.loads(ran.stdout if code == 0 or not ran.stderr else ran.stderr)


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    folder = tmp_path_factory.mktemp("contract-cli")
    [sender] = make_senders(1)
    with network(folder / "net", 2, [sender]) as net:
        home = folder / "home"
        home.mkdir()
        (home / "password").write_text("a password of this test\n")
        (home / "password").chmod(0o600)
        made = Person(net, sender, home)
        made.run("keys", "import", "me", "--hex", stdin=sender.seed.hex() + "\n")
        yield made


@pytest.mark.parametrize("language", ["lua", "js"])
def test_from_a_new_folder_to_a_client(person: Person, language: str) -> None:
    run = person.run
    made = run("contract", "new", f"till-{language}", "--language", language)
    file = made["contract"]
    assert run("contract", "check", file)["warnings"] == []
    tried = run("contract", "deploy", file, 5, "--from", "me", "--dry-run")
    deployed = run("contract", "deploy", file, 5, "--from", "me", "--yes")
    till = deployed["contract"]
    assert (deployed["code"], tried["returns"]) == ("ok", [till])
    # The limits themselves may take a few bytes more in one of them.
    assert abs(tried["gas"] - deployed["gas"]) < 500
    called = run("contract", "call", till, "add", 37, "--from", "me")
    assert called["value"] == 42
    assert run("contract", "query", till, "total")["value"] == 42
    assert run("contract", "call", till, "add", 0, "--from", "me", code=1)["code"] == "reverted"
    assert [event["values"][1] for event in run("contract", "events", till)["events"]] == [37]
    assert run("contract", "show", till)["summary"]["engine"] == f"{language}/1"
    traced = run("tx", "trace", called["id"], "--config", person.net.directory / "node1" / "node.toml")
    assert traced["gas"] == called["gas"]
    assert [step["op"] for step in traced["frames"][0]["steps"]] == [
        "get", "set", "get", "set", "emit",
    ]  # fmt: skip
    use_client(person, till, run("contract", "codegen", till, "--language", "python")["text"])
    if shutil.which("node") and (CLIENT / "node_modules").is_dir():
        use_javascript(person, run("contract", "codegen", till, "--language", "javascript")["text"])


def use_javascript(person: Person, text: str) -> None:
    """The same with the client for JavaScript; the contract stands at 50."""
    (person.home / "till.mjs").write_text(text)
    script = person.home / "use.mjs"
    script.write_text(f"""
import {{ Client, Key, Wallet }} from {json.dumps((CLIENT / "src/index.js").as_uri())}
import * as made from './till.mjs'
const [Till] = Object.values(made)
const client = new Client({json.dumps(person.net.plan.nodes[0].rest_url)})
const till = new Till(new Wallet(client, new Key({json.dumps(person.sender.seed.hex())})))
const done = await till.add(2n)
const refused = await till.add(0n).catch((error) => error.code)
console.log(JSON.stringify([String(done.value), String(await new Till(client).total()), refused]))
""")
    ran = subprocess.run(["node", str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == ["52", "52", "reverted"]


def use_client(person: Person, till: str, text: str) -> None:
    """Import a client that was made from the contract on the chain, and call with it."""
    space: dict[str, Any] = {}
    exec(compile(text, "till.py", "exec"), space)
    name = next(name for name in space if name.startswith("Till"))
    with Client(person.net.plan.nodes[1].rest_url) as client:
        made = space[name](client, person.sender.seed)
        assert made.contract_address == till
        wait_for("the other node has it", lambda: made.total() == 42)
        done = made.add(8)
        assert (done.value, done.events[0].values[2]) == (50, 50)
        with pytest.raises(Refused, match=r"reverted.*add 1 to 1000"):
            made.add(0)
        assert made.total() == 50
