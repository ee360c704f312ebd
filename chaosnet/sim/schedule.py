"""Virtual time, and the record of what happened in it.

Microseconds order what kernels see as milliseconds, so that messages of one millisecond still arrive in a
drawn order. Things due at the same microsecond happen in the order they were planned.
"""

from collections.abc import Callable
from hashlib import sha256
from heapq import heappop, heappush
from typing import Any

Action = Callable[..., None]


class Schedule:
    """A heap of planned actions; `now_us` is the time of the one that runs."""

    __slots__ = ("_heap", "_planned", "now_us")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Action, tuple[Any, ...]]] = []
        self._planned = 0
        self.now_us = 0

    def at(self, at_us: int, action: Action, *args: Any) -> None:
        """Plan an action; what is due already runs next."""
        self._planned += 1
        heappush(self._heap, (max(at_us, self.now_us), self._planned, action, args))

    def after(self, delay_us: int, action: Action, *args: Any) -> None:
        """Plan an action so many microseconds from now."""
        self._planned += 1
        heappush(self._heap, (self.now_us + delay_us, self._planned, action, args))

    def run_one(self, end_us: int) -> bool:
        """Run the next action if it is due by `end_us`; return whether there was one."""
        heap = self._heap
        if not heap or heap[0][0] > end_us:
            return False
        self.now_us, _, action, args = heappop(heap)
        action(*args)
        return True


class Trace:
    """A rolling SHA-256 over everything that happens, and optionally a line of text for each."""

    def __init__(self, schedule: Schedule, sink: Callable[[str], None] | None = None) -> None:
        self._schedule = schedule
        self._hash = sha256()
        self.sink = sink
        self.events = 0

    def add(self, place: int, kind: str, data: bytes) -> None:
        """Count one thing that happened at a node; -1 stands for the world."""
        self.events += 1
        self._hash.update(b"%d %d %d %b|%b" % (self._schedule.now_us, place, len(data), kind.encode(), data))

    def say(self, place: int, text: str) -> None:
        """Write one line for people, if somebody reads."""
        if self.sink is not None:
            who = "world" if place < 0 else f"node{place}"
            self.sink(f"{self._schedule.now_us / 1000:12.3f} ms  {who:7} {text}")

    def digest(self) -> str:
        """Return the hash so far."""
        return self._hash.hexdigest()
