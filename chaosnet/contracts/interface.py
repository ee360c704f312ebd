"""The interface of a contract: what its source declares, checked once at deployment and stored.

Only what stands here can be called, with these arguments. Unknown fields are refused, so that a later release
can give them a meaning; `agree` is reserved for a contract's own rule of agreement.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from chaosnet.base.errors import Invalid
from chaosnet.contracts.values import Unchecked, Value

API: Final = 1
METHODS_MAX: Final = 128
NAMES_MAX: Final = 64
"""Events, error codes, declared entries of storage, and names in one permission."""
ARGS_MAX: Final = 16
TEXT_MAX: Final = 1_000
ANY: Final = "any"
"""Scope of a permission without bounds."""

_FIELDS: Final = (
    "api",
    "name",
    "version",
    "licence",
    "doc",
    "init",
    "methods",
    "events",
    "errors",
    "storage",
    "permissions",
)
_METHOD_FIELDS: Final = ("kind", "args", "returns", "doc", "reentrant")
_KINDS: Final = ("view", "write", "payable")
_TYPES: Final[Mapping[str, type]] = {
    "int": int,
    "text": str,
    "address": str,
    "bytes": bytes,
    "bool": bool,
    "list": list,
    "map": dict,
    "any": object,
}
_name = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value must be."""

    word: str
    is_optional: bool = False
    exact: type | None = field(init=False, repr=False, compare=False)
    """Type of all values that fit but nil; None where values of many types do."""

    def __post_init__(self) -> None:
        kind = _TYPES[self.word]
        object.__setattr__(self, "exact", None if kind is object else kind)

    def fits(self, value: Unchecked, is_address: Callable[[str], bool]) -> bool:
        """Return whether a value is so."""
        if value is None:
            return self.is_optional or self.word == "any"
        if not isinstance(value, _TYPES[self.word]) or (self.word == "int" and isinstance(value, bool)):
            return False
        return self.word != "address" or is_address(str(value))


@dataclass(frozen=True, slots=True)
class Method:
    """One method, or `init`."""

    name: str
    kind: str
    """`view` changes nothing; `payable` takes assets."""
    args: tuple[tuple[str, Kind], ...] = ()
    returns: Kind | None = None
    """None: anything."""
    is_reentrant: bool = False
    """It may be called while the contract is already running further down."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the contract may do to others, by scope. A callee has its own, never these."""

    transfer: tuple[str, ...] = ()
    """Assets that may leave it: `COS`, ids of tokens, `own` for tokens that it has issued, or `any`."""
    call: tuple[str, ...] = ()
    """Contracts that it may call, or `any`."""
    issue: bool = False
    """It may make tokens and use rights over them."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A checked interface."""

    name: str
    version: str
    licence: str
    init: Method | None
    """What runs once at deployment."""
    methods: Mapping[str, Method]
    events: Mapping[str, tuple[tuple[str, Kind], ...]] = field(default_factory=dict)
    permissions: Permissions = Permissions()


def parse_interface(value: Value) -> Interface:
    """Return the interface that a source declares; raise Invalid(`bad_interface`) with the place."""
    top = _map(value, "interface", _FIELDS)
    if top.get("api") != API or isinstance(top.get("api"), bool):
        _refuse("api", f"this release knows api {API}")
    for name in ("version", "licence", "doc"):
        _text(top.get(name, ""), name)
    init = None
    if top.get("init") is not None:
        init = _method("init", _map(top["init"], "init", _METHOD_FIELDS), default="write")
        if init.kind == "view" or init.is_reentrant:
            _refuse("init", "writes, and runs once")
    methods = {
        name: _method(name, _map(body, f"methods.{name}", _METHOD_FIELDS))
        for name, body in _named(top.get("methods"), "methods", METHODS_MAX).items()
    }
    if not methods:
        _refuse("methods", "there are none")
    events = {
        name: _args(args, f"events.{name}") for name, args in _named(top.get("events"), "events").items()
    }
    for name in ("errors", "storage"):
        for key, text in _named(top.get(name), name).items():
            _text(text, f"{name}.{key}")
    return Interface(
        name=_text(top.get("name"), "name", least=1),
        version=str(top.get("version", "")),
        licence=str(top.get("licence", "")),
        init=init,
        methods=methods,
        events=events,
        permissions=_permissions(_map(top.get("permissions"), "permissions", ("transfer", "call", "issue"))),
    )


def check_args(
    args: Sequence[tuple[str, Kind]], values: list[Unchecked], is_address: Callable[[str], bool]
) -> list[Unchecked]:
    """Return the values with nil for optional ones left out at the end; raise Invalid(`bad_args`)."""
    if len(values) > len(args):
        raise Invalid("bad_args", f"{len(values)} arguments, at most {len(args)}")
    if len(values) < len(args):
        values = values + [None] * (len(args) - len(values))
    for at, value in enumerate(values):
        name, kind = args[at]
        if type(value) is kind.exact and (kind.word != "address" or is_address(value)):  # type: ignore[arg-type]
            continue
        if not kind.fits(value, is_address):
            raise Invalid("bad_args", f"{name} must be {kind.word}")
    return values


def _method(name: str, fields: Mapping[str, Value], default: str = "") -> Method:
    kind = fields.get("kind", default)
    if kind not in _KINDS:
        _refuse(f"{name}.kind", f"one of {', '.join(_KINDS)}")
    reentrant = fields.get("reentrant", False)
    if not isinstance(reentrant, bool):
        _refuse(f"{name}.reentrant", "true or false")
    _text(fields.get("doc", ""), f"{name}.doc")
    returns = fields.get("returns")
    return Method(
        name=name,
        kind=str(kind),
        args=_args(fields.get("args"), f"{name}.args"),
        returns=None if returns is None else _kind(_text(returns, f"{name}.returns"), f"{name}.returns"),
        is_reentrant=reentrant,
    )


def _args(value: Value, place: str) -> tuple[tuple[str, Kind], ...]:
    items: list[Value] = [] if value is None or value == {} else value if isinstance(value, list) else [None]
    if len(items) > ARGS_MAX:
        _refuse(place, f"over {ARGS_MAX}")
    found: list[tuple[str, Kind]] = []
    for item in items:
        name, _, word = _text(item, place).partition(" ")
        if not _name(name) or any(name == known for known, _ in found):
            _refuse(place, f"{item!r} is not a new name and a type")
        found.append((name, _kind(word, place)))
    return tuple(found)


def _kind(text: str, place: str) -> Kind:
    word = text.removesuffix("?")
    if word not in _TYPES:
        _refuse(place, f"{text!r} is no type: {', '.join(_TYPES)}")
    return Kind(word, is_optional=text.endswith("?"))


def _permissions(fields: Mapping[str, Value]) -> Permissions:
    issue = fields.get("issue", False)
    if not isinstance(issue, bool):
        _refuse("permissions.issue", "true or false")
    return Permissions(_scope(fields.get("transfer"), "transfer"), _scope(fields.get("call"), "call"), issue)


def _scope(value: Value, name: str) -> tuple[str, ...]:
    place = f"permissions.{name}"
    if value is None or value == {}:
        return ()
    if value == ANY:
        return (ANY,)
    if not isinstance(value, list) or len(value) > NAMES_MAX:
        _refuse(place, f"`{ANY}` or a list of at most {NAMES_MAX} names")
    return tuple(_text(item, place, least=1) for item in value)


def _named(value: Value, place: str, most: int = NAMES_MAX) -> Mapping[str, Value]:
    """Return a map whose keys are names."""
    fields = _map(value, place)
    if len(fields) > most:
        _refuse(place, f"over {most}")
    for name in fields:
        if not _name(name):
            _refuse(place, f"{name!r} is no name")
    return fields


def _map(value: Value, place: str, fields: Sequence[str] | None = None) -> Mapping[str, Value]:
    """Return a map that has no other fields; nothing, and a list without items, count as an empty one."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        _refuse(place, "not a map")
    for name in value:
        if fields is not None and name not in fields:
            _refuse(place, f"unknown field {name!r}")
    return value


def _text(value: Value, place: str, *, least: int = 0) -> str:
    if not isinstance(value, str) or not least <= len(value) <= TEXT_MAX:
        _refuse(place, f"text of {least} to {TEXT_MAX} characters")
    return value


def _refuse(place: str, cause: str) -> NoReturn:
    raise Invalid("bad_interface", f"{place}: {cause}")
