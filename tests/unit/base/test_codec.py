"""One value has one encoding, and nothing else decodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.errors import Invalid


class Small(Record, tag=1):
    number: int
    data: bytes


class Other(Record, tag=2):
    items: tuple[int, ...]


decoder: Decoder[Small | Other] = Decoder(Small | Other, 256)

values = st.one_of(
    st.builds(Small, number=st.integers(0, 2**63 - 1), data=st.binary(max_size=64)),
    st.builds(Other, items=st.lists(st.integers(0, 255), max_size=32).map(tuple)),
)


def code_of(data: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        decoder.decode(data)
    return caught.value.code


@given(values)
def test_round_trip(value: Small | Other) -> None:
    assert decoder.decode(encode(value)) == value


@given(st.binary(max_size=64))
def test_whatever_decodes_is_canonical(data: bytes) -> None:
    try:
        value = decoder.decode(data)
    except Invalid:
        return
    assert encode(value) == data


def test_known_bytes() -> None:
    assert encode(Small(number=5, data=b"x")).hex() == "930105c40178"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("9301cd0005c40178", "not_canonical"),  # 5 as a 16-bit number
        ("dc00030105c40178", "not_canonical"),  # array length in 16 bits
        ("930105c5000178", "not_canonical"),  # bytes length in 16 bits
        ("930105c4017800", "malformed"),  # a byte too many
        ("930105c40278", "malformed"),  # a byte too few
        ("930305c40178", "malformed"),  # unknown tag
        ("94010500c40178", "malformed"),  # a field too many
        ("930105a178", "malformed"),  # text for bytes
        ("9301cb4014000000000000c40178", "malformed"),  # 5.0
        ("", "malformed"),
    ],
)
def test_other_bytes_are_refused(data: str, code: str) -> None:
    assert code_of(bytes.fromhex(data)) == code


def test_size_is_bounded_before_decoding() -> None:
    assert code_of(encode(Small(number=1, data=bytes(256)))) == "too_large"


def test_deep_nesting_is_refused() -> None:
    nested: Decoder[object] = Decoder(object, 200_000)
    with pytest.raises(Invalid) as caught:
        nested.decode(b"\x91" * 100_000 + b"\x00")
    assert caught.value.code == "malformed"
