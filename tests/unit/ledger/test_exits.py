from chaosnet.ledger.exits import SPANS, WHOLE, exit_of, span_blocks
from chaosnet.model.genesis import WEIGHT_LAG_EPOCHS, ChainParams
from chaosnet.model.transaction import Accuse, Delegate, Redelegate, Undelegate
from tests.making import Person
from tests.staking import SHORT, Chain, staked_network, two_headers

ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")
GENESIS = staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 20_000)])


def test_spans_are_few() -> None:
    assert span_blocks(GENESIS.params) == 5
    params = ChainParams()
    assert span_blocks(params) == 15_625
    assert params.unbonding_blocks // span_blocks(params) <= SPANS


def test_a_punishment_touches_the_span_that_may_still_give_weight_and_later_ones() -> None:
    c = Chain(GENESIS)
    lag = WEIGHT_LAG_EPOCHS * GENESIS.params.epoch_blocks
    for height in (3, 8, 12):
        c.until(height - 1)
        c.block((ADA, Undelegate(ADA.address, 1_000)))
    assert c.candidate(ADA).exits == (0, 5, 10)
    c.until(lag + 11)
    c.block((BOB, Accuse(two_headers(ADA, GENESIS, lag + 9))))
    spans = [exit_of(c.state, ADA.address, first) for first in (0, 5, 10)]
    assert [(span.tokens, span.left) for span in spans] == [
        (1_000, WHOLE),
        (900, WHOLE * 9 // 10),
        (900, WHOLE * 9 // 10),
    ]
    assert c.candidate(ADA).tokens == 6_300


def test_punished_coins_go_to_the_treasury_and_old_spans_are_forgotten() -> None:
    c = Chain(GENESIS)
    c.block((EVE, Delegate(ADA.address, 1_000)))
    c.block((EVE, Redelegate(ADA.address, BOB.address, 500)))
    assert c.candidate(ADA).exits == (0,)
    before = c.account_at(GENESIS.treasury).balance
    c.block((BOB, Accuse(two_headers(ADA, GENESIS, 1))))
    assert c.account_at(GENESIS.treasury).balance - before == 1_050
    c.until(SHORT["unbonding_blocks"] + 10)
    c.block((EVE, Undelegate(ADA.address, 1)))
    assert c.candidate(ADA).exits == (110,)


def test_nobody_enters_a_span_of_which_all_was_taken() -> None:
    c = Chain(staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 20_000)], slash_permille=1_000))
    c.block((ADA, Undelegate(ADA.address, 10_000)))
    c.block((BOB, Accuse(two_headers(ADA, c.genesis, 1))), (EVE, Delegate(ADA.address, 5_000)))
    assert c.block((EVE, Undelegate(ADA.address, 1))) == ["not_matured"]
    c.until(4)
    assert c.block((EVE, Undelegate(ADA.address, 1))) == ["ok"]
