"""Arguments by chance for tests: from declared types, from a seed, and smaller ones when something fails."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Invalid
from chaosnet.contracts.values import INT_MAX, INT_MIN, Value

TRIES_MAX: Final = 200
"""Smaller arguments that are tried."""

_PARAMETER: Final = re.compile(
    r"([A-Za-z_]\w*) (int|text|bytes|bool|address|list|map|any)(\?)?(?: (-?\d+)\.\.(-?\d+))?"
)
_EDGES: Final = (0, 1, -1, 2, 10, 255, 2**31, 2**32, 10**9, 10**18, INT_MAX, INT_MAX - 1, INT_MIN)
_LETTERS: Final = "abcxyzAZ019 _-.,:/'\"\\\n\0é漢😀"
_SIMPLE: Final = ("int", "text", "bytes", "bool")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a test function or a method takes."""

    name: str
    word: str
    is_optional: bool = False
    low: int = INT_MIN
    """Of an int; of text, bytes and list the least length."""
    high: int = INT_MAX


def parse_parameter(text: str) -> Parameter:
    """Return what `n int 1..100` says; raises Invalid(`bad_argument`)."""
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise Invalid("bad_argument", f"{text!r} is not a name, a type and perhaps bounds: `n int 1..100`")
    low, high = int(found[4] or INT_MIN), int(found[5] or INT_MAX)
    if low > high or low < INT_MIN or high > INT_MAX:
        raise Invalid("bad_argument", f"{text!r}: no integer of 64 bits is in these bounds")
    return Parameter(found[1], found[2], bool(found[3]), low, high)


class Generator:
    """Values for parameters; addresses are those that a test knows."""

    def __init__(self, dice: Dice, addresses: Sequence[str]) -> None:
        self._dice = dice
        self._addresses = addresses

    def values(self, parameters: Sequence[Parameter]) -> list[Value]:
        """Return one value for each."""
        return [self.value(one) for one in parameters]

    def value(self, one: Parameter) -> Value:
        """Return a value that fits."""
        dice = self._dice
        if one.is_optional and dice.chance(1, 4):
            return None
        word = dice.pick(_SIMPLE) if one.word == "any" else one.word
        if word == "int":
            return self._integer(one)
        if word == "bool":
            return dice.chance(1, 2)
        if word == "address":
            return dice.pick(self._addresses)
        least, most = (max(one.low, 0), one.high) if one.high < INT_MAX or one.low > INT_MIN else (0, 12)
        length = dice.between(min(least, 64), min(most, 64))
        if word == "text":
            return "".join(dice.pick(_LETTERS) for _ in range(length))
        if word == "bytes":
            return bytes(dice.below(256) for _ in range(length))
        items = [self.value(Parameter("item", dice.pick(_SIMPLE))) for _ in range(min(length, 5))]
        if word == "map":
            return {dice.pick("abcdefgh") + str(place): item for place, item in enumerate(items)}
        return list(items)

    def _integer(self, one: Parameter) -> int:
        dice = self._dice
        edges = [edge for edge in (*_EDGES, one.low, one.high) if one.low <= edge <= one.high]
        if edges and dice.chance(1, 3):
            return dice.pick(edges)
        middle = min(max(0, one.low), one.high)
        size = 1 << dice.between(1, 63)
        low, high = max(one.low, middle - size), min(one.high, middle + size)
        return dice.between(low, high)


def smaller(value: Value, one: Parameter, addresses: Sequence[str]) -> Iterator[Value]:
    """Go over simpler values that fit too, the simplest first."""
    if value is None:
        return
    if one.is_optional:
        yield None
    if isinstance(value, bool):
        if value:
            yield False
    elif isinstance(value, int):
        aim = min(max(0, one.low), one.high) if one.word == "int" else 0
        distance = value - aim
        while distance:
            yield value - distance
            distance = distance // 2 if distance > 0 else -(-distance // 2)
    elif one.word == "address":
        known = list(addresses)
        yield from known[: known.index(str(value))] if value in known else []
    elif isinstance(value, str | bytes | list):
        least = max(one.low, 0)
        for length in sorted({least, len(value) // 2, len(value) - 1}):
            if least <= length < len(value):
                yield value[:length]
    elif value:
        yield {}


def shrink(
    values: list[Value],
    parameters: Sequence[Parameter],
    addresses: Sequence[str],
    fails: Callable[[list[Value]], bool],
) -> list[Value]:
    """Return the simplest arguments that were found to fail as well."""
    tries = 0
    is_better = True
    while is_better:
        is_better = False
        for place, parameter in enumerate(parameters):
            for other in smaller(values[place], parameter, addresses):
                tries += 1
                if tries > TRIES_MAX:
                    return values
                changed = [*values[:place], other, *values[place + 1 :]]
                if fails(changed):
                    values, is_better = changed, True
                    break
    return values


def shorten(steps: list[Value], fails: Callable[[list[Value]], bool]) -> list[Value]:
    """Return fewer steps that fail as well: parts are left out, halves first, then single ones."""
    tries = 0
    size = len(steps)
    while size := size // 2 if size > 1 else 0:
        at = 0
        while at < len(steps):
            tries += 1
            if tries > TRIES_MAX:
                return steps
            fewer = steps[:at] + steps[at + size :]
            if fails(fewer):
                steps = fewer
            else:
                at += size
    return steps
