"""What contracts declare and say, made readable: signatures, values, and what a visitor types."""

import json
from typing import Any, Final, NamedTuple

from chaosnet.base.errors import Invalid
from chaosnet.rpc.schema import ContractEvent
from chaosnet.rpc.schema.values import from_json, to_json

VALUE_CHARS_MAX: Final = 4_000
"""Characters of a value on a page."""
INPUT_CHARS_MAX: Final = 2_000
"""Characters of an argument."""


class Argument(NamedTuple):
    """One declared argument."""

    name: str
    kind: str
    """`int`, `text`, `bytes`, `bool`, `address`, `list`, `map` or `any`."""
    is_optional: bool


class Method(NamedTuple):
    """One method of a contract, or its `init`."""

    name: str
    kind: str
    args: tuple[Argument, ...]
    returns: str
    doc: str
    is_reentrant: bool


def arguments_of(declared: object) -> tuple[Argument, ...]:
    """Return declared arguments, such as `to address` or `note text?`."""
    found = []
    for item in declared if isinstance(declared, list) else []:
        name, _, kind = str(item).strip().partition(" ")
        kind = kind.strip() or "any"
        found.append(Argument(name, kind.removesuffix("?"), kind.endswith("?")))
    return tuple(found)


def methods_of(interface: dict[str, Any]) -> list[Method]:
    """Return the methods of an interface in the order of their names."""
    declared = interface.get("methods")
    methods = declared if isinstance(declared, dict) else {}
    return [_method(name, methods[name]) for name in sorted(methods)]


def init_of(interface: dict[str, Any]) -> Method | None:
    """Return what ran once at the deployment, if anything did."""
    declared = interface.get("init")
    return _method("init", declared) if isinstance(declared, dict) else None


def _method(name: str, declared: object) -> Method:
    given = declared if isinstance(declared, dict) else {}
    return Method(
        name=name,
        kind=str(given.get("kind", "write")),
        args=arguments_of(given.get("args")),
        returns=str(given.get("returns", "") or ""),
        doc=str(given.get("doc", "") or ""),
        is_reentrant=given.get("reentrant") is True,
    )


def named(values: object, declared: object) -> list[tuple[str, str, str]]:
    """Return (name, kind, text) of values by what was declared for them, as far as it goes."""
    arguments = arguments_of(declared)
    rows = []
    for i, value in enumerate(values if isinstance(values, list) else []):
        known = arguments[i] if i < len(arguments) else Argument(f"#{i + 1}", "", False)
        rows.append((known.name, known.kind, shown(value)))
    return rows


def shown(value: object) -> str:
    """Return a value in the JSON form of `rpc.schema.values` as people read it."""
    text = _shown(value)
    return text if len(text) <= VALUE_CHARS_MAX else text[:VALUE_CHARS_MAX] + "…"


def _shown(value: object) -> str:
    try:
        found = from_json(value)
    except Invalid:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(found, str):
        return found
    if isinstance(found, bytes):
        return f"0x{found.hex()}"
    return json.dumps(_plain(found), ensure_ascii=False)


def _plain(value: object) -> object:
    """Return a value that JSON can show: bytes as 0x, integers whole."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def typed(arguments: tuple[Argument, ...], texts: list[str]) -> list[object]:
    """Return what a visitor typed as arguments; raises Invalid(`bad_argument`) with the name."""
    values = [_typed(argument, text) for argument, text in zip(arguments, texts, strict=True)]
    while values and values[-1] is None and arguments[len(values) - 1].is_optional:
        values.pop()
    return values


def _typed(argument: Argument, text: str) -> object:
    if len(text) > INPUT_CHARS_MAX:
        raise Invalid("bad_argument", f"{argument.name}: over {INPUT_CHARS_MAX} characters")
    if text == "" and (argument.is_optional or argument.kind == "any"):
        return None
    match argument.kind:
        case "text":
            return text
        case "address":
            return text.strip().lower()
        case "int":
            return _integer(argument.name, text)
        case "bool":
            if text not in ("true", "false"):
                raise Invalid("bad_argument", f"{argument.name}: true or false")
            return text == "true"
        case "bytes":
            return _bytes(argument.name, text)
        case _:
            return _json(argument.name, text)


def _integer(name: str, text: str) -> object:
    digits = text.strip().replace(",", "").replace("_", "")
    if not (digits.removeprefix("-").isascii() and digits.removeprefix("-").isdigit() and len(digits) <= 20):
        raise Invalid("bad_argument", f"{name}: an integer")
    return to_json(int(digits))


def _bytes(name: str, text: str) -> object:
    try:
        return to_json(bytes.fromhex(text.strip().removeprefix("0x")))
    except ValueError:
        raise Invalid("bad_argument", f"{name}: hexadecimal digits") from None


def _json(name: str, text: str) -> object:
    try:
        found = json.loads(text)
        return to_json(from_json(found))
    except (ValueError, RecursionError, TypeError, Invalid):
        raise Invalid("bad_argument", f"{name}: JSON, without fractions") from None


class Interfaces:
    """What is known of contracts that a page speaks of: address -> interface."""

    def __init__(self, known: dict[str, dict[str, Any]]) -> None:
        self._known = known

    def arguments(self, action: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Return (name, kind, text) of a call's arguments, which come as plain JSON with bytes as 0x."""
        declared = self._known.get(str(action.get("contract")), {}).get("methods", {})
        method = declared.get(action.get("method")) if isinstance(declared, dict) else None
        given = action.get("args")
        names = method.get("args") if isinstance(method, dict) else None
        return named([_plain_json(item) for item in given] if isinstance(given, list) else [given], names)

    def values(self, event: ContractEvent) -> list[tuple[str, str, str]]:
        """Return (name, kind, text) of what an event says."""
        declared = self._known.get(event.contract, {}).get("events", {})
        return named(event.values, declared.get(event.name) if isinstance(declared, dict) else None)


def _plain_json(value: object) -> object:
    return to_json(value) if isinstance(value, int) and not isinstance(value, bool) else value
