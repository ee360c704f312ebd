"""The chain: blocks, transactions, accounts, proofs."""

import msgspec

from chaosnet.rpc.schema.node import Shape


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


class ContractEvent(Shape):
    """What a contract said in a transaction."""

    contract: str
    name: str
    values: list[object]
    index: int
    tx_id: str
    height: int


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
    events: list[ContractEvent] = msgspec.field(default_factory=list)
    """What contracts said in it."""
    returns: list[object] = msgspec.field(default_factory=list)
    """Value that each deployment (the contract's address) and each call returned (`rpc.schema.values`)."""
    text: str = ""
    """What a contract said when it failed."""
    failed_at: int | None = None
    """Position of the action that failed."""


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
    """Self-contained proof of one account: check it with `chaosnet.rpc.lightclient` (protocol: Trust)."""

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
