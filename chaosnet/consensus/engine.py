"""The engine protocol: what the kernel gives an engine, and what an engine asks of the kernel.

An engine is a deterministic state machine. `step` takes one `Given` and the time, and returns what it asks
for, in the order it must be done. It knows no peers, no disk, no keys and no ledger.
"""

from enum import Enum
from typing import Protocol, dataclass_transform

import msgspec

from chaosnet.model.block import ValidatorSet
from chaosnet.model.evidence import Evidence, Proposal, Signable, Vote
from chaosnet.model.genesis import ChainParams
from chaosnet.model.header import Header


class Finality(Enum):
    """When a block can no longer be undone."""

    IMMEDIATE = "immediate"
    GADGET = "gadget"
    DEPTH = "depth"


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Fact(msgspec.Struct, frozen=True):
    """Base of everything that crosses the engine's border."""


class Resume(Fact):
    """What the sign state remembers of this key's latest votes, handed over at start-up."""

    era: int
    locked_height: int
    """Height of the lock below; 0: no lock."""
    locked_round: int
    locked_block: bytes
    own: tuple[Proposal | Vote, ...]
    """Latest signed proposal, prevote and precommit, to be sent again unchanged."""
    proof: tuple[tuple[bytes, bytes], ...] = ()
    """Key and signature of each prevote that justified the lock."""
    max_height_generated: int = 0
    """Greatest height of a header this key has signed in `generated_era`; 0: of none."""
    generated_era: int = 0
    signed: tuple[Signable, ...] = ()
    """Latest signed message of each kind, headers too, in the order of signing."""
    is_listening: bool = False
    """The key may be in use elsewhere: listen to others before signing anything."""


# ── given ────────────────────────────────────────────────────────────────────────────────────────────────


class HeadChanged(Fact):
    """The chain has a new head; the engine works on the height after it."""

    header: Header
    block_id: bytes
    era: int
    validators: ValidatorSet
    """The set that seals the next block."""
    params: ChainParams
    work_waiting: bool
    """Includable transactions are waiting."""
    seed: bytes = b""
    """Of the epoch, where there are epochs."""


class WorkWaiting(Fact):
    """Includable transactions are waiting now (given once per head at least)."""


class CandidateBuilt(Fact):
    """Answer to BuildCandidate: a block of this node's own, executed and valid."""

    height: int
    round: int
    block_id: bytes
    time_ms: int


class CandidateChecked(Fact):
    """Answer to CheckCandidate."""

    block_id: bytes
    is_valid: bool
    time_ms: int
    proposal_round: int
    """Round in the block's proof; the block's time is judged only in that round."""


class PeerSaid(Fact):
    """A message of another validator, not yet verified. For a proposal the kernel holds the block already."""

    message: Proposal | Vote


class TimerFired(Fact):
    """A timer the engine set has come due."""

    name: str
    height: int
    round: int


class Signed(Fact):
    """Answer to AskSignature. `message` is None when the sign state refused."""

    unsigned: Proposal | Vote
    message: Proposal | Vote | None


Given = HeadChanged | WorkWaiting | CandidateBuilt | CandidateChecked | PeerSaid | TimerFired | Signed

# ── asked ────────────────────────────────────────────────────────────────────────────────────────────────


class BuildCandidate(Fact):
    """Build, execute and keep a block for this height and round; answer CandidateBuilt."""

    height: int
    round: int


class CheckCandidate(Fact):
    """Verify and execute a block that a peer proposed; answer CandidateChecked."""

    block_id: bytes


class Say(Fact):
    """Send to all validators (and flood)."""

    message: Proposal | Vote


class SetTimer(Fact):
    """Answer TimerFired at this time, unless set again under the same name before."""

    name: str
    height: int
    round: int
    at_ms: int


class AskSignature(Fact):
    """Record, then sign. The lock is recorded with the vote, in the same durable write."""

    unsigned: Signable
    """`signature` is empty, unless `is_seen`."""
    locked_height: int
    locked_round: int
    locked_block: bytes
    """Block id, or empty: no lock."""
    proof: tuple[tuple[bytes, bytes], ...] = ()
    """With the precommit that locks: key and signature of each prevote that justifies it."""
    is_seen: bool = False
    """`unsigned` is a signature of this key that was made elsewhere: record it, sign nothing."""


class KeepCandidate(Fact):
    """Make the block's bytes durable: this node is about to lock on it."""

    block_id: bytes


class BlockSealed(Fact):
    """The block has its certificate: commit it."""

    block_id: bytes
    seal: bytes


class Accused(Fact):
    """Proof that a validator signed twice."""

    evidence: Evidence


class RoundEntered(Fact):
    """For status and metrics."""

    height: int
    round: int
    step: str


Asked = (
    BuildCandidate
    | CheckCandidate
    | Say
    | SetTimer
    | AskSignature
    | KeepCandidate
    | BlockSealed
    | Accused
    | RoundEntered
)


class RoundState(Fact):
    """Where an engine stands: exchanged between peers every second, and shown to people."""

    era: int
    height: int
    round: int
    step: str
    """`wait` | `propose` | `prevote` | `precommit` | `commit`."""
    has_proposal: bool
    prevotes: int
    """Bit i: holds the prevote of validator i for this round."""
    precommits: int


class Engine(Protocol):
    """One consensus engine of a node. The kernel owns it and is the only caller."""

    name: str
    finality: Finality

    def check_seal(self, header: Header, seal: bytes, validators: ValidatorSet, seed: bytes = b"") -> None:
        """Raise InvalidBlock(`bad_seal`, `bad_header`, `bad_proposer`) unless the seal fits the block.

        `seed` is that of the block's epoch, where there are epochs.
        """
        ...

    def weight(self, header: Header) -> int:
        """Return what the block adds to its branch in the fork choice."""
        ...

    def step(self, given: Given, now: int) -> list[Asked]:
        """Take one event; return what to do, in order. Bad input from outside never raises."""
        ...

    def wants(self, message: Proposal | Vote) -> bool:
        """Return whether the message, if genuine, would count or prove a contradiction; verifies nothing."""
        ...

    def is_genuine(self, message: Proposal | Vote) -> bool:
        """Return whether its signer signed the message; a good signature is verified once."""
        ...

    def remembers(self, block_id: bytes) -> bool:
        """Return whether a verdict on this block is held or awaited: the kernel must keep the block."""
        ...

    def proposer(self, height: int, round_: int) -> bytes:
        """Return the operator address whose turn it is, in the current set."""
        ...

    def round_state(self) -> RoundState:
        """Return where the engine stands."""
        ...

    def votes_behind(self, proposal: Proposal) -> tuple[Vote, ...]:
        """Return the prevotes that justify a proposal of a block once more; empty for a new block."""
        ...

    def missing_for(self, theirs: RoundState, limit: int) -> list[Proposal | Vote]:
        """Return messages of this height that a peer in that state lacks, at most `limit`."""
        ...
