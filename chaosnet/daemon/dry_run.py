"""What a transaction would do to a state, and cost, if it were in the next block."""

from chaosnet.base.errors import InvalidTransaction, Refused
from chaosnet.daemon import present
from chaosnet.ledger.apply import execute_transaction
from chaosnet.ledger.context import Context
from chaosnet.ledger.contracts.books import DEPOSITS
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.transaction import SignedTx
from chaosnet.rpc import schema


def dry_run(names: present.Names, state: State, signed: SignedTx, context: Context) -> schema.Simulation:
    """Execute a transaction, without signatures, and forget what it did."""
    overlay = Overlay(state)
    before = overlay.account(DEPOSITS).balance
    try:
        receipt, outcome = execute_transaction(overlay, signed, context)
    except (InvalidTransaction, Refused) as error:
        return schema.Simulation(code=error.code, detail=error.detail, gas=0, fee="0")
    left = present.outcome_fields(names, outcome, signed.tx_id, context.height)
    return schema.Simulation(
        code=receipt.code,
        detail=left.pop("text"),
        gas=receipt.gas,
        fee=str(receipt.fee),
        deposit=str(overlay.account(DEPOSITS).balance - before),
        **left,
    )
