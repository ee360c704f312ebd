"""What never changes again, kept within a bound: final blocks and transactions."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Lru(Generic[V]):
    """Values with the bytes they are worth; the longest unused go when the sum is too large."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self.bytes_held = 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> V | None:
        """Return a value, which then counts as used last."""
        found = self._held.get(key)
        if found is None:
            return None
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: V, bytes_held: int) -> None:
        """Keep a value; one larger than the bound is not kept."""
        self.drop(key)
        if bytes_held > self._bytes_max:
            return
        self._held[key] = (value, bytes_held)
        self.bytes_held += bytes_held
        while self.bytes_held > self._bytes_max:
            self.drop(next(iter(self._held)))

    def drop(self, key: Hashable) -> None:
        """Forget a value."""
        found = self._held.pop(key, None)
        if found is not None:
            self.bytes_held -= found[1]

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()
        self.bytes_held = 0
