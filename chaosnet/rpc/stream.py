"""The event stream: one ring of encoded events that all readers share (protocol: Trust, Streams).

A reader is a position in the ring, not a queue of its own: each event is encoded and held once, however many
read it. A reader with more events waiting than the ring holds is closed; it may connect again with its last
event id and is told to start over (`reset`) when the events after it are gone.

Everything here runs on one event loop.
"""

import asyncio
import ipaddress
from collections import Counter, deque
from collections.abc import Collection
from contextlib import suppress
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chaosnet.base.errors import Refused
from chaosnet.base.limits import (
    STREAM_HEARTBEAT_MS,
    STREAM_QUEUE_MAX,
    STREAMS_MAX,
    STREAMS_PER_IP_MAX,
)
from chaosnet.rpc.schema import ClosedEvent, ResetEvent, StreamEvent
from chaosnet.rpc.sse import encode_event, encode_heartbeat, encode_start

RING_BYTES_MAX: Final = 64 * 1024 * 1024
"""A ring of large blocks holds fewer events."""
CHUNK_BYTES: Final = 64 * 1024
"""Events are sent together up to about this size."""
RETRY_MS: Final = 2_000
"""What readers are told to wait before they reconnect."""
GRACE_MS: Final = 2_000
"""A closed reader has this long to take what was already being sent."""


class Entry(msgspec.Struct, frozen=True):
    """One event of the ring."""

    kind: str
    frame: bytes


class EventHub:
    """Takes the node's events and hands them to all readers. Event ids rise by one from `first_id`.

    `first_id` should be larger than any id of an earlier run (for example the start time in microseconds), so
    that a reader that comes back after a restart is told to start over.
    """

    def __init__(self, first_id: int = 1, *, heartbeat_ms: int = STREAM_HEARTBEAT_MS) -> None:
        self.heartbeat_s = heartbeat_ms / 1000
        self._ring: deque[Entry] = deque()
        self._ring_bytes = 0
        self._next_id = first_id
        self._readers: set[Subscription] = set()
        self._per_ip: Counter[str] = Counter()
        self._is_closed = False

    @property
    def readers(self) -> int:
        """Number of open streams."""
        return len(self._readers)

    @property
    def next_id(self) -> int:
        """Id of the event to come."""
        return self._next_id

    @property
    def oldest_id(self) -> int:
        """Id of the oldest event still held; that of the event to come when there is none."""
        return self._next_id - len(self._ring)

    def entry(self, id: int) -> Entry:
        """Return an event still held."""
        return self._ring[id - self.oldest_id]

    def publish(self, event: StreamEvent) -> None:
        """Append an event and wake the readers; close those for which it is one too many."""
        kind = str(type(event).__struct_config__.tag)
        frame = encode_event(self._next_id, kind, msgspec.json.encode(event))
        self._ring.append(Entry(kind, frame))
        self._ring_bytes += len(frame)
        self._next_id += 1
        while len(self._ring) > STREAM_QUEUE_MAX or self._ring_bytes > RING_BYTES_MAX:
            self._ring_bytes -= len(self._ring.popleft().frame)
        oldest = self.oldest_id
        for reader in list(self._readers):
            if reader.position < oldest:
                reader.close("overloaded")
            reader.wake()

    def subscribe(
        self, after: int | None = None, *, ip: str = "", kinds: Collection[str] = ()
    ) -> "Subscription":
        """Start a stream, after a last event id or from now on, of these kinds of events (empty: all).

        `ip` is the reader's address; empty (a Unix socket) is not limited. Raises Refused: `rate_limited`
        (too many streams of this address), `overloaded` (too many streams), `shutdown`.
        """
        if self._is_closed:
            raise Refused("shutdown")
        network = _network_of(ip)
        if len(self._readers) >= STREAMS_MAX:
            raise Refused("overloaded", f"{STREAMS_MAX} streams are open")
        if network and self._per_ip[network] >= STREAMS_PER_IP_MAX:
            raise Refused("rate_limited", f"{STREAMS_PER_IP_MAX} streams from this address are open")
        reader = Subscription(self, after, frozenset(kinds), network)
        self._readers.add(reader)
        self._per_ip[network] += 1
        return reader

    def forget(self, reader: "Subscription") -> None:
        """Take a finished reader off the list."""
        if reader in self._readers:
            self._readers.remove(reader)
            self._per_ip[reader.network] -= 1
            if not self._per_ip[reader.network]:
                del self._per_ip[reader.network]

    def close(self) -> None:
        """End all streams, and start no more."""
        self._is_closed = True
        for reader in list(self._readers):
            reader.close("shutdown")


class Subscription:
    """One reader: where it stands in the ring."""

    def __init__(self, hub: EventHub, after: int | None, kinds: frozenset[str], network: str) -> None:
        self._hub = hub
        self._kinds = kinds
        self._more = asyncio.Event()
        self._is_started = False
        self._is_over = False
        self._is_reset = after is not None and not hub.oldest_id - 1 <= after < hub.next_id
        self.network = network
        self.position = hub.next_id if after is None or self._is_reset else after + 1
        self.closed = asyncio.Event()
        self.closed_reason = ""
        """Why the node closed it: `overloaded` or `shutdown`; empty while it is open."""

    def wake(self) -> None:
        """There may be something to read."""
        self._more.set()

    def close(self, reason: str = "") -> None:
        """Stop; `next_chunk` then returns the rest of the story and after that nothing."""
        if not self.closed.is_set():
            self.closed_reason = reason
            self.closed.set()
            self._more.set()

    def end(self) -> None:
        """Nobody reads any more: give the place free."""
        self.close()
        self._hub.forget(self)

    async def next_chunk(self) -> bytes:
        """Return the next encoded events, or a heartbeat when none came for a while; empty at the end."""
        if not self._is_started:
            self._is_started = True
            return self._start()
        try:
            async with asyncio.timeout(self._hub.heartbeat_s):
                while not self.closed.is_set():
                    self._more.clear()
                    if chunk := self._waiting():
                        return chunk
                    await self._more.wait()
        except TimeoutError:
            return encode_heartbeat(self.position - 1)
        return self._farewell()

    def _start(self) -> bytes:
        start = encode_start(self.position - 1, RETRY_MS)
        if self._is_reset:
            start += encode_event(self.position - 1, "reset", msgspec.json.encode(ResetEvent()))
        return start

    def _waiting(self) -> bytes:
        frames = []
        size = 0
        while self.position < self._hub.next_id and size < CHUNK_BYTES:
            entry = self._hub.entry(self.position)
            self.position += 1
            if not self._kinds or entry.kind in self._kinds:
                frames.append(entry.frame)
                size += len(entry.frame)
        return b"".join(frames)

    def _farewell(self) -> bytes:
        if self._is_over or not self.closed_reason:
            return b""
        self._is_over = True
        event = ClosedEvent(code=self.closed_reason)
        return encode_event(self.position - 1, "closed", msgspec.json.encode(event))


class EventStream(Response):
    """Sends a subscription to one reader until either side ends it."""

    media_type = "text/event-stream"

    def __init__(self, subscription: Subscription) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until the reader leaves, the node closes the stream, or the reader takes nothing any more."""
        subscription = self._subscription
        writer = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(_until_left(receive))
        closing = asyncio.create_task(subscription.closed.wait())
        try:
            await asyncio.wait({writer, leaving, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not leaving.done():
                await asyncio.wait({writer, leaving}, timeout=GRACE_MS / 1000, return_when="FIRST_COMPLETED")
        finally:
            subscription.end()
            for task in (writer, leaving, closing):
                task.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await task

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while chunk := await self._subscription.next_chunk():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _network_of(ip: str) -> str:
    """Return what counts as one reader: an IPv4 address, or the /64 an IPv6 host can choose addresses in."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return ip
