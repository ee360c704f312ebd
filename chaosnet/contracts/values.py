"""Values that cross the border of a contract, and their only encoding.

A value is nil, bool, int of 64 bits, text, bytes, list, or map with text keys. Its bytes are MessagePack in
its shortest forms, map keys ascending by their UTF-8 bytes (as code points they order the same). The shims
of both engines write and read exactly these bytes. There are no floats: two machines could round differently.
"""

from typing import Final, TypeAlias, Union

import msgspec

from chaosnet.base.errors import Invalid

Value: TypeAlias = Union[bool, int, str, bytes, list["Value"], dict[str, "Value"], None]  # noqa: UP007

VALUE_BYTES_MAX: Final = 16 * 1024
"""(chain) bytes of one encoded value."""
VALUE_DEPTH_MAX: Final = 16
"""(chain) lists and maps inside each other; a list of numbers has depth 1."""
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

_PLAIN: Final = (str, bytes, bool, type(None))
"""Values of these types are right whatever they hold."""

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder().decode


def encode(value: Value, size_max: int = VALUE_BYTES_MAX) -> bytes:
    """Return the canonical bytes; raise Invalid(`malformed` | `too_large`) for what is no value."""
    check_value(value)
    try:
        raw = _encode(value)
    except UnicodeEncodeError as error:
        raise Invalid("malformed", "text is not valid Unicode") from error
    if len(raw) > size_max:
        raise Invalid("too_large", f"{len(raw)} bytes, at most {size_max}")
    return raw


def decode(raw: bytes, size_max: int = VALUE_BYTES_MAX) -> Value:
    """Return the value of canonical bytes; raise Invalid(`too_large` | `malformed` | `not_canonical`)."""
    if len(raw) > size_max:
        raise Invalid("too_large", f"{len(raw)} bytes, at most {size_max}")
    try:
        value: Value = _decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError, OverflowError) as error:
        raise Invalid("malformed", str(error)) from error
    check_value(value)
    if _encode(value) != raw:
        raise Invalid("not_canonical")
    return value


def check_value(value: object, depth: int = VALUE_DEPTH_MAX) -> None:
    """Raise Invalid(`malformed`) for a wrong type, an integer out of range or too deep a nesting."""
    kind = type(value)
    if kind is int:
        if not INT_MIN <= value <= INT_MAX:  # type: ignore[operator]
            raise Invalid("malformed", "integers have 64 bits")
    elif kind is list:
        if not depth:
            raise Invalid("malformed", f"lists and maps nest at most {VALUE_DEPTH_MAX} deep")
        for item in value:  # type: ignore[attr-defined]
            if type(item) not in _PLAIN:
                check_value(item, depth - 1)
    elif kind is dict:
        if not depth:
            raise Invalid("malformed", f"lists and maps nest at most {VALUE_DEPTH_MAX} deep")
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str:
                raise Invalid("malformed", "keys of a map are text")
            if type(item) not in _PLAIN:
                check_value(item, depth - 1)
    elif not (kind is str or kind is bytes or value is None or kind is bool):
        raise Invalid("malformed", f"{kind.__name__} is no value of a contract")
