"""The border's values: one encoding each, everything else refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.contracts.values import (
    INT_MAX,
    INT_MIN,
    VALUE_BYTES_MAX,
    VALUE_DEPTH_MAX,
    decode,
    encode,
    encode_known,
)

texts = st.text(st.characters(codec="utf-8"), max_size=40)
scalars = st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | texts | st.binary(max_size=300)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(texts, inner, max_size=8),
    max_leaves=40,
)


@given(values)
def test_round_trip(value: Any) -> None:
    assert decode(encode(value)) == value
    assert encode_known(value) == encode(value)


@given(st.dictionaries(texts, st.integers(0, 9)))
def test_keys_ascend_by_their_bytes(value: dict[str, int]) -> None:
    keys = list(msgspec.msgpack.decode(encode(value)))
    assert keys == sorted(keys, key=lambda key: key.encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_one_value_or_refused(raw: bytes) -> None:
    try:
        value = decode(raw)
    except Invalid:
        return
    assert encode(value) == raw


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_depth() -> None:
    assert decode(encode(nested(VALUE_DEPTH_MAX))) == nested(VALUE_DEPTH_MAX)
    with pytest.raises(Invalid, match="deep"):
        encode(nested(VALUE_DEPTH_MAX + 1))
    with pytest.raises(Invalid, match="malformed"):
        decode(b"\x91" * 16_000 + b"\x01")


def test_size() -> None:
    fits = b"x" * (VALUE_BYTES_MAX - 3)
    assert decode(encode(fits)) == fits
    with pytest.raises(Invalid, match="too_large"):
        encode(fits + b"x")
    with pytest.raises(Invalid, match="too_large"):
        decode(b"\xc5\x40\x00" + b"x" * 0x4000)


@pytest.mark.parametrize("value", [1.0, INT_MAX + 1, INT_MIN - 1, {1: 2}, (1,), {"a": {b"b": 1}}, "\ud800"])
def test_no_value(value: Any) -> None:
    with pytest.raises(Invalid, match="malformed"):
        encode(value)


NOT_CANONICAL = {
    "float 32": b"\xca\x3f\x80\x00\x00",
    "float 64": b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",
    "ext": b"\xd4\x05\x00",
    "timestamp": b"\xd6\xff\x00\x00\x00\x01",
    "unused code": b"\xc1",
    "2^63": b"\xcf\x80" + bytes(7),
    "int not minimal": b"\xcc\x01",
    "negative not minimal": b"\xd0\xff",
    "positive as signed": b"\xd1\x01\x00",
    "text not minimal": b"\xd9\x01a",
    "bytes not minimal": b"\xc5\x00\x01a",
    "list not minimal": b"\xdc\x00\x01\x01",
    "map not minimal": b"\xde\x00\x01\xa1a\x01",
    "wrong order": b"\x82\xa1b\x01\xa1a\x01",
    "duplicate": b"\x82\xa1a\x01\xa1a\x01",
    "key is an int": b"\x81\x01\x01",
    "key is bytes": b"\x81\xc4\x01a\x01",
    "bad UTF-8": b"\xa1\xff",
    "surrogate": b"\xa3\xed\xa0\x80",
    "trailing": b"\x01\x01",
    "cut": b"\x92\x01",
    "empty": b"",
}


@pytest.mark.parametrize("raw", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_not_canonical_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        decode(raw)
