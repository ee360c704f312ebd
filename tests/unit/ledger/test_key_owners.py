import pytest

from chaosnet.base.errors import Invalid
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.key_owners import (
    CONSENSUS,
    NODE,
    KeyOwner,
    claim_key,
    find_owner,
    forget_key,
    operator_of_signer,
    owner_values,
    retire_key,
)
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.genesis import WEIGHT_LAG_EPOCHS
from tests.making import Person, context, network
from tests.staking import SHORT, staked_network

ADA, BOB = Person("ada"), Person("bob")
KEY = b"k" * 32
GENESIS = staked_network([ADA], [(ADA, 5_000)])
STATE = genesis_state(GENESIS)


def test_a_key_has_one_operator_and_one_purpose() -> None:
    overlay = Overlay(State.empty())
    mine = KeyOwner(ADA.address, CONSENSUS)
    claim_key(overlay, KEY, mine, 5)
    claim_key(overlay, KEY, mine, 5)
    for other in (KeyOwner(BOB.address, CONSENSUS), KeyOwner(ADA.address, NODE)):
        with pytest.raises(Invalid) as caught:
            claim_key(overlay, KEY, other, 5)
        assert caught.value.code == "key_taken"
    assert find_owner(overlay, KEY) == mine


def test_former_consensus_keys_can_be_accused_for_a_while() -> None:
    overlay = Overlay(STATE)
    until = retire_key(overlay, KEY, KeyOwner(ADA.address, CONSENSUS), context(GENESIS, STATE, 7))
    assert until == 7 + SHORT["evidence_age"] + WEIGHT_LAG_EPOCHS * SHORT["epoch_blocks"]
    assert operator_of_signer(overlay, KEY, until) == ADA.address
    assert operator_of_signer(overlay, KEY, until + 1) is None
    with pytest.raises(Invalid):
        claim_key(overlay, KEY, KeyOwner(BOB.address, NODE), until)
    claim_key(overlay, KEY, KeyOwner(BOB.address, NODE), until + 1)
    forget_key(overlay, KEY)
    assert find_owner(overlay, KEY) is None


def test_other_keys_are_free_at_once() -> None:
    overlay = Overlay(STATE)
    node = ADA.member().node_key
    assert retire_key(overlay, node, KeyOwner(ADA.address, NODE), context(GENESIS, STATE, 7)) == 0
    assert find_owner(overlay, node) is None


def test_members_own_their_keys_from_the_start() -> None:
    members = network([], [ADA, BOB]).members
    assert len(owner_values(members)) == 4
    assert operator_of_signer(State.of(owner_values(members).items()), ADA.member().consensus_key, 1) == (
        ADA.address
    )
