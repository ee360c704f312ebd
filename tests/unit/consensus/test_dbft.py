"""Turns of delegates, and what tells the engine from pbft."""

from hashlib import sha256

from chaosnet.consensus.dbft import Dbft, order_of
from chaosnet.consensus.pbft import Pbft
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.header import QuorumProof, RoundProof

SEVEN = ValidatorSet(tuple(Validator(bytes([i]) * 33, bytes([i]) * 32, 1) for i in range(7)))


def seed(name: str) -> bytes:
    return sha256(name.encode()).digest()


def test_every_delegate_has_one_turn_in_a_round_of_heights() -> None:
    engine = Dbft(bytes(32), None, None)
    turns = [engine.turn(SEVEN, seed("a"), height, 0) for height in range(1, 8)]
    assert sorted(v.operator for v in turns) == [v.operator for v in SEVEN.validators]
    assert turns != list(SEVEN.validators), "the seed orders them"


def test_the_next_round_is_the_next_delegates() -> None:
    engine = Dbft(bytes(32), None, None)
    assert engine.turn(SEVEN, seed("a"), 5, 1) == engine.turn(SEVEN, seed("a"), 6, 0)


def test_another_seed_makes_another_order() -> None:
    assert order_of(SEVEN, seed("a")) == order_of(SEVEN, seed("a"))
    assert len({order_of(SEVEN, seed(name)) for name in "abcdef"}) > 1


def test_each_engine_wants_its_own_proof() -> None:
    assert (Pbft.proof, Dbft.proof) == (QuorumProof, RoundProof)
    assert (Pbft.name, Dbft.name) == ("pbft", "dbft")
