"""The pool: its promises one by one. Any order of everything is in test_pool_properties."""

from collections.abc import Callable
from functools import wraps

import pytest

from chaosnet.base.units import MOTES_PER_COS
from chaosnet.contracts.values import Value
from chaosnet.devchain.chain import Result
from chaosnet.model.contract_actions import ChangeToken, SendToken
from tests.examples.twins import Twins, deployed
from tests.machines import on_big_stack

COS = MOTES_PER_COS
LOCKED = 1_000
RIGHTS_HOLDER = """
contract{ api=1, name="Ruler", permissions={issue=true, transfer="any"}, storage={id="value text"},
  init={args={"right text"}, run=function(right)
    store.id:set(token.create(ctx.caller, 1000000000, map{symbol="RULED", [right]=ctx.caller}))
  end},
  methods={id={kind="view", returns="text", run=function() return store.id:get() end}} }
"""


class Market:
    """A pool of COS and gold, of which alice and bob have much."""

    def __init__(self, fee: int = 30) -> None:
        self.twins = Twins()
        token = deployed(self.twins, "token", "GOLD", 0, 10**15, 10**15)
        self.gold = str(self.twins.query(token, "token"))
        give = SendToken(bytes.fromhex(self.gold), b"", self.twins.one.accounts["bob"].address, 10**14, COS)
        assert self.twins.act(give).is_ok
        self.pool = deployed(self.twins, "pool", "COS", self.gold, fee)

    def call(self, method: str, *args: Value, sender: str = "alice", **sent: int) -> Result:
        named = {"COS" if name == "cos" else self.gold: amount for name, amount in sent.items()}
        return self.twins.call(self.pool, method, *args, sender=sender, sent=named)

    def add(self, cos: int, gold: int, sender: str = "alice") -> Result:
        return self.call("add", 1, 1_000, sender=sender, cos=cos, gold=gold)

    def state(self) -> dict[str, Value]:
        found = self.twins.query(self.pool, "state")
        assert isinstance(found, dict)
        return found

    def reserves(self) -> tuple[Value, Value]:
        state = self.state()
        return state["reserve_a"], state["reserve_b"]

    def address(self) -> bytes:
        return self.twins.one.address_of(self.pool)

    def gold_of(self, who: str) -> int:
        return self.twins.one.balance(who, self.gold)

    def cos_of(self, who: str) -> int:
        return self.twins.one.balance(who)


def in_both_languages(function: Callable[[Market], None]) -> Callable[[], None]:
    @wraps(function)
    def test() -> None:
        def run() -> None:
            market = Market()
            function(market)
            market.twins.check_stored_alike()

        on_big_stack(run)

    del test.__wrapped__
    return test


@in_both_languages
def test_shares_stand_for_a_part_of_both(market: Market) -> None:
    done = market.add(1_000_000, 4_000_000)
    assert done.value == 1_000 * 2_000 - LOCKED
    assert market.state()["shares"] == 2_000_000
    done = market.add(500_000, 9_000_000, sender="bob")
    assert (done.value, done.events[0].values[1:]) == (1_000_000, [500_000, 2_000_000, 1_000_000])
    assert market.reserves() == (1_500_000, 6_000_000)
    assert market.gold_of("bob") == 10**14 - 2_000_000  # what was too much came back
    assert market.call("remove", 1_000_000, 1, 1, 1_000, sender="bob").value == [500_000, 2_000_000]
    assert market.gold_of("bob") == 10**14
    assert market.twins.query(market.pool, "shares_of", market.twins.one.accounts["bob"].text) == 0
    assert "fall below zero" in market.call("remove", 1, 0, 0, 1_000, sender="bob").text


@in_both_languages
def test_a_swap_brings_what_was_quoted(market: Market) -> None:
    market.add(1_000_000, 4_000_000)
    quoted = market.twins.query(market.pool, "quote", "COS", 10_000)
    assert quoted == 4_000_000 * 9_970 // (1_000_000 + 9_970)
    done = market.call("swap", quoted, 1_000, sender="bob", cos=10_000)
    assert done.value == quoted
    assert isinstance(quoted, int)
    assert market.reserves() == (1_010_000, 4_000_000 - quoted)
    back = market.call("swap", 1, 1_000, sender="bob", gold=quoted)
    assert isinstance(back.value, int)
    assert back.value < 10_000


@in_both_languages
def test_terms_hold(market: Market) -> None:
    height = market.twins.one.height
    late = ("the deadline has passed",) * 3
    assert late == (
        market.call("add", 1, height, cos=10**6, gold=10**6).text,
        market.call("swap", 1, height, cos=10).text,
        market.call("remove", 1, 1, 1, height).text,
    )
    assert market.call("add", 10**6 - LOCKED + 1, 1_000, cos=10**6, gold=10**6).text == "too few shares"
    assert market.call("add", 10**6 - LOCKED, 1_000, cos=10**6, gold=10**6).is_ok
    quoted = market.twins.query(market.pool, "quote", "COS", 1_000)
    assert isinstance(quoted, int)
    before = market.cos_of("alice"), market.gold_of("alice"), market.reserves()
    assert market.call("swap", quoted + 1, 1_000, cos=1_000).text == "too little comes out"
    assert market.call("remove", 1_000, 1_001, 1_000, 1_000).text == "too little comes out"
    assert (market.cos_of("alice"), market.gold_of("alice"), market.reserves()) == before


@in_both_languages
def test_the_first_depositor_cannot_make_shares_dear(market: Market) -> None:
    assert market.add(1_000, 1_000).text == "too few shares"
    market.add(1_002_001, 1)
    assert market.state()["shares"] == LOCKED + 1  # one share is alice's
    market.twins.act(SendToken(bytes.fromhex(market.gold), b"", market.address(), 10**12, COS))
    assert market.reserves() == (1_002_001, 1)
    before = market.gold_of("bob"), market.cos_of("bob")
    added = market.add(10**7, 10, sender="bob")
    assert isinstance(added.value, int)
    removed = market.call("remove", added.value, 0, 0, 1_000, sender="bob")
    assert removed.is_ok
    lost = before[0] - market.gold_of("bob"), before[1] - market.cos_of("bob")
    assert lost[0] <= 1
    assert lost[1] <= 1


@in_both_languages
def test_gifts_change_no_price_and_no_share(market: Market) -> None:
    market.add(10**6, 10**6)
    state = market.state()
    quote = market.twins.query(market.pool, "quote", "COS", 1_000)
    market.twins.act(SendToken(bytes.fromhex(market.gold), b"", market.address(), 10**12, COS))
    assert market.twins.call(market.pool, "sync").is_ok
    assert market.state() == state
    assert market.twins.query(market.pool, "quote", "COS", 1_000) == quote


@in_both_languages
def test_it_takes_its_two_assets_and_nothing_else(market: Market) -> None:
    other = deployed(market.twins, "token", "OTHER", 0, 100, 100)
    strange = str(market.twins.query(other, "token"))
    market.add(10**6, 10**6)
    refused = market.twins.call(market.pool, "swap", 1, 1_000, sent={"COS": 5, strange: 5})
    assert refused.text == "the pool does not take this asset"
    assert market.call("swap", 1, 1_000).text == "send one of the two assets"
    assert market.call("swap", 1, 1_000, cos=5, gold=5).text == "send one of the two assets"
    assert market.call("add", 1, 1_000, cos=5).text == "send both assets"
    assert market.twins.fault(market.pool, "quote", strange, 1) == "reverted"
    assert market.twins.deploy("pool", "COS", "COS", 30).text == "two different assets"
    assert market.twins.deploy("pool", "COS", "00" * 32, 30).text == "no such token"
    assert market.twins.deploy("pool", "COS", strange, 1_001).code == "reverted"
    assert market.twins.deploy("pool", market.gold, strange, 0).is_ok


@pytest.mark.parametrize("right", ["freeze", "clawback"])
def test_tokens_under_somebody_s_thumb_need_a_yes(right: str) -> None:
    def run() -> None:
        twins = Twins()
        rulers = {chain.deploy(RIGHTS_HOLDER, "lua/1", right).value for chain in twins.chains.values()}
        (ruler,) = rulers
        token = str(twins.query(str(ruler), "id"))
        assert twins.deploy("pool", "COS", token, 30).text == "somebody may freeze or take back this token"
        assert twins.deploy("pool", "COS", token, 30, False).code == "reverted"
        pool = deployed(twins, "pool", "COS", token, 30, True)
        twins.call(pool, "add", 1, 1_000, sent={"COS": 10**6, token: 10**6})
        if right == "clawback":
            holder = twins.one.address_of(pool)
            alice = twins.one.accounts["alice"].address
            taken = ChangeToken(bytes.fromhex(token), "clawback", "", holder, alice, 400_000, COS)
            assert twins.act(taken).is_ok
            assert twins.call(pool, "remove", 999_000, 1, 1, 1_000).code == "not_enough"
            assert twins.call(pool, "sync").is_ok
            assert twins.call(pool, "remove", 999_000, 1, 1, 1_000).value == [999_000, 599_400]
        twins.check_stored_alike()

    on_big_stack(run)
