"""Whether a node may believe the chain it holds (protocol: Trust; decision 0010). Pure judgement.

Keys that have left their stake, or their membership, behind can make another chain from the blocks of their
time on, at no cost. So a chain counts only as far as something vouches for it: blocks that became final here
while this node was trusted, and the block that the operator pins. From such a block on the next ones can be
believed for the trust period, while their makers can still be punished.
"""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from chaosnet.base.codec import Decoder, Record
from chaosnet.base.errors import Broken, Invalid

TRUSTED: Final = -1
TRUST_BYTES_MAX: Final = 128


class Trust(Record, frozen=True):
    """What a node keeps of its trust from start to start."""

    doubt: int = TRUSTED
    """Height above which nothing vouches for the chain; -1: all of it is trusted."""
    pin: bytes = b""
    """Id of the block that was pinned at the last start; empty: none."""
    vouched: int = TRUSTED
    """Height of a pinned block that was the newest final one here when it was first pinned; -1: none."""
    vouched_ms: int = 0
    """When that was: the operator then said that the network stands there."""


@dataclass(frozen=True, slots=True)
class Point:
    """A final block of this node's chain."""

    height: int
    time_ms: int


_decoder: Decoder[Trust] = Decoder(Trust, TRUST_BYTES_MAX)


def decode_trust(data: bytes) -> Trust:
    """Return what storage kept; raises Broken(`data_damaged`)."""
    if not data:
        return Trust()
    try:
        return _decoder.decode(data)
    except Invalid as error:
        raise Broken("data_damaged", "record of what is trusted") from error


def note_pin(trust: Trust, pin: tuple[int, bytes] | None, final_height: int, now: int) -> Trust:
    """Take notice, at a start, of what the operator pins now.

    Only a new pin can say that the network stands at our newest final block: one that was given before, for
    a block to come, may be years old when the chain gets there.
    """
    if pin is None:
        return replace(trust, pin=b"")
    height, block_id = pin
    if block_id == trust.pin:
        return trust
    if height != final_height:
        return replace(trust, pin=block_id)
    return replace(trust, pin=block_id, vouched=height, vouched_ms=now)


def judge(trust: Trust, known: Point, pinned: Point | None, *, now: int, period_ms: int) -> Trust:
    """Return the trust after looking at the clock.

    `known` is the newest final block, or where there is doubt already the last one before it; `pinned` the
    operator's block once it is final here.
    """
    last = pinned if pinned is not None and pinned.height >= known.height else known
    said_ms = max(last.time_ms, trust.vouched_ms if last.height == trust.vouched else 0)
    is_good = now - said_ms <= period_ms
    return replace(trust, doubt=TRUSTED if is_good else last.height)
