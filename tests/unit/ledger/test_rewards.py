import pytest

from chaosnet.base.errors import InvalidBlock
from chaosnet.ledger.rewards import fee_account
from chaosnet.model.transaction import Delegate, Transfer, Undelegate
from tests.making import Person, context
from tests.staking import Chain, staked_network

ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")
GENESIS = staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 0)])
GAS = 21_000


def test_the_operator_keeps_its_commission_and_shares_rise_by_the_rest() -> None:
    c = Chain(GENESIS)
    before = c.account(ADA).balance
    c.block((EVE, Transfer(BOB.address, 5)), gas_price=3, proposer=ADA.address)
    assert c.account(ADA).balance - before == 3 * GAS // 10
    assert c.candidate(ADA).tokens - 10_000 == 3 * GAS - 3 * GAS // 10
    assert c.candidate(ADA).shares == 10_000


def test_who_has_no_bond_keeps_all() -> None:
    c = Chain(GENESIS)
    for proposer in (BOB, EVE):
        before = c.account(proposer).balance
        c.block((ADA, Transfer(ADA.address, 5)), gas_price=1, proposer=proposer.address)
        assert c.account(proposer).balance - before == GAS
    c.block((ADA, Undelegate(ADA.address, 10_000)))
    before = c.account(ADA).balance
    c.block((EVE, Transfer(BOB.address, 5)), gas_price=1, proposer=ADA.address)
    assert c.account(ADA).balance - before == GAS


def test_a_proposer_cannot_spend_fees_that_are_not_yet_shared() -> None:
    c = Chain(GENESIS)
    all_of_it = c.account(ADA).balance
    pays = (EVE, Transfer(BOB.address, 5))
    with pytest.raises(InvalidBlock) as caught:
        c.block(pays, (ADA, Delegate(ADA.address, all_of_it - 99_999)), gas_price=1, proposer=ADA.address)
    assert caught.value.code == "not_enough"


def test_under_other_engines_fees_go_to_the_proposer_at_once() -> None:
    ctx = context(GENESIS, Chain(GENESIS).state)
    assert fee_account(ctx) == ctx.proposer
