"""Serves an app over HTTP within bounds that the web server itself does not set.

uvicorn with httptools keeps a request's head whatever its length, and waits for it for as long as it takes.
Here both are bounded, and a client that takes none of its answer is dropped by the kernel.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX: Final = 64 * 1024
"""Request line and headers; also trailers, and whatever else is no body."""
HEAD_MS_MAX: Final = 10_000
"""A started head must be complete within this time; so must the first one on a connection."""
LATE_MS_MAX: Final = 10_000
"""A body that goes on after it was answered is read and thrown away for so long."""
STALLED_MS_MAX: Final = 30_000
"""A connection is dropped when sent bytes stay unread for so long."""
CONNECTIONS_MAX: Final = 1_000
STOP_S_MAX: Final = 3
"""Answers under way have this long to end when the server stops."""


def make_server(app: ASGIApp) -> uvicorn.Server:
    """Return a server for `serve(sockets=[...])` on a running loop; it ends when `should_exit` is set."""
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOP_S_MAX,
    )
    return QuietServer(config)


class QuietServer(uvicorn.Server):
    """Leaves the signals of the process to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class BoundedHttp(HttpToolsProtocol):
    """One connection whose request heads are bounded in bytes and time."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None
        """Set while a body goes on after its answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time for the first head."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS_MAX)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self._stop_timer()
        self._stop_late()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what has come since a message began or since the latest piece of its body."""
        self._bytes += len(data)
        super().data_received(data)
        if self._bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        """Start the time for this head."""
        self._bytes = 0
        self._start_timer()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, but no trailer: nothing here reads them."""
        if self._timer is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the time: a body has its own."""
        self._bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Start counting anew; a body whose answer is out, such as one too long, gets little more time."""
        self._bytes = 0
        if self.cycle.response_complete and self._late is None:
            self._late = self.loop.call_later(LATE_MS_MAX / 1000, self.transport.abort)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A late body has ended."""
        self._stop_late()
        super().on_message_complete()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(HEAD_MS_MAX / 1000, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
