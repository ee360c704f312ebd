"""Contracts, their storage and events, and tokens. Values are in the form of `rpc.schema.values`."""

from chaosnet.rpc.schema.chain import ContractEvent, SetChange
from chaosnet.rpc.schema.node import Shape


class ContractSummary(Shape):
    """One line of a list of contracts."""

    address: str
    name: str
    """As its interface declares; not unique."""
    version: str
    engine: str
    creator: str
    height: int


class Contract(Shape):
    """A contract on the chain."""

    summary: ContractSummary
    source: str
    source_hash: str
    interface: dict[str, object]
    """As the source declared it: methods, events, errors, storage, permissions."""
    interface_hash: str
    load_fuel: int
    """What loading it took; each call pays a part."""
    balance: str
    """Motes it holds."""


class ContractList(Shape):
    """Newest first."""

    contracts: list[ContractSummary]
    next: str | None = None


class StorageEntry(Shape):
    """One entry of a contract's storage."""

    key: list[object]
    """Declared name, then the parts."""
    value: object
    rate: int
    """Motes a byte that are locked for it."""


class StorageList(Shape):
    """Entries in the order of their keys."""

    entries: list[StorageEntry]
    next: str | None = None
    """Key to pass as `after`, as JSON."""


class StorageProof(Shape):
    """An entry of a contract's storage, or its absence, proved like an account: see AccountProof."""

    contract: str
    storage_key: list[object]
    key: str
    """Key in the state tree (hex)."""
    value: str | None
    """What the tree holds there (hex): canonical list of the deposit's rate and the value; None: absent."""
    proof: str
    header: str
    seal: str
    validators: str
    set_changes: list[SetChange]
    genesis: str


class EventProof(Shape):
    """One event, proved against a header: event in the events root, receipt in the header's receipts root.

    Roots are RFC 9162 trees over the encoded items; `*_path` are the hashes of an audit path (hex), from the
    leaf up.
    """

    event: str
    """Encoded Event (hex)."""
    event_index: int
    events_count: int
    event_path: list[str]
    receipt: str
    """Encoded Receipt (hex): names the transaction and the events root."""
    position: int
    """Of the transaction in its block."""
    receipts_count: int
    receipt_path: list[str]
    header: str
    """Of the block (hex); its certificate and the way from a trusted block are those of an AccountProof."""
    seal: str
    validators: str
    set_changes: list[SetChange]
    genesis: str


class EventList(Shape):
    """Newest first."""

    events: list[ContractEvent]
    next: str | None = None


class Query(Shape):
    """A question to a contract: nothing changes, nothing is paid."""

    method: str
    args: list[object]
    caller: str = ""
    """Address that `ctx.caller` is; empty: nobody's."""
    gas: int = 0
    """Most gas to use; 0: what the node allows."""


class Answer(Shape):
    """What a contract answered."""

    code: str
    """`ok` or the code of the failure."""
    value: object = None
    text: str = ""
    """What the contract said when it failed."""
    gas: int = 0
    height: int = 0
    """Of the state it was asked about."""


class Holding(Shape):
    """How much of a token somebody has."""

    token: str
    symbol: str
    decimals: int
    amount: str
    holder: str
    is_frozen: bool = False


class HoldingList(Shape):
    """In the order of tokens or holders."""

    holdings: list[Holding]
    next: str | None = None


class TokenTransfer(Shape):
    """Tokens that changed hands, by a transaction's own action or inside a contract."""

    source: str
    """Empty: they were made."""
    to: str
    """Empty: they were destroyed."""
    amount: str
    tx_id: str
    height: int


class TokenTransferList(Shape):
    """Newest first."""

    transfers: list[TokenTransfer]
    next: str | None = None


class TokenReserve(Shape):
    """Coins behind a token: so many motes for so many of it."""

    motes_part: str
    token_part: str
    fee: int
    """Ten-thousandths of what comes out that stay."""
    withdraw: str
    """Who may take motes out; empty: nobody."""
    motes: str


class Token(Shape):
    """A token of the chain. Symbols are not unique: the id is what names it."""

    id: str
    symbol: str
    name: str
    decimals: int
    issuer: str
    """Contract that made it."""
    supply: str
    supply_max: str
    rights: dict[str, str]
    """`issue`, `freeze`, `pause`, `clawback`: who holds each; absent when nobody does."""
    is_paused: bool
    reserve: TokenReserve | None


class TokenList(Shape):
    """In the order of ids."""

    tokens: list[Token]
    next: str | None = None
