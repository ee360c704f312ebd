"""Seeded dice: the only randomness the core knows. Same seed, same throws, on every machine."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A hash-counter stream: throw i is SHA-256(seed ‖ i)."""

    def __init__(self, seed: bytes) -> None:
        self._seed = sha256(seed).digest()
        self._count = 0

    def u64(self) -> int:
        """Return the next number in 0 .. 2^64-1."""
        self._count += 1
        return int.from_bytes(sha256(self._seed + self._count.to_bytes(8, "big")).digest()[:8], "big")

    def below(self, bound: int) -> int:
        """Return a number in 0 .. bound-1; the bias for bounds far below 2^64 is negligible."""
        return self.u64() % bound

    def between(self, low: int, high: int) -> int:
        """Return a number in low .. high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, numerator: int, denominator: int) -> bool:
        """Return True in `numerator` of `denominator` cases."""
        return self.below(denominator) < numerator

    def pick(self, items: Sequence[T]) -> T:
        """Return one of a non-empty sequence."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in a new order (Fisher-Yates)."""
        result = list(items)
        for i in range(len(result) - 1, 0, -1):
            j = self.below(i + 1)
            result[i], result[j] = result[j], result[i]
        return result

    def fork(self, label: str) -> "Dice":
        """Return an independent stream for one purpose."""
        return Dice(self._seed + label.encode())
