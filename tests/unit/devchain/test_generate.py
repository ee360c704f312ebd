"""Generated arguments fit their types, and those that fail get simple."""

import pytest

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Invalid
from chaosnet.contracts.values import Value, check_value
from chaosnet.devchain.generate import Generator, Parameter, parse_parameter, shorten, shrink, smaller

PEOPLE = ("anna", "ben")
TYPES = (
    "a int",
    "a int -5..5",
    "a int 7..7",
    "a text 2..4",
    "a bytes",
    "a bool",
    "a address",
    "a list",
    "a map",
)


@pytest.mark.parametrize("text", [*TYPES, "a any", "a int? 3..9"])
def test_values_fit(text: str) -> None:
    one = parse_parameter(text)
    seen = set()
    for number in range(200):
        value = Generator(Dice(bytes([number])), PEOPLE).value(one)
        check_value(value)
        seen.add(repr(value))
        if isinstance(value, int) and one.word == "int":
            assert one.low <= value <= one.high
        if one.word == "address":
            assert value in PEOPLE
        if isinstance(value, str) and one.word == "text":
            assert 2 <= len(value) <= 4
        for other in smaller(value, one, PEOPLE):
            assert other != value
    assert len(seen) >= (1 if "7..7" in text else 2)


@pytest.mark.parametrize("text", ["int", "n float", "n int 5..1", "n int 1", "n int 0..99999999999999999999"])
def test_wrong_types_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        parse_parameter(text)


def test_failing_arguments_get_simple() -> None:
    takes = [Parameter("n", "int"), Parameter("t", "text"), Parameter("w", "address"), Parameter("b", "bool")]

    def fails(values: list[Value]) -> bool:
        number, text = values[0], values[1]
        return isinstance(number, int) and number > 100 and isinstance(text, str) and "a" in text

    assert shrink([10**15, "aXYZ", "ben", True], takes, PEOPLE, fails) == [101, "a", "anna", False]
    assert shrink([-7], [Parameter("n", "int", low=-9, high=-3)], (), lambda _: True) == [-3]


def test_failing_steps_get_few() -> None:
    steps: list[Value] = list(range(20))
    assert shorten(steps, lambda some: 3 in some and 17 in some) == [3, 17]
