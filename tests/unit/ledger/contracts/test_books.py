"""Deposits of entries, and coins."""

import pytest

from chaosnet.base.errors import Broken
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.ops import ENTRY_OVERHEAD, PRICES
from chaosnet.ledger.contracts.books import (
    DEPOSITS,
    Books,
    entry_rate,
    entry_start,
    entry_value,
)
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import ENTRY, entry_key, holding_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.genesis import TEAM_LOCK, ChainParams
from tests.making import Person, context, network

ADA, BOB = Person("ada"), Person("bob")
GENESIS = network([(ADA, 10**9, None), (BOB, 10**9, TEAM_LOCK)], [ADA])
STATE = genesis_state(GENESIS)
KEYS = [entry_key(b"\x01" + bytes(32), b"\x02k\x00\x00"), holding_key(bytes(32), ADA.address)]


def books_of(overlay: Overlay | None = None, rate: int = 1_000) -> Books:
    params = ChainParams(motes_per_state_byte=rate)
    return Books(overlay or Overlay(STATE), context(GENESIS, STATE, params=params))


def put(books: Books, key: bytes, value: bytes | None) -> None:
    """Change an entry; `set` of a contract pays for the change before."""
    if key[0] == ENTRY:
        books.charge(PRICES.change)
        books.put_stored(key, value)
    else:
        books.put(key, value)


def get(books: Books, key: bytes) -> bytes | None:
    leaf = books.overlay.entry(key) if key[0] == ENTRY else books.overlay.get(key)
    return None if leaf is None else entry_value(leaf)


@pytest.mark.parametrize("rate", [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 10**12])
def test_rate_and_value_stand_side_by_side(rate: int) -> None:
    leaf = entry_start(rate) + b"\xa5value"
    assert (entry_rate(leaf), entry_value(leaf)) == (rate, b"\xa5value")


@pytest.mark.parametrize("key", KEYS)
def test_an_entry_keeps_the_rate_it_began_with(key: bytes) -> None:
    books = books_of()
    size = len(key) + 3 + ENTRY_OVERHEAD
    put(books, key, b"\xa2ab")
    assert (get(books, key), books.locked) == (b"\xa2ab", size * 1_000)
    later = books_of(books.overlay, rate=5)
    put(later, key, b"\xa4abcd")
    assert later.locked == 2 * 1_000
    put(later, key, None)
    assert later.locked == -size * 1_000
    put(later, key, b"\xa2ab")
    assert later.locked == size * (5 - 1_000)
    assert get(later, key) == b"\xa2ab"


@pytest.mark.parametrize("key", KEYS)
def test_going_back(key: bytes) -> None:
    books = books_of()
    mark = books.mark()
    put(books, key, b"\x01")
    books.rollback(mark)
    assert (get(books, key), books.locked) == (None, 0)


def test_growth_is_charged_change_is_charged_shrinking_is_not_paid_back() -> None:
    books = books_of()
    charged: list[int] = []
    books.charge = charged.append
    key = KEYS[0]
    put(books, key, b"\xa2ab")
    put(books, key, b"\xa3abc")
    put(books, key, b"\x01")
    put(books, key, None)
    books.get(holding_key(bytes(32), ADA.address))
    byte = PRICES.state_byte
    grown = (len(key) + 3 + ENTRY_OVERHEAD) * byte
    change = PRICES.change
    assert charged == [change, grown, change, byte, change, change, PRICES.read]


def test_settling_moves_coins_between_sender_and_deposits() -> None:
    books = books_of()
    books.locked = 100
    with pytest.raises(GuestFault, match="deposit"):
        books.settle(ADA.address, 99)
    books.locked = 100
    books.settle(ADA.address, 100)
    assert (books.cos_of(DEPOSITS), books.cos_of(ADA.address), books.locked) == (100, 10**9 - 100, 0)
    books.locked = -60
    books.settle(BOB.address, 0)
    assert (books.cos_of(DEPOSITS), books.cos_of(BOB.address)) == (40, 60)
    books.locked = -41
    with pytest.raises(GuestFault, match="not_enough"):
        books.settle(BOB.address, 0)


def test_locked_coins_do_not_move() -> None:
    books = books_of()
    assert books.cos_of(BOB.address) == 0
    with pytest.raises(GuestFault, match="not_enough"):
        books.move_cos(BOB.address, ADA.address, 1)
    with pytest.raises(Broken):
        books.move_cos(ADA.address, BOB.address, -1)
