"""Who is elected: the published selection of Lisk, which breaks ties as this chain does."""

import pytest

from chaosnet.ledger.candidates import Candidate, store_candidate
from chaosnet.ledger.epochs import snapshot
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.genesis import ChainParams
from tests.vectors import vectors_json


@pytest.mark.parametrize("engine", ["pos", "dpos", "dbft"])
def test_published_selection(engine: str) -> None:
    case = vectors_json("lisk/pos_generator_selection.json")["testCases"]
    overlay = Overlay(State.empty())
    for entry in case["input"]["validatorWeights"]:
        operator = entry["address"].encode()
        key = operator.ljust(32, b"\x00")
        store_candidate(overlay, Candidate(operator, key, key, key, 0, int(entry["validatorWeight"])), 1)
    order = [address.encode() for address in case["output"]["selectedForgers"]]
    assert len(order) == 50
    # The published list is in the order of election, so its first k are those elected for k seats.
    for seats in (1, 2, 9, 23, 49, 50, 103):
        elected = snapshot(overlay, engine, ChainParams(validators_max=seats, stake_min=1))
        assert [v.operator for v in elected.validators] == sorted(order[:seats]), seats
        assert all((v.weight == 1) == (engine != "pos") for v in elected.validators)
