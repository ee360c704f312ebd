"""The time a node believes in: Unix milliseconds that never go back, whatever happens to the system clock.

A kernel that saw time stand still or go back would wait: for redials, for its shares of messages, for blocks.
So when the system clock is set back, this one goes on at half speed until it is caught up with.
"""

import time


def now_ms() -> int:
    """Return Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def ticks_ms() -> int:
    """Return milliseconds since some moment; never set, never back."""
    return time.monotonic_ns() // 1_000_000


class Clock:
    """Readings of one process."""

    def __init__(self) -> None:
        self._latest_ms = 0
        self._ticks = 0
        """At the latest reading of the system clock."""
        self._base_ms = 0
        """Reading at `_ticks`; 0 while the system clock is not behind."""

    def read_ms(self) -> int:
        """Return Unix time in milliseconds, never less than before."""
        wall_ms, ticks = now_ms(), ticks_ms()
        if wall_ms >= self._latest_ms:
            self._latest_ms, self._ticks, self._base_ms = wall_ms, ticks, 0
            return wall_ms
        self._base_ms = self._base_ms or self._latest_ms
        self._latest_ms = self._base_ms + (ticks - self._ticks) // 2
        return self._latest_ms
