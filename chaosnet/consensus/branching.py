"""The protocol of engines whose chain can fork: pow, pos and dpos.

Such an engine is a set of pure functions over headers. The kernel keeps the tree of blocks, asks whether a
header may stand where it does, which tip counts most and how far the chain is final, and when this node
may make a block itself.
"""

from collections.abc import Callable
from typing import Protocol, dataclass_transform

import msgspec

from chaosnet.base.codec import Record
from chaosnet.consensus.engine import Finality
from chaosnet.model.block import ValidatorSet
from chaosnet.model.epoch import Epoch
from chaosnet.model.genesis import ChainParams
from chaosnet.model.header import Header, Proof


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Fact(msgspec.Struct, frozen=True):
    """Base of everything that crosses the engine's border."""


class Work(Record, tag=1):
    """What a pow branch has cost so far."""

    total: bytes
    """Expected hashes since the era began, a big-endian integer."""
    final_height: int


class BlockVotes(Record):
    """Votes for one block that headers after it imply (LIP-14)."""

    height: int
    proposer: bytes
    """Operator."""
    max_height_generated: int
    max_height_prevoted: int
    prevotes: int
    """Sum of weights, by the set of this height."""
    precommits: int


class SetWeights(Record):
    """Weights of a validator set, which decide over the blocks from one height up to the next change."""

    from_height: int
    total: int
    weights: tuple[tuple[bytes, int], ...]
    """(operator, weight) in ascending operator order."""


class VoterRecord(Record):
    """What is remembered of one validator of the latest set (LIP-14)."""

    operator: bytes
    active_from: int
    """First height of its present uninterrupted membership (LIP-14 minHeightActive)."""
    precommitted: int
    """Greatest height it has precommitted."""


class Ballot(Record, tag=2):
    """The finality gadget's count at one block (LIP-14)."""

    blocks: tuple[BlockVotes, ...]
    """In ascending height without gaps."""
    sets: tuple[SetWeights, ...]
    """In ascending height; the first covers the first of the blocks."""
    voters: tuple[VoterRecord, ...]
    """In ascending operator order."""
    max_height_prevoted: int
    """Greatest height with more than two thirds of prevotes."""
    final_height: int
    """Greatest height with more than two thirds of precommits."""


View = Work | Ballot
"""What an engine remembers at one block of a branch: a value, kept beside the block."""


class Parent(Fact):
    """The block that the next one builds on, and what its branch says of the next one."""

    header: Header
    block_id: bytes
    era: int
    """Of the next block."""
    era_height: int
    """Height of the last block before that era; it counts as final."""
    era_time_ms: int
    """Time of that block."""
    validators: ValidatorSet
    """The set for the next block."""
    params: ChainParams
    epoch: Epoch | None
    """Under pos and dpos."""
    view: View | None
    """After this block; None on the last block before the era."""
    ancestor: Callable[[int], Header]
    """Height -> header on this branch, down to the era's start."""


class Turn(Fact):
    """A block that this node may make."""

    at_ms: int
    """Not before this time; under pos and dpos exactly the block's time."""
    slot: int
    """0 under pow."""
    question: bytes
    """What the key holder must answer first: the lottery's input under pos; else empty."""
    proposer: bytes = b""
    """Operator whose turn it is; empty under pow."""


class Slots(Fact):
    """Slots of a leader schedule: for faces and missed-slot accounting."""

    first: int
    leaders: tuple[bytes, ...]
    """Operator of slot first + i."""


class BranchEngine(Protocol):
    """One engine of a node. Functions are pure; the kernel is the only caller."""

    name: str
    finality: Finality

    def check(self, header: Header, seal: bytes, parent: Parent) -> None:
        """Raise InvalidBlock unless the header with its seal may follow this parent.

        Codes: `bad_header`, `bad_proposer`, `bad_seal`, `bad_time`. What all engines share is checked before.
        """
        ...

    def follow(self, header: Header, parent: Parent) -> View:
        """Return the view after a block that `check` let pass."""
        ...

    def score(self, view: View, header: Header) -> tuple[int, ...]:
        """Return what orders tips: the greater wins; equal: the one seen first."""
        ...

    def claim(self, score: tuple[int, ...]) -> int:
        """Return the score as one number below 2^256, for peers to compare roughly."""
        ...

    def earliest_ms(self, header: Header) -> int:
        """Return the time on the local clock before which a block has to wait; not part of validity."""
        ...

    def next_turn(self, parent: Parent, own_operator: bytes, after_ms: int) -> Turn | None:
        """Return this node's next chance at a time > after_ms; None: it has none on this parent.

        Under pos every slot is one until the answer of the lottery shows.
        """
        ...

    def proof(self, parent: Parent, turn: Turn, answer: bytes, max_height_generated: int) -> Proof | None:
        """Return the proof for a block of our own; None when the turn is not ours after all (pos)."""
        ...

    def puzzle(self, header: Header) -> tuple[bytes, int]:
        """Return (pre-hash, target) for the miner: pow_hash(pre-hash, nonce) must not exceed the target; only
        under pow.
        """
        ...

    def entropy(self, header: Header) -> bytes:
        """Return what the block adds to the seed of the next epoch; empty under pow."""
        ...

    def missed(self, header: Header, parent: Parent) -> tuple[tuple[bytes, int], ...]:
        """Return (operator, slots) that passed unused between the parent and this block, where leaders are
        known in advance (dpos), in operator order.
        """
        ...
