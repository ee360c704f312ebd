"""The app under a real web server on loopback: streams that break off, readers and callers that stall."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from chaosnet.base.errors import Unavailable
from chaosnet.base.limits import STREAM_QUEUE_MAX, STREAMS_PER_IP_MAX
from chaosnet.rpc import schema, server, stream
from chaosnet.rpc.app import admin_app, public_app
from chaosnet.rpc.client import AsyncClient, Client
from tests.fake_backend import HEAD, FakeBackend


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "uvicorn.error")


def raise_it(error: BaseException) -> None:
    raise error


class Node:
    """A made-up node with its listener."""

    def __init__(self, sock: socket.socket, *, is_admin: bool) -> None:
        self.backend = FakeBackend()
        make = admin_app if is_admin else public_app
        self.server = server.make_server(make(self.backend, submit="public", on_error=raise_it))
        self._sock = sock
        self._task = asyncio.create_task(self.server.serve(sockets=[sock]))

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._sock.getsockname()[:2]
        return host, port

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        self.backend.hub.close()
        self.server.should_exit = True
        await self._task

    async def until(self, readers: int) -> None:
        """Wait until so many streams are open."""
        async with asyncio.timeout(20):
            while self.backend.hub.readers != readers:  # noqa: ASYNC110 (there is no event to wait for)
                await asyncio.sleep(0.001)


@asynccontextmanager
async def running(where: Path | int = 0) -> AsyncIterator[Node]:
    if isinstance(where, Path):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(where))
    else:
        sock = socket.create_server(("127.0.0.1", where))
    sock.listen()
    node = Node(sock, is_admin=isinstance(where, Path))
    try:
        yield node
    finally:
        await node.stop()


async def test_clients_ask_over_tcp() -> None:
    async with running() as node:
        async with AsyncClient(node.url) as client:
            assert (await client.status()).height == HEAD
            verdicts = await client.submit_batch([bytes([i]) * 260 for i in range(200)])
            assert [verdict.code for verdict in verdicts] == ["ok"] * 200

        def ask() -> int:
            with Client(node.url) as client:
                return client.status().height + len(client.blocks().blocks)

        assert await asyncio.to_thread(ask) == HEAD + HEAD + 1


async def test_clients_ask_over_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    async with running(path) as node:
        async with AsyncClient(f"unix://{path}") as client:
            assert "chaosnet_height" in await client.metrics()
            assert (await client.submit(b"\x01")).code == "ok"
        assert node.backend.submitted == [b"\x01"]


async def test_stream_goes_on_over_a_restart_of_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "RETRY_MS", 1)
    seen: list[schema.StreamEvent] = []
    async with running() as first:
        port = first.address[1]
        client = AsyncClient(first.url)
        events = client.stream()

        async def read(count: int) -> None:
            async with asyncio.timeout(20):
                while len(seen) < count:
                    seen.append((await anext(events))[1])

        reading = asyncio.create_task(read(2))
        await first.until(readers=1)
        for height in (1, 2):
            first.backend.hub.publish(schema.FinalEvent(height=height, id=""))
        await reading
    reading = asyncio.create_task(read(3))
    async with running(port) as second:
        await second.until(readers=1)
        # The new node holds none of what came before: its reader is told so, and goes on.
        second.backend.hub.publish(schema.FinalEvent(height=9, id=""))
        await reading
        await read(4)
    await events.aclose()  # type: ignore[attr-defined]
    await client.close()
    assert [getattr(event, "height", "reset") for event in seen] == [1, 2, "reset", 9]


async def test_stream_resumes_after_the_last_event() -> None:
    async with running() as node:
        for height in range(1, 6):
            node.backend.hub.publish(schema.FinalEvent(height=height, id=""))
        reader, writer = await asyncio.open_connection(*node.address)
        writer.write(b"GET /v1/stream?after=1 HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 3\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"200 OK" in head
        assert b"content-type: text/event-stream" in head
        body = await reader.readuntil(b'"height":5,"id":""}\n\n')
        assert b'"height":3' not in body
        assert b'"height":4' in body
        await node.until(readers=1)
        writer.close()
        await node.until(readers=0)


async def test_slow_reader_is_closed_and_the_rest_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "GRACE_MS", 50)
    large = schema.PendingEvent(tx_ids=["0" * 64] * 500)
    async with running() as node:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, node.address)
        await loop.sock_sendall(slow, b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await node.until(readers=1)
        reader, writer = await asyncio.open_connection(*node.address, limit=1 << 26)
        writer.write(b"GET /v1/stream?kinds=final HTTP/1.1\r\nHost: x\r\n\r\n")
        await node.until(readers=2)
        for _ in range(STREAM_QUEUE_MAX + 400):
            node.backend.hub.publish(large)
            await asyncio.sleep(0)
        await node.until(readers=1)
        node.backend.hub.publish(schema.FinalEvent(height=77, id=""))
        await reader.readuntil(b'"height":77')
        writer.close()
        slow.close()


async def test_stopping_the_node_ends_its_streams_cleanly() -> None:
    async with running() as node:
        reader, writer = await asyncio.open_connection(*node.address)
        writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await node.until(readers=1)
    rest = await reader.read()
    assert b'"code":"shutdown"' in rest
    assert rest.endswith(b"0\r\n\r\n")
    writer.close()


async def test_streams_of_one_address_are_limited() -> None:
    async with running() as node:
        opened = [await asyncio.open_connection(*node.address) for _ in range(STREAMS_PER_IP_MAX)]
        for _, writer in opened:
            writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await node.until(readers=STREAMS_PER_IP_MAX)
        async with AsyncClient(node.url) as client:
            with pytest.raises(Unavailable, match="rate_limited"):
                await anext(client.stream(resume=False))
        for _, writer in opened:
            writer.close()


# ── callers that stall or flood ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "piece",
    [b"x" * 4096, b"X-Header: y\r\n" * 300],
    ids=["one long line", "many headers"],
)
async def test_endless_head_is_refused(piece: bytes) -> None:
    async with running() as node:
        reader, writer = await asyncio.open_connection(*node.address)
        writer.write(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n")
        if not piece.startswith(b"X"):
            writer.write(b"X-Long: ")
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                writer.write(piece)
                await writer.drain()
                if reader.at_eof():
                    raise ConnectionError
        writer.close()


async def test_endless_trailers_are_refused() -> None:
    async with running() as node:
        reader, writer = await asyncio.open_connection(*node.address)
        writer.write(
            b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        )
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                writer.write(b"X-Trailer: y\r\n" * 300)
                await writer.drain()
                if reader.at_eof():
                    raise ConnectionError
        writer.close()


async def test_head_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_MS_MAX", 20)
    async with running() as node:
        for start in (b"", b"GET /v1/sta", b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/"):
            reader, writer = await asyncio.open_connection(*node.address)
            writer.write(start)
            async with asyncio.timeout(20):
                with suppress(ConnectionError):
                    await reader.read()
            writer.close()


async def test_a_body_that_goes_on_after_its_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LATE_MS_MAX", 20)
    async with running() as node:
        reader, writer = await asyncio.open_connection(*node.address)
        writer.write(b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b"400" in await reader.readline()  # no content type: answered before there is a body
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionError):
                while True:
                    writer.write(b"1\r\nx\r\n")
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()


async def test_a_long_body_is_read_to_its_end_and_the_connection_goes_on() -> None:
    async with running() as node:
        reader, writer = await asyncio.open_connection(*node.address)
        writer.write(b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n")
        assert b"400" in await reader.readline()
        writer.write(bytes(3_000_000) + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(20):
            while b"HTTP/1.1 200" not in await reader.readline():
                pass
        writer.close()


async def test_large_body_is_no_head() -> None:
    async with running() as node, AsyncClient(node.url) as client:
        raws = [b"\x01" * 2_000 for _ in range(1_000)]
        assert len(await client.submit_batch(raws)) == 1_000
        assert (await client.status()).height == HEAD
