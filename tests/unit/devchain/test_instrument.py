"""Marks stand before statements, and a marked source does what it did."""

from pathlib import Path

import pytest

from chaosnet.contracts.values import Value
from chaosnet.devchain.bundle import Bundle
from chaosnet.devchain.instrument import Point, instrument
from tests.machines import FakeHost, call, value_of

LUA = """local function twice(n)
  local sum = n
    + n
  if sum > 10 and
    n ~= 7 then return sum
  elseif sum == 14 then
    sum = 15
  else sum = sum + 0 end
  repeat
    sum = sum + 1
  until sum % 2 == 0
  for _, one in ipairs({
    1, 2,
  }) do sum = sum + one end
  do local unused = { f = function() return 1 end } end
  return sum
end
contract{api=1, name="T", methods={
  a={kind="view", run=function(n)
    return twice(n)
  end},
}}
"""
JS = """function twice(n) {
  let sum = n
    + n
  if (sum > 10n &&
    n !== 7n) { return sum }
  else if (sum === 14n)
    sum = 15n
  else { sum = sum + 0n }
  do {
    sum = sum + 1n
  } while (sum % 2n)
  for (const one of [
    1n, 2n,
  ]) { sum += one }
  switch (sum) {
    case 1n: return 1n
    default:
  }
  const nothing = [1n].map((x) => x * 2n).filter(x => ({ x }).x > 9n), f = async (a) => { await a }
  class Box { constructor() { this.x = `${sum}` } get y() { return this.x } }
  new Box().y
  return sum
}
contract({ api: 1, name: 'T', methods: {
  a: { kind: 'view', run: (n) => twice(n) },
} })
"""
SOURCES = {"lua/1": LUA, "js/1": JS}
MARKED = {
    "lua/1": {2, 4, 5, 7, 8, 9, 10, 12, 14, 15, 16, 20},
    "js/1": {2, 4, 5, 8, 9, 10, 14, 15, 19, 20, 21, 22, 25},
}


def made(engine: str, source: str) -> Bundle:
    return Bundle(engine, source.encode(), ("t.lua" if engine == "lua/1" else "t.js",))


@pytest.mark.parametrize("engine", SOURCES)
def test_marks_change_nothing_and_name_lines(engine: str) -> None:
    found = instrument(made(engine, SOURCES[engine]), 100)
    assert found is not None
    source, points = found
    assert {point.line for point in points} == MARKED[engine]
    assert {point.function for point in points} >= {"twice", "a"}
    assert source.count(b"\n") == SOURCES[engine].count("\n") + 1
    for argument in (1, 6, 7, 100):
        plain = value_of(call(engine, SOURCES[engine], "a", argument))
        host = FakeHost()
        assert value_of(call(engine, source.decode(), "a", argument, host=host)) == plain
        hits = [asked[0] for op, asked in host.asked if op == 200 and isinstance(asked, list)]
        assert hits
        numbers = [int(str(hit)[1:]) - 100 for hit in hits]
        lines = {points[number].line for number in numbers}
        assert (7 in lines or 10 in lines) == (argument not in {6, 100})


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[3] / "examples").rglob("*.*")))
def test_examples_get_marks(path: Path) -> None:
    if path.suffix not in (".lua", ".js") or "test" in path.name:
        return
    engine = "lua/1" if path.suffix == ".lua" else "js/1"
    found = instrument(made(engine, path.read_text()), 0)
    assert found is not None
    assert len(found[1]) >= 5
    plain = call(engine, path.read_text(), "@interface")
    marked = call(engine, found[0].decode(), "@interface")
    both: list[Value] = [value_of(plain), value_of(marked)]
    assert both[0] == both[1]


def test_what_is_not_understood_is_left_alone() -> None:
    assert instrument(made("lua/1", "f = function( end end"), 0) is None
    assert instrument(made("js/1", "f(() => {)}"), 0) is None


def test_points_name_files_of_a_bundle() -> None:
    lines = ["-- chaosnet bundle 1", "-- @file a.lua", "function f() return 1 end", "-- @file t.lua"]
    source = "\n".join([*lines, "function g() return 2 end"])
    found = instrument(Bundle("lua/1", source.encode(), ("a.lua", "t.lua")), 0)
    assert found is not None
    assert found[1] == [Point("a.lua", 1, "f"), Point("t.lua", 1, "g")]
