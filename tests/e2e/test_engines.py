"""Every engine, and the change from one to the next, on real processes: under load, with a node killed, with
a late joiner. All must come to the same blocks, and the stored chain must stand its replay.

CHAOSNET_ENGINE_BLOCKS is the length of a run in blocks.
"""

import json
import os
from pathlib import Path

import pytest

from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.loadgen import Push, Sender, make_senders, presign
from chaosnet.rpc.schema import Status
from tests.e2e.net import chaosnet, get, height, network, status, wait_for

pytestmark = pytest.mark.process

ENGINES = ("pow", "pos", "dpos", "pbft", "dbft")
BLOCKS = int(os.environ.get("CHAOSNET_ENGINE_BLOCKS", "30"))
SOAK_BLOCKS = 200
IDLE_MS = 500
BLOCK_S_MAX = 4.0
"""Patience for one block, on a machine that others use too."""
SENDERS = 40
ALWAYS_UP = ("node0", "node2")


def start_load(net: Devnet, senders: list[Sender], rounds: int) -> Push:
    """Push transfers, in small batches, to nodes that are never killed."""
    raws = presign(bytes.fromhex(net.plan.genesis), senders, rounds)
    batches = [raws[i : i + 10] for i in range(0, len(raws), 10)]
    return Push([net.plan.node(name) for name in ALWAYS_UP], batches, pause_s=0.2).start()


def statuses(net: Devnet) -> list[Status]:
    """Return what the nodes that answer say."""
    found = [status(node) for node in net.plan.nodes]
    return [one for one in found if one is not None]


def wait_for_height(net: Devnet, name: str, wanted: int) -> None:
    node = net.plan.node(name)
    patience_s = 30 + BLOCK_S_MAX * max(1, wanted - max(0, height(node)))
    wait_for(f"{name} at height {wanted}", lambda: height(node) >= wanted, patience_s)


def wait_until_final(net: Devnet, wanted: int) -> None:
    """Wait until all nodes, without exception, hold a block for final."""

    def is_final() -> bool:
        found = statuses(net)
        return len(found) == len(net.plan.nodes) and min(s.final_height for s in found) >= wanted

    wait_for(f"block {wanted} final everywhere", is_final, 60 + BLOCK_S_MAX * wanted)


def check_same(net: Devnet, wanted: int) -> None:
    """Check that all nodes have the same blocks and states, and that each chain stands its replay."""
    for at in range(1, wanted + 1, max(1, wanted // 10)):
        shown = [get(node, f"/v1/blocks/{at}")["summary"] for node in net.plan.nodes]
        assert len({(block["id"], block["state_root"]) for block in shown}) == 1, shown
    for node in net.plan.nodes[1::2]:
        config = net.directory / node.name / "node.toml"
        done = chaosnet("verify", "--config", str(config), "--json")
        assert json.loads(done.stdout)["height"] >= wanted


def run_engine(directory: Path, engine: str, blocks: int) -> None:
    senders = make_senders(SENDERS)
    options = {"idle_interval_ms": IDLE_MS}
    with network(directory / "net", 4, senders, schedule=engine, late=("node3",), **options) as net:
        push = start_load(net, senders, blocks * 4)
        wait_for_height(net, "node0", blocks // 3)
        net.start("node3")
        net.wait_ready(["node3"])
        wait_for_height(net, "node3", blocks // 3)
        wait_for_height(net, "node0", blocks // 2)
        net.kill("node1")
        wait_for_height(net, "node0", height(net.plan.node("node0")) + 3)
        net.start("node1")
        net.wait_ready(["node1"])
        wait_until_final(net, blocks)
        push.stop()
        assert push.codes["ok"] > 0, push.codes
        assert {one.consensus.engine for one in statuses(net)} == {engine}
        assert get(net.plan.nodes[1], "/v1/status")["txs_total"] > 0
        check_same(net, blocks)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_under_load_with_a_crash_and_a_late_joiner(tmp_path: Path, engine: str) -> None:
    run_engine(tmp_path, engine, BLOCKS)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_for_long(tmp_path: Path, engine: str) -> None:
    run_engine(tmp_path, engine, SOAK_BLOCKS)


@pytest.mark.parametrize("schedule", ["pow:20,pos"])
def test_a_hand_over_that_one_node_misses(tmp_path: Path, schedule: str) -> None:
    senders = make_senders(SENDERS)
    with network(tmp_path / "net", 4, senders, schedule=schedule, idle_interval_ms=IDLE_MS) as net:
        push = start_load(net, senders, 80)
        wait_for_height(net, "node0", 12)
        net.kill("node3")
        wait_for_height(net, "node0", 24)
        net.start("node3")
        net.wait_ready(["node3"])
        wait_until_final(net, 22)
        push.stop()
        assert {one.consensus.engine for one in statuses(net)} == {"pos"}
        engines = [get(net.plan.nodes[3], f"/v1/blocks/{at}")["summary"]["engine"] for at in (20, 21)]
        assert engines == ["pow", "pos"]
        check_same(net, 22)
