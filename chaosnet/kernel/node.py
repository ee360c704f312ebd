"""The state of one node: everything `step` reads and changes, with a single owner and no hidden parts."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Broken
from chaosnet.base.limits import PROOF_HEIGHTS
from chaosnet.consensus.branching import BranchEngine, Parent, Turn
from chaosnet.consensus.engine import CheckCandidate, Engine, RoundState
from chaosnet.consensus.fence import Fence
from chaosnet.contracts.machine import Machine
from chaosnet.crypto.scrypt import pow_hash
from chaosnet.kernel.blocks import Candidate, Head
from chaosnet.kernel.events import Effect
from chaosnet.kernel.mempool import Mempool
from chaosnet.kernel.ports import ChainReader
from chaosnet.kernel.tree import Tree
from chaosnet.kernel.trust import Trust
from chaosnet.ledger.apply import Applied
from chaosnet.ledger.context import Context
from chaosnet.ledger.state import State
from chaosnet.model.block import ValidatorSet
from chaosnet.model.genesis import Genesis, era_at
from chaosnet.model.header import Header, decode_header
from chaosnet.model.transaction import SignedTx
from chaosnet.protocol.gossip import TxGossip
from chaosnet.protocol.messages import PeerAddress
from chaosnet.protocol.peers import AddressBook
from chaosnet.protocol.serving import BlockServer
from chaosnet.protocol.session import Sessions
from chaosnet.protocol.sync import BlockSync

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
    miner: bytes = b""
    """Account whose blocks this node mines under pow; empty: it does not mine."""
    work_hash: Callable[[bytes, int], int] = pow_hash
    """Hash of pow; only simulated networks take a cheaper one."""
    listen_port: int = 0
    bootstrap: tuple[PeerAddress, ...] = ()
    software: str = "chaosnet"
    peer_slots: int = 16
    """Outbound connections beyond validators and bootstrap nodes."""
    pinned: tuple[int, bytes] | None = None
    """(height, block id) the operator trusts: a chain with another block there is refused."""
    members_only: bool = False
    """Refuse peers whose node key is not in the membership."""
    fence_listen_blocks: int = 10
    """Blocks that a node with an imported or copied sign state only listens to; 0: none."""
    fence_listen_ms: int = 60_000
    """Longest wait for them, while no other user of the key is heard."""
    machine: Machine | None = None
    """Runs contracts; without one, transactions that need it are refused."""
    unwritten_max: int = 0
    """Blocks that sync may be ahead of the disk; 0: any number, where nobody tells what is written."""


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
class Making:
    """A block of our own on its way."""

    ticket: int
    parent: bytes
    turn: Turn
    candidate: Candidate | None = None
    """Built, and waiting for its nonce or its signature."""


@dataclass(slots=True)
class Node:
    """One whole node."""

    config: NodeConfig
    genesis_hash: bytes
    fence: Fence
    head: Head
    engine: Engine
    engine_of: Callable[[str], Engine]
    """Makes the quorum engine of a name; an idle one for others."""
    branch_of: Callable[[str], BranchEngine | None]
    """Makes the branching engine of a name; None for others."""
    reader: ChainReader
    mempool: Mempool
    sessions: Sessions
    book: AddressBook
    gossip: TxGossip
    sync: BlockSync
    dice: Dice
    apply: Apply
    """Executes a block; the simulator may share results between nodes."""
    branch: BranchEngine | None = None
    """The engine in force where the chain can fork; `engine` is idle then."""
    tree: Tree | None = None
    """Blocks from the final one up, where the chain can fork."""
    making: Making | None = None
    """The block of our own that is on its way, where the chain can fork."""
    reveals: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Question to the key holder -> (height, round) of the dbft block that waits for it."""
    orphans: dict[bytes, Candidate] = field(default_factory=dict)
    """Blocks whose parent is not here, or whose time has not come, by id."""
    tail_given: dict[bytes, int] = field(default_factory=dict)
    """Peer -> when it was last given blocks of a tail, in ms."""
    told: dict[bytes, bytes] = field(default_factory=dict)
    """Peer -> id of the tip it is known to have, where the chain can fork."""
    pushed: bytes = b""
    """Id of the tip last pushed to peers."""
    final_height: int = 0
    """Height of the newest final block; under engines with immediate finality that of the head."""
    era: int = 0
    """Of the engine in force."""
    tail: bytes = b""
    """What makes the head final when it is the last block of a branching era, until the next one begins."""
    generated: tuple[int, int] = (0, 0)
    """(era, greatest height) of the blocks this key has sealed."""
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
    trust: Trust = field(default_factory=Trust)
    """What vouches for the chain here; judged at the start."""
    is_pin_contradicted: bool = False
    """A valid block was offered in place of the pinned one."""
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

    @property
    def is_trusted(self) -> bool:
        """Return whether something vouches for the whole chain (see trusting)."""
        return self.trust.doubt < 0

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
        """Return the canonical block id at a height; None above the head, whatever storage still holds."""
        if height > self.head.header.height:
            return None
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

    def ancestor(self, head: Head, height: int) -> tuple[bytes, Header | None] | None:
        """Return id and header of the ancestor of a block at a height; None above it.

        The header is None where only storage has it.
        """
        entries = self.tree.entries if self.tree is not None else {}
        at = head
        while at.header.height > height:
            parent = entries.get(at.header.parent)
            if parent is None:  # final, so canonical
                found = self.block_id_at(height)
                known = self.recent.get(height)  # storage may not have it yet
                return None if found is None else (found, known.header if known is not None else None)
            at = parent.head
        return (at.block_id, at.header) if at.header.height == height else None

    def ancestor_id(self, head: Head, height: int) -> bytes | None:
        """Return the id of the ancestor of a block at a height."""
        if self.tree is None:
            return self.block_id_at(height)
        found = self.ancestor(head, height)
        return None if found is None else found[0]

    def ancestor_header(self, head: Head, height: int) -> Header:
        """Return the header of the ancestor of a block at a height; raises Broken(`internal`)."""
        found = self.ancestor(head, height)
        if found is not None and found[1] is not None:
            return found[1]
        stored = self.reader.header_at(height)
        if stored is None:
            raise Broken("internal", f"no header at height {height}")
        return decode_header(stored[0])

    def parent_facts(self, head: Head) -> Parent:
        """Return what a branching engine may know of the block that the next one builds on."""
        genesis, height = self.config.genesis, head.header.height
        era = era_at(genesis, height + 1)
        era_height = genesis.schedule[era].height - 1
        start = self.ancestor_header(head, era_height)
        return Parent(
            header=head.header,
            block_id=head.block_id,
            era=era,
            era_height=era_height,
            era_time_ms=start.time_ms,
            validators=head.validators,
            params=head.params,
            epoch=head.epoch,
            view=head.view if height > era_height else None,
            ancestor=lambda at: self.ancestor_header(head, at),
        )

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
