"""A line to type what to look for."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.words import Words

LENGTH_MAX = 128


class SearchScreen(ModalScreen[str]):
    """Ends with the text typed; empty when given up."""

    BINDINGS = [Binding("escape", "give_up", show=False)]

    def __init__(self, words: Words) -> None:
        self._words = words
        super().__init__()

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(id="search") as box:
            box.border_title = self._words("search_title")
            yield Input(placeholder=self._words("search_hint"), max_length=LENGTH_MAX)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """End with the text."""
        self.dismiss(event.value.strip())

    def action_give_up(self) -> None:
        """End without one."""
        self.dismiss("")
