"""The nodes behind the site: which of them answer, since when, and which is asked for what a page needs."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from urllib.parse import urlsplit

from chaosnet.base.errors import ChaosError, Invalid, Unavailable
from chaosnet.rpc.client import AsyncClient
from chaosnet.rpc.schema import Status

STATUS_S: Final = 2.0
"""A node that does not tell its status within this time counts as unreachable."""
CALL_S: Final = 5.0
"""A page waits this long for all it asks of nodes in one go, other nodes tried included."""
CALLS_MAX: Final = 32
"""Questions to nodes under way at once."""
QUEUE_S: Final = 2.0
"""A question waits this long for its turn."""
NAME_CHARS_MAX: Final = 60

log = logging.getLogger("explorer")

T = TypeVar("T")


def clock_ms() -> int:
    """Return the time, Unix milliseconds."""
    return time.time_ns() // 1_000_000


class NodeView:
    """One node as this site sees it."""

    def __init__(self, client: AsyncClient, url: str) -> None:
        self.client = client
        self.name = urlsplit(url).netloc.rpartition("@")[2][:NAME_CHARS_MAX] or "node"
        self.status: Status | None = None
        """The last one it told."""
        self.is_reachable = False
        self.since_ms = clock_ms()
        """Since when it is reachable, or is not."""
        self.problem = ""
        """Code of the error while it is unreachable."""

    async def poll(self) -> None:
        """Ask for the status and remember the outcome."""
        try:
            async with asyncio.timeout(STATUS_S):
                status = await self.client.status()
        except TimeoutError:
            self._note(is_reachable=False, problem="timeout")
        except ChaosError as error:
            self._note(is_reachable=False, problem=error.code)
        else:
            self.status = status
            self.name = status.name[:NAME_CHARS_MAX] or self.name
            self._note(is_reachable=True)

    def _note(self, *, is_reachable: bool, problem: str = "") -> None:
        if is_reachable != self.is_reachable:
            self.since_ms = clock_ms()
            log.info("%s is %s", self.name, "reachable" if is_reachable else f"unreachable: {problem}")
        self.is_reachable = is_reachable
        self.problem = problem


class Nodes:
    """All nodes, in the order they were given."""

    def __init__(self, views: Sequence[NodeView]) -> None:
        self.views = list(views)
        self.genesis = ""
        """Of the network that is shown: that of the first node that ever answered."""
        self._turns = asyncio.Semaphore(CALLS_MAX)

    @property
    def primary(self) -> NodeView | None:
        """The node that pages are made from: the first reachable one, healthy ones before others."""
        first = self._order()[0]
        return first if first.is_reachable and not self.is_foreign(first) else None

    @property
    def status(self) -> Status | None:
        """What the primary told last."""
        return self.primary.status if self.primary else None

    @property
    def last_status(self) -> Status | None:
        """The best status known, however old."""
        known = [v.status for v in self.views if v.status is not None and not self.is_foreign(v)]
        return self.status or max(known, key=lambda s: s.now_ms, default=None)

    @property
    def down_since_ms(self) -> int:
        """Since when no node at all is reachable."""
        return max(view.since_ms for view in self.views)

    def check_reachable(self) -> None:
        """Raise Unavailable(`connection`) when no node is reachable."""
        if self.primary is None:
            raise Unavailable("connection", "no node is reachable")

    def is_foreign(self, view: NodeView) -> bool:
        """Return whether a node belongs to another network than the one shown."""
        return view.status is not None and view.status.genesis != self.genesis

    def _order(self) -> list[NodeView]:
        def key(view: NodeView) -> tuple[bool, bool, bool, bool]:
            health = view.status.health if view.status else None
            return (
                not view.is_reachable,
                self.is_foreign(view),
                health is None or not health.is_healthy,
                health is None or health.phase != "running",
            )

        return sorted(self.views, key=key)

    async def poll(self) -> bool:
        """Ask all for their status; return whether the network shown is another one than before."""
        await asyncio.gather(*(view.poll() for view in self.views))
        told = [view.status.genesis for view in self.views if view.status is not None]
        is_other = bool(told) and told[0] != self.genesis
        if is_other:
            self.genesis = told[0]
        return is_other

    async def poll_primary(self) -> None:
        """Ask only the primary for its status."""
        if (primary := self.primary) is not None:
            await primary.poll()

    async def ask(self, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """Ask the primary, and while there is no answer the others in turn.

        Raises Unavailable when none answers, and what the first that answers objects to.
        """
        failure: ChaosError = Unavailable("connection", "no node is reachable")
        async with self._turn():
            try:
                async with asyncio.timeout(CALL_S):
                    for view in self._order():
                        if not view.is_reachable or self.is_foreign(view):
                            continue
                        try:
                            return await question(view.client)
                        except Unavailable as error:
                            failure = error
                        except Invalid as error:
                            # Questions are well formed: it is the answer that cannot be read.
                            if error.code not in ("malformed", "too_large"):
                                raise
                            failure = Unavailable(error.code, error.detail)
            except TimeoutError as error:
                raise Unavailable("timeout", "no answer of a node in time") from error
        raise failure

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(QUEUE_S):
                await self._turns.acquire()
        except TimeoutError as error:
            raise Unavailable("overloaded", "too many questions to nodes at once") from error
        try:
            yield
        finally:
            self._turns.release()
