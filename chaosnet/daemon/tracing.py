"""A transaction executed again on the state before it, with everything that contracts did written down.

The state comes from the head by taking blocks back, as far as their undo records reach, else by executing the
chain from its genesis. It is believed when its root is the one of the block before.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chaosnet.base.errors import Broken, Invalid
from chaosnet.contracts.machine import Machine
from chaosnet.daemon.replay import replay_to
from chaosnet.devchain.trace import Frame, Tracer
from chaosnet.ledger.apply import Execution
from chaosnet.ledger.context import Context, params_of, rules_of
from chaosnet.ledger.state import State
from chaosnet.model.genesis import Genesis, era_at, genesis_hash_of
from chaosnet.model.header import Header
from chaosnet.model.receipt import Outcome, Receipt
from chaosnet.model.transaction import SignedTx, decode_transaction
from chaosnet.storage import layout
from chaosnet.storage.reader import ChainView, StoredHeader

Progress = Callable[[int, int], None]
"""Told (blocks done, blocks in all) where blocks must be executed."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A transaction, and what happened in it."""

    signed: SignedTx
    height: int
    position: int
    receipt: Receipt
    outcome: Outcome
    frames: list[Frame]
    """The outermost ones, in order: `@interface` and `@init` for a deployment, one for each call."""
    before: State
    """The state before the block."""
    fuel_per_gas: int


def trace(
    store: ChainView,
    genesis: Genesis,
    tx_id: bytes,
    machine: Machine,
    progress: Progress = lambda _done, _all: None,
) -> Traced:
    """Execute a transaction again; raises Invalid(`not_found`) for one that is not on the chain of this data.

    Raises Broken(`data_damaged`) when it does not end as it did.
    """
    found = store.find_transaction(tx_id)
    block = None if found is None else store.block(found.height)
    above = None if found is None else store.stored_header(found.height - 1)
    if found is None or block is None or above is None:
        raise Invalid("not_found", "no transaction of this chain has this id")
    before = _recent(store, above) or replay_to(store, genesis, above.height, machine, progress)
    header = block.stored.decoded()
    tracer = Tracer(machine)
    context = _context(genesis, header, above.decoded().time_ms, before, tracer)
    execution = Execution(before, context)
    for raw in block.block.txs[: found.position]:
        execution.add(decode_transaction(raw))
    tracer.clear()
    signed = decode_transaction(block.block.txs[found.position])
    receipt = execution.add(signed)
    if receipt != found.receipt:
        raise Broken("data_damaged", f"it ends with {receipt.code}, and did with {found.receipt.code}")
    left = store.left_by(found.height) or ()
    return Traced(
        signed=signed,
        height=found.height,
        position=found.position,
        receipt=receipt,
        outcome=left[found.position] if found.position < len(left) else Outcome(),
        frames=tracer.frames,
        before=before,
        fuel_per_gas=context.rules.gas.fuel_per_gas,
    )


def _recent(store: ChainView, wanted: StoredHeader) -> State | None:
    """Return the state after a block by taking back all above it; None where undo records are gone."""
    height, rows = store.snapshot()
    for taken in range(height, wanted.height, -1):
        undo = store.undo(taken)
        if undo is None:
            return None
        layout.take_back(rows, undo)
    state = State.of(rows.items())
    # A node that runs may have changed its branch meanwhile.
    return state if state.root == wanted.decoded().state_root else None


def _context(
    genesis: Genesis, header: Header, parent_time_ms: int, state: State, machine: Machine
) -> Context:
    return Context(
        genesis=genesis,
        genesis_hash=genesis_hash_of(genesis),
        height=header.height,
        era=era_at(genesis, header.height),
        time_ms=header.time_ms,
        parent_time_ms=parent_time_ms,
        proposer=header.proposer,
        params=params_of(state),
        rules=rules_of(state),
        anchor_ok=lambda *_: True,
        engine=header.engine,
        machine=machine,
    )
