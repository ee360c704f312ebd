"""The books of one transaction: coins, and entries of the state that lock a deposit (contracts: State).

A contract's storage, holdings of tokens and allowances are such entries. Each stands in the state as a
canonical list [rate, value]: the rate in motes a byte that was paid for it, so that exactly that returns. The
module account DEPOSITS holds all of it, and the accounts still add up to the supply.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken
from chaosnet.base.units import Address
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.ops import ENTRY_OVERHEAD, FuelPrices, prices_of
from chaosnet.crypto.addresses import MODULE
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.ledger.accounts import credit, debit, spendable
from chaosnet.ledger.context import Context
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.receipt import Move

DEPOSITS: Final = Address(bytes((MODULE,)) + tagged_hash(b"module", b"deposits"))
"""Account that holds the deposits of all entries: no key can spend it."""
RESERVES: Final = Address(bytes((MODULE,)) + tagged_hash(b"module", b"reserves"))
"""Account that holds the coins of all conversion reserves."""

Charge = Callable[[int], None]
Mark = tuple[int, int, int]

_INT_BYTES: Final = {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}
"""First byte of an integer -> all its bytes, where it is not one alone."""


def free(_fuel: int) -> None:
    """Charge nothing: for actions that have a fixed price in gas."""


def entry_value(leaf: bytes) -> bytes:
    """Return the value of an entry without the rate before it."""
    return leaf[1 + _INT_BYTES.get(leaf[1], 1) :]


@lru_cache(maxsize=16)
def entry_start(rate: int) -> bytes:
    """Return what stands before the value of an entry that was paid for at a rate."""
    return b"\x92" + encode(rate)


def entry_rate(leaf: bytes) -> int:
    """Return the motes a byte that were paid for an entry."""
    size = _INT_BYTES.get(leaf[1])
    return leaf[1] if size is None else int.from_bytes(leaf[2 : 1 + size], "big")


class Books:
    """Coins and entries of the state, as one transaction changes them. Failures are GuestFaults."""

    __slots__ = ("_rate", "_start", "charge", "ctx", "locked", "moves", "overlay", "prices")

    def __init__(self, overlay: Overlay, ctx: Context) -> None:
        self.overlay = overlay
        self.ctx = ctx
        self.prices: FuelPrices = prices_of(ctx.rules.number)
        self._rate = ctx.params.motes_per_state_byte
        self._start = entry_start(self._rate)
        self.charge: Charge = free
        """Takes fuel from whoever asks for the work at hand."""
        self.locked = 0
        """Motes that entries lock more than before the action; negative: they were freed."""
        self.moves: list[Move] = []
        """Tokens that changed hands, for whoever listens outside the chain."""

    # ── going back ──

    def mark(self) -> Mark:
        """Return a mark of this moment for `rollback`."""
        return self.overlay.checkpoint(), self.locked, len(self.moves)

    def rollback(self, mark: Mark) -> None:
        """Undo every change since the mark."""
        self.overlay.rollback(mark[0])
        self.locked = mark[1]
        del self.moves[mark[2] :]

    # ── entries: a contract's storage, and others that lock a deposit as it does ──

    def get(self, key: bytes) -> bytes | None:
        """Return the value of an entry outside of contracts' storage, or None."""
        self.charge(self.prices.read)
        leaf = self.overlay.get(key)
        return None if leaf is None else entry_value(leaf)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Replace an entry outside of contracts' storage; None deletes."""
        self.charge(self.prices.change)
        self.overlay.set(key, self._leaf(key, self.overlay.get(key), value))

    def put_stored(self, key: bytes, value: bytes | None) -> None:
        """Replace an entry of a contract's storage; None deletes. The change itself is paid for already."""
        overlay = self.overlay
        old = overlay.entry(key)
        overlay.set_entry(key, old, self._leaf(key, old, value))

    def _leaf(self, key: bytes, old: bytes | None, value: bytes | None) -> bytes | None:
        """Return what takes the place of `old`. Deposits are counted, and settled at the end of the action.

        An entry keeps the rate that it began with.
        """
        start, rate = self._start, self._rate
        if old is None:
            if value is None:
                return None
            growth = len(key) + len(value) + ENTRY_OVERHEAD
            leaf = start + value
        else:
            if not old.startswith(start):
                rate = entry_rate(old)
                start = entry_start(rate)
            if value is None:
                self.locked -= (len(key) + len(old) - len(start) + ENTRY_OVERHEAD) * rate
                return None
            leaf = start + value
            growth = len(leaf) - len(old)
        if growth > 0:
            self.charge(growth * self.prices.state_byte)
        self.locked += growth * rate
        return leaf

    def add_record(self, key: bytes, value: bytes) -> None:
        """Store a new value that is never freed, without a rate before it."""
        size = len(key) + len(value) + ENTRY_OVERHEAD
        self.charge(self.prices.change + size * self.prices.state_byte)
        self.overlay.set(key, value)
        self.locked += size * self._rate

    def settle(self, sender: bytes, deposit_max: int) -> None:
        """Take from the sender what the action locked, or give it what was freed; fault `deposit`."""
        locked, self.locked = self.locked, 0
        if locked > deposit_max:
            raise GuestFault("deposit", f"it locks {locked} motes, of {deposit_max} motes declared")
        if locked > 0:
            self.move_cos(sender, DEPOSITS, locked)
        elif locked < 0:
            self.move_cos(DEPOSITS, sender, -locked)

    # ── coins ──

    def cos_of(self, address: bytes) -> int:
        """Return the motes that an account can spend."""
        self.charge(self.prices.read)
        ctx = self.ctx
        return spendable(self.overlay.account(address), ctx.genesis.time_ms, ctx.parent_time_ms)

    def move_cos(self, source: bytes, to: bytes, amount: int) -> None:
        """Move motes; fault `not_enough`."""
        self.charge(2 * self.prices.change)
        overlay, ctx = self.overlay, self.ctx
        account = overlay.account(source)
        t0_ms, now_ms = ctx.genesis.time_ms, ctx.parent_time_ms
        if amount < 0:
            raise Broken("internal", f"moving {amount} motes")
        if amount > spendable(account, t0_ms, now_ms):
            raise GuestFault("not_enough", "COS")
        overlay.set_account(source, debit(account, amount, t0_ms, now_ms))
        overlay.set_account(to, credit(overlay.account(to), amount))
