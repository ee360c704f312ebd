"""Token buckets, and how much of each kind of message a peer may send.

Several times the load of an honest peer at the rates the chain is built for (5,000 transactions a second),
so that only a flood meets them.
"""

from typing import Final

from msgspec import Struct

from chaosnet.protocol.messages import (
    Bodies,
    GetBodies,
    GetHeaders,
    GetPeers,
    GetTxs,
    Goodbye,
    Headers,
    Hello,
    Message,
    NewBlock,
    Peers,
    Propose,
    Status,
    TxHashes,
    Txs,
    Votes,
)

MINUTE_MS: Final = 60_000
MIB: Final = 1024 * 1024


class Bucket:
    """Integer token bucket: refills at `per_minute` tokens, holds at most `burst`."""

    __slots__ = ("_at", "_full", "_level", "_per_minute")

    def __init__(self, per_minute: int, burst: int, now: int) -> None:
        # The level counts 1/60,000 of a token, so that one millisecond refills a whole number.
        self._per_minute = per_minute
        self._full = burst * MINUTE_MS
        self._level = self._full
        self._at = now

    def has_room(self, amount: int, now: int) -> bool:
        """Return whether `amount` could be taken now."""
        if now > self._at:
            self._level = min(self._full, self._level + (now - self._at) * self._per_minute)
            self._at = now
        return self._level >= amount * MINUTE_MS

    def take(self, amount: int, now: int) -> bool:
        """Take `amount` tokens, or nothing and return False."""
        if not self.has_room(amount, now):
            return False
        self._level -= amount * MINUTE_MS
        return True

    def spend(self, amount: int) -> None:
        """Take tokens that may not be there, when the amount is known only afterwards."""
        self._level -= amount * MINUTE_MS


USELESS_PER_MINUTE: Final = 60 * 500
"""Transactions of a peer that were refused: with more, its transactions are not looked at for a while. No
penalty: a peer that is ahead of us relays in good faith what we cannot accept yet."""
USELESS_BURST: Final = 5_000


class Limit(Struct, frozen=True):
    """Bounds on one kind of message; `items` are what it carries or asks for (transactions, votes, blocks),
    at least one each.
    """

    items_per_s: int
    items_burst: int
    bytes_per_s: int = 0
    """0: unbounded beyond the bound of each message."""
    bytes_burst: int = 0
    items_per_minute: int = 0
    """Replaces `items_per_s` for rare messages."""


LIMITS: Final[dict[type, Limit]] = {
    Hello: Limit(0, 2, items_per_minute=1),
    Goodbye: Limit(0, 2, items_per_minute=1),
    Status: Limit(500, 5_000),  # one a second and one for each new head, also while syncing
    GetPeers: Limit(0, 2, items_per_minute=1),
    Peers: Limit(0, 3, items_per_minute=2),
    Txs: Limit(20_000, 40_000, 16 * MIB, 32 * MIB),
    TxHashes: Limit(20_000, 120_000),  # the burst is a full mempool offered to a newcomer
    GetTxs: Limit(20_000, 120_000),
    Propose: Limit(50, 200, 48 * MIB, 96 * MIB),
    Votes: Limit(2_000, 8_000),
    GetHeaders: Limit(50, 100),
    Headers: Limit(50, 100),
    GetBodies: Limit(3_200, 6_400),  # blocks: 200 requests as sync makes them
    Bodies: Limit(200, 400),
    NewBlock: Limit(50, 200, 48 * MIB, 96 * MIB),
}


def items_of(message: Message) -> int:
    """Return how many items a message counts for."""
    match message:
        case Txs(raws=items) | TxHashes(hashes=items) | GetTxs(hashes=items) | Votes(votes=items):
            return len(items) or 1
        case GetBodies(count=count):
            return count
    return 1


class Meter:
    """What one peer may still send, for one kind of message."""

    __slots__ = ("_bytes", "_items")

    def __init__(self, limit: Limit, now: int) -> None:
        per_minute = limit.items_per_minute or limit.items_per_s * 60
        self._items = Bucket(per_minute, limit.items_burst, now)
        self._bytes = Bucket(limit.bytes_per_s * 60, limit.bytes_burst, now) if limit.bytes_per_s else None

    def take(self, items: int, size: int, now: int) -> bool:
        """Count one message of `size` bytes; return False, counting nothing, when it is over the limit."""
        if self._bytes is not None and not self._bytes.has_room(size, now):
            return False
        if not self._items.take(items, now):
            return False
        return self._bytes is None or self._bytes.take(size, now)
