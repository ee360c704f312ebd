"""Questions that are not asked all the time: who validates, and the tree of blocks.

They are asked while their screen is shown and when something happened that changes them, and never more often
than once a second. A node that cannot answer them is no less watched: the answer says why.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

import msgspec

from chaosnet.base.errors import ChaosError
from chaosnet.rpc.client import AsyncClient
from chaosnet.rpc.schema import ValidatorList
from tui.network import Network
from tui.plain import plain

T = TypeVar("T")

PAUSE_MS: Final = 1_000
"""Between two questions of a kind."""
STALE_MS: Final = 5_000
"""Asked again after this even when no block came."""
PAGE: Final = 400
VALIDATORS_MAX: Final = 1_200
"""Read at most; a network has up to 101 in force, and any number of candidates."""


class Asker(Protocol):
    """Who can ask the nodes."""

    network: Network

    async def ask(self, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """Ask whichever node answers."""

    async def ask_node(self, index: int, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """Ask one node."""


class Pace:
    """Whether it is time to ask again."""

    def __init__(self) -> None:
        self._asked_ms: int | None = None
        self._about: object = None

    def is_due(self, about: object, now_ms: int) -> bool:
        """Return whether to ask now, and take note of it; `about` is what the answer depends on."""
        pause_ms = PAUSE_MS if about != self._about else STALE_MS
        if self._asked_ms is not None and abs(now_ms - self._asked_ms) < pause_ms:
            return False
        self._asked_ms, self._about = now_ms, about
        return True


async def read_validators(asker: Asker) -> None:
    """Read all validators; what went wrong is kept in the network."""
    network = asker.network
    try:
        found = await asker.ask(lambda client: client.validators(0, PAGE))
        rows = list(found.validators)
        while found.next is not None and len(rows) < VALIDATORS_MAX:
            page = await asker.ask(_page_from(found.next))
            rows += page.validators
            found = msgspec.structs.replace(found, next=page.next if page.validators else None)
    except ChaosError as error:
        network.validators_problem = plain(str(error))
        return
    network.take_validators(msgspec.structs.replace(found, validators=rows))


def _page_from(position: int) -> Callable[[AsyncClient], Awaitable[ValidatorList]]:
    return lambda client: client.validators(position, PAGE)


async def read_tree(asker: Asker, index: int) -> None:
    """Read one node's tree of blocks; what went wrong is kept in the network."""
    network = asker.network
    try:
        tree = await asker.ask_node(index, lambda client: client.tree())
    except ChaosError as error:
        network.miss_tree(index, plain(str(error)))
        return
    network.take_tree(index, tree)
