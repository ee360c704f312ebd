"""Amounts in COS are exact in both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.units import MOTES_PER_COS, format_cos, parse_cos


@given(st.integers(0, 10_000_000 * MOTES_PER_COS))
def test_round_trip(motes: int) -> None:
    assert parse_cos(format_cos(motes)) == motes


@pytest.mark.parametrize(
    ("text", "motes"), [("0", 0), ("12.5", 1_250_000_000), ("0.00000001", 1), ("007", 700_000_000)]
)
def test_known_amounts(text: str, motes: int) -> None:
    assert parse_cos(text) == motes


def test_negative_amounts_are_shown_with_their_sign() -> None:
    assert format_cos(-1) == "-0.00000001"


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".5", "-1", "+1", "1e3", "1_0", " 1", "1,5", "0.000000001", "1.5.0", "١", "²", "9" * 13],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount of COS"):
        parse_cos(text)
