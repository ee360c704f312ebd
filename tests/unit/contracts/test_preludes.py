"""What a contract finds: the same words in both languages, with the same answers."""

from typing import Any

import pytest

from chaosnet.contracts.machine import Ended
from chaosnet.contracts.values import Value, decode, encode
from tests.machines import ENGINES, FakeHost, call, machine, on_big_stack, value_of

both = pytest.mark.parametrize("engine", ENGINES)

LUA = """
contract{ api=1, name="Shop", version="1.0.0", licence="MIT", permissions={transfer={"COS"}},
  events={Sold={"what text", "price int?"}}, errors={closed="not open"},
  storage={open="value bool", count="counter", stock="map text int", owed="map address text int",
           log="list text"},
  init={args={"name text"}, run=function(name) store.log:push(name) end},
  methods={
    run={kind="write", args={"program text"}, returns="any", doc="runs", run=function(program, ...)
      return load(program, "=contract")(...)
    end},
  } }
"""
JS = """
contract({ api: 1, name: "Shop", version: "1.0.0", licence: "MIT", permissions: { transfer: ["COS"] },
  events: { Sold: ["what text", "price int?"] }, errors: { closed: "not open" },
  storage: { open: "value bool", count: "counter", stock: "map text int", owed: "map address text int",
             log: "list text" },
  init: { args: ["name text"], run(name) { store.log.push(name); } },
  methods: {
    run: { kind: "write", args: ["program text"], returns: "any", doc: "runs", run(program, ...args) {
      return Function("...args", program)(...args);
    } },
  } })
"""
SOURCES = {"lua/1": LUA, "js/1": JS}


def lua(program: str, *args: Value, host: FakeHost | None = None) -> Ended:
    return call("lua/1", LUA, "run", program, *args, host=host)


def js(program: str, *args: Value, host: FakeHost | None = None) -> Ended:
    return call("js/1", JS, "run", program, *args, host=host)


def same(lua_program: str, js_program: str, *args: Value, host: FakeHost | None = None) -> Value:
    """Run both programs on like hosts, compare what they return, ask and store, and return the value."""
    hosts = FakeHost(), FakeHost()
    if host is not None:
        for one in hosts:
            one.storage, one.answers, one.ctx = dict(host.storage), host.answers, host.ctx
    left, right = lua(lua_program, *args, host=hosts[0]), js(js_program, *args, host=hosts[1])
    assert (left.kind, left.code, left.text) == (right.kind, right.code, right.text)
    assert left.value == right.value
    assert hosts[0].storage == hosts[1].storage
    assert hosts[0].asked == hosts[1].asked
    if host is not None:
        host.storage, host.asked = hosts[0].storage, hosts[0].asked
    return decode(left.value) if left.kind == "returned" else left.text


def test_interface_is_what_the_source_declares() -> None:
    shown = [value_of(call(engine, source, "@interface")) for engine, source in SOURCES.items()]
    assert shown[0] == shown[1]
    assert shown[0] == {
        "api": 1,
        "name": "Shop",
        "version": "1.0.0",
        "licence": "MIT",
        "permissions": {"transfer": ["COS"]},
        "events": {"Sold": ["what text", "price int?"]},
        "errors": {"closed": "not open"},
        "storage": {
            "open": "value bool",
            "count": "counter",
            "stock": "map text int",
            "owed": "map address text int",
            "log": "list text",
        },
        "init": {"args": ["name text"]},
        "methods": {"run": {"kind": "write", "args": ["program text"], "returns": "any", "doc": "runs"}},
    }


@both
def test_init_runs_once_as_a_call(engine: str) -> None:
    host = FakeHost()
    assert value_of(call(engine, SOURCES[engine], "@init", "first", host=host)) is None
    assert host.storage == {encode(["log", 0]): "first", encode(["log"]): 1}


@both
@pytest.mark.parametrize("method", ["missing", "constructor", "__proto__", "toString", "@other", ""])
def test_only_own_methods_can_be_called(engine: str, method: str) -> None:
    assert "no method" in call(engine, SOURCES[engine], method).text


# ── storage ──────────────────────────────────────────────────────────────────────────────────────────────


def test_value() -> None:
    host = FakeHost()
    assert same("return store.open:get()", "return store.open.get()", host=host) is None
    assert same("return store.open:has()", "return store.open.has()", host=host) is False
    same("store.open:set(false)", "store.open.set(false)", host=host)
    assert same("return store.open:get()", "return store.open.get()", host=host) is False
    assert same("return store.open:has()", "return store.open.has()", host=host) is True
    same("store.open:delete()", "store.open.delete()", host=host)
    assert host.storage == {}


def test_counter() -> None:
    host = FakeHost()
    assert same("return store.count:get()", "return store.count.get()", host=host) == 0
    assert same("return store.count:add(5)", "return store.count.add(5n)", host=host) == 5
    assert same("return store.count:sub(2)", "return store.count.sub(2n)", host=host) == 3
    assert "below zero" in str(same("store.count:sub(4)", "store.count.sub(4n)", host=host))
    same("store.count:set(9)", "store.count.set(9n)", host=host)
    assert host.storage == {encode(["count"]): 9}
    full = "store.count:set(math.maxinteger) store.count:add(1)"
    assert same(full, "store.count.set(2n ** 63n - 1n); store.count.add(1n)", host=host) == "overflow"


def test_map() -> None:
    host = FakeHost()
    assert same("return store.stock:get('a')", "return store.stock.get('a')", host=host) is None
    assert same("return store.stock:add('a', 2)", "return store.stock.add('a', 2n)", host=host) == 2
    same("store.stock:set('b', 7)", "store.stock.set('b', 7n)", host=host)
    assert same("return store.stock:has('b')", "return store.stock.has('b')", host=host) is True
    assert same("return store.stock:sub('b', 7)", "return store.stock.sub('b', 7n)", host=host) == 0
    same("store.stock:delete('b')", "store.stock.delete('b')", host=host)
    assert host.storage == {encode(["stock", "a"]): 2}


def test_map_of_several_keys() -> None:
    host = FakeHost()
    for who, what, amount in (("x", "k", 1), ("x", "j", 2), ("y", "k", 3)):
        same("store.owed:set(...)", "store.owed.set(...args)", who, what, amount, host=host)
    assert same("return store.owed:get('x', 'j')", "return store.owed.get('x', 'j')", host=host) == 2
    assert same("return store.owed:add('x', 'j', 5)", "return store.owed.add('x', 'j', 5n)", host=host) == 7
    assert same("return store.owed:sub('x', 'j', 1)", "return store.owed.sub('x', 'j', 1n)", host=host) == 6
    all_of = "local t = {} for a, b, v in store.owed:each() do t[#t+1] = {a, b, v} end return t"
    every = same(all_of, "return [...store.owed.each()]", host=host)
    assert every == [["x", "j", 6], ["x", "k", 1], ["y", "k", 3]]
    some = "local t = {} for b, v in store.owed:each('x') do t[#t+1] = {b, v} end return t"
    assert same(some, "return [...store.owed.each('x')]", host=host) == [["j", 6], ["k", 1]]
    same("store.owed:delete('x', 'j')", "store.owed.delete('x', 'j')", host=host)
    page = same("return store.owed:page(9, nil, 'x')", "return store.owed.page(9n, null, 'x')", host=host)
    assert page == [["k", 1]]
    page = same("return store.owed:page(1, {'x', 'k'})", "return store.owed.page(1n, ['x', 'k'])", host=host)
    assert page == [[["y", "k"], 3]]


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64, 100])
def test_iteration_over_pages(count: int) -> None:
    host = FakeHost()
    host.storage = {encode(["stock", f"{i:03}"]): i for i in range(count)}
    program = "local t = {} for k, v in store.stock:each() do t[#t+1] = {k, v} end return t"
    found = same(program, "return [...store.stock.each()]", host=host)
    assert found == [[f"{i:03}", i] for i in range(count)]
    page = same("return store.stock:page(2, '000')", "return store.stock.page(2n, '000')", host=host)
    assert page == [[f"{i:03}", i] for i in range(1, min(count, 3))]


def test_list() -> None:
    host = FakeHost()
    assert same("return store.log:len()", "return store.log.len()", host=host) == 0
    assert same("return store.log:pop()", "return store.log.pop()", host=host) is None
    assert same("return store.log:push('a')", "return store.log.push('a')", host=host) == 1
    assert same("return store.log:push('b')", "return store.log.push('b')", host=host) == 2
    assert same("return store.log:get(1)", "return store.log.get(0n)", host=host) == "a"
    assert same("return store.log:get(3)", "return store.log.get(2n)", host=host) is None
    same("store.log:set(2, 'c')", "store.log.set(1n, 'c')", host=host)
    each = "local t = {} for _, v in store.log:each() do t[#t+1] = v end return t"
    assert same(each, "return [...store.log.each()].map(([, v]) => v)", host=host) == ["a", "c"]
    assert "no such index" in str(same("store.log:set(3, 'd')", "store.log.set(2n, 'd')", host=host))
    assert same("return store.log:pop()", "return store.log.pop()", host=host) == "c"
    assert same("return store.log:pop()", "return store.log.pop()", host=host) == "a"
    assert host.storage == {}


@pytest.mark.parametrize(
    ("lua_program", "js_program", "text"),
    [
        ("store.stock:set('a', 'b')", "store.stock.set('a', 'b')", "stock must be int"),
        ("store.stock:set(1, 2)", "store.stock.set(1n, 2n)", "stock must be text"),
        ("store.stock:get()", "store.stock.get()", "stock must be text"),
        ("store.owed:get('a')", "store.owed.get('a')", "owed needs 2 keys"),
        ("store.count:add('1')", "store.count.add('1')", "count needs integers"),
        ("store.open:set(1)", "store.open.set(1n)", "open must be bool"),
        ("return store.nothing", "return store.nothing", "storage.nothing is not declared"),
        ("store.count = 5", "store.count = 5n", "store.count cannot be replaced"),
    ],
)
def test_wrong_use_of_storage_is_told_with_the_line(lua_program: str, js_program: str, text: str) -> None:
    for ended in (lua(lua_program), js(js_program)):
        assert ended.code == "script_error"
        assert text in ended.text
        assert ended.text.startswith("contract:")


@both
@pytest.mark.parametrize(
    "schema", ["", "value", "map", "map int", "list", "counter int", "value number", "set int"]
)
def test_schema_that_means_nothing(engine: str, schema: str) -> None:
    source = {
        "lua/1": f'contract{{api=1, storage={{x="{schema}"}}, methods={{}}}}',
        "js/1": f'contract({{api: 1, storage: {{x: "{schema}"}}, methods: {{}}}})',
    }[engine]
    with pytest.raises(Exception, match="storage.x"):
        on_big_stack(lambda: machine().prepare(engine, source.encode()))


# ── the chain ────────────────────────────────────────────────────────────────────────────────────────────


def test_ctx_is_asked_for_once() -> None:
    host = FakeHost(sent={"COS": 5})
    program = "return {ctx.self, ctx.caller, ctx.height, ctx.sent.COS}"
    assert same(program, "return [ctx.self, ctx.caller, ctx.height, ctx.sent.COS]", host=host) == [
        "me",
        "you",
        7,
        5,
    ]
    assert host.asked == [(11, [])]
    for ended in (lua("return ctx.nothing"), js("return ctx.nothing")):
        assert "ctx has no field nothing" in ended.text
    for ended in (lua("ctx.caller = 'me'"), js("ctx.caller = 'me'")):
        assert "ctx cannot be changed" in ended.text


ASKED: list[tuple[str, str, int, list[Any]]] = [
    ("emit('Sold', 'x', 5)", "emit('Sold', 'x', 5n)", 4, ["Sold", ["x", 5]]),
    ("emit('Sold', 'x', nil)", "emit('Sold', 'x', null)", 4, ["Sold", ["x", None]]),
    ("transfer('a', 5)", "transfer('a', 5n)", 5, ["a", "COS", 5]),
    ("transfer('a', 5, 't')", "transfer('a', 5n, 't')", 5, ["a", "t", 5]),
    ("call('c', 'm')", "call('c', 'm')", 6, ["c", "m", [], None, None, False, False]),
    (
        "call('c', 'm', {1, 'x'}, {sent={COS=5}, fuel=9})",
        "call('c', 'm', [1n, 'x'], { sent: { COS: 5n }, fuel: 9n })",
        6,
        ["c", "m", [1, "x"], {"COS": 5}, 9, False, False],
    ),
    ("static_call('c', 'm')", "static_call('c', 'm')", 6, ["c", "m", [], None, None, True, False]),
    ("balance('a')", "balance('a')", 7, ["a", "COS"]),
    ("hash('sha256', 'x')", "hash('sha256', 'x')", 8, ["sha256", "x"]),
    ("verify('ed25519', bytes('k'), bytes('m'), bytes('s'))",) * 2 + (9, ["ed25519", b"k", b"m", b"s"]),
    (
        "transfer_and_call('a', 5, 't', 'm')",
        "transfer_and_call('a', 5n, 't', 'm')",
        13,
        ["a", "t", 5, "m", []],
    ),
    (
        "token.create('a', 5, {symbol='X'})",
        "token.create('a', 5n, {symbol: 'X'})",
        20,
        [None, "a", 5, {"symbol": "X"}],
    ),
    ("token.issue('t', 'a', 5)", "token.issue('t', 'a', 5n)", 20, ["t", "a", 5, None]),
    ("token.burn('t', 5)", "token.burn('t', 5n)", 21, ["t", 5]),
    ("token.approve('t', 's', 0, 5, 9)", "token.approve('t', 's', 0n, 5n, 9n)", 22, ["t", "s", 0, 5, 9]),
    (
        "token.transfer_from('t', 'a', 'b', 5)",
        "token.transfer_from('t', 'a', 'b', 5n)",
        23,
        ["t", "a", "b", 5],
    ),
    ("token.allowance('t', 'o', 's')",) * 2 + (24, ["t", "o", "s"]),
    ("token.info('t')",) * 2 + (25, ["t"]),
    ("token.rights('t', 'freeze', {'a'})", "token.rights('t', 'freeze', ['a'])", 26, ["t", "freeze", ["a"]]),
    (
        "token.convert('t', 5, 'COS', 4, 9)",
        "token.convert('t', 5n, 'COS', 4n, 9n)",
        27,
        ["t", 5, "COS", 4, 9],
    ),
    ("print('a', 1, true)", "console.log('a', 1n, true)", 200, ["a", "1", "true"]),
]


@pytest.mark.parametrize(
    ("lua_program", "js_program", "op", "asked"), ASKED, ids=[row[0][:20] for row in ASKED]
)
def test_the_host_is_asked_the_same(lua_program: str, js_program: str, op: int, asked: list[Any]) -> None:
    host = FakeHost()
    same(lua_program, js_program, host=host)
    assert host.asked == [(op, asked)]


def test_answers_of_the_host() -> None:
    host = FakeHost()
    host.answers = {6: [True, 7], 7: 5, 8: "ab", 9: True, 25: {"symbol": "X"}}
    program = "local r = try_call('c', 'm') return {r.ok, r.value, balance('a'), token.info('t')}"
    js_program = "const r = try_call('c', 'm'); return [r.ok, r.value, balance('a'), token.info('t')]"
    assert same(program, js_program, host=host) == [True, 7, 5, {"symbol": "X"}]
    host.answers = {6: [False, "reverted", "no"]}
    program = "local r = try_call('c', 'm') return {r.ok, r.code, r.text}"
    js_program = "const r = try_call('c', 'm'); return [r.ok, r.code, r.text]"
    assert same(program, js_program, host=host) == [False, "reverted", "no"]


def test_refusing() -> None:
    assert same("revert('no')", "revert('no')") == "no"
    assert same("ensure(1 > 2, 'no')", "ensure(1 > 2, 'no')") == "no"
    assert same("return ensure(5, 'no')", "return ensure(5n, 'no')") == 5
    assert same("ensure(false)", "ensure(false)") == "a condition does not hold"


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("emit('Other')", "event Other is not declared"),
        ("emit('Sold', 'x')", "event Sold has 2 values"),
        ("revert(5)", "revert needs a text"),
        ("int.add('1', '2')", "int.add needs integers"),
    ],
)
def test_wrong_use_is_told_with_the_line(program: str, text: str) -> None:
    for ended in (lua(program), js(program)):
        assert ended.code == "script_error"
        assert text in ended.text
        assert ended.text.startswith("contract:")


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("return (async () => { await null; return 5n; })()", 5),
        ("return Promise.all([1n, Promise.resolve(2n)])", [1, 2]),
        ("let x = 0n; Promise.resolve().then(() => { store.count.set(3n) }); return x", 0),
    ],
)
def test_promises_are_awaited(program: str, value: Value) -> None:
    assert value_of(js(program)) == value


def test_promises_that_fail() -> None:
    late = """contract({ api: 1, methods: { run: { kind: "view", async run() {
      await null;
      throw new Error("late"); } } } })"""
    ended = call("js/1", late, "run")
    assert (ended.code, ended.text) == ("script_error", "contract:3: late")
    forgotten = js("(async () => { await null; throw new Error('lost'); })(); return 1n")
    assert (forgotten.code, forgotten.text) == ("script_error", "lost")
    looked_at = "const p = Promise.reject(1n); await null; try { await p } catch (e) { return e }"
    assert value_of(js(f"return (async () => {{ {looked_at} }})()")) == 1
    assert js("return new Promise(() => {})").text == "a promise that is never settled"
    assert js("return (async () => { await null; revert('no'); })()").text == "no"
    assert js("const f = () => Promise.resolve().then(f); return f()").code == "out_of_gas"
