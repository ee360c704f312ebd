"""Keys of a contract's storage: lists of int, text and bytes, as bytes that sort as the lists do.

A part is a type byte and its value: an integer with its sign flipped, big-endian; text and bytes with each
zero byte escaped, and ended by a zero byte. A zero byte ends the whole key. So no key is a prefix of
another, lists that begin alike are neighbours, and a list comes before its own continuations. Integers come
before text, text before bytes.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from chaosnet.base.errors import Invalid

Part: TypeAlias = int | str | bytes

KEY_BYTES_MAX: Final = 128
"""(chain) bytes of one encoded key."""

_INT: Final = b"\x01"
_TEXT: Final = b"\x02"
_BYTES: Final = b"\x03"
_END: Final = b"\x00"
_PARTS_MAX: Final = KEY_BYTES_MAX // 2
_ESCAPED: Final = b"\x00\xff"
_BETWEEN_TEXTS: Final = (_END + _TEXT).decode()
_HALF: Final = 2**63


def encode_key(parts: Sequence[object]) -> bytes:
    """Return the bytes of a key; raise Invalid(`bad_argument` | `too_large`)."""
    if not parts:
        raise Invalid("bad_argument", "a key has at least one part")
    if type(parts[-1]) is str:  # most keys are texts alone
        try:
            texts = _BETWEEN_TEXTS.join(parts)  # type: ignore[arg-type]
            raw = b"\x02%b\x00\x00" % texts.encode()
            if texts.count("\x00") == len(parts) - 1 and len(raw) <= KEY_BYTES_MAX:
                return raw
        except (TypeError, UnicodeEncodeError):
            pass
    return encode_prefix(parts) + _END


def encode_prefix(parts: Sequence[object]) -> bytes:
    """Return what all keys begin with that begin with these parts; raises like `encode_key`."""
    if len(parts) > _PARTS_MAX:  # none is shorter than two bytes
        raise Invalid("too_large", f"a key of over {KEY_BYTES_MAX} bytes")
    raw = b"".join([_encode_part(part) for part in parts])
    if len(raw) >= KEY_BYTES_MAX:
        raise Invalid("too_large", f"a key of over {KEY_BYTES_MAX} bytes")
    return raw


def decode_key(raw: bytes) -> list[Part]:
    """Return the parts of a key; raise Invalid(`malformed`) for what `encode_key` never makes."""
    parts: list[Part] = []
    at = 0
    while raw[at : at + 1] != _END:
        kind, at = raw[at : at + 1], at + 1
        if kind == _INT and len(raw) >= at + 8:
            parts.append(int.from_bytes(raw[at : at + 8], "big") - _HALF)
            at += 8
            continue
        if kind not in (_TEXT, _BYTES):
            raise Invalid("malformed", "not a storage key")
        end = _end_of(raw, at)
        value = raw[at:end].replace(_ESCAPED, _END)
        parts.append(value if kind == _BYTES else _text(value))
        at = end + 1
    if not parts or at + 1 != len(raw):
        raise Invalid("malformed", "not a storage key")
    return parts


def _encode_part(part: object) -> bytes:
    kind = type(part)
    if kind is str:
        try:
            return _TEXT + part.encode().replace(_END, _ESCAPED) + _END  # type: ignore[attr-defined, no-any-return]
        except UnicodeEncodeError as error:
            raise Invalid("bad_argument", "text is not valid Unicode") from error
    if kind is int and -_HALF <= part < _HALF:  # type: ignore[operator]
        return _INT + (part + _HALF).to_bytes(8, "big")  # type: ignore[operator]
    if kind is bytes:
        return _BYTES + part.replace(_END, _ESCAPED) + _END  # type: ignore[attr-defined, no-any-return]
    raise Invalid("bad_argument", "a part of a key is an integer of 64 bits, text or bytes")


def _end_of(raw: bytes, at: int) -> int:
    """Return where the zero byte is that ends the value at `at`."""
    while (end := raw.find(_END, at)) >= 0:
        if raw[end + 1 : end + 2] != b"\xff":
            return end
        at = end + 2
    raise Invalid("malformed", "not a storage key")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Invalid("malformed", "not a storage key") from error
