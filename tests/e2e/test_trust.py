"""A node that comes to a network older than the trust period, with real processes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from chaosnet.base.errors import ChaosError
from chaosnet.daemon import devnet_plan
from chaosnet.daemon.devnet import Devnet
from chaosnet.rpc.client import Client
from chaosnet.rpc.schema import Status
from tests.e2e.net import chaosnet, free_ports, network, status, wait_for

pytestmark = pytest.mark.process

AGE_S = 3_600
PERIOD_MS = 600_000


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Devnet]:
    """A network whose genesis is an hour old; its own nodes are vouched for by whoever started them all."""
    clock = SimpleNamespace(time_ns=lambda: time.time_ns() - AGE_S * 10**9)
    with ExitStack() as stack:
        with monkeypatch.context() as patch:
            patch.setattr(devnet_plan, "time", clock)
            running = network(tmp_path / "net", 1, trust_period_ms=PERIOD_MS, idle_interval_ms=300)
            net = stack.enter_context(running)
        yield net


@contextmanager
def follower(config: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "chaosnet", "node", "run", "--config", str(config), *arguments]
    with (config.parent / "log").open("ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield child
        finally:
            child.terminate()
            child.wait(30)


def told(url: str) -> Status | None:
    try:
        with Client(url) as client:
            return client.status()
    except ChaosError:
        return None


def test_a_newcomer_says_untrusted_until_a_pin_vouches_for_its_chain(net: Devnet, tmp_path: Path) -> None:
    member = net.plan.nodes[0]
    wait_for("blocks", lambda: (found := status(member)) is not None and found.height >= 3)
    first = status(member)
    assert first is not None
    assert (first.trust, first.health.code) == ("pinned", "")
    net.stop(member.name)
    net.start(member.name)
    net.wait_ready([member.name])
    again = status(member)
    assert again is not None
    assert again.trust == "genesis", "its newest block is young: it needs no pin any more"

    base = free_ports(3)
    url, metrics = f"http://127.0.0.1:{base + 1}", f"http://127.0.0.1:{base + 2}/metrics"
    chaosnet(
        *("init", str(tmp_path / "reader"), "--follow", "--genesis", str(net.directory / "genesis.json")),
        *("--bootstrap", f"127.0.0.1:{member.p2p_port}", "--host", "127.0.0.1", "--port", str(base)),
        *("--public-port", str(base + 1), "--operator-port", str(base + 2)),
    )
    config = tmp_path / "reader" / "node.toml"

    def at_least(height: int) -> bool:
        found = told(url)
        return found is not None and found.final_height >= height

    with follower(config):
        wait_for("it has synced", lambda: at_least(first.height))
        assert httpx.get(f"{url}/health").status_code == 200
        ready = httpx.get(f"{url}/ready")
        assert (ready.status_code, ready.json()["code"]) == (503, "untrusted")
        assert "chaosnet_trusted 0.0" in httpx.get(metrics).text
        assert "UNTRUSTED" in chaosnet("status", "--node", url).stdout
        proven = chaosnet(
            *("account", net.plan.faucet, "--node", url, "--prove"),
            *("--genesis", str(net.directory / "genesis.json")),
        )
        assert "UNTRUSTED" in proven.stderr
    with follower(config):
        wait_for("it goes on", lambda: at_least(first.height + 2))
        found = told(url)
        assert found is not None
        assert (found.trust, found.health.code) == ("untrusted", "untrusted"), "a restart cures nothing"
        pin = f"{found.final_height}:{found.final_id}"
    with follower(config, "--trust", pin):
        wait_for("it is ready", lambda: _is_ready(url))
        assert "chaosnet_trusted 1.0" in httpx.get(metrics).text
    with follower(config):
        wait_for("it is ready without the pin", lambda: _is_ready(url))
        found = told(url)
        assert found is not None
        assert found.trust == "genesis"
    wrong = chaosnet("node", "run", "--config", str(config), "--trust", f"1:{'00' * 32}", check=False)
    assert wrong.returncode == 1
    assert "untrusted" in wrong.stderr
    assert "chaosnet node reset" in wrong.stderr


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready").status_code == 200
    except httpx.HTTPError:
        return False
