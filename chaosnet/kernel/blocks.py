"""A block in the kernel: on its way to being executed, and executed, with what its state says of the next."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaosnet.base.units import TxHash
from chaosnet.consensus.branching import View
from chaosnet.consensus.engine import CheckCandidate
from chaosnet.ledger.apply import Applied
from chaosnet.ledger.state import State
from chaosnet.model.block import Block, ValidatorSet
from chaosnet.model.epoch import Epoch
from chaosnet.model.genesis import ChainParams, Member
from chaosnet.model.header import Header
from chaosnet.model.transaction import SignedTx
from chaosnet.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Head:
    """The newest committed block of this node, and what follows from its state."""

    header: Header
    block_id: bytes
    seal: bytes
    state: State
    validators: ValidatorSet
    """The set that seals the next block."""
    sealed_by: ValidatorSet
    """The set that sealed this block."""
    params: ChainParams
    rules: RuleSet
    """In force for the next block."""
    members: tuple[Member, ...]
    epoch: Epoch | None = None
    """In force for the next block, under engines that elect their validators."""
    view: View | None = None
    """What a branching engine remembers at this block."""
    sealed_in: Epoch | None = None
    """The epoch in which this block was sealed."""


@dataclass(slots=True)
class Candidate:
    """A proposed block on its way to being executed: once, whoever asks."""

    block: Block
    block_id: bytes
    raw: bytes
    source: bytes
    """Peer it came from; empty: our own."""
    hashes: Sequence[TxHash] = ()
    """Of the transactions' full bytes, when known."""
    txs: tuple[SignedTx, ...] = ()
    applied: Applied | None = None
    refused: str = ""
    """Error code when it broke a rule."""
    waiting_for: int = 0
    """Ticket of the signature check that must answer first."""
    asked: CheckCandidate | None = None
    """The engine's question to answer when done."""
    seal: bytes = b""
    """Set when the block is already sealed: commit when executed."""
    since_ms: int = 0
    """When this node began to build it; 0: it did not."""
