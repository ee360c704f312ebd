"""ASERT: the published runs, bounds, and the compact form of targets."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.consensus.asert import TARGET_MAX, Anchor, Pace, bits_of, next_bits, target_of, work_of
from tests.vectors import vectors

PACE = Pace(600, 172_800, 0x1D00FFFF)
ANCHOR = Anchor(height=0, time=0, bits=0x1A2B3C4D)


def test_published_runs() -> None:
    runs = sorted(path for path in vectors("asert").iterdir() if path.name.startswith("run"))
    assert len(runs) >= 6
    for run in runs:
        lines = run.read_text(encoding="utf-8").splitlines()
        named = dict(re.findall(r"##\s+([a-zA-Z ]+): (\S+)", "\n".join(lines)))
        # The vectors name the anchor and its parent's time; our anchor is that parent.
        anchor = Anchor(
            int(named["anchor height"]) - 1,
            int(named["anchor ancestor time"]),
            int(named["anchor nBits"], 16),
        )
        rows = [line.split() for line in lines if line and not line.startswith("#")]
        assert len(rows) == int(named["iterations"]), run.name
        for _, height, time, bits in rows:
            assert next_bits(anchor, PACE, int(height), int(time)) == int(bits, 16), (run.name, height)


def test_first_block_has_the_anchor_bits() -> None:
    assert next_bits(Anchor(7, 1000, 0x1A2B3C4D), PACE, 7, 1000) == 0x1A2B3C4D


def test_unit_of_time_does_not_matter() -> None:
    slow = Pace(600_000, 172_800_000, 0x1D00FFFF)
    for height, time in ((5, 2400), (100, 70_000), (3, -500)):
        assert next_bits(ANCHOR, PACE, height, time) == next_bits(ANCHOR, slow, height, time * 1000)


@given(st.integers(0, 2**63), st.integers(-(2**63), 2**63))
def test_stays_within_its_bounds_for_any_time(height: int, time: int) -> None:
    assert 1 <= target_of(next_bits(ANCHOR, PACE, height, time)) <= target_of(PACE.limit_bits)


@given(st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 10**6))
def test_later_is_never_harder(height: int, time: int, more: int) -> None:
    earlier, later = (target_of(next_bits(ANCHOR, PACE, height, t)) for t in (time, time + more))
    assert earlier <= later


@given(st.integers(1, TARGET_MAX))
def test_compact_form_rounds_down_by_less_than_one_in_32768(target: int) -> None:
    back = target_of(bits_of(target))
    assert back <= target < back + (back >> 15) + 1
    assert bits_of(back) == bits_of(target)


@pytest.mark.parametrize("bits", [0, -1, 0x1D800001, 0x01003456, 0x2100FFFF + (1 << 24), 0xFF123456, 1 << 32])
def test_what_is_no_target(bits: int) -> None:
    with pytest.raises(Invalid) as caught:
        target_of(bits)
    assert caught.value.code == "bad_argument"


def test_work_is_the_mean_number_of_tries() -> None:
    assert work_of(0x2000FFFF) == 2**256 // (0xFFFF * 2**232 + 1)
    assert work_of(bits_of(TARGET_MAX)) == 1
    assert work_of(0x1D00FFFF) == 4_295_032_833
