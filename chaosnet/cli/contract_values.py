"""Values of contracts as people type and read them."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from chaosnet.base.errors import Invalid
from chaosnet.base.units import MOTES_PER_COS
from chaosnet.cli.asking import address_of_text, payment_of
from chaosnet.cli.contract_faces import word
from chaosnet.cli.output import printable
from chaosnet.contracts import values
from chaosnet.contracts.interface import Interface, Kind, Method, parse_interface
from chaosnet.contracts.values import Value
from chaosnet.ledger.contracts.names import COS_TEXT
from chaosnet.model.contract_actions import COS, Sent
from chaosnet.rpc import schema
from chaosnet.rpc.schema.values import from_json, to_json

NIL: Final = "null"

_is_word = re.compile(r"[A-Za-z0-9_.:@-]+", re.ASCII).fullmatch

Arguments = Sequence[tuple[str, Kind]]


def interface_of(contract: schema.Contract) -> Interface:
    """Return the interface of a contract as a node tells it."""
    return parse_interface(declared_of(contract))


def declared_of(contract: schema.Contract) -> dict[str, Value]:
    """Return what the source of a contract declares, as a node tells it."""
    found: Any = from_json(contract.interface)
    return found if isinstance(found, dict) else {}


def method_of(interface: Interface, name: str) -> Method:
    """Return a method; raises Invalid(`no_method`) that names those there are."""
    found = interface.methods.get(name)
    if found is None:
        raise Invalid("no_method", f"{name!r}; there are: {', '.join(sorted(interface.methods))}")
    return found


def typed(prefix: str, arguments: Arguments, texts: Sequence[str]) -> list[Value]:
    """Return what was typed as a method's arguments; raises Invalid(`bad_argument`) with the name.

    Optional ones may be left out at the end; elsewhere `null` stands for nothing, except where a text is
    asked for. Lists, maps and values of any type are JSON in the form of `rpc.schema.values`.
    """
    wanted = ", ".join(f"{name} {word(kind)}" for name, kind in arguments) or "none"
    least = max((place for place, (_, kind) in enumerate(arguments, 1) if not _may_lack(kind)), default=0)
    if not least <= len(texts) <= len(arguments):
        raise Invalid("bad_argument", f"{len(texts)} arguments given; wanted: {wanted}")
    return [_typed(prefix, name, kind, text) for (name, kind), text in zip(arguments, texts, strict=False)]


def encoded(arguments: list[Value]) -> bytes:
    """Return canonical arguments; raises Invalid(`bad_argument`) for what no contract can take."""
    try:
        return values.encode(arguments)
    except Invalid as error:
        raise Invalid("bad_argument", error.detail or error.code) from error


def shown(value: object) -> str:
    """Return a value, in the form of `rpc.schema.values`, as people read it; a text as it is."""
    try:
        found = from_json(value)
    except Invalid:
        return json.dumps(value, ensure_ascii=False)
    return found if isinstance(found, str) else json.dumps(_plain(found), ensure_ascii=False)


def inline(value: object) -> str:
    """Return a value as part of a line: a text in quotes unless it is one plain word."""
    text = shown(value)
    if isinstance(value, str) and not _is_word(text):
        text = json.dumps(text, ensure_ascii=False)
    return printable(text)


def inline_value(value: Value) -> str:
    """Return a value as part of a line."""
    return inline(to_json(value))


def event_text(event: schema.ContractEvent, interface: Interface | None) -> str:
    """Return an event in one line, its values named as far as they are declared."""
    fields = interface.events.get(event.name, ()) if interface is not None else ()
    names = [name for name, _ in fields] + [""] * len(event.values)
    parts = (
        f"{name}={inline(value)}" if name else inline(value)
        for name, value in zip(names, event.values, strict=False)
    )
    return f"{event.name}({', '.join(parts)})"


def sent_of(texts: Sequence[str]) -> Sent:
    """Return assets that go with a call: an amount of COS as `12.5`, or `TOKEN=AMOUNT` in its smallest units.

    Raises Invalid(`bad_argument`).
    """
    found: dict[bytes, int] = {}
    for text in texts:
        name, is_named, amount = text.rpartition("=")
        if not is_named or name == COS_TEXT:
            asset, motes = COS, int(payment_of(amount))
        else:
            asset, motes = _token(name), _integer(name, amount)
        if motes <= 0 or asset in found:
            raise Invalid("bad_argument", f"--sent {text!r}: more than 0, each asset once")
        found[asset] = motes
    return tuple(sorted(found.items()))


def sent_text(sent: Sent) -> str:
    """Return assets for people."""
    return ", ".join(
        f"{amount // MOTES_PER_COS}.{amount % MOTES_PER_COS:08} COS"
        if asset == COS
        else f"{amount} of {asset.hex()}"
        for asset, amount in sent
    )


def _typed(prefix: str, name: str, kind: Kind, text: str) -> Value:
    if text == NIL and _may_lack(kind) and kind.word != "text":
        return None
    match kind.word:
        case "text":
            return text
        case "address":
            address_of_text(prefix, text)
            return text
        case "int":
            return _integer(name, text)
        case "bool":
            if text not in ("true", "false"):
                raise Invalid("bad_argument", f"{name}: true or false, not {text[:80]!r}")
            return text == "true"
        case "bytes":
            try:
                return bytes.fromhex(text.removeprefix("0x"))
            except ValueError:
                raise Invalid("bad_argument", f"{name}: hexadecimal digits, not {text[:80]!r}") from None
        case _:
            return _json(name, kind, text)


def _json(name: str, kind: Kind, text: str) -> Value:
    try:
        found: Any = from_json(json.loads(text))
    except (ValueError, RecursionError, Invalid):
        raise Invalid("bad_argument", f"{name}: JSON without fractions, not {text[:80]!r}") from None
    if not kind.fits(found, lambda _: True):
        raise Invalid("bad_argument", f"{name}: a {kind.word} in JSON, not {text[:80]!r}")
    return found  # type: ignore[no-any-return]


def _integer(name: str, text: str) -> int:
    digits = text.replace("_", "")
    plain = digits.removeprefix("-")
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 19):
        raise Invalid("bad_argument", f"{name}: an integer, not {text[:80]!r}")
    return int(digits)


def _token(text: str) -> bytes:
    try:
        token = bytes.fromhex(text)
    except ValueError:
        token = b""
    if len(token) != 32:
        raise Invalid("bad_argument", f"{text[:80]!r} is no token: COS, or an id of 64 digits")
    return token


def _may_lack(kind: Kind) -> bool:
    return kind.is_optional or kind.word == "any"


def _plain(value: object) -> object:
    """Return a value as JSON shows it best: bytes as 0x and hex, integers whole."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
