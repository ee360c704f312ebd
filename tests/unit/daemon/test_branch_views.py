"""Blocks that may be undone and what was undone, as the interface shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosnet.daemon import branch_views
from chaosnet.daemon.branch_views import REORGANISATIONS_KEPT, Reorganisations, cut
from chaosnet.daemon.present import Names
from chaosnet.kernel import events as ev
from chaosnet.kernel.node import Published
from chaosnet.rpc import schema
from tests.unit.daemon.ring_stage import RingStage
from tests.unit.kernel.ring import Ring


def reorganised(old: int, new: int, common: int, dropped: int = 0) -> ev.Reorganised:
    ids = tuple(i.to_bytes(32, "big") for i in range(dropped))
    return ev.Reorganised(old, b"o" * 32, new, b"n" * 32, common_height=common, dropped=ids)


@pytest.fixture
def split(tmp_path: Path) -> Iterator[tuple[Ring, RingStage]]:
    """Two halves of a pow network, each with a branch; the view is that of the half with less work."""
    ring = Ring("pow").start()
    ring.find(0)
    ring.cut = lambda a, b: (a < 2) != (b < 2)
    ring.find(0)
    for _ in range(3):
        ring.find(2)
    stage = RingStage(tmp_path, ring)
    yield ring, stage
    stage.store.close()


# ── reorganisations ──────────────────────────────────────────────────────────────────────────────────────


def test_a_reorganisation_is_remembered_with_what_it_dropped() -> None:
    log = Reorganisations(warn_depth=3)
    told = log.add(reorganised(9, 10, 6, dropped=2), 1_234)
    [kept] = log.newest_first()
    assert (kept.at_ms, kept.depth, kept.is_deep, kept.dropped_total) == (1_234, 3, True, 2)
    assert (told.depth, told.is_deep, told.dropped) == (3, True, kept.dropped)
    assert (told.old_height, told.new_height, told.common_height) == (9, 10, 6)
    assert (told.old_id, told.new_id) == ("6f" * 32, "6e" * 32)
    assert not log.add(reorganised(8, 9, 6), 1_235).is_deep


def test_the_last_ones_are_kept_newest_first_and_all_are_counted() -> None:
    log = Reorganisations()
    for at_ms in range(REORGANISATIONS_KEPT + 5):
        log.add(reorganised(9, 10, 8), at_ms)
    kept = log.newest_first()
    assert len(kept) == REORGANISATIONS_KEPT
    assert [one.at_ms for one in kept[:2]] == [REORGANISATIONS_KEPT + 4, REORGANISATIONS_KEPT + 3]
    assert log.total == REORGANISATIONS_KEPT + 5


def test_of_many_dropped_transactions_some_are_named() -> None:
    log = Reorganisations()
    told = log.add(reorganised(9, 10, 8, dropped=1_500), 0)
    assert len(told.dropped) == 1_000
    assert log.newest_first()[0].dropped_total == 1_500


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────


def test_both_branches_are_shown_until_one_is_final(split: tuple[Ring, RingStage]) -> None:
    ring, stage = split
    tree = stage.backend.tree()
    assert [(b.height, b.is_canonical) for b in tree.blocks] == [(2, True), (1, True), (0, True)]
    ring.heal()
    ring.find(3)
    ring.pass_ms(5_000)
    stage.catch_up()
    tree = stage.backend.tree()
    assert (tree.head_height, tree.final_height, tree.finality) == (5, 0, "depth")
    assert tree.head_id == ring.machines[0].node.head.block_id.hex()
    heights = [(b.height, b.is_canonical) for b in tree.blocks]
    assert heights == [(5, True), (4, True), (3, True), (2, True), (2, False), (1, True), (0, True)]
    assert [b.is_final for b in tree.blocks] == [False] * 6 + [True]
    by_id = {b.id: b for b in tree.blocks}
    for block in tree.blocks[:-1]:
        assert int(by_id[block.parent].weight) < int(block.weight)
    assert tree.left_out == 0
    [done] = tree.reorganisations
    assert (done.common_height, done.old_height, done.new_height, done.depth) == (1, 2, 3, 1)
    assert not done.is_deep
    left = by_id[done.old_id]
    assert not left.is_canonical
    status = stage.backend.status().consensus
    assert (status.reorganisations, status.weight) == (1, by_id[tree.head_id].weight)
    for _ in range(8):
        ring.find(0)
    stage.catch_up()
    later = stage.backend.tree()
    assert later.final_height == 7
    assert left.id not in {b.id for b in later.blocks}
    assert later.blocks[-1].id == later.final_id
    assert later.reorganisations == [done]


def test_what_is_not_durable_is_not_in_the_tree(split: tuple[Ring, RingStage]) -> None:
    ring, stage = split
    before = stage.backend.tree()
    ring.find(0)
    assert ring.machines[0].node.head.header.height == 3
    assert stage.backend.tree() == before
    assert stage.backend.status().consensus.weight == before.blocks[0].weight
    stage.catch_up()
    assert stage.backend.tree().head_height == 3


def test_a_node_whose_kernel_has_made_more_final_shows_what_is_durable(tmp_path: Path) -> None:
    ring = Ring("pow").start()
    for i in range(3):
        ring.find(i)
    stage = RingStage(tmp_path, ring)
    before = stage.backend.tree()
    for i in range(9):
        ring.find(i % 4)
    assert ring.machines[0].node.final_height == 6
    tree = stage.backend.tree()
    assert [b.id for b in tree.blocks] == [b.id for b in before.blocks]
    assert (tree.final_height, tree.blocks[-1].height) == (0, 0)
    stage.catch_up()
    assert stage.backend.tree().final_height == 6
    stage.store.close()


def test_where_each_block_is_final_the_tree_is_the_head(tmp_path: Path) -> None:
    ring = Ring("dbft").start()
    ring.pass_ms(20_000)
    stage = RingStage(tmp_path, ring)
    tree = stage.backend.tree()
    assert tree.finality == "immediate"
    [head] = tree.blocks
    assert (head.id, head.is_final, head.is_canonical, head.slot) == (tree.head_id, True, True, None)
    assert tree.final_height == tree.head_height
    assert stage.backend.status().consensus.weight == ""
    stage.store.close()


def test_blocks_of_slots_name_them(tmp_path: Path) -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(20_000)
    stage = RingStage(tmp_path, ring)
    tree = stage.backend.tree()
    slots = [b.slot for b in tree.blocks if b.slot is not None]
    assert len(slots) == len(tree.blocks) > 3
    assert slots == sorted(slots, reverse=True)
    assert all(b.proposer_name.startswith("validator") for b in tree.blocks)
    stage.store.close()


def test_a_hand_over_is_counted_down_and_its_tail_shown(tmp_path: Path) -> None:
    ring = Ring("pow:8,pos").start()
    for i in range(6):
        ring.find(i % 4)
    stage = RingStage(tmp_path, ring)
    status = stage.backend.status().consensus
    assert (status.engine, status.next_engine, status.handover_height) == ("pow", "pos", 8)
    assert not status.is_handing_over
    for i in range(4):
        ring.find(i)
    stage.catch_up()
    status = stage.backend.status().consensus
    assert (status.era, status.is_handing_over) == (0, True)
    tree = stage.backend.tree()
    assert tree.head_height == 8
    assert [(b.height, b.is_tail, b.is_canonical) for b in tree.blocks[:3]] == [
        (10, True, False),
        (9, True, False),
        (8, False, True),
    ]
    ring.find(0)
    ring.pass_ms(20_000)
    stage.catch_up()
    status = stage.backend.status().consensus
    assert (status.engine, status.era, status.next_engine, status.handover_height) == ("pos", 1, "", None)
    assert not status.is_handing_over
    assert not any(b.is_tail for b in stage.backend.tree().blocks)
    stage.store.close()


def test_of_a_large_tree_the_newest_and_the_final_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring("pow").start()
    for i in range(6):
        ring.find(i % 4)
    node = ring.machines[0].node
    monkeypatch.setattr(branch_views, "BLOCKS_SHOWN", 4)
    head = node.head
    shown = Published(head.header, head.block_id, head.seal, head.state, head.sealed_by)
    assert shown.header.height == 6
    blocks = [
        branch_views.tree_block(Names("cos", ()), e.head.header, e.head.block_id, weight="0", is_final=False)
        for e in node.tree.path(head.block_id)  # type: ignore[union-attr]
    ]
    kept, left_out = cut(blocks)
    assert [b.height for b in kept] == [6, 5, 4, 0]
    assert left_out == 3
    assert cut(kept) == (kept, 0)


def test_the_stream_tells_all_of_a_reorganisation(split: tuple[Ring, RingStage]) -> None:
    ring, stage = split
    published: list[schema.StreamEvent] = []
    stage.hub.publish = published.append  # type: ignore[assignment, method-assign]
    ring.heal()
    ring.find(3)
    ring.pass_ms(5_000)
    stage.catch_up()
    [told] = [event for event in published if isinstance(event, schema.ReorgEvent)]
    assert (told.depth, told.common_height, told.old_height, told.new_height) == (1, 1, 2, 3)
    assert len(told.old_id) == len(told.new_id) == 64


async def test_signers_of_dbft_are_named_also_after_another_epoch(tmp_path: Path) -> None:
    ring = Ring("dbft", validators_max=3, epoch_blocks=3).start()
    ring.pass_ms(15_000)
    stage = RingStage(tmp_path, ring)
    ring.pass_ms(90_000)
    stage.catch_up()
    names = {member.name for member in ring.genesis.members}
    head = ring.machines[0].node.head
    assert head.epoch is not None
    assert head.epoch.number > 1
    for height in (1, head.header.height):
        block = await stage.backend.block(str(height))
        assert len(block.signers) == 3
        assert set(block.signers) < names, "three of four are elected"
        assert block.summary.proposer_name in block.signers
    stage.store.close()
