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


class DuplicateVote(Record, tag=1):
    """Two votes of one key for one (era, height, round, kind) and different blocks; lower block id first."""

    first: Vote
    second: Vote


class DuplicateProposal(Record, tag=2):
    """Two proposals of one key for one (era, height, round); lower (block id, pol_round) first."""

    first: Proposal
    second: Proposal


Evidence = DuplicateVote | DuplicateProposal


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
    return first.signer, first.era, first.height


def check_evidence(genesis: bytes, evidence: Evidence) -> None:
    """Raise Invalid(`bad_evidence`) unless both signatures are good and contradict each other."""
    if isinstance(evidence, DuplicateVote):
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
