"""One transaction, its actions and what became of it."""

from chaosnet.rpc.schema import Transaction
from tui.desk import Desk
from tui.screens.detail import DetailView
from tui.screens.rows import field_row
from tui.show import NOTHING, code_of, cos, ends, moment, number
from tui.widgets.columns import Column
from tui.widgets.live_table import LiveTable, Row


class TransactionScreen(DetailView):
    """A transaction, by id."""

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, key)
        self._tx: Transaction | None = None
        self._seen_height = -1

    async def load(self) -> None:
        """Read it."""
        self._tx = await self.desk.feed.ask(lambda client: client.transaction(self.key))

    def paint(self) -> None:
        """Show it; read it again while it is not final."""
        tx, words = self._tx, self.desk.words
        if not self.show_problem(is_loaded=tx is not None) or tx is None:
            return
        self.show_fields(words("tx_title"), self._fields(tx))
        table = self.query_one("#items", LiveTable)
        table.border_title = words("actions_title")
        columns = [
            Column("kind", words("col_kind"), 12),
            Column("to", words("col_to"), 20, is_flexible=True),
            Column("amount", words("col_amount"), 24, is_right=True),
        ]
        table.display_rows(columns, self._actions(tx))
        height = max(self.desk.network.blocks, default=0)
        if tx.status != "final" and height != self._seen_height:
            self._seen_height = height
            self.refresh_facts()

    def _fields(self, tx: Transaction) -> list[Row]:
        words, palette, body = self.desk.words, self.desk.palette, tx.body
        status_style = palette.warn if tx.status == "pending" else palette.good
        rows = [
            field_row(words("f_id"), tx.id, style="bold"),
            field_row(words("f_status"), words.known(f"tx_{tx.status}", tx.status), style=status_style),
        ]
        if tx.height is not None:
            rows.append(field_row(words("f_block"), number(tx.height), link=f"block:{tx.height}"))
        if tx.time_ms is not None:
            rows.append(field_row(words("f_time"), moment(tx.time_ms)))
        if tx.code is not None:
            is_ok = tx.code == "ok"
            text = f"{'✓' if is_ok else '✗'} {code_of(tx.code, words)}"
            rows.append(field_row(words("f_result"), text, style=palette.good if is_ok else palette.bad))
        if tx.fee is not None:
            gas = f" · {words('f_gas')} {number(tx.gas)}"
            rows.append(field_row(words("f_fee"), words("amount_cos", amount=cos(tx.fee)) + gas))
        sender = str(body.get("sender", ""))
        rows.append(field_row(words("f_sender"), sender, link=f"account:{sender}" if sender else ""))
        rows.append(field_row(words("f_nonce"), str(body.get("nonce", NOTHING))))
        rows += self._rest(body)
        return rows

    def _rest(self, body: dict[str, object]) -> list[Row]:
        words = self.desk.words
        rows = []
        if memo := body.get("memo"):
            rows.append(field_row(words("f_memo"), repr(str(memo))[1:-1]))
        if payer := body.get("payer"):
            rows.append(field_row(words("f_payer"), str(payer), link=f"account:{payer}"))
        if isinstance(signers := body.get("signers"), int):
            text = words("signatures_of", n=signers, threshold=body.get("threshold", NOTHING))
            rows.append(field_row(words("f_signatures"), text))
        fields = (
            ("f_expiry", "expiry"),
            ("f_gas_limit", "gas_limit"),
            ("f_gas_price", "gas_price"),
            ("f_hash", "hash"),
        )
        rows += [field_row(words(label), str(body[name])) for label, name in fields if name in body]
        return rows

    @staticmethod
    def _actions(tx: Transaction) -> list[Row]:
        actions = tx.body.get("actions")
        rows = []
        for i, action in enumerate(actions if isinstance(actions, list) else []):
            fields = dict(action) if isinstance(action, dict) else {}
            kind = str(fields.pop("kind", "?"))
            to, amount = str(fields.pop("to", "")), fields.pop("amount", None)
            rest = ", ".join(f"{name} {ends(str(value), 40)}" for name, value in fields.items())
            cells = [
                (kind, ""),
                (f"{to} →" if to else rest, ""),
                (cos(str(amount), decimals=8) if amount is not None else "", ""),
            ]
            rows.append(Row(f"action {i}", cells, opens=f"account:{to}" if to else "", copy=to or rest))
        return rows
