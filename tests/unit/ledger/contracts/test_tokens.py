"""Holdings, allowances and supply of native tokens."""

import pytest
from msgspec.structs import replace

from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.contracts.faults import GuestFault
from chaosnet.ledger.context import Context
from chaosnet.ledger.contracts import tokens
from chaosnet.ledger.contracts.books import Books
from chaosnet.ledger.contracts.tokens import NOBODY, Token
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import frozen_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.contract_actions import COS
from tests.making import Person, context, network

ADA, BOB, EVE = (Person(name) for name in ("ada", "bob", "eve"))
GENESIS = network([(ADA, 10**9, None)], [ADA])
STATE = genesis_state(GENESIS)
T = b"t" * 32
ISSUER = b"\x01" + bytes(32)
PLAIN = Token("TOK", "", 2, ISSUER, 0, 1_000, NOBODY, NOBODY, NOBODY, NOBODY, False, None)


def books_at(height: int = 1, **rights: object) -> Books:
    ctx: Context = context(GENESIS, STATE, height)
    books = Books(Overlay(STATE), ctx)
    tokens.store_token(books, T, replace(PLAIN, **rights))
    tokens.issue(books, T, ADA.address, 100)
    return books


def held(books: Books) -> tuple[int, int, int]:
    a, b, e = (tokens.holding_of(books, T, person.address) for person in (ADA, BOB, EVE))
    return a, b, e


def fault(function: object, *args: object, **named: object) -> str:
    assert callable(function)
    with pytest.raises(GuestFault) as caught:
        function(*args, **named)
    return caught.value.code


def test_tokens_move_and_empty_holdings_leave_no_entry() -> None:
    books = books_at()
    tokens.move(books, T, 30, source=ADA.address, to=BOB.address)
    assert held(books) == (70, 30, 0)
    locked = books.locked
    tokens.move(books, T, 30, source=BOB.address, to=EVE.address)
    assert held(books) == (70, 0, 30)
    assert books.locked == locked, "one entry less, one more"
    tokens.move(books, T, 30, source=EVE.address, to=EVE.address)
    assert held(books) == (70, 0, 30)
    assert fault(tokens.move, books, T, 31, source=EVE.address, to=BOB.address) == "not_enough"
    assert fault(tokens.move, books, b"u" * 32, 1, source=EVE.address, to=BOB.address) == "no_token"


def test_coins_move_too() -> None:
    books = books_at()
    tokens.move(books, COS, 30, source=ADA.address, to=ISSUER)
    assert books.cos_of(ISSUER) == 30
    assert fault(tokens.move, books, COS, 31, source=ISSUER, to=ADA.address) == "not_enough"


def test_the_supply_is_bounded() -> None:
    books = books_at()
    assert fault(tokens.issue, books, T, BOB.address, 901) == "supply"
    tokens.issue(books, T, BOB.address, 900)
    assert held(books) == (100, 900, 0)
    tokens.burn(books, T, BOB.address, 400)
    assert fault(tokens.burn, books, T, BOB.address, 501) == "not_enough"
    assert tokens.known_token(books, T).supply == 600


def test_what_is_frozen_or_paused_does_not_move() -> None:
    books = books_at(freeze=EVE.address)
    books.put(frozen_key(T, BOB.address), b"\xc3")
    assert fault(tokens.move, books, T, 1, source=ADA.address, to=BOB.address) == "frozen"
    assert fault(tokens.issue, books, T, BOB.address, 1) == "frozen"
    assert fault(tokens.burn, books, T, BOB.address, 1) == "frozen"
    tokens.store_token(books, T, replace(tokens.known_token(books, T), freeze=NOBODY))
    tokens.move(books, T, 1, source=ADA.address, to=BOB.address)
    paused = replace(tokens.known_token(books, T), pause=EVE.address, is_paused=True)
    tokens.store_token(books, T, paused)
    assert fault(tokens.move, books, T, 1, source=ADA.address, to=BOB.address) == "frozen"
    tokens.store_token(books, T, replace(paused, pause=NOBODY))
    tokens.move(books, T, 1, source=ADA.address, to=BOB.address)


def test_an_allowance_is_taken_from_until_it_ends() -> None:
    books = books_at(height=5)
    way = ADA.address, BOB.address
    tokens.approve(books, T, way, expected=0, amount=50, expiry=5)
    assert fault(tokens.approve, books, T, way, expected=0, amount=9, expiry=5) == "changed"
    assert fault(tokens.approve, books, T, way, expected=50, amount=9, expiry=4) == "expired"
    tokens.move_allowed(books, T, 20, way=way, to=EVE.address)
    assert (held(books), tokens.allowance_of(books, T, *way)) == ((80, 0, 20), 30)
    assert fault(tokens.move_allowed, books, T, 31, way=way, to=EVE.address) == "not_enough"
    assert fault(tokens.move_allowed, books, T, 1, way=way[::-1], to=EVE.address) == "not_enough"
    later = Books(books.overlay, context(GENESIS, STATE, 6))
    assert tokens.allowance_of(later, T, *way) == 0
    assert fault(tokens.move_allowed, later, T, 1, way=way, to=EVE.address) == "not_enough"
    tokens.approve(later, T, way, expected=0, amount=0, expiry=0)


def test_an_allowance_used_up_leaves_no_entry() -> None:
    books = books_at()
    before = books.locked
    way = ADA.address, BOB.address
    tokens.approve(books, T, way, expected=0, amount=100, expiry=9)
    assert books.locked > before
    tokens.move_allowed(books, T, 100, way=way, to=ADA.address)
    assert books.locked == before


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1, True, "1", None])
def test_amounts(amount: object) -> None:
    assert fault(tokens.check_amount, amount) == "bad_args"
    assert tokens.check_amount(AMOUNT_MAX) == AMOUNT_MAX


def test_reading_a_state() -> None:
    books = books_at()
    state = STATE.update(books.overlay.changes().new)
    token = tokens.read_token(state, T)
    assert token is not None
    assert (token.symbol, token.supply) == ("TOK", 100)
    assert tokens.read_token(state, b"u" * 32) is None
    assert tokens.read_holding(state, T, ADA.address) == 100
    assert tokens.read_holding(state, T, BOB.address) == 0
