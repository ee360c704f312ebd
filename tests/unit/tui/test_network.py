"""Answers become facts, and facts stay bounded."""

from msgspec import structs

from chaosnet.rpc import schema
from tests.unit.tui.making import NAMES, NOW, block_of, id_of, network_of, running, status_of
from tui.agreement import Verdict
from tui.network import BLOCKS_MAX, DRAINED_MS, MARKS_MAX, PENDING_MAX


def test_a_node_that_falls_silent_and_comes_back() -> None:
    network = network_of(2)
    network.answered(0, status_of("alpha"), NOW)
    node = network.nodes[0]
    network.lost(0, "connection: refused", NOW + 3_000)
    assert node.is_reachable is False
    assert node.live is None
    assert node.status is not None, "what it said last is kept"
    assert node.since_ms == NOW, "silent since its last answer"
    network.lost(0, "connection: refused", NOW + 9_000)
    assert node.since_ms == NOW
    network.answered(0, status_of("alpha", 11), NOW + 10_000)
    assert node.live is not None
    assert node.since_ms == NOW + 10_000
    assert [event.kind for event in network.journal.newest(10)] == ["reachable", "unreachable"]


def test_a_node_that_never_answered_is_silent_since_others_heard_it() -> None:
    network = network_of()
    network.lost(3, "connection: refused", NOW)
    assert network.silent_since_ms(network.nodes[3]) == NOW
    network.answered(0, status_of("alpha", silent=["delta"]), NOW)
    assert network.silent_since_ms(network.nodes[3]) == NOW - 192_000


def test_the_node_s_times_are_shown_by_this_clock() -> None:
    network = network_of(1)
    network.answered(0, status_of("alpha"), NOW + 5_000)  # its clock is five seconds behind
    assert network.nodes[0].to_local(NOW - 1_000) == NOW + 4_000


def test_memory_is_bounded() -> None:
    network = network_of(1)
    network.answered(0, status_of("alpha", 5_000), NOW)
    for height in range(1, 3_000):
        ids = [id_of(f"{height}/{i}") for i in range(3)]
        network.take_event(0, schema.PendingEvent(tx_ids=ids), NOW)
        network.take_event(0, schema.BlockEvent(block=block_of(height), tx_ids=ids), NOW + height * 2_000)
        network.journal.add(NOW, "warn", "restarted", "alpha")
    assert len(network.blocks) == BLOCKS_MAX
    assert min(network.blocks) == 3_000 - BLOCKS_MAX
    assert len(network.pending) == PENDING_MAX
    assert len(network.nodes[0].ids) == len(network.nodes[0].roots) == MARKS_MAX
    assert len(network.journal.newest(10_000)) < 1_000


def test_a_block_takes_its_transactions_out_of_the_waiting_ones() -> None:
    network = running()
    network.take_event(0, schema.PendingEvent(tx_ids=["aa", "bb"]), NOW)
    network.take_event(0, schema.BlockEvent(block=block_of(11), tx_ids=["aa"]), NOW)
    assert [(tx.id, tx.height) for tx in network.pending.values()] == [("aa", 11), ("bb", None)]


def test_waiting_transactions_are_forgotten_when_all_mempools_are_empty() -> None:
    network = running()
    network.take_event(0, schema.PendingEvent(tx_ids=["aa"]), NOW)
    network.answered(0, status_of("alpha", pool=1), NOW + DRAINED_MS + 1)
    assert "aa" in network.pending
    network.answered(0, status_of("alpha"), NOW + DRAINED_MS + 1)
    assert "aa" not in network.pending


def test_intervals_and_counts_run_from_old_to_new() -> None:
    network = network_of(1)
    times = {1: 0, 2: 1_000, 3: 3_000, 5: 9_000, 6: 9_400}
    for height, time_ms in times.items():
        block = structs.replace(block_of(height, txs=height), time_ms=NOW + time_ms)
        network.take_blocks(0, [block])
    assert network.intervals_ms(10) == [1_000, 2_000, 400], "a gap is no interval"
    assert network.tx_counts(3) == [3, 5, 6]
    assert network.median_interval_ms(10) == 1_000
    assert network.median_interval_ms(0) is None
    assert [block.height for block in network.recent(2)] == [6, 5]


def test_interval_of_a_node_that_does_not_tell_is_the_chain_s() -> None:
    network = running()
    assert network.interval_of(network.nodes[0]) == 950
    network.answered(0, status_of("alpha", interval_ms=None), NOW)
    assert network.interval_of(network.nodes[0]) == 1_000


def test_transactions_of_the_last_minute() -> None:
    network = running()
    assert network.txs_per_minute(NOW) == 20
    assert network.txs_per_minute(NOW + 55_000) == 10


def test_a_reorganisation_drops_blocks_and_marks() -> None:
    network = running()
    assert max(network.blocks) == 10
    network.take_event(0, schema.ReorgEvent(common_height=8, dropped=["x", "y"]), NOW)
    assert max(network.blocks) == 8
    network.take_event(0, schema.BlockEvent(block=block_of(9, chain="side"), tx_ids=[]), NOW)
    assert 10 not in network.nodes[0].ids
    assert network.nodes[0].ids[9] == id_of("side 9")


def test_a_network_made_anew_forgets_the_old_one() -> None:
    network = running()
    for index, name in enumerate(NAMES):
        network.answered(index, status_of(name, 1, chain="new", genesis="other"), NOW)
    assert not network.blocks
    assert set(network.nodes[0].ids) == {1}
    assert network.tips().verdicts == (Verdict.AGREES,) * 4


def test_contradictions_are_written_down_once() -> None:
    network = running()
    for _ in range(3):
        network.answered(2, status_of("gamma", chain="fork"), NOW + 1_000)
    assert network.nodes[2].contradicts_since_ms == NOW + 1_000
    network.answered(2, status_of("gamma"), NOW + 2_000)
    kinds = [event.kind for event in network.journal.newest(10, with_blocks=False)]
    assert kinds == ["chain_agrees", "chain_differs"]
    assert network.nodes[2].contradicts_since_ms is None


def test_state_roots_are_compared_too() -> None:
    network = running()
    assert network.state_roots().verdicts == (Verdict.AGREES,) * 4


def test_best_node_is_a_reachable_one() -> None:
    network = running()
    network.answered(1, status_of("beta", 99), NOW)
    network.lost(1, "timeout: ", NOW)
    best = network.best()
    assert best is not None
    assert best.name == "alpha"
    assert network_of().best() is None
