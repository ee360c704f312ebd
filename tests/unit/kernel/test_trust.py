"""What vouches for a chain, by the clock and by the operator's word."""

import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken
from chaosnet.kernel.trust import TRUSTED, Point, Trust, decode_trust, judge, note_pin

PERIOD = 1_000
PIN = b"p" * 32
OTHER = b"o" * 32


def doubt(trust: Trust, known: Point, pinned: Point | None = None, *, now: int) -> int:
    return judge(trust, known, pinned, now=now, period_ms=PERIOD).doubt


def test_a_chain_is_trusted_as_long_as_its_newest_final_block_is_young() -> None:
    final = Point(7, 5_000)
    assert doubt(Trust(), final, now=5_000 + PERIOD) == TRUSTED
    assert doubt(Trust(), final, now=5_000 + PERIOD + 1) == 7
    assert doubt(Trust(), Point(0, 5_000), now=9_000) == 0, "a genesis is a block like others"


def test_doubt_is_judged_by_the_last_block_before_it() -> None:
    """What a node fetches while in doubt does not vouch for itself; a clock that was wrong is forgiven."""
    trust = Trust(doubt=7)
    assert doubt(trust, Point(7, 5_000), now=9_000) == 7
    assert doubt(trust, Point(7, 5_000), now=5_500) == TRUSTED


@pytest.mark.parametrize(
    ("pinned", "expected"),
    [
        (Point(9, 8_500), TRUSTED),  # young, above what is known
        (Point(9, 7_000), 9),  # right, but itself so old that others could go on from it
        (Point(6, 4_900), 7),  # below what is known: says nothing new
        (Point(7, 5_000), 7),
    ],
)
def test_a_pin_vouches_for_the_trust_period_after_its_block(pinned: Point, expected: int) -> None:
    assert doubt(Trust(doubt=7), Point(7, 5_000), pinned, now=9_000) == expected


def test_a_new_pin_at_the_newest_final_block_says_that_the_network_stands_there() -> None:
    trust = note_pin(Trust(doubt=7), (7, PIN), 7, 9_000)
    assert (trust.vouched, trust.vouched_ms) == (7, 9_000)
    final = Point(7, 5_000)
    assert doubt(trust, final, final, now=9_000) == TRUSTED
    again = note_pin(judge(trust, final, final, now=9_000, period_ms=PERIOD), None, 7, 9_500)
    assert doubt(again, final, now=9_500) == TRUSTED, "a restart without the pin keeps it"
    later = note_pin(trust, (7, PIN), 7, 20_000)
    assert doubt(later, final, final, now=20_000) == 7, "the same word is not said anew"


def test_a_pin_that_waited_for_its_block_says_nothing_of_the_present() -> None:
    """Else who shows a newcomer the chain up to an old pin, and no further, could go on from there."""
    waiting = note_pin(Trust(doubt=0), (7, PIN), 0, 9_000)
    assert (waiting.pin, waiting.vouched) == (PIN, TRUSTED)
    arrived = note_pin(waiting, (7, PIN), 7, 9_100)
    assert arrived.vouched == TRUSTED
    assert doubt(arrived, Point(0, 0), Point(7, 5_000), now=9_100) == 7


def test_what_was_vouched_for_counts_for_that_block_only() -> None:
    trust = note_pin(Trust(), (7, PIN), 7, 9_000)
    assert doubt(trust, Point(8, 5_500), now=9_000) == 8
    assert note_pin(trust, (9, OTHER), 12, 9_100).pin == OTHER
    assert note_pin(trust, None, 7, 9_100).pin == b""


def test_what_is_kept_is_read_again_or_is_damaged() -> None:
    assert decode_trust(b"") == Trust()
    trust = Trust(doubt=3, pin=PIN, vouched=3, vouched_ms=2**45)
    assert decode_trust(encode(trust)) == trust
    for wrong in (b"x", encode(trust) + b"x", encode(Trust(pin=bytes(200)))):
        with pytest.raises(Broken) as error:
            decode_trust(wrong)
        assert error.value.code == "data_damaged"
