"""Lua in the engine is Lua: programs end as natively, with like values and errors, or it is said why not."""

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machines import call, value_of

lupa = pytest.importorskip("lupa.lua54", reason="Lua for this host is not installed: pip install lupa")

HERE = Path(__file__).parent
SHOW = (HERE / "show.lua").read_text()
SECTIONS: dict[str, Any] = tomllib.loads((HERE / "lua_programs.toml").read_text())
EXCLUDED: list[dict[str, str]] = SECTIONS.pop("excluded")
CONTRACT = f"""
local run = (function() {SHOW} end)()
contract{{api = 1, name = "T", methods = {{run = {{kind = "view", run = run}}}}}}
"""
FUEL = 2_000_000_000


@cache
def _native() -> Callable[[str], str]:
    runtime = lupa.LuaRuntime(register_eval=False, register_builtins=False, max_memory=256 << 20)
    found: Callable[[str], str] = runtime.execute(SHOW)
    return found


def native(program: str) -> str:
    """Return what the program does in Lua as compiled for this host."""
    return _native()(program)


def in_engine(program: str) -> str:
    """Return what the program does in a contract."""
    return str(value_of(call("lua/1", CONTRACT, "run", program, fuel=FUEL)))


def test_there_are_programs_of_every_part() -> None:
    assert sum(len(section) - 1 for section in SECTIONS.values()) >= 150
    assert all(section["native"] is True for section in SECTIONS.values())


@pytest.mark.parametrize("section", SECTIONS)
def test_programs_end_as_natively(section: str) -> None:
    programs = {name: code for name, code in SECTIONS[section].items() if name != "native"}
    ours = {name: in_engine(code) for name, code in programs.items()}
    assert ours == {name: native(code) for name, code in programs.items()}


@pytest.mark.parametrize("program", EXCLUDED, ids=lambda program: program["name"])
def test_what_is_not_compared_has_its_reason_and_result(program: dict[str, str]) -> None:
    assert program["reason"]
    assert in_engine(program["code"]) == program["result"]


# ── generated expressions ────────────────────────────────────────────────────────────────────────────────

EDGES = [0, 1, -1, 2, 3, 7, 63, 64, 255, 2**31, -(2**31), 2**53, 2**53 + 1, 2**63 - 1, 1 - 2**63]
FLOATS = [
    "0.0",
    "-0.0",
    "0.1",
    "1.5",
    "-2.5",
    "1e15",
    "1e16",
    "1e100",
    "2^53",
    "2^63",
    "-2^63",
    "1/0",
    "-1/0",
]
WORDS = ["", "0", "7", "-3", "0x10", "1e2", "1.5", " 4 ", "abc", "a,b,,c", "Hello World", "%d", "ä€", "\\0x"]
PATTERNS = [
    ".",
    "%a+",
    "%d*",
    "[^,]*",
    "(.)(.)",
    "()",
    "l-o",
    "^%s*(.-)%s*$",
    "%f[%w]%w+",
    "%b()",
    "x*",
    "(a",
    "[",
    "%1",
]
FORMATS = [
    "%d",
    "%5.1f",
    "%g",
    "%x",
    "%s",
    "%q",
    "%10s|",
    "%-5d|",
    "%05d",
    "%a",
    "%c",
    "%i",
    "%e",
    "%.3s",
    "%.14g",
]
BINARY = [
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "&",
    "|",
    "~",
    "<<",
    ">>",
    "..",
    "==",
    "~=",
    "<",
    "<=",
    ">",
    ">=",
    "and",
    "or",
]
CALLS = {
    # what is called, and how many arguments it gets
    **dict.fromkeys(
        ["math.floor", "math.ceil", "math.abs", "math.tointeger", "math.type", "tostring", "tonumber"], 1
    ),
    **dict.fromkeys(
        ["type", "string.len", "string.upper", "string.reverse", "utf8.len", "math.modf", "rawlen"], 1
    ),
    **dict.fromkeys(["fmod", "math.max", "math.min", "math.ult", "string.byte", "rawequal", "select"], 2),
    **dict.fromkeys(["string.sub", "utf8.offset", "utf8.codepoint", "assert"], 3),
}


def _texts(choices: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(choices).map(lambda text: '"' + text + '"')


_leaves = st.one_of(
    st.sampled_from(EDGES).map(str),
    st.integers(-(2**63) + 1, 2**63 - 1).map(str),
    st.sampled_from(FLOATS),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(repr),
    _texts(WORDS),
    st.sampled_from(["nil", "true", "false", "T()", "T(1, 2)"]),
)


def _called(name: str) -> Callable[[tuple[str, ...]], str]:
    return lambda given: f"N({name}({', '.join(given)}))"


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """What `N` is around gives neither NaN nor subnormal numbers, whose texts differ; see `excluded`."""
    calls = [st.tuples(*[inner] * count).map(_called(name)) for name, count in CALLS.items()]
    return st.one_of(
        st.tuples(inner, st.sampled_from(BINARY), inner).map(lambda parts: f"N({' '.join(parts)})"),
        st.tuples(st.sampled_from(["- ", "~", "not ", "#"]), inner).map(lambda parts: f"N({''.join(parts)})"),
        st.one_of(calls),
        st.tuples(_texts(FORMATS), inner).map(lambda parts: f"string.format({', '.join(parts)})"),
        st.tuples(inner, _texts(PATTERNS)).map(lambda parts: f"string.match({', '.join(parts)})"),
        st.tuples(inner, _texts(PATTERNS), inner).map(lambda parts: f"(string.gsub({', '.join(parts)}))"),
        st.tuples(inner, st.integers(-2, 9)).map(lambda parts: f"string.rep({parts[0]}, {parts[1]})"),
        st.tuples(st.integers(-9, 9), st.integers(0, 9)).map(lambda parts: f"({parts[0]}) ^ {parts[1]}"),
        st.lists(inner, max_size=4).map(lambda parts: "table.concat({" + ", ".join(parts) + '}, ";")'),
    )


expressions = st.lists(st.recursive(_leaves, _larger, max_leaves=8), min_size=1, max_size=12)


PREFIX = """
local function N(x)
  if x ~= x or math.type(x) == "float" and x > -0x1p-1022 and x < 0x1p-1022 then return 0 end
  return x
end
-- which of its arguments C looks at first is left to the compiler
local function fmod(a, b) return math.fmod(tonumber(a) or 1, tonumber(b) or 2) end
-- a table whose address does not show
local function T(...) return setmetatable({...}, {__tostring = function() return "T" end}) end
return {
"""


def _program(parts: list[str]) -> str:
    lines = [f"  {{pcall(function() return {part} end)}}," for part in parts]
    return "\n".join([PREFIX, *lines, "}"])


def _check(parts: list[str]) -> None:
    program = _program(parts)
    assert in_engine(program) == native(program)


@settings(max_examples=150, deadline=None)
@given(expressions)
def test_generated_expressions_end_as_natively(parts: list[str]) -> None:
    _check(parts)


@pytest.mark.soak
@pytest.mark.timeout(3_000)
@settings(max_examples=10_000, deadline=None)
@given(expressions)
def test_many_generated_expressions_end_as_natively(parts: list[str]) -> None:
    _check(parts)
