"""All nodes side by side, how the chain moves, and what happened."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import DataTable, Static

from tui.agreement import Verdict
from tui.asking import read_validators
from tui.desk import Desk
from tui.network import Network
from tui.screens.facts import Fact, engine_facts, line_of
from tui.screens.rows import block_columns, block_rows, node_columns, node_line, node_row
from tui.screens.view import View
from tui.show import LEVEL_MARKS, NOTHING, clock, event_of, interval, number, short, span
from tui.trouble import presence_of
from tui.widgets.chart import Chart
from tui.widgets.columns import Column
from tui.widgets.live_table import LiveTable, Row

BLOCK_LINES = 60
EVENT_LINES = 100
BARS = 240
NARROW = 100
"""Below this width texts are shortened."""


class OverviewScreen(View):
    """The first screen."""

    TAB = "overview"
    SORTS = ("given", "height", "health", "pool")

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="facts", markup=False)
        yield LiveTable(id="nodes")
        yield Static(id="detail", markup=False)
        with Horizontal(id="charts"):
            yield Chart(id="intervals", markup=False)
            yield Chart(id="txs", markup=False)
        with Horizontal(id="lists"):
            yield LiveTable(id="blocks", is_following=True)
            yield LiveTable(id="events", is_following=True, show_header=False)

    def on_mount(self) -> None:
        """Begin with the list of nodes."""
        self.query_one("#nodes").focus()

    def paint(self) -> None:
        """Show the facts."""
        self._keep_epoch()
        self.query_one("#facts", Static).update(facts(self.desk, self.size.width))
        self._paint_nodes()
        self._paint_charts()
        words, network = self.desk.words, self.desk.network
        blocks = self.query_one("#blocks", LiveTable)
        blocks.border_title = words("blocks_title")
        blocks.display_rows(
            block_columns(words, with_final=network.is_forking()),
            block_rows(self.desk, network.recent(BLOCK_LINES + 1))[:BLOCK_LINES],
        )
        self._paint_events()

    def _keep_epoch(self) -> None:
        """Ask who validates when an epoch or an engine has ended since the last answer."""
        desk, network = self.desk, self.desk.network
        if network.lacks_validators() and desk.validators_pace.is_due(network.tip_key(), desk.now_ms()):
            self.run_worker(read_validators(desk.feed), exclusive=True, group="validators")

    def _paint_nodes(self) -> None:
        desk, words = self.desk, self.desk.words
        tips, roots = desk.network.tips(), desk.network.state_roots()
        table = self.query_one("#nodes", LiveTable)
        by = words("sorted_by", name=words(f"sort_{self.sort}"))
        table.border_title = f"{words('nodes_title')} · {by}"
        forking = desk.network.is_forking()
        narrow = self.size.width < NARROW
        well = all(node.live is not None and node.live.health.is_healthy for node in desk.network.nodes)
        order = node_order(desk.network, self.sort)
        rows = [node_row(desk, index, tips, roots, is_narrow=narrow, with_final=forking) for index in order]
        table.styles.height = min(len(rows), max(4, self.size.height // 3)) + self.table_frame
        table.display_rows(node_columns(words, is_narrow=narrow, is_well=well, with_final=forking), rows)
        table.move_to(f"node:{desk.selected}")
        self.query_one("#detail", Static).update(
            Text(f" {node_line(desk, desk.node)}", "dim", overflow="ellipsis")
        )

    def _paint_charts(self) -> None:
        words, network, palette = self.desk.words, self.desk.network, self.desk.palette
        intervals, counts = network.intervals_ms(BARS), network.tx_counts(BARS)
        title, figures, empty = words("interval_title"), "", words("chart_empty")
        if intervals:
            median_ms = network.median_interval_ms(BARS)
            figures = words("interval_figures", last=interval(intervals[-1]), median=interval(median_ms))
        self.query_one("#intervals", Chart).plot(
            intervals, palette.accent, title=_titled(title, figures), empty=empty
        )
        title, figures = words("txs_title"), ""
        if counts:
            figures = words("txs_figures", last=counts[-1], most=max(counts))
        self.query_one("#txs", Chart).plot(counts, palette.good, title=_titled(title, figures), empty=empty)

    def _paint_events(self) -> None:
        desk = self.desk
        table = self.query_one("#events", LiveTable)
        table.border_title = desk.words("events_title")
        rows = []
        for event in desk.network.journal.newest(EVENT_LINES):
            style = desk.palette.of(event.level)
            text = f"{LEVEL_MARKS[event.level]} {event_of(event, desk.words)}"
            cells = [(clock(event.time_ms), "dim"), (text, style)]
            opens = f"block:{event.values['last']}" if "last" in event.values else ""
            opens = f"reorg:{event.values['reorg']}" if "reorg" in event.values else opens
            rows.append(Row(f"event {event.order}", cells, opens=opens, copy=text))
        table.display_rows([Column("time", "", 8), Column("text", "", 20, is_flexible=True)], rows)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Choose the node under the cursor."""
        kind, _, index = (event.row_key.value or "").partition(":")
        if kind == "node" and event.data_table.has_focus:
            self.desk.selected = int(index)
            self.query_one("#detail", Static).update(
                Text(f" {node_line(self.desk, self.desk.node)}", "dim", overflow="ellipsis")
            )


def _titled(title: str, figures: str) -> str:
    return f"{title} · {figures}" if figures else title


def node_order(network: Network, sort: str) -> list[int]:
    """Return the positions of the nodes in the order chosen."""

    def rank(index: int) -> tuple[int, int]:
        node = network.nodes[index]
        status = node.status
        if sort == "height":
            return (-status.height if status else 1, index)
        if sort == "pool":
            return (-status.mempool_txs if status else 1, index)
        if sort == "health":  # the worst first
            live = node.live
            return (0 if live is None else 1 if not live.health.is_healthy else 2, index)
        return (0, index)

    return sorted(range(len(network.nodes)), key=rank)


def facts(desk: Desk, width: int) -> Text:
    """Return what is true of the whole network: the network, its engine, its chain; a line each."""
    words, network, palette = desk.words, desk.network, desk.palette
    best = network.best()
    status = best.status if best is not None else None
    if status is None:
        return Text(words("asking"), "dim")
    source = network.nodes[network.source].name if network.source is not None else ""
    via = (
        words("streaming" if network.is_streaming else "polling", node=source) if source else words("nobody")
    )
    first = [
        Fact(words("fact_chain"), status.chain_name, "bold"),
        Fact(words("fact_genesis"), short(status.genesis, 12), rank=2),
        _presence(desk),
        Fact("", via, palette.good if network.is_streaming else palette.warn, rank=1),
    ]
    age_ms = desk.now_ms() - best.to_local(status.tip_time_ms) if best is not None else 0
    waiting = max((node.live.mempool_txs for node in network.nodes if node.live), default=0)
    second = [
        Fact(words("fact_height"), number(status.height), "bold"),
        Fact(words("fact_last_block"), words("ago", span=span(age_ms))),
        _tips(desk),
        Fact(words("fact_txs"), number(status.txs_total), rank=2),
        Fact(words("fact_rate"), number(network.txs_per_minute(desk.now_ms())), rank=1),
        Fact(words("fact_pending"), number(waiting), rank=3),
    ]
    final = max(network.final_height() or 0, status.final_height)
    if network.is_forking() or final < status.height:
        text = words("final_lag", height=final, n=max(status.height - final, 0))
        second.insert(1, Fact(words("fact_final"), text, palette.good))
    return Text("\n").join([line_of(facts, width) for facts in (first, engine_facts(desk, status), second)])


def _presence(desk: Desk) -> Fact:
    name, presence = desk.words("fact_validators"), presence_of(desk.network)
    if presence is None:
        return Fact(name, NOTHING, desk.palette.dim)
    level = "bad" if presence.spare < 0 else "warn" if presence.silent else "good"
    values = {"present": presence.present, "total": presence.validators, "needed": presence.needed}
    return Fact(name, f"{LEVEL_MARKS[level]} {desk.words('present', **values)}", desk.palette.of(level))


def _tips(desk: Desk) -> Fact:
    name, tips = desk.words("fact_tips"), desk.network.tips()
    if tips.height is None:
        return Fact(name, desk.words("tips_unknown"), desk.palette.dim)
    if Verdict.BRANCH in tips.verdicts:
        return Fact(name, f"~ {desk.words('tips_branch', height=tips.height)}", desk.palette.warn)
    if tips.is_bad:
        return Fact(name, f"✗ {desk.words('tips_differ', height=tips.height)}", desk.palette.bad)
    agreeing = sum(verdict == "agrees" for verdict in tips.verdicts)
    return Fact(name, f"✓ {desk.words('tips_agree', n=agreeing, height=tips.height)}", desk.palette.good)
