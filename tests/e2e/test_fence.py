"""One consensus key in two places, with real processes: refused, retired or noticed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaosnet.base.errors import ChaosError
from chaosnet.daemon.devnet import Devnet
from chaosnet.rpc.client import Client
from tests.e2e.net import chaosnet, free_ports, get, height, network, wait_for

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with network(tmp_path_factory.mktemp("fence") / "net", 4, idle_interval_ms=300) as net:
        wait_for("blocks", lambda: height(net.plan.nodes[0]) >= 3)
        yield net


def other_place(net: Devnet, name: str, folder: str, data: str = "data") -> tuple[Path, str]:
    """Return the configuration for the keys of a node under other ports, and its public address."""
    plan, base = net.plan.node(name), free_ports(3)
    text = (net.directory / name / "node.toml").read_text(encoding="utf-8")
    for number, port in enumerate((plan.p2p_port, plan.public_port, plan.operator_port)):
        text = text.replace(f'127.0.0.1:{port}"\n', f'127.0.0.1:{base + number}"\n')
    text = text.replace("[node]", f'[node]\ndata_dir = "{data}"')
    path = net.directory / folder / f"{data}.toml"
    path.write_text(text, encoding="utf-8")
    return path, f"http://127.0.0.1:{base + 1}"


def run_node(config: Path) -> str:
    """Start a node that is to refuse; return what it says."""
    done = chaosnet("node", "run", "--config", str(config), check=False)
    assert done.returncode != 0
    return done.stderr


@contextmanager
def running(config: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (config.parent / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "chaosnet", "node", "run", "--config", str(config)],
            stdout=log,
            stderr=log,
        )
        try:
            yield child
        finally:
            child.terminate()
            child.wait(30)


def reason(url: str) -> str:
    """Return why a node is not well; empty when it is, or does not answer."""
    try:
        with Client(url) as client:
            return client.health().code
    except ChaosError:
        return ""


def test_the_same_key_twice_on_one_host_is_refused(net: Devnet) -> None:
    config, _ = other_place(net, "node3", "node3", data="data2")
    assert "in_use" in run_node(config)
    done = chaosnet("keys", "export-fence", "--config", str(net.directory / "node3/node.toml"), check=False)
    assert "in_use" in done.stderr


def test_a_key_moved_without_its_fence_does_not_sign(net: Devnet) -> None:
    keys = net.directory / "bare" / "keys"
    keys.mkdir(parents=True)
    shutil.copy(net.directory / "node3/keys/consensus.json", keys)
    config, _ = other_place(net, "node3", "bare")
    assert "no_fence" in run_node(config)


def test_a_key_that_was_moved_away_does_not_sign_until_it_is_back(net: Devnet) -> None:
    config, fence = net.directory / "node2/node.toml", net.directory / "fence.json"
    net.stop("node2")
    chaosnet("keys", "export-fence", "--config", str(config), "--out", str(fence))
    assert "fenced" in run_node(config)
    chaosnet("keys", "import-fence", str(fence), "--config", str(config), "--back")
    sign_state = net.directory / "node2/keys/sign-state"
    size = sign_state.stat().st_size
    net.start("node2")
    net.wait_ready(["node2"])
    wait_for("node2 signs again", lambda: sign_state.stat().st_size > size)
    assert "key_listens" in net.tail("node2", lines=1_000)


def test_a_copied_fence_listens_hears_itself_and_stops(net: Devnet) -> None:
    fence = net.directory / "copy.json"
    net.stop("node1")
    original = net.directory / "node1"
    chaosnet("keys", "export-fence", "--keep", "--config", str(original / "node.toml"), "--out", str(fence))
    shutil.copytree(original, net.directory / "copy", ignore=shutil.ignore_patterns("*.sock", "log", "pid"))
    (net.directory / "copy/keys/node.json").unlink()  # another machine
    net.start("node1")
    net.wait_ready(["node1"])
    config, url = other_place(net, "node1", "copy")
    chaosnet("keys", "import-fence", str(fence), "--config", str(config))
    with running(config) as child:
        wait_for("the copy stops", lambda: reason(url) == "fenced")
        before = height(net.plan.nodes[1])
        wait_for("the original goes on", lambda: height(net.plan.nodes[1]) >= before + 5)
        assert child.poll() is None
        assert reason(net.plan.nodes[1].rest_url) == ""
    assert get(net.plan.nodes[0], "/v1/evidence")["evidence"] == []
