"""Whose turn it is, as far as everybody can know."""

import pytest

from chaosnet.kernel.turns import leader_at
from chaosnet.model.header import SlotProof
from tests.unit.kernel.harness import Bench
from tests.unit.kernel.ring import Ring


def test_under_dpos_it_is_the_one_whose_block_comes_in_this_slot() -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(10_000)
    node = ring.machines[0].node
    for _ in range(25):
        height = node.head.header.height
        ring.pass_ms(2_000, until=lambda: node.head.header.height > height)  # noqa: B023 - used at once
        header = node.head.header
        assert leader_at(node, ring.now) == header.proposer, "the slot's block is made"
        slot_ms = node.head.params.slot_ms
        expected = leader_at(node, header.time_ms + slot_ms)
        ring.pass_ms(slot_ms + 10)
        assert node.head.header.proposer == expected
        assert isinstance(node.head.header.proof, SlotProof)


def test_before_the_first_slot_it_is_the_first_one_s() -> None:
    ring = Ring("dpos")
    node = ring.machines[0].node
    first = leader_at(node, ring.genesis.time_ms)
    assert first == leader_at(node, ring.genesis.time_ms + node.head.params.slot_ms)
    assert first in {v.operator for v in node.head.validators.validators}


@pytest.mark.parametrize("engine", ["pow", "pos"])
def test_where_chance_decides_nobody_knows(engine: str) -> None:
    ring = Ring(engine).start()
    ring.pass_ms(3_000)
    assert leader_at(ring.machines[0].node, ring.now) == b""


def test_under_pbft_it_is_the_proposer_of_the_round() -> None:
    bench = Bench().start()
    bench.join_all()
    bench.advance(200)
    node = bench.node
    state = node.round_state()
    assert leader_at(node, bench.now) == node.engine.proposer(state.height, state.round) != b""


def test_while_a_tail_grows_the_old_delegates_take_turns() -> None:
    ring = Ring("dpos:12,pos").start()
    node = ring.machines[0].node
    seen: list[bytes] = []

    def watch() -> bool:
        if node.tree is not None and node.tree.best().is_tail:
            seen.append(leader_at(node, ring.now))
        return node.head.header.era == 1

    ring.pass_ms(90_000, until=watch)
    assert node.head.header.era == 1
    operators = {v.operator for v in node.head.validators.validators}
    assert seen
    assert set(seen) <= operators
