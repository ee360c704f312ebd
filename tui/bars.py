"""A row of numbers as bars of eighths of a character."""

from collections.abc import Sequence
from typing import Final

EIGHTHS: Final = " ▁▂▃▄▅▆▇█"


def bars(values: Sequence[int], width: int, rows: int) -> list[str]:
    """Return the last `width` values as `rows` lines, the newest at the right; anything above 0 is seen."""
    shown = list(values[-width:]) if width > 0 else []
    top = max(shown, default=0)
    heights = [max(1, value * rows * 8 // top) if value > 0 and top else 0 for value in shown]
    lines = []
    for row in range(rows - 1, -1, -1):
        cells = "".join(EIGHTHS[min(max(height - row * 8, 0), 8)] for height in heights)
        lines.append(cells.rjust(max(width, 0)))
    return lines
