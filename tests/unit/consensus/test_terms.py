"""Waits and tolerances of a round."""

import pytest

from chaosnet.consensus.terms import Terms
from chaosnet.model.genesis import ChainParams
from tests.unit.consensus.desk import validators_of


@pytest.mark.parametrize(
    "round_, propose_ms, vote_ms, drift_ms",
    [
        (0, 1_000, 500, 2_000),
        (1, 1_500, 1_000, 4_000),
        (8, 5_000, 4_500, 60_000),
        (10**6, 5_000, 5_000, 60_000),
    ],
)
def test_waits_grow_to_their_cap(round_: int, propose_ms: int, vote_ms: int, drift_ms: int) -> None:
    terms = Terms(0, 1, validators_of([1]), ChainParams(), b"", lambda _: b"")
    assert (terms.propose_wait_ms(round_), terms.vote_wait_ms(round_)) == (propose_ms, vote_ms)
    for sign_ in (-1, 1):
        assert terms.is_timely(round_, time_ms=10**12 + sign_ * drift_ms, now=10**12)
        assert not terms.is_timely(round_, time_ms=10**12 + sign_ * (drift_ms + 1), now=10**12)
