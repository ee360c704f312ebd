"""The site as an ASGI app: routes, error pages, and headers that keep pages from doing too much."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chaosnet.base.errors import ChaosError, Invalid, Refused, Unavailable
from chaosnet.rpc.client import AsyncClient
from explorer.board import Board
from explorer.chain import Chain
from explorer.contracts import ContractPages
from explorer.desk import Desk
from explorer.feed import Feed
from explorer.nodes import Nodes, NodeView
from explorer.pages import CARDS, HASH, Pages, Sources
from explorer.render import Renderer, static_files

NODES_MAX: Final = 64
RETRY_S: Final = 5
"""An error page that a later try may turn into the page asked for loads itself again after this time."""
ZIP_LEVEL: Final = 4
TYPE_OF_SUFFIX: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

CONTENT_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = (
    (b"content-security-policy", CONTENT_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
)

Connect = Callable[[str], AsyncClient]
Handler = Callable[[Request], Awaitable[Response]]

log = logging.getLogger("explorer")


def create_app(nodes: Sequence[str], *, connect: Connect = AsyncClient) -> Starlette:
    """Return the site over the nodes with these REST addresses, the preferred one first.

    `connect` makes the client of an address. Raises Invalid(`bad_argument`).
    """
    if not 1 <= len(nodes) <= NODES_MAX:
        raise Invalid("bad_argument", f"the explorer needs 1 to {NODES_MAX} nodes")
    views = Nodes([NodeView(connect(url), url) for url in nodes])
    chain = Chain(views)
    feed = Feed()
    renderer = Renderer()
    board = Board(views, chain, feed, renderer.part)
    desk = Desk(chain, feed, board.undone, renderer.part)
    renderer.site = {"nodes": views, "board": board, "feed": feed, "cards_max": CARDS}
    pages = Pages(Sources(views, chain, board, desk, feed), renderer)
    errors = ErrorPages(views, renderer)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await board.start()
        tasks = [asyncio.create_task(board.run()), asyncio.create_task(desk.run())]
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for view in views.views:
            await view.client.close()

    handlers: dict[str, Handler] = {
        "/": pages.home,
        "/blocks": pages.blocks,
        "/block/{name}": pages.block,
        "/tx/{id}": pages.transaction,
        "/address/{address}": pages.address,
        "/search": pages.search,
        "/nodes": pages.nodes,
        "/tree": pages.tree,
        "/validators": pages.validators,
        **ContractPages(views, chain, renderer).handlers(),
        "/live": pages.live,
        "/health": pages.health,
        "/static/{name}": static_file,
        "/favicon.ico": favicon,
        "/robots.txt": robots,
    }
    app = Starlette(
        routes=[Route(path, handler, methods=["GET"]) for path, handler in handlers.items()],
        middleware=[Middleware(SecurityHeaders), Middleware(GZipMiddleware, compresslevel=ZIP_LEVEL)],
        exception_handlers={
            ChaosError: errors.answer,
            HTTPException: errors.answer,
            Exception: errors.answer,
        },
        lifespan=lifespan,
    )
    app.state.board, app.state.desk, app.state.feed = board, desk, feed
    return app


class ErrorPages:
    """What a visitor reads instead of the page asked for, and what to do about it."""

    def __init__(self, nodes: Nodes, renderer: Renderer) -> None:
        self._nodes = nodes
        self._page = renderer.page

    async def answer(self, request: Request, error: Exception) -> Response:
        """Return the page for an error."""
        match error:
            case HTTPException(status_code=405):
                return PlainTextResponse("method not allowed\n", 405, error.headers)
            case HTTPException(status_code=404) | Invalid():
                return self._unknown(request)
            case Unavailable(code="connection" | "timeout"):
                return self._down(request)
            case Unavailable() | Refused():
                return self._busy(request)
        log.error("fault at %s", request.url.path, exc_info=error)
        response = self._page(request, "error", 500, kind="internal", typed="", tx_id="")
        response.raw_headers += SECURITY_HEADERS  # this page is answered outside of all middleware
        return response

    def _unknown(self, request: Request) -> Response:
        kinds = {
            "/block/": "block",
            "/tx/": "transaction",
            "/address/": "account",
            "/contract/": "contract",
            "/token/": "token",
        }
        path = request.url.path
        kind = next((kind for start, kind in kinds.items() if path.startswith(start)), "page")
        typed = path.rpartition("/")[2][:100] if kind != "page" else ""
        tx_id = typed.lower() if kind == "transaction" and HASH.fullmatch(typed.lower()) else ""
        return self._page(request, "error", 404, kind=kind, typed=typed, tx_id=tx_id)

    def _down(self, request: Request) -> Response:
        kind = "slow" if self._nodes.primary else "down"
        return self._retry(self._page(request, "error", 503, kind=kind, typed="", tx_id="", retry_s=RETRY_S))

    def _busy(self, request: Request) -> Response:
        return self._retry(
            self._page(request, "error", 503, kind="busy", typed="", tx_id="", retry_s=RETRY_S)
        )

    def _retry(self, response: Response) -> Response:
        response.headers["retry-after"] = str(RETRY_S)
        return response


async def static_file(request: Request) -> Response:
    """A file of the site itself; its address changes with its content."""
    name = request.path_params["name"]
    content = static_files().get(name)
    if content is None:
        raise HTTPException(404)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    if "v" not in request.query_params:
        headers["cache-control"] = "no-cache"
    return Response(content, headers=headers, media_type=TYPE_OF_SUFFIX[name.rpartition(".")[2]])


async def favicon(request: Request) -> Response:
    """Where browsers look for an icon by themselves."""
    return RedirectResponse("/static/favicon.svg", 302)


async def robots(request: Request) -> Response:
    """Crawlers read the front page and single things, not endless lists."""
    return PlainTextResponse(
        "User-agent: *\nDisallow: /live\nDisallow: /search\nDisallow: /blocks?\nDisallow: /tree\n"
        "Disallow: /contract/*?\n"
    )


class SecurityHeaders:
    """Adds to every response what forbids foreign scripts, frames and guesses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)
