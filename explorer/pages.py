"""The pages: each handler asks the chain for what its template shows."""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from chaosnet.base.errors import ChaosError, Invalid
from chaosnet.rpc.schema import Account, ContractSummary, DelegationList, Holding, LockStatus, Transaction
from explorer.board import Board
from explorer.calls import Interfaces
from explorer.calls import shown as value_text
from explorer.chain import Chain
from explorer.desk import Desk
from explorer.feed import Feed, LiveResponse
from explorer.language import LANGUAGES, language_of
from explorer.nodes import Nodes
from explorer.proofs import proof_fields
from explorer.render import Renderer

ROWS: Final = 25
"""Lines of a list on one page."""
CARDS: Final = 12
"""Blocks in the strip of the home page."""
QUERY_CHARS_MAX: Final = 200
INTERFACES_MAX: Final = 8
"""Contracts whose interface one page of a transaction asks for."""
TOPICS: Final = frozenset(("state", "block", "chain", "transactions", "tree", "validators"))

BLOCK_NAME: Final = re.compile(r"[0-9]{1,18}|[0-9a-f]{64}|head|final")
HASH: Final = re.compile(r"[0-9a-f]{64}")
ADDRESS: Final = re.compile(r"[a-z0-9]{1,90}")
CURSOR: Final = re.compile(r"[0-9A-Za-z._:-]{1,200}")
NUMBER: Final = re.compile(r"[0-9]{1,18}")


T = TypeVar("T")


class Sources(NamedTuple):
    """Where pages find what they show."""

    nodes: Nodes
    chain: Chain
    board: Board
    desk: Desk
    feed: Feed


class Pages:
    """Handlers over one chain."""

    def __init__(self, sources: Sources, renderer: Renderer) -> None:
        self._nodes, self._chain, self._board, self._desk, self._feed = sources
        self._page = renderer.page

    # ── lists ────────────────────────────────────────────────────────────────────────────────────────────

    async def home(self, request: Request) -> Response:
        """Newest blocks and transactions and the state of the network, all from memory."""
        self._nodes.check_reachable()
        return self._page(
            request,
            "home",
            blocks=self._board.blocks[:CARDS],
            transactions=self._board.transactions,
            cards_max=CARDS,
        )

    async def blocks(self, request: Request) -> Response:
        """A page of blocks, newest first."""
        self._nodes.check_reachable()
        text = request.query_params.get("from", "")
        first = int(text) if NUMBER.fullmatch(text) else None
        found = await self._chain.blocks(first, ROWS)
        height = self._nodes.status.height if self._nodes.status else 0
        is_newest = first is None or first >= height
        newer = None if is_newest or first is None else first + ROWS
        return self._page(
            request,
            "blocks",
            blocks=found.blocks,
            older=found.next,
            newer=None if newer is None or newer >= height else newer,
            is_newest=is_newest,
            rows_max=ROWS,
        )

    async def nodes(self, request: Request) -> Response:
        """All nodes side by side, and the members of the network."""
        return self._page(request, "nodes")

    # ── who makes the chain, and its branches ────────────────────────────────────────────────────────────

    async def tree(self, request: Request) -> Response:
        """Blocks that may still be undone, and the last reorganisations."""
        tree, problem = await self._told(self._desk.tree)
        is_whole = "all" in request.query_params
        return self._page(request, "tree", tree=tree, problem=problem, is_whole=is_whole)

    async def validators(self, request: Request) -> Response:
        """Who makes blocks, who stands for election, and who has been caught."""
        text = request.query_params.get("from", "")
        first = int(text) if NUMBER.fullmatch(text) else 0
        found, problem = await self._told(lambda: self._desk.validators(first))
        return self._page(
            request,
            "validators",
            found=found,
            problem=problem,
            is_first=first == 0,
            evidence=(await self._desk.evidence())[:ROWS],
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

    # ── one thing ────────────────────────────────────────────────────────────────────────────────────────

    async def block(self, request: Request) -> Response:
        """A block by height or id."""
        name = request.path_params["name"].lower()
        if not BLOCK_NAME.fullmatch(name):
            raise Invalid("not_found", "block")
        try:
            block = await self._chain.block(name)
        except Invalid as error:
            return await self._undone_or(error, request, name)
        summary = block.summary
        if name in ("head", "final"):
            return RedirectResponse(f"/block/{summary.height}", 302)
        text = request.query_params.get("from", "")
        first = min(int(text), summary.tx_count) if NUMBER.fullmatch(text) else 0
        transactions = block.transactions[first : first + ROWS]
        is_whole = first + len(transactions) >= summary.tx_count
        if len(transactions) < ROWS and not is_whole:
            page = await self._chain.block_transactions(summary.id, first, ROWS)
            transactions = page.transactions
        return self._page(
            request,
            "block",
            block=block,
            transactions=transactions,
            first=first,
            newer=max(0, first - ROWS) if first else None,
            older=first + ROWS if first + ROWS < summary.tx_count else None,
            params=(await self._chain.params()).params,
            proof=proof_fields(block),
            evidence=[e for e in await self._desk.evidence() if e.height == summary.height][:ROWS],
        )

    async def _undone_or(self, error: Invalid, request: Request, block_id: str) -> Response:
        """A block that is not on the chain: one of another branch, if this site or a node remembers it."""
        if HASH.fullmatch(block_id):
            undone = self._board.undone.block(block_id)
            if undone is None or not undone.time_ms:
                await self._desk.find_undone(block_id)
                undone = self._board.undone.block(block_id)
            if undone is not None:
                return self._page(request, "undone", 404, undone=undone)
        raise error

    async def transaction(self, request: Request) -> Response:
        """A transaction, pending or in a block."""
        tx_id = request.path_params["id"].lower()
        if not HASH.fullmatch(tx_id):
            raise Invalid("not_found", "transaction")
        dropped_from = self._board.undone.height_of(tx_id)
        request.state.shows = self._feed.watch(tx_id)
        try:
            found = await self._chain.transaction(tx_id)
        except Invalid:
            if dropped_from is None:
                raise
            gone = {"kind": "transaction", "typed": tx_id, "tx_id": tx_id, "dropped_from": dropped_from}
            return self._page(request, "error", 404, **gone)
        body = {name: value for name, value in found.body.items() if name != "actions"}
        actions = found.body.get("actions")
        shown = [a for a in actions if isinstance(a, dict)] if isinstance(actions, list) else []
        known = Interfaces(await self._interfaces(found, shown))
        return self._page(
            request,
            "transaction",
            tx=found,
            body=body,
            actions=shown,
            dropped_from=dropped_from,
            arguments=known.arguments,
            values_of=known.values,
            shown=value_text,
        )

    async def address(self, request: Request) -> Response:
        """An account with its locks and transactions."""
        address = request.path_params["address"].lower()
        if not ADDRESS.fullmatch(address):
            raise Invalid("bad_address", "address")
        cursor = request.query_params.get("cursor") or None
        if cursor is not None and not CURSOR.fullmatch(cursor):
            raise Invalid("not_found", "page")
        account = await self._chain.account(address)
        page = await self._chain.account_transactions(address, cursor, ROWS)
        return self._page(
            request,
            "address",
            account=account,
            next_release=next_release_of(account),
            transactions=page.transactions,
            older=page.next,
            is_first=cursor is None,
            delegations=await self._delegations(address),
            holdings=await self._holdings(address),
            contract=await self._contract_of(address),
        )

    async def _holdings(self, address: str) -> list[Holding]:
        """What tokens an account has, as far as a node tells."""
        try:
            return (await self._chain.holdings(address, None, ROWS)).holdings
        except ChaosError:
            return []

    async def _contract_of(self, address: str) -> ContractSummary | None:
        """The contract at an address, or None."""
        try:
            return (await self._chain.contract(address)).summary
        except ChaosError:
            return None

    async def _interfaces(
        self, found: Transaction, actions: list[dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        """Interfaces of the contracts that a transaction calls or that speak in it, as far as nodes tell."""
        called = [str(a["contract"]) for a in actions if a.get("kind") == "call" and a.get("contract")]
        addresses = dict.fromkeys([*called, *(event.contract for event in found.events)])
        interfaces: dict[str, dict[str, Any]] = {}
        for address in list(addresses)[:INTERFACES_MAX]:
            with suppress(ChaosError):
                interfaces[address] = (await self._chain.contract(address)).interface
        return interfaces

    async def _delegations(self, address: str) -> DelegationList | None:
        """What an account has bonded; None when it is nothing, or a node does not tell."""
        try:
            found = await self._chain.delegations(address)
        except ChaosError:
            return None
        return found if found.delegations else None

    async def search(self, request: Request) -> Response:
        """Go to what was typed; if nothing has that name, say what could be typed."""
        typed = request.query_params.get("q", "").strip()
        text = _cleaned(typed[:QUERY_CHARS_MAX])
        if not text:
            return RedirectResponse("/", 302)
        status = self._nodes.last_status
        for member in status.members if status else ():
            if member.name.lower() == text.lower():
                return RedirectResponse(f"/address/{quote(member.operator, safe='')}", 302)
        found = await self._chain.search(text)
        path = {"block": "block", "transaction": "tx", "account": "address"}.get(found.kind)
        if path is None and self._board.undone.block(text) is not None:
            return RedirectResponse(f"/block/{text}", 302)
        if path is None:
            return self._page(request, "error", 404, kind="search", typed=typed[:QUERY_CHARS_MAX], tx_id="")
        return RedirectResponse(f"/{path}/{quote(found.key, safe='')}", 302)

    # ── machines ─────────────────────────────────────────────────────────────────────────────────────────

    async def live(self, request: Request) -> Response:
        """Events for one browser (server-sent events)."""
        if request.method == "HEAD":
            return Response(media_type=LiveResponse.media_type)
        query = request.query_params
        after = request.headers.get("last-event-id") or query.get("after", "")
        tx_id = query.get("tx", "")
        reader = self._feed.subscribe(
            TOPICS.intersection(query.get("topics", "")[:QUERY_CHARS_MAX].split(",")),
            query["lang"] if query.get("lang") in LANGUAGES else language_of(request),
            after=int(after) if NUMBER.fullmatch(after) else None,
            ip=request.client.host if request.client else "",
            tx_id=tx_id if HASH.fullmatch(tx_id) else "",
        )
        return LiveResponse(reader)

    async def health(self, request: Request) -> Response:
        """Health of this site itself: 200 while it can show the network, else 503."""
        primary = self._nodes.primary
        report = {
            "is_healthy": primary is not None,
            "reason": "" if primary else "no node is reachable",
            "since_ms": None if primary else self._nodes.down_since_ms,
            "is_streaming": self._board.is_streaming,
            "height": primary.status.height if primary and primary.status else None,
            "browsers": self._feed.readers,
            "nodes": [
                {
                    "name": view.name,
                    "is_reachable": view.is_reachable,
                    "since_ms": view.since_ms,
                    "problem": view.problem,
                    "height": view.status.height if view.status else None,
                }
                for view in self._nodes.views
            ],
        }
        headers = {"cache-control": "no-store"}
        return JSONResponse(msgspec.to_builtins(report), 200 if primary else 503, headers)


def next_release_of(account: Account) -> LockStatus | None:
    """Return the lock that releases something next."""
    open_locks = [lock for lock in account.locks if lock.next_release_ms is not None]
    return min(open_locks, key=lambda lock: lock.next_release_ms or 0, default=None)


def _cleaned(typed: str) -> str:
    """Return what somebody means who types `#1,234`, `0x...` or an address in capitals."""
    text = typed.strip().removeprefix("#").strip()
    digits = re.sub(r"[,_\s]", "", text)
    if NUMBER.fullmatch(digits):
        return digits
    lower = text.lower().removeprefix("0x")
    if HASH.fullmatch(lower):
        return lower
    return text.lower() if text.isupper() else text
