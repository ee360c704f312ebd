"""How tokens are born, rights over them, and conversion."""

from typing import Any

import pytest

from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.values import Value
from chaosnet.crypto.addresses import format_address
from chaosnet.ledger.contracts import rights, tokens
from chaosnet.ledger.contracts.books import RESERVES, Books
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.contract_actions import ChangeToken
from tests.making import Person, context, network

ADA, BOB, EVE = (Person(name) for name in ("ada", "bob", "eve"))
FUNDS = 10**9
GENESIS = network([(ADA, FUNDS, None), (BOB, FUNDS, None)], [ADA])
STATE = genesis_state(GENESIS)
T, ISSUER = b"t" * 32, b"\x01" + bytes(32)
TO_ADA, TO_BOB = format_address("cos", ADA.address), format_address("cos", BOB.address)


def born(**options: Value) -> Books:
    books = Books(Overlay(STATE), context(GENESIS, STATE, 5))
    rights.new_token(books, T, ISSUER, {"symbol": "TOK"} | options)
    return books


def change(change: str, **fields: Any) -> ChangeToken:
    empty: dict[str, Any] = {"right": "", "subject": b"", "to": b"", "amount": 0, "deposit_max": 0}
    asked = ChangeToken(token=T, change=change, **empty | fields)
    rights.check_change(asked)
    return asked


def fault(function: object, *args: object, **named: object) -> str:
    assert callable(function)
    with pytest.raises(GuestFault) as caught:
        function(*args, **named)
    return caught.value.code


def test_a_token_has_the_rights_it_was_born_with() -> None:
    books = born(name="Token", decimals=18, max=500, issue=TO_ADA, pause=TO_BOB)
    assert rights.token_map(books, tokens.known_token(books, T)) == {
        "symbol": "TOK",
        "name": "Token",
        "decimals": 18,
        "issuer": format_address("cos", ISSUER),  # type: ignore[arg-type]
        "supply": 0,
        "max": 500,
        "paused": False,
        "reserve": None,
        "issue": TO_ADA,
        "freeze": None,
        "pause": TO_BOB,
        "clawback": None,
    }


@pytest.mark.parametrize(
    "options",
    [
        {"symbol": "COS"},
        {"symbol": "T"},
        {"symbol": "tok"},
        {"symbol": "TOKENTOKENTOK"},
        {"symbol": None},
        {"name": "x" * 65},
        {"decimals": 19},
        {"decimals": True},
        {"max": 0},
        {"max": 2**63},
        {"issue": "nobody"},
        {"reserve": 5},
        {"reserve": {"motes": 0, "tokens": 1}},
        {"reserve": {"motes": 1, "tokens": 1, "fee": 1_001}},
        {"reserve": {"motes": 1, "tokens": 1, "rate": 1}},
        {"mint": TO_ADA},
    ],
)
def test_other_options_are_refused(options: dict[str, Value]) -> None:
    assert fault(born, **options) == "bad_args"


def test_rights_are_handed_on_or_renounced_by_their_holder() -> None:
    books = born(pause=TO_ADA)
    hand_on = change("hand_on", right="pause", to=BOB.address)
    assert fault(rights.change_token, books, BOB.address, hand_on) == "not_holder"
    rights.change_token(books, ADA.address, hand_on)
    assert fault(rights.change_token, books, ADA.address, change("pause")) == "not_holder"
    rights.change_token(books, BOB.address, change("pause"))
    assert tokens.known_token(books, T).is_paused
    rights.change_token(books, BOB.address, change("unpause"))
    rights.change_token(books, BOB.address, change("renounce", right="pause"))
    assert fault(rights.change_token, books, BOB.address, change("pause")) == "not_holder"
    assert fault(rights.change_token, books, BOB.address, hand_on) == "not_holder"
    renounced = change("renounce", right="issue")
    assert fault(rights.change_token, books, ADA.address, renounced) == "not_holder"


def test_freezing_and_taking_back() -> None:
    books = born(freeze=TO_ADA, clawback=TO_BOB)
    tokens.issue(books, T, EVE.address, 10)
    rights.change_token(books, ADA.address, change("freeze", subject=EVE.address))
    assert fault(tokens.move, books, T, 1, source=EVE.address, to=ADA.address) == "frozen"
    back = change("clawback", subject=EVE.address, to=BOB.address, amount=4)
    assert fault(rights.change_token, books, ADA.address, back) == "not_holder"
    rights.change_token(books, BOB.address, back)
    rights.change_token(books, ADA.address, change("unfreeze", subject=EVE.address))
    tokens.move(books, T, 1, source=EVE.address, to=ADA.address)
    assert [tokens.holding_of(books, T, p.address) for p in (ADA, BOB, EVE)] == [1, 4, 5]


@pytest.mark.parametrize(
    "name, fields",
    [
        ("explode", {}),
        ("pause", {"amount": 1}),
        ("freeze", {}),
        ("hand_on", {"right": "issue"}),
        ("renounce", {"right": "withdraw"}),
        ("clawback", {"subject": ADA.address, "to": ADA.address}),
    ],
)
def test_changes_have_exactly_their_fields(name: str, fields: dict[str, Any]) -> None:
    assert fault(change, name, **fields) == "bad_args"


def convert(books: Books, amount: int, *, is_back: bool = False, min_out: int = 0, expiry: int = 5) -> int:
    return rights.convert(
        books, ADA.address, T, amount=amount, min_out=min_out, expiry=expiry, is_back=is_back
    )


def test_conversion_at_a_rate_is_rounded_against_the_taker() -> None:
    books = born(reserve={"motes": 3, "tokens": 2})
    assert convert(books, 10) == 6
    assert tokens.holding_of(books, T, ADA.address) == 6 == tokens.known_token(books, T).supply
    assert books.cos_of(RESERVES) == 10
    assert convert(books, 5, is_back=True) == 7
    assert (books.cos_of(RESERVES), books.cos_of(ADA.address)) == (3, FUNDS - 3)
    assert fault(convert, books, 1, min_out=1) == "too_little", "nothing for something is no conversion"
    assert fault(convert, books, 100, min_out=67) == "too_little"
    assert fault(convert, books, 100, expiry=4) == "expired"
    assert fault(convert, books, 2, is_back=True) == "not_enough"
    assert fault(convert, born(), 1) == "no_token"


def test_a_fee_stays_in_the_reserve_and_only_the_named_one_takes_it_out() -> None:
    books = born(reserve={"motes": 1, "tokens": 1, "fee": 100, "withdraw": TO_BOB}, max=1_000)
    assert convert(books, 1_000) == 990
    assert convert(books, 990, is_back=True) == 980
    assert fault(convert, books, 2_000) == "supply"
    withdraw = change("withdraw", to=EVE.address, amount=20)
    assert fault(rights.change_token, books, ADA.address, withdraw) == "not_holder"
    rights.change_token(books, BOB.address, withdraw)
    assert fault(rights.change_token, books, BOB.address, withdraw) == "not_enough"
    rights.change_token(books, ADA.address, change("fund", amount=50))
    assert books.cos_of(RESERVES) == 50
    assert books.cos_of(EVE.address) == 20


def test_nobody_withdraws_where_nobody_was_named() -> None:
    books = born(reserve={"motes": 1, "tokens": 1})
    convert(books, 10)
    for person in (ADA, BOB):
        asked = change("withdraw", to=person.address, amount=1)
        assert fault(rights.change_token, books, person.address, asked) == "not_holder"


def test_pausing_does_not_close_a_reserve_but_freezing_stops_a_holder() -> None:
    books = born(reserve={"motes": 1, "tokens": 1}, pause=TO_BOB, freeze=TO_BOB)
    convert(books, 10)
    rights.change_token(books, BOB.address, change("pause"))
    assert convert(books, 5, is_back=True) == 5
    rights.change_token(books, BOB.address, change("freeze", subject=ADA.address))
    assert fault(convert, books, 5, is_back=True) == "frozen"
