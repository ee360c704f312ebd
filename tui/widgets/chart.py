"""A panel with a row of bars."""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static

from tui.bars import bars


class Chart(Static):
    """The newest value is at the right; the title says the figures."""

    def plot(self, values: Sequence[int], style: str, *, title: str, empty: str) -> None:
        """Show these values."""
        self.border_title = title
        width, height = self.content_size.width, self.content_size.height
        if not values:
            self.update(Text(empty, "dim"))
        else:
            self.update(Text("\n".join(bars(values, width, max(height, 1))), style, no_wrap=True))
