"""A row of numbers as bars of eighths of a character."""

from collections.abc import Sequence
from statistics import median
from typing import Final

EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
PEAK: Final = 4


def bars(values: Sequence[int], width: int, rows: int) -> list[str]:
    """Return the last `width` values as `rows` lines, the newest at the right; anything above 0 is seen.

    One value far above the others would flatten them: full height is at most PEAK times their median.
    """
    shown = list(values[-width:]) if width > 0 else []
    positive = [value for value in shown if value > 0]
    top = min(max(positive), max(1, int(PEAK * median(positive)))) if positive else 1
    heights = [min(max(1, value * rows * 8 // top), rows * 8) if value > 0 else 0 for value in shown]
    lines = []
    for row in range(rows - 1, -1, -1):
        cells = "".join(EIGHTHS[min(max(height - row * 8, 0), 8)] for height in heights)
        lines.append(cells.rjust(max(width, 0)))
    return lines
