"""Lines of what an account has bonded, and of what is on its way out of a bond."""

from collections.abc import Sequence

from chaosnet.rpc.schema import Delegation, DelegationList
from tui.desk import Desk
from tui.screens.rows import field_row
from tui.show import NOTHING, cos, ends, number
from tui.widgets.columns import Column
from tui.widgets.live_table import Row
from tui.words import Words


def delegation_columns(words: Words) -> list[Column]:
    """Return the columns of a list of bonds."""
    return [
        Column("to", words("col_to"), 13, is_flexible=True),
        Column("bonded", words("col_bonded"), 18, is_right=True),
        Column("leaving", words("col_leaving"), 18, is_right=True),
        Column("free", words("col_free"), 12, is_right=True),
    ]


def delegation_rows(desk: Desk, bonds: Sequence[Delegation]) -> list[Row]:
    """Return a line for each candidate, and one for each part that leaves it."""
    rows = []
    for bond in bonds:
        opens = f"validator:{bond.operator}"
        name = f"{bond.name} · {bond.operator}" if bond.name else bond.operator
        cells = [(name, ""), (cos(bond.bonded), "bold"), (NOTHING, "dim"), ("", "")]
        rows.append(Row(f"bond {bond.operator}", cells, opens=opens, copy=bond.operator))
        for i, part in enumerate(bond.unbonding):
            cells = [
                ("", ""),
                ("", ""),
                (cos(part.amount), desk.palette.warn),
                (number(part.free_height), ""),
            ]
            rows.append(Row(f"bond {bond.operator} {i}", cells, opens=opens, copy=part.amount))
    return rows


def delegation_fields(desk: Desk, found: DelegationList, height: int) -> list[Row]:
    """Return the fields of an account's bonds; nothing when it has none."""
    if not found.delegations:
        return []
    words = desk.words
    rows = [field_row(words("f_bonded"), words("amount_cos", amount=cos(found.bonded)), style="bold")]
    if found.unbonding not in ("", "0"):
        rows.append(field_row(words("f_leaving"), words("amount_cos", amount=cos(found.unbonding))))
    for place, bond in enumerate(found.delegations, start=1):
        parts = [words("bond", amount=cos(bond.bonded), name=bond.name or ends(bond.operator, 24))]
        for part in bond.unbonding:
            key = "leaving_now" if part.free_height <= height else "leaving"
            values = {} if key == "leaving_now" else {"height": part.free_height}
            parts.append(words(key, amount=cos(part.amount), **values))
        link = f"validator:{bond.operator}"
        rows.append(field_row(words("f_bond", place=place), " · ".join(parts), link=link))
    return rows
