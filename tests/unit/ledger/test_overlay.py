from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Broken
from chaosnet.ledger.accounts import NO_ACCOUNT, Account, Lock, encode_account
from chaosnet.ledger.keys import account_key, entry_prefix
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State

ADA, BOB, EVE = (b"\x00" + bytes([i]) * 32 for i in (1, 2, 3))
BEFORE = {ADA: Account(balance=100), BOB: Account(balance=50, locks=(Lock(10, 2, 1, 0, 1),))}


@pytest.fixture
def state() -> State:
    items = {account_key(address): encode_account(account) for address, account in BEFORE.items()}
    return State.of([*items.items(), (b"\x09", b"value")])


def test_reading_changes_nothing(state: State) -> None:
    overlay = Overlay(state)
    assert overlay.account(ADA) == BEFORE[ADA]
    assert overlay.account(EVE) is NO_ACCOUNT
    assert overlay.get(b"\x09") == b"value"
    assert overlay.get(b"\x08") is None
    changes = overlay.changes()
    assert (changes.new, changes.old, changes.supply_delta) == ({}, {}, 0)


def test_changes_name_new_and_old_values(state: State) -> None:
    overlay = Overlay(state)
    overlay.set_account(ADA, Account(1, 70))
    overlay.set_account(EVE, Account(0, 30))
    overlay.set(b"\x08", b"new")
    overlay.set(b"\x09", None)
    assert overlay.account(ADA) == Account(1, 70)
    assert overlay.get(b"\x09") is None
    changes = overlay.changes()
    assert changes.new == {
        account_key(ADA): encode_account(Account(1, 70)),
        account_key(EVE): encode_account(Account(0, 30)),
        b"\x08": b"new",
        b"\x09": None,
    }
    assert changes.old == {key: state.get(key) for key in changes.new}
    assert changes.supply_delta == 0
    assert state.update(changes.new).update(changes.old).root == state.root


def test_the_supply_counts_locked_coins(state: State) -> None:
    overlay = Overlay(state)
    overlay.set_account(BOB, Account(balance=49, locks=(Lock(10, 5, 1, 0, 1),)))
    assert overlay.changes().supply_delta == -1 - 3


def test_an_account_that_says_nothing_is_not_stored(state: State) -> None:
    overlay = Overlay(state)
    overlay.set_account(ADA, Account())
    overlay.set_account(EVE, Account())
    assert overlay.changes().new == {account_key(ADA): None}
    assert overlay.changes().supply_delta == -100


def test_going_there_and_back_is_no_change(state: State) -> None:
    overlay = Overlay(state)
    overlay.set_account(ADA, Account(balance=1))
    overlay.set_account(ADA, Account(balance=100))
    overlay.set(b"\x09", b"other")
    overlay.set(b"\x09", b"value")
    assert overlay.changes().new == {}


def test_rollback_returns_to_the_mark(state: State) -> None:
    overlay = Overlay(state)
    overlay.set_account(ADA, Account(balance=1))
    mark = overlay.checkpoint()
    overlay.set_account(ADA, Account(balance=2))
    overlay.set_account(ADA, Account(balance=3))
    overlay.set_account(EVE, Account(balance=4))
    overlay.set(b"\x08", b"new")
    overlay.rollback(mark)
    assert overlay.account(ADA) == Account(balance=1)
    assert overlay.account(EVE) is NO_ACCOUNT
    assert overlay.get(b"\x08") is None
    assert list(overlay.changes().new) == [account_key(ADA)]
    overlay.rollback(0)
    assert overlay.changes().new == {}


def test_what_is_kept_cannot_be_rolled_back(state: State) -> None:
    overlay = Overlay(state)
    overlay.set_account(ADA, Account(balance=1))
    overlay.keep()
    assert overlay.checkpoint() == 0
    overlay.rollback(0)
    assert overlay.account(ADA) == Account(balance=1)


def test_a_damaged_account_is_never_read_as_empty() -> None:
    overlay = Overlay(State.of([(account_key(ADA), b"\x00")]))
    with pytest.raises(Broken):
        overlay.account(ADA)


# ── entries of contracts' storage ────────────────────────────────────────────────────────────────────────

CONTRACT = entry_prefix(b"\x01" + bytes(32))
OTHER = entry_prefix(b"\x01" + bytes(31) + b"\x01")
NAMES = st.integers(0, 9)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([CONTRACT, OTHER]), NAMES, st.sampled_from([None, b"1", b"2"])),
        st.sampled_from(["mark", "back", "keep"]),
    ),
    max_size=30,
)


def listed(overlay: Overlay, contract: bytes) -> dict[bytes, bytes]:
    found = list(overlay.entries(contract, contract))
    assert [key for key, _ in found] == sorted(key for key, _ in found)
    return {key: value for key, value in found if value is not None}


@given(STEPS, STEPS)
def test_entries_are_listed_in_order_whatever_was_taken_back(first: list[Any], second: list[Any]) -> None:
    state = State.empty()
    for steps in (first, second):
        overlay = Overlay(state)
        before = {key: value for key in (CONTRACT, OTHER) for key, value in listed(overlay, key).items()}
        model = dict(before)
        marks: list[tuple[int, dict[bytes, bytes]]] = []
        for step in steps:
            if step == "mark":
                marks.append((overlay.checkpoint(), dict(model)))
            elif step == "back" and marks:
                mark, model = marks.pop()
                overlay.rollback(mark)
            elif step == "keep":
                overlay.keep()
                marks.clear()
            elif isinstance(step, tuple):
                contract, name, value = step
                key = contract + bytes([name])
                overlay.set_entry(key, overlay.entry(key), value)
                model.pop(key, None)
                if value is not None:
                    model[key] = value
            for contract in (CONTRACT, OTHER):
                own = {key: value for key, value in model.items() if key.startswith(contract)}
                assert listed(overlay, contract) == own
        changes = overlay.changes()
        assert {k: v for k, v in changes.new.items() if v is not None}.items() <= model.items()
        after = state.update(changes.new)
        assert after.update(changes.old).root == state.root
        assert list(after.entries_from(CONTRACT)) == sorted(model)
        assert list(after.update(changes.old).entries_from(CONTRACT)) == sorted(before)
        assert list(State.of(after.items()).entries_from(b"\x00")) == sorted(model)
        state = after


def test_a_listing_begins_and_ends_where_it_should(state: State) -> None:
    overlay = Overlay(state.update({CONTRACT + b"b": b"1", CONTRACT + b"ca": b"2", OTHER + b"b": b"3"}))
    overlay.set_entry(CONTRACT + b"cb", None, b"4")
    overlay.set_entry(CONTRACT + b"ca", b"2", None)
    found = list(overlay.entries(CONTRACT + b"c", CONTRACT + b"c"))
    assert found == [(CONTRACT + b"ca", None), (CONTRACT + b"cb", b"4")], "passing a deleted one is a step"
    assert [key for key, _ in overlay.entries(CONTRACT, CONTRACT + b"ca\x00")] == [CONTRACT + b"cb"]
