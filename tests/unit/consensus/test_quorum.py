"""Counting votes: exact thresholds, every contradiction noticed, memory bounded whatever is sent."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chaosnet.base.dice import Dice
from chaosnet.consensus import quorum
from chaosnet.consensus.quorum import FUTURE_ROUNDS, PAST_ROUNDS, Outcome, Verifier, VoteKeeper, is_one_honest
from chaosnet.crypto.signing import is_valid, public_key_of, sign
from chaosnet.model.certificate import check_certificate, is_quorum
from chaosnet.model.evidence import (
    NIL,
    PRECOMMIT,
    PREVOTE,
    DuplicateProposal,
    DuplicateVote,
    Proposal,
    Vote,
    check_evidence,
    proposal_digest,
    vote_digest,
)
from tests.unit.consensus.desk import GENESIS, NAMES, seed_of, validators_of

A, B, C = (bytes([i]) * 32 for i in (1, 2, 3))


@dataclass
class Hall:
    """Validators of height 9 and the keeper that hears them."""

    weights: list[int] = field(default_factory=lambda: [1, 1, 1, 1])

    def __post_init__(self) -> None:
        self.verifier = Verifier(GENESIS)
        self.validators = validators_of(self.weights)
        self.keeper = VoteKeeper(self.verifier, self.validators, era=0, height=9)

    def vote(self, who: int, block: bytes, round_: int = 0, kind: int = PREVOTE) -> Outcome:
        return self.keeper.add(vote_of(who, block, round_, kind))

    def propose(self, who: int, block: bytes, round_: int = 0, justified: int = -1) -> Outcome:
        seed = seed_of(NAMES[who])
        unsigned = Proposal(0, 9, round_, justified, block, public_key_of(seed), b"")
        return self.keeper.add(replace(unsigned, signature=sign(seed, proposal_digest(GENESIS, unsigned))))

    def counted(self) -> int:
        """Return how many messages are in memory."""
        return sum(
            len(heard.proposals)
            + sum(map(len, [*heard.prevotes.of_block.values()]))
            + sum(map(len, [*heard.precommits.of_block.values()]))
            for _, heard in self.keeper.rounds()
        )


def vote_of(who: int, block: bytes, round_: int = 0, kind: int = PREVOTE, height: int = 9) -> Vote:
    seed = seed_of(NAMES[who])
    unsigned = Vote(kind, 0, height, round_, block, public_key_of(seed), b"")
    return replace(unsigned, signature=sign(seed, vote_digest(GENESIS, unsigned)))


@given(total=st.integers(1, 10**6), faulty=st.integers(0, 10**6))
def test_two_quorums_share_an_honest_member(total: int, faulty: int) -> None:
    if 3 * faulty >= total:
        return
    smallest = 2 * total // 3 + 1
    assert is_quorum(smallest, total)
    assert not is_quorum(smallest - 1, total)
    assert 2 * smallest - total > faulty
    assert is_quorum(total - faulty, total)
    assert not is_one_honest(faulty, total)
    assert is_one_honest(smallest - faulty, total)


@pytest.mark.parametrize("size, needed", [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5)])
def test_votes_needed_of_equal_members(size: int, needed: int) -> None:
    hall = Hall([1] * size)
    for who in range(size):
        hall.vote(who, A)
        assert (hall.keeper.at(0).prevotes.winner() == A) == (who + 1 >= needed)


def test_weights_count_not_heads() -> None:
    hall = Hall([5, 1, 1, 1])
    for who in (1, 2, 3):
        hall.vote(who, A)
    assert hall.keeper.at(0).prevotes.winner() == NIL
    hall.vote(0, B)
    assert hall.keeper.at(0).prevotes.is_lost()


def test_a_round_is_lost_when_no_block_can_win() -> None:
    hall = Hall()
    hall.vote(0, A)
    hall.vote(1, NIL)
    assert not hall.keeper.at(0).prevotes.is_lost()  # too few have voted to give up
    hall.vote(2, A)
    assert not hall.keeper.at(0).prevotes.is_lost()  # d decides
    hall.vote(3, B)
    assert hall.keeper.at(0).prevotes.is_lost()


def test_a_signature_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[bytes] = []
    real = is_valid

    def counting(key: bytes, digest: bytes, signature: bytes) -> bool:
        verified.append(key)
        return real(key, digest, signature)

    monkeypatch.setattr(quorum, "is_valid", counting)
    hall = Hall()
    for _ in range(3):
        for who in range(3):
            hall.vote(who, A, kind=PRECOMMIT)
    certificate = hall.keeper.certificate(0, A)
    check_certificate(GENESIS, certificate, hall.validators, hall.verifier.is_valid)
    assert len(verified) == 3


def test_the_memory_of_good_signatures_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quorum, "VERIFIED_MAX", 4)
    hall = Hall()
    for round_ in range(5):
        for who in range(4):
            hall.vote(who, A, round_)
    assert len(hall.verifier._good) == 4


def test_forged_and_foreign_votes_do_not_count() -> None:
    hall = Hall()
    good = vote_of(0, A)
    forged = replace(good, block_id=B)
    stranger = vote_of(5, A)
    for vote in (forged, stranger, replace(good, height=8), replace(good, era=1), replace(good, round=-1)):
        assert hall.keeper.add(vote) == quorum.NOTHING
    assert hall.keeper.add(good).is_new
    assert not hall.keeper.add(good).is_new


def test_a_second_vote_is_evidence_once() -> None:
    hall = Hall()
    assert hall.vote(0, B).evidence is None
    evidence = hall.vote(0, A).evidence
    assert isinstance(evidence, DuplicateVote)
    assert (evidence.first.block_id, evidence.second.block_id) == (A, B)
    check_evidence(GENESIS, evidence)
    assert hall.vote(0, C).evidence is None
    assert hall.vote(1, A).evidence is None
    assert hall.vote(1, NIL).evidence is not None


def test_a_second_vote_counts_only_for_a_block_others_back() -> None:
    hall = Hall()
    hall.vote(0, B)
    assert not hall.vote(0, A).is_new
    hall.vote(1, A)
    hall.vote(2, A)
    assert hall.keeper.at(0).prevotes.winner() == NIL
    assert hall.vote(0, A).is_new
    assert hall.keeper.at(0).prevotes.winner() == A
    assert hall.keeper.at(0).prevotes.weight == 3


def test_two_proposals_are_evidence() -> None:
    hall = Hall()
    hall.propose(0, B, 3, justified=1)
    evidence = hall.propose(0, B, 3).evidence
    assert isinstance(evidence, DuplicateProposal)
    check_evidence(GENESIS, evidence)
    assert [p.pol_round for p in hall.keeper.at(3).proposals] == [1, -1]
    assert not hall.propose(0, C, 3).is_new


def test_a_flood_of_rounds_and_blocks_is_forgotten() -> None:
    hall = Hall()
    dice = Dice(b"flood")
    for _ in range(400):
        hall.vote(0, dice.u64().to_bytes(32, "big"), dice.below(1000), dice.pick((PREVOTE, PRECOMMIT)))
        hall.propose(0, dice.u64().to_bytes(32, "big"), dice.below(1000))
    assert hall.counted() <= (FUTURE_ROUNDS + 1) * 4
    assert hall.keeper.skip_round() == 0  # a liar alone moves nobody


def test_only_the_highest_rounds_ahead_are_kept() -> None:
    hall = Hall()
    for round_ in (5, 3, 9, 4):
        hall.vote(0, A, round_)
    assert [round_ for round_, _ in hall.keeper.rounds()] == [5, 9]
    hall.keeper.enter(5, ())
    assert hall.vote(0, A, 7).is_new  # 5 is no longer ahead
    assert not hall.vote(0, A, 2**31).is_new


def test_rounds_behind_are_dropped_but_the_pinned() -> None:
    hall = Hall()
    for round_ in range(PAST_ROUNDS + 5):
        hall.keeper.enter(round_, (1,))
        hall.vote(0, A, round_)
    kept = [round_ for round_, _ in hall.keeper.rounds()]
    assert kept == [1, *range(4, PAST_ROUNDS + 5)]
    assert hall.vote(1, A, 1).is_new
    assert not hall.vote(1, A, 2).is_new


def test_skip_needs_an_honest_member_at_or_above() -> None:
    hall = Hall()
    hall.vote(0, NIL, 7)
    assert hall.keeper.skip_round() == 0
    hall.vote(1, A, 4, PRECOMMIT)
    assert hall.keeper.skip_round() == 4
    hall.propose(2, A, 6)
    assert hall.keeper.skip_round() == 6


def test_a_certificate_has_its_signers_in_order() -> None:
    hall = Hall()
    for who in (3, 0, 2):
        hall.vote(who, A, 1, PRECOMMIT)
    hall.vote(1, NIL, 1, PRECOMMIT)
    certificate = hall.keeper.certificate(1, A)
    assert certificate.signers == (0, 2, 3)
    check_certificate(GENESIS, certificate, hall.validators)


def test_whoever_speaks_later_has_passed_here() -> None:
    hall = Hall()
    keeper = hall.keeper
    hall.vote(0, A, 1)
    hall.vote(1, NIL, 1, PRECOMMIT)
    assert not keeper.has_quorum_passed(1, PREVOTE)
    hall.propose(2, A, 2)
    assert keeper.has_quorum_passed(1, PREVOTE)
    assert not keeper.has_quorum_passed(1, PRECOMMIT), "the first has only prevoted"
    assert not keeper.at(1).prevotes.has_quorum_of_any(), "votes that were heard count nothing more"
    hall.vote(3, NIL, 5)
    assert keeper.has_quorum_passed(1, PRECOMMIT)
    assert keeper.has_quorum_passed(0, PRECOMMIT)
    assert not keeper.has_quorum_passed(2, PREVOTE)
