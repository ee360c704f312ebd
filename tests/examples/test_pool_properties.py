"""The pool under any order of deposits, swaps, withdrawals and gifts, in both languages at once.

Over all of it: what a share stands for never falls, nobody's swap beats its own terms, the pool never owes
more than it has, and nothing comes out of nothing.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chaosnet.base.units import MOTES_PER_COS
from chaosnet.contracts.values import Value
from chaosnet.devchain.chain import Result
from chaosnet.model.contract_actions import SendToken
from tests.examples.twins import Twins, deployed
from tests.machines import on_big_stack

COS = MOTES_PER_COS
LOCKED = 1_000
WHO = ("alice", "bob", "carol")
REFUSALS = {"reverted", "not_enough", "bad_args"}
SUPPLY = 2**63 - 1

people = st.sampled_from(WHO)
amounts = st.one_of(
    st.integers(1, 20),
    st.integers(1_000, 10**7),
    st.integers(1_000, 10**12),
    st.integers(0, 61).map(lambda power: 1 << power),
)
firsts = st.one_of(st.none(), st.tuples(st.integers(1_000, 10**12), st.integers(1_100, 10**12)))
parts = st.integers(1, 100)


class PoolTwins(RuleBasedStateMachine):
    """Two pools, one in each language, on which the same is done."""

    @initialize(fee=st.sampled_from([0, 1, 30, 1_000]), has_cos=st.booleans(), first=firsts)
    def begin(self, fee: int, has_cos: bool, first: tuple[int, int] | None) -> None:
        self.twins = Twins()
        self.a = "COS" if has_cos else self._token("AA")
        self.b = self._token("BB")
        self.pool = deployed(self.twins, "pool", self.a, self.b, fee)
        self.gifts = {self.a: 0, self.b: 0}
        self.state = (0, 0, 0)
        if first:
            self._call("alice", "add", 1, sent={self.a: first[0], self.b: first[1]})
            self.state = self._state()

    def _token(self, symbol: str) -> str:
        contract = deployed(self.twins, "token", symbol, 0, SUPPLY, SUPPLY)
        token = str(self.twins.query(contract, "token"))
        for name in WHO[1:]:
            to = self.twins.one.accounts[name].address
            assert self.twins.act(SendToken(bytes.fromhex(token), b"", to, SUPPLY // 3, COS)).is_ok
        return token

    # ── what can happen ──

    @rule(who=people, a=amounts, b=amounts, least=st.sampled_from([0, 1, 1, 2**62]))
    def add(self, who: str, a: int, b: int, least: int) -> None:
        before = self._held(who)
        done = self._call(who, "add", least, sent={self.a: a, self.b: b})
        if done is None:
            return
        shares, now = _number(done.value), self._state()
        assert shares >= max(1, least)
        used = now[0] - self.state[0], now[1] - self.state[1]
        assert 0 < used[0] <= a
        assert 0 < used[1] <= b
        self._check_paid(who, before, (-used[0], -used[1]), done)
        self.state = self._checked_share(now)

    @precondition(lambda self: self.state[2])
    @rule(who=people, part=parts)
    def remove(self, who: str, part: int) -> None:
        before, owned = self._held(who), self._shares_of(who)
        shares = -(-owned * part // 100) or 1
        done = self._call(who, "remove", shares, 0, 0)
        if done is None:
            assert owned < shares
            return
        out = _pair(done.value)
        self._check_paid(who, before, out, done)
        self.state = self._checked_share(self._state())

    @precondition(lambda self: self.state[2])
    @rule(who=people, amount=amounts, is_a=st.booleans(), over=st.sampled_from([0, 0, 1]))
    def swap(self, who: str, amount: int, is_a: bool, over: int) -> None:
        given = self.a if is_a else self.b
        before = self._held(who)
        code = self.twins.fault(self.pool, "quote", given, amount)
        quoted = _number(self.twins.query(self.pool, "quote", given, amount)) if code == "ok" else 0
        done = self._call(who, "swap", quoted + over, sent={given: amount})
        if done is None:
            return
        assert over == 0
        assert _number(done.value) == quoted > 0
        self._check_paid(who, before, (-amount, quoted) if is_a else (quoted, -amount), done)
        now = self._state()
        assert now[0] * now[1] >= self.state[0] * self.state[1]
        self.state = self._checked_share(now)

    @precondition(lambda self: self.state[2])
    @rule(who=people, amount=amounts, is_a=st.booleans())
    def swap_there_and_back(self, who: str, amount: int, is_a: bool) -> None:
        given, taken = (self.a, self.b) if is_a else (self.b, self.a)
        there = self._call(who, "swap", 1, sent={given: amount})
        if there is None:
            return
        back = self._call(who, "swap", 1, sent={taken: _number(there.value)})
        assert back is None or _number(back.value) <= amount
        self.state = self._checked_share(self._state())

    @precondition(lambda self: self.state[2])
    @rule(who=people, a=amounts, b=amounts)
    def add_and_leave_at_once(self, who: str, a: int, b: int) -> None:
        """It costs one unit of each at most, whatever was done to the pool before, and brings nothing."""
        done = self._call(who, "add", 1, sent={self.a: a, self.b: b})
        if done is None:
            return
        middle = self._state()
        used = middle[0] - self.state[0], middle[1] - self.state[1]
        left = self._call(who, "remove", _number(done.value), 0, 0)
        assert left is not None
        out = _pair(left.value)
        assert 0 <= used[0] - out[0] <= 1
        assert 0 <= used[1] - out[1] <= 1
        self.state = self._checked_share(self._state())

    @rule(who=people, amount=amounts)
    def give(self, who: str, amount: int) -> None:
        to = self.twins.one.address_of(self.pool)
        if self.twins.act(SendToken(bytes.fromhex(self.b), b"", to, amount, COS), sender=who).is_ok:
            self.gifts[self.b] += amount

    @rule(who=people)
    def sync(self, who: str) -> None:
        assert self.twins.call(self.pool, "sync", sender=who).is_ok

    @rule(who=people, method=st.sampled_from(["add", "swap", "remove"]))
    def come_too_late(self, who: str, method: str) -> None:
        deadline = self.twins.one.height
        sent = {"add": {self.a: 5, self.b: 5}, "swap": {self.a: 5}, "remove": {}}[method]
        args = [1, 1, 1, deadline] if method == "remove" else [1, deadline]
        assert (
            self.twins.call(self.pool, method, *args, sender=who, sent=sent).text == "the deadline has passed"
        )

    # ── what always holds ──

    @invariant()
    def nothing_else_has_changed(self) -> None:
        assert self._state() == self.state

    @invariant()
    def the_pool_has_what_it_owes_and_the_gifts(self) -> None:
        for chain in self.twins.chains.values():
            assert chain.balance(self.pool, self.a) == self.state[0] + self.gifts[self.a]
            assert chain.balance(self.pool, self.b) == self.state[1] + self.gifts[self.b]
            for token in {self.a, self.b} - {"COS"}:
                assert sum(chain.balance(name, token) for name in (*WHO, self.pool)) == SUPPLY

    @invariant()
    def shares_add_up(self) -> None:
        locked = LOCKED if self.state[2] else 0
        assert sum(self._shares_of(name) for name in WHO) + locked == self.state[2]

    def teardown(self) -> None:
        if hasattr(self, "twins"):
            self.twins.check_stored_alike()

    # ── asking ──

    def _call(self, who: str, method: str, *args: Value, sent: dict[str, int] | None = None) -> Result | None:
        """Call with a far deadline; None when it was refused, after which nothing may have changed."""
        before = self._held(who)
        if (sent or {}).get("COS", 0) > self.twins.one.balance(who) - COS:
            return None  # no block takes such a transaction
        done = self.twins.call(self.pool, method, *args, 10**6, sender=who, sent=sent)
        if done.is_ok:
            return done
        assert done.code in REFUSALS, f"{done.code} {done.text}"
        assert self._held(who) == before
        return None

    def _held(self, who: str) -> tuple[int, int]:
        return self.twins.one.balance(who, self.a), self.twins.one.balance(who, self.b)

    def _shares_of(self, who: str) -> int:
        return _number(self.twins.query(self.pool, "shares_of", self.twins.one.accounts[who].text))

    def _state(self) -> tuple[int, int, int]:
        found = self.twins.query(self.pool, "state")
        assert isinstance(found, dict)
        return _number(found["reserve_a"]), _number(found["reserve_b"]), _number(found["shares"])

    def _check_paid(self, who: str, before: tuple[int, int], change: tuple[int, int], done: Result) -> None:
        """Fail unless exactly this went in and out, the deposit of new entries apart."""
        deposit = done.deposit if self.a == "COS" else 0
        assert self._held(who) == (before[0] + change[0] - deposit, before[1] + change[1])

    def _checked_share(self, now: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the state; fail when a share stands for less: k over the square of the shares."""
        old = self.state
        if old[2]:
            assert now[0] * now[1] * old[2] ** 2 >= old[0] * old[1] * now[2] ** 2
        return now


def _number(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _pair(value: Value) -> tuple[int, int]:
    assert isinstance(value, list)
    return _number(value[0]), _number(value[1])


def run(examples: int, steps: int) -> None:
    kept = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=[
            Phase.reuse,
            Phase.generate,
        ],  # steps are small and few: shrinking takes minutes and adds little
        suppress_health_check=list(HealthCheck),
    )
    on_big_stack(lambda: run_state_machine_as_test(PoolTwins, settings=kept))


def test_any_order_of_everything() -> None:
    run(examples=60, steps=30)


@pytest.mark.soak
def test_any_order_of_everything_for_long() -> None:
    run(examples=600, steps=60)
