"""What the kernel reads from the world: durable chain data.

Answers up to the final height never change. Above, an answer may still be of the branch that a RollBack under
way is about to undo: the kernel asks its tree of blocks first.
"""

from typing import Protocol


class ChainReader(Protocol):
    """Committed blocks, by height, and kept candidates, by id."""

    def block_id_at(self, height: int) -> bytes | None:
        """Return the canonical block id at a height, or None above the head."""
        ...

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        """Return (encoded header, seal) of the canonical block at a height."""
        ...

    def sealed_at(self, height: int) -> bytes | None:
        """Return the encoded SealedBlock at a height; None when unknown or pruned."""
        ...

    def candidate(self, block_id: bytes) -> bytes | None:
        """Return the encoded Block of a kept candidate."""
        ...

    def tail_blocks(self) -> list[bytes]:
        """Return the kept candidates by height: above the last block of an era, its tail's SealedBlocks."""
        ...

    def has_transaction(self, tx_id: bytes) -> bool:
        """Return whether a canonical block holds this transaction."""
        ...
