import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.contracts.keys import KEY_BYTES_MAX, Part, decode_key, encode_key, encode_prefix

PARTS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.binary(max_size=5),
    st.sampled_from([b"\x00", b"\x00\xff", b"\xff", "\x00", 0, -1]),
)
KEYS = st.lists(PARTS, min_size=1, max_size=4)


def order(key: list[Part]) -> list[tuple[int, int, bytes]]:
    """Return what keys are meant to sort by."""
    kinds = {int: 0, str: 1, bytes: 2}
    return [
        (kinds[type(p)], p if isinstance(p, int) else 0, p.encode() if isinstance(p, str) else b"")
        if not isinstance(p, bytes)
        else (2, 0, p)
        for p in key
    ]


@given(KEYS, KEYS)
def test_bytes_sort_as_keys_do_and_none_is_a_prefix(first: list[Part], second: list[Part]) -> None:
    a, b = encode_key(first), encode_key(second)
    assert (a < b) == (order(first) < order(second))
    assert (a == b) == (order(first) == order(second)) == (a.startswith(b) and b.startswith(a))
    if a != b:
        assert not a.startswith(b) and not b.startswith(a)


@given(KEYS)
def test_there_and_back(key: list[Part]) -> None:
    assert decode_key(encode_key(key)) == key


@given(KEYS, st.lists(PARTS, max_size=2))
def test_a_prefix_finds_exactly_its_continuations(key: list[Part], rest: list[Part]) -> None:
    prefix = encode_prefix(key)
    assert encode_key(key + rest).startswith(prefix)
    other = [*key[:-1], f"{key[-1]!r}x"]
    assert not encode_key(other).startswith(prefix)


@given(st.binary(max_size=30))
def test_only_keys_decode(raw: bytes) -> None:
    try:
        key = decode_key(raw)
    except Invalid as error:
        assert error.code == "malformed"
    else:
        assert encode_key(key) == raw


def test_encoding_is_fixed() -> None:
    assert encode_key(["n", -1, b"\x00"]).hex() == "026e00" + "017fffffffffffffff" + "0300ff00" + "00"


@pytest.mark.parametrize("part", [2**63, -(2**63) - 1, True, None, 1.0, [], "\ud800"])
def test_other_parts_are_refused(part: object) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        encode_key([part])


def test_bounds() -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        encode_key([])
    assert len(encode_key(["k" * (KEY_BYTES_MAX - 3)])) == KEY_BYTES_MAX
    with pytest.raises(Invalid, match="too_large"):
        encode_key(["k" * (KEY_BYTES_MAX - 2)])
