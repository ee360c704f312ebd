"""Which columns of a table fit, and how wide they are."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.text import Text

from tui.plain import plain

GAP: Final = 1
"""Cells between two columns."""


class Column(NamedTuple):
    """One column."""

    key: str
    label: str
    width: int
    """Of its content, in cells; of the one that takes what is left, the least."""
    is_right: bool = False
    is_flexible: bool = False
    rank: int = 0
    """Columns of a higher rank give way first when there is no room; 0 always stays."""


def fit(columns: Sequence[Column], width: int) -> list[tuple[int, int]]:
    """Return index and width of the columns that fit into `width` cells."""
    kept = list(range(len(columns)))
    while _width(columns, kept) > width:
        rank = max((columns[i].rank for i in kept), default=0)
        if rank == 0:
            break
        kept.remove(max(i for i in kept if columns[i].rank == rank))
    rest = max(width - _width(columns, kept), 0)
    flexible = [i for i in kept if columns[i].is_flexible]
    grown = dict.fromkeys(kept, 0)
    if len(kept) > 2 and rest >= 2 * len(kept):  # room to breathe
        grown = dict.fromkeys(kept, 1)
        rest -= len(kept)
    for i in flexible:
        grown[i] += rest // len(flexible)
    if flexible:
        grown[flexible[-1]] += rest % len(flexible)
    return [(i, columns[i].width + grown[i]) for i in kept]


def _width(columns: Sequence[Column], kept: Sequence[int]) -> int:
    return sum(columns[i].width + GAP for i in kept)


def cell(text: str, style: str, width: int, *, is_right: bool) -> Text:
    """Return a text cut or padded to `width` cells and the gap."""
    shown = Text(plain(text), style, no_wrap=True, end="")
    if shown.cell_len > width:
        shown.truncate(width, overflow="ellipsis")
    if is_right:
        shown.pad_left(width - shown.cell_len)
    shown.pad_right(width + GAP - shown.cell_len)
    return shown
