import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken
from chaosnet.base.units import YEAR_MS
from chaosnet.ledger.accounts import (
    NO_ACCOUNT,
    Account,
    Lock,
    claim,
    credit,
    credit_locked,
    debit,
    decode_account,
    encode_account,
    released,
    spendable,
    total,
)
from chaosnet.model.genesis import TEAM_LOCK, LockTerms

T0 = 1_700_000_000_000
TEAM = Lock(1_000_000, 0, TEAM_LOCK.period_ms, TEAM_LOCK.cliff, TEAM_LOCK.steps)

LOCKS = st.builds(
    lambda amount, period, cliff, steps: Lock(amount, 0, period, cliff, steps),
    st.integers(1, 2**53),
    st.integers(1, 10**12),
    st.integers(0, 10),
    st.integers(1, 10),
)


@pytest.mark.parametrize(
    "years, percent",
    [(0, 0), (1, 0), (2, 20), (3, 40), (4, 60), (5, 80), (6, 100), (7, 100), (50, 100)],
)
def test_the_team_lock_opens_by_a_fifth_each_year_from_the_end_of_the_second(
    years: int, percent: int
) -> None:
    now_ms = T0 + years * YEAR_MS
    assert released(TEAM, T0, now_ms) == 10_000 * percent
    assert released(TEAM, T0, now_ms + YEAR_MS - 1) == 10_000 * percent


def test_nothing_is_released_before_the_start() -> None:
    assert released(TEAM, T0, T0 - 10 * YEAR_MS) == 0


def test_a_release_is_rounded_down_and_complete_at_the_end() -> None:
    lock = Lock(10, 0, 1, 0, 3)
    assert [released(lock, 0, now_ms) for now_ms in range(5)] == [0, 3, 6, 10, 10]


def test_debiting_claims_what_is_released_first() -> None:
    account = Account(nonce=7, balance=5, policy_hash=b"p" * 32, locks=(TEAM,))
    now_ms = T0 + 2 * YEAR_MS
    assert spendable(account, T0, now_ms) == 200_005
    after = debit(account, 6, T0, now_ms)
    claimed = Lock(1_000_000, 200_000, TEAM_LOCK.period_ms, 1, 5)
    assert after == Account(7, 199_999, b"p" * 32, (claimed,))
    assert spendable(after, T0, now_ms) == 199_999
    assert spendable(after, T0, now_ms + YEAR_MS) == 399_999
    assert total(after) == total(account) - 6


def test_a_spent_lock_is_dropped() -> None:
    other = Lock(10, 0, YEAR_MS, 100, 1)
    account = Account(locks=(TEAM, other))
    assert debit(account, 1_000_000, T0, T0 + 6 * YEAR_MS) == Account(locks=(other,))


def test_nobody_takes_more_than_there_is() -> None:
    with pytest.raises(Broken):
        debit(Account(balance=5, locks=(TEAM,)), 6, T0, T0)
    with pytest.raises(Broken):
        debit(Account(balance=5), -1, T0, T0)
    with pytest.raises(Broken):
        credit(Account(), -1)
    with pytest.raises(Broken):
        credit_locked(Account(), -1, TEAM_LOCK)


def test_equal_terms_share_a_lock() -> None:
    other = LockTerms(1000, 0, 2)
    account = credit_locked(credit_locked(credit_locked(NO_ACCOUNT, 5, TEAM_LOCK), 6, other), 7, TEAM_LOCK)
    assert account.locks == (
        Lock(12, 0, TEAM_LOCK.period_ms, TEAM_LOCK.cliff, TEAM_LOCK.steps),
        Lock(6, 0, 1000, 0, 2),
    )
    assert credit_locked(Account(locks=(Lock(5, 3, 1000, 0, 2),)), 5, other).locks == (
        Lock(10, 3, 1000, 0, 2),
    )


@given(st.lists(LOCKS, max_size=3), st.lists(st.integers(0, 10**13), min_size=1, max_size=5))
def test_claiming_creates_and_loses_nothing(locks: list[Lock], times: list[int]) -> None:
    account = Account(balance=3, locks=tuple(locks))
    for now_ms in sorted(times):
        after = claim(account, 0, now_ms)
        assert total(after) == total(account)
        assert spendable(after, 0, now_ms) == spendable(account, 0, now_ms) == after.balance
        assert 0 <= after.balance <= total(after)
        assert all(0 <= lock.claimed < lock.amount for lock in after.locks)
        account = after


@given(LOCKS, st.integers(-(10**13), 10**13), st.integers(0, 10**12))
def test_a_release_only_grows(lock: Lock, now_ms: int, later_ms: int) -> None:
    assert 0 <= released(lock, 0, now_ms) <= released(lock, 0, now_ms + later_ms) <= lock.amount


def test_an_account_is_read_as_it_was_written() -> None:
    account = Account(3, 2**53, b"p" * 32, (TEAM,))
    assert decode_account(encode_account(account)) == account
    assert encode_account(NO_ACCOUNT) == encode((1, 0, 0, b"", ()))


def test_a_damaged_account_stops_the_node() -> None:
    for value in (b"", b"\x90", b"\xff", encode((2, 0, 0, b"", ()))):
        with pytest.raises(Broken) as caught:
            decode_account(value)
        assert caught.value.code == "data_damaged"
