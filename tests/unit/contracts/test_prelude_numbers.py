"""Integers, decimals and bytes of the preludes: exact, and the same in both languages."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.contracts.values import INT_MAX, INT_MIN, Value
from tests.machines import value_of
from tests.unit.contracts.test_preludes import lua, same

# ── integers and decimals ────────────────────────────────────────────────────────────────────────────────

ints = st.integers(INT_MIN, INT_MAX) | st.sampled_from([0, 1, -1, 2, INT_MIN, INT_MIN + 1, INT_MAX, 10**9])


def exact(value: int) -> Value:
    return value if INT_MIN <= value <= INT_MAX else "overflow"


@settings(max_examples=100, deadline=None)
@given(ints, ints, ints)
def test_integers_are_exact(a: int, b: int, c: int) -> None:
    def both_say(name: str, *args: Value) -> Value:
        return same(f"return int.{name}(...)", f"return int.{name}(...args)", *args)

    assert both_say("add", a, b) == exact(a + b)
    assert both_say("sub", a, b) == exact(a - b)
    assert both_say("mul", a, b) == exact(a * b)
    if b == 0:
        assert both_say("div", a, b, "down") == "division by zero"
    else:
        assert both_say("div", a, b, "down") == exact(a // b)
        assert both_say("div", a, b, "up") == exact(-(-a // b))
    if c != 0:
        assert both_say("muldiv", a, b, c, "down") == exact(a * b // c)
        assert both_say("muldiv", a, b, c, "up") == exact(-(-a * b // c))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, INT_MAX) | st.integers(0, 3037000500).map(lambda n: min(n * n, INT_MAX)))
def test_square_root(a: int) -> None:
    root: Any = same("return int.sqrt(...)", "return int.sqrt(...args)", a)
    assert root * root <= a < (root + 1) * (root + 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(INT_MIN, INT_MAX), st.integers(0, 18))
def test_decimals_come_back(value: int, decimals: int) -> None:
    shown = same("return decimal.format(...)", "return decimal.format(...args)", value, decimals)
    assert same("return decimal.parse(...)", "return decimal.parse(...args)", shown, decimals) == value


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [
        ("1.5", 6, 1_500_000),
        ("0", 0, 0),
        ("-0.01", 2, -1),
        ("00012.300", 3, 12_300),
        ("9223372036854775807", 0, INT_MAX),
        ("-9223372036854775808", 0, INT_MIN),
        ("9223372036854775808", 0, "overflow"),
        ("10", 18, "overflow"),
        ("1.23", 1, "more than 1 decimals"),
        ("1", 19, "decimals are 0 to 18"),
        *(
            (text, 2, "not a decimal number")
            for text in ("", ".", "1.", ".5", "+1", "1e3", " 1", "1,5", "١", "--1")
        ),
    ],
)
def test_decimals(text: str, decimals: int, value: Value) -> None:
    assert same("return decimal.parse(...)", "return decimal.parse(...args)", text, decimals) == value


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=20))
def test_bytes(a: bytes, b: bytes) -> None:
    def both_say(name: str, *args: Value) -> Value:
        return same(f"return bytes.{name}(...)", f"return bytes.{name}(...args)", *args)

    assert both_say("to_hex", a) == a.hex()
    assert both_say("from_hex", a.hex()) == a
    assert both_say("concat", a, b) == a + b
    assert both_say("equal", a, b) == (a == b)
    assert both_say("size", a) == len(a)
    assert both_say("slice", a, len(a) // 2, len(a) - len(a) // 2) == a[len(a) // 2 :]
    assert both_say("slice", a, 0, len(a) + 1) == "outside of the bytes"


def test_bytes_and_text() -> None:
    assert same("return bytes(...)", "return bytes(...args)", "ä€") == "ä€".encode()
    assert same("return bytes.to_text(...)", "return bytes.to_text(...args)", "ä€".encode()) == "ä€"
    assert same("return bytes.to_text(...)", "return bytes.to_text(...args)", b"\xff") == "bytes are no text"
    assert same("return bytes.from_hex(...)", "return bytes.from_hex(...args)", "abc") == "not hexadecimal"
    sugar = "local b = ... return {#b, tostring(b), b == bytes('ab'), b .. b, b ~= bytes('x')}"
    assert value_of(lua(sugar, b"ab")) == [2, "6162", True, b"abab", True]
