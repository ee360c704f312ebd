"""The tree of blocks between the final one and all tips, for engines whose chain can fork.

Every block here is executed and valid; each holds the state after it. The canonical chain leads from the root
to one of the tips; which one is decided in `forks`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from chaosnet.kernel.blocks import Candidate, Head

ENTRIES_MAX = 4_096
"""Blocks held; beyond, each one more takes the place of the least tip, as long as there is one beside the
best branch.
"""


@dataclass(slots=True)
class Entry:
    """One block of the tree."""

    head: Head
    """The block, its state and its view."""
    candidate: Candidate | None
    """Its bytes and results; None for a block that storage holds since before this run."""
    score: tuple[int, ...]
    is_tail: bool = False
    """It only makes the last block of an era final, and is no block of the chain (protocol: Hand-over)."""


@dataclass(slots=True)
class Tree:
    """Blocks by id. The root is final."""

    root: bytes
    entries: dict[bytes, Entry] = field(default_factory=dict)
    """In the order they came: of equal scores the first wins."""
    accused: dict[bytes, None] = field(default_factory=dict)
    """Operators that were found guilty since the root moved: one proof is enough."""

    def get(self, block_id: bytes) -> Entry | None:
        """Return a block that is here."""
        return self.entries.get(block_id)

    def add(self, entry: Entry) -> None:
        """Keep a block whose parent is here."""
        self.entries[entry.head.block_id] = entry

    def parent(self, entry: Entry) -> Entry | None:
        """Return the parent if it is here; None for the root."""
        return self.entries.get(entry.head.header.parent) if entry.head.block_id != self.root else None

    def path(self, block_id: bytes) -> Iterator[Entry]:
        """Yield a block and its ancestors down to the root."""
        entry = self.entries.get(block_id)
        while entry is not None:
            yield entry
            entry = self.parent(entry)

    def above(self, ancestor: bytes, tip: Entry) -> list[Entry]:
        """Return a block and those below it down to above an ancestor, without tail blocks."""
        found = []
        for entry in self.path(tip.head.block_id):
            if entry.head.block_id == ancestor:
                break
            if not entry.is_tail:
                found.append(entry)
        return found

    def fork_point(self, a: bytes, b: bytes) -> bytes:
        """Return the id of the greatest common ancestor of two blocks that are here."""
        ours = {entry.head.block_id for entry in self.path(a)}
        return next(entry.head.block_id for entry in self.path(b) if entry.head.block_id in ours)

    def best(self) -> Entry:
        """Return the tip that counts most; of equals the one seen first."""
        best = self.entries[self.root]
        for entry in self.entries.values():
            if entry.score > best.score:
                best = entry
        return best

    def tips(self) -> list[Entry]:
        """Return the blocks nothing builds on."""
        inner = {entry.head.header.parent for entry in self.entries.values()}
        return [entry for block_id, entry in self.entries.items() if block_id not in inner]

    def make_room(self, *needed: bytes) -> bool:
        """Return whether a block can be added, after giving up the least tip of a full tree.

        The best branch stays, and so does what leads to the blocks named. A producer can sign any number of
        blocks for its slot: they must not keep out those that make others final.
        """
        if len(self.entries) < ENTRIES_MAX:
            return True
        tips = (self.best().head.block_id, *needed)
        stays = {entry.head.block_id for tip in tips for entry in self.path(tip)}
        others = [entry for entry in self.tips() if entry.head.block_id not in stays]
        if others:
            del self.entries[min(others, key=lambda entry: entry.score).head.block_id]
        return bool(others)

    def set_root(self, block_id: bytes) -> list[Entry]:
        """Make a block final: what does not build on it is dropped and returned."""
        if block_id == self.root:
            return []
        kept: dict[bytes, Entry] = {block_id: self.entries[block_id]}
        dropped: list[Entry] = []
        below = {entry.head.block_id for entry in self.path(block_id)}
        for key, entry in sorted(self.entries.items(), key=lambda item: item[1].head.header.height):
            if key in below:
                continue
            if entry.head.header.parent in kept:
                kept[key] = entry
            else:
                dropped.append(entry)
        self.entries = {key: entry for key, entry in self.entries.items() if key in kept}
        self.root = block_id
        self.accused.clear()
        return dropped
