"""Who has which transaction: one integer per hash, one bit per peer.

A hash costs one dictionary entry however many peers there are. The table has two generations; when the young
one is full it becomes the old one, and what was old is forgotten. So it is bounded without work per entry,
and what is still touched stays.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from chaosnet.base.limits import PEERS_MAX

SEEN: Final = 1
"""This node had it in its mempool."""
HELD: Final = 2
"""This node received its full bytes."""
EVERYBODY: Final = -1
"""It is in a block: nobody need be told."""
_FIRST_PEER: Final = 4


class Knowledge:
    """Marks by transaction hash, at most `size_max` hashes and those of one message."""

    def __init__(self, size_max: int) -> None:
        self._half = size_max // 2
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}
        self._free: list[int] = [_FIRST_PEER << i for i in reversed(range(2 * PEERS_MAX))]
        self._retired = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def new_bit(self) -> int:
        """Return a mark for one more peer, which no hash carries; 0 (none) when there are too many peers."""
        if not self._free:
            self._clear_retired()
        return self._free.pop() if self._free else 0

    def retire(self, bit: int) -> None:
        """Give back the mark of a peer that is gone."""
        self._retired |= bit

    def _clear_retired(self) -> None:
        """Take the marks of gone peers off all hashes: once in some hundred departures."""
        keep = ~self._retired
        for generation in (self._young, self._old):
            for tx_hash, mask in generation.items():
                if mask > 0:
                    generation[tx_hash] = mask & keep
        retired, self._retired = self._retired, 0
        while retired:
            bit = retired & -retired
            retired ^= bit
            self._free.append(bit)

    def mask(self, tx_hash: bytes) -> int:
        """Return all marks of a hash."""
        return self._young.get(tx_hash) or self._old.get(tx_hash, 0)

    def mark(self, hashes: Iterable[bytes], bits: int) -> None:
        """Add marks to hashes."""
        young, old = self._young, self._old
        for tx_hash in hashes:
            young[tx_hash] = (young.get(tx_hash) or old.get(tx_hash, 0)) | bits
        if len(young) > self._half:
            self._old, self._young = young, {}

    def reset(self, hashes: Iterable[bytes], bits: int) -> None:
        """Give hashes these marks and no others."""
        for tx_hash in hashes:
            self._old.pop(tx_hash, None)
            self._young[tx_hash] = bits

    def by_mask(self, hashes: Sequence[bytes], among: int) -> dict[int, list[int]]:
        """Return positions of `hashes`, grouped by the marks of `among` that they lack."""
        young, old = self._young, self._old
        groups: dict[int, list[int]] = {}
        for i, tx_hash in enumerate(hashes):
            lacking = among & ~(young.get(tx_hash) or old.get(tx_hash, 0))
            if lacking in groups:
                groups[lacking].append(i)
            else:
                groups[lacking] = [i]
        groups.pop(0, None)
        return groups
