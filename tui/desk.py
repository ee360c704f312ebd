"""What all screens share: the feed, the words, the colours, and what the reader has chosen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from textual.message import Message

from tui.asking import Asker, Pace
from tui.network import Network, NodeView
from tui.show import Palette
from tui.words import Words


class Source(Asker, Protocol):
    """Where the facts come from: `tui.feed.Feed`, or made-up ones in tests."""

    refresh_ms: int
    clock_ms: Callable[[], int]

    async def run(self) -> None:
        """Keep the network up to date until cancelled."""

    async def close(self) -> None:
        """Close all connections."""

    def wake(self) -> None:
        """Ask all nodes now."""


@dataclass(slots=True)
class Desk:
    """One reader's view of one network."""

    feed: Source
    words: Words
    palette: Palette
    selected: int = 0
    """Node chosen, by position."""
    is_paused: bool = False
    sorts: dict[str, int] = field(default_factory=dict)
    """Chosen order of each screen."""
    filters: dict[str, int] = field(default_factory=dict)
    """Chosen filter of each screen."""
    validators_pace: Pace = field(default_factory=Pace)
    tree_pace: Pace = field(default_factory=Pace)

    @property
    def network(self) -> Network:
        """All facts."""
        return self.feed.network

    @property
    def node(self) -> NodeView:
        """The chosen node."""
        return self.network.nodes[self.selected]

    def now_ms(self) -> int:
        """Return the time by this machine's clock."""
        return self.feed.clock_ms()


class Open(Message):
    """The reader wants to see a `block`, `transaction`, `account`, `validator`, `reorg` or `node`."""

    def __init__(self, kind: str, key: str, *, replaces: bool = False) -> None:
        self.kind = kind
        self.key = key
        self.replaces = replaces
        """Instead of the screen shown, not on top of it."""
        super().__init__()
