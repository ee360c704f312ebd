"""Values that cross the border of a contract, and their only encoding.

A value is nil, bool, int of 64 bits, text, bytes, list, or map with text keys. Its bytes are MessagePack in
its shortest forms, map keys ascending by their UTF-8 bytes (as code points they order the same). The shims
of both engines write and read exactly these bytes. There are no floats: two machines could round differently.
"""

from itertools import chain
from typing import Any, Final, TypeAlias, Union

import msgspec

from chaosnet.base.errors import Invalid

Value: TypeAlias = Union[bool, int, str, bytes, list["Value"], dict[str, "Value"], None]  # noqa: UP007

Unchecked: TypeAlias = Any
"""What may be no value at all. It has no type, for compiled code refuses what is not of a declared one, with
errors of its own; here the checks below decide."""

VALUE_BYTES_MAX: Final = 16 * 1024
"""(chain) bytes of one encoded value."""
VALUE_DEPTH_MAX: Final = 16
"""(chain) lists and maps inside each other; a list of numbers has depth 1."""
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

_PLAIN: Final = frozenset((str, bytes, bool, type(None)))
"""Values of these types are right whatever they hold."""
_KINDS: Final = _PLAIN | {int, list, dict}
_TEXT: Final = frozenset((str,))
_FEW: Final = 8

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder().decode


def encode(value: Unchecked, size_max: int = VALUE_BYTES_MAX) -> bytes:
    """Return the canonical bytes; raise Invalid(`malformed` | `too_large`) for what is no value."""
    if type(value) is not int or not INT_MIN <= value <= INT_MAX:
        check_value(value)
    try:
        raw = _encode(value)
    except UnicodeEncodeError as error:
        raise Invalid("malformed", "text is not valid Unicode") from error
    if len(raw) > size_max:
        raise Invalid("too_large", f"{len(raw)} bytes, at most {size_max}")
    return raw


def encode_known(value: Value) -> bytes:
    """Return the canonical bytes of what the host made itself: a small value, right by its making."""
    return _encode(value)


def decode(raw: bytes, size_max: int = VALUE_BYTES_MAX) -> Value:
    """Return the value of canonical bytes; raise Invalid(`too_large` | `malformed` | `not_canonical`)."""
    if len(raw) > size_max:
        raise Invalid("too_large", f"{len(raw)} bytes, at most {size_max}")
    try:
        value: Unchecked = _decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError, OverflowError) as error:
        raise Invalid("malformed", str(error)) from error
    check_value(value)
    if _encode(value) != raw:
        raise Invalid("not_canonical")
    checked: Value = value
    return checked


def check_value(value: object) -> None:
    """Raise Invalid(`malformed`) for a wrong type, an integer out of range or too deep a nesting.

    Takes a value level by level: one with thousands of small lists costs little more than one flat list.
    """
    if _is_small(value):
        return
    level: list[object] = [value]
    for depth in range(VALUE_DEPTH_MAX + 1):
        kinds = set(map(type, level))
        if kinds <= _PLAIN:
            return
        if not kinds <= _KINDS:
            name = next(type(item).__name__ for item in level if type(item) not in _KINDS)
            raise Invalid("malformed", f"{name} is no value of a contract")
        if int in kinds:
            numbers = [item for item in level if type(item) is int]
            if max(numbers) > INT_MAX or min(numbers) < INT_MIN:
                raise Invalid("malformed", "integers have 64 bits")
        if not (list in kinds or dict in kinds):
            return
        if depth < VALUE_DEPTH_MAX:
            level = _below(level)
    raise Invalid("malformed", f"lists and maps nest at most {VALUE_DEPTH_MAX} deep")


def _is_small(value: object) -> bool:
    """Return whether this is a right simple value, or a short list of such: what most calls are made of."""
    items = value if type(value) is list and len(value) <= _FEW else (value,)
    for item in items:
        if type(item) not in _PLAIN and not (type(item) is int and INT_MIN <= item <= INT_MAX):
            return False
    return True


def _below(level: list[object]) -> list[object]:
    """Return what is in the lists and maps of a level."""
    below: list[object] = list(chain.from_iterable([item for item in level if type(item) is list]))
    maps = [item for item in level if type(item) is dict]
    if maps:
        if not set(map(type, chain.from_iterable(maps))) <= _TEXT:
            raise Invalid("malformed", "keys of a map are text")
        below += chain.from_iterable([item.values() for item in maps])
    return below
