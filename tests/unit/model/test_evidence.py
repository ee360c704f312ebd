"""What proves that a validator signed twice, and what does not."""

import msgspec
import pytest

from chaosnet.base.errors import Invalid
from chaosnet.base.units import EMPTY_HASH
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.evidence import (
    NIL,
    PRECOMMIT,
    PREVOTE,
    PROPOSAL,
    ContradictingHeaders,
    DuplicateProposal,
    DuplicateVote,
    Evidence,
    Proposal,
    SignedHeader,
    Vote,
    are_contradicting,
    check_evidence,
    claims_contradict,
    evidence_key,
    evidence_kind,
    evidence_turn,
    header_digest,
    proposal_digest,
    vote_digest,
)
from chaosnet.model.header import GenesisProof, Header, SlotProof, block_id_of

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


def header(generated: int, prevoted: int, height: int, slot: int = 9) -> Header:
    """Return a header of dpos of era 0 with these claims."""
    return Header(
        version=1,
        genesis=GENESIS,
        era=0,
        height=height,
        parent=X,
        time_ms=slot,
        proposer=b"o" * 33,
        rule=1,
        engine="dpos",
        tx_root=EMPTY_HASH,
        tx_count=0,
        state_root=EMPTY_HASH,
        receipts_root=EMPTY_HASH,
        validators_hash=EMPTY_HASH,
        next_validators_hash=EMPTY_HASH,
        parent_seal_hash=EMPTY_HASH,
        gas_used=0,
        proof=SlotProof(slot, bytes(16), generated, prevoted),
    )


def signed(value: Header, seed: bytes = SEED) -> SignedHeader:
    return SignedHeader(value, public_key_of(seed), sign(seed, header_digest(value)))


def pair(a: Header, b: Header) -> ContradictingHeaders:
    return ContradictingHeaders(*(signed(h) for h in sorted((a, b), key=block_id_of)))


GUILTY = [
    ((5, 3, 8), (5, 3, 8)),  # two blocks of one height
    ((5, 3, 8), (8, 3, 7)),  # to a branch that is not longer
    ((5, 3, 8), (7, 4, 9)),  # hides a block
    ((5, 4, 8), (8, 3, 12)),  # to a branch with fewer prevotes
]
INNOCENT = [
    ((5, 3, 8), (8, 3, 9)),  # goes on
    ((5, 3, 8), (8, 4, 6)),  # to a shorter branch with more prevotes
    ((8, 4, 6), (8, 4, 7)),  # and on from there
]


@pytest.mark.parametrize(("a", "b"), GUILTY)
def test_headers_that_no_honest_producer_makes(a: tuple[int, int, int], b: tuple[int, int, int]) -> None:
    assert claims_contradict(a, b)
    assert claims_contradict(b, a)
    evidence = pair(header(*a, slot=8), header(*b, slot=9))
    check_evidence(GENESIS, evidence)
    assert evidence_kind(evidence) == "header"
    assert evidence_key(evidence) == (public_key_of(SEED), 0, evidence.first.header.height)
    assert evidence_turn(evidence) in (8, 9)


@pytest.mark.parametrize(("a", "b"), INNOCENT)
def test_headers_that_an_honest_producer_may_make(a: tuple[int, int, int], b: tuple[int, int, int]) -> None:
    assert not claims_contradict(a, b)
    assert not claims_contradict(b, a)
    with pytest.raises(Invalid, match="bad_evidence"):
        check_evidence(GENESIS, pair(header(*a, slot=8), header(*b, slot=9)))


def test_headers_prove_nothing_when_equal_or_of_two_eras_networks_or_signers() -> None:
    a, b = header(5, 3, 8, slot=8), header(5, 3, 8, slot=9)
    assert not are_contradicting(a, a)
    assert not are_contradicting(a, msgspec.structs.replace(b, era=1))
    good = pair(a, b)
    for evidence in (
        ContradictingHeaders(good.second, good.first),
        ContradictingHeaders(good.first, signed(good.second.header, b"t" * 32)),
        ContradictingHeaders(good.first, msgspec.structs.replace(good.second, signature=bytes(64))),
        pair(a, msgspec.structs.replace(b, proposer=b"q" * 33)),
        pair(*(msgspec.structs.replace(h, genesis=b"h" * 32) for h in (a, b))),
        pair(a, msgspec.structs.replace(b, proof=GenesisProof())),
    ):
        with pytest.raises(Invalid, match="bad_evidence"):
            check_evidence(GENESIS, evidence)
