"""All that can happen to a node, and all it can ask of the world: two unions on one page.

The shell performs effects in list order; `Persist*` and `AskSignature` are durable before any later effect
of the same or a later list is performed. The simulator crashes nodes between any two effects.
"""

from typing import Final, dataclass_transform

import msgspec

from chaosnet.consensus.engine import AskSignature as SignatureRequest
from chaosnet.model.evidence import Evidence, Signable
from chaosnet.model.header import Header
from chaosnet.model.receipt import Outcome, Receipt

VIEW_BYTES_MAX: Final = 1024 * 1024
"""The longest window of the largest set fits, its weights changing in each of the shortest epochs."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Fact(msgspec.Struct, frozen=True):
    """Base of every event and effect."""


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────


class Started(Fact):
    """The world is ready; always the first event."""


class SubmitTransactions(Fact):
    """A local client hands in raw transactions; answered by Reply with the same ticket."""

    ticket: int
    raws: tuple[bytes, ...]


class Verified(Fact):
    """Answer to AskVerify: one verdict for each item, in order."""

    ticket: int
    verdicts: tuple[bool, ...]


class Connected(Fact):
    """A peer's transport is open and its key proven."""

    peer: bytes
    outbound: bool
    host: str
    port: int


class Received(Fact):
    """One frame's payload from a connected peer."""

    peer: bytes
    payload: bytes


class Disconnected(Fact):
    """A peer's transport is closed."""

    peer: bytes
    reason: str


class DialFailed(Fact):
    """An address did not answer, or not as the expected node."""

    host: str
    port: int
    reason: str


class TimerFired(Fact):
    """A timer has come due."""

    name: str


class SignatureMade(Fact):
    """Answer to AskSignature: the signed message, or None when the sign state refused."""

    unsigned: Signable
    message: Signable | None


class Answered(Fact):
    """Answer to AskAnswer; empty: this node has no key for it."""

    ticket: int
    answer: bytes


class Mined(Fact):
    """Answer to Mine: this nonce meets the target."""

    ticket: int
    nonce: int


class Written(Fact):
    """The block at this height is durable: sync goes no further ahead of the disk than it is told to."""

    height: int


class DialOrder(Fact):
    """The operator wants a connection."""

    host: str
    port: int


class DiskLow(Fact):
    """Free space fell below the floor: stop taking part."""

    free_bytes: int


Event = (
    Started
    | SubmitTransactions
    | Verified
    | Connected
    | Received
    | Disconnected
    | DialFailed
    | TimerFired
    | SignatureMade
    | Answered
    | Mined
    | Written
    | DialOrder
    | DiskLow
)

# ── effects ──────────────────────────────────────────────────────────────────────────────────────────────


class PersistCandidate(Fact):
    """Make a block's bytes durable before this node locks on it, or says a block of a tail."""

    height: int
    block_id: bytes
    block: bytes
    """Encoded Block; of a tail: encoded SealedBlock."""


class PersistBlock(Fact):
    """Commit one block in one durable transaction: block, seal, receipts, state changes, undo, head."""

    height: int
    block_id: bytes
    header: Header
    block: bytes
    """Encoded Block."""
    seal: bytes
    receipts: tuple[Receipt, ...]
    tx_ids: tuple[bytes, ...]
    changes: dict[bytes, bytes | None]
    """State key -> new value; None deletes."""
    undo: dict[bytes, bytes | None]
    """State key -> value before."""
    touched: tuple[bytes, ...]
    """Addresses whose account a transaction of the block names, for the history index: one entry per
    (transaction position, address) as 4-byte big-endian position followed by the address."""
    final_height: int = -1
    """Of the newest final block; -1: this one is."""
    view: bytes = b""
    """What a branching engine remembers at this block, opaque to storage; at most VIEW_BYTES_MAX."""
    outcomes: tuple[Outcome, ...] = ()
    """What each transaction left behind beside its receipt; empty when none did."""


class RollBack(Fact):
    """Make the canonical block at this height the head again: undo what is above, never what is final."""

    height: int


class PersistEvidence(Fact):
    """Keep proof of a double signature for the operator."""

    evidence: Evidence


class PersistTrust(Fact):
    """Keep what is known of this node's trust, in place of what was kept before."""

    trust: bytes
    """Opaque to storage (kernel/trust.py)."""


class SendMessage(Fact):
    """Queue one frame for a peer."""

    peer: bytes
    stream: int
    payload: bytes


class Dial(Fact):
    """Open a connection; the expected node id may be empty."""

    host: str
    port: int
    node_id: bytes


class ClosePeer(Fact):
    """Close a connection."""

    peer: bytes
    reason: str


class SetTimer(Fact):
    """Fire once at this time; setting the same name again replaces it."""

    name: str
    at_ms: int


class AskVerify(Fact):
    """Verify signatures outside the event loop; answered by Verified. Each item is all signatures of one
    transaction, as (public key, message, signature).
    """

    ticket: int
    items: tuple[tuple[tuple[bytes, bytes, bytes], ...], ...]
    is_for_block: bool = False
    """A block waits for it, not a transaction: the more urgent kind."""


class AskSignature(Fact):
    """Record in the sign state, then sign; answered by SignatureMade."""

    request: SignatureRequest


class AskAnswer(Fact):
    """Ask the holder of a secret; answered by Answered. The same answer each time: nothing is recorded."""

    ticket: int
    kind: str
    """`lottery`: the VRF proof of the question. `reveal`: the layer under the question in this key's hash
    onion, the outermost when the question is empty.
    """
    question: bytes


class Mine(Fact):
    """Search a nonce until the next Mine or Rest; answered by Mined."""

    ticket: int
    pre_hash: bytes
    target: int


class Rest(Fact):
    """Mine no more."""


class Reply(Fact):
    """Answer to SubmitTransactions: (transaction id, code, detail) each; code `ok` means accepted."""

    ticket: int
    verdicts: tuple[tuple[bytes, str, str], ...]


class Report(Fact):
    """Something people or metrics may want to know; performed in order, so after what it speaks of."""

    fact: "ReportFact"


class HeadMoved(Fact):
    """A block was committed and is durable."""

    height: int
    block_id: bytes
    header: Header
    size_bytes: int
    is_final: bool
    sealed_round: int
    ours: bool
    """This node proposed it."""
    tx_ids: tuple[bytes, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    """As in PersistBlock."""


class Reorganised(Fact):
    """The chain left a branch for another that counts more."""

    old_height: int
    old_id: bytes
    new_height: int
    new_id: bytes
    common_height: int
    """Of the last block of both."""
    dropped: tuple[bytes, ...]
    """Ids of transactions that the new branch does not hold."""


class Finalised(Fact):
    """A block, with all before it, can no longer be undone."""

    height: int
    block_id: bytes


class TransactionsPending(Fact):
    """Transactions entered the mempool."""

    tx_ids: tuple[bytes, ...]


class RoundMoved(Fact):
    """The engine entered a round or step."""

    height: int
    round: int
    step: str


class PeerNote(Fact):
    """A peer was admitted, refused, penalised, banned or lost."""

    peer: bytes
    what: str
    """`admitted` | `refused` | `penalised` | `banned` | `closed`."""
    code: str


class BlockRefused(Fact):
    """A block broke a rule."""

    block_id: bytes
    height: int
    code: str
    detail: str


class DoubleSign(Fact):
    """Somebody signed twice."""

    signer: bytes
    height: int


class TrustJudged(Fact):
    """The node is in doubt about its chain, or no more."""

    is_trusted: bool
    detail: str
    """What the operator can do about it."""


class Halted(Fact):
    """The node stopped taking part."""

    code: str
    detail: str


ReportFact = (
    HeadMoved
    | Reorganised
    | Finalised
    | TransactionsPending
    | RoundMoved
    | PeerNote
    | BlockRefused
    | DoubleSign
    | TrustJudged
    | Halted
)

Effect = (
    PersistCandidate
    | PersistBlock
    | RollBack
    | PersistEvidence
    | PersistTrust
    | SendMessage
    | Dial
    | ClosePeer
    | SetTimer
    | AskVerify
    | AskSignature
    | AskAnswer
    | Mine
    | Rest
    | Reply
    | Report
)
