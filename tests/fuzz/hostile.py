"""Bytes that somebody made to do harm: from random ones to nearly valid ones, and what they may cost."""

import tracemalloc
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from chaosnet.base.codec import Record, encode

T = TypeVar("T")
MIB = 1024 * 1024

both_lengths = pytest.mark.parametrize("examples", [60, pytest.param(1_500, marks=pytest.mark.soak)])
"""Short in `make test`, long in `make soak`."""


def fuzz(check: Callable[[T], object], values: SearchStrategy[T], examples: int) -> None:
    """Run a check on many values: the same ones each time when short, others each time when long."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples < 1_000,
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def run(value: T) -> None:
        check(value)

    run()


@contextmanager
def memory_bound(limit: int) -> Iterator[None]:
    """Fail when Python objects made inside take more than `limit` bytes at any moment."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before <= limit, f"{(peak - before) / MIB:.1f} MiB"


# ── values of our structs ────────────────────────────────────────────────────────────────────────────────

INTEGERS = st.one_of(
    st.integers(-2, 40),
    st.sampled_from([2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 10_000, 65_535]),
    st.integers(-(2**63), 2**64 - 1),
)
BYTES = st.one_of(
    st.sampled_from([b"", bytes(32), b"\xff" * 32, bytes(33), bytes(64), bytes(8)]),
    st.binary(max_size=80),
)


def values_of(
    kind: Any, integers: SearchStrategy[int] = INTEGERS, octets: SearchStrategy[bytes] = BYTES
) -> SearchStrategy[Any]:
    """Return values of a type as our structs use them, most of them outside the bounds of the protocol."""

    def part(inner: Any) -> SearchStrategy[Any]:
        return values_of(inner, integers, octets)

    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(part, get_args(kind)))
    if origin is tuple:
        parts = get_args(kind)
        if parts[-1] is Ellipsis:
            return st.lists(part(parts[0]), max_size=3).map(tuple)
        return st.tuples(*map(part, parts))
    if isinstance(kind, type) and issubclass(kind, Record):
        hints = get_type_hints(kind)
        return st.builds(kind, **{name: part(hints[name]) for name in kind.__struct_fields__})
    return {
        int: integers,
        bytes: octets,
        bool: st.booleans(),
        str: st.text(max_size=70),
        type(None): st.none(),
    }[kind]


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────

_LENGTH_HEADS = b"\xdd\xdc\xc6\xc5\xdb\xda\xdf\xde\xc9\xc8\xd9\xc4"
"""array32, array16, bin32, bin16, str32, str16, map32, map16, ext32, ext16, str8, bin8."""
_BOMBS = st.one_of(
    # A container or string that claims up to 2^32 items or bytes which are not there.
    st.builds(
        lambda head, length, rest: bytes((head,)) + length + rest,
        st.sampled_from(_LENGTH_HEADS),
        st.binary(min_size=4, max_size=4),
        st.binary(max_size=8),
    ),
    st.integers(1, 3_000).map(lambda depth: b"\x91" * depth + b"\x00"),
    st.integers(1, 600).map(lambda depth: b"\xdd\xff\xff\xff\xff" * depth),
    # Floats, extension types and timestamps, an over-long integer, a never-used byte, half a character.
    st.sampled_from(
        [
            b"\xca\x00\x00\x00\x00",
            b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",
            b"\xd6\xff\x00\x00\x00\x01",
            b"\xd8\x05" + bytes(16),
            b"\xcd\x00\x01",
            b"\xd3" + bytes(8),
            b"\xc1",
            b"\xa2\xc3\x28",
            b"\xa3\xed\xa0\x80",
            b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
        ]
    ),
)


@st.composite
def mutated(draw: st.DrawFn, originals: SearchStrategy[bytes]) -> bytes:
    """Return valid bytes with a few faults: changed, cut out, doubled, exchanged for a bomb."""
    data = bytearray(draw(originals))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 12)))
        match draw(st.integers(0, 5)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end]
            case 3:
                data[at:end] = draw(_BOMBS)
            case 4:
                del data[at:]
            case _:
                data += draw(st.binary(max_size=8))
    return bytes(data)


def hostile_bytes(kind: Any) -> SearchStrategy[bytes]:
    """Return random bytes, encodings of values of a type, and mutations of them."""
    encodings = values_of(kind).map(encode)
    return st.one_of(st.binary(max_size=300), _BOMBS, encodings, mutated(encodings))


def hostile_text(valid: str) -> SearchStrategy[str]:
    """Return random texts, and a valid one with faults."""
    data = valid.encode()
    pieces = st.sampled_from(
        ["[" * 2_000, "{", "}", '"', "\\ud800", "9" * 5_000, "1e999", "null", "\x00", "é"]
    )

    @st.composite
    def broken(draw: st.DrawFn) -> str:
        text = draw(mutated(st.just(data))).decode(errors="surrogateescape")
        at = draw(st.integers(0, len(text)))
        return text[:at] + draw(st.one_of(st.just(""), pieces)) + text[at:]

    return st.one_of(st.text(max_size=200), broken())
