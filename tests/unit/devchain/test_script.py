"""Tests in Lua and JavaScript: what they can ask, what they are told, and how their failures read."""

from pathlib import Path

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.devchain.chain import DevChain
from chaosnet.devchain.script import Plan, Script, Verdict, find_scripts
from tests.machines import machine, new_machine, on_big_stack

EXAMPLES = Path(__file__).parents[3] / "examples/counter"
LUA = """local counter
before_each(function() counter = chain.deploy("counter.lua", {5}) end)
test("all is well", function()
  print("total", counter.total())
  expect(counter.add(3)):equals(8):differs(9):above(7):at_least(8):at_most(8):below(9)
  expect(counter:add(1)):equals(9)
  expect_event("Added", accounts.alice, 1, 9)
  expect(chain.as("bob", function() return counter.add(2) end)):equals(11)
  expect(counter.with{as = "carol"}.add(2)):equals(13)
  expect(counter.page(2, nil)):contains({accounts.bob, 2})
  expect(expect_revert("add 1 to", function() counter.add(0) end)):equals("add 1 to 1000")
  expect(chain.call(counter, "add", {"x"}).code):equals("bad_args")
  expect(chain.try_deploy("counter.lua", {-1}).text):contains("below zero")
  local kept, height = chain.snapshot(), chain.height()
  chain.advance(2, 60)
  expect(chain.height()):equals(height + 2)
  chain.revert(kept)
  expect(chain.query(counter, "total")):equals(13)
  expect(chain.at(counter.address).total()):equals(13)
  local had = chain.balance("bob")
  chain.transfer("bob", 5)
  chain.fund("bob", 7)
  expect(chain.balance("bob") - had):equals(12)
  expect_gas_below(150000, function() counter.add(1) end)
  expect(hash("sha256", "")):contains("e3b0c442")
end)
function test_global() expect(counter.total()):equals(5) end
test("fails", function()
  expect({1, {a = "x"}}):equals({1, {a = "y"}})
end)
test("refused", function()
  counter.add(2000)
end)
test("bug", function()
  local x = nil
  print(x.y)
end)
test("gas", function() expect_gas_below(10, function() counter.add(1) end) end)
test("unknown", function() chain.balance("nobody") end)
test("missing", function() chain.deploy("nothing.lua") end)
test("loop", function() while true do end end)
test("not refused", function() expect_revert(function() counter.add(1) end) end)
test("numbers", {"n int -5..2000", "who address"}, function(n, who)
  chain.as(who, function() counter.add(n) end)
end)
test("fine numbers", {"n int 1..1000", "t text?"}, function(n, t) expect(counter.add(n)):equals(5 + n) end)
invariant("small", function() expect(counter.total()):at_most(300) end)
"""
JS = """let counter
before_each(() => { counter = chain.deploy('counter.js', [5n]) })
test('all is well', () => {
  console.log('total', counter.total())
  expect(counter.add(3n)).equals(8n).differs(9n).above(7n).at_least(8n).at_most(8n).below(9n)
  expect(counter.add(1n)).equals(9n)
  expect_event('Added', accounts.alice, 1n, 9n)
  expect(chain.as('bob', () => counter.add(2n))).equals(11n)
  expect(counter.with({ as: 'carol' }).add(2n)).equals(13n)
  expect(counter.page(2n, null)).contains([accounts.bob, 2n])
  expect(expect_revert('add 1 to', () => counter.add(0n))).equals('add 1 to 1000')
  expect(chain.call(counter, 'add', ['x']).code).equals('bad_args')
  expect(chain.try_deploy('counter.js', [-1n]).text).contains('below zero')
  const kept = chain.snapshot(), height = chain.height()
  chain.advance(2n, 60n)
  expect(chain.height()).equals(height + 2n)
  chain.revert(kept)
  expect(chain.query(counter, 'total')).equals(13n)
  expect(chain.at(counter.address).total()).equals(13n)
  const had = chain.balance('bob')
  chain.transfer('bob', 5n)
  chain.fund('bob', 7n)
  expect(chain.balance('bob') - had).equals(12n)
  expect_gas_below(150000n, () => counter.add(1n))
  expect(hash('sha256', '')).contains('e3b0c442')
})
function test_global() { expect(counter.total()).equals(5n) }
test('fails', () => {
  expect([1n, { a: 'x' }]).equals([1n, { a: 'y' }])
})
test('refused', () => {
  counter.add(2000n)
})
test('bug', () => {
  const x = null
  print(x.y)
})
test('gas', () => expect_gas_below(10n, () => counter.add(1n)))
test('unknown', () => chain.balance('nobody'))
test('missing', () => chain.deploy('nothing.js'))
test('loop', () => { for (;;) {} })
test('not refused', () => expect_revert(() => counter.add(1n)))
test('numbers', ['n int -5..2000', 'who address'], (n, who) => chain.as(who, () => counter.add(n)))
test('fine numbers', ['n int 1..1000', 't text?'], (n, t) => expect(counter.add(n)).equals(5n + n))
invariant('small', () => expect(counter.total()).at_most(300n))
"""
SOURCES = {"counter_test.lua": LUA, "counter.test.js": JS}
PLAN = Plan("seed", runs=20, sequences=6)


def verdicts(path: Path, *names: str, plan: Plan = PLAN) -> dict[str, Verdict]:
    def run() -> dict[str, Verdict]:
        script = Script(path, new_machine(), DevChain(machine()))
        return {item.name: script.run(item, plan) for item in script.items if item.name in names or not names}

    return on_big_stack(run)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("counter.lua", "counter.js"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    for name, text in SOURCES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", SOURCES)
def test_tests_pass_and_fail_as_they_should(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaosnet.devchain.script.FUEL", 10**8)
    found = verdicts(folder / name)
    well = found["all is well"]
    assert well.is_ok, well
    assert (well.prints, well.line) == (["total 5"], 3)
    assert well.gas > 600_000
    assert found["test_global"].is_ok

    def line(text: str) -> str:
        return str(SOURCES[name][: SOURCES[name].index(text)].count("\n") + 1)

    lines = {one: (verdict.place.removeprefix(f"{name}:"), verdict.failure) for one, verdict in found.items()}
    assert lines["fails"][0] == line('"y"' if name.endswith("lua") else "'y'")
    assert "to equal" in lines["fails"][1]
    assert lines["refused"] == (line("2000"), "add failed: reverted: add 1 to 1000")
    assert lines["bug"][0] == line("print(x.y)")
    assert lines["gas"][0] == line("expect_gas_below(10")
    assert "gas, not below 10" in lines["gas"][1]
    assert lines["unknown"][0] == line("nobody")
    assert "bad_address" in lines["unknown"][1]
    assert "nothing" in lines["missing"][1]
    assert "loop without end" in lines["loop"][1]
    assert "nothing failed" in lines["not refused"][1]


@pytest.mark.parametrize("name", SOURCES)
def test_generated_arguments_and_calls_shrink_and_repeat(folder: Path, name: str) -> None:
    found = verdicts(folder / name, "numbers", "fine numbers", "small")
    assert found["numbers"].example in (["n = 0, who = alice"], ["n = 1001, who = alice"])
    assert (found["fine numbers"].failure, found["fine numbers"].runs) == ("", 20)
    small = found["small"]
    assert "to be at most 300" in small.failure
    assert small.example
    assert all("Counter.add(" in step and step.endswith("-> ok") for step in small.example)
    again = verdicts(folder / name, "numbers", "fine numbers", "small")
    assert (again["small"], again["numbers"]) == (small, found["numbers"])


ACTIONS = {
    "a_test.lua": """local counter
before_each(function() counter = chain.deploy("counter.lua", {0}) end)
action("put", {"n int 1..9"}, function(n) counter.add(n) end)
action("too much", {}, function() counter.add(1001) end)
invariant("below", function() expect(counter.total()):below(20) end)""",
    "a.test.js": """let counter
before_each(() => { counter = chain.deploy('counter.js', [0n]) })
action('put', ['n int 1..9'], (n) => counter.add(n))
action('too much', [], () => counter.add(1001n))
invariant('below', () => expect(counter.total()).below(20n))""",
}


@pytest.mark.parametrize("name", ACTIONS)
def test_sequences_are_made_of_declared_actions(folder: Path, name: str) -> None:
    (folder / name).write_text(ACTIONS[name])
    found = verdicts(folder / name)["below"]
    assert found.place == f"{name}:5"
    assert all(step.startswith("put(n = ") for step in found.example)
    assert 3 <= len(found.example) <= 12


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("b_test.lua", "\ntest('x' function() end)", "b_test.lua:2: "),
        ("b_test.lua", "\nlocal a = nil + 1", "b_test.lua:2: "),
        ("b_test.lua", "\ntest('x', {'n float'}, function() end)", "b_test.lua:2: 'n float' is not"),
        ("b.test.js", "\nconst x = ;", "b.test.js:2: "),
        ("b.test.js", "\ntest('x')", "a name and a function"),
        ("b.test.js", "\ntest('x', ['n'], () => 1)", "b.test.js:2: 'n' is not"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Invalid) as caught:
        verdicts(tmp_path / name)
    assert said in str(caught.value)


def test_files_are_found(folder: Path) -> None:
    tests = [folder / "counter.test.js", folder / "counter_test.lua"]
    assert find_scripts([folder]) == tests
    assert find_scripts([folder / "counter.lua"]) == [folder / "counter_test.lua", folder / "counter.test.js"]
    (folder / "empty").mkdir()
    for nothing in (folder / "empty", folder / "other.lua"):
        with pytest.raises(Invalid, match="test"):
            find_scripts([nothing])
