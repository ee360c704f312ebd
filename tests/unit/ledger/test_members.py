import msgspec
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken
from chaosnet.ledger.key_owners import operator_of_signer
from chaosnet.ledger.keys import account_key, active_key, member_key, members_key
from chaosnet.ledger.members import (
    find_member,
    is_member_key,
    member_values,
    members_of,
    next_validators,
)
from chaosnet.ledger.state import State
from chaosnet.model.block import Validator, ValidatorSet
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


def test_a_member_is_found_by_its_operator_and_its_keys() -> None:
    assert find_member(STATE, BOB.address) == MEMBERS[[m.name for m in MEMBERS].index("bob")]
    assert find_member(STATE, Person("nobody").address) is None
    assert operator_of_signer(STATE, BOB.member().consensus_key, 1) == BOB.address
    assert operator_of_signer(STATE, BOB.member().node_key, 1) is None


def test_an_elected_set_stands_before_the_members() -> None:
    elected = ValidatorSet((Validator(ADA.address, bytes(32), 7),))
    assert next_validators(STATE.update({active_key(): encode(elected)})) == elected
    with pytest.raises(Broken):
        next_validators(STATE.update({active_key(): b"\xff"}))


def test_only_member_records_change_the_set() -> None:
    assert is_member_key(members_key())
    assert is_member_key(active_key())
    assert is_member_key(member_key(ADA.address))
    assert not is_member_key(account_key(ADA.address))


def test_a_state_without_members_stops_the_node() -> None:
    for state in (State.empty(), STATE.update({member_key(ADA.address): None})):
        with pytest.raises(Broken) as caught:
            members_of(state)
        assert caught.value.code == "data_damaged"
