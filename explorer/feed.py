"""What happens, to all browsers that watch: one ring of events, a place in it for each reader.

An event is a set of page parts by name, rendered once for each language that somebody reads. A reader whose
place is no longer in the ring is told `reset` and loads its page again. Everything runs on one event loop.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chaosnet.base.errors import Refused

RING_MAX: Final = 256
READERS_MAX: Final = 1_000
READERS_PER_IP_MAX: Final = 64
HEARTBEAT_S: Final = 15.0
SEND_S: Final = 30.0
"""A browser that takes nothing for so long is dropped."""
RETRY_MS: Final = 2_000
WATCHED_MAX: Final = 4_096
"""Transactions of which it is known when something became of them: the latest whose page was asked for."""

Parts = dict[str, str]
"""HTML by the name of the page part it belongs to."""


class Entry:
    """One event, rendered when somebody first wants it."""

    def __init__(self, id: int, topic: str, render: Callable[[str], Parts]) -> None:
        self.topic = topic
        self._id = id
        self._render = render
        self._frames: dict[str, bytes] = {}

    def empty(self) -> None:
        """Nobody needs this one any more: a later one says everything."""
        self.topic = ""
        self._render = lambda _: {}
        self._frames.clear()

    def frame(self, lang: str) -> bytes:
        """Return the encoded event in one language."""
        if lang not in self._frames:
            data = msgspec.json.encode(self._render(lang))
            self._frames[lang] = b"id: %d\nevent: parts\ndata: %b\n\n" % (self._id, data)
        return self._frames[lang]


class Feed:
    """The events and their readers. Ids of a later process are larger, so its readers are told `reset`."""

    def __init__(self, first_id: int | None = None) -> None:
        self._ring: deque[Entry] = deque(maxlen=RING_MAX)
        self._next_id = time.time_ns() // 1_000 if first_id is None else first_id
        self._replaced: dict[str, Entry] = {}
        self._readers: set[Reader] = set()
        self._per_ip: Counter[str] = Counter()
        self._is_closed = False
        self._touched: dict[str, int] = {}
        """Id of a transaction -> that of the event at which something became of it; 0: nothing yet."""

    @property
    def last_id(self) -> int:
        """Id of the newest event: a page made now shows everything up to it."""
        return self._next_id - 1

    @property
    def next_id(self) -> int:
        """Id of the event to come."""
        return self._next_id

    @property
    def oldest_id(self) -> int:
        """Id of the oldest event held."""
        return self._next_id - len(self._ring)

    @property
    def readers(self) -> int:
        """Number of browsers that watch."""
        return len(self._readers)

    def entry(self, id: int) -> Entry:
        """Return an event still held."""
        return self._ring[id - self.oldest_id]

    def publish(self, topic: str, render: Callable[[str], Parts], *, replaces: bool = False) -> None:
        """Append an event; `render` returns its parts in a language, now or later.

        One that `replaces` all before it of its topic leaves nothing of them behind.
        """
        entry = Entry(self._next_id, topic, render)
        if replaces:
            if (old := self._replaced.pop(topic, None)) is not None:
                old.empty()
            self._replaced[topic] = entry
        self._ring.append(entry)
        self._next_id += 1
        self._wake()

    def reset(self) -> None:
        """Have every browser load its page again."""
        self._ring.clear()
        self._next_id += 1
        self._wake()

    def watch(self, tx_id: str) -> int:
        """Begin to note what becomes of a transaction; return what its page, made after this, shows at least.

        So nothing is missed that happens while the page is on its way to the browser.
        """
        self._touched[tx_id] = self._touched.pop(tx_id, 0)
        while len(self._touched) > WATCHED_MAX:
            del self._touched[next(iter(self._touched))]
        return self.last_id

    def touch(self, tx_ids: Collection[str] | None = None) -> None:
        """Tell those who watch one of these transactions (None: any) that something became of it."""
        watched = self._touched.keys() | {reader.tx_id for reader in self._readers if reader.tx_id}
        touched = watched if tx_ids is None else watched & set(tx_ids)
        if touched:
            self._touched |= dict.fromkeys(touched, self._next_id)
            self.publish("", lambda _: {})

    def touched_at(self, tx_id: str) -> int:
        """Return the id of the event at which something became of a transaction, as far as it is watched."""
        return self._touched.get(tx_id, 0)

    def is_wanted(self, topic: str) -> bool:
        """Return whether somebody reads a topic."""
        return any(topic in reader.topics for reader in self._readers)

    def subscribe(
        self, topics: Iterable[str], lang: str, *, after: int | None = None, ip: str = "", tx_id: str = ""
    ) -> "Reader":
        """Start reading. Raises Refused(`overloaded` | `rate_limited` | `shutdown`)."""
        if self._is_closed:
            raise Refused("shutdown")
        if len(self._readers) >= READERS_MAX:
            raise Refused("overloaded", f"{READERS_MAX} browsers are watching")
        if self._per_ip[ip] >= READERS_PER_IP_MAX:
            raise Refused("rate_limited", f"{READERS_PER_IP_MAX} pages of this address are watching")
        reader = Reader(self, frozenset(topics), lang, after=after, ip=ip, tx_id=tx_id)
        if tx_id:
            self.watch(tx_id)
        self._readers.add(reader)
        self._per_ip[ip] += 1
        return reader

    def forget(self, reader: "Reader") -> None:
        """Take a reader off the list."""
        if reader in self._readers:
            self._readers.remove(reader)
            self._per_ip[reader.ip] -= 1
            if not self._per_ip[reader.ip]:
                del self._per_ip[reader.ip]

    def close(self) -> None:
        """End all streams, and start no more."""
        self._is_closed = True
        for reader in list(self._readers):
            reader.close()

    def _wake(self) -> None:
        for reader in self._readers:
            reader.wake()


class Reader:
    """One browser's place in the ring."""

    def __init__(
        self, feed: Feed, topics: frozenset[str], lang: str, *, after: int | None, ip: str, tx_id: str
    ) -> None:
        self.ip = ip
        self.tx_id = tx_id
        self._feed = feed
        self.topics = topics
        self._lang = lang
        self._position = feed.next_id if after is None else min(after + 1, feed.next_id + 1)
        self._told = self._position - 1
        """Id up to which it is known what became of the transaction."""
        self._is_started = False
        self._is_closed = False
        self._more = asyncio.Event()

    def wake(self) -> None:
        """There may be something to read."""
        self._more.set()

    def close(self) -> None:
        """End the stream."""
        self._is_closed = True
        self._more.set()
        self._feed.forget(self)

    async def next_chunk(self) -> bytes:
        """Return the next encoded events, or a heartbeat; empty at the end."""
        if not self._is_started:
            self._is_started = True
            return b"retry: %d\nid: %d\n\n" % (RETRY_MS, self._position - 1)
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                while not self._is_closed:
                    self._more.clear()
                    if chunk := self._waiting():
                        return chunk
                    await self._more.wait()
        except TimeoutError:
            return b":\nid: %d\n\n" % (self._position - 1)
        return b""

    def _waiting(self) -> bytes:
        feed = self._feed
        if not feed.oldest_id <= self._position <= feed.next_id:
            self._position = feed.next_id
            return b"id: %d\nevent: reset\ndata: {}\n\n" % feed.last_id
        frames = []
        while self._position < feed.next_id:
            entry = feed.entry(self._position)
            self._position += 1
            if entry.topic in self.topics:
                frames.append(entry.frame(self._lang))
        if self.tx_id and feed.touched_at(self.tx_id) > self._told:
            self._told = feed.last_id
            frames.append(b"event: touched\ndata: {}\n\n")
        return b"".join(frames)


class LiveResponse(Response):
    """Sends a reader's events until either side ends it, or the browser takes nothing any more."""

    media_type = "text/event-stream"

    def __init__(self, reader: Reader) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until the end; the reader's place is free afterwards."""
        leaving = asyncio.create_task(self._until_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while chunk := await self._reader.next_chunk():
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            pass  # the browser is gone, or as good as
        finally:
            self._reader.close()
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving

    async def _until_left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._reader.close()
