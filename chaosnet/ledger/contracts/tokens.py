"""Native tokens: who holds how much, who may take it, and how much there is (contracts: Tokens).

The sum of all holdings of a token is its supply. Amounts are 1 .. 2^63-1. Every function here serves
contracts and accounts alike; failures are GuestFaults. A right that was renounced has no effect any more:
nobody stays frozen.
"""

from typing import Final

import msgspec

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken
from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.contracts.faults import GuestFault
from chaosnet.crypto.addresses import MODULE
from chaosnet.ledger.context import Reader
from chaosnet.ledger.contracts.books import Books, entry_value
from chaosnet.ledger.keys import allowance_key, frozen_key, holding_key, token_key
from chaosnet.model.contract_actions import COS
from chaosnet.model.receipt import Move

NOBODY: Final = b""
RIGHTS: Final = ("issue", "freeze", "pause", "clawback")


class Reserve(Record):
    """Coins that stand behind a token: anybody changes one for the other at a fixed rate."""

    motes_part: int
    """So many motes ..."""
    token_part: int
    """... for so many of the token."""
    fee: int
    """Part of what comes out that stays, in ten-thousandths."""
    withdraw: bytes
    """Who may take motes out, for ever; NOBODY: no one."""
    motes: int


class Token(Record, tag=1):
    """What the state says of a token."""

    symbol: str
    """For people; not unique."""
    name: str
    decimals: int
    issuer: bytes
    """Contract that made it."""
    supply: int
    supply_max: int
    issue: bytes
    """Who holds the right to make more; NOBODY, like the other rights, when it never was or was renounced."""
    freeze: bytes
    pause: bytes
    clawback: bytes
    is_paused: bool
    reserve: Reserve | None


_decode_token = msgspec.msgpack.Decoder(Token).decode
_decode_int = msgspec.msgpack.Decoder(int).decode
_decode_allowance = msgspec.msgpack.Decoder(tuple[int, int]).decode


def find_token(books: Books, token: bytes) -> Token | None:
    """Return a token's record, or None."""
    return _token_of(books.get(token_key(token)))


def read_token(reader: Reader, token: bytes) -> Token | None:
    """Return a token's record in a state, or None; raises Broken(`data_damaged`)."""
    leaf = reader.get(token_key(token))
    return _token_of(None if leaf is None else entry_value(leaf))


def read_holding(reader: Reader, token: bytes, holder: bytes) -> int:
    """Return how much of a token an address holds in a state."""
    leaf = reader.get(holding_key(token, holder))
    return 0 if leaf is None else _decode_int(entry_value(leaf))


def known_token(books: Books, token: bytes) -> Token:
    """Return a token's record; fault `no_token`."""
    found = find_token(books, token)
    if found is None:
        raise GuestFault("no_token")
    return found


def store_token(books: Books, token: bytes, record: Token) -> None:
    """Write a token's record."""
    books.put(token_key(token), encode(record))


def holding_of(books: Books, token: bytes, holder: bytes) -> int:
    """Return how much of a token an address holds."""
    value = books.get(holding_key(token, holder))
    return 0 if value is None else _decode_int(value)


def check_not_frozen(books: Books, token: bytes, record: Token, holders: tuple[bytes, ...]) -> None:
    """Fault `frozen` unless all of these addresses may give and receive a token."""
    if record.freeze == NOBODY:
        return
    if any(books.get(frozen_key(token, holder)) is not None for holder in holders):
        raise GuestFault("frozen")


def check_amount(amount: object) -> int:
    """Return an amount; fault `bad_args` unless it is an integer from 1 to 2^63-1."""
    if type(amount) is not int or not 1 <= amount <= AMOUNT_MAX:
        raise GuestFault("bad_args", "an amount is an integer from 1 to 2^63-1")
    return amount


def move(books: Books, asset: bytes, amount: int, *, source: bytes, to: bytes) -> None:
    """Move COS or tokens; faults `not_enough`, `no_token`, `frozen`. No code of the receiver runs."""
    if asset == COS:
        books.move_cos(source, to, amount)
        return
    _check_open(books, asset, (source, to))
    take(books, asset, source, amount)
    give(books, asset, to, amount)
    books.moves.append(Move(asset, source, to, amount))


def take(books: Books, token: bytes, holder: bytes, amount: int) -> None:
    """Lower a holding, whatever is frozen; fault `not_enough`."""
    left = holding_of(books, token, holder) - amount
    if left < 0:
        raise GuestFault("not_enough", token.hex())
    books.put(holding_key(token, holder), encode(left) if left else None)


def give(books: Books, token: bytes, holder: bytes, amount: int) -> None:
    """Raise a holding, whatever is frozen; no holding passes the supply."""
    if holder[0] == MODULE:
        raise Broken("internal", "a module holds no tokens")
    books.put(holding_key(token, holder), encode(holding_of(books, token, holder) + amount))


def issue(books: Books, token: bytes, to: bytes, amount: int) -> None:
    """Make more of a token; faults `supply`, `frozen`. Whether the caller may is decided before."""
    record = known_token(books, token)
    if amount > record.supply_max - record.supply:
        raise GuestFault("supply", f"at most {record.supply_max - record.supply} more")
    check_not_frozen(books, token, record, (to,))
    store_token(books, token, msgspec.structs.replace(record, supply=record.supply + amount))
    give(books, token, to, amount)
    books.moves.append(Move(token, NOBODY, to, amount))


def burn(books: Books, token: bytes, holder: bytes, amount: int) -> None:
    """Destroy tokens of a holder; faults `not_enough`, `no_token`, `frozen`."""
    record = _check_open(books, token, (holder,))
    take(books, token, holder, amount)
    store_token(books, token, msgspec.structs.replace(record, supply=record.supply - amount))
    books.moves.append(Move(token, holder, NOBODY, amount))


def allowance_of(books: Books, token: bytes, owner: bytes, spender: bytes) -> int:
    """Return what a spender may take of an owner's tokens at this height."""
    value = books.get(allowance_key(token, owner, spender))
    if value is None:
        return 0
    amount, expiry = _decode_allowance(value)
    return amount if books.ctx.height <= expiry else 0


def approve(
    books: Books, token: bytes, way: tuple[bytes, bytes], *, expected: int, amount: int, expiry: int
) -> None:
    """Set what `way` = (owner, spender) allows; faults `no_token`, `changed`, `expired`."""
    owner, spender = way
    known_token(books, token)
    if allowance_of(books, token, owner, spender) != expected:
        raise GuestFault("changed")
    if amount and expiry < books.ctx.height:
        raise GuestFault("expired")
    books.put(allowance_key(token, owner, spender), encode((amount, expiry)) if amount else None)


def move_allowed(books: Books, token: bytes, amount: int, *, way: tuple[bytes, bytes], to: bytes) -> None:
    """Move tokens of `way` = (owner, spender) as the owner allowed; faults `not_enough`, and like `move`."""
    owner, spender = way
    left = allowance_of(books, token, owner, spender) - amount
    if left < 0:
        raise GuestFault("not_enough", "of the allowance")
    key = allowance_key(token, owner, spender)
    value = books.get(key)
    expiry = _decode_allowance(value or b"")[1]
    books.put(key, encode((left, expiry)) if left else None)
    move(books, token, amount, source=owner, to=to)


def _check_open(books: Books, token: bytes, holders: tuple[bytes, ...]) -> Token:
    """Return the token; fault `frozen` unless these addresses may move it now."""
    record = known_token(books, token)
    if record.is_paused and record.pause != NOBODY:
        raise GuestFault("frozen", "the token is paused")
    check_not_frozen(books, token, record, holders)
    return record


def _token_of(value: bytes | None) -> Token | None:
    try:
        return None if value is None else _decode_token(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"token: {error}") from error
