"""dpos: whose slot it is, what a block must show, and finality on one branch."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.branching import Ballot, Parent
from chaosnet.consensus.dpos import Dpos, leader_of, order_of
from chaosnet.consensus.slots import last_slot, time_of
from chaosnet.model.header import GenesisProof, Header, SlotProof, StakeProof
from tests.unit.consensus.branches import (
    ERA_HEIGHT,
    extend,
    name_of,
    operator,
    sealed,
    slotted,
    start,
    validators,
    with_,
)

ENGINE = Dpos()
NAMES = "abcd"
START = start(validators(a=1, b=1, c=1, d=1), slot_ms=2000)


def block(parent: Parent, slot: int, last: dict[str, int] | None = None) -> tuple[Header, str]:
    """Return the block of a slot's leader, who has made its last one at a height of `last`."""
    name = name_of(leader_of(parent, slot), NAMES)
    turn = ENGINE.next_turn(parent, operator(name), time_of(parent, slot) - 1)
    assert turn is not None
    assert turn.slot == slot
    proof = ENGINE.proof(parent, turn, bytes(16), (last or {}).get(name, ERA_HEIGHT))
    assert proof is not None
    return slotted(parent, proof, name), name


def grow(parent: Parent, slots: list[int], last: dict[str, int]) -> Parent:
    for slot in slots:
        new, name = block(parent, slot, last)
        last[name] = new.height
        parent = extend(ENGINE, parent, new, sealed(new, name))
    return parent


def refusal(new: Header, signer: str, parent: Parent = START) -> str:
    with pytest.raises(InvalidBlock) as caught:
        ENGINE.check(new, sealed(new, signer), parent)
    return caught.value.code


def test_delegates_take_turns_and_finalise() -> None:
    tip = grow(START, list(range(1, 13)), {})
    assert isinstance(tip.view, Ballot)
    # Four equal weights: as in the published steps of four validators.
    assert tip.view.max_height_prevoted == ERA_HEIGHT + 10
    assert tip.view.final_height == ERA_HEIGHT + 7
    assert Counter(leader_of(START, slot) for slot in range(1, 13)) == {operator(n): 3 for n in NAMES}


def test_the_era_begins_with_its_last_common_block_final() -> None:
    tip = grow(START, [1], {})
    assert isinstance(tip.view, Ballot)
    assert (tip.view.max_height_prevoted, tip.view.final_height) == (ERA_HEIGHT, ERA_HEIGHT)
    assert last_slot(START) == 0
    assert last_slot(tip) == 1


def test_what_is_refused() -> None:
    new, name = block(START, 3)
    ENGINE.check(new, sealed(new, name), START)
    other = next(n for n in NAMES if n != name)
    assert refusal(with_(new, time_ms=new.time_ms + 1), name) == "bad_time"
    assert refusal(with_(new, slot=4), name) == "bad_time"
    assert refusal(slotted(START, SlotProof(0, bytes(16), 0, ERA_HEIGHT), name), name) == "bad_time"
    assert refusal(with_(new, proposer=operator(other)), other) == "bad_proposer"
    assert refusal(with_(new, proposer=operator("z")), name) == "bad_proposer"
    assert refusal(new, other) == "bad_seal"
    assert refusal(with_(new, reveal=bytes(15)), name) == "bad_header"
    assert refusal(with_(new, max_height_prevoted=ERA_HEIGHT + 1), name) == "bad_header"
    assert refusal(with_(new, max_height_generated=-1), name) == "bad_header"
    assert refusal(with_(new, proof=StakeProof(3, b"", 0, ERA_HEIGHT)), name) == "bad_header"
    assert refusal(with_(new, proof=GenesisProof()), name) == "bad_header"
    with pytest.raises(InvalidBlock, match="bad_seal"):
        ENGINE.check(new, b"", START)


def test_a_slot_is_used_once_and_none_before_it() -> None:
    tip = grow(START, [5], {})
    for slot in (4, 5):
        name = name_of(leader_of(tip, slot), NAMES)
        new = slotted(tip, SlotProof(slot, bytes(16), ERA_HEIGHT, ERA_HEIGHT), name)
        assert refusal(new, name, tip) == "bad_time"


def test_a_header_that_forgets_the_own_last_block_is_refused() -> None:
    last: dict[str, int] = {}
    tip = grow(START, [1, 2, 3, 4], last)
    new, name = block(tip, 5, last)
    ENGINE.check(new, sealed(new, name), tip)
    assert refusal(with_(new, max_height_generated=last[name] - 1), name, tip) == "bad_header"


def test_next_turn_is_the_first_own_slot_after_the_time() -> None:
    for name in NAMES:
        for after_slot in range(9):
            turn = ENGINE.next_turn(START, operator(name), time_of(START, after_slot))
            assert turn is not None
            assert turn.at_ms == time_of(START, turn.slot)
            assert after_slot < turn.slot <= after_slot + 4
            assert leader_of(START, turn.slot) == operator(name) == turn.proposer
    assert ENGINE.next_turn(START, operator("z"), 0) is None
    early = ENGINE.next_turn(START, operator("a"), 0)
    assert early is not None
    assert 1 <= early.slot <= 4


def test_next_turn_is_never_before_the_parent() -> None:
    tip = grow(START, [7], {})
    turn = ENGINE.next_turn(tip, operator("a"), 0)
    assert turn is not None
    assert turn.slot > 7


def test_no_proof_without_a_reveal() -> None:
    turn = ENGINE.next_turn(START, operator("a"), 0)
    assert turn is not None
    assert ENGINE.proof(START, turn, b"", 0) is None


@given(st.integers(0, 12), st.integers(1, 60))
def test_missed_slots_are_those_between(parent_slot: int, gap: int) -> None:
    parent = grow(START, [parent_slot], {}) if parent_slot else START
    slot = parent_slot + gap
    new = slotted(parent, SlotProof(slot, bytes(16), 0, 0), "a")
    wanted = Counter(leader_of(parent, s) for s in range(parent_slot + 1, slot))
    assert ENGINE.missed(new, parent) == tuple(sorted(wanted.items()))


def test_a_silence_of_years_costs_no_loop() -> None:
    new = slotted(START, SlotProof(2**40 + 1, bytes(16), 0, 0), "a")
    assert sum(count for _, count in ENGINE.missed(new, START)) == 2**40


def test_order_is_a_permutation() -> None:
    assert sorted(order_of(START)) == [v.operator for v in START.validators.validators]


def test_of_one_height_the_lower_slot_counts_more() -> None:
    early, late = grow(START, [1], {}), grow(START, [2], {})
    scores = []
    for tip in (early, late):
        assert tip.view is not None
        scores.append(ENGINE.score(tip.view, tip.header))
    assert scores[0] > scores[1]
    assert ENGINE.claim(scores[0]) == ENGINE.claim(scores[1]) == ERA_HEIGHT << 64 | ERA_HEIGHT + 1


def test_the_reveal_is_what_a_block_adds_to_the_seed() -> None:
    new, _ = block(START, 1)
    assert ENGINE.entropy(with_(new, reveal=b"r" * 16)) == b"r" * 16
