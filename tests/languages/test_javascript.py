"""JavaScript in the engine is ECMAScript: cases from its text, by chapter, and what contracts do without.

All cases of a file are functions of one contract and run in few calls; each starts where the others leave the
objects of the language, which none changes.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.machines import call, value_of

HERE = Path(__file__).parent
FILES = sorted((HERE / "javascript").glob("*.toml"))
TOGETHER = 60
"""Cases in one call: their answers fit one value."""

BODY = re.compile(
    r"(const|let|var|for|try|throw|class|function|async function|switch|if|return|while|do|block)\b|\{"
)
"""How a program begins that is the body of a function; others are expressions."""

Case = tuple[str, str, str]


def cases(path: Path) -> list[Case]:
    """Return section, program and end of each case: what the language says, or where the engine differs."""
    found: list[Case] = []
    for name, section in tomllib.loads(path.read_text()).items():
        found += [(name, program, expected) for program, expected in section["cases"]]
        for program, said, expected, why in section.get("differs", []):
            assert said != expected and why
            found.append((name, program, expected))
    return found


def contract(programs: list[str]) -> str:
    """Return a contract that tells how each program ends."""
    functions = [
        f"function () {{ {program}\n}}" if BODY.match(program) else f"() => ({program}\n)"
        for program in programs
    ]
    listed = ",\n".join(functions)
    return f"""{(HERE / "show.js").read_text()}
const cases = [
{listed}
];
contract({{ api: 1, name: "T", methods: {{ run: {{ kind: "view", async run(from, to) {{
  const ends = [];
  for (const one of cases.slice(Number(from), Number(to))) ends.push(await told(one));
  return ends;
}} }} }} }})"""


@cache
def _ends(path: Path) -> list[str]:
    programs = [program for _, program, _ in cases(path)]
    source = contract(programs)
    found: list[str] = []
    for start in range(0, len(programs), TOGETHER):
        ends = value_of(call("js/1", source, "run", start, start + TOGETHER, fuel=2_000_000_000))
        assert isinstance(ends, list)
        found += [str(end) for end in ends]
    return found


def matches(end: str, expected: str) -> bool:
    """Tell whether a case ended as expected; of an error its kind will do."""
    return end == expected or (
        expected.startswith("throws ") and re.match(re.escape(expected) + r"\b", end) is not None
    )


def test_there_are_enough_cases() -> None:
    assert sum(len(cases(path)) for path in FILES) >= 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cases_end_as_the_language_says(path: Path) -> None:
    wrong = [
        f"{section}: {program}\n  expected {expected}\n  got      {end}"
        for (section, program, expected), end in zip(cases(path), _ends(path), strict=True)
        if not matches(end, expected)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_a_wrong_answer_is_seen() -> None:
    source = contract(["1 + 1", "{ return [-0, , 1n] }", "null.x", "throw 5"])
    ends = value_of(call("js/1", source, "run", 0, 4))
    assert ends == ["2", "[-0, hole, 1n]", "throws TypeError: cannot read property 'x' of null", "throws 5"]
    assert not matches("3", "2")
    assert not matches("throws TypeError: x", "throws RangeError")
