"""How transactions reach every node: pushed by the node that received them, announced by all others.

Flooding with a seen-set, as Bitcoin relays (announce by hash, fetch what is unknown), with the short cut of
Ethereum's eth/68 (full bytes to some peers at once, hashes to the rest). The node that a client gave a
transaction sends the full bytes to its peers; whoever got it from a peer announces only the hash, after a
pause in which the origin's push and others' announcements tell who has it. Work per transaction does not
grow with the number of peers: one table holds everybody's knowledge, and equal messages are made once.
"""

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Final

from chaosnet.base.dice import Dice
from chaosnet.base.limits import (
    HASHES_PER_MESSAGE_MAX,
    SEEN_MAX,
    TXS_MESSAGE_BYTES_MAX,
    TXS_PER_MESSAGE_MAX,
)
from chaosnet.protocol.knowledge import EVERYBODY, HELD, SEEN, Knowledge
from chaosnet.protocol.messages import GetTxs, Outbox, TxHashes, Txs

PUSH_PEERS: Final = 8
"""Peers that get the full bytes of a local transaction; any further ones get its hash."""
BATCH_MS: Final = 50
"""Transactions accepted within this time are announced together."""
ANNOUNCE_MS: Final = 100
"""Least pause between accepting and announcing."""
ANNOUNCE_JITTER_MS: Final = 100
"""Nodes that got the same push do not all announce it at the same moment."""
REQUEST_MS: Final = 2_000
"""After this a missing transaction is asked from another announcer."""
WANTED_MAX: Final = 40_000
"""Transactions asked for and not yet here."""
ASKED_PER_PEER_MAX: Final = 20_000
"""Transactions asked from one peer within REQUEST_MS."""
ASKED_PER_PEER_MIN: Final = 64
"""Of a peer that announces what it does not give: hashes of nothing must not fill the table."""
ANSWER_BYTES_MAX: Final = 4 * TXS_MESSAGE_BYTES_MAX
"""Transactions sent in answer to one request, or to one proposer at once."""


class TxGossip:
    """What this node and its peers know of transactions, and what to send next.

    `flush` belongs after every step that accepted something, and at `due_ms`.
    """

    def __init__(self, dice: Dice, seen_max: int = SEEN_MAX) -> None:
        self._dice = dice
        self._known = Knowledge(seen_max)
        self._bits: dict[bytes, int] = {}
        """Ready peers in the order they came -> their mark."""
        self._all = 0
        self._local: list[bytes] = []
        """Hashes of transactions to push, and beside them their bytes."""
        self._local_raws: list[bytes] = []
        self._fresh: list[bytes] = []
        """Hashes to announce, not yet in a batch."""
        self._batches: deque[tuple[int, int, list[bytes]]] = deque()
        """(opened, due, hashes)."""
        self._wanted: dict[bytes, int] = {}
        """Hash -> marks of the peers asked for it."""
        self._asks: deque[tuple[int, bytes, Sequence[bytes]]] = deque()
        """(deadline, peer, hashes)."""
        self._asked: dict[bytes, int] = {}
        """Peer -> hashes in `_asks`."""
        self._credit: dict[bytes, int] = {}
        """Peer -> how many it may be asked for: halved when it gives less than half, else doubled."""

    # ── peers ────────────────────────────────────────────────────────────────────────────────────────────

    def peer_joined(self, peer: bytes) -> None:
        """Begin to gossip with a peer that is ready."""
        self.peer_left(peer)
        bit = self._known.new_bit()
        self._bits[peer] = bit
        self._all |= bit

    def peer_left(self, peer: bytes) -> None:
        """Forget a peer."""
        bit = self._bits.pop(peer, 0)
        self._all &= ~bit
        self._known.retire(bit)
        self._asked.pop(peer, None)
        self._credit.pop(peer, None)

    def _peers_of(self, mask: int) -> list[bytes]:
        return [peer for peer, bit in self._bits.items() if bit & mask]

    # ── what happened ────────────────────────────────────────────────────────────────────────────────────

    def is_seen(self, tx_hash: bytes) -> bool:
        """Return whether this transaction was accepted here before, or is in a block."""
        return bool(self._known.mask(tx_hash) & SEEN)

    def accepted(self, tx_hash: bytes, raw: bytes, source: bytes | None) -> None:
        """Queue a transaction that entered the mempool: from a local client (None) or from a peer."""
        if source is None:
            self._known.mark((tx_hash,), SEEN | HELD)
            self._local.append(tx_hash)
            self._local_raws.append(raw)
        else:
            self._known.mark((tx_hash,), SEEN | HELD | self._bits.get(source, 0))
            self._fresh.append(tx_hash)

    def settled(self, hashes: Iterable[bytes]) -> None:
        """Stop telling of transactions that are in a block: everybody learns of them with it."""
        hashes = list(hashes)
        self._known.mark(hashes, EVERYBODY)
        self._arrived(hashes)

    def undone(self, hashes: list[bytes], pending: Container[bytes]) -> None:
        """Tell anew of transactions whose block was undone and that are pending again; forget the others.

        Not everybody had that block, and who had it may have lost its memory since.
        """
        waiting = [tx_hash for tx_hash in hashes if tx_hash in pending]
        self._known.reset(hashes, 0)
        self._known.reset(waiting, SEEN | HELD)
        untold = frozenset(hashes)
        for queued in (self._fresh, *(batch for _, _, batch in self._batches)):
            queued[:] = [tx_hash for tx_hash in queued if tx_hash not in untold]
        self._fresh += waiting

    def on_txs(self, peer: bytes, hashes: Sequence[bytes]) -> None:
        """Note that a peer sent these transactions in full."""
        self._known.mark(hashes, self._bits.get(peer, 0) | HELD)
        self._arrived(hashes)

    def _arrived(self, hashes: Sequence[bytes]) -> None:
        if self._wanted:
            for tx_hash in hashes:
                self._wanted.pop(tx_hash, None)

    def on_hashes(
        self, peer: bytes, hashes: Sequence[bytes], is_known: Callable[[bytes], bool], now: int
    ) -> Outbox:
        """Note an announcement; return the request for what is unknown and not asked for yet."""
        bit = self._bits.get(peer)
        if bit is None:
            return []
        unheld = self._known.by_mask(hashes, HELD).get(HELD, ())
        self._known.mark(hashes, bit)
        credit = self._credit.get(peer, ASKED_PER_PEER_MAX)
        room = min(credit - self._asked.get(peer, 0), WANTED_MAX - len(self._wanted))
        asked: list[bytes] = []
        for i in unheld:
            tx_hash = hashes[i]
            if len(asked) >= room:
                break
            if tx_hash not in self._wanted and not is_known(tx_hash):
                self._wanted[tx_hash] = bit
                asked.append(tx_hash)
        return [self._ask(peer, asked, now)] if asked else []

    def _ask(self, peer: bytes, hashes: list[bytes], now: int) -> tuple[bytes, GetTxs]:
        self._asks.append((now + REQUEST_MS, peer, hashes))
        self._asked[peer] = self._asked.get(peer, 0) + len(hashes)
        return peer, GetTxs(hashes=tuple(hashes))

    def on_get(self, peer: bytes, hashes: Sequence[bytes], lookup: Callable[[bytes], bytes | None]) -> Outbox:
        """Return what a peer asked for, within bounds; never twice what it is known to have."""
        found = ((tx_hash, lookup(tx_hash)) for tx_hash in hashes)
        return self.push_to(peer, ((tx_hash, raw) for tx_hash, raw in found if raw is not None))

    # ── what to send ─────────────────────────────────────────────────────────────────────────────────────

    def push_to(self, peer: bytes, items: Iterable[tuple[bytes, bytes]], *, again: bool = False) -> Outbox:
        """Return (hash, raw) items in full for one peer, without those it is known to have unless `again`.

        At most ANSWER_BYTES_MAX. For waiting transactions, to the next proposer (protocol: pbft).
        """
        bit = self._bits.get(peer)
        if bit is None:
            return []
        hashes: list[bytes] = []
        raws: list[bytes] = []
        room = ANSWER_BYTES_MAX
        for tx_hash, raw in items:
            if not again and self._known.mask(tx_hash) & bit:
                continue
            room -= len(raw)
            if room < 0:
                break
            hashes.append(tx_hash)
            raws.append(raw)
        self._known.mark(hashes, bit)
        return [(peer, message) for message in _txs_messages(raws)]

    def offer(self, peer: bytes, hashes: Sequence[bytes]) -> Outbox:
        """Return announcements of pending transactions for a peer that has just come."""
        bit = self._bits.get(peer, 0)
        lacking = self._known.by_mask(hashes, bit).get(bit, []) if bit else []
        return [(peer, message) for message in _hashes_messages([hashes[i] for i in lacking])]

    def due_ms(self) -> int | None:
        """Return when `flush` is needed next; 0: at once; None: not until something happens."""
        if self._local or self._fresh:
            return 0
        times = [self._batches[0][1]] if self._batches else []
        if self._asks:
            times.append(self._asks[0][0])
        return min(times, default=None)

    def flush(self, now: int) -> Outbox:
        """Return the pushes, announcements and repeated requests that are due."""
        outbox: Outbox = []
        if self._local:
            outbox += self._push()
        if self._fresh:
            self._open_batch(now)
        if self._batches and now >= self._batches[0][1]:
            outbox += self._announce(now)
        if self._asks and now >= self._asks[0][0]:
            outbox += self._ask_others(now)
        return outbox

    def _push(self) -> Outbox:
        """Send local transactions in full to a few peers; the others get the announcement."""
        hashes, raws = self._local, self._local_raws
        self._local, self._local_raws = [], []
        targets = self._all
        if len(self._bits) > PUSH_PEERS:
            targets = self._some_peers()
            self._fresh += hashes
        outbox: Outbox = []
        for mask, places in self._known.by_mask(hashes, targets).items():
            peers = self._peers_of(mask)
            for message in _txs_messages([raws[i] for i in places]):
                outbox += [(peer, message) for peer in peers]
        self._known.mark(hashes, targets)
        return outbox

    def _some_peers(self) -> int:
        """Return the marks of PUSH_PEERS peers, by dice."""
        bits = list(self._bits.values())
        mask = 0
        for i in range(PUSH_PEERS):
            j = self._dice.between(i, len(bits) - 1)
            bits[i], bits[j] = bits[j], bits[i]
            mask |= bits[i]
        return mask

    def _open_batch(self, now: int) -> None:
        if self._batches and now < self._batches[-1][0] + BATCH_MS:
            self._batches[-1][2].extend(self._fresh)
        else:
            due = now + BATCH_MS + ANNOUNCE_MS + self._dice.below(ANNOUNCE_JITTER_MS)
            self._batches.append((now, due, self._fresh))
        self._fresh = []

    def _announce(self, now: int) -> Outbox:
        hashes: list[bytes] = []
        while self._batches and now >= self._batches[0][1]:
            hashes += self._batches.popleft()[2]
        groups = self._known.by_mask(hashes, self._all)
        # Peers that lack the same transactions get the same message.
        audiences: dict[tuple[int, ...], list[bytes]] = {}
        for peer, bit in self._bits.items():
            audiences.setdefault(tuple(mask for mask in groups if mask & bit), []).append(peer)
        outbox: Outbox = []
        for masks, peers in audiences.items():
            for message in _hashes_messages([hashes[i] for mask in masks for i in groups[mask]]):
                outbox += [(peer, message) for peer in peers]
        return outbox

    def _ask_others(self, now: int) -> Outbox:
        """Ask other announcers for what did not come; give up what nobody else announced."""
        peer_of = {bit: peer for peer, bit in self._bits.items()}
        again: dict[int, list[bytes]] = {}
        while self._asks and now >= self._asks[0][0]:
            _, peer, hashes = self._asks.popleft()
            if peer in self._asked:
                self._asked[peer] = max(0, self._asked[peer] - len(hashes))
                self._judge(peer, len(hashes), sum(tx_hash in self._wanted for tx_hash in hashes))
            for tx_hash in hashes:
                asked = self._wanted.get(tx_hash)
                if asked is None:
                    continue
                others = self._known.mask(tx_hash) & self._all & ~asked
                if others:
                    bit = others & -others
                    self._wanted[tx_hash] = asked | bit
                    again.setdefault(bit, []).append(tx_hash)
                else:
                    del self._wanted[tx_hash]
        return [
            self._ask(peer_of[bit], hashes[i : i + HASHES_PER_MESSAGE_MAX], now)
            for bit, hashes in again.items()
            for i in range(0, len(hashes), HASHES_PER_MESSAGE_MAX)
        ]

    def _judge(self, peer: bytes, asked: int, missing: int) -> None:
        """Ask a peer for less or more after an answer, or none, to so many hashes."""
        credit = self._credit.get(peer, ASKED_PER_PEER_MAX)
        credit = credit // 2 if missing * 2 > asked else credit * 2
        self._credit[peer] = min(max(credit, ASKED_PER_PEER_MIN), ASKED_PER_PEER_MAX)


def _txs_messages(raws: Sequence[bytes]) -> Iterator[Txs]:
    """Yield messages that carry all transactions, each within its bounds."""
    begin = size = 0
    for i, raw in enumerate(raws):
        if i > begin and (size + len(raw) > TXS_MESSAGE_BYTES_MAX or i - begin >= TXS_PER_MESSAGE_MAX):
            yield Txs(raws=tuple(raws[begin:i]))
            begin, size = i, 0
        size += len(raw)
    if begin < len(raws):
        yield Txs(raws=tuple(raws[begin:]))


def _hashes_messages(hashes: Sequence[bytes]) -> Iterator[TxHashes]:
    for i in range(0, len(hashes), HASHES_PER_MESSAGE_MAX):
        yield TxHashes(hashes=tuple(hashes[i : i + HASHES_PER_MESSAGE_MAX]))
