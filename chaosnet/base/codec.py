"""Canonical bytes: MessagePack arrays through msgspec.

One value has exactly one encoding. msgspec refuses trailing bytes, wrong types and unknown tags, but accepts
over-long integers and lengths; so `decode` re-encodes what it read and compares. Structs that are hashed or
sent derive from `Record`.
"""

from typing import Any, Generic, TypeVar, dataclass_transform

import msgspec

from chaosnet.base.errors import Invalid


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of every struct that is hashed or sent: immutable, encoded as an array."""


T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode


class Decoder(Generic[T]):
    """Decodes exactly the canonical encoding of one type, at most `size_max` bytes long."""

    def __init__(self, kind: Any, size_max: int) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._size_max = size_max

    def decode(self, data: bytes) -> T:
        """Return the value; raise Invalid(`too_large` | `malformed` | `not_canonical`)."""
        if len(data) > self._size_max:
            raise Invalid("too_large", f"{len(data)} bytes, at most {self._size_max}")
        try:
            value: T = self._decode(data)
        except (msgspec.DecodeError, ValueError, RecursionError, OverflowError) as error:
            raise Invalid("malformed", str(error)) from error
        if encode(value) != data:
            raise Invalid("not_canonical")
        return value
