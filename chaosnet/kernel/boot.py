"""Making a node: from its genesis, or from what storage holds."""

from collections.abc import Callable
from dataclasses import dataclass

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Broken, Refused
from chaosnet.consensus.engine import Engine, Resume
from chaosnet.consensus.pbft import Pbft
from chaosnet.consensus.quorum import Verifier
from chaosnet.kernel.chain import check_pinned, head_of
from chaosnet.kernel.mempool import Mempool
from chaosnet.kernel.node import Apply, Node, NodeConfig
from chaosnet.kernel.ports import ChainReader
from chaosnet.ledger.apply import Applied, apply_block, full_supply
from chaosnet.ledger.context import Context
from chaosnet.ledger.genesis_state import genesis_header, genesis_state
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.state import State
from chaosnet.model.block import ValidatorSet, validators_hash_of
from chaosnet.model.genesis import Genesis, engine_at, genesis_hash_of, supply_at
from chaosnet.model.header import Header, block_id_of, decode_header
from chaosnet.model.transaction import SignedTx
from chaosnet.protocol.gossip import TxGossip
from chaosnet.protocol.peers import AddressBook
from chaosnet.protocol.session import Sessions
from chaosnet.protocol.sync import BlockSync
from chaosnet.rules.registry import rules_known


@dataclass(frozen=True, slots=True)
class Stored:
    """What a node finds at start: its head, the seal of it, and the state after it."""

    header: Header
    seal: bytes
    state: State
    sealed_by: ValidatorSet
    """The set that sealed the head."""


def genesis_stored(genesis: Genesis) -> Stored:
    """Return the start of a chain."""
    state = genesis_state(genesis)
    return Stored(genesis_header(genesis), b"", state, next_validators(state))


def engine_for(
    genesis: Genesis,
    height: int,
    own_key: bytes | None,
    resume: Resume | None,
    *,
    verifier: Verifier | None = None,
) -> Engine:
    """Return the engine that rules at a height; raises Refused(`engine_unknown`) when it is not here."""
    name = engine_at(genesis, height)
    if name != "pbft":
        raise Refused("engine_unknown", f"this network needs the {name} engine from height {height}")
    return Pbft(genesis_hash_of(genesis), own_key, resume, verifier)


def check_stored(genesis: Genesis, stored: Stored) -> None:
    """Raise Broken unless root and supply of what was loaded are right."""
    header = stored.header
    if stored.state.root != header.state_root:
        raise Broken("data_damaged", f"state root of block {header.height} differs from its header")
    if full_supply(stored.state) != supply_at(genesis, header.height):
        raise Broken("supply_changed", f"at height {header.height}")
    if validators_hash_of(next_validators(stored.state)) != header.next_validators_hash:
        raise Broken("data_damaged", "validators differ from the header")


def plain_apply(parent: State, context: Context, txs: tuple[SignedTx, ...], _block_id: bytes) -> Applied:
    """Execute a block."""
    return apply_block(parent, context, txs)


def make_node(
    config: NodeConfig,
    stored: Stored,
    reader: ChainReader,
    *,
    resume: Resume | None = None,
    apply: Apply = plain_apply,
    verifier: Verifier | None = None,
) -> Node:
    """Return a node that stands where `stored` says; raises Broken or Refused.

    `apply` and `verifier` let simulated nodes share results.
    """
    genesis = config.genesis
    genesis_hash = genesis_hash_of(genesis)
    check_stored(genesis, stored)
    header = stored.header
    block_id = block_id_of(header)
    dice = Dice(config.seed)
    node = Node(
        config=config,
        genesis_hash=genesis_hash,
        head=head_of(header, block_id, stored.seal, stored.state, stored.sealed_by),
        engine=engine_for(genesis, header.height + 1, config.consensus_key, resume, verifier=verifier),
        reader=reader,
        mempool=Mempool(),
        sessions=Sessions(genesis_hash, config.node_id, rules_known(), config.software, config.listen_port),
        book=AddressBook(config.node_id, dice.fork("book"), config.bootstrap),
        gossip=TxGossip(dice.fork("gossip")),
        sync=BlockSync(),
        dice=dice,
        apply=apply,
    )
    node.written_height = header.height
    node.publish(header, block_id, stored.seal, stored.state, stored.sealed_by)
    if config.pinned is not None and (known := node.block_id_at(config.pinned[0])) is not None:
        check_pinned(node, config.pinned[0], known)
    return node


def publish_earlier(node: Node, undo_of: Callable[[int], dict[bytes, bytes | None] | None]) -> int:
    """Rebuild the states before the head from undo records, for reads and proofs; return how many.

    Stops where the records end or another validator set sealed. Raises Broken(`data_damaged`) when a rebuilt
    root differs from its header.
    """
    head = node.head
    state = head.state
    height = head.header.height
    while height > 1 and (undo := undo_of(height)) is not None:
        state = state.update(undo)
        height -= 1
        found = node.reader.header_at(height)
        if found is None:
            break
        header = decode_header(found[0])
        if state.root != header.state_root:
            raise Broken("data_damaged", f"undo record of block {height + 1}")
        if header.validators_hash != validators_hash_of(head.sealed_by):
            break
        node.publish(header, block_id_of(header), found[1], state, head.sealed_by)
    return head.header.height - height
