"""The clock of one simulated machine: it may be wrong, and jump."""

from chaosnet.sim.cast import GENESIS_MS
from chaosnet.sim.schedule import Schedule


class Clock:
    """The time a host believes in: in one process never back, but slower when set back (daemon/clock.py)."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.offset_ms = 0
        self.restart()

    def restart(self) -> None:
        """A new process knows no earlier reading."""
        self._latest_ms = 0
        self._base_ms = 0
        self._ticks = 0

    def read_ms(self) -> int:
        """Return Unix time in milliseconds as this host sees it."""
        ticks = self._schedule.now_us // 1_000
        wall_ms = GENESIS_MS + 1_000 + ticks + self.offset_ms
        if wall_ms >= self._latest_ms:
            self._latest_ms, self._ticks, self._base_ms = wall_ms, ticks, 0
            return wall_ms
        self._base_ms = self._base_ms or self._latest_ms
        self._latest_ms = self._base_ms + (ticks - self._ticks) // 2
        return self._latest_ms
