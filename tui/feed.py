"""Asking the nodes: one task for each, one for the event stream; what they say goes into the Network.

A node that does not answer is asked again after growing pauses. The stream is read from the first node that
answers, and from the next one when that one falls silent; while there is no stream, blocks are asked for.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Final, TypeVar, cast

from chaosnet.base.errors import ChaosError, Invalid, Unavailable
from chaosnet.rpc.client import AsyncClient
from chaosnet.rpc.schema import BlockEvent, ResetEvent, StreamEvent
from tui.asking import Pace, read_tree, read_validators
from tui.network import Network, Target

T = TypeVar("T")

REFRESH_MS: Final = 1_000
REFRESH_MS_MIN: Final = 100
PAUSE_MS_MAX: Final = 5_000
"""Longest pause before a node that does not answer is asked again."""
ANSWER_MS_MAX: Final = 3_000
"""A node without an answer for so long does not answer."""
STREAM_RETRY_MS: Final = 10_000
"""After a refused stream, blocks are asked for during this time."""
BACKLOG: Final = 100
"""Blocks read when a stream begins or has a gap."""
WANTED_MAX: Final = 2
"""Blocks asked of a node after one status, to compare it with others."""
KINDS: Final = ("block", "reorg", "pending", "round", "reset")


def wall_clock_ms() -> int:
    """Return the time by this machine's clock."""
    return time.time_ns() // 1_000_000


class Feed:
    """Keeps a Network up to date for as long as `run` runs."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        refresh_ms: int = REFRESH_MS,
        connect: Callable[[str], AsyncClient] | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        """Raises Invalid(`bad_argument`) for something that is not the URL of a node."""
        make = connect or (lambda url: AsyncClient(url, timeout_ms=ANSWER_MS_MAX))
        self.network = Network(targets)
        self.refresh_ms = max(refresh_ms, REFRESH_MS_MIN)
        self.clock_ms = clock_ms
        self._clients = [make(target.url) for target in targets]
        self._trees = Pace()
        self._reading: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    # ── always ───────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            for index in range(len(self._clients)):
                group.create_task(self._poll(index))
            group.create_task(self._follow())

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.close()

    def wake(self) -> None:
        """Ask all nodes now, those too that wait for their next try."""
        self._woken.set()
        self._woken = asyncio.Event()

    async def _pause(self, pause_ms: int) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), pause_ms / 1000)

    async def _poll(self, index: int) -> None:
        failures = 0
        while True:
            failures = 0 if await self.look(index) else failures + 1
            pause_ms = self.refresh_ms << min(failures, 8)
            await self._pause(
                min(pause_ms, max(PAUSE_MS_MAX, self.refresh_ms)) if failures else self.refresh_ms
            )

    async def look(self, index: int) -> bool:
        """Ask one node for its status, and for blocks that a comparison needs; return whether it answers."""
        client, network = self._clients[index], self.network
        began_ms = self.clock_ms()
        try:
            status = await client.status()
        except ChaosError as error:
            network.lost(index, str(error), self.clock_ms())
            if network.source == index and self._reading is not None:
                self._reading.cancel()
            return False
        now_ms = self.clock_ms()
        network.answered(index, status, now_ms, now_ms - began_ms)
        for height in network.wanted(index)[:WANTED_MAX]:
            with suppress(ChaosError):
                for block in (await client.blocks(height, 1)).blocks:
                    network.note_block(index, block)
        if index in network.forks.restless and self._trees.is_due(index, now_ms):
            await read_tree(self, index)
        return True

    async def look_once(self) -> None:
        """Ask every node, and again those that were at other heights than the rest."""
        await asyncio.gather(*map(self.look, range(len(self._clients))))
        behind = [i for i in range(len(self._clients)) if self.network.wanted(i)]
        await asyncio.gather(*map(self.look, behind))
        self.network.source = index = self._first_reachable()
        if index is not None:
            with suppress(ChaosError):
                await self._catch_up(index)
            await read_validators(self)
            await read_tree(self, index)

    # ── the stream ───────────────────────────────────────────────────────────────────────────────────────

    async def _follow(self) -> None:
        refused_ms: dict[int, int] = {}
        while True:
            index = self._first_reachable()
            self.network.source = index
            if index is None:
                await asyncio.sleep(min(self.refresh_ms, 250) / 1000)
                continue
            if self.clock_ms() - refused_ms.get(index, -STREAM_RETRY_MS) >= STREAM_RETRY_MS:
                failure = await self._stream_from(index)
                if failure is not None and failure.code not in ("connection", "timeout"):
                    refused_ms[index] = self.clock_ms()
            await self._pause(self.refresh_ms)
            with suppress(ChaosError):
                await self._catch_up(index)

    async def _stream_from(self, index: int) -> ChaosError | None:
        """Read one node's stream until it ends, breaks or the node falls silent; return why it broke."""
        reading = self._reading = asyncio.create_task(self._read(index))
        try:
            await asyncio.wait({reading})
        finally:
            self._reading = None
            self.network.is_streaming = False
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        failure = None if reading.cancelled() else reading.exception()
        if failure is not None and not isinstance(failure, ChaosError):
            raise failure
        return failure

    def _first_reachable(self) -> int | None:
        nodes = self.network.nodes
        now = self.network.source
        if now is not None and nodes[now].is_reachable:
            return now
        return next((i for i, node in enumerate(nodes) if node.is_reachable), None)

    async def _read(self, index: int) -> None:
        """Read one node's stream until it ends; raises ChaosError when it is refused or breaks."""
        client, network = self._clients[index], self.network
        await self._catch_up(index)
        stream = cast(
            "AsyncGenerator[tuple[int, StreamEvent], None]", client.stream(kinds=KINDS, resume=False)
        )
        async with aclosing(stream):
            network.is_streaming = True
            async for _, event in stream:
                top = max(network.blocks, default=0)
                is_gap = isinstance(event, BlockEvent) and event.block.height > top + 1
                if is_gap or isinstance(event, ResetEvent):
                    await self._catch_up(index)
                network.take_event(index, event, self.clock_ms())

    async def _catch_up(self, index: int) -> None:
        """Read the newest blocks of a node."""
        self.network.take_blocks(index, (await self._clients[index].blocks(None, BACKLOG)).blocks)

    # ── on demand ────────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """Ask the node whose stream is read, else the other reachable ones in turn.

        Raises what the node answered, or Unavailable(`connection`) when none does.
        """
        nodes = self.network.nodes
        order = sorted(range(len(nodes)), key=lambda i: (i != self.network.source, i))
        failure: ChaosError = Unavailable("connection", "no node answers")
        for index in order:
            if nodes[index].is_reachable:
                try:
                    return await question(self._clients[index])
                except Unavailable as error:
                    failure = error
        raise failure

    async def ask_node(self, index: int, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """Ask one node; raises what it answered."""
        if not 0 <= index < len(self._clients):
            raise Invalid("not_found", f"node {index}")
        return await question(self._clients[index])
