"""Making a node: from its genesis, or from what storage holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chaosnet.base.codec import Decoder
from chaosnet.base.dice import Dice
from chaosnet.base.errors import Broken, Invalid, Refused
from chaosnet.base.limits import PROOF_HEIGHTS
from chaosnet.consensus.branching import View
from chaosnet.consensus.engine import Engine, Resume
from chaosnet.consensus.fence import Fence
from chaosnet.consensus.idle import Idle
from chaosnet.consensus.quorum import Verifier
from chaosnet.kernel import eras, handover
from chaosnet.kernel.chain import head_of
from chaosnet.kernel.engines import Engines
from chaosnet.kernel.events import VIEW_BYTES_MAX
from chaosnet.kernel.mempool import Mempool
from chaosnet.kernel.node import Apply, Node, NodeConfig
from chaosnet.kernel.ports import ChainReader
from chaosnet.kernel.tree import Entry, Tree
from chaosnet.kernel.trust import decode_trust
from chaosnet.ledger.apply import Applied, apply_block, full_supply
from chaosnet.ledger.context import Context
from chaosnet.ledger.epochs import epoch_of
from chaosnet.ledger.genesis_state import genesis_header, genesis_state
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.state import State
from chaosnet.model.block import ValidatorSet, decode_sealed, validators_hash_of
from chaosnet.model.epoch import Epoch
from chaosnet.model.genesis import Genesis, engine_at, genesis_hash_of, supply_at
from chaosnet.model.header import Header, block_id_of, decode_header
from chaosnet.model.transaction import SignedTx
from chaosnet.protocol.gossip import TxGossip
from chaosnet.protocol.peers import AddressBook
from chaosnet.protocol.session import Sessions
from chaosnet.protocol.sync import BlockSync
from chaosnet.rules.registry import rules_known

_view_decoder: Decoder[View] = Decoder(View, VIEW_BYTES_MAX)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a node finds at start: its head, the seal of it, and the state after it."""

    header: Header
    seal: bytes
    state: State
    sealed_by: ValidatorSet
    """The set that sealed the head."""
    final_height: int = -1
    """Of the newest final block; -1: the head."""
    view: bytes = b""
    """What a branching engine remembers at the head."""
    sealed_in: Epoch | None = None
    """The epoch in which the head was sealed."""
    trust: bytes = b""
    """What was kept of the node's trust."""


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
    """Return the quorum engine that rules at a height, an idle one where another kind does.

    Raises Refused(`engine_unknown`) when it is not here.
    """
    factory = Engines(genesis_hash_of(genesis), own_key, resume, verifier)
    name = engine_at(genesis, height)
    if not factory.knows(name):
        raise Refused("engine_unknown", f"this network needs the {name} engine from height {height}")
    return factory.quorum(name)


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
    engines = Engines(genesis_hash, config.consensus_key, resume, verifier, config.work_hash)
    for entry in genesis.schedule:
        if not engines.knows(entry.engine):
            raise Refused("engine_unknown", f"this network needs the {entry.engine} engine")
    header = stored.header
    block_id = block_id_of(header)
    dice = Dice(config.seed)
    fence = Fence(
        genesis_hash,
        config.consensus_key or b"",
        resume,
        listen_blocks=config.fence_listen_blocks,
        listen_ms=config.fence_listen_ms,
    )
    node = Node(
        config=config,
        genesis_hash=genesis_hash,
        fence=fence,
        head=head_of(header, block_id, stored.seal, stored.state, stored.sealed_by),
        engine=Idle(""),
        engine_of=engines.quorum,
        branch_of=engines.branching,
        reader=reader,
        mempool=Mempool(),
        sessions=Sessions(genesis_hash, config.node_id, rules_known(), config.software, config.listen_port),
        book=AddressBook(config.node_id, dice.fork("book"), config.bootstrap),
        gossip=TxGossip(dice.fork("gossip")),
        sync=BlockSync(),
        dice=dice,
        apply=apply,
    )
    node.trust = decode_trust(stored.trust)
    node.written_height = header.height
    node.final_height = header.height if stored.final_height < 0 else stored.final_height
    node.head = replace(node.head, view=decode_view(stored.view), sealed_in=stored.sealed_in)
    if resume is not None:
        node.generated = (resume.era, resume.max_height_generated)
    node.publish(header, block_id, stored.seal, stored.state, stored.sealed_by)
    eras.install(node, eras.engine_in_force(node))
    check_pin(node)
    return node


def check_pin(node: Node) -> None:
    """Raise Refused(`untrusted`) when the chain that is here holds another block than the pinned one."""
    if node.config.pinned is None:
        return
    height, pinned = node.config.pinned
    known = node.block_id_at(height)
    if known is not None and known != pinned:
        raise Refused(
            "untrusted",
            f"block {height} here is {known.hex()}, pinned is {pinned.hex()}: if the pin is right, "
            "this chain is not the one you trust; remove it with `chaosnet node reset` and start again "
            "(keys and sign state stay)",
        )


def restore_branch(
    node: Node,
    undo_of: Callable[[int], dict[bytes, bytes | None] | None],
    view_of: Callable[[int], bytes | None],
) -> int:
    """Rebuild the blocks between the final one and the head, where the chain can fork; return how many.

    Raises Broken(`data_damaged`) when one is missing or differs from its header.
    """
    if node.branch is None or node.tree is None:
        return 0
    heads = [node.head]
    while (height := heads[-1].header.height) > node.final_height:
        above = heads[-1]
        undo = undo_of(height)
        stored = node.reader.header_at(height - 1)
        if undo is None or stored is None:
            raise Broken("data_damaged", f"no undo record of block {height}")
        header, state = decode_header(stored[0]), above.state.update(undo)
        if state.root != header.state_root:
            raise Broken("data_damaged", f"undo record of block {height}")
        seal = stored[1]
        if handover.is_last_of_era(node, header):  # the block above carries what made this one final
            sealed = node.reader.sealed_at(height)
            seal = decode_sealed(sealed).block.parent_seal if sealed is not None else seal
        below = head_of(header, block_id_of(header), seal, state, above.sealed_by)
        heads.append(replace(below, view=decode_view(view_of(height - 1) or b"")))
        heads[-2] = replace(above, sealed_in=below.epoch, sealed_by=below.validators)
    last = heads[-1]
    sealed_by = sealing_set(last.header, last.state, last.sealed_by, undo_of)
    heads[-1] = last = replace(last, sealed_by=sealed_by or last.sealed_by)
    before = undo_of(last.header.height)
    if len(heads) > 1 and before is not None:  # what seals the last block of an era is judged by its epoch
        heads[-1] = replace(last, sealed_in=epoch_of(last.state.update(before)))
    node.head = heads[0]
    node.tree = Tree(root=heads[-1].block_id)
    for head in reversed(heads):
        node.tree.add(Entry(head, None, eras.score_of(node, head)))
        node.publish(head.header, head.block_id, head.seal, head.state, head.sealed_by)
    node.sync.set_floor(heads[-1].header.height, heads[-1].block_id)
    return len(heads) - 1


def decode_view(data: bytes) -> View | None:
    """Return the view that storage kept; raises Broken(`data_damaged`)."""
    if not data:
        return None
    try:
        return _view_decoder.decode(data)
    except Invalid as error:
        raise Broken("data_damaged", "view of the engine") from error


def publish_earlier(
    node: Node, undo_of: Callable[[int], dict[bytes, bytes | None] | None], keys_max: int = 60_000
) -> int:
    """Rebuild the states before those that are held, for reads and proofs; return how many.

    Stops where the records end, at the last height that proofs are served for, or after that many changed
    keys, so that a start after full blocks stays quick. Raises Broken(`data_damaged`) when a rebuilt root
    differs from its header.
    """
    lowest = node.recent[min(node.recent)]
    top = height = lowest.header.height
    state, sealed_by = lowest.state, lowest.sealed_by
    floor = max(1, node.head.header.height - PROOF_HEIGHTS + 1)
    while height > floor and keys_max > 0 and (undo := undo_of(height)) is not None:
        keys_max -= len(undo)
        state = state.update(undo)
        height -= 1
        found = node.reader.header_at(height)
        if found is None:
            break
        header = decode_header(found[0])
        if state.root != header.state_root:
            raise Broken("data_damaged", f"undo record of block {height + 1}")
        known = sealing_set(header, state, sealed_by, undo_of)
        if known is None:
            break
        sealed_by = known
        node.publish(header, block_id_of(header), found[1], state, sealed_by)
    return top - height


def sealing_set(
    header: Header,
    state: State,
    likely: ValidatorSet,
    undo_of: Callable[[int], dict[bytes, bytes | None] | None],
) -> ValidatorSet | None:
    """Return the set that sealed a block, by its header and the state after it; None when it is lost."""
    if validators_hash_of(likely) == header.validators_hash:
        return likely
    undo = undo_of(header.height)
    before = next_validators(state.update(undo)) if undo is not None else None
    return before if before is not None and validators_hash_of(before) == header.validators_hash else None
