"""Hash onions: how producers of dpos and dbft agree on a seed that none of them chose alone (LIP-22).

A producer draws a secret, hashes it many times and publishes layer by layer from the outside: each reveal
must hash to the one before it, so nobody can choose a reveal once the outermost is out. A seed is the
exclusive or of the valid reveals of some blocks; who withholds a block has one bit of choice, no more.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from chaosnet.base.codec import Record

REVEAL_BYTES: Final = 16


class Revealed(Record):
    """What a seed takes from one block."""

    height: int
    proposer: bytes
    reveal: bytes


def layer_over(layer: bytes) -> bytes:
    """Return the 16-byte layer around this one: SHA-256, cut."""
    return sha256(layer).digest()[:REVEAL_BYTES]


def is_valid_reveal(previous: bytes, reveal: bytes) -> bool:
    """Return whether a reveal is the layer under the producer's one before it."""
    return len(reveal) == REVEAL_BYTES and layer_over(reveal) == previous


def combined(seed: bytes, reveal: bytes) -> bytes:
    """Return the exclusive or of two layers; both 16 bytes."""
    return bytes(a ^ b for a, b in zip(seed, reveal, strict=True))


def start_of(height: int) -> bytes:
    """Return the seed for a stretch that ends before this height when nothing valid was revealed in it."""
    return layer_over((height % (1 << 32)).to_bytes(4, "big"))


def seed_of(
    blocks: Sequence[Revealed], first: int, count: int, *, round_length: int, before: int = 0
) -> bytes:
    """Return the 16-byte seed from the `count` blocks from the height `first` on (LIP-22, LIP-46).

    `blocks` are in ascending height without gaps and reach back to the start of the round before that of
    `first`, or to the first block of all. Rounds of `round_length` blocks begin at the height `before` + 1.
    A first reveal, or one after more than a round of silence, is not counted: its producer could choose it.
    """
    seed = start_of(first + count)
    latest: dict[bytes, Revealed] = {}
    for block in blocks:
        previous = latest.get(block.proposer)
        latest[block.proposer] = block
        if previous is None or not first <= block.height < first + count:
            continue
        rounds = (block.height - before - 1) // round_length - (previous.height - before - 1) // round_length
        if rounds <= 1 and is_valid_reveal(previous.reveal, block.reveal):
            seed = combined(seed, block.reveal)
    return seed
