"""Re-execution of a stored chain from its genesis: the checks a node makes of a block from a peer, again.

Everything that can be computed is compared with what is stored: ids, roots, seals, receipts, and at the end
the state table and the supply. Signatures are verified some blocks ahead, in threads: libsodium runs without
the interpreter's lock.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from chaosnet.base.errors import Broken, Invalid, Refused
from chaosnet.contracts.machine import Machine
from chaosnet.daemon.collecting import collecting_seldom
from chaosnet.daemon.machines import main_machine
from chaosnet.daemon.runtime import VERIFY_CHUNK, verify_items
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.boot import Stored, check_stored, genesis_stored, make_node
from chaosnet.kernel.chain import candidate_from, execute, head_of, prepare, seed_of
from chaosnet.kernel.events import AskVerify
from chaosnet.kernel.node import Node, NodeConfig
from chaosnet.ledger.state import State
from chaosnet.model.genesis import Genesis, engine_at, supply_at
from chaosnet.model.header import block_id_of
from chaosnet.storage import layout
from chaosnet.storage.reader import ChainView, StoredHeader

AHEAD_TXS: Final = 4_096
"""Transactions whose signatures are being verified ahead of execution."""
AHEAD_BLOCKS: Final = 64

Progress = Callable[[int, int], None]
"""Told (blocks done, blocks in all)."""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A chain that is right, and what it took to find that out."""

    height: int
    block_id: bytes
    state_root: bytes
    txs: int
    supply: int
    """Motes: the sum of all accounts, as the genesis has it."""
    state_keys: int
    seconds: float

    @property
    def txs_per_second(self) -> float:
        """Rate of the whole replay."""
        return self.txs / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class _Ahead:
    """A block whose signatures are being verified."""

    stored: StoredHeader
    candidate: Candidate
    verdicts: list[Future[list[bool]]]


def replay(
    store: ChainView, genesis: Genesis, progress: Progress = lambda _done, _all: None, *, threads: int = 2
) -> ReplayResult:
    """Execute all blocks of a chain again that are final; also while a node goes on writing it.

    Raises Refused(`wrong_genesis`), and Broken(`data_damaged`) that says at which height what differs.
    """
    started = time.perf_counter()
    first = genesis_stored(genesis)
    _check_start(store, first)
    config = NodeConfig(genesis, node_id=bytes(32), seed=b"", machine=main_machine(genesis.rule))
    node = make_node(config, first, store)
    _change_engine(node, 1)
    with collecting_seldom(), ThreadPoolExecutor(threads, thread_name_prefix="verify") as pool:
        # Blocks that are not final may go while this reads them.
        height, rows = store.snapshot(is_final=True)
        txs = _run(node, store, pool, height, progress)
    _compare_state(node, rows)
    head = node.head
    check_stored(genesis, Stored(head.header, head.seal, head.state, head.sealed_by))
    return ReplayResult(
        height=height,
        block_id=head.block_id,
        state_root=head.header.state_root,
        txs=txs,
        supply=supply_at(genesis, height),
        state_keys=len(rows),
        seconds=time.perf_counter() - started,
    )


def replay_to(store: ChainView, genesis: Genesis, height: int, machine: Machine, progress: Progress) -> State:
    """Execute a chain up to a height, signatures excepted; return the state after that block.

    Raises as `replay`, and Invalid(`not_found`) for a height that is not final.
    """
    first = genesis_stored(genesis)
    _check_start(store, first)
    if height > store.final_height():
        raise Invalid("not_found", f"block {height} is not final yet")
    node = make_node(NodeConfig(genesis, node_id=bytes(32), seed=b"", machine=machine), first, store)
    _change_engine(node, 1)
    with collecting_seldom():
        for done in range(1, height + 1):
            stored, candidate = _stored_candidate(node, store, done)
            node.effects.clear()
            try:
                _execute(node, store, _Ahead(stored, candidate, []))
            except Invalid as error:
                raise _differs(done, str(error)) from error
            progress(done, height)
    return node.head.state


def _check_start(store: ChainView, first: Stored) -> None:
    """Raise Refused(`wrong_genesis`) unless the chain's block 0 is the one of the genesis."""
    stored = store.stored_header(0)
    if stored is None or stored.block_id != block_id_of(first.header):
        raise Refused("wrong_genesis", f"{store.directory} holds the chain of another genesis")
    if store.outcomes(0) != layout.outcomes_of(()) or stored.txs_total:
        raise _differs(0, "receipts")


def _run(node: Node, store: ChainView, pool: ThreadPoolExecutor, height: int, progress: Progress) -> int:
    """Execute up to a height; return the number of transactions."""
    ahead: deque[_Ahead] = deque()
    waiting = _prepared(node, store, pool, height)
    txs_ahead = 0
    txs = 0
    for done in range(1, height + 1):
        while len(ahead) < AHEAD_BLOCKS and txs_ahead < AHEAD_TXS:
            block = next(waiting, None)
            if block is None:
                break
            ahead.append(block)
            txs_ahead += len(block.candidate.txs)
        block = ahead.popleft()
        txs_ahead -= len(block.candidate.txs)
        txs += len(block.candidate.txs)
        if not all(verdict for part in block.verdicts for verdict in part.result()):
            raise _differs(done, "bad_signature")
        try:
            _execute(node, store, block)
        except Invalid as error:
            raise _differs(done, str(error)) from error
        if block.stored.txs_total != txs:
            raise _differs(done, "count of transactions")
        progress(done, height)
    return txs


def _prepared(node: Node, store: ChainView, pool: ThreadPoolExecutor, height: int) -> Iterator[_Ahead]:
    """Yield all blocks decoded, with the checks of their signatures under way."""
    for number in range(1, height + 1):
        stored, candidate = _stored_candidate(node, store, number)
        verdicts: list[Future[list[bool]]] = []
        for effect in node.effects:
            if isinstance(effect, AskVerify):
                items = effect.items
                chunks = (items[i : i + VERIFY_CHUNK] for i in range(0, len(items), VERIFY_CHUNK))
                verdicts += [pool.submit(verify_items, chunk) for chunk in chunks]
        node.effects.clear()
        yield _Ahead(stored, candidate, verdicts)


def _stored_candidate(node: Node, store: ChainView, number: int) -> tuple[StoredHeader, Candidate]:
    """Return a stored block ready to be executed; the checks of its signatures are asked as effects."""
    stored = store.stored_header(number)
    encoded = None if stored is None else store.encoded_block(stored)
    if stored is None or encoded is None:
        raise Broken("data_damaged", f"block {number} is missing")
    try:
        candidate = candidate_from(encoded, source=b"")
        prepare(node, candidate)
    except Invalid as error:
        raise _differs(number, str(error)) from error
    candidate.seal = stored.seal
    node.checks.clear()
    return stored, candidate


def _execute(node: Node, store: ChainView, block: _Ahead) -> None:
    """Make a block the head when all that follows from it is what is stored; raises Invalid or Broken."""
    stored, candidate, old = block.stored, block.candidate, node.head
    header = candidate.block.header
    if header.engine != old.header.engine:
        _change_engine(node, header.height)
    branch, view = node.branch, None
    if branch is None:
        applied = execute(node, candidate)
        node.engine.check_seal(header, candidate.seal, old.validators, seed_of(old.epoch))
    else:
        facts = node.parent_facts(old)
        branch.check(header, candidate.seal, facts)
        applied = execute(node, candidate)
        view = branch.follow(header, facts)
    if store.outcomes(header.height) != layout.outcomes_of(applied.receipts):
        raise _differs(header.height, "receipts")
    if stored.height != header.height or stored.block_bytes != len(candidate.raw):
        raise _differs(header.height, "height or size")
    head = head_of(header, candidate.block_id, candidate.seal, applied.state, old.validators)
    node.head = replace(head, view=view, sealed_in=old.epoch)


def _change_engine(node: Node, height: int) -> None:
    """Put the engine of a height in force; without a tree: there is one branch."""
    name = engine_at(node.config.genesis, height)
    node.branch, node.tree = node.branch_of(name), None
    node.engine = node.engine_of(name)


def _compare_state(node: Node, rows: dict[bytes, bytes]) -> None:
    """Raise Broken(`data_damaged`) unless the state table holds exactly the state that execution gave."""
    state = node.head.state
    for key, value in state.items():
        if rows.get(key) != value:
            raise _differs(node.head.header.height, f"state at key {key.hex()}")
    if len(rows) != len(state):
        raise _differs(node.head.header.height, f"{len(rows)} keys in the state, not {len(state)}")


def _differs(height: int, what: str) -> Broken:
    return Broken("data_damaged", f"block {height}: {what} differs from what execution gives")
