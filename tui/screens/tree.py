"""The tree of blocks that one node sees: forks, tails, what is final, and the branches it left."""

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from chaosnet.rpc.schema import Tree, TreeBlock
from tui.asking import read_tree
from tui.branches import FINAL, Line, branch_count, draw
from tui.desk import Desk
from tui.forks import Reorg
from tui.network import IMMEDIATE
from tui.screens.facts import Fact, handover_facts, line_of
from tui.screens.view import View
from tui.show import clock, ends, number, short_weight
from tui.widgets.columns import Column
from tui.widgets.live_table import Cell, LiveTable, Row

GRAPH_CELLS = 24
"""Branches further to the right are cut off."""
REORGS = 32


class TreeScreen(View):
    """Tree of the node chosen, drawn with the newest block at the top."""

    TAB = "tree"
    FILTERS = ("all", "chain", "forks")

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="facts", markup=False)
        yield Static(id="problem", markup=False)
        yield LiveTable(id="tree", is_following=True)
        yield LiveTable(id="reorgs")

    def on_mount(self) -> None:
        """Begin in the tree."""
        self.query_one("#tree").focus()

    def refresh_facts(self) -> None:
        """Ask the node again."""
        self._read(self.desk.selected)

    @work(exclusive=True, group="tree")
    async def _read(self, index: int) -> None:
        await read_tree(self.desk.feed, index)
        self.paint_all()

    def paint(self) -> None:
        """Show the tree as last told; ask again when the node has another head, or is another one."""
        desk = self.desk
        live = desk.node.live
        if live is not None and desk.tree_pace.is_due((desk.selected, live.tip), desk.now_ms()):
            self.refresh_facts()
        problem = self.query_one("#problem", Static)
        text = desk.network.forks.problems.get(desk.selected, "")
        problem.display = bool(text) and live is not None
        problem.update(f"✗ {text}")
        tree = desk.network.forks.trees.get(desk.selected)
        self.query_one("#facts", Static).update(self._facts(tree))
        self._paint_reorgs()
        table = self.query_one("#tree", LiveTable)
        table.border_title = self._title(tree)
        if tree is None:
            table.display_rows(self._columns([], with_slot=False, with_engine=False), [])
            return
        lines = self._lines(tree)
        with_slot = any(line.block.slot is not None for line in lines)
        with_engine = len({(line.block.era, line.block.engine) for line in lines}) > 1
        columns = self._columns(lines, with_slot=with_slot, with_engine=with_engine)
        tips = self._tips()
        rows = {
            line.block.id: self._row(tree, line, tips, with_slot=with_slot, with_engine=with_engine)
            for line in lines
        }
        table.display_rows(columns, list(rows.values()))

    def _title(self, tree: Tree | None) -> str:
        words = self.desk.words
        parts = [words("tree_title", node=self.desk.node.name), self.order_line()]
        if tree is None:
            parts.append(words("tree_none"))
        elif tree.finality == IMMEDIATE:
            parts.append(words("tree_at_once"))
        elif tree.left_out:
            parts.append(words("tree_left_out", n=tree.left_out))
        return Content(" · ".join(filter(None, parts))).markup

    def _lines(self, tree: Tree) -> list[Line]:
        """Return the blocks that the filter leaves."""
        lines = draw(tree)
        if self.filter == "chain":
            return [line for line in lines if line.block.is_canonical or line.block.is_final]
        if self.filter == "forks":
            heights = [line.block.height for line in lines]
            sides = {line.block.id for line in lines if not line.block.is_canonical}
            forked = {line.block.parent for line in lines if line.block.id in sides}
            return [
                line
                for line in lines
                if line.block.id in sides | forked
                or heights.count(line.block.height) > 1
                or line.block.is_final
            ]
        return lines

    def _columns(self, lines: list[Line], *, with_slot: bool, with_engine: bool) -> list[Column]:
        words = self.desk.words
        width = min(max((len(line.graph) for line in lines), default=4), GRAPH_CELLS)
        return [
            Column("branch", words("col_branch"), max(width, 4)),
            Column("height", words("col_height"), 9, is_right=True),
            Column("id", words("col_block_id"), 8),
            Column("time", words("col_time"), 8, rank=2),
            Column("txs", words("col_txs"), 5, is_right=True),
            Column("proposer", words("col_proposer"), 11),
            *([Column("engine", words("col_engine"), 8, rank=3)] if with_engine else []),
            *([Column("slot", words("col_slot"), 7, is_right=True, rank=4)] if with_slot else []),
            Column("weight", words("col_weight"), 9, is_right=True, rank=5),
            Column("note", "", 18, is_flexible=True),
        ]

    def _row(
        self, tree: Tree, line: Line, tips: dict[str, list[str]], *, with_slot: bool, with_engine: bool
    ) -> Row:
        block, palette = line.block, self.desk.palette
        note, style = _note(self.desk, tree, block)
        names = tips.get(block.id, [])
        is_all = len(names) == len(self.desk.network.nodes) > 1
        watched = self.desk.words("tree_all", n=len(names)) if is_all else ", ".join(names)
        parts = [note, f"← {watched}" if watched else ""]
        cells: list[Cell] = [
            (line.graph, style),
            (number(block.height), "bold" if block.id == tree.head_id else ""),
            (block.id[:8], style),
            (clock(block.time_ms), "dim"),
            (number(block.tx_count), "bold" if block.tx_count else "dim"),
            (block.proposer_name or ends(block.proposer, 11), ""),
            *([(f"{block.engine} {block.era}", "dim")] if with_engine else []),
            *([(number(block.slot), "dim")] if with_slot else []),
            (short_weight(block.weight), "dim"),
            (" ".join(filter(None, parts)), style if block.id != tree.head_id else palette.accent),
        ]
        return Row(f"tree {block.id}", cells, opens=f"block:{block.id}", copy=block.id)

    def _tips(self) -> dict[str, list[str]]:
        """Return which of the nodes watched have which block as their head."""
        found: dict[str, list[str]] = {}
        for node in self.desk.network.nodes:
            if node.live is not None:
                found.setdefault(node.live.tip, []).append(node.name)
        return found

    def _facts(self, tree: Tree | None) -> Text:
        words, palette, live = self.desk.words, self.desk.palette, self.desk.node.live
        if tree is None or live is None:
            return Text("")
        state = live.consensus
        lag = max(tree.head_height - tree.final_height, 0)
        branches = branch_count(tree)
        facts = [
            Fact(words("fact_engine"), state.engine, "bold"),
            Fact("", words.known(f"finality_{tree.finality}", tree.finality), rank=1),
            *handover_facts(self.desk, live),
            Fact(words("fact_head"), number(tree.head_height), "bold"),
            Fact(
                words("fact_final"),
                f"{FINAL} {words('final_lag', height=tree.final_height, n=lag)}",
                palette.good,
            ),
            Fact(words("fact_branches"), number(branches), palette.warn if branches > 1 else "", rank=2),
            Fact(words("fact_reorgs"), number(state.reorganisations), rank=3),
        ]
        return line_of(facts, self.size.width)

    def _paint_reorgs(self) -> None:
        words = self.desk.words
        table = self.query_one("#reorgs", LiveTable)
        found = self.desk.network.forks.newest(REORGS, self.desk.selected)
        table.display = bool(found)
        if not found:
            return
        table.border_title = Content(words("reorgs_title", node=self.desk.node.name)).markup
        table.styles.height = min(len(found), max(3, self.size.height // 5)) + self.table_frame
        columns = [
            Column("time", words("col_time"), 8),
            Column("depth", words("col_depth"), 8, is_right=True),
            Column("common", words("col_common"), 9, is_right=True),
            Column("dropped", words("col_dropped"), 11, is_right=True),
            Column("change", words("col_change"), 20, is_flexible=True),
        ]
        table.display_rows(columns, [self._reorg_row(reorg) for reorg in found])

    def _reorg_row(self, reorg: Reorg) -> Row:
        words, palette, facts = self.desk.words, self.desk.palette, reorg.facts
        deep = f"{words('reorg_deep')} " if facts.is_deep else ""
        change = (
            f"{number(facts.old_height)} {facts.old_id[:8]} → {number(facts.new_height)} {facts.new_id[:8]}"
        )
        cells: list[Cell] = [
            (clock(reorg.time_ms), "dim"),
            (f"{deep}{number(facts.depth)}", palette.bad if facts.is_deep else palette.warn),
            (number(facts.common_height), ""),
            (number(facts.dropped_total), palette.warn if facts.dropped_total else "dim"),
            (change, ""),
        ]
        return Row(f"reorg:{reorg.key}", cells, copy=facts.old_id)


def _note(desk: Desk, tree: Tree, block: TreeBlock) -> Cell:
    """Return what a block is, and its style."""
    words, palette = desk.words, desk.palette
    if block.id == tree.head_id:
        text = words("tree_head")
        return (f"{text} · {words('tree_final')}", palette.good) if block.is_final else (text, palette.accent)
    if block.is_final:
        return words("tree_final"), palette.good
    if block.is_tail:
        return words("tree_tail"), "dim"
    return ("", palette.accent) if block.is_canonical else (words("tree_side"), palette.warn)
