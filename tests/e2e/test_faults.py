"""Faults on real processes: one node killed under load, all killed at once, half stopped, files lost.

Gaps between blocks are read from the chain (header times), rates are compared within one run.
"""

import json
import shutil
import time
from itertools import pairwise
from pathlib import Path

import pytest

from chaosnet.base.dice import Dice
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.loadgen import Push, Sender, make_senders, presign, read_total
from tests.e2e.net import block_times, chaosnet, get, height, network, same_state, status, wait_for

pytestmark = pytest.mark.process

PROPOSE_MS = 1_000
GAP_MS_MAX = 2 * PROPOSE_MS + 1_000


def start_load(
    net: Devnet, senders: list[Sender], rounds: int, *, pause_s: float, first_nonce: int = 0
) -> Push:
    """Push transfers to all running nodes until stopped."""
    raws = presign(bytes.fromhex(net.plan.genesis), senders, rounds, first_nonce=first_nonce)
    batches = [raws[i : i + 100] for i in range(0, len(raws), 100)]
    running = [node for node in net.plan.nodes if net.pid(node.name) is not None]
    return Push(running, batches, pause_s=pause_s).start()


def test_one_of_four_killed_under_load(tmp_path: Path) -> None:
    senders = make_senders(1_000)
    with network(tmp_path / "net", 4, senders) as net:
        witness = net.plan.nodes[0]
        push = start_load(net, senders, 20, pause_s=0.2)
        wait_for("blocks under load", lambda: height(witness) >= 3)
        net.kill("node3")
        killed_at = height(witness)
        wait_for("blocks with three nodes", lambda: height(witness) >= killed_at + 12)
        times = block_times(witness, killed_at, killed_at + 12)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert max(gaps) <= GAP_MS_MAX, gaps
        net.start("node3")
        net.wait_ready(["node3"])
        push.stop()
        wait_for("node3 catches up to the same state", lambda: same_state(net))


def kill_all_and_verify(net: Devnet, dice: Dice, senders: list[Sender], nonce: int) -> None:
    """Kill every node at a random moment under load; check that what was seen final is still there."""
    nodes = net.plan.nodes
    start = max(height(node) for node in nodes)
    push = start_load(net, senders, 2, pause_s=0.02, first_nonce=nonce)
    wait_for("load is committed", lambda: height(nodes[0]) > start)
    until = time.monotonic() + dice.below(1_000) / 1_000
    seen: dict[int, str] = {}
    while time.monotonic() < until:
        for node in nodes:
            found = get(node, "/v1/status")
            assert seen.setdefault(found["final_height"], found["final_id"]) == found["final_id"]
    for name in dice.shuffled(net.names()):
        net.kill(name)
    push.stop()
    genesis = net.directory / "genesis.json"
    for name in net.names():
        data = net.directory / name / "data"
        done = chaosnet("verify", "--data-dir", str(data), "--genesis", str(genesis), "--json")
        assert json.loads(done.stdout)["height"] >= start
    for name in net.names():
        net.start(name)
    net.wait_ready(net.names())
    highest = max(seen)
    wait_for("all are back on one chain", lambda: same_state(net) and height(nodes[0]) >= highest)
    for at, block_id in seen.items():
        assert get(nodes[at % len(nodes)], f"/v1/blocks/{at}")["summary"]["id"] == block_id


def run_kills(directory: Path, times: int) -> None:
    dice = Dice(b"kill")
    senders = make_senders(100 * times)
    with network(directory / "net", 4, senders) as net:
        for i in range(times):
            kill_all_and_verify(net, dice, senders[100 * i : 100 * i + 100], 0)


def test_all_killed_at_once_lose_nothing_final(tmp_path: Path) -> None:
    run_kills(tmp_path, 3)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_all_killed_at_once_fifty_times(tmp_path: Path) -> None:
    run_kills(tmp_path, 50)


def test_two_of_four_stopped_halts_says_why_and_goes_on(tmp_path: Path) -> None:
    senders = make_senders(50)
    with network(tmp_path / "net", 4, senders) as net:
        alive = net.plan.nodes[0]
        net.stop("node2")
        net.stop("node3")

        def reason() -> str:
            return str(get(alive, "/health")["reason"])

        wait_for("health says why", lambda: reason() == "2 of 4 members silent, 3 needed", 30)
        found = status(alive)
        assert found is not None
        assert not found.health.is_healthy
        assert found.health.code == "quorum_lost"
        assert found.health.since_ms is not None
        assert [m.name for m in found.members if m.is_silent] != []
        halted_at = height(alive)
        start_load(net, senders, 1, pause_s=0.0).join()
        net.start("node2")
        net.wait_ready(["node2"])
        wait_for("it goes on within 10 s", lambda: height(alive) > halted_at, 10)
        wait_for("healthy again", lambda: reason() == "", 20)


def test_wiped_data_with_the_sign_state_kept_syncs_and_signs_on(tmp_path: Path) -> None:
    senders = make_senders(100)
    with network(tmp_path / "net", 4, senders) as net:
        start_load(net, senders, 3, pause_s=0.05).join()
        wait_for("blocks", lambda: height(net.plan.nodes[0]) >= 2)
        net.stop("node1")
        shutil.rmtree(tmp_path / "net" / "node1" / "data")
        net.start("node1")
        net.wait_ready(["node1"])
        wait_for("the wiped node is back", lambda: same_state(net))
        assert get(net.plan.nodes[0], "/v1/evidence")["evidence"] == []


def test_without_its_sign_state_a_node_refuses_to_start(tmp_path: Path) -> None:
    with network(tmp_path / "net", 1) as net:
        net.stop("node0")
        (tmp_path / "net" / "node0" / "keys" / "sign-state").unlink()
        config = tmp_path / "net" / "node0" / "node.toml"
        done = chaosnet("node", "run", "--config", str(config), check=False)
        assert done.returncode == 1
        assert "no_fence" in done.stderr


def test_a_late_joiner_syncs_from_several_peers(tmp_path: Path) -> None:
    senders = make_senders(200)
    with network(tmp_path / "net", 4, senders) as net:
        net.stop("node3")
        start_load(net, senders, 5, pause_s=0.02).join()
        wait_for("load committed", lambda: read_total(net.plan.nodes[0])[1] >= 900)
        shutil.rmtree(tmp_path / "net" / "node3" / "data")
        net.start("node3")
        net.wait_ready(["node3"])
        wait_for("the late one has everything", lambda: same_state(net))
