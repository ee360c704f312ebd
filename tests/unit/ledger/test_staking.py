import pytest

from chaosnet.ledger.candidates import STAKING_POOL
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.staking import DELEGATIONS_MAX, PARTS_MAX, delegations_of
from chaosnet.model.genesis import WEIGHT_LAG_EPOCHS
from chaosnet.model.transaction import (
    Accuse,
    Delegate,
    Redelegate,
    Undelegate,
    Unjail,
    Withdraw,
)
from tests.making import Person
from tests.staking import SHORT, Chain, keys_for, staked_network, two_headers

ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")
FUNDS = 1_000_000
DELAY = SHORT["unbonding_blocks"]
LAG = WEIGHT_LAG_EPOCHS * SHORT["epoch_blocks"]
GENESIS = staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 20_000)])


def chain() -> Chain:
    return Chain(GENESIS)


def test_bonds_of_the_genesis_are_delegations_to_oneself() -> None:
    start = chain()
    assert start.stake(ADA, ADA) == (ADA.address, 10_000, ())
    assert start.account(ADA).balance == FUNDS - 10_000
    assert start.candidate(BOB).tokens == start.candidate(BOB).shares == 20_000
    assert start.state.get(account_key(STAKING_POOL)) is not None


def test_coins_are_bonded_and_come_back_after_the_unbonding_time() -> None:
    c = chain()
    assert c.block((EVE, Delegate(ADA.address, 5_000))) == ["ok"]
    assert (c.stake(EVE, ADA).amount, c.candidate(ADA).tokens) == (5_000, 15_000)
    assert c.block((EVE, Undelegate(ADA.address, 2_000))) == ["ok"]
    assert c.stake(EVE, ADA) == (ADA.address, 3_000, ((2_000, 2 + DELAY),))
    c.until(DELAY)
    assert c.block((EVE, Withdraw(ADA.address))) == ["not_matured"]
    assert c.block((EVE, Withdraw(ADA.address))) == ["ok"]
    assert c.account(EVE).balance == FUNDS - 3_000
    assert c.block((EVE, Undelegate(ADA.address, 3_000)), (EVE, Withdraw(ADA.address))) == [
        "ok",
        "not_matured",
    ]
    c.until(2 * DELAY + 2)
    assert c.block((EVE, Withdraw(ADA.address))) == ["ok"]
    assert c.account(EVE).balance == FUNDS
    assert delegations_of(c.state, EVE.address) == ()


def test_what_is_not_there_cannot_be_moved() -> None:
    c = chain()
    stranger = Person("stranger").address
    codes = c.block(
        (EVE, Delegate(stranger, 5)),
        (EVE, Undelegate(ADA.address, 1)),
        (EVE, Redelegate(ADA.address, BOB.address, 1)),
        (EVE, Withdraw(ADA.address)),
        (EVE, Unjail()),
        (ADA, Unjail()),
        (ADA, Undelegate(ADA.address, 10_001)),
        (ADA, Redelegate(ADA.address, stranger, 1)),
    )
    assert codes == [
        "not_a_candidate",
        "not_bonded",
        "not_bonded",
        "not_bonded",
        "not_a_candidate",
        "not_jailed",
        "not_bonded",
        "not_a_candidate",
    ]
    assert c.stake(ADA, ADA).amount == 10_000


def test_a_double_signature_costs_bonded_and_leaving_coins_alike() -> None:
    c = chain()
    c.block((EVE, Delegate(ADA.address, 10_000)))
    c.until(5)
    c.block((EVE, Undelegate(ADA.address, 4_000)))
    evidence = two_headers(ADA, GENESIS, 5)
    assert c.block((BOB, Accuse(evidence)), (EVE, Accuse(evidence))) == ["ok", "evidence_known"]
    # a tenth of the 16,000 bonded and of the 4,000 on their way
    assert c.candidate(ADA).tokens == 14_400
    assert c.stake(EVE, ADA) == (ADA.address, 5_400, ((3_600, 6 + DELAY),))
    c.until(5 + DELAY)
    assert c.block((EVE, Withdraw(ADA.address))) == ["ok"]
    assert c.account(EVE).balance == FUNDS - 10_000 + 3_600


@pytest.mark.parametrize("offence, left_over", [(LAG + 4, 3_600), (LAG + 5, 4_000)])
def test_who_left_long_enough_before_the_offence_loses_nothing(offence: int, left_over: int) -> None:
    """Coins that left in the span of the heights 0 to 4 may give weight for some epochs after it."""
    c = chain()
    c.block((EVE, Delegate(ADA.address, 10_000)))
    c.block((EVE, Undelegate(ADA.address, 4_000)))
    c.until(offence)
    assert c.block((BOB, Accuse(two_headers(ADA, GENESIS, offence)))) == ["ok"]
    assert c.stake(EVE, ADA) == (ADA.address, 5_400, ((left_over, 2 + DELAY),))


def test_punished_candidates_wait_and_ask_back() -> None:
    c = chain()
    c.block((BOB, Accuse(two_headers(ADA, GENESIS, 1))))
    assert c.candidate(ADA).jailed_until == 11
    c.until(9)
    assert c.block((ADA, Unjail())) == ["jailed"]
    assert c.block((ADA, Unjail())) == ["ok"]
    assert not c.candidate(ADA).is_jailed


def test_moved_coins_work_at_once_but_pay_for_where_they_were() -> None:
    c = chain()
    c.block((EVE, Delegate(ADA.address, 10_000)))
    c.until(5)
    c.block((EVE, Redelegate(ADA.address, BOB.address, 6_000)))
    assert c.candidate(BOB).tokens == 26_000
    assert c.block((EVE, Redelegate(BOB.address, ADA.address, 1))) == ["not_matured"]
    c.block((BOB, Accuse(two_headers(ADA, GENESIS, 6))))
    assert c.stake(EVE, BOB).amount == 5_400
    assert c.candidate(BOB).tokens == 26_000
    assert c.block((EVE, Delegate(BOB.address, 1_000)), (EVE, Undelegate(BOB.address, 3_000))) == ["ok", "ok"]
    assert c.candidate(BOB).tokens == 20_000 + 5_400 + 1_000 - 3_000
    assert c.stake(EVE, BOB).amount == 3_400


def test_moved_coins_that_leave_still_pay() -> None:
    c = chain()
    c.block((EVE, Delegate(ADA.address, 10_000)))
    c.until(5)
    c.block((EVE, Redelegate(ADA.address, BOB.address, 6_000)))
    c.block((EVE, Undelegate(BOB.address, 6_000)))
    c.block((BOB, Accuse(two_headers(ADA, GENESIS, 6))), (ADA, Accuse(two_headers(BOB, GENESIS, 7))))
    assert c.stake(EVE, BOB).unbonding == ((6_000 * 9 // 10 * 9 // 10, 7 + DELAY),)
    c.until(6 + DELAY)
    before = c.account(EVE).balance
    assert c.block((EVE, Withdraw(BOB.address))) == ["ok"]
    assert c.account(EVE).balance - before == 4_860


def test_after_the_unbonding_time_moved_coins_are_like_all_others() -> None:
    c = chain()
    c.block((EVE, Delegate(ADA.address, 10_000)))
    c.block((EVE, Redelegate(ADA.address, BOB.address, 10_000)))
    c.until(DELAY + 1)
    assert c.block((EVE, Redelegate(BOB.address, ADA.address, 10_000))) == ["ok"]
    assert c.stake(EVE, ADA).amount == 10_000


def test_rounding_favours_those_who_stay_and_rewards_raise_shares() -> None:
    c = chain()
    c.block((EVE, Delegate(ADA.address, 10_000)))
    c.block((EVE, Delegate(BOB.address, 7)), gas_price=1, proposer=ADA.address)
    tokens = c.candidate(ADA).tokens
    assert tokens > 20_000
    worth = c.stake(EVE, ADA).amount
    c.block((EVE, Undelegate(ADA.address, 1)))
    # at most a share more than what was asked for
    assert worth - 5 <= c.stake(EVE, ADA).amount < worth
    assert c.block((EVE, Undelegate(ADA.address, c.stake(EVE, ADA).amount))) == ["ok"]
    assert c.candidate(ADA).shares == 10_000


def test_a_share_that_is_too_dear_is_not_sold_at_a_loss() -> None:
    c = chain()
    c.block((ADA, Undelegate(ADA.address, 9_999)))
    c.block((EVE, Delegate(BOB.address, 7)), gas_price=1, proposer=ADA.address)
    assert (c.candidate(ADA).shares, c.candidate(ADA).tokens > 40_000) == (1, True)
    assert c.block((EVE, Delegate(ADA.address, 60_000))) == ["bad_argument"]


def test_nobody_joins_when_everything_was_taken() -> None:
    c = Chain(staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 20_000)], slash_permille=1_000))
    c.block((EVE, Delegate(ADA.address, 10_000)))
    c.block((EVE, Undelegate(ADA.address, 1_000)))
    c.block((BOB, Accuse(two_headers(ADA, c.genesis, 1))))
    assert c.candidate(ADA).tokens == 0
    assert c.stake(EVE, ADA) == (ADA.address, 0, ((0, 2 + DELAY),))
    assert c.block((EVE, Delegate(ADA.address, 100_000))) == ["bad_argument"]


def test_parts_and_delegations_are_bounded() -> None:
    c = chain()
    c.block((EVE, Delegate(ADA.address, 10_000)))
    codes = c.block(*((EVE, Undelegate(ADA.address, 1)) for _ in range(PARTS_MAX + 1)))
    assert codes == ["ok"] * PARTS_MAX + ["too_large"]
    people = [Person(f"c{i}") for i in range(DELEGATIONS_MAX)]
    rich = Chain(staked_network([EVE, *people], [(people[0], 2_000)]))
    rich.block(*((p, keys_for(p.name)) for p in people[1:]))
    rich.block(*((EVE, Delegate(p.address, 5)) for p in people))
    assert len(delegations_of(rich.state, EVE.address)) == DELEGATIONS_MAX
    rich.block((EVE, keys_for("eve")))
    assert rich.block((EVE, Delegate(EVE.address, 5))) == ["too_large"]
