import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken
from chaosnet.ledger.context import encode_rule, params_of, rules_of
from chaosnet.ledger.keys import params_key, rule_key
from chaosnet.ledger.state import State
from chaosnet.model.genesis import ChainParams
from chaosnet.rules import r1_genesis


def test_settings_come_from_the_state() -> None:
    params = ChainParams(block_gas_max=5_000_000, evidence_age=7)
    state = State.of([(params_key(), encode(params)), (rule_key(), encode_rule(1))])
    assert params_of(state) == params
    assert rules_of(state) is r1_genesis.RULES


def test_a_state_without_settings_stops_the_node() -> None:
    for read in (params_of, rules_of):
        with pytest.raises(Broken) as caught:
            read(State.empty())
        assert caught.value.code == "data_damaged"


def test_unknown_rules_stop_the_node() -> None:
    with pytest.raises(Broken) as caught:
        rules_of(State.of([(rule_key(), encode_rule(4_000_000_000))]))
    assert caught.value.code == "rule_unknown"
