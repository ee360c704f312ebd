"""Votes and proposals of the quorum engines (pbft, dbft), and proof that somebody signed two of them.

They live in the model because evidence of a double signature is an action on the chain (protocol: Engines,
Evidence). Signed bytes cover purpose, genesis hash and era.
"""

from typing import Final

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Invalid
from chaosnet.base.units import Hash32
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.signing import is_valid
from chaosnet.model.header import (
    Header,
    SlotProof,
    StakeProof,
    block_id_of,
)

PROPOSAL: Final = 0
PREVOTE: Final = 1
PRECOMMIT: Final = 2

NIL: Final = b""
"""Block id of a vote for no block."""


class Vote(Record, tag=1):
    """A prevote or precommit of one validator."""

    kind: int
    """PREVOTE or PRECOMMIT."""
    era: int
    height: int
    round: int
    block_id: bytes
    """32 bytes, or NIL."""
    signer: bytes
    """Consensus public key."""
    signature: bytes


class Proposal(Record, tag=2):
    """The proposer's choice of a block for a round; the block itself travels beside it."""

    era: int
    height: int
    round: int
    pol_round: int
    """Round whose two thirds of prevotes justify proposing this block again; -1 for a fresh block."""
    block_id: bytes
    signer: bytes
    signature: bytes


class SignedHeader(Record, tag=3):
    """A header of pos or dpos with its producer's signature."""

    header: Header
    signer: bytes
    """Consensus public key."""
    signature: bytes


class DuplicateVote(Record, tag=1):
    """Two votes of one key for one (era, height, round, kind) and different blocks; lower block id first."""

    first: Vote
    second: Vote


class DuplicateProposal(Record, tag=2):
    """Two proposals of one key for one (era, height, round); lower (block id, pol_round) first."""

    first: Proposal
    second: Proposal


class ContradictingHeaders(Record, tag=3):
    """Two headers that no honest producer signs both (LIP-14); lower block id first."""

    first: SignedHeader
    second: SignedHeader


Evidence = DuplicateVote | DuplicateProposal | ContradictingHeaders

Signable = Proposal | Vote | SignedHeader
"""All that a consensus key signs."""


def header_digest(header: Header) -> Hash32:
    """Return what the producer of a pos or dpos block signs; the header names network and era."""
    return tagged_hash(b"block-signature", block_id_of(header))


def heights_of(header: Header) -> tuple[int, int]:
    """Return (max_height_generated, max_height_prevoted) that a header claims; raises Invalid."""
    proof = header.proof
    if not isinstance(proof, StakeProof | SlotProof):
        raise Invalid("bad_evidence", "not a header of pos or dpos")
    return proof.max_height_generated, proof.max_height_prevoted


def are_contradicting(a: Header, b: Header) -> bool:
    """Return whether one honest producer cannot have made both blocks (LIP-14); raises Invalid."""
    claims = [(*heights_of(header), header.height) for header in (a, b)]
    if block_id_of(a) == block_id_of(b) or a.era != b.era:
        return False
    return claims_contradict(claims[0], claims[1])


def claims_contradict(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    """Return whether one honest producer cannot have made two different blocks of one era (LIP-14).

    Each is given as (max_height_generated, max_height_prevoted, height), and the smaller was made first.
    """
    (_, early_prevoted, early_height), (late_generated, late_prevoted, late_height) = sorted((a, b))
    if early_prevoted == late_prevoted and early_height >= late_height:
        return True  # left its branch for one that is not longer
    return early_height > late_generated or early_prevoted > late_prevoted


def vote_digest(genesis: bytes, vote: Vote) -> Hash32:
    """Return what a validator signs. All precommits for one block in one round sign the same bytes."""
    return vote_digest_of(genesis, vote.kind, vote.era, vote.height, vote.round, vote.block_id)


def vote_digest_of(genesis: bytes, kind: int, era: int, height: int, round_: int, block_id: bytes) -> Hash32:
    """Return the digest of a vote given by its fields."""
    return tagged_hash(b"vote", encode((genesis, kind, era, height, round_, block_id)))


def proposal_digest(genesis: bytes, proposal: Proposal) -> Hash32:
    """Return what a proposer signs."""
    p = proposal
    return tagged_hash(b"proposal", encode((genesis, p.era, p.height, p.round, p.pol_round, p.block_id)))


def evidence_key(evidence: Evidence) -> tuple[bytes, int, int]:
    """Return (signer, era, height): at most one punishment each (protocol: Evidence)."""
    first = evidence.first
    place = first.header if isinstance(first, SignedHeader) else first
    return first.signer, place.era, place.height


def evidence_kind(evidence: Evidence) -> str:
    """Return what was signed twice: `vote`, `proposal` or `header`."""
    match evidence:
        case DuplicateVote():
            return "vote"
        case DuplicateProposal():
            return "proposal"
        case ContradictingHeaders():
            return "header"


def evidence_turn(evidence: Evidence) -> int:
    """Return the round of a double vote or proposal, the slot of the first of two headers."""
    first = evidence.first
    if not isinstance(first, SignedHeader):
        return first.round
    proof = first.header.proof
    return proof.slot if isinstance(proof, StakeProof | SlotProof) else 0


def check_evidence(genesis: bytes, evidence: Evidence) -> None:
    """Raise Invalid(`bad_evidence`) unless both signatures are good and contradict each other."""
    if isinstance(evidence, ContradictingHeaders):
        s, t = evidence.first, evidence.second
        ids = block_id_of(s.header), block_id_of(t.header)
        same = (s.signer, s.header.proposer, s.header.genesis) == (t.signer, t.header.proposer, genesis)
        ordered = ids[0] < ids[1] and t.header.genesis == genesis and are_contradicting(s.header, t.header)
        digests = header_digest(s.header), header_digest(t.header)
    elif isinstance(evidence, DuplicateVote):
        a, b = evidence.first, evidence.second
        same = (a.kind, a.era, a.height, a.round, a.signer) == (b.kind, b.era, b.height, b.round, b.signer)
        ordered = a.block_id < b.block_id and a.kind in (PREVOTE, PRECOMMIT)
        digests = vote_digest(genesis, a), vote_digest(genesis, b)
    else:
        p, q = evidence.first, evidence.second
        same = (p.era, p.height, p.round, p.signer) == (q.era, q.height, q.round, q.signer)
        ordered = (p.block_id, p.pol_round) < (q.block_id, q.pol_round)
        digests = proposal_digest(genesis, p), proposal_digest(genesis, q)
    first, second = evidence.first, evidence.second
    if not (same and ordered):
        raise Invalid("bad_evidence", "the two do not contradict each other")
    if not (
        is_valid(first.signer, digests[0], first.signature)
        and is_valid(second.signer, digests[1], second.signature)
    ):
        raise Invalid("bad_evidence", "a signature does not verify")
