"""Pending transactions: bounds, replacement by price, fair order, expiry (protocol: Transactions and fees).

Everything here has verified signatures. Order for a block: highest gas price first, then first come; one
sender's transactions always by nonce.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from chaosnet.base.errors import Refused
from chaosnet.base.limits import (
    MEMPOOL_BYTES_MAX,
    MEMPOOL_PER_SENDER_MAX,
    MEMPOOL_REPLACE_PERCENT,
    MEMPOOL_TXS_MAX,
)
from chaosnet.ledger.accounts import decode_account
from chaosnet.ledger.check import amounts_of
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.state import State
from chaosnet.model.transaction import SignedTx

NonceOf = Callable[[bytes], int]
"""Address -> nonce that its next transaction must have."""


def nonces_in(state: State) -> NonceOf:
    """Return a reader of next nonces."""

    def nonce_of(address: bytes) -> int:
        value = state.get(account_key(address))
        return decode_account(value).nonce if value is not None else 0

    return nonce_of


class Entry:
    """One pending transaction."""

    __slots__ = ("amount", "arrival", "fee_max", "signed", "since_ms")

    def __init__(self, signed: SignedTx, arrival: int, since_ms: int) -> None:
        self.signed = signed
        self.since_ms = since_ms
        """When it was admitted, or last brought to mind."""
        self.arrival = arrival
        """Counts admissions: the tie-break of equal prices."""
        self.fee_max = signed.cost_max
        self.amount = amounts_of(signed)


class Mempool:
    """Transactions that wait, by hash, by id and by (sender, nonce)."""

    def __init__(self, *, txs_max: int = MEMPOOL_TXS_MAX, bytes_max: int = MEMPOOL_BYTES_MAX) -> None:
        self._txs_max = txs_max
        self._bytes_max = bytes_max
        self.bytes = 0
        self.by_hash: dict[bytes, Entry] = {}
        self._by_id: dict[bytes, Entry] = {}
        self._senders: dict[bytes, dict[int, Entry]] = {}
        self._reserved: dict[bytes, int] = {}
        """Motes that pending transactions may cost an account, as sender or as payer."""
        self._cheapest: list[tuple[int, int, bytes]] = []
        """Heap of (price, -arrival, hash); entries that left are skipped when they surface."""
        self._expiries: list[tuple[int, bytes]] = []
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self.by_hash)

    def get(self, tx_id: bytes) -> SignedTx | None:
        """Return the pending transaction with this id."""
        entry = self._by_id.get(tx_id)
        return entry.signed if entry else None

    def reserved(self, address: bytes) -> int:
        """Return what the pending transactions of an account may cost it at most, in motes."""
        return self._reserved.get(address, 0)

    def pending_nonce(self, sender: bytes, nonce: int) -> int:
        """Return the first nonce from `nonce` on that no pending transaction of the sender has."""
        own = self._senders.get(sender)
        while own and nonce in own:
            nonce += 1
        return nonce

    def replaced_by(self, signed: SignedTx) -> Entry | None:
        """Return the entry with the same sender and nonce."""
        own = self._senders.get(signed.body.sender)
        return own.get(signed.body.nonce) if own else None

    def check_room(self, signed: SignedTx) -> None:
        """Raise Refused unless the transaction may enter: before its signatures are verified.

        Codes: `already_known`, `replacement_underpriced`, `sender_full`, `mempool_full`.
        """
        if signed.tx_hash in self.by_hash or signed.tx_id in self._by_id:
            raise Refused("already_known")
        price = signed.body.gas_price
        old = self.replaced_by(signed)
        if old is not None:
            if price * 100 < old.signed.body.gas_price * MEMPOOL_REPLACE_PERCENT or (
                price <= old.signed.body.gas_price
            ):
                raise Refused("replacement_underpriced")
            return
        if len(self._senders.get(signed.body.sender, ())) >= MEMPOOL_PER_SENDER_MAX:
            raise Refused("sender_full")
        if self._is_over(len(signed.raw)):
            lowest = self._lowest()
            if lowest is None or price <= lowest.signed.body.gas_price:
                raise Refused("mempool_full")

    def add(self, signed: SignedTx, now: int) -> list[SignedTx]:
        """Admit a verified transaction; return those it replaced or displaced. Raises like check_room.

        It displaces only cheaper ones: when those do not make room enough, nothing changes.
        """
        self.check_room(signed)
        old = self.replaced_by(signed)
        leaving = [] if old is None else [old]
        leaving += self._displaced_by(signed, old)
        gone = [self._remove(entry) for entry in leaving]
        self._arrivals += 1
        entry = Entry(signed, self._arrivals, now)
        body = signed.body
        self.by_hash[signed.tx_hash] = entry
        self._by_id[signed.tx_id] = entry
        self._senders.setdefault(body.sender, {})[body.nonce] = entry
        self._reserve(entry, 1)
        self.bytes += len(signed.raw)
        heappush(self._cheapest, (body.gas_price, -entry.arrival, signed.tx_hash))
        heappush(self._expiries, (body.expiry, signed.tx_hash))
        return gone

    def in_order(self, nonce_of: NonceOf) -> Iterator[SignedTx]:
        """Yield transactions in the order a block takes them; a gap in the nonces ends a sender's turn.

        A sender's next transaction comes only after the one before was yielded, taken or not: the producer
        stops a sender by `nonce_of` no longer matching when it executes.
        """
        heap: list[tuple[int, int, bytes, int]] = []
        for sender, own in self._senders.items():
            nonce = nonce_of(sender)
            entry = own.get(nonce)
            if entry is not None:
                heappush(heap, (-entry.signed.body.gas_price, entry.arrival, sender, nonce))
        while heap:
            _, _, sender, nonce = heappop(heap)
            yield self._senders[sender][nonce].signed
            entry = self._senders[sender].get(nonce + 1)
            if entry is not None:
                heappush(heap, (-entry.signed.body.gas_price, entry.arrival, sender, nonce + 1))

    def has_includable(self, nonce_of: NonceOf) -> bool:
        """Return whether some sender's next nonce is pending."""
        return any(nonce_of(sender) in own for sender, own in self._senders.items())

    def on_block(self, txs: tuple[SignedTx, ...], next_height: int) -> None:
        """Forget what a committed block used up or outdated."""
        for signed in txs:
            body = signed.body
            own = self._senders.get(body.sender)
            if own is None:
                continue
            entry = own.get(body.nonce)
            if entry is not None:
                self._remove(entry)
            elif own and min(own) < body.nonce:
                for nonce in [n for n in own if n <= body.nonce]:
                    self._remove(own[nonce])
        while self._expiries and self._expiries[0][0] < next_height:
            _, tx_hash = heappop(self._expiries)
            entry = self.by_hash.get(tx_hash)
            if entry is not None:
                self._remove(entry)

    def take_waiting(self, before_ms: int, limit: int, now: int) -> list[SignedTx]:
        """Return the first `limit` transactions that came before a time; they begin to wait anew."""
        found: list[Entry] = []
        for entry in self.by_hash.values():
            if entry.since_ms >= before_ms or len(found) == limit:
                break
            found.append(entry)
        for entry in found:
            entry.since_ms = now
            del self.by_hash[entry.signed.tx_hash]
            self.by_hash[entry.signed.tx_hash] = entry
        return [entry.signed for entry in found]

    def drop(self, signed: SignedTx) -> None:
        """Remove one that turned out not to be includable for good."""
        entry = self.by_hash.get(signed.tx_hash)
        if entry is not None:
            self._remove(entry)

    def _displaced_by(self, signed: SignedTx, old: Entry | None) -> list[Entry]:
        """Return the cheaper entries that must go beside `old`; raises Refused(`mempool_full`)."""
        count, size = len(self.by_hash) + 1, self.bytes + len(signed.raw)
        if old is not None:
            count, size = count - 1, size - len(old.signed.raw)
        passed: list[tuple[int, int, bytes]] = []
        found: list[Entry] = []
        while count > self._txs_max or size > self._bytes_max:
            lowest = self._lowest()
            if lowest is None or lowest.signed.body.gas_price >= signed.body.gas_price:
                break
            passed.append(heappop(self._cheapest))
            if lowest is not old:
                found.append(lowest)
                count, size = count - 1, size - len(lowest.signed.raw)
        for item in passed:
            heappush(self._cheapest, item)
        if count > self._txs_max or size > self._bytes_max:
            raise Refused("mempool_full")
        return found

    def _is_over(self, more_bytes: int) -> bool:
        return len(self.by_hash) >= self._txs_max or self.bytes + more_bytes > self._bytes_max

    def _is_live(self, item: tuple[int, int, bytes]) -> bool:
        """Return whether a heap's item is about an entry that is here, not about one that left before."""
        entry = self.by_hash.get(item[2])
        return entry is not None and entry.arrival == -item[1]

    def _lowest(self) -> Entry | None:
        """Return the cheapest entry, the last to come among equals."""
        heap = self._cheapest
        while heap and not self._is_live(heap[0]):
            heappop(heap)
        return self.by_hash[heap[0][2]] if heap else None

    def _remove(self, entry: Entry) -> SignedTx:
        signed = entry.signed
        body = signed.body
        del self.by_hash[signed.tx_hash]
        del self._by_id[signed.tx_id]
        own = self._senders[body.sender]
        del own[body.nonce]
        if not own:
            del self._senders[body.sender]
        self._reserve(entry, -1)
        self.bytes -= len(signed.raw)
        if max(len(self._cheapest), len(self._expiries)) > 2 * len(self.by_hash) + 1024:
            self._compact()
        return signed

    def _reserve(self, entry: Entry, sign: int) -> None:
        body = entry.signed.body
        for address, cost in (
            (body.sender, entry.amount),
            (body.payer or body.sender, entry.fee_max),
        ):
            left = self._reserved.get(address, 0) + sign * cost
            if left:
                self._reserved[address] = left
            else:
                self._reserved.pop(address, None)

    def _compact(self) -> None:
        """Drop entries of the heaps that left long ago, so that they stay as small as the pool."""
        self._cheapest = sorted(item for item in self._cheapest if self._is_live(item))
        self._expiries = sorted((e.signed.body.expiry, tx_hash) for tx_hash, e in self.by_hash.items())
