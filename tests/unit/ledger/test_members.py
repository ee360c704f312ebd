import msgspec
import pytest

from chaosnet.base.errors import Broken
from chaosnet.ledger.keys import account_key, member_key, members_key
from chaosnet.ledger.members import (
    is_member_key,
    member_values,
    member_with_key,
    members_of,
    next_validators,
)
from chaosnet.ledger.state import State
from chaosnet.model.genesis import OBSERVER, validators_of_genesis
from tests.making import Person, network

ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")
GENESIS = network([], [ADA, BOB, EVE])
MEMBERS = tuple(msgspec.structs.replace(m, role=OBSERVER) if m.name == "bob" else m for m in GENESIS.members)
STATE = State.of(member_values(MEMBERS).items())


def test_members_stand_in_the_state_by_operator() -> None:
    assert members_of(STATE) == MEMBERS
    assert [m.operator for m in MEMBERS] == sorted(m.operator for m in MEMBERS)


def test_validators_are_the_members_that_count() -> None:
    validators = next_validators(STATE)
    assert {v.operator for v in validators.validators} == {ADA.address, EVE.address}
    assert validators.total == 2
    assert validators == validators_of_genesis(msgspec.structs.replace(GENESIS, members=MEMBERS))


def test_a_member_is_found_by_its_consensus_key() -> None:
    assert (
        member_with_key(STATE, BOB.member().consensus_key) == MEMBERS[[m.name for m in MEMBERS].index("bob")]
    )
    assert member_with_key(STATE, BOB.member().node_key) is None


def test_only_member_records_change_the_set() -> None:
    assert is_member_key(members_key())
    assert is_member_key(member_key(ADA.address))
    assert not is_member_key(account_key(ADA.address))


def test_a_state_without_members_stops_the_node() -> None:
    for state in (State.empty(), STATE.update({member_key(ADA.address): None})):
        with pytest.raises(Broken) as caught:
            members_of(state)
        assert caught.value.code == "data_damaged"
