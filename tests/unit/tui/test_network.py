"""Answers become facts, and facts stay bounded."""

from msgspec import structs

from chaosnet.rpc import schema
from tests import fake_staking
from tests.unit.tui.making import NAMES, NOW, block_of, id_of, network_of, running, status_of
from tests.unit.tui.staking import FINAL, HEAD, network_under, status_under, validator_list
from tui.agreement import Verdict
from tui.forks import REORGS_MAX
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


def test_transactions_that_fell_out_of_the_chain_wait_again() -> None:
    network = running()
    network.take_event(0, schema.PendingEvent(tx_ids=["aa", "bb"]), NOW)
    network.take_event(0, schema.BlockEvent(block=block_of(11), tx_ids=["aa", "bb"]), NOW)
    event = schema.ReorgEvent(common_height=10, dropped=["aa"], old_height=11, new_height=12, depth=1)
    network.take_event(0, event, NOW)
    assert [(tx.id, tx.height) for tx in network.pending.values()] == [("aa", None), ("bb", 11)]
    (line,) = network.journal.newest(10, with_blocks=False)
    assert (line.kind, line.level, line.values["n"], line.values["dropped"]) == ("reorg", "warn", 1, 1)
    assert network.forks.reorgs[str(line.values["reorg"])].facts.dropped == ["aa"]


def test_an_old_node_s_reorganisation_is_as_deep_as_the_chain_was_high() -> None:
    network = running()
    network.take_event(0, schema.ReorgEvent(common_height=7, dropped=[]), NOW)
    (reorg,) = network.forks.newest(10)
    assert (reorg.facts.old_height, reorg.facts.depth) == (10, 3)


def test_branches_of_nodes_that_are_not_streamed_are_noticed_and_told_once() -> None:
    network = network_under("pow")
    network.answered(1, status_under("pow", "beta", reorganisations=2), NOW)
    network.answered(1, status_under("pow", "beta", reorganisations=2), NOW)
    assert network.forks.restless == {1: 2}
    network.take_tree(1, fake_staking.block_tree())
    assert network.forks.restless == {}
    (line,) = network.journal.newest(10)
    assert (line.kind, line.node, line.values["n"], line.values["height"]) == ("reorg", "beta", 2, 103)
    network.take_tree(1, fake_staking.block_tree())
    assert [reorg.node for reorg in network.forks.newest(10)] == [1]
    network.source, network.is_streaming = 0, True
    network.answered(0, status_under("pow", reorganisations=1), NOW)
    assert len(network.journal.newest(10)) == 1, "the stream tells of that one"


def test_branches_of_a_node_that_shows_no_tree_are_told_without() -> None:
    network = network_under("pow")
    network.answered(1, status_under("pow", "beta", reorganisations=2), NOW)
    network.miss_tree(1, "not_found")
    (line,) = network.journal.newest(10)
    assert (line.kind, line.node, line.values["n"]) == ("branches", "beta", 2)


def test_what_happened_before_a_node_was_watched_is_asked_for_and_is_no_news() -> None:
    network = network_of()
    network.answered(0, status_under("pow", reorganisations=3), NOW)
    assert 0 in network.forks.restless
    network.take_tree(0, fake_staking.block_tree())
    assert network.forks.newest(10)
    assert network.journal.newest(10) == []


def test_reorganisations_remembered_are_bounded() -> None:
    network = network_under("pow")
    for i in range(3 * REORGS_MAX):
        event = schema.ReorgEvent(common_height=5, dropped=[], old_id=str(i), new_id=str(i + 1))
        network.take_event(0, event, NOW + i)
    assert len(network.forks.reorgs) == REORGS_MAX
    assert network.forks.newest(1)[0].facts.old_id == str(3 * REORGS_MAX - 1)


def test_nodes_on_branches_are_no_contradiction_until_final_blocks_differ() -> None:
    network = network_under("pow")
    network.answered(3, status_under("pow", "delta", chain="side"), NOW)
    assert network.tips().verdicts == (*(Verdict.AGREES,) * 3, Verdict.BRANCH)
    assert network.nodes[3].contradicts_since_ms is None
    other = structs.replace(status_under("pow", "delta", chain="side"), final_id=id_of("another"))
    network.answered(3, other, NOW)
    assert network.tips().verdicts[3] is Verdict.DIFFERS
    assert network.nodes[3].contradicts_since_ms == NOW


def test_what_was_not_final_is_forgotten_with_each_answer() -> None:
    network = network_under("pow")
    network.note_block(0, structs.replace(block_of(FINAL + 2), id="old"))
    network.answered(0, status_under("pow", height=HEAD + 1), NOW)
    assert set(network.nodes[0].ids) == {FINAL, HEAD + 1}


def test_the_list_of_validators_is_lacking_when_its_epoch_or_engine_has_ended() -> None:
    network = network_under("dpos")
    assert network.lacks_validators()
    network.take_validators(validator_list())
    assert not network.lacks_validators()
    network.answered(0, status_under("dpos", height=126), NOW)
    assert network.lacks_validators()
    network.validators_problem = "not_found"
    assert not network.lacks_validators(), "an old node is not asked again and again"
    network.take_validators(structs.replace(validator_list(), engine="pow"))
    assert network.lacks_validators()


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
