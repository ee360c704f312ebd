"""Keys, and what the signs mean."""

from typing import Final

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.branches import CHAIN, FINAL, SIDE, TAIL
from tui.screens.view import View

KEYS: Final = (
    ("1 … 7", "h_screens"),
    ("/", "h_search"),
    ("n", "h_node"),
    ("s", "h_sort"),
    ("f", "h_filter"),
    ("p", "h_pause"),
    ("r", "h_refresh"),
    ("⏎", "h_open"),
    ("Esc", "h_back"),
    ("Tab", "h_tab"),
    ("g G", "h_move"),
    ("y", "h_copy"),
    ("[ ]", "h_step"),
    (":", "h_palette"),
    ("q", "h_quit"),
)
SIGNS: Final = (
    ("●", "good", "s_present"),
    ("○", "bad", "s_absent"),
    ("✓", "good", "s_agrees"),
    ("✗", "bad", "s_differs"),
    ("≠", "bad", "s_split"),
    ("~", "warn", "s_branch"),
    ("?  ·", "dim", "s_unknown"),
    (FINAL, "good", "s_tree_final"),
    (CHAIN, "accent", "s_tree_chain"),
    (SIDE, "warn", "s_tree_side"),
    (TAIL, "dim", "s_tree_tail"),
)
NOTES: Final = ("s_interval", "s_clock", "s_pool")


class HelpScreen(View):
    """One page."""

    TAB = "help"

    def body(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(id="page"):
            yield Static(id="help", markup=False)

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one("#page").focus()

    def paint(self) -> None:
        """Show it."""
        words, palette = self.desk.words, self.desk.palette
        grid = Table.grid(padding=(0, 2))
        grid.add_column(justify="right")
        grid.add_column()
        grid.add_row("", Text(words("help_keys"), "bold"))
        for key, name in KEYS:
            grid.add_row(Text(key, palette.accent), words(name))
        grid.add_row("", "")
        grid.add_row("", Text(words("help_signs"), "bold"))
        for sign, level, name in SIGNS:
            grid.add_row(Text(sign, palette.of(level)), words(name))
        for name in NOTES:
            grid.add_row("", words(name))
        self.query_one("#help", Static).update(grid)
