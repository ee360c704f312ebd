"""What waits: the mempool of each node, and transactions the stream told of."""

from textual.app import ComposeResult

from tui.bars import bars
from tui.desk import Desk
from tui.network import PendingTx
from tui.screens.view import View
from tui.show import clock, number, size, span
from tui.widgets.columns import Column
from tui.widgets.live_table import LiveTable, Row

ROWS_MAX = 300
HISTORY = 60


class PoolScreen(View):
    """Mempools and pending transactions."""

    TAB = "pool"

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield LiveTable(id="pools")
        yield LiveTable(id="pending", is_following=True)

    def on_mount(self) -> None:
        """Begin with the transactions."""
        self.query_one("#pending").focus()

    def paint(self) -> None:
        """Show both lists."""
        words, network = self.desk.words, self.desk.network
        pools = self.query_one("#pools", LiveTable)
        pools.border_title = words("pool_title")
        pools.styles.height = min(len(network.nodes), max(4, self.size.height // 3)) + self.table_frame
        columns = [
            Column("node", words("col_node"), 10),
            Column("txs", words("col_txs"), 9, is_right=True),
            Column("bytes", words("col_bytes"), 11, is_right=True),
            Column("history", words("col_history"), 20, is_flexible=True),
        ]
        pools.display_rows(columns, [self._pool(index) for index in range(len(network.nodes))])
        self._paint_pending()

    def _pool(self, index: int) -> Row:
        node, palette = self.desk.network.nodes[index], self.desk.palette
        live = node.live
        levels = list(node.pool)[-HISTORY:]
        (history,) = bars(levels, len(levels), 1)
        sign = ("●", palette.good) if live else ("○", palette.bad)
        cells = [
            (f"{sign[0]} {node.name}", sign[1]),
            (number(live.mempool_txs) if live else "—", ""),
            (size(live.mempool_bytes) if live else "—", ""),
            (history.replace(" ", "·"), palette.accent),
        ]
        return Row(f"node:{index}", cells)

    def _paint_pending(self) -> None:
        words, palette, now_ms = self.desk.words, self.desk.palette, self.desk.now_ms()
        table = self.query_one("#pending", LiveTable)
        columns = [
            Column("seen", words("col_seen"), 8),
            Column("age", "", 7, is_right=True),
            Column("state", words("col_state"), 20),
            Column("tx", words("col_tx"), 30, is_flexible=True),
        ]
        rows = []
        for tx in newest(self.desk):
            waiting = tx.height is None
            state = words("pending_waiting") if waiting else words("pending_included", height=tx.height)
            cells = [
                (clock(tx.seen_ms), "dim"),
                (span(now_ms - tx.seen_ms) if waiting else "", "dim"),
                (f"{'·' if waiting else '✓'} {state}", palette.warn if waiting else palette.good),
                (tx.id, ""),
            ]
            rows.append(Row(f"transaction:{tx.id}", cells))
        table.border_title = words("pending_title")
        table.border_subtitle = "" if rows else words("pending_empty")
        table.display_rows(columns, rows)


def newest(desk: Desk) -> list[PendingTx]:
    """Return the transactions heard of last, newest first; those that wait before those in a block."""
    known = list(desk.network.pending.values())[::-1]
    return sorted(known, key=lambda tx: tx.height is not None)[:ROWS_MAX]
