"""The chain, block by block: live at the top, older ones as far down as one goes."""

from textual.app import ComposeResult

from chaosnet.rpc.schema import BlockSummary
from tui.desk import Desk
from tui.screens.rows import block_columns, block_rows
from tui.screens.view import View
from tui.widgets.live_table import LiveTable

PAGE = 100
LIVE = 200
OLDER_MAX = 1_000
"""Older blocks held at a time; those above them can be read again."""


class BlocksScreen(View):
    """List of blocks."""

    TAB = "blocks"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._older: dict[int, BlockSummary] = {}

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield LiveTable(id="all-blocks", is_following=True)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(LiveTable).focus()

    def paint(self) -> None:
        """Show the blocks."""
        words = self.desk.words
        blocks = self._shown()
        table = self.query_one(LiveTable)
        table.border_title = words("blocks_title")
        table.border_subtitle = words("blocks_older", height=blocks[-1].height) if blocks else ""
        table.display_rows(
            block_columns(words, with_final=self.desk.network.is_forking()), block_rows(self.desk, blocks)
        )

    def _shown(self) -> list[BlockSummary]:
        newest = self.desk.network.recent(LIVE)
        lowest = newest[-1].height if newest else 0
        older = [self._older[h] for h in sorted(self._older, reverse=True) if h < lowest]
        return newest + older

    def on_live_table_at_end(self) -> None:
        """Read older blocks."""
        self.run_worker(self._read_older(), exclusive=True)

    async def _read_older(self) -> None:
        shown = self._shown()
        if not shown or shown[-1].height == 0:
            return
        first = shown[-1].height - 1
        page = await self.read(lambda client: client.blocks(first, PAGE))
        if page is None:
            return
        newest = self.desk.network.recent(LIVE)
        joined = {block.height: block for block in [*newest, *page.blocks]} | self._older
        heights = sorted(joined)[:OLDER_MAX]
        self._older = {height: joined[height] for height in heights}
        self.paint_all()
