"""Slots: their times, the first free one, and views of the wrong kind."""

import pytest
from msgspec import structs

from chaosnet.base.errors import Broken, InvalidBlock
from chaosnet.consensus.branching import Work
from chaosnet.consensus.dpos import Dpos
from chaosnet.consensus.slots import ballot_of, claim_of, epoch_of, slot_after, slot_of, time_of, validator_of
from chaosnet.model.header import GenesisProof, SlotProof
from tests.unit.consensus.branches import ERA_TIME_MS, header, operator, slotted, start, validators

START = start(validators(a=1, b=2), slot_ms=500)


def test_slots_are_counted_from_the_last_block_before_the_era() -> None:
    assert time_of(START, 1) == ERA_TIME_MS + 500
    assert [slot_after(START, ERA_TIME_MS + ms) for ms in (-(10**9), 0, 499, 500, 501, 1000)] == [
        1,
        1,
        1,
        2,
        2,
        3,
    ]


def test_the_next_slot_is_after_the_parent_even_if_slots_have_become_shorter() -> None:
    parent = structs.replace(
        START,
        header=slotted(START, SlotProof(4, bytes(16), 0, 0), "a"),
        view=ballot_of(START),
        params=structs.replace(START.params, slot_ms=250),
    )
    slot = slot_after(parent, 0)
    assert slot == 9
    assert time_of(parent, slot) > parent.header.time_ms >= time_of(parent, slot - 1)


def test_headers_of_other_engines_have_no_slot_and_no_votes() -> None:
    other = header(START.header, GenesisProof())
    for read in (slot_of, claim_of):
        with pytest.raises(InvalidBlock, match="bad_header"):
            read(other)


def test_what_the_kernel_must_not_do() -> None:
    with pytest.raises(Broken):
        epoch_of(structs.replace(START, epoch=None))
    with pytest.raises(Broken):
        ballot_of(structs.replace(START, view=Work(b"\x01", 0)))
    with pytest.raises(Broken):
        Dpos().puzzle(START.header)
    with pytest.raises(Broken):
        Dpos().score(Work(b"\x01", 0), START.header)


def test_validators_are_found_by_operator() -> None:
    found = validator_of(START.validators, operator("b"))
    assert found is not None
    assert found.weight == 2
    assert validator_of(START.validators, operator("c")) is None


def test_blocks_wait_for_their_slot() -> None:
    assert Dpos().earliest_ms(START.header) == START.header.time_ms
