"""Whom to ask for blocks: what each peer claims, what it was asked, how it answers.

A peer that is late or stingy is asked only if there is no other; one that does not deliver what it claims is
not believed for a while. A claim alone costs its maker nothing, so it must not hold this node up.
"""

from typing import Final

from chaosnet.base.errors import InvalidMessage
from chaosnet.protocol.messages import GetBodies, GetHeaders
from chaosnet.protocol.rates import Bucket

GRACE_MS: Final = 500
"""One block behind, consensus has this long to bring it by itself."""
SLOW_MS: Final = 2_000
"""An answer below FULL_BYTES that took longer is slow."""
LATE_MS: Final = 5_000
"""Then somebody else is asked too; the answer is still welcome."""
LOST_MS: Final = 60_000
"""Then no answer is expected any more."""
AVOID_MS: Final = 60_000
"""A late, slow or stingy peer is asked only if there is no other for this long."""
DOUBT_MS: Final = 60_000
"""A peer that does not deliver what it claims is not believed for this long; doubles with each repeat."""
DOUBT_DOUBLINGS_MAX: Final = 6
FULL_BYTES: Final = 1024 * 1024
"""An answer that is shorter than asked, and smaller than this, is stingy."""
ASKS_PER_MINUTE: Final = 6_000
"""Requests for bodies to one peer: half of what it lets us (rates.py)."""
ASKS_BURST: Final = 200

Fault = tuple[bytes, str, int]
"""(peer, error code, penalty points)."""


class Ask:
    """One request without its answer."""

    __slots__ = ("at", "bodies", "count", "first", "is_direct", "is_late")

    def __init__(self, first: int, count: int, *, bodies: bool, is_direct: bool = False) -> None:
        self.first = first
        self.count = count
        self.bodies = bodies
        self.is_direct = is_direct
        """Asked without headers: the bodies bring them."""
        self.at = 0
        self.is_late = False


class Source:
    """What one ready peer claims, and how it answers."""

    __slots__ = (
        "ask",
        "asked_ms",
        "avoid_until",
        "bucket",
        "doubt_until",
        "doubts",
        "height",
        "lacks",
        "lacks_until",
        "since",
    )

    def __init__(self, now: int) -> None:
        self.height = 0
        self.since = now
        """When it first claimed this height."""
        self.ask: Ask | None = None
        self.asked_ms = 0
        self.bucket = Bucket(ASKS_PER_MINUTE, ASKS_BURST, now)
        self.avoid_until = 0
        self.doubt_until = 0
        self.doubts = 0
        self.lacks = 0
        """It has no bodies up to this height (pruned)."""
        self.lacks_until = 0

    @property
    def is_late(self) -> bool:
        """Whether an answer of this peer is overdue."""
        return self.ask is not None and self.ask.is_late

    def has(self, height: int, now: int, *, bodies: bool) -> bool:
        """Return whether this peer can be believed to have a height."""
        if self.height < height or now < self.doubt_until:
            return False
        return not (bodies and height <= self.lacks and now < self.lacks_until)

    def is_free(self, now: int, *, bodies: bool) -> bool:
        """Return whether another request may be sent now."""
        return self.ask is None and (not bodies or self.bucket.has_room(1, now))


class Sources:
    """The ready peers of a node, as sources of blocks."""

    def __init__(self) -> None:
        self._sources: dict[bytes, Source] = {}

    def on_status(self, peer: bytes, height: int, now: int) -> None:
        """Note what a ready peer claims."""
        source = self._sources.get(peer)
        if source is None:
            source = self._sources[peer] = Source(now)
        if height != source.height:
            source.height, source.since = height, now

    def left(self, peer: bytes) -> None:
        """Forget a peer."""
        self._sources.pop(peer, None)

    def get(self, peer: bytes | None) -> Source | None:
        """Return one peer; None when it is not there."""
        return self._sources.get(peer) if peer is not None else None

    def best(self, head: int, now: int) -> int:
        """Return the greatest height that can be believed, at least `head`.

        Peers that are late with an answer count only when there is nobody else.
        """
        prompt = late = head
        others = False
        for source in self._sources.values():
            if now < source.doubt_until:
                continue
            if source.is_late:
                late = max(late, source.height)
            elif source.height >= head:
                others = True
                prompt = max(prompt, source.height)
        return prompt if others else late

    def pick(self, height: int, now: int, *, bodies: bool) -> bytes | None:
        """Return whom to ask for a height now: of the free ones the one asked longest ago.

        Peers to avoid only if no other has the height: a fast one that is busy is worth waiting for.
        """
        able = [(p, s) for p, s in self._sources.items() if s.has(height, now, bodies=bodies)]
        prompt = [(p, s) for p, s in able if now >= s.avoid_until]
        free = [(s.asked_ms, p) for p, s in prompt or able if s.is_free(now, bodies=bodies)]
        return min(free)[1] if free else None

    def ask(self, peer: bytes, ask: Ask, now: int) -> tuple[bytes, GetHeaders | GetBodies]:
        """Note a request to a peer that is there, and return it; never for more than the peer claims."""
        source = self._sources[peer]
        ask.at = now
        ask.count = min(ask.count, source.height - ask.first + 1)
        source.ask = ask
        source.asked_ms = now
        if not ask.bodies:
            return peer, GetHeaders(first=ask.first, count=ask.count)
        source.bucket.take(1, now)
        return peer, GetBodies(first=ask.first, count=ask.count)

    def open_asks(self, *, bodies: bool) -> list[Ask]:
        """Return requests whose answer is still on time."""
        asks = [source.ask for source in self._sources.values() if source.ask is not None]
        return [ask for ask in asks if ask.bodies == bodies and not ask.is_late]

    def answered(self, peer: bytes, first: int, sizes: list[int], now: int, *, bodies: bool) -> Ask:
        """Return the request that an answer with items of these sizes belongs to, and close it.

        Raises InvalidMessage(`unexpected`): there is none, or more items than it asked for.
        """
        source = self._sources.get(peer)
        ask = source.ask if source is not None else None
        if source is None or ask is None or ask.bodies != bodies or ask.first != first:
            raise InvalidMessage("unexpected", "answer without request", penalty=20)
        source.ask = None
        if len(sizes) > ask.count:
            raise InvalidMessage("unexpected", f"{len(sizes)} items, {ask.count} asked for", penalty=50)
        if sum(sizes) < FULL_BYTES and (len(sizes) < ask.count or now - ask.at > SLOW_MS):
            source.avoid_until = now + AVOID_MS
        return ask

    def expire(self, now: int) -> list[Fault]:
        """Note answers that are late or lost; return whom to blame."""
        faults: list[Fault] = []
        for peer, source in self._sources.items():
            ask = source.ask
            if ask is None:
                continue
            if not ask.is_late and now - ask.at >= LATE_MS:
                ask.is_late = True
                source.avoid_until = now + AVOID_MS
                faults.append((peer, "timeout", 5))
            elif ask.is_late and now - ask.at >= LOST_MS:
                source.ask = None
                self.doubt(peer, now)
                faults.append((peer, "timeout", 20))
        return faults

    def avoid(self, peer: bytes | None, now: int) -> None:
        """Ask a peer only if there is no other for a while."""
        source = self.get(peer)
        if source is not None:
            source.avoid_until = now + AVOID_MS

    def doubt(self, peer: bytes | None, now: int) -> None:
        """Believe a peer nothing for a while, longer each time."""
        source = self.get(peer)
        if source is not None:
            source.doubt_until = now + (DOUBT_MS << min(source.doubts, DOUBT_DOUBLINGS_MAX))
            source.doubts += 1

    def believe(self, peer: bytes) -> None:
        """Note that a peer gave something of use."""
        source = self.get(peer)
        if source is not None:
            source.doubts = 0

    def lacks(self, peer: bytes, height: int, now: int) -> None:
        """Note that a peer has no bodies up to a height."""
        source = self.get(peer)
        if source is not None:
            source.lacks, source.lacks_until = height, now + AVOID_MS

    def due_ms(self, head: int) -> int | None:
        """Return when something runs out next."""
        times = []
        for source in self._sources.values():
            if source.ask is not None:
                times.append(source.ask.at + (LOST_MS if source.ask.is_late else LATE_MS))
            elif source.height == head + 1:
                times.append(max(source.since + GRACE_MS, source.doubt_until))
        return min(times, default=None)
