"""Tables fit whatever width there is."""

import pytest

from tests.unit.tui.making import running
from tui.screens.detail import LABEL_CELLS
from tui.screens.rows import block_columns, field_columns, node_columns, tx_columns
from tui.widgets.columns import GAP, Column, cell, fit
from tui.words import load_words


def test_columns_give_way_by_rank_and_the_flexible_one_takes_the_rest() -> None:
    columns = [
        Column("a", "", 5),
        Column("b", "", 5, rank=1),
        Column("c", "", 5, rank=2),
        Column("d", "", 5, is_flexible=True),
    ]
    assert fit(columns, 24) == [(0, 5), (1, 5), (2, 5), (3, 5)]
    assert fit(columns, 23) == [(0, 5), (1, 5), (3, 10)]
    assert fit(columns, 12) == [(0, 5), (3, 5)]
    assert fit(columns, 3) == [(0, 5), (3, 5)], "what has no rank stays, cut off by the edge"


@pytest.mark.parametrize("width", [37, 78, 80, 98, 138, 200])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_real_tables_fill_the_width_and_never_more(width: int, lang: str) -> None:
    words = load_words(lang)
    tables = [
        block_columns(words, with_final=True),
        node_columns(words, is_narrow=width < 100, is_well=True, with_final=True),
    ]
    tables += [tx_columns(words, with_block=False)] if width > 70 else []
    for columns in tables[: 1 if width < 78 else None]:
        fitted = fit(columns, width)
        assert sum(w + GAP for _, w in fitted) <= width


def test_the_overview_has_all_it_must_at_80_columns() -> None:
    columns = node_columns(load_words("en"), is_narrow=True, is_well=True, with_final=False)
    shown = {columns[i].key for i, _ in fit(columns, 80)}
    assert shown >= {"node", "height", "tip", "root", "peers", "pool", "interval", "round", "health"}
    assert running().nodes


@pytest.mark.parametrize(
    "text, is_right, shown",
    [
        ("abc", False, "abc   "),
        ("abc", True, "  abc "),
        ("abcdefg", False, "abcd… "),
        ("区块高度", False, "区块… "),
    ],
)
def test_cells_are_cut_and_padded_to_their_width(text: str, is_right: bool, shown: str) -> None:
    assert cell(text, "", 5, is_right=is_right).plain == shown


def test_a_hash_beside_its_name_fits_80_columns() -> None:
    assert fit(field_columns(LABEL_CELLS), 80)[1][1] == 64
