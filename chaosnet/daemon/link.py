"""One TLS connection: who is at the other end, its frames in, and one coalescing writer out.

After the handshake the accepting side says in one byte whether it keeps the connection, and only then do
frames flow. Without that byte a TLS 1.3 client cannot know that its certificate was refused, and two nodes
that dial each other at once could each close a different connection. Which connections are kept decides the
owner.
"""

import asyncio
import contextlib
import enum
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol, cast

from chaosnet.base.errors import InvalidMessage
from chaosnet.base.units import NodeId
from chaosnet.daemon.network_ca import peer_node_id
from chaosnet.protocol.frames import HEADER_BYTES, STREAM_CLASSES, FrameDecoder, check_frame, encode_header
from chaosnet.protocol.messages import TXS
from chaosnet.protocol.transport import Endpoint, TransportHandler

VERDICTS: Final = ("ok", "duplicate_peer", "self_connection", "peers_full")
"""What the accepting side says in its first byte."""
WRITE_BYTES: Final = 128 * 1024
"""One write, and what may wait below the queues: a vote overtakes all but this and the frame under way."""

_SOCKET_OPTIONS: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    # A host that vanished is noticed in 30 s, not after a quarter of an hour of resending.
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
    # Else the kernel takes megabytes of bulk data in, which no vote can overtake any more.
    (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, WRITE_BYTES),
)


class Stage(enum.Enum):
    """How far a connection has come; it never goes back."""

    HANDSHAKE = 0
    WAITING = 1
    """The key is proven, the accepting side has not yet decided."""
    OPEN = 2
    CLOSED = 3


@dataclass(slots=True)
class Traffic:
    """Running totals over all connections of a transport."""

    frames_in: int = 0
    bytes_in: int = 0
    """Frame bytes, without TLS."""
    frames_out: int = 0
    bytes_out: int = 0
    frames_dropped: int = 0
    """Class 1 frames dropped because a peer did not read."""


class LinkOwner(Protocol):
    """What a connection needs from the table of connections."""

    handler: TransportHandler
    traffic: Traffic

    @property
    def queue_bytes_max(self) -> int:
        """Bytes one connection may queue."""

    def link_ready(self, link: "Link") -> None:
        """The key is proven: keep or refuse."""

    def link_accepted(self, link: "Link") -> None:
        """The other side keeps the connection we dialled."""

    def link_failed(self, link: "Link") -> None:
        """It ended before it was open, after `link_ready`."""

    def link_closed(self, link: "Link") -> None:
        """It ended after it was open; may be told twice."""


class Link(asyncio.Protocol):
    """One connection, either direction."""

    def __init__(
        self, owner: LinkOwner, remote: Endpoint, *, outbound: bool, expected: bytes | None = None
    ) -> None:
        self.remote = remote
        self.outbound = outbound
        self.peer = NodeId(b"")
        self.stage = Stage.HANDSHAKE
        self.reason = ""
        """Why it ended; empty before."""
        self._loop = asyncio.get_running_loop()
        self.verdict: asyncio.Future[str] = self._loop.create_future()
        """`ok` once open, else the code of the failure."""
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when the socket is gone, if the handshake ever finished."""
        self._owner = owner
        self._expected = expected
        self._transport: asyncio.Transport | None = None
        self._decoder = FrameDecoder()
        self._queues: tuple[deque[bytes], ...] = tuple(deque() for _ in range(STREAM_CLASSES))
        self._rest = memoryview(b"")
        """What is left of a large frame that has begun to leave."""
        self._queued_bytes = 0
        self._paused = False
        self._flush_due = False

    # ── called by asyncio ────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TLS handshake is done."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BYTES)
        with contextlib.suppress(OSError):
            for level, option, value in _SOCKET_OPTIONS:
                transport.get_extra_info("socket").setsockopt(level, option, value)
        try:
            self.peer = peer_node_id(transport.get_extra_info("ssl_object"))
        except InvalidMessage as error:
            self.abort(error.code)
            return
        if self._expected and self._expected != self.peer:
            self.abort("wrong_peer")
            return
        self.stage = Stage.WAITING
        self._owner.link_ready(self)

    def data_received(self, data: bytes) -> None:
        """Hand on the frames that are complete now."""
        if self.stage is Stage.WAITING:
            if not self.outbound:
                self.abort("unexpected")
                return
            self._hear_verdict(data[0])
            data = data[1:]
        if not self.is_open():
            return
        try:
            frames = self._decoder.feed(data)
        except InvalidMessage as error:
            self.close(error.code)
            return
        traffic = self._owner.traffic
        traffic.bytes_in += len(data)
        traffic.frames_in += len(frames)
        peer, on_message = self.peer, self._owner.handler.on_message
        for stream_class, payload in frames:
            on_message(peer, stream_class, payload)
            if not self.is_open():  # the handler closed it
                return

    def pause_writing(self) -> None:
        """The TLS layer holds enough."""
        self._paused = True

    def resume_writing(self) -> None:
        """The TLS layer has room again."""
        self._paused = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._end("handshake" if isinstance(exc, ssl.SSLError) else "connection")
        if not self.lost.done():
            self.lost.set_result(None)

    @property
    def is_made(self) -> bool:
        """Whether the handshake ever finished: then `lost` will be done."""
        return self._transport is not None

    def is_open(self) -> bool:
        """Whether frames may flow."""
        return self.stage is Stage.OPEN

    # ── called by the owner ──────────────────────────────────────────────────────────────────────────────

    def open(self) -> None:
        """Keep the connection: frames flow from now on."""
        self.stage = Stage.OPEN
        if not self.outbound and self._transport is not None:
            self._transport.write(bytes([VERDICTS.index("ok")]))
        if not self.verdict.done():
            self.verdict.set_result("ok")

    def refuse(self, code: str) -> None:
        """End a connection that is not open; the other side is told, if it is the one that waits."""
        if self.stage is Stage.WAITING and self._transport is not None:
            if not self.outbound:
                self._transport.write(bytes([VERDICTS.index(code)]))
            self._end(code)
            self._transport.close()

    def close(self, code: str) -> None:
        """End an open connection, after as much of the queue as the socket takes; the owner is told later."""
        if self.stage is Stage.OPEN and self._transport is not None:
            self._flush()
            self.stage = Stage.CLOSED
            self.reason = code
            self._forget_queue()
            self._transport.close()
            self._loop.call_soon(self._owner.link_closed, self)

    def abort(self, code: str) -> None:
        """End the connection in whatever stage, without a word."""
        self._end(code)
        if self._transport is not None:
            self._transport.abort()

    def send(self, stream_class: int, payload: bytes) -> bool:
        """Queue one frame; return False when it is not open, or the frame was dropped.

        A full queue first loses its oldest class 1 frames, then the connection. Raises Invalid from
        `check_frame`.
        """
        if self.stage is not Stage.OPEN:
            return False
        check_frame(stream_class, payload)
        self._queues[stream_class].append(payload)
        self._queued_bytes += HEADER_BYTES + len(payload)
        if self._queued_bytes > self._owner.queue_bytes_max:
            self._drop_oldest()
            if self._queued_bytes > self._owner.queue_bytes_max:
                self.close("rate_limited")
            if not self._queues[stream_class]:
                return False
        if not self._flush_due:
            # One write for everything queued in this turn of the loop.
            self._flush_due = True
            self._loop.call_soon(self._flush)
        return True

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _hear_verdict(self, index: int) -> None:
        code = VERDICTS[index] if index < len(VERDICTS) else "handshake"
        if code == "ok":
            self._owner.link_accepted(self)
        else:
            self.refuse(code)

    def _end(self, code: str) -> None:
        stage, self.stage = self.stage, Stage.CLOSED
        self.reason = self.reason or code
        if not self.verdict.done():
            self.verdict.set_result(code)
        if stage is Stage.WAITING:
            self._owner.link_failed(self)
        elif stage is Stage.OPEN:
            self._forget_queue()
            self._owner.link_closed(self)

    def _drop_oldest(self) -> None:
        queue = self._queues[TXS]
        while queue and self._queued_bytes > self._owner.queue_bytes_max:
            self._queued_bytes -= HEADER_BYTES + len(queue.popleft())
            self._owner.traffic.frames_dropped += 1

    def _forget_queue(self) -> None:
        for queue in self._queues:
            queue.clear()
        self._rest = memoryview(b"")
        self._queued_bytes = 0

    def _flush(self) -> None:
        self._flush_due = False
        while self._queued_bytes and not self._paused and self._transport is not None:
            data = self._next_write()
            self._queued_bytes -= len(data)
            self._owner.traffic.bytes_out += len(data)
            self._transport.write(data)

    def _next_write(self) -> bytes | memoryview:
        """Take at most WRITE_BYTES off the queues, the most urgent class first.

        A larger frame leaves in pieces, so that TLS never encrypts megabytes in one turn of the loop; nothing
        can come between its pieces.
        """
        if self._rest:
            piece, self._rest = self._rest[:WRITE_BYTES], self._rest[WRITE_BYTES:]
            return piece
        parts: list[bytes] = []
        size = 0
        for stream_class, queue in enumerate(self._queues):
            while queue:
                payload = queue[0]
                if size and size + len(payload) > WRITE_BYTES:
                    return b"".join(parts)
                queue.popleft()
                self._owner.traffic.frames_out += 1
                parts.append(encode_header(len(payload), stream_class))
                if len(payload) > WRITE_BYTES:
                    self._rest = memoryview(payload)
                    return parts[0]
                parts.append(payload)
                size += HEADER_BYTES + len(payload)
        return b"".join(parts)
