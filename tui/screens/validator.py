"""One validator or candidate: its share, its bond, what it missed; and what its operator has bonded."""

from chaosnet.rpc.schema import DelegationList, ValidatorStatus
from tui.asking import read_validators
from tui.desk import Desk
from tui.screens.delegations import delegation_columns, delegation_rows
from tui.screens.detail import DetailView
from tui.screens.members import state_of
from tui.screens.rows import field_row
from tui.show import cos, ends, number, permille, share, short_weight
from tui.widgets.live_table import LiveTable, Row


class ValidatorScreen(DetailView):
    """A validator or candidate, by its operator's address."""

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, key)
        self._bonds: DelegationList | None = None
        self._bonds_problem = ""

    async def load(self) -> None:
        """Read the validators anew, and the bonds of the operator."""
        if self.desk.validators_pace.is_due(self.desk.network.tip_key(), self.desk.now_ms()):
            await read_validators(self.desk.feed)
        self._bonds = await self.desk.feed.ask(lambda client: client.delegations(self.key))

    def paint(self) -> None:
        """Show it; ask again when the chain has moved."""
        desk, words = self.desk, self.desk.words
        if self.network_moved():
            self.refresh_facts()
        found = desk.network.validators
        rows = found.validators if found is not None else []
        row = next((row for row in rows if row.operator == self.key), None)
        if not self.show_problem(is_loaded=row is not None) or row is None:
            return
        name = row.name or ends(row.operator, 24)
        self.show_fields(words("validator_title", name=name), self._fields(row))
        table = self.query_one("#items", LiveTable)
        bonds = self._bonds.delegations if self._bonds is not None else []
        table.border_title = words("delegations_title" if bonds else "delegations_empty")
        table.display_rows(delegation_columns(words), delegation_rows(desk, bonds))

    def _fields(self, row: ValidatorStatus) -> list[Row]:
        words, palette = self.desk.words, self.desk.palette
        state, style = state_of(self.desk, row, "")
        if row.is_jailed:
            state = f"✗ {words('jailed_until', height=row.jailed_until)}"
        weight = f"{share(row.weight_ppm)} · {short_weight(row.weight)}"
        last = f"block:{row.last_block}" if row.last_block is not None else ""
        return [
            field_row(words("f_address"), row.operator, link=f"account:{row.operator}", style="bold"),
            field_row(words("f_key"), row.key),
            field_row(words("f_status"), state, style=style),
            field_row(words("f_weight"), weight),
            field_row(words("f_bonded"), words("amount_cos", amount=cos(row.bonded))),
            field_row(words("f_commission"), permille(row.commission_permille)),
            field_row(
                words("f_missed"), number(row.missed_slots), style=palette.warn if row.missed_slots else ""
            ),
            field_row(words("f_last"), number(row.last_block), link=last),
            field_row(
                words("f_heard"),
                words("silent" if row.is_silent else "itself" if row.is_self else "yes"),
                style=palette.bad if row.is_silent else "",
            ),
        ]
