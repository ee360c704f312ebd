"""Requests and results of the interface: the only types the faces know.

JSON conventions: hashes, keys and raw bytes are lower-case hex; addresses are bech32m; amounts are decimal
strings of motes (never numbers: tokens may pass 2^53); times are Unix milliseconds.
"""

from typing import Annotated, dataclass_transform

import msgspec

from chaosnet.base.limits import BATCH_TXS_MAX, TX_BYTES_MAX

RawHex = Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": 2 * TX_BYTES_MAX})]
"""Canonical bytes of a transaction in hex; longer ones get the verdict `too_large`."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every JSON object of the interface."""


class Problem(Shape):
    """RFC 9457 problem document; `code` is a stable word of `chaosnet.base.errors.CODES`."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""


# ── the node ─────────────────────────────────────────────────────────────────────────────────────────────


class MemberStatus(Shape):
    """One member of the network as this node sees it."""

    name: str
    operator: str
    role: str
    is_self: bool
    is_connected: bool
    last_heard_ms: int | None = None
    """Unix time of its last vote or status; None: never."""


class ConsensusStatus(Shape):
    """Where agreement on the next block stands."""

    engine: str
    finality: str
    """`immediate` | `gadget` | `depth`."""
    era: int
    height: int
    """Being agreed on."""
    round: int
    step: str
    """`wait` | `propose` | `prevote` | `precommit` | `commit`."""
    proposer: str
    validators: int
    needed: int
    """Validators that must take part."""
    is_validator: bool
    """This node's key is in the current set."""


class Health(Shape):
    """Alive, and what is wrong if anything. `reason` is for people; `code` for programs."""

    is_healthy: bool
    phase: str
    """`starting` | `syncing` | `running` | `halted` | `stopping`."""
    code: str = ""
    """Empty, or `quorum_lost` | `syncing` | `stalled` | `disk_full` | `no_peers` | an error code."""
    reason: str = ""
    """For example: 2 of 4 members silent, 3 needed."""
    since_ms: int | None = None
    """Unix time since when."""
    progress: int = 100
    """Percent of start-up or sync done."""


class Status(Shape):
    """Everything a dashboard needs of one node."""

    name: str
    software: str
    chain_name: str
    genesis: str
    address_prefix: str
    node_id: str
    rule: int
    rules_known: list[int]
    height: int
    """Of the head."""
    tip: str
    """Block id of the head."""
    state_root: str
    tip_time_ms: int
    final_height: int
    final_id: str
    now_ms: int
    started_ms: int
    peers: int
    clock_offset_ms: int | None
    """Median of the peers' clocks minus this node's."""
    mempool_txs: int
    mempool_bytes: int
    best_height: int
    """Highest height a peer claims."""
    trust: str
    """`genesis` | `pinned` | `untrusted`."""
    submit: str
    """`public` | `admin` | `off`."""
    consensus: ConsensusStatus
    health: Health
    members: list[MemberStatus] = []
    block_interval_ms: int | None = None
    """Median of the last intervals between blocks that had transactions waiting; None: too few."""
    txs_total: int = 0


class Peer(Shape):
    """One connection; addresses appear on the operator listener only."""

    node_id: str
    member: str
    """Name in the membership, or empty."""
    is_outbound: bool
    height: int
    round: int
    offset_ms: int
    software: str
    since_ms: int
    address: str = ""


class PeerList(Shape):
    """Connections of this node."""

    peers: list[Peer]


# ── the chain ────────────────────────────────────────────────────────────────────────────────────────────


class BlockSummary(Shape):
    """One line of a block list."""

    height: int
    id: str
    parent: str
    time_ms: int
    proposer: str
    proposer_name: str
    tx_count: int
    gas_used: int
    size_bytes: int
    engine: str
    era: int
    round: int
    is_final: bool
    state_root: str


class TransactionSummary(Shape):
    """One line of a transaction list."""

    id: str
    height: int
    position: int
    sender: str
    nonce: int
    code: str
    fee: str
    actions: list[str]
    """Kinds, for example `transfer`."""
    to: str = ""
    """Receiver of the first transfer."""
    amount: str = "0"
    """Motes moved by all transfers of it."""
    time_ms: int = 0


class Block(Shape):
    """A block with its header fields, seal and transactions."""

    summary: BlockSummary
    rule: int
    tx_root: str
    receipts_root: str
    validators_hash: str
    next_validators_hash: str
    parent_seal_hash: str
    header: str
    """Canonical bytes, hex."""
    seal: str
    signers: list[str]
    """Names of the validators whose signatures are in the seal."""
    transactions: list[TransactionSummary]
    """At most 100; page with `/v1/blocks/{id}/transactions`."""


class BlockList(Shape):
    """Newest first."""

    blocks: list[BlockSummary]
    next: int | None = None
    """Height to pass as `from` for the next page."""


class TransactionList(Shape):
    """Transactions of a block (in order) or an account (newest first)."""

    transactions: list[TransactionSummary]
    next: str | None = None
    """Cursor for the next page."""


class Transaction(Shape):
    """A transaction and what became of it."""

    id: str
    status: str
    """`pending` | `included` | `final`."""
    raw: str
    body: dict[str, object]
    """The body's fields by name."""
    height: int | None = None
    block_id: str | None = None
    position: int | None = None
    time_ms: int | None = None
    code: str | None = None
    gas: int | None = None
    fee: str | None = None
    summary: TransactionSummary | None = None


class LockStatus(Shape):
    """One time-locked amount."""

    amount: str
    claimed: str
    released: str
    """Of `amount`, by now."""
    next_release_ms: int | None


class Account(Shape):
    """State of one account at a block."""

    address: str
    exists: bool
    nonce: int
    balance: str
    """Spendable now: free plus released."""
    locked: str
    """Not yet released."""
    total: str
    policy_hash: str
    """Empty: the initial policy."""
    locks: list[LockStatus]
    height: int
    block_id: str
    pending_nonce: int
    """Nonce for the next transaction, counting pending ones."""


class SetChange(Shape):
    """A header after which another validator set seals, and that set; both canonical bytes in hex.

    Asked for with `trusted_height`, a proof's first one holds the header of that very block, and the set it
    names next, changed or not; its seal is not needed.
    """

    header: str
    seal: str
    validators: str


class AccountProof(Shape):
    """Self-contained proof of one account: check it from the genesis hash or a pinned block (protocol: Trust)."""

    address: str
    key: str
    """State key."""
    value: str | None
    """Encoded account, or None: absent."""
    proof: str
    """ICS-23 CommitmentProof, protobuf bytes."""
    header: str
    seal: str
    validators: str
    """The set that sealed `header`."""
    set_changes: list[SetChange]
    genesis: str
    """Canonical bytes of the genesis, to start from its hash; empty when asked from a pinned block."""


class Params(Shape):
    """On-chain parameters and the schedule."""

    genesis: str
    chain_name: str
    address_prefix: str
    params: dict[str, int]
    schedule: list[dict[str, object]]
    supply: str
    rule: int
    gas: dict[str, int]
    """Prices of the rule set, by name."""


class GenesisDocument(Shape):
    """The genesis as a node knows it."""

    hash: str
    document: dict[str, object]
    """As `genesis.json`."""


class SearchResult(Shape):
    """What a search text is."""

    kind: str
    """`block` | `transaction` | `account` | `none`."""
    key: str


class EvidenceItem(Shape):
    """One proof of a double signature."""

    kind: str
    signer: str
    member: str
    era: int
    height: int
    round: int
    on_chain: bool
    evidence: str
    """Canonical bytes, hex: the argument of an `accuse` action."""


class EvidenceList(Shape):
    """Evidence this node holds or the chain records."""

    evidence: list[EvidenceItem]


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────


class SubmitRequest(Shape, forbid_unknown_fields=True):
    """One raw transaction, hex."""

    raw: RawHex


class BatchRequest(Shape, forbid_unknown_fields=True):
    """At most 1,000 raw transactions, hex."""

    raws: Annotated[list[RawHex], msgspec.Meta(extra_json_schema={"maxItems": BATCH_TXS_MAX})]


class Verdict(Shape):
    """What became of one submitted transaction: `ok` = pending here."""

    id: str
    code: str
    detail: str = ""


class BatchResult(Shape):
    """One verdict for each transaction, in order."""

    verdicts: list[Verdict]


class Simulation(Shape):
    """Outcome of a dry run on the present state."""

    code: str
    detail: str
    gas: int
    fee: str


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────


class BlockEvent(Shape, tag="block", tag_field="event"):
    """A block became the head (SSE event `block`)."""

    block: BlockSummary
    tx_ids: list[str]


class ReorgEvent(Shape, tag="reorg", tag_field="event"):
    """Blocks above `common_height` were replaced (never under immediate finality)."""

    common_height: int
    dropped: list[str]


class FinalEvent(Shape, tag="final", tag_field="event"):
    """Finality advanced."""

    height: int
    id: str


class PendingEvent(Shape, tag="pending", tag_field="event"):
    """Transactions entered the mempool."""

    tx_ids: list[str]


class HealthEvent(Shape, tag="health", tag_field="event"):
    """Health changed."""

    health: Health


class RoundEvent(Shape, tag="round", tag_field="event"):
    """The engine moved."""

    height: int
    round: int
    step: str


class ResetEvent(Shape, tag="reset", tag_field="event"):
    """Events were missed that the node no longer holds: read again whatever is shown."""


class ClosedEvent(Shape, tag="closed", tag_field="event"):
    """Last event of a stream that the node ends; connecting again with the last id goes on from there."""

    code: str
    """`overloaded`: over 1,000 events were waiting for this reader; `shutdown`: the node stops."""


StreamEvent = (
    BlockEvent
    | ReorgEvent
    | FinalEvent
    | PendingEvent
    | HealthEvent
    | RoundEvent
    | ResetEvent
    | ClosedEvent
)
