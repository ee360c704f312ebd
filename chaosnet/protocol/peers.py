"""Where other nodes listen, which of them to dial now, and who is banned.

Addresses travel as in CometBFT's peer exchange (p2p/pex) and are kept as in Bitcoin's address manager: a
`new` table of what others told, a `tried` table of what was dialled with success, both in buckets that a
secret chooses. One source's network reaches 8 of the 64 new buckets, one network's nodes 4 of the 32 tried
ones, so that nobody can fill the table alone. Bootstrap addresses stand apart and are never pushed out.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from chaosnet.base.codec import Record
from chaosnet.base.dice import Dice
from chaosnet.base.limits import ADDRESSES_PER_MESSAGE_MAX
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.protocol.bans import Ban, Bans
from chaosnet.protocol.hosts import NOWHERE, group_of, scope_of
from chaosnet.protocol.messages import PeerAddress

NEW_BUCKETS: Final = 64
NEW_BUCKET_SIZE: Final = 16
NEW_BUCKETS_PER_SOURCE: Final = 8
TRIED_BUCKETS: Final = 32
TRIED_BUCKET_SIZE: Final = 8
TRIED_BUCKETS_PER_GROUP: Final = 4

BACKOFF_MS: Final = 500
"""Pause after the first failure; doubles with each further one."""
BACKOFF_MS_MAX: Final = 60_000
BACKOFF_WANTED_MS_MAX: Final = 5_000
"""For validators and bootstrap addresses (protocol: pbft, "redial of validators backs off to 5 s")."""
DIAL_MS: Final = 10_000
"""A dial whose end was not reported is forgotten after this."""
STABLE_MS: Final = 10_000
"""A connection that lived shorter counts as a failure."""
HOPELESS_FAILURES: Final = 3
"""Failures after which an address that never worked gives way to others."""
SAMPLE_PERCENT: Final = 23
SAMPLE_MIN: Final = 32


class KnownAddress(Record, tag=1):
    """One entry of the book, as it is saved."""

    address: PeerAddress
    source: str
    """Group of the host that told it."""
    is_tried: bool
    learned_ms: int
    connected_ms: int
    """Latest connection; 0: never."""


BookRecord = KnownAddress | Ban


class _Entry:
    """One address and how dialling it went."""

    __slots__ = (
        "address",
        "connected_ms",
        "dialled_until",
        "failed_ms",
        "failures",
        "group",
        "is_tried",
        "jitter",
        "learned_ms",
        "not_before",
        "source",
    )

    def __init__(self, address: PeerAddress, source: str, now: int) -> None:
        self.address = address
        self.group = group_of(address.host, address.port)
        self.source = source
        self.is_tried = False
        self.learned_ms = now
        self.connected_ms = 0
        self.dialled_until = 0
        """A dial is under way until then at most."""
        self.failures = 0
        self.failed_ms = 0
        self.jitter = 0
        """Thousandths by which the pause is shortened."""
        self.not_before = 0

    def is_due(self, now: int, backoff_ms_max: int) -> bool:
        """Return whether the address may be dialled now."""
        if now < self.dialled_until or now < self.not_before:
            return False
        if not self.failures:
            return True
        pause_ms = min(BACKOFF_MS << min(self.failures - 1, 16), backoff_ms_max)
        return now >= self.failed_ms + pause_ms - pause_ms * self.jitter // 1_000


class AddressBook:
    """Addresses, dial times and bans of one node."""

    def __init__(self, own: bytes, dice: Dice, bootstrap: Sequence[PeerAddress]) -> None:
        self._own = own
        self._dice = dice
        self._secret = dice.u64().to_bytes(8, "big")
        self._entries: dict[PeerAddress, _Entry] = {}
        self._new: list[list[_Entry]] = [[] for _ in range(NEW_BUCKETS)]
        self._tried: list[list[_Entry]] = [[] for _ in range(TRIED_BUCKETS)]
        self._bootstrap = {(a.host, a.port): _Entry(a, "", 0) for a in bootstrap}
        self._open: dict[bytes, tuple[_Entry | None, bool, int]] = {}
        """Connected key -> (its entry, outbound, since)."""
        self._bootstrap_ids: dict[tuple[str, int], bytes] = {}
        """Who last answered at a bootstrap address that was given without an id."""
        self._bans = Bans()

    # ── learning ─────────────────────────────────────────────────────────────────────────────────────────

    def learned(self, addresses: Sequence[PeerAddress], source_host: str, now: int) -> None:
        """Take addresses that the node at `source_host` told.

        Ignored are those without an id, our own, and those reachable from less far than the source is: a
        public node has no business telling private addresses.
        """
        source = group_of(source_host, 0)
        scope = max(scope_of(source_host), NOWHERE + 1)
        for address in addresses[:ADDRESSES_PER_MESSAGE_MAX]:
            if len(address.node_id) != 32 or address.node_id == self._own:
                continue
            if scope_of(address.host) < scope or (address.host, address.port) in self._bootstrap:
                continue
            if address not in self._entries:
                self._put_new(_Entry(address, source, now))

    def connected(self, peer: bytes, address: PeerAddress | None, outbound: bool, now: int) -> None:
        """Note a connection. `address` is where the peer was dialled or, inbound, says that it listens."""
        entry: _Entry | None = None
        if address is not None and address.port and scope_of(address.host) != NOWHERE:
            entry = self._entry_of(PeerAddress(peer, address.host, address.port), outbound, now)
            entry.connected_ms = max(now, 1)
            entry.dialled_until = 0
        self._open[peer] = (entry, outbound, now)
        if entry is not None and outbound and not entry.is_tried and entry.address in self._entries:
            self._put_tried(entry)

    def _entry_of(self, address: PeerAddress, outbound: bool, now: int) -> _Entry:
        """Return the entry of an address just connected, made if need be."""
        endpoint = (address.host, address.port)
        bootstrap = self._bootstrap.get(endpoint)
        if bootstrap is not None and bootstrap.address.node_id in (b"", address.node_id):
            if outbound or bootstrap.address.node_id:
                self._bootstrap_ids[endpoint] = address.node_id
            return bootstrap
        if outbound:  # whoever claimed that another key is there was wrong
            for other in [e for e in self._entries.values() if (e.address.host, e.address.port) == endpoint]:
                if other.address.node_id != address.node_id:
                    self._remove(other)
        entry = self._entries.get(address)
        if entry is None:
            entry = _Entry(address, group_of(address.host, 0), now)
            self._put_new(entry)
        return entry

    def closed(self, peer: bytes, now: int) -> None:
        """Note the end of a connection: redial after the first pause, later if it never lasts."""
        entry, _, since = self._open.pop(peer, (None, False, now))
        if entry is not None:
            entry.failures = 0 if now - since >= STABLE_MS else entry.failures
            entry.not_before = 0  # what else was dialled there was a duplicate of this connection
            self._failed(entry, now)

    def dial_failed(self, host: str, port: int, now: int, reason: str = "") -> None:
        """Note that a dial came to nothing; `reason` is a code of base/errors.py."""
        for entry in self._at(host, port):
            self._failed(entry, now)
            if reason == "self_connection":
                self._remove(entry)
                entry.not_before = now + 24 * 3_600_000
            elif reason == "duplicate_peer":  # connected already, under an address that is not this one
                entry.not_before = now + BACKOFF_MS_MAX

    def _at(self, host: str, port: int) -> list[_Entry]:
        found = [e for e in self._entries.values() if e.address.host == host and e.address.port == port]
        bootstrap = self._bootstrap.get((host, port))
        return [bootstrap, *found] if bootstrap is not None else found

    def _failed(self, entry: _Entry, now: int) -> None:
        entry.dialled_until = 0
        entry.failures += 1
        entry.failed_ms = now
        entry.jitter = self._dice.below(251)

    # ── the two tables ───────────────────────────────────────────────────────────────────────────────────

    def _bucket(self, whole: str, part: str, ways: int, buckets: int) -> int:
        """Return a bucket for `part`, one of the `ways` buckets that `whole` can reach."""
        way = self._draw(f"{whole}|{part}") % ways
        return self._draw(f"{whole}#{way}") % buckets

    def _draw(self, text: str) -> int:
        return int.from_bytes(tagged_hash(b"address-book", self._secret + text.encode())[:8], "big")

    def _new_bucket(self, entry: _Entry) -> list[_Entry]:
        place = self._bucket(entry.source, entry.group, NEW_BUCKETS_PER_SOURCE, NEW_BUCKETS)
        return self._new[place]

    def _tried_bucket(self, entry: _Entry) -> list[_Entry]:
        a = entry.address
        name = f"{a.host}|{a.port}|{a.node_id.hex()}"
        return self._tried[self._bucket(entry.group, name, TRIED_BUCKETS_PER_GROUP, TRIED_BUCKETS)]

    def _put_new(self, entry: _Entry) -> None:
        """Add to the new table, in the place of a hopeless entry or else the oldest one when it is full."""
        bucket = self._new_bucket(entry)
        if len(bucket) >= NEW_BUCKET_SIZE:
            victims = [e for e in bucket if e.address.node_id not in self._open]
            if not victims:
                return
            self._remove(min(victims, key=lambda e: (not _is_hopeless(e), e.learned_ms)))
        bucket.append(entry)
        self._entries[entry.address] = entry

    def _put_tried(self, entry: _Entry) -> None:
        """Move to the tried table; when it is full, whoever was reached longest ago goes back to new."""
        bucket = self._tried_bucket(entry)
        victim: _Entry | None = None
        if len(bucket) >= TRIED_BUCKET_SIZE:
            victims = [e for e in bucket if e.address.node_id not in self._open]
            if not victims:
                return
            victim = min(victims, key=lambda e: e.connected_ms)
            self._remove(victim)
            victim.is_tried = False
        self._remove(entry)
        entry.is_tried = True
        bucket.append(entry)
        self._entries[entry.address] = entry
        if victim is not None:
            self._put_new(victim)

    def _remove(self, entry: _Entry) -> None:
        if self._entries.get(entry.address) is entry:
            del self._entries[entry.address]
            (self._tried_bucket(entry) if entry.is_tried else self._new_bucket(entry)).remove(entry)

    # ── dialling ─────────────────────────────────────────────────────────────────────────────────────────

    def dials(
        self, now: int, connected: Sequence[bytes], wanted: Sequence[bytes], slots: int
    ) -> list[PeerAddress]:
        """Return whom to dial now; each stays out until `connected`, `dial_failed` or 10 s later.

        First `wanted` nodes (validators) and bootstrap addresses, without bound; then others, as long as
        fewer than `slots` outbound connections to such others exist or are under way.
        """
        entries = (*self._entries.values(), *self._bootstrap.values())
        dialling = [e.address.node_id for e in entries if now < e.dialled_until and e.address.node_id]
        shut = frozenset((self._own, *connected, *dialling))
        chosen: list[_Entry] = []
        ids: dict[bytes, None] = {}

        def choose(entry: _Entry) -> None:
            entry.dialled_until = now + DIAL_MS
            chosen.append(entry)
            ids[entry.address.node_id] = None

        for endpoint, entry in self._bootstrap.items():
            node_id = entry.address.node_id or self._bootstrap_ids.get(endpoint, b"")
            if (not node_id or node_id not in shut) and self._may_dial(entry, now, BACKOFF_WANTED_MS_MAX):
                choose(entry)
        wanted_ids = frozenset(wanted)
        for entry in self._best_first(e for e in self._entries.values() if e.address.node_id in wanted_ids):
            node_id = entry.address.node_id
            if (
                node_id not in shut
                and node_id not in ids
                and self._may_dial(entry, now, BACKOFF_WANTED_MS_MAX)
            ):
                choose(entry)
        for entry in self._others(now, shut | wanted_ids, self._free_slots(slots, wanted_ids, now)):
            if entry.address.node_id not in ids:
                choose(entry)
        return [entry.address for entry in chosen]

    @staticmethod
    def _best_first(entries: Iterable[_Entry]) -> list[_Entry]:
        """Return proven addresses first, so that false ones cannot keep the true one waiting."""
        return sorted(entries, key=lambda e: (not e.is_tried, -e.connected_ms, e.failures, e.learned_ms))

    def _may_dial(self, entry: _Entry, now: int, backoff_ms_max: int) -> bool:
        address = entry.address
        return entry.is_due(now, backoff_ms_max) and not self._bans.is_banned(
            address.node_id, address.host, now
        )

    def _free_slots(self, slots: int, wanted_ids: frozenset[bytes], now: int) -> int:
        """Return how many more outbound connections to others there may be."""
        fixed = wanted_ids | frozenset(self._bootstrap_ids.values())
        used = sum(outbound and peer not in fixed for peer, (_, outbound, _) in self._open.items())
        dialling = (e.address.node_id for e in self._entries.values() if now < e.dialled_until)
        under_way = sum(node_id not in fixed for node_id in dialling)
        return slots - used - under_way

    def _others(self, now: int, shut: frozenset[bytes], count: int) -> list[_Entry]:
        """Return up to `count` entries by dice, tried and new alike, of different networks if possible."""
        if count <= 0:
            return []
        groups = {e.group for e, outbound, _ in self._open.values() if outbound and e is not None}
        tried: list[_Entry] = []
        new: list[_Entry] = []
        for entry in self._entries.values():
            if entry.address.node_id not in shut and self._may_dial(entry, now, BACKOFF_MS_MAX):
                (tried if entry.is_tried else new).append(entry)
        picked: list[_Entry] = []
        same_network: list[_Entry] = []
        while (tried or new) and len(picked) < count:
            pool = tried if tried and (not new or self._dice.chance(1, 2)) else new
            place = self._dice.below(len(pool))
            pool[place], pool[-1] = pool[-1], pool[place]
            entry = pool.pop()
            (same_network if entry.group in groups else picked).append(entry)
            groups.add(entry.group)
        return [*picked, *same_network][:count]

    # ── telling, banning, saving ─────────────────────────────────────────────────────────────────────────

    def sample(self, count: int) -> tuple[PeerAddress, ...]:
        """Return up to `count` addresses of nodes that this one is or was connected to, by dice.

        At most 23 % of a large book, as CometBFT gives: nobody should copy the whole in one go.
        """
        known = [
            PeerAddress(node_id, e.address.host, e.address.port)
            for node_id, e in (
                *((e.address.node_id, e) for e in self._entries.values()),
                *((node_id, self._bootstrap[at]) for at, node_id in self._bootstrap_ids.items()),
            )
            if e.connected_ms and (e.failures < HOPELESS_FAILURES or node_id in self._open)
        ]
        most = max(SAMPLE_MIN, len(known) * SAMPLE_PERCENT // 100)
        return tuple(self._dice.shuffled(known)[: min(count, most, ADDRESSES_PER_MESSAGE_MAX)])

    def penalise(self, peer: bytes, host: str, points: int, now: int) -> bool:
        """Add points for a fault; return whether the peer is banned now (protocol/bans.py)."""
        return self._bans.penalise(peer, host, points, now)

    def is_banned(self, peer: bytes, host: str, now: int) -> bool:
        """Return whether a key, or the host it comes from, is banned."""
        return self._bans.is_banned(peer, host, now)

    def snapshot(self) -> tuple[BookRecord, ...]:
        """Return everything worth keeping over a restart."""
        entries = self._entries.values()
        return (
            *(KnownAddress(e.address, e.source, e.is_tried, e.learned_ms, e.connected_ms) for e in entries),
            *self._bans.snapshot(),
        )

    def restore(self, records: Sequence[BookRecord]) -> None:
        """Take back what `snapshot` gave, into a book that is still empty."""
        self._bans.restore(tuple(r for r in records if isinstance(r, Ban)))
        for record in records:
            if isinstance(record, KnownAddress) and record.address not in self._entries:
                entry = _Entry(record.address, record.source, record.learned_ms)
                entry.connected_ms = record.connected_ms
                self._put_new(entry)
                if record.is_tried:
                    self._put_tried(entry)


def _is_hopeless(entry: _Entry) -> bool:
    return not entry.connected_ms and entry.failures >= HOPELESS_FAILURES
