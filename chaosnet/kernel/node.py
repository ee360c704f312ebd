"""The state of one node: everything `step` reads and changes, with a single owner and no hidden parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chaosnet.base.dice import Dice
from chaosnet.base.limits import PROOF_HEIGHTS
from chaosnet.base.units import TxHash
from chaosnet.consensus.engine import CheckCandidate, Engine, RoundState
from chaosnet.kernel.events import Effect
from chaosnet.kernel.mempool import Mempool
from chaosnet.kernel.ports import ChainReader
from chaosnet.ledger.apply import Applied
from chaosnet.ledger.context import Context
from chaosnet.ledger.state import State
from chaosnet.model.block import Block, ValidatorSet
from chaosnet.model.genesis import ChainParams, Genesis, Member
from chaosnet.model.header import Header
from chaosnet.model.transaction import SignedTx
from chaosnet.protocol.gossip import TxGossip
from chaosnet.protocol.messages import PeerAddress
from chaosnet.protocol.peers import AddressBook
from chaosnet.protocol.serving import BlockServer
from chaosnet.protocol.session import Sessions
from chaosnet.protocol.sync import BlockSync
from chaosnet.rules.ruleset import RuleSet

Apply = Callable[[State, Context, tuple[SignedTx, ...], bytes], Applied]
"""(parent state, context, transactions, block id) -> what the block does; raises InvalidBlock."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Local choices of one node."""

    genesis: Genesis
    node_id: bytes
    seed: bytes
    """Of the dice: peer choice and jitter."""
    consensus_key: bytes | None = None
    """Public key this node signs with; None: it only follows."""
    listen_port: int = 0
    bootstrap: tuple[PeerAddress, ...] = ()
    software: str = "chaosnet"
    peer_slots: int = 16
    """Outbound connections beyond validators and bootstrap nodes."""
    pinned: tuple[int, bytes] | None = None
    """(height, block id) the operator trusts: a chain with another block there is refused."""
    members_only: bool = False
    """Refuse peers whose node key is not in the membership."""
    unwritten_max: int = 0
    """Blocks that sync may be ahead of the disk; 0: any number, where nobody tells what is written."""


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


@dataclass(slots=True)
class Published:
    """One committed height kept for reads and proofs."""

    header: Header
    block_id: bytes
    seal: bytes
    state: State
    sealed_by: ValidatorSet


@dataclass(slots=True)
class Intake:
    """Transactions whose signatures are being verified."""

    txs: tuple[SignedTx, ...]
    source: bytes
    """Peer; empty: a local client."""
    reply: int
    """Ticket of the client's request; 0: none."""
    verdicts: list[tuple[bytes, str, str]]
    """One for each transaction of the request; those being verified are filled in later."""
    places: tuple[int, ...]
    """Position of each of `txs` in `verdicts`."""


@dataclass(slots=True)
class Node:
    """One whole node."""

    config: NodeConfig
    genesis_hash: bytes
    head: Head
    engine: Engine
    reader: ChainReader
    mempool: Mempool
    sessions: Sessions
    book: AddressBook
    gossip: TxGossip
    sync: BlockSync
    dice: Dice
    apply: Apply
    """Executes a block; the simulator may share results between nodes."""
    effects: list[Effect] = field(default_factory=list)
    """Filled during one step."""
    candidates: dict[bytes, Candidate] = field(default_factory=dict)
    """By block id, for the height after the head."""
    ahead: dict[bytes, Candidate] = field(default_factory=dict)
    """Sealed blocks from sync, by id, in height order: being verified or waiting for their turn."""
    blame: list[tuple[bytes, str, int]] = field(default_factory=list)
    """Peers to penalise at the end of the step: (peer, code, points)."""
    intakes: dict[int, Intake] = field(default_factory=dict)
    checks: dict[int, bytes] = field(default_factory=dict)
    """Ticket of a signature check -> block id it is for."""
    ticket: int = 0
    verifying: set[bytes] = field(default_factory=set)
    """Transaction hashes being verified; membership is asked, never iterated."""
    verifying_of: dict[bytes, int] = field(default_factory=dict)
    """How many of them came from each peer; empty: from local clients."""
    engine_timers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Engine timer name -> (height, round) it was set for."""
    recent: dict[int, Published] = field(default_factory=dict)
    ids: dict[int, bytes] = field(default_factory=dict)
    """Block ids by height that were read before."""
    linked: dict[bytes, int] = field(default_factory=dict)
    """Peer -> bitmap of validators its node is linked to."""
    given: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Peer -> (height, when) that it was last sent what its status lacked."""
    server: BlockServer = field(default_factory=BlockServer)
    unheld: dict[bytes, CheckCandidate] = field(default_factory=dict)
    """Questions of the engine about blocks that are not here, by id: answered when the block comes."""
    repaired: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Peer -> (height, when) it was last given what it lacked."""
    heard: dict[bytes, int] = field(default_factory=dict)
    """Consensus key or node id -> when it was last heard."""
    work_told: bool = False
    """The engine knows that transactions wait on this head."""
    written_height: int = 0
    """Of the newest block known to be durable."""
    halted: str = ""
    """Error code; not empty: this node takes part no more."""
    quorum_lost_ms: int | None = None
    fill_gas: int = 0
    """Gas up to which blocks are filled, as learnt; 0: not yet."""
    gossip_ms: int = 0
    """When the gossip timer fires; 0: not set."""
    started_ms: int = 0
    head_ms: int = 0
    """When the head was committed here."""
    intervals: list[int] = field(default_factory=list)
    """Last intervals between blocks that had transactions waiting, in ms."""

    def next_ticket(self) -> int:
        """Return a number that names one question to the world."""
        self.ticket += 1
        return self.ticket

    def own_operator(self, validators: ValidatorSet) -> bytes:
        """Return the operator this node signs for in a set; empty when it is not in it."""
        position = validators.index_of_key(self.config.consensus_key or b"")
        return validators.validators[position].operator if position >= 0 else b""

    def ahead_at(self, height: int) -> Candidate | None:
        """Return the sealed block of this height that sync delivered."""
        for candidate in self.ahead.values():
            if candidate.block.header.height == height:
                return candidate
        return None

    def block_id_at(self, height: int) -> bytes | None:
        """Return the canonical block id at a height."""
        known = self.ids.get(height)
        if known is None:
            known = self.reader.block_id_at(height)
            if known is not None:
                self.ids[height] = known
        return known

    def anchor_ok(self, height: int, prefix: bytes) -> bool:
        """Return whether the canonical block at a height has an id with these first bytes."""
        block_id = self.block_id_at(height)
        return block_id is not None and block_id.startswith(prefix)

    def publish(
        self, header: Header, block_id: bytes, seal: bytes, state: State, sealed_by: ValidatorSet
    ) -> None:
        """Keep one committed height for reads and proofs."""
        self.ids[header.height] = block_id
        self.recent[header.height] = Published(header, block_id, seal, state, sealed_by)
        self.recent.pop(header.height - PROOF_HEIGHTS, None)
        if len(self.ids) > 12_000:
            for height in list(self.ids)[:1_000]:
                del self.ids[height]

    def round_state(self) -> RoundState:
        """Return where the engine stands."""
        return self.engine.round_state()
