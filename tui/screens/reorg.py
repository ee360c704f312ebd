"""One reorganisation: which branch was left for which, and the transactions that fell out of the chain."""

from chaosnet.base.errors import Invalid
from tui.forks import Reorg
from tui.screens.detail import DetailView
from tui.screens.rows import field_row
from tui.show import moment, number
from tui.widgets.columns import Column
from tui.widgets.live_table import LiveTable, Row


class ReorgScreen(DetailView):
    """A reorganisation, by the key it has among all that are remembered."""

    _reorg: Reorg | None = None

    async def load(self) -> None:
        """Look it up."""
        self._reorg = self.desk.network.forks.reorgs.get(self.key)
        if self._reorg is None:
            raise Invalid("not_found", self.desk.words("reorg_title"))

    def paint(self) -> None:
        """Show it."""
        reorg, words = self._reorg, self.desk.words
        if not self.show_problem(is_loaded=reorg is not None) or reorg is None:
            return
        self.show_fields(words("reorg_title"), self._fields(reorg))
        table = self.query_one("#items", LiveTable)
        dropped, total = reorg.facts.dropped, reorg.facts.dropped_total
        table.border_title = (
            words("reorg_dropped", shown=len(dropped), total=total) if total else words("reorg_none_dropped")
        )
        rows = [Row(f"transaction:{tx_id}", [(tx_id, "")]) for tx_id in dict.fromkeys(dropped)]
        table.display_rows([Column("tx", words("col_tx"), 64, is_flexible=True)], rows)

    def _fields(self, reorg: Reorg) -> list[Row]:
        words, facts = self.desk.words, reorg.facts
        depth = words("depth_blocks", n=facts.depth)
        style = self.desk.palette.bad if facts.is_deep else ""
        return [
            field_row(words("f_node"), self.desk.network.nodes[reorg.node].name, style="bold"),
            field_row(words("f_time"), moment(reorg.time_ms)),
            field_row(words("f_common"), number(facts.common_height), link=f"block:{facts.common_height}"),
            field_row(words("f_old"), f"{number(facts.old_height)} · {facts.old_id}"),
            field_row(words("f_new"), f"{number(facts.new_height)} · {facts.new_id}"),
            field_row(
                words("f_depth"), f"{words('reorg_deep')} · {depth}" if facts.is_deep else depth, style=style
            ),
        ]
