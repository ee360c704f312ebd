"""Numbers as bars."""

import pytest

from tui.bars import bars


@pytest.mark.parametrize(
    "values, width, rows, lines",
    [
        ([0, 1, 2, 4, 8], 5, 1, [" ▁▂▄█"]),
        ([8, 16], 3, 2, [" " + " █", " ██"]),
        ([1, 2, 3], 2, 1, ["▅█"]),
        ([0, 0], 2, 1, ["  "]),
        ([], 4, 2, ["    ", "    "]),
        ([5], 0, 1, [""]),
        ([1, 1_000_000], 2, 1, ["▁█"]),
    ],
)
def test_bars(values: list[int], width: int, rows: int, lines: list[str]) -> None:
    assert bars(values, width, rows) == lines


def test_one_outlier_does_not_flatten_the_rest() -> None:
    (line,) = bars([500] * 20 + [300_000], 21, 1)
    assert line == "▂" * 20 + "█"
