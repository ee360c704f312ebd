"""How a token is born, what the holders of rights over it may do, and its conversion reserve.

Each right names its holder at birth, and can only be handed on or renounced. No right reaches COS, or the
coins of a reserve: those come out by conversion, or to whom the birth of the token named.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.values import Unchecked, Value
from chaosnet.ledger.contracts import tokens
from chaosnet.ledger.contracts.books import RESERVES, Books
from chaosnet.ledger.contracts.names import address_of_text, address_text, said
from chaosnet.ledger.contracts.tokens import NOBODY, RIGHTS, Reserve, Token
from chaosnet.ledger.keys import frozen_key
from chaosnet.model.contract_actions import ChangeToken
from chaosnet.model.receipt import Move

DECIMALS_MAX: Final = 18
NAME_BYTES_MAX: Final = 64
FEE_MAX: Final = 1_000
"""Ten-thousandths: a tenth."""
PART_MAX: Final = 10**18
_WHOLE_FEE: Final = 10_000
_FROZEN: Final = b"\xc3"
_OPTIONS: Final = ("symbol", "name", "decimals", "max", "reserve", *RIGHTS)
_RESERVE_OPTIONS: Final = ("motes", "tokens", "fee", "withdraw")

_NEEDS: Final = {
    "hand_on": ("right", "to"),
    "renounce": ("right",),
    "freeze": ("subject",),
    "unfreeze": ("subject",),
    "pause": (),
    "unpause": (),
    "clawback": ("subject", "to", "amount"),
    "fund": ("amount",),
    "withdraw": ("to", "amount"),
}
"""Change of a token -> fields of ChangeToken that it needs; the others are empty."""

_symbol = re.compile(r"[A-Z0-9]{2,12}", re.ASCII).fullmatch


def new_token(books: Books, token: bytes, issuer: bytes, options: Mapping[Any, Unchecked]) -> None:
    """Store a token without supply; fault `bad_args` for options that are not those of a token.

    Options: symbol, name, decimals, max; the holders of issue, freeze, pause, clawback as addresses; reserve
    as a map of motes, tokens (the rate), fee, withdraw (an address).
    """
    prefix = books.ctx.genesis.address_prefix
    _check_known(options, _OPTIONS)
    symbol, name = options.get("symbol"), options.get("name", "")
    if not isinstance(symbol, str) or not _symbol(symbol) or symbol == "COS":
        raise GuestFault("bad_args", "a symbol is 2 to 12 of A-Z and 0-9, and not COS")
    if not isinstance(name, str) or len(name.encode()) > NAME_BYTES_MAX:
        raise GuestFault("bad_args", f"a name is text of at most {NAME_BYTES_MAX} bytes")
    holders = {right: _holder(prefix, options.get(right)) for right in RIGHTS}
    record = Token(
        symbol=symbol,
        name=name,
        decimals=_number(options.get("decimals", 0), "decimals", 0, DECIMALS_MAX),
        issuer=issuer,
        supply=0,
        supply_max=_number(options.get("max", AMOUNT_MAX), "max", 1, AMOUNT_MAX),
        is_paused=False,
        reserve=_reserve(prefix, options.get("reserve")),
        **holders,
    )
    tokens.store_token(books, token, record)


def check_holder(books: Books, token: bytes, right: str, caller: bytes) -> Token:
    """Return the token; fault `not_holder` unless the caller holds this right over it, or `no_token`."""
    record = tokens.known_token(books, token)
    if caller != getattr(record, right):
        raise GuestFault("not_holder", right)
    return record


def check_change(asked: ChangeToken) -> None:
    """Fault `bad_args` unless a change has exactly the fields that it needs."""
    needs = _NEEDS.get(asked.change)
    if needs is None:
        raise GuestFault("bad_args", f"no change of a token is called {asked.change[:32]!r}")
    for name in ("right", "subject", "to", "amount"):
        if bool(getattr(asked, name)) != (name in needs):
            raise GuestFault("bad_args", f"{asked.change} needs {' and '.join(needs) or 'nothing'}")
    if asked.right and asked.right not in RIGHTS:
        raise GuestFault("bad_args", f"a right is one of {', '.join(RIGHTS)}")


def change_token(books: Books, caller: bytes, asked: ChangeToken) -> None:
    """Do what ChangeToken asks, for its caller; faults `not_holder`, `no_token`, `not_enough`.

    The shape was checked (`check_change`).
    """
    token = asked.token
    match asked.change:
        case "hand_on" | "renounce":
            record = check_holder(books, token, asked.right, caller)
            holder = asked.to if asked.change == "hand_on" else NOBODY
            tokens.store_token(books, token, replace(record, **{asked.right: holder}))
        case "freeze" | "unfreeze":
            check_holder(books, token, "freeze", caller)
            is_on = asked.change == "freeze"
            books.put(frozen_key(token, asked.subject), _FROZEN if is_on else None)
        case "pause" | "unpause":
            record = check_holder(books, token, "pause", caller)
            tokens.store_token(books, token, replace(record, is_paused=asked.change == "pause"))
        case "clawback":
            check_holder(books, token, "clawback", caller)
            tokens.take(books, token, asked.subject, asked.amount)
            tokens.give(books, token, asked.to, asked.amount)
            books.moves.append(Move(token, asked.subject, asked.to, asked.amount))
        case "fund":
            _fund(books, caller, token, asked.amount)
        case "withdraw":
            _withdraw(books, caller, token, amount=asked.amount, to=asked.to)


def convert(  # noqa: PLR0913 - the terms of a conversion
    books: Books, caller: bytes, token: bytes, *, amount: int, min_out: int, expiry: int, is_back: bool
) -> int:
    """Change motes for tokens, or back when `is_back`; return what comes out, rounded against the caller.

    Faults: `expired`, `no_token`, `too_little`, `supply`, `not_enough`, `frozen`.
    """
    if expiry < books.ctx.height:
        raise GuestFault("expired")
    record, reserve = _with_reserve(books, token)
    given, taken = (
        (reserve.token_part, reserve.motes_part) if is_back else (reserve.motes_part, reserve.token_part)
    )
    out = amount * taken * (_WHOLE_FEE - reserve.fee) // (given * _WHOLE_FEE)
    if out < max(1, min_out):
        raise GuestFault("too_little", f"{out}")
    tokens.check_not_frozen(books, token, record, (caller,))
    if is_back:
        if out > reserve.motes:
            raise GuestFault("not_enough", "motes in the reserve")
        tokens.take(books, token, caller, amount)
        supply, motes = record.supply - amount, reserve.motes - out
        books.move_cos(RESERVES, caller, out)
        books.moves.append(Move(token, caller, NOBODY, amount))
    else:
        if out > record.supply_max - record.supply:
            raise GuestFault("supply")
        books.move_cos(caller, RESERVES, amount)
        tokens.give(books, token, caller, out)
        books.moves.append(Move(token, NOBODY, caller, out))
        supply, motes = record.supply + out, reserve.motes + amount
    changed = replace(record, supply=supply, reserve=replace(reserve, motes=motes))
    tokens.store_token(books, token, changed)
    return out


def token_map(books: Books, record: Token) -> dict[str, Value]:
    """Return a token as contracts see it."""
    prefix = books.ctx.genesis.address_prefix

    def shown(holder: bytes) -> Value:
        return address_text(prefix, holder) if holder else None

    fields: dict[str, Value] = {
        "symbol": record.symbol,
        "name": record.name,
        "decimals": record.decimals,
        "issuer": shown(record.issuer),
        "supply": record.supply,
        "max": record.supply_max,
        "paused": record.is_paused,
        "reserve": None,
    }
    fields |= {right: shown(getattr(record, right)) for right in RIGHTS}
    reserve = record.reserve
    if reserve is not None:
        fields["reserve"] = {
            "motes": reserve.motes_part,
            "tokens": reserve.token_part,
            "fee": reserve.fee,
            "withdraw": shown(reserve.withdraw),
            "held": reserve.motes,
        }
    return fields


def _fund(books: Books, caller: bytes, token: bytes, amount: int) -> None:
    record, reserve = _with_reserve(books, token)
    books.move_cos(caller, RESERVES, amount)
    tokens.store_token(books, token, replace(record, reserve=replace(reserve, motes=reserve.motes + amount)))


def _withdraw(books: Books, caller: bytes, token: bytes, *, amount: int, to: bytes) -> None:
    record, reserve = _with_reserve(books, token)
    if caller != reserve.withdraw:
        raise GuestFault("not_holder", "withdraw")
    if amount > reserve.motes:
        raise GuestFault("not_enough", "motes in the reserve")
    books.move_cos(RESERVES, to, amount)
    tokens.store_token(books, token, replace(record, reserve=replace(reserve, motes=reserve.motes - amount)))


def _with_reserve(books: Books, token: bytes) -> tuple[Token, Reserve]:
    record = tokens.known_token(books, token)
    if record.reserve is None:
        raise GuestFault("no_token", "it has no reserve")
    return record, record.reserve


def _reserve(prefix: str, value: Unchecked) -> Reserve | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise GuestFault("bad_args", "reserve is a map")
    _check_known(value, _RESERVE_OPTIONS)
    return Reserve(
        motes_part=_number(value.get("motes"), "reserve.motes", 1, PART_MAX),
        token_part=_number(value.get("tokens"), "reserve.tokens", 1, PART_MAX),
        fee=_number(value.get("fee", 0), "reserve.fee", 0, FEE_MAX),
        withdraw=_holder(prefix, value.get("withdraw")),
        motes=0,
    )


def _check_known(options: Mapping[Any, Unchecked], known: tuple[str, ...]) -> None:
    for name in options:
        if name not in known:
            raise GuestFault("bad_args", f"unknown option {said(name)}")


def _holder(prefix: str, value: Unchecked) -> bytes:
    return NOBODY if value is None else address_of_text(prefix, value)


def _number(value: Unchecked, name: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise GuestFault("bad_args", f"{name} is an integer from {least} to {most}")
    return value
