"""The definition of validity: what transactions and blocks do to the state.

A transaction in a block pays and raises its sender's nonce whatever happens; its actions are applied all or
none. It pays its intrinsic gas before they are, and after them what contracts have used. A block is valid
only if each of its transactions may be there, in its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chaosnet.base.errors import Broken, Invalid, InvalidBlock, InvalidTransaction
from chaosnet.ledger.accounts import Account, credit, credit_locked, debit, decode_account, total
from chaosnet.ledger.actions import apply_action
from chaosnet.ledger.check import check_against_state
from chaosnet.ledger.context import Context
from chaosnet.ledger.contracts.actions import ContractRun
from chaosnet.ledger.epochs import end_block
from chaosnet.ledger.keys import ACCOUNT_PREFIX
from chaosnet.ledger.members import is_member_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.rewards import fee_account, share_fees
from chaosnet.ledger.state import State
from chaosnet.model.contract_actions import ContractAction
from chaosnet.model.genesis import supply_at
from chaosnet.model.receipt import NO_OUTCOME, Outcome, Receipt, events_root_of, return_hash_of
from chaosnet.model.transaction import SignedTx, Transfer


@dataclass(frozen=True, slots=True)
class Applied:
    """What a block did."""

    state: State
    """State after the block."""
    receipts: tuple[Receipt, ...]
    """One for each transaction, in order."""
    outcomes: tuple[Outcome, ...]
    """One for each transaction: what its receipt names by hashes."""
    gas_used: int
    changes: dict[bytes, bytes | None]
    """State key -> new value; None deletes."""
    undo: dict[bytes, bytes | None]
    """The same keys -> value before."""
    supply_delta: int
    """Motes minted: not 0 only in founding blocks."""
    members_changed: bool
    """Whether `next_validators` may differ from before."""


class Execution:
    """A block in the making: the producer adds what fits, the checker adds what the block holds."""

    __slots__ = ("_ctx", "_gas_limits", "_gas_used", "_outcomes", "_overlay", "_parent", "_receipts")

    def __init__(self, parent: State, ctx: Context) -> None:
        self._parent = parent
        self._ctx = ctx
        self._overlay = Overlay(parent)
        self._receipts: list[Receipt] = []
        self._outcomes: list[Outcome] = []
        self._gas_limits = 0
        self._gas_used = 0
        _mint(self._overlay, ctx)

    @property
    def gas_left(self) -> int:
        """Gas limits that still fit into the block."""
        return self._ctx.params.block_gas_max - self._gas_limits

    def add(self, signed: SignedTx) -> Receipt:
        """Execute one more transaction. Raises InvalidTransaction, and then nothing has changed.

        Signatures are not verified here. `gas_limit` also means that it does not fit into the block any more.
        """
        gas_limit = signed.body.gas_limit
        if gas_limit > self.gas_left:
            raise InvalidTransaction("gas_limit", f"{gas_limit}, the block has {self.gas_left} left")
        receipt, outcome = execute_transaction(self._overlay, signed, self._ctx)
        self._receipts.append(receipt)
        self._outcomes.append(outcome)
        self._gas_limits += gas_limit
        self._gas_used += receipt.gas
        return receipt

    def finish(self) -> Applied:
        """End the block, once, and return what it did; raises Broken(`supply_changed`)."""
        share_fees(self._overlay, self._ctx, sum(receipt.fee for receipt in self._receipts))
        end_block(self._overlay, self._ctx)
        changes = self._overlay.changes()
        minted = _minted(self._ctx)
        if changes.supply_delta != minted:
            raise Broken(
                "supply_changed",
                f"by {changes.supply_delta} motes at height {self._ctx.height}, not {minted}",
            )
        return Applied(
            state=self._parent.update(changes.new),
            receipts=tuple(self._receipts),
            outcomes=tuple(self._outcomes),
            gas_used=self._gas_used,
            changes=changes.new,
            undo=changes.old,
            supply_delta=changes.supply_delta,
            members_changed=any(is_member_key(key) for key in changes.new),
        )


def apply_block(parent: State, ctx: Context, txs: Sequence[SignedTx]) -> Applied:
    """Return what a block with these transactions does to its parent's state.

    Signatures are verified elsewhere. Raises InvalidBlock with the code of the first transaction that may not
    be there, `gas_limit` when all gas limits together are too high, or Broken(`supply_changed`).
    """
    execution = Execution(parent, ctx)
    for i, signed in enumerate(txs):
        try:
            execution.add(signed)
        except InvalidTransaction as error:
            raise InvalidBlock(error.code, f"transaction {i}: {error}") from error
    return execution.finish()


def execute_transaction(overlay: Overlay, signed: SignedTx, ctx: Context) -> tuple[Receipt, Outcome]:
    """Apply a transaction; return its receipt and what the receipt names by hashes.

    The fee goes to the proposer (see rewards) and the nonce rises, also when the actions fail and are undone.
    Raises InvalidTransaction when it may not be in this block; then nothing has changed.
    """
    gas = check_against_state(overlay, signed, ctx)
    body = signed.body
    payer = body.payer or body.sender
    fee = gas * body.gas_price
    t0_ms, now_ms = ctx.genesis.time_ms, ctx.parent_time_ms
    sender = overlay.account(body.sender)
    if body.payer is None:
        sender = debit(sender, fee, t0_ms, now_ms)
    else:
        overlay.set_account(payer, debit(overlay.account(payer), fee, t0_ms, now_ms))
    overlay.set_account(
        body.sender, Account(sender.nonce + 1, sender.balance, sender.policy_hash, sender.locks)
    )
    if fee:
        receiver = fee_account(ctx)
        overlay.set_account(receiver, credit(overlay.account(receiver), fee))
    mark = overlay.checkpoint()
    code = "ok"
    at = 0
    run: ContractRun | None = None
    try:
        for at, action in enumerate(body.actions):
            if isinstance(action, Transfer) or not isinstance(action, ContractAction):
                apply_action(overlay, body.sender, action, ctx)
                continue
            if run is None:
                run = ContractRun(overlay, signed, ctx, body.gas_limit - gas)
            run.apply(at, action)
    except Invalid as error:
        overlay.rollback(mark)
        code = error.code
    if run is None:
        overlay.keep()
        return Receipt(signed.tx_id, code, gas, fee), NO_OUTCOME
    outcome = run.outcome() if code == "ok" else run.failed(at)
    _pay_more(overlay, payer, run.gas_used * body.gas_price, ctx)
    overlay.keep()
    gas += run.gas_used
    roots = return_hash_of(code, outcome), events_root_of(outcome.events)
    return Receipt(signed.tx_id, code, gas, gas * body.gas_price, *roots), outcome


def _pay_more(overlay: Overlay, payer: bytes, fee: int, ctx: Context) -> None:
    """Move what contracts have used; the payer was checked to have it."""
    if fee == 0:
        return
    account = debit(overlay.account(payer), fee, ctx.genesis.time_ms, ctx.parent_time_ms)
    overlay.set_account(payer, account)
    receiver = fee_account(ctx)
    overlay.set_account(receiver, credit(overlay.account(receiver), fee))


def full_supply(state: State) -> int:
    """Return the sum of all accounts in motes, locked coins included. Walks the whole state."""
    return sum(total(decode_account(value)) for _, value in state.scan(ACCOUNT_PREFIX))


def _mint(overlay: Overlay, ctx: Context) -> None:
    """Give every allocation its part of this founding block."""
    blocks = ctx.genesis.founding_blocks
    if ctx.height > blocks:
        return
    for allocation in ctx.genesis.allocations:
        before = allocation.amount * (ctx.height - 1) // blocks
        part = allocation.amount * ctx.height // blocks - before
        if part == 0:
            continue
        account = overlay.account(allocation.address)
        if allocation.lock is None:
            overlay.set_account(allocation.address, credit(account, part))
        else:
            overlay.set_account(allocation.address, credit_locked(account, part, allocation.lock))
    overlay.keep()


def _minted(ctx: Context) -> int:
    """Return by how much the genesis says the supply grows in this block."""
    if ctx.height > ctx.genesis.founding_blocks:
        return 0
    return supply_at(ctx.genesis, ctx.height) - supply_at(ctx.genesis, ctx.height - 1)
