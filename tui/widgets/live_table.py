"""A table that is shown anew all the time: only what changed is drawn, and the cursor stays on its line."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import DataTable

from tui.widgets.columns import Column, cell, fit

Cell = tuple[str, str]
"""Text and style."""


class Row(NamedTuple):
    """One line."""

    key: str
    """Names the line among the others; where `opens` is empty it says what opening it shows."""
    cells: Sequence[Cell]
    opens: str = ""
    """As `kind:key`."""
    copy: str = ""
    """What is copied; empty: the key of what it opens."""

    @property
    def target(self) -> str:
        """What opening it shows."""
        return self.opens or self.key

    @property
    def copied(self) -> str:
        """What is copied; may be empty."""
        return self.copy or self.target.partition(":")[2]


class LiveTable(DataTable[Text]):
    """Lines under a cursor, which also moves as in vi."""

    BINDINGS = [
        Binding("home,g", "scroll_top", show=False),
        Binding("end,G", "scroll_bottom", show=False),
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]

    class AtEnd(Message):
        """The cursor is on the last line."""

        def __init__(self, table: "LiveTable") -> None:
            self.table = table
            super().__init__()

    def __init__(self, *, id: str, is_following: bool = False, show_header: bool = True) -> None:
        super().__init__(
            id=id,
            cursor_type="row",
            cell_padding=0,
            show_header=show_header,
            cursor_foreground_priority="renderable",
        )
        self._is_following = is_following
        """A cursor on the first line stays there when lines are put before it."""
        self._columns_shown: Sequence[Column] = ()
        self._fitted: list[tuple[int, int]] = []
        self._rows_shown: list[Row] = []

    @property
    def current(self) -> Row | None:
        """The line under the cursor."""
        rows = self._rows_shown
        return rows[self.cursor_row] if 0 <= self.cursor_row < len(rows) else None

    def display_rows(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Show these lines."""
        fitted = fit(columns, self.scrollable_content_region.width)
        if (list(columns), fitted) != (list(self._columns_shown), self._fitted):
            self._columns_shown, self._fitted = list(columns), fitted
            self._rebuild(list(rows), with_columns=True)
        elif [row.key for row in rows] != [row.key for row in self._rows_shown]:
            self._rebuild(list(rows), with_columns=False)
        else:
            self._update(list(rows))

    def on_resize(self, _: events.Resize) -> None:
        """Fit the columns again."""
        if self._columns_shown:
            self.display_rows(self._columns_shown, self._rows_shown)

    def move_to(self, key: str) -> None:
        """Put the cursor on a line, if it is there, without telling anyone."""
        row = next((i for i, row in enumerate(self._rows_shown) if row.key == key), None)
        if row is not None and row != self.cursor_row:
            with self.prevent(DataTable.RowHighlighted):
                self.move_cursor(row=row, animate=False)

    def _update(self, rows: list[Row]) -> None:
        for before, after in zip(self._rows_shown, rows, strict=True):
            if before.cells == after.cells:
                continue
            for index, width in self._fitted:
                if before.cells[index] != after.cells[index]:
                    column = self._columns_shown[index]
                    shown = cell(*after.cells[index], width, is_right=column.is_right)
                    self.update_cell(after.key, column.key, shown)
        self._rows_shown = rows

    def _rebuild(self, rows: list[Row], *, with_columns: bool) -> None:
        place, top = self.cursor_row, self.scroll_y
        was = self.current.key if self.current is not None else ""
        with self.prevent(DataTable.RowHighlighted):
            self.clear(columns=with_columns)
            columns = [(self._columns_shown[index], width) for index, width in self._fitted]
            if with_columns:
                for column, width in columns:
                    label = cell(column.label, "", width, is_right=column.is_right)
                    self.add_column(label, width=label.cell_len, key=column.key)
            for row in rows:
                texts = [
                    cell(*row.cells[index], width, is_right=self._columns_shown[index].is_right)
                    for index, width in self._fitted
                ]
                self.add_row(*texts, key=row.key)
            self._rows_shown = rows
            if rows:
                keys = {row.key: i for i, row in enumerate(rows)}
                is_top = self._is_following and place == 0
                self.move_cursor(row=0 if is_top else keys.get(was, min(place, len(rows) - 1)), scroll=False)
        self.scroll_to(y=top, animate=False)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Tell when the end is reached."""
        if self.has_focus and event.cursor_row == len(self._rows_shown) - 1:
            self.post_message(self.AtEnd(self))
