import pytest

from chaosnet.base.errors import Broken
from chaosnet.ledger.accounts import NO_ACCOUNT, Account, Lock, encode_account
from chaosnet.ledger.keys import account_key
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
