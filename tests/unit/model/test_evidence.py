"""What proves that a validator signed twice, and what does not."""

import msgspec
import pytest

from chaosnet.base.errors import Invalid
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.evidence import (
    NIL,
    PRECOMMIT,
    PREVOTE,
    PROPOSAL,
    DuplicateProposal,
    DuplicateVote,
    Evidence,
    Proposal,
    Vote,
    check_evidence,
    evidence_key,
    proposal_digest,
    vote_digest,
)

GENESIS = b"g" * 32
SEED = b"s" * 32
X, Y = b"x" * 32, b"y" * 32


def vote(
    block_id: bytes, seed: bytes = SEED, *, kind: int = PREVOTE, height: int = 5, round_: int = 1
) -> Vote:
    unsigned = Vote(kind, 0, height, round_, block_id, public_key_of(seed), b"")
    return msgspec.structs.replace(unsigned, signature=sign(seed, vote_digest(GENESIS, unsigned)))


def proposal(block_id: bytes, pol_round: int = -1) -> Proposal:
    unsigned = Proposal(0, 5, 1, pol_round, block_id, public_key_of(SEED), b"")
    return msgspec.structs.replace(unsigned, signature=sign(SEED, proposal_digest(GENESIS, unsigned)))


@pytest.mark.parametrize(
    "evidence",
    [
        DuplicateVote(vote(X), vote(Y)),
        DuplicateVote(vote(NIL, kind=PRECOMMIT), vote(X, kind=PRECOMMIT)),
        DuplicateProposal(proposal(X), proposal(Y)),
        DuplicateProposal(proposal(X, -1), proposal(X, 0)),
    ],
)
def test_two_signed_contradictions_are_proof(evidence: Evidence) -> None:
    check_evidence(GENESIS, evidence)
    assert evidence_key(evidence) == (public_key_of(SEED), 0, 5)


@pytest.mark.parametrize(
    "evidence",
    [
        DuplicateVote(vote(X), vote(X)),
        DuplicateVote(vote(Y), vote(X)),
        DuplicateVote(vote(X), vote(Y, kind=PRECOMMIT)),
        DuplicateVote(vote(X), vote(Y, round_=2)),
        DuplicateVote(vote(X), vote(Y, height=6)),
        DuplicateVote(vote(X), vote(Y, b"t" * 32)),
        DuplicateVote(vote(X, kind=PROPOSAL), vote(Y, kind=PROPOSAL)),
        DuplicateVote(vote(X), msgspec.structs.replace(vote(Y), signature=vote(X).signature)),
        DuplicateVote(vote(X), msgspec.structs.replace(vote(Y), era=1)),
        DuplicateProposal(proposal(X), proposal(X)),
        DuplicateProposal(proposal(Y), proposal(X)),
        DuplicateProposal(proposal(X), msgspec.structs.replace(proposal(Y), signature=bytes(64))),
    ],
)
def test_anything_else_is_not(evidence: Evidence) -> None:
    with pytest.raises(Invalid) as caught:
        check_evidence(GENESIS, evidence)
    assert caught.value.code == "bad_evidence"


def test_votes_of_another_network_prove_nothing_here() -> None:
    with pytest.raises(Invalid):
        check_evidence(b"h" * 32, DuplicateVote(vote(X), vote(Y)))
