"""The newest blocks in one line, and how it bends when the network follows another branch."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final, NamedTuple

import msgspec

from chaosnet.rpc.schema import BlockSummary

BLOCKS_KEPT: Final = 100


class Change(NamedTuple):
    """What became of the line."""

    undone: list[BlockSummary]
    """Blocks that left it, newest first."""
    added: list[BlockSummary]
    """Newest first."""
    is_replaced: bool = False
    """Nothing of the old line is known to lie below the new one."""


class Line:
    """Blocks, newest first, each on top of the next."""

    def __init__(self) -> None:
        self.blocks: list[BlockSummary] = []

    def __contains__(self, block_id: str) -> bool:
        return any(block.id == block_id for block in self.blocks)

    @property
    def top(self) -> int:
        """Height of the newest block, or -1."""
        return self.blocks[0].height if self.blocks else -1

    def is_joined_by(self, block: BlockSummary) -> bool:
        """Return whether a block is new and stands on one of the line."""
        return block.id not in self and block.parent in self

    def is_older(self, block: BlockSummary) -> bool:
        """Return whether a block lies below all that is kept."""
        return bool(self.blocks) and block.height < self.blocks[-1].height

    def take(self, found: Sequence[BlockSummary]) -> Change | None:
        """Follow what a node says, newest first and without gaps; None when it says nothing new."""
        places = {block.id: place for place, block in enumerate(self.blocks)}
        added = list(takewhile(lambda block: block.id not in places, found))
        if not added:
            return None
        place = places.get(added[-1].parent)
        if place is None:
            undone, self.blocks = self.blocks, list(found[:BLOCKS_KEPT])
            return Change(undone, added, is_replaced=True)
        undone = self.blocks[:place]
        self.blocks = [*added, *self.blocks[place:]][:BLOCKS_KEPT]
        return Change(undone, added)

    def finalise(self, height: int) -> bool:
        """Mark blocks up to a height as final; return whether one was not."""
        if not any(not block.is_final and block.height <= height for block in self.blocks):
            return False
        self.blocks = [
            msgspec.structs.replace(block, is_final=True) if block.height <= height else block
            for block in self.blocks
        ]
        return True
