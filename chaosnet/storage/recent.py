"""A small cache between readers in any thread and the one writer, which may take back what they have read."""

from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Recent(Generic[K, T]):
    """The latest things put in."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._items: dict[K, T] = {}
        self._lock = Lock()
        self.generation = 0
        """How often things were forgotten. Read it before the disk: what is older is not put in."""

    def get(self, key: K) -> T | None:
        """Return what is here under a key."""
        return self._items.get(key)

    def put(self, key: K, item: T, generation: int) -> None:
        """Keep what was read from the disk in this generation; the oldest gives way."""
        with self._lock:
            if generation != self.generation:
                return
            self._items.pop(key, None)
            self._items[key] = item
            if len(self._items) > self._count:
                del self._items[next(iter(self._items))]

    def forget(self) -> None:
        """Drop everything, also what is being read now; call it once the disk has changed."""
        with self._lock:
            self.generation += 1
            self._items.clear()
