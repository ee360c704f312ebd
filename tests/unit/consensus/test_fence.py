"""The fence: when a key that may be in use elsewhere signs, waits, or never signs again."""

import pytest

from chaosnet.base.codec import encode
from chaosnet.consensus.engine import Resume
from chaosnet.consensus.fence import Fence, own_signature
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.block import Certificate, Validator, ValidatorSet
from chaosnet.model.evidence import PRECOMMIT, PREVOTE, SignedHeader, Vote, vote_digest
from chaosnet.model.header import Header, Proof, QuorumProof, SlotProof

GENESIS = b"g" * 32
SEED = b"s" * 32
KEY, OTHER = public_key_of(SEED), public_key_of(b"t" * 32)
A, B = b"a" * 32, b"b" * 32
START = 1_000_000


def vote(height: int, block: bytes, *, kind: int = PREVOTE, round_: int = 0) -> Vote:
    unsigned = Vote(kind, 0, height, round_, block, KEY, b"")
    return Vote(kind, 0, height, round_, block, KEY, sign(SEED, vote_digest(GENESIS, unsigned)))


def fence(*signed: Vote, listening: bool = False, blocks: int = 3) -> Fence:
    resume = Resume(0, 0, -1, b"", (), signed=signed, is_listening=listening)
    made = Fence(GENESIS, KEY, resume, listen_blocks=blocks, listen_ms=60_000)
    made.start(START)
    return made


def test_a_node_that_comes_back_does_not_listen_and_knows_its_own_votes() -> None:
    ours = fence(vote(5, A), vote(5, A, kind=PRECOMMIT))
    assert not ours.is_listening
    for echo in (vote(5, A), vote(5, A, kind=PRECOMMIT), vote(4, B)):
        assert not ours.is_foreign(echo)


@pytest.mark.parametrize(
    "message", [vote(5, B), vote(5, A, kind=PRECOMMIT), vote(5, A, round_=1), vote(9, B), vote(9, b"")]
)
def test_a_vote_that_the_sign_state_does_not_know_is_foreign(message: Vote) -> None:
    assert fence(vote(5, A)).is_foreign(message)


def test_a_forged_vote_is_nobodys() -> None:
    forged = Vote(PREVOTE, 0, 9, 0, B, KEY, b"f" * 64)
    assert not fence(vote(5, A)).is_foreign(forged)
    assert not fence(vote(5, A)).is_foreign(Vote(PREVOTE, 0, 9, 0, B, OTHER, vote(9, B).signature))


def test_a_vote_that_became_durable_is_known() -> None:
    ours = fence(vote(5, A))
    ours.note(vote(6, B))
    assert not ours.is_foreign(vote(6, B))
    assert ours.is_foreign(vote(6, A))


def test_it_listens_to_blocks_made_since_it_began() -> None:
    ours = fence(vote(5, A), listening=True)
    for time_ms in (START - 1, START, START + 5):
        ours.on_block(time_ms)
        assert ours.is_listening
    ours.on_block(START + 9)
    assert not ours.is_listening


def test_listening_can_be_switched_off() -> None:
    assert not fence(vote(5, A), listening=True, blocks=0).is_listening


def test_it_does_not_listen_for_ever_where_no_blocks_come() -> None:
    ours = fence(vote(5, A), listening=True)
    ours.watch(START + 59_999, can_hear=True)
    assert ours.is_listening
    ours.watch(START + 60_000, can_hear=True)
    assert not ours.is_listening


def test_silence_does_not_count_while_nobody_is_there_to_hear() -> None:
    ours = fence(vote(5, A), listening=True)
    ours.watch(START + 50_000, can_hear=False)
    ours.watch(START + 100_000, can_hear=True)
    assert ours.is_listening


def test_the_first_signature_waits_until_others_have_told_how_far_they_are() -> None:
    ours = fence(vote(5, A))
    assert not ours.has_heard_enough(START + 20, is_heard=True, settle_ms=1_000)
    assert not ours.has_heard_enough(START + 1_019, is_heard=True, settle_ms=1_000)
    assert ours.has_heard_enough(START + 1_020, is_heard=True, settle_ms=1_000)


def test_who_hears_too_few_waits_until_it_must_be_alone() -> None:
    ours = fence(vote(5, A))
    assert not ours.has_heard_enough(START + 20, is_heard=True, settle_ms=1_000)
    assert not ours.has_heard_enough(START + 900, is_heard=False, settle_ms=1_000)
    assert not ours.has_heard_enough(START + 1_500, is_heard=True, settle_ms=1_000), "it begins anew"
    assert not ours.has_heard_enough(START + 59_999, is_heard=False, settle_ms=1_000)
    assert ours.has_heard_enough(START + 60_000, is_heard=False, settle_ms=1_000)


def test_only_a_sign_state_of_this_place_owns_up_to_what_it_may_have_forgotten() -> None:
    ours, copied = fence(vote(5, A)), fence(vote(5, A), listening=True)
    for one in (ours, copied):
        one.catch_up(40)
        assert one.has_caught_up
    assert (ours.caught_up_at, copied.caught_up_at) == (40, 0)
    ours.yield_to(vote(8, B), START + 1)
    assert not ours.has_caught_up, "it has missed more than it knew"


def test_to_yield_is_to_remember_and_to_listen() -> None:
    ours = fence(vote(5, A))
    request = ours.yield_to(vote(8, B), START + 1)
    assert request.is_seen
    assert request.unsigned == vote(8, B)
    assert ours.is_listening
    assert not ours.is_foreign(vote(8, B))


def header(proof: Proof, proposer: bytes = b"o" * 33) -> Header:
    return Header(
        *(1, GENESIS, 0, 7, b"p" * 32, START, proposer, 2, "dpos"),
        *(b"t" * 32, 0, b"s" * 32, b"r" * 32, b"v" * 32, b"n" * 32, b"l" * 32, 0),
        proof,
    )


SET = ValidatorSet((Validator(b"n" * 33, OTHER, 1), Validator(b"o" * 33, KEY, 1)))


def test_own_signatures_are_found_in_seals() -> None:
    by_slot = header(SlotProof(3, b"x" * 16, 0, 0))
    assert own_signature(by_slot, b"z" * 64, SET, KEY) == SignedHeader(by_slot, KEY, b"z" * 64)
    assert own_signature(by_slot, b"z" * 64, SET, OTHER) is None
    by_votes = header(QuorumProof(0))
    for signers, expected in (((0, 1), vote(7, A, kind=PRECOMMIT)), ((0,), None)):
        signatures = (b"y" * 64, vote(7, A, kind=PRECOMMIT).signature)[: len(signers)]
        seal = encode(Certificate(0, 7, 0, A, signers, signatures))
        assert own_signature(by_votes, seal, SET, KEY) == expected
    assert own_signature(by_votes, b"", SET, KEY) is None
    assert own_signature(by_votes, b"", SET, b"k" * 32) is None
