import msgspec
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.ledger.accounts import Account
from chaosnet.ledger.actions import Offence, apply_action
from chaosnet.ledger.context import Context
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import evidence_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.evidence import DuplicateVote
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.model.policy import policy_hash
from chaosnet.model.transaction import Accuse, SetPolicy, Transfer
from tests.making import Person, context, network

ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")
GENESIS = network([(ADA, 1_000, None), (BOB, 500, None)], [ADA, BOB])
HASH = genesis_hash_of(GENESIS)
STATE = genesis_state(GENESIS)


@pytest.fixture
def overlay() -> Overlay:
    return Overlay(STATE)


def at(height: int, **fields: object) -> Context:
    return context(GENESIS, STATE, height, **fields)


def failure(overlay: Overlay, evidence: DuplicateVote, ctx: Context) -> str:
    with pytest.raises(Invalid) as caught:
        apply_action(overlay, ADA.address, Accuse(evidence), ctx)
    assert overlay.changes().new == {}
    return caught.value.code


def test_a_transfer_moves_coins(overlay: Overlay) -> None:
    apply_action(overlay, ADA.address, Transfer(EVE.address, 300), at(1))
    assert overlay.account(ADA.address) == Account(balance=700)
    assert overlay.account(EVE.address) == Account(balance=300)


def test_a_transfer_to_oneself_moves_nothing(overlay: Overlay) -> None:
    apply_action(overlay, ADA.address, Transfer(ADA.address, 300), at(1))
    assert overlay.changes().new == {}


def test_a_policy_is_replaced_under_the_same_address(overlay: Overlay) -> None:
    apply_action(overlay, ADA.address, SetPolicy(EVE.policy), at(1))
    assert overlay.account(ADA.address) == Account(balance=1_000, policy_hash=policy_hash(EVE.policy))


def test_a_double_vote_is_recorded_once(overlay: Overlay) -> None:
    evidence = BOB.double_vote(HASH, height=3)
    apply_action(overlay, ADA.address, Accuse(evidence), at(5))
    key = evidence_key(BOB.member().consensus_key, 0, 3)
    assert overlay.get(key) == encode(Offence(BOB.address, ADA.address, 5))
    with pytest.raises(Invalid) as caught:
        apply_action(overlay, EVE.address, Accuse(evidence), at(5))
    assert caught.value.code == "evidence_known"
    # another height is another offence
    apply_action(overlay, ADA.address, Accuse(BOB.double_vote(HASH, height=4)), at(5))


def test_evidence_is_younger_than_the_evidence_age(overlay: Overlay) -> None:
    params = msgspec.structs.replace(GENESIS.params, evidence_age=10)
    evidence = BOB.double_vote(HASH, height=3)
    assert failure(overlay, evidence, at(13, params=params)) == "bad_evidence"
    apply_action(overlay, ADA.address, Accuse(evidence), at(12, params=params))


def test_evidence_is_of_a_block_of_this_chain(overlay: Overlay) -> None:
    assert failure(overlay, BOB.double_vote(HASH, height=6), at(5)) == "bad_evidence"
    assert failure(overlay, BOB.double_vote(HASH, height=0), at(5)) == "bad_evidence"
    assert failure(overlay, BOB.double_vote(HASH, height=3, era=1), at(5)) == "bad_evidence"
    assert failure(overlay, BOB.double_vote(bytes(32), height=3), at(5)) == "bad_evidence"
    apply_action(overlay, ADA.address, Accuse(BOB.double_vote(HASH, height=5)), at(5))
    apply_action(overlay, ADA.address, Accuse(BOB.double_vote(HASH, height=5, era=1)), at(5, era=1))


def test_only_members_are_accused(overlay: Overlay) -> None:
    assert failure(overlay, EVE.double_vote(HASH, height=3), at(5)) == "bad_evidence"


def test_the_proof_must_hold(overlay: Overlay) -> None:
    good = BOB.double_vote(HASH, height=3)
    same = DuplicateVote(good.first, good.first)
    forged = DuplicateVote(good.first, msgspec.structs.replace(good.second, signature=bytes(64)))
    swapped = DuplicateVote(good.second, good.first)
    for evidence in (same, forged, swapped):
        assert failure(overlay, evidence, at(5)) == "bad_evidence"
