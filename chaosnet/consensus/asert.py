"""Difficulty of pow by ASERT (aserti3-2d, the rule of Bitcoin Cash), in integers only.

The target follows from the anchor alone: it doubles for each half-life that the chain is behind the ideal
pace and halves for each that it is ahead. So neither order nor past targets matter, and nothing drifts.
"""

from typing import Final

from chaosnet.base.codec import Record
from chaosnet.base.errors import Invalid

TARGET_MAX: Final = 2**256 - 1

_RADIX: Final = 1 << 16


class Anchor(Record):
    """Where the count begins: the block before the first one that has to meet `bits`."""

    height: int
    time: int
    bits: int
    """Target of the block after it, in compact form."""


class Pace(Record):
    """What the rule aims at; all times in the unit of the headers' times, whichever that is."""

    target: int
    """Ideal interval between blocks."""
    half_life: int
    limit_bits: int
    """Easiest target ever, in compact form."""


def next_bits(anchor: Anchor, pace: Pace, height: int, time: int) -> int:
    """Return the compact target of the block after the one with this height and time.

    Time may run backwards. Raises Invalid(`bad_argument`) for compact forms that are no target.
    """
    ahead = time - anchor.time - pace.target * (height - anchor.height)
    exponent = _quotient(ahead * _RADIX, pace.half_life)
    shift, fraction = exponent // _RADIX, exponent % _RADIX
    limit = target_of(pace.limit_bits)
    if shift > 256:  # a hostile time must not make a number of a million digits
        return bits_of(limit)
    # 2^x for x in [0, 1) as a cubic in fixed point, exact to 0.013 %.
    cubic = 195_766_423_245_049 * fraction + 971_821_376 * fraction**2 + 5_127 * fraction**3
    target = target_of(anchor.bits) * (_RADIX + ((cubic + (1 << 47)) >> 48))
    shift -= 16
    target = target << shift if shift >= 0 else target >> min(-shift, 512)
    return bits_of(min(max(target, 1), limit))


def target_of(bits: int) -> int:
    """Return the target of a compact form: three bytes of mantissa, one of length (as in Bitcoin).

    Raises Invalid(`bad_argument`) when it is negative, zero or above 2^256 - 1.
    """
    size, mantissa = bits >> 24, bits & 0x7FFFFF
    if not 0 < bits < 1 << 32 or bits & 0x800000 or size > 34:
        raise Invalid("bad_argument", f"{bits:#x} is no compact target")
    target = mantissa << 8 * (size - 3) if size > 3 else mantissa >> 8 * (3 - size)
    if not 0 < target <= TARGET_MAX:
        raise Invalid("bad_argument", f"{bits:#x} is no target")
    return target


def bits_of(target: int) -> int:
    """Return the compact form of a target from 1 to TARGET_MAX, rounded down to its three leading bytes."""
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & 0x800000:  # this bit is the sign
        mantissa, size = mantissa >> 8, size + 1
    return size << 24 | mantissa


def work_of(bits: int) -> int:
    """Return how many tries a block of this target takes on average; raises as `target_of`."""
    return 2**256 // (target_of(bits) + 1)


def _quotient(dividend: int, divisor: int) -> int:
    # Towards zero, as C++ divides: the published vectors count on it.
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)
