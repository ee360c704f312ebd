"""Where the time of contract calls goes: shown where a call costs more than twice a native transfer."""

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

RATIO_MAX: Final = 2.0
"""Calls that cost more, against a native transfer, are looked into."""
ROWS: Final = 15
_ROOT: Final = Path(__file__).parent.parent


class ProfileRow(msgspec.Struct):
    """One function. The profiler's own cost makes small ones look dearer than they are."""

    function: str
    calls: float
    """Of it, for one contract call."""
    share: float
    """Of all time, in itself, without what it calls."""


def profiled(work: Callable[[], object], count: int) -> list[ProfileRow]:
    """Return the functions that take most of the time of some work on `count` contract calls."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    stats = pstats.Stats(profiler)
    rows = [
        (own, ProfileRow(_name(*where), round(calls / count, 1), own / stats.total_tt))  # type: ignore[attr-defined]
        for where, (_, calls, own, _, _) in stats.stats.items()  # type: ignore[attr-defined]
    ]
    rows.sort(key=lambda row: -row[0])
    return [msgspec.structs.replace(row, share=round(row.share, 3)) for _, row in rows[:ROWS]]


def _name(file: str, line: int, function: str) -> str:
    """Return a function's name with its file in the package; what is built in has none."""
    path = Path(file)
    if not line:
        return function
    return f"{path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path.name}:{function}"
