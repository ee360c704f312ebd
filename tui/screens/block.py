"""One block and its transactions."""

from textual.binding import Binding

from chaosnet.base.errors import Invalid
from chaosnet.rpc.schema import Block, TransactionSummary, TreeBlock
from tui.desk import Desk, Open
from tui.screens.detail import DetailView
from tui.screens.rows import field_row, tx_columns, tx_rows
from tui.show import moment, number, short_weight, size
from tui.widgets.live_table import LiveTable, Row

PAGE = 100
TXS_MAX = 5_000


class BlockScreen(DetailView):
    """A block, by height or id."""

    BINDINGS = [
        Binding("left_square_bracket", "step(-1)", show=False),
        Binding("right_square_bracket", "step(1)", show=False),
    ]

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, key)
        self._block: Block | None = None
        self._txs: list[TransactionSummary] = []
        self._is_begun = False
        self._side: TreeBlock | None = None
        """Of a branch that is not the chain: nodes tell no more of it than their tree does."""

    async def load(self) -> None:
        """Read the block with its first transactions."""
        try:
            self._block = await self.desk.feed.ask(lambda client: client.block(self.key))
        except Invalid:
            self._side = self.desk.network.forks.block(self.key)
            if self._side is None:
                raise
            return
        self._txs = list(self._block.transactions)

    def paint(self) -> None:
        """Show it."""
        block, words = self._block, self.desk.words
        if block is None and self._side is not None:
            self.show_problem(is_loaded=True)
            self.query_one("#items").display = False
            self.show_fields(words("block_title", height=self._side.height), self._side_fields(self._side))
            return
        if not self.show_problem(is_loaded=block is not None) or block is None:
            return
        self.show_fields(words("block_title", height=block.summary.height), self._fields(block))
        table = self.query_one("#items", LiveTable)
        total = block.summary.tx_count
        table.border_title = words("txs_of_block", shown=len(self._txs), total=total)
        table.border_subtitle = words("more") if len(self._txs) < total else ""
        rows = tx_rows(self.desk, self._txs, with_block=False)
        table.display_rows(tx_columns(words, with_block=False), rows)
        if self._txs and not self._is_begun:
            table.focus()
        self._is_begun = True

    def _side_fields(self, block: TreeBlock) -> list[Row]:
        words = self.desk.words
        where = words("tree_tail" if block.is_tail else "tree_side")
        return [
            field_row(words("f_id"), block.id, style="bold"),
            field_row(words("f_status"), words("block_aside", where=where), style=self.desk.palette.warn),
            field_row(words("f_time"), moment(block.time_ms)),
            field_row(words("f_parent"), block.parent, link=f"block:{block.parent}"),
            field_row(
                words("f_proposer"), block.proposer_name or block.proposer, link=f"account:{block.proposer}"
            ),
            field_row(words("f_engine"), f"{block.engine} · {words('fact_era')} {block.era}"),
            field_row(words("f_weight"), short_weight(block.weight)),
            field_row(words("col_txs"), number(block.tx_count)),
        ]

    def _fields(self, block: Block) -> list[Row]:
        words, summary = self.desk.words, block.summary
        name = f"{summary.proposer_name} · {summary.proposer}" if summary.proposer_name else summary.proposer
        parent = f"block:{summary.height - 1}" if summary.height else ""
        return [
            field_row(words("f_id"), summary.id, style="bold"),
            field_row(words("f_time"), moment(summary.time_ms)),
            field_row(words("f_parent"), summary.parent, link=parent),
            field_row(
                words("f_proposer"), name, link=f"account:{summary.proposer}" if summary.height else ""
            ),
            field_row(words("f_engine"), f"{summary.engine} · {words('f_round')} {summary.round}"),
            field_row(words("f_final"), words("yes" if summary.is_final else "no")),
            field_row(words("f_signers"), ", ".join(block.signers) or "—"),
            field_row(
                words("f_size"), f"{size(summary.size_bytes)} · {words('f_gas')} {number(summary.gas_used)}"
            ),
            field_row(words("f_state_root"), summary.state_root),
            field_row(words("f_tx_root"), block.tx_root),
            field_row(words("f_receipts_root"), block.receipts_root),
            field_row(words("f_validators"), block.validators_hash),
        ]

    def on_live_table_at_end(self, event: LiveTable.AtEnd) -> None:
        """Read more transactions."""
        if event.table.id == "items":
            self.run_worker(self._more(), exclusive=True, group="more")

    async def _more(self) -> None:
        block = self._block
        if block is None or len(self._txs) >= min(block.summary.tx_count, TXS_MAX):
            return
        position = len(self._txs)
        page = await self.read(lambda client: client.block_transactions(block.summary.id, position, PAGE))
        if page is not None and position == len(self._txs):
            self._txs += page.transactions
            self.paint_all()

    def action_step(self, by: int) -> None:
        """Go to the block before or after."""
        if self._block is not None and self._block.summary.height + by >= 0:
            self.post_message(Open("block", str(self._block.summary.height + by), replaces=True))
