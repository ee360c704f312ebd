"""What every screen does: paint the frame, open the line under the cursor, sort."""

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import DataTable

from chaosnet.base.errors import ChaosError
from chaosnet.rpc.client import AsyncClient
from tui.desk import Desk, Open
from tui.plain import plain
from tui.widgets.frame import Banner, KeyBar, TopBar
from tui.widgets.live_table import LiveTable, Row

T = TypeVar("T")

OPENED: Final = ("block", "transaction", "account", "validator", "reorg", "node")
"""What a line may stand for."""


class View(Screen[None]):
    """One screen. `paint` shows the facts as they are now; the app calls it whenever they change."""

    TAB: ClassVar[str] = ""
    SORTS: ClassVar[tuple[str, ...]] = ()
    """Names of the orders of its table; the message is `sort_<name>`."""
    FILTERS: ClassVar[tuple[str, ...]] = ()
    """Names of what its table may be narrowed to; the message is `filter_<name>`."""
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-broad")]

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        super().__init__()

    def compose(self) -> ComposeResult:
        """Lay it out: frame and body."""
        yield TopBar()
        yield Banner(markup=False)
        with Vertical(id="body"):
            yield from self.body()
        yield KeyBar()

    def body(self) -> ComposeResult:
        """Lay out what is inside the frame."""
        raise NotImplementedError

    def paint(self) -> None:
        """Show the facts."""
        raise NotImplementedError

    def paint_all(self) -> None:
        """Show frame and facts, if the screen is laid out."""
        if not self.is_mounted or not self.query(KeyBar):
            return
        self.query_one(TopBar).paint(self.desk, self.app.current_mode)
        self.query_one(Banner).paint(self.desk)
        without = [] if len(self.SORTS) > 1 else ["sort"]
        if not self.FILTERS:
            without.append("filter")
        if len(self.app.screen_stack) < 2:
            without.append("back")
        if self.app.size.width < 90:
            without.append("refresh")
        self.query_one(KeyBar).paint(self.desk, without)
        self.paint()

    @property
    def table_frame(self) -> int:
        """Lines that a table needs besides its own: header, title and, with room, a lower border."""
        return 2 if self.has_class("-short") else 3

    @property
    def sort(self) -> str:
        """Name of the order chosen."""
        return self.SORTS[self.desk.sorts.get(self.TAB, 0) % len(self.SORTS)] if self.SORTS else ""

    def next_sort(self) -> None:
        """Choose the next order."""
        if self.SORTS:
            self.desk.sorts[self.TAB] = (self.desk.sorts.get(self.TAB, 0) + 1) % len(self.SORTS)
            self.paint_all()

    @property
    def filter(self) -> str:
        """Name of the filter chosen."""
        chosen = self.desk.filters.get(self.TAB, 0)
        return self.FILTERS[chosen % len(self.FILTERS)] if self.FILTERS else ""

    def next_filter(self) -> None:
        """Choose the next filter."""
        if self.FILTERS:
            self.desk.filters[self.TAB] = (self.desk.filters.get(self.TAB, 0) + 1) % len(self.FILTERS)
            self.paint_all()

    def order_line(self) -> str:
        """Return the order and the filter chosen, for a title."""
        words = self.desk.words
        parts = [words("sorted_by", name=words(f"sort_{self.sort}"))] if len(self.SORTS) > 1 else []
        if self.FILTERS and self.desk.filters.get(self.TAB, 0):
            parts.append(words("only", name=words(f"filter_{self.filter}")))
        return " · ".join(parts)

    def refresh_facts(self) -> None:
        """Read again what this screen reads itself."""

    def on_screen_resume(self) -> None:
        """Show the facts when the screen comes to the front."""
        self.call_after_refresh(self.paint_all)

    def on_resize(self, _: events.Resize) -> None:
        """Show the facts in the new size."""
        self.call_after_refresh(self.paint_all)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the line."""
        table = event.data_table
        if isinstance(table, LiveTable) and table.current is not None:
            self.open(table.current)

    def open(self, row: Row) -> None:
        """Open what a line stands for, if anything."""
        kind, _, rest = row.target.partition(":")
        if rest and kind in OPENED:
            self.post_message(Open(kind, rest))

    async def read(self, question: Callable[[AsyncClient], Awaitable[T]]) -> T | None:
        """Ask the network; when it refuses, say why and return None."""
        try:
            return await self.desk.feed.ask(question)
        except ChaosError as error:
            self.notify(plain(str(error)), severity="error", markup=False)
            return None

    @property
    def table(self) -> LiveTable | None:
        """The table that has the cursor."""
        return self.focused if isinstance(self.focused, LiveTable) else None
