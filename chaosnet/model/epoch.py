"""Epochs: how long a set of elected validators, its order and its seed stay fixed (protocol: pos/dpos)."""

from chaosnet.base.codec import Record


class Epoch(Record, tag=1):
    """The epoch in force for the next block, as the state keeps it under pos, dpos and dbft.

    The sets are separate values of the state: `next_validators` is the one in force.
    """

    era: int
    era_height: int
    """Height of the last block before the era."""
    era_time_ms: int
    """Time of that block. Slot s of the era starts at era_time_ms + s x slot_ms."""
    number: int
    """From 0 in each era."""
    first_height: int
    """Of the epoch."""
    seed: bytes
    """32 bytes: of the slot lottery (pos) or of the shuffled order (dpos, dbft)."""
