"""pos: who wins a slot, what a block must show, and which of two winners counts."""

from collections import Counter

import pytest

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.branching import Ballot, Parent, Turn
from chaosnet.consensus.pos import Pos, is_won, question_of
from chaosnet.consensus.slots import time_of
from chaosnet.crypto.vrf import beta_of, prove
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.header import Header, SlotProof, StakeProof
from tests.unit.consensus.branches import (
    ERA_HEIGHT,
    SEED,
    extend,
    key_seed,
    operator,
    sealed,
    slotted,
    start,
    validators,
    with_,
)

ENGINE = Pos()
WEIGHTS = {"a": 5, "b": 3, "c": 2}
START = start(validators(**WEIGHTS), slot_ms=2000)


def lot(parent: Parent, name: str, slot: int) -> bytes:
    return prove(key_seed(name, "vrf"), question_of(parent, slot))


def win(parent: Parent, name: str, slot: int, generated: int = ERA_HEIGHT) -> Header | None:
    """Return the block of a validator in a slot, if it wins it."""
    turn = ENGINE.next_turn(parent, operator(name), time_of(parent, slot) - 1)
    assert turn == Turn(time_of(parent, slot), slot, SEED + slot.to_bytes(8, "big"), operator(name))
    proof = ENGINE.proof(parent, turn, lot(parent, name, slot), generated)
    return None if proof is None else slotted(parent, proof, name)


def first_win(parent: Parent, name: str, after: int = 0) -> Header:
    return next(new for slot in range(after + 1, after + 200) if (new := win(parent, name, slot)) is not None)


def slot_of_first(name: str, *, is_won: bool) -> int:
    return next(slot for slot in range(1, 200) if (win(START, name, slot) is not None) == is_won)


def refusal(new: Header, signer: str, parent: Parent = START) -> str:
    with pytest.raises(InvalidBlock) as caught:
        ENGINE.check(new, sealed(new, signer), parent)
    return caught.value.code


def test_a_branch_of_winners_becomes_final() -> None:
    parent, last = START, dict[str, int]()
    for slot in range(1, 120):
        for name in WEIGHTS:
            new = win(parent, name, slot, last.get(name, ERA_HEIGHT))
            if new is not None:
                parent = extend(ENGINE, parent, new, sealed(new, name))
                last[name] = new.height
                break
    assert isinstance(parent.view, Ballot)
    assert parent.header.height > ERA_HEIGHT + 30
    assert parent.header.height - 12 < parent.view.final_height < parent.header.height


def test_wins_are_in_proportion_to_weight_and_one_for_two_slots() -> None:
    slots = range(1, 401)
    wins = Counter(name for name in WEIGHTS for slot in slots if win(START, name, slot) is not None)
    assert 160 < sum(wins.values()) < 240
    assert wins["a"] > wins["b"] > wins["c"] > 0


def test_threshold_of_the_lot() -> None:
    half = (1 << 127).to_bytes(16, "big") + bytes(48)
    below = ((1 << 127) - 1).to_bytes(16, "big") + b"\xff" * 48
    assert is_won(below, 7, 7)
    assert not is_won(half, 7, 7)
    assert is_won(bytes(64), 1, 10**18)
    assert not is_won(below, 1, 2)


def test_what_is_refused() -> None:
    new = first_win(START, "a")
    ENGINE.check(new, sealed(new, "a"), START)
    slot = new.proof.slot if isinstance(new.proof, StakeProof) else 0
    assert refusal(with_(new, time_ms=new.time_ms - 1), "a") == "bad_time"
    assert refusal(with_(new, proposer=operator("z")), "a") == "bad_proposer"
    assert refusal(with_(new, proposer=operator("b")), "b") == "bad_proposer"
    assert refusal(with_(new, vrf=lot(START, "a", slot + 1)), "a") == "bad_proposer"
    assert refusal(with_(new, vrf=bytes(80)), "a") == "bad_proposer"
    assert refusal(with_(new, vrf=b""), "a") == "bad_proposer"
    assert refusal(new, "b") == "bad_seal"
    assert refusal(with_(new, max_height_prevoted=ERA_HEIGHT - 1), "a") == "bad_header"
    assert refusal(with_(new, proof=SlotProof(slot, bytes(16), ERA_HEIGHT, ERA_HEIGHT)), "a") == "bad_header"
    assert refusal(slotted(START, StakeProof(-1, b"", 0, ERA_HEIGHT), "a"), "a") == "bad_time"


def test_a_lot_that_loses_makes_no_block() -> None:
    slot = slot_of_first("c", is_won=False)
    forced = slotted(START, StakeProof(slot, lot(START, "c", slot), ERA_HEIGHT, ERA_HEIGHT), "c")
    assert refusal(forced, "c") == "bad_proposer"


def test_an_answer_of_another_key_makes_no_block() -> None:
    slot = slot_of_first("a", is_won=True)
    turn = ENGINE.next_turn(START, operator("a"), time_of(START, slot) - 1)
    assert turn is not None
    assert ENGINE.proof(START, turn, lot(START, "b", slot), 0) is None
    assert ENGINE.proof(START, turn, b"", 0) is None


def test_a_parent_slot_is_not_used_again() -> None:
    new = first_win(START, "a")
    tip = extend(ENGINE, START, new, sealed(new, "a"))
    slot = new.proof.slot if isinstance(new.proof, StakeProof) else 0
    again = slotted(tip, StakeProof(slot, lot(tip, "a", slot), new.height, ERA_HEIGHT), "a")
    assert refusal(again, "a", tip) == "bad_time"
    turn = ENGINE.next_turn(tip, operator("a"), 0)
    assert turn is not None
    assert turn.slot == slot + 1


def test_only_validators_with_a_lottery_key_take_part() -> None:
    assert ENGINE.next_turn(START, operator("z"), 0) is None
    bare = ValidatorSet((Validator(operator("a"), b"k" * 32, 1),))
    assert ENGINE.next_turn(start(bare), operator("a"), 0) is None


def test_of_two_winners_of_a_slot_the_lower_lot_counts_more() -> None:
    slot, one, two = next(
        (slot, one, two)
        for slot in range(1, 400)
        if (one := win(START, "a", slot)) is not None and (two := win(START, "b", slot)) is not None
    )
    scores = {}
    for new in (one, two):
        view = ENGINE.follow(new, START)
        scores[ENGINE.entropy(new)] = ENGINE.score(view, new)
    lower, higher = sorted(scores)
    assert scores[lower] > scores[higher]
    assert ENGINE.claim(scores[lower]) == ENGINE.claim(scores[higher])
    assert slot >= 1


def test_entropy_is_the_output_and_nobody_is_known_to_miss() -> None:
    new = first_win(START, "b")
    assert isinstance(new.proof, StakeProof)
    assert ENGINE.entropy(new) == beta_of(new.proof.vrf)
    assert ENGINE.missed(new, START) == ()
