"""What is newest, kept by one subscription to a node for all browsers; what changes goes into the feed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from chaosnet.base.errors import ChaosError
from chaosnet.rpc.schema import (
    BlockEvent,
    BlockSummary,
    FinalEvent,
    Params,
    PendingEvent,
    ReorgEvent,
    ResetEvent,
    StreamEvent,
    TransactionSummary,
)
from explorer.chain import Chain
from explorer.feed import Feed, Parts
from explorer.line import BLOCKS_KEPT, Line
from explorer.nodes import Nodes, NodeView
from explorer.undone import Undone

KINDS: Final = ("block", "reorg", "final", "pending", "health")
"""Of events; that some were missed and why a stream ends is told in any case."""
TRANSACTIONS_SHOWN: Final = 10
POLL_S: Final = 2.0
"""All nodes tell their status this often."""
SOON_S: Final = 0.5
"""After an event the primary is asked again, but not more often than this."""
RETRY_S: Final = 1.0
STATE_PARTS: Final = {"facts": ("alert", "next", "facts", "about"), "nodes": ("nodes", "members")}
"""Parts of pages that show the state of the network, by what they are made from."""
DROPPED_TOLD_MAX: Final = 1_000
"""So many dropped transactions an event names; there may be more."""
LAG_MAX: Final = 3
"""Blocks that the streaming node may be behind the primary before the stream moves to the primary."""

log = logging.getLogger("explorer")

Render = Callable[..., str]
"""Renders one part of a page: name of the part, language, values."""


class Board:
    """The newest blocks and transactions and the state of the nodes."""

    def __init__(self, nodes: Nodes, chain: Chain, feed: Feed, render: Render) -> None:
        self.undone = Undone()
        """What reorganisations took off the chain."""
        self.transactions: list[TransactionSummary] = []
        """Newest first."""
        self.params: Params | None = None
        self.is_streaming = False
        self._nodes = nodes
        self._chain = chain
        self._feed = feed
        self._render = render
        self._line = Line()
        self._tails: dict[str, list[TransactionSummary]] = {}
        self._soon = asyncio.Event()
        self._loading = asyncio.Lock()
        self._streamed: NodeView | None = None
        self._stream: asyncio.Task[None] | None = None
        self._told: dict[str, object] = {}

    @property
    def blocks(self) -> list[BlockSummary]:
        """Newest first."""
        return self._line.blocks

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Learn the present state once, as far as nodes answer."""
        await self._guarded(self._poll_all)

    async def run(self) -> None:
        """Follow the network until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll_forever())
            group.create_task(self._stream_forever())

    async def _poll_forever(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + POLL_S
        while True:
            await asyncio.sleep(SOON_S)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due_s):
                    await self._soon.wait()
            self._soon.clear()
            if loop.time() < due_s:
                await self._guarded(self._poll_primary)
            else:
                due_s = loop.time() + POLL_S
                await self._guarded(self._poll_all)

    async def _stream_forever(self) -> None:
        while True:
            if (view := self._nodes.primary) is not None:
                self._streamed = view
                self._stream = asyncio.create_task(self._guarded(lambda: self._read_stream(view)))
                try:
                    await asyncio.wait({self._stream})
                finally:
                    self._stream.cancel()
                self.is_streaming = False
            await asyncio.sleep(RETRY_S)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what may fail because of a node; the next round tries again."""
        try:
            await work()
        except ChaosError as error:
            log.debug("node: %s", error)
        except Exception:
            log.exception("a fault while following the network")

    # ── nodes ────────────────────────────────────────────────────────────────────────────────────────────

    async def _poll_all(self) -> None:
        if await self._nodes.poll():
            self._start_over()
            self.params = None
        self._move_stream()
        try:
            if self._nodes.primary is not None:
                self.params = await self._chain.params()
        finally:
            await self._catch_up()

    async def _poll_primary(self) -> None:
        await self._nodes.poll_primary()
        await self._catch_up()

    async def _catch_up(self) -> None:
        """Show the polled state; load blocks when the stream brought fewer than there are."""
        try:
            status = self._nodes.status
            if status is not None:
                if status.tip not in self._line:
                    await self._load()
                self._finalise(status.final_height)
            await self._find_transactions()
        finally:
            self._publish_state()

    def _start_over(self) -> None:
        self._chain.forget()
        self.undone.forget()
        self._line = Line()
        self.transactions, self._tails = [], {}

    def _move_stream(self) -> None:
        """Leave a node that fell silent or behind, or may be on another branch, for the one pages ask."""
        streamed, primary = self._streamed, self._nodes.primary
        if self._stream is None or streamed is None or primary is None or streamed is primary:
            return
        lag = (primary.status.height if primary.status else 0) - (
            streamed.status.height if streamed.status else 0
        )
        can_fork = primary.status is not None and primary.status.consensus.finality != "immediate"
        if not streamed.is_reachable or self._nodes.is_foreign(streamed) or lag > LAG_MAX or can_fork:
            self._stream.cancel()

    def _publish_state(self) -> None:
        """Publish facts and the table of nodes unless browsers have them already."""
        all_views = [(view.name, view.is_reachable, _lasting(view)) for view in self._nodes.views]
        primary = self._nodes.primary
        for topic, now in (("facts", primary and _lasting(primary)), ("nodes", all_views)):
            if self._told.get(topic) != now:
                self._told[topic] = now
                self._feed.publish("state", self._state_parts(topic))

    def _state_parts(self, topic: str) -> Callable[[str], Parts]:
        return lambda lang: {name: self._render(name, lang) for name in STATE_PARTS[topic]}

    # ── blocks ───────────────────────────────────────────────────────────────────────────────────────────

    async def _read_stream(self, view: NodeView) -> None:
        async for _, event in view.client.stream(kinds=KINDS, resume=False):
            self.is_streaming = True
            await self._take(event)

    async def _take(self, event: StreamEvent) -> None:
        match event:
            case BlockEvent(block=block, tx_ids=tx_ids):
                await self._take_block(block)
                self._feed.touch(tx_ids)
            case FinalEvent(height=height):
                self._finalise(height)
            case PendingEvent(tx_ids=tx_ids):
                self._feed.touch(tx_ids)
            case ReorgEvent():
                await self._take_reorganisation(event)
            case ResetEvent():
                await self._load()
                self._feed.touch()
        self._soon.set()

    async def _take_block(self, block: BlockSummary) -> None:
        if self._line.is_joined_by(block):
            self._follow([block])
        elif block.id not in self._line and not self._line.is_older(block):
            await self._load()

    async def _take_reorganisation(self, event: ReorgEvent) -> None:
        """Follow the new branch, whose blocks mostly have come by now, and tell of dropped transactions."""
        if event.new_id not in self._line:
            await self._load()
        self.undone.note_dropped(event.dropped, event.common_height)
        is_whole = len(event.dropped) < DROPPED_TOLD_MAX
        self._feed.touch(event.dropped if is_whole else None)

    def _finalise(self, height: int) -> None:
        if self._line.finalise(height):
            self._feed.publish("chain", lambda lang: {"final": self._render("final", lang, height=height)})

    async def _load(self) -> None:
        """Read the newest blocks from a node and follow what it says."""
        async with self._loading:
            self._follow((await self._chain.blocks(None, BLOCKS_KEPT)).blocks)

    def _follow(self, found: list[BlockSummary]) -> None:
        """Put blocks, newest first, on top of the one they stand on; what stood there is undone."""
        change = self._line.take(found)
        if change is None:
            return
        is_gap = change.is_replaced and change.undone and change.added[0].height > change.undone[0].height
        if not is_gap and any(block.is_final for block in change.undone):
            # The network was set up anew from the same genesis: nothing that was remembered holds.
            self._start_over()
            self._line.take(found)
            self._feed.reset()
            return
        self.undone.note_back(block.id for block in change.added)
        if change.is_replaced:
            self._feed.reset()
            return
        if change.undone:
            self.undone.note_undone(change.undone)
            gone = " ".join(block.id for block in change.undone)
            self._feed.publish("chain", lambda _: {"gone": gone})
        for block in reversed(change.added):
            self._feed.publish("block", self._block_parts(block))

    def _block_parts(self, block: BlockSummary) -> Callable[[str], Parts]:
        return lambda lang: {
            "cards": self._render("card", lang, block=block),
            "rows": self._render("row", lang, block=block),
        }

    # ── transactions ─────────────────────────────────────────────────────────────────────────────────────

    async def _find_transactions(self) -> None:
        """Collect the newest transactions from the end of the newest blocks that have some."""
        found: list[TransactionSummary] = []
        tails: dict[str, list[TransactionSummary]] = {}
        for block in self.blocks:
            if len(found) >= TRANSACTIONS_SHOWN:
                break
            if block.tx_count:
                tails[block.id] = self._tails.get(block.id) or await self._tail(block)
                found += tails[block.id]
        self._tails = tails
        # Blocks without transactions may have pushed the last ones out of what is kept.
        oldest = self.blocks[-1].height if self.blocks else 0
        found += [t for t in self.transactions if t.height < oldest]
        found = found[:TRANSACTIONS_SHOWN]
        if [t.id for t in found] != [t.id for t in self.transactions]:
            self.transactions = found
            self._feed.publish(
                "transactions",
                lambda lang: {"transactions": self._render("transactions", lang, transactions=found)},
            )

    async def _tail(self, block: BlockSummary) -> list[TransactionSummary]:
        first = max(0, block.tx_count - TRANSACTIONS_SHOWN)
        page = await self._chain.block_transactions(block.id, first, TRANSACTIONS_SHOWN)
        return page.transactions[::-1]


def _lasting(view: NodeView) -> object:
    """Return a node's status without what changes from one second to the next."""
    status = view.status
    if status is None:
        return None
    now = status.consensus
    members = [(m.name, m.is_connected, m.is_silent) for m in status.members]
    offset = None if status.clock_offset_ms is None else status.clock_offset_ms // 50
    return (
        (status.name, status.tip, status.final_id, status.peers, status.mempool_txs, status.mempool_bytes),
        (status.health, status.txs_total, status.trust, now.height, now.round, now.engine, now.era),
        (now.next_engine, now.handover_height, now.is_handing_over, now.reorganisations, now.validators),
        (members, offset, status.started_ms, status.block_interval_ms),
    )
