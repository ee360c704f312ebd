"""Pages of contracts and tokens: source, interface, storage, events, a console for questions; holders."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from chaosnet.base.errors import ChaosError, Invalid
from chaosnet.rpc.schema import Answer, Contract, Query
from explorer.calls import Method, init_of, methods_of, named, shown, typed
from explorer.chain import Chain
from explorer.nodes import Nodes
from explorer.render import Renderer
from explorer.source import lines_of

ROWS: Final = 25
KEY_CHARS_MAX: Final = 1_000
ARGS_MAX: Final = 16
ADDRESS: Final = re.compile(r"[a-z0-9]{1,90}")
TOKEN: Final = re.compile(r"[0-9a-f]{64}")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
CURSOR: Final = re.compile(r"[0-9A-Za-z._:-]{1,200}")

T = TypeVar("T")


class ContractPages:
    """Handlers for what contracts have made."""

    def __init__(self, nodes: Nodes, chain: Chain, renderer: Renderer) -> None:
        self._nodes = nodes
        self._chain = chain
        self._page = renderer.page

    def handlers(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        """Return path -> handler of all pages here."""
        return {
            "/contracts": self.contracts,
            "/contract/{address}": self.contract,
            "/tokens": self.tokens,
            "/token/{id}": self.token,
        }

    async def contracts(self, request: Request) -> Response:
        """All contracts, newest first."""
        cursor = _cursor(request, "cursor")
        found, problem = await self._told(lambda: self._chain.contracts(cursor, ROWS))
        return self._page(request, "contracts", found=found, problem=problem, is_first=cursor is None)

    async def contract(self, request: Request) -> Response:
        """One contract, and the answer when a method of it was asked."""
        address = request.path_params["address"].lower()
        if not ADDRESS.fullmatch(address):
            raise Invalid("bad_address", "address")
        contract = await self._chain.contract(address)
        methods = methods_of(contract.interface)
        asked, answer, refusal = await self._asked(request, contract, methods)
        prefix = request.query_params.get("storage", "")
        after = request.query_params.get("after", "")[:KEY_CHARS_MAX] or None
        chosen = prefix if NAME.fullmatch(prefix) else ""
        storage = await self._chain.storage(address, [chosen] if chosen else [], after, ROWS)
        cursor = _cursor(request, "events")
        events = await self._chain.events(address, cursor, ROWS)
        return self._page(
            request,
            "contract",
            contract=contract,
            methods=methods,
            init=init_of(contract.interface),
            permissions=permissions_of(contract.interface),
            lines=await lines_of(contract.summary.engine, contract.source, contract.source_hash),
            asked=asked,
            answer=answer,
            refusal=refusal,
            typed_in=request.query_params.getlist("arg")[:ARGS_MAX],
            storage=storage,
            storage_of=chosen,
            declared=_map(contract.interface.get("storage")),
            is_storage_first=after is None,
            events=events,
            event_values=_event_values(contract),
            is_events_first=cursor is None,
            shown=shown,
        )

    async def _asked(
        self, request: Request, contract: Contract, methods: list[Method]
    ) -> tuple[Method | None, Answer | None, str]:
        """Return (method, answer, why not) for a question in the address of the page."""
        name = request.query_params.get("method", "")
        method = next((m for m in methods if m.name == name and m.kind == "view"), None)
        if method is None:
            return None, None, ""
        texts = request.query_params.getlist("arg")[:ARGS_MAX]
        texts += [""] * (len(method.args) - len(texts))
        try:
            args = typed(method.args, texts[: len(method.args)])
            question = Query(method=method.name, args=args)
            return method, await self._chain.query(contract.summary.address, question), ""
        except ChaosError as error:
            if error.code in ("connection", "timeout"):
                raise
            return method, None, error.detail or error.code

    async def tokens(self, request: Request) -> Response:
        """All tokens."""
        cursor = _cursor(request, "cursor")
        found, problem = await self._told(lambda: self._chain.tokens(cursor, ROWS))
        return self._page(request, "tokens", found=found, problem=problem, is_first=cursor is None)

    async def token(self, request: Request) -> Response:
        """One token, who holds it, and how it moved."""
        token_id = request.path_params["id"].lower()
        if not TOKEN.fullmatch(token_id):
            raise Invalid("not_found", "token")
        cursor, below = _cursor(request, "cursor"), _cursor(request, "transfers")
        return self._page(
            request,
            "token",
            token=await self._chain.token(token_id),
            holders=await self._chain.holders(token_id, cursor, ROWS),
            is_first=cursor is None,
            moved=await self._chain.transfers(token_id, below, ROWS),
            is_newest=below is None,
        )

    async def _told(self, ask: Callable[[], Awaitable[T]]) -> tuple[T | None, str]:
        """Return an answer, or the code of why a node that is there does not give it."""
        self._nodes.check_reachable()
        try:
            return await ask(), ""
        except ChaosError as error:
            if error.code in ("connection", "timeout"):
                raise
            return None, error.code


def permissions_of(interface: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return (permission, scopes) of an interface, only those that it asks for."""
    found = []
    for name, scope in sorted(_map(interface.get("permissions")).items()):
        if scope is True or isinstance(scope, str):
            found.append((name, [] if scope is True else [scope]))
        elif isinstance(scope, list) and scope:
            found.append((name, [str(item) for item in scope]))
    return found


def _event_values(contract: Contract) -> Callable[[str, object], list[tuple[str, str, str]]]:
    declared = _map(contract.interface.get("events"))
    return lambda name, values: named(values, declared.get(name))


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _cursor(request: Request, name: str) -> str | None:
    text = request.query_params.get(name) or None
    if text is not None and not CURSOR.fullmatch(text):
        raise Invalid("not_found", "page")
    return text
