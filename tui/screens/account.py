"""One account: what it holds, what is locked until when, and what happened to it."""

from contextlib import suppress

from chaosnet.base.errors import ChaosError
from chaosnet.rpc.schema import Account, DelegationList, LockStatus, TransactionSummary
from tui.desk import Desk
from tui.screens.delegations import delegation_fields
from tui.screens.detail import DetailView
from tui.screens.rows import field_row, tx_columns, tx_rows
from tui.show import NOTHING, cos, moment, number
from tui.widgets.live_table import LiveTable, Row

PAGE = 50
TXS_MAX = 2_000


class AccountScreen(DetailView):
    """An account, by address."""

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, key)
        self._account: Account | None = None
        self._txs: list[TransactionSummary] = []
        self._cursor: str | None = None
        self._bonds: DelegationList | None = None

    async def load(self) -> None:
        """Read the account and its newest transactions; older ones that were read stay."""
        self._account = await self.desk.feed.ask(lambda client: client.account(self.key))
        with suppress(ChaosError):  # nodes of earlier versions do not know of bonds
            self._bonds = await self.desk.feed.ask(lambda client: client.delegations(self.key))
        page = await self.desk.feed.ask(lambda client: client.account_transactions(self.key, None, PAGE))
        new = {tx.id for tx in page.transactions}
        if any(tx.id in new for tx in self._txs):
            self._txs = [*page.transactions, *(tx for tx in self._txs if tx.id not in new)][:TXS_MAX]
        else:
            self._txs, self._cursor = list(page.transactions), page.next

    def paint(self) -> None:
        """Show it; read it again with each block."""
        account, words = self._account, self.desk.words
        if self.network_moved():
            self.refresh_facts()
        if not self.show_problem(is_loaded=account is not None) or account is None:
            return
        title = f"{words('account_title')} · {words('as_of', height=account.height)}"
        self.show_fields(title, self._fields(account))
        table = self.query_one("#items", LiveTable)
        table.border_title = words("history_title") if self._txs else words("history_empty")
        table.border_subtitle = words("more") if self._cursor else ""
        table.display_rows(
            tx_columns(words, with_block=True),
            tx_rows(self.desk, self._txs, with_block=True, of=account.address),
        )

    def _fields(self, account: Account) -> list[Row]:
        words = self.desk.words
        members = {
            m.operator: m.name for node in self.desk.network.nodes if node.status for m in node.status.members
        }
        name = members.get(account.address, "")
        rows = [field_row(words("f_address"), account.address, style="bold")]
        if name:
            rows.append(field_row(words("col_member"), name))
        if not account.exists:
            return [*rows, field_row(words("f_exists"), words("absent"))]
        policy = account.policy_hash or words("policy_initial")
        return [
            *rows,
            field_row(words("f_balance"), self._cos(account.balance), style="bold"),
            field_row(words("f_locked"), self._cos(account.locked)),
            field_row(words("f_total"), self._cos(account.total)),
            *(delegation_fields(self.desk, self._bonds, account.height) if self._bonds is not None else []),
            field_row(
                words("f_nonce"),
                f"{number(account.nonce)} · {words('f_pending_nonce')} {number(account.pending_nonce)}",
            ),
            field_row(words("f_policy"), policy),
            *(self._lock(i, lock) for i, lock in enumerate(account.locks, start=1)),
        ]

    def _lock(self, place: int, lock: LockStatus) -> Row:
        words = self.desk.words
        following = moment(lock.next_release_ms) if lock.next_release_ms is not None else NOTHING
        text = (
            f"{cos(lock.amount)} · {words('col_released')} {cos(lock.released)} · "
            f"{words('col_claimed')} {cos(lock.claimed)} · {words('col_next')} {following}"
        )
        return field_row(f"{words('locks_title')} {place}", text)

    def _cos(self, motes: str) -> str:
        return self.desk.words("amount_cos", amount=cos(motes))

    def on_live_table_at_end(self, event: LiveTable.AtEnd) -> None:
        """Read older transactions."""
        if event.table.id == "items" and self._cursor is not None and len(self._txs) < TXS_MAX:
            self.run_worker(self._more(self._cursor), exclusive=True, group="more")

    async def _more(self, cursor: str) -> None:
        page = await self.read(lambda client: client.account_transactions(self.key, cursor, PAGE))
        if page is not None and cursor == self._cursor:
            known = {tx.id for tx in self._txs}
            self._txs += [tx for tx in page.transactions if tx.id not in known]
            self._cursor = page.next
            self.paint_all()
