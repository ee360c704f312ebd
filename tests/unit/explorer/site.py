"""The explorer over made-up nodes, asked without sockets."""

import asyncio
from collections.abc import AsyncIterator, Collection
from html.parser import HTMLParser
from typing import Any

import httpx
from starlette.types import ASGIApp

from chaosnet.rpc.app import public_app
from chaosnet.rpc.client import AsyncClient
from chaosnet.rpc.schema import StreamEvent
from explorer.app import create_app
from explorer.board import Board
from explorer.desk import Desk
from explorer.feed import Feed
from tests.unit.explorer.made_node import MadeNode


class Wire(httpx.AsyncBaseTransport):
    """The way to one node; it can be cut."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app)
        self.is_cut = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ConnectError("cut")
        return await self._inner.handle_async_request(request)


class QueueClient(AsyncClient):
    """A client whose stream comes from a queue."""

    def __init__(self, url: str, wire: Wire) -> None:
        super().__init__(url, transport=wire)
        self.queue: asyncio.Queue[StreamEvent] = asyncio.Queue()
        self.streams = 0

    async def stream(
        self, after: int | None = None, *, kinds: Collection[str] = (), resume: bool = True
    ) -> AsyncIterator[tuple[int, StreamEvent]]:
        self.streams += 1
        while True:
            yield 0, await self.queue.get()


class Site:
    """One explorer; `start` lets it learn the present state, and nothing runs by itself."""

    def __init__(self, *nodes: MadeNode) -> None:
        self.nodes = nodes
        self.faults: list[BaseException] = []
        self.wires = {
            f"http://{node.name}": Wire(public_app(node, submit="public", on_error=self.faults.append))
            for node in nodes
        }
        self.clients: list[QueueClient] = []
        self.app = create_app(list(self.wires), connect=self._connect)
        self.board: Board = self.app.state.board
        self.desk: Desk = self.app.state.desk
        self.feed: Feed = self.app.state.feed

    def _connect(self, url: str) -> AsyncClient:
        self.clients.append(QueueClient(url, self.wires[url]))
        return self.clients[-1]

    async def start(self) -> "Site":
        await self.board.start()
        return self

    def cut(self, *names: str) -> None:
        for name in names:
            self.wires[f"http://{name}"].is_cut = True

    def mend(self, *names: str) -> None:
        for name in names:
            self.wires[f"http://{name}"].is_cut = False

    async def get(self, path: str, **headers: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=transport, base_url="http://explorer") as client:
            return await client.get(path, headers=shown)

    async def page(self, path: str, status: int = 200, **headers: Any) -> str:
        response = await self.get(path, **headers)
        assert response.status_code == status, response.text[:2000]
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        return response.text


class Tags(HTMLParser):
    """Every element of a page with its attributes, and the text without the tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]

    def links(self) -> list[str]:
        return [attrs.get("href") or "" for attrs in self.of("a")]


def text_of(html: str) -> str:
    """Return what a reader sees, white space evened out."""
    return " ".join(" ".join(Tags(html).words).split())
