"""A screen about one thing that is read from a node: loading, what went wrong, then its fields and lists."""

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from chaosnet.base.errors import ChaosError
from tui.desk import Desk
from tui.plain import plain
from tui.screens.rows import field_columns
from tui.screens.view import View
from tui.widgets.live_table import LiveTable, Row

LABEL_CELLS = 14
"""With a hash beside it, 80 columns are full."""


class DetailView(View):
    """One block, transaction or account."""

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk)
        self.key = key
        self._problem = ""
        self._seen_height = -1

    def body(self) -> ComposeResult:
        """Lay it out: fields, and one list."""
        yield Static(self.desk.words("loading"), id="problem", markup=False)
        yield LiveTable(id="fields", show_header=False)
        yield LiveTable(id="items")

    def on_mount(self) -> None:
        """Read it."""
        self.query_one("#fields").focus()
        self.refresh_facts()

    def refresh_facts(self) -> None:
        """Read it again."""
        self._read()

    @work(exclusive=True, group="detail")
    async def _read(self) -> None:
        try:
            await self.load()
            self._problem = ""
        except ChaosError as error:
            self._problem = plain(f"✗ {error}")
        self.paint_all()

    async def load(self) -> None:
        """Read everything; raises ChaosError."""
        raise NotImplementedError

    def network_moved(self) -> bool:
        """Return whether there is a new block since this was asked last."""
        height = max(self.desk.network.blocks, default=0)
        has_moved = self._seen_height not in (-1, height)
        self._seen_height = height
        return has_moved

    def show_fields(self, title: str, rows: list[Row]) -> None:
        """Show the fields, as high as they are."""
        table = self.query_one("#fields", LiveTable)
        table.border_title = Content(plain(title)).markup
        table.styles.height = min(len(rows) + self.table_frame - 1, max(self.size.height * 3 // 5, 6))
        table.display_rows(field_columns(LABEL_CELLS), rows)

    def show_problem(self, *, is_loaded: bool) -> bool:
        """Show that it is not here yet, or why not; return whether there is something to show."""
        line = self.query_one("#problem", Static)
        line.display = bool(self._problem) or not is_loaded
        if line.display:
            line.update(self._problem or self.desk.words("loading"))
        for table in self.query(LiveTable):
            table.display = is_loaded
        return is_loaded
