"""Programs that try to run for ever, take all memory, break the stack, see what differs, or get out.

Each ends in a known way, twice alike. Numbers are those of the study that chose the engines.
"""

import pytest

from chaosnet.contracts.machine import Ended
from tests.machines import ENGINES, call, value_of
from tests.unit.contracts.test_wasm import memory_hash, one_method

GAS = ("out_of_gas",)
LIMIT = ("out_of_gas", "memory", "stack", "script_error")
"""Whichever limit is met first; it is always the same one."""
FINE = (*LIMIT, "ok")

LUA = {
    # gas
    "1 loop": ("while true do end", GAS),
    "2 pcall around loops": ("while true do pcall(function() while true do end end) end", GAS),
    "3 go on after pcall": ("pcall(function() while true do end end) return 1", GAS),
    "4 handler loops": ("xpcall(error, function() while true do end end)", GAS),
    "9 coroutine loops": ("coroutine.wrap(function() while true do end end)()", GAS),
    "10 short coroutines": ("while true do coroutine.wrap(function() coroutine.yield() end)() end", GAS),
    "11 close loops": (
        """local c = coroutine.create(function()
          local x <close> = setmetatable({}, {__close = function() while true do end end}) coroutine.yield()
        end) coroutine.resume(c) coroutine.close(c)""",
        GAS,
    ),
    "12 close": ("local x <close> = setmetatable({}, {__close = function() while true do end end})", GAS),
    "14 goto": ("::a:: goto a", GAS),
    "15 comparator": ("table.sort({1, 2, 3}, function() while true do end end)", GAS),
    "16 replacement": ("('x'):gsub('x', function() while true do end end)", GAS),
    "18 index": ("return setmetatable({}, {__index = function() while true do end end}).x", GAS),
    "18 concat": ("return setmetatable({}, {__concat = function() while true do end end}) .. 'x'", GAS),
    "18 tostring": ("tostring(setmetatable({}, {__tostring = function() while true do end end}))", GAS),
    "19 load": ("load('while true do end')()", GAS),
    "23 throw storm": ("while true do pcall(error, 1) end", GAS),
    "23 yield storm": (
        "local f = coroutine.wrap(function() while true do coroutine.yield() end end) while true do f() end",
        GAS,
    ),
    # one operation
    "24 rep": ("return #('x'):rep(1 << 33)", LIMIT),
    "25 rep again": ("for _ = 1, 1000 do local s = ('x'):rep(7000000) end", LIMIT),
    "26 find": ("return ('a'):rep(3000):find(('.-'):rep(30) .. 'b')", GAS),
    "27 optional": ("return ('a'):rep(28):find(('a?'):rep(28) .. ('a'):rep(28))", GAS),
    "28 find far": ("for _ = 1, 100 do ('a'):rep(1000000):find('.-b') end", GAS),
    "37 sort": ("local t = {} for i = 1, 400000 do t[i] = -i end table.sort(t)", LIMIT),
    "38 concat": (
        "local t = {} for i = 1, 3000 do t[i] = ('x'):rep(9999) end return #table.concat(t)",
        LIMIT,
    ),
    "39 move": ("table.move({}, 1, 200000000, 2)", GAS),
    "40 unpack": ("return select('#', table.unpack({}, 1, 1000000))", ("script_error",)),
    "41 format": ("for i = 1, 1000000 do string.format('%99.99f', 1e300 + i) end", GAS),
    "43 tonumber": ("return tonumber(('9'):rep(1000000)) ~= nil", FINE),
    "47 keys": ("local t = {} for i = 1, 1000000 do t['k' .. i] = i end", LIMIT),
    # memory
    "49 tables": ("local t = {} while true do t = {t, {}, {}} end", LIMIT),
    "50 tables in pcall": (
        "for _ = 1, 50 do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end",
        LIMIT,
    ),
    "53 sizes": ("local t = {} for i = 1, 20000 do t[i % 100] = ('x'):rep(i % 3000) end return 1", FINE),
    # stack
    "55 recursion": ("local function f(n) return 1 + f(n) end return f(1)", ("script_error", "out_of_gas")),
    "56 caught": ("local function f() return 1 + f() end for _ = 1, 3 do pcall(f) end return 1", FINE),
    "57 pcall": ("local function f() return pcall(f) end return f()", FINE),
    "58 gsub": ("local function f() return (('x'):gsub('x', f)) end return f()", FINE),
    "58 metamethods": (
        "local t = {} setmetatable(t, {__index = function(s, k) return s[k + 1] end}) return t[1]",
        LIMIT,
    ),
    "59 coroutines": ("local function f() return coroutine.wrap(f)() end return f()", LIMIT),
    "60 parser (": (
        "return load('return ' .. ('('):rep(100000) .. '1' .. (')'):rep(100000)) == nil",
        ("ok",),
    ),
    "60 parser {": ("return load('return ' .. ('{'):rep(100000)) == nil", ("ok",)),
}

JS = {
    "1 loop": ("for (;;);", GAS),
    "5 catch": ("for (;;) { try { for (;;); } catch {} }", GAS),
    "6 finally": ("for (;;) { try { throw 1 } finally { continue } }", GAS),
    "7 generator": (
        "const g = (function* () { try { yield 1 } finally { for (;;); } })(); g.next(); g.return()",
        GAS,
    ),
    "8 jobs": ("const f = () => Promise.resolve().then(f); f(); return 1n", GAS),
    "8 await": ("return (async () => { for (;;) await null; })()", GAS),
    "15 comparator": ("[3, 2, 1].sort(() => { for (;;); })", GAS),
    "16 replacement": ("'x'.replace('x', () => { for (;;); })", GAS),
    "17 getter": ("return { get x() { for (;;); } }", GAS),
    "17 proxy": ("return new Proxy({}, { ownKeys() { for (;;); } })", LIMIT),
    "17 toString": ("`${{ toString() { for (;;); } }}`", GAS),
    "17 valueOf": ("return +{ valueOf() { for (;;); } }", GAS),
    "19 Function": ("Function('for (;;);')()", GAS),
    "19 eval": ("(0, eval)('for (;;);')", GAS),
    "23 throw storm": ("for (;;) { try { throw new Error('x') } catch {} }", GAS),
    "29 regex": ("/(a+)+$/.exec('a'.repeat(40) + 'b')", GAS),
    "30 lookahead": ("new RegExp('(?='.repeat(5000) + ')'.repeat(5000)).exec('a')", LIMIT),
    "31 join": ("return new Array(5e8).join('x').length", LIMIT),
    "32 fill": ("new Array(1e8).fill(0)", LIMIT),
    "33 repeat": ("'x'.repeat(2 ** 29)", LIMIT),
    "34 doubling": ("let s = 'x'; for (;;) s += s", LIMIT),
    "35 bigint": ("return 2n ** (2n ** 24n) > 0n", LIMIT),
    "36 bigint text": ("return ((1n << 400000n) - 1n).toString().length > 0", FINE),
    "37 sort": ("const t = []; for (let i = 0; i < 400000; i++) t.push(-i); t.sort()", LIMIT),
    "42 normalize": ("for (;;) 'ä\\u0323'.repeat(10000).normalize('NFD')", LIMIT),
    "44 parse": ("JSON.parse('['.repeat(100000) + ']'.repeat(100000))", LIMIT),
    "44 stringify": ("let t = []; for (let i = 0; i < 100000; i++) t = [t]; JSON.stringify(t)", LIMIT),
    "45 spread": ("let t = [1]; for (;;) t = [...t, ...t]", LIMIT),
    "46 apply": ("Math.max.apply(null, new Array(1e6))", LIMIT),
    "48 buffer": ("new ArrayBuffer(2 ** 30)", LIMIT),
    "49 objects": ("let t = {}; for (;;) t = { t }", LIMIT),
    "50 objects in try": (
        "for (let i = 0; i < 50; i++) try { const t = []; for (;;) t.push({}) } catch {}",
        LIMIT,
    ),
    "55 recursion": ("const f = () => 1 + f(); return f()", ("script_error",)),
    "56 caught": (
        "const f = () => 1 + f(); for (let i = 0; i < 3; i++) try { f() } catch {} return 1n",
        ("ok",),
    ),
    "58 sort": ("const f = () => [2, 1].sort(f); f()", LIMIT),
    "60 parser (": ("eval('('.repeat(100000))", LIMIT),
    "60 parser {": ("eval('{'.repeat(100000))", LIMIT),
    "61 regex": ("new RegExp('('.repeat(100000))", LIMIT),
    "62 flat": ("let t = []; for (let i = 0; i < 100000; i++) t = [t]; t.flat(Infinity)", LIMIT),
    "62 classes": (
        "let A = class {}; for (let i = 0; i < 3000; i++) A = class extends A {}; new A(); return 1n",
        LIMIT,
    ),
}

CASES = [("lua/1", *case) for case in LUA.items()] + [("js/1", *case) for case in JS.items()]


@pytest.mark.parametrize(("engine", "name", "case"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_it_ends_in_a_known_way_twice(engine: str, name: str, case: tuple[str, tuple[str, ...]]) -> None:
    body, codes = case
    source = one_method(engine, body)
    ends: list[tuple[Ended, str]] = []
    for _ in range(2):
        ended = call(engine, source, "run", fuel=30_000_000)
        ends.append((ended, memory_hash(engine)))
    assert ends[0] == ends[1]
    assert ends[0][0].code in codes, ends[0][0]


# ── what could differ between machines ───────────────────────────────────────────────────────────────────

SAME = [
    # the value is the proof: written down once, it must come out of every machine
    ("lua/1", "return tostring({}) .. tostring(print) .. string.format('%p', {})",
     "table: hiddenfunction: hidden(null)"),
    ("lua/1", "local s = '' for k in pairs{a=1, b=2, c=3, d=4} do s = s .. k end return #s", 4),
    ("lua/1", "return pcall(error, {}) == false", True),
    ("lua/1", "return string.format('%.17g %.3f %a %5.1e %g', 0.1, 2.0005, 1.5, 1e100, 1e15)",
     "0.10000000000000001 2.001 0x1.8p+0 1.0e+100 1e+15"),
    ("lua/1", "return table.concat({tostring(2^53), tostring(-0.0), tostring(1/0), tostring(1e15)}, ' ')",
     "9.007199254741e+15 -0.0 inf 1e+15"),
    ("lua/1", "return string.format('%.17g %.17g %.17g', math.sin(1), math.exp(1.5), math.log(7))",
     "0.8414709848078965 4.4816890703380645 1.9459101490553132"),
    ("lua/1", "return string.format('%.17g', 2 ^ 0.5) .. tostring(tonumber('1e-320'))",
     "1.41421356237309519.9998886718268e-321"),
    ("lua/1", "return (string.pack('<d', 0/0):gsub('.', function(c) return ('%02x'):format(c:byte()) end))",
     "000000000000f87f"),
    ("js/1", "return String([0.1, 1e21, -0, 1 / 3, 5e-324, 123456789.125].map(String))",
     "0.1,1e+21,0,0.3333333333333333,5e-324,123456789.125"),
    ("js/1", "return String([Math.sin(1), Math.exp(1.5), Math.log(7), Math.cbrt(3), Math.tanh(0.5)])",
     "0.8414709848078965,4.4816890703380645,1.9459101490553132,1.4422495703074083,0.46211715726000974"),
    ("js/1", "return Array.from(new Uint8Array(new Float64Array([NaN]).buffer)).join()",
     "0,0,0,0,0,0,248,127"),
    ("js/1", "return Object.keys({ b: 1, a: 2, 2: 3, 1: 4 }).join()", "1,2,b,a"),
    ("js/1", "return (1.005).toFixed(2) + (1e21).toLocaleString() + 'ä'.localeCompare('z')", "1.001e+211"),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "body", "value"), SAME)
def test_it_is_the_same_everywhere(engine: str, body: str, value: object) -> None:
    assert value_of(call(engine, one_method(engine, body), "run")) == value


# ── what a contract must not have ────────────────────────────────────────────────────────────────────────

LUA_NAMES = {
    *(
        "_G",
        "_VERSION",
        "assert",
        "balance",
        "bytes",
        "call",
        "contract",
        "coroutine",
        "ctx",
        "decimal",
        "emit",
    ),
    *(
        "ensure",
        "error",
        "gas_left",
        "getmetatable",
        "hash",
        "int",
        "ipairs",
        "load",
        "map",
        "math",
        "next",
        "null",
    ),
    *(
        "pairs",
        "pcall",
        "print",
        "rawequal",
        "rawget",
        "rawlen",
        "rawset",
        "revert",
        "select",
        "setmetatable",
    ),
    *(
        "static_call",
        "store",
        "string",
        "table",
        "token",
        "tonumber",
        "tostring",
        "transfer",
        "transfer_and_call",
    ),
    *("try_call", "type", "utf8", "verify", "xpcall"),
}
JS_NAMES = {
    *("AggregateError", "Array", "ArrayBuffer", "AsyncDisposableStack", "BigInt", "BigInt64Array"),
    *("BigUint64Array", "Boolean", "DataView", "DisposableStack", "Error", "EvalError", "Float16Array"),
    *("Float32Array", "Float64Array", "Function", "Infinity", "Int16Array", "Int32Array", "Int8Array"),
    *("InternalError", "Iterator", "JSON", "Map", "Math", "NaN", "Number", "Object", "Promise", "Proxy"),
    *("RangeError", "ReferenceError", "Reflect", "RegExp", "Set", "String", "SuppressedError", "Symbol"),
    *(
        "SyntaxError",
        "TypeError",
        "URIError",
        "Uint16Array",
        "Uint32Array",
        "Uint8Array",
        "Uint8ClampedArray",
    ),
    *(
        "WeakMap",
        "WeakSet",
        "decodeURI",
        "decodeURIComponent",
        "encodeURI",
        "encodeURIComponent",
        "escape",
        "eval",
    ),
    *("globalThis", "isFinite", "isNaN", "parseFloat", "parseInt", "undefined", "unescape"),
    *(
        "balance",
        "bytes",
        "call",
        "console",
        "contract",
        "ctx",
        "decimal",
        "emit",
        "ensure",
        "gas_left",
        "hash",
    ),
    *("int", "print", "revert", "static_call", "store", "token", "transfer", "transfer_and_call", "try_call"),
    "verify",
}


def test_global_names_are_these() -> None:
    body = "local t = {} for name in pairs(_G) do t[#t + 1] = name end return t"
    assert set(value_of(call("lua/1", one_method("lua/1", body), "run"))) == LUA_NAMES  # type: ignore[arg-type]
    body = "return Reflect.ownKeys(globalThis).filter((name) => typeof name === 'string')"
    assert set(value_of(call("js/1", one_method("js/1", body), "run"))) == JS_NAMES  # type: ignore[arg-type]


NOTHING = [
    ("lua/1", "return io or os or debug or package or require or dofile or loadfile or collectgarbage"),
    ("lua/1", "return math.random or math.randomseed or string.dump or warn"),
    ("lua/1", "return (load('\\27Lua'))"),
    ("lua/1", "return (load('return 1', 'x', 'b'))() ~= 1 or nil"),
    ("js/1", "return globalThis.Date ?? globalThis.performance ?? globalThis.WeakRef ?? globalThis.require"),
    ("js/1", "return globalThis.FinalizationRegistry ?? globalThis.SharedArrayBuffer ?? globalThis.Atomics"),
    ("js/1", "return Math.random ?? globalThis.process ?? globalThis.std ?? globalThis.os"),
    ("js/1", "return gas_left.constructor('return this')() === globalThis ? null : 1n"),
]


@pytest.mark.parametrize(("engine", "body"), NOTHING)
def test_there_is_nothing_of_the_machine(engine: str, body: str) -> None:
    assert value_of(call(engine, one_method(engine, body), "run")) is None


@pytest.mark.parametrize("field", ["__gc", "__mode"])
def test_no_finalizers_and_no_weak_tables(field: str) -> None:
    body = f"return setmetatable({{}}, {{{field} = 'k'}})"
    assert "not there in contracts" in call("lua/1", one_method("lua/1", body), "run").text
    late = (
        "local m = {} local t = setmetatable({}, m) m.__mode = 'k' m.__gc = function() error('seen') end "
        "for i = 1, 100 do t[{}] = i end for i = 1, 5000 do local x = {{}} end "
        "local n = 0 for _ in pairs(t) do n = n + 1 end return n"
    )
    assert value_of(call("lua/1", one_method("lua/1", late), "run")) == 100


POISON = {
    "lua/1": [
        "string.len = nil getmetatable('').__index = nil return 1",
        "_G.store = nil tostring = nil setmetatable(_G, {__index = error}) return 1",
    ],
    "js/1": [
        "Object.prototype.x = 1n; Array.prototype.push = null; globalThis.y = 2n; return 1n",
        "delete globalThis.store; String.prototype.slice = null; return 1n",
    ],
}


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_outlives_a_call(engine: str) -> None:
    clean = {
        "lua/1": "return ('x'):len() == 1 and store ~= nil and getmetatable(_G) == nil",
        "js/1": "return ({}).x === undefined && typeof [].push === 'function' && typeof y === 'undefined'",
    }
    source = one_method(engine, clean[engine])
    before = call(engine, source, "run")
    assert value_of(before) is True
    for poison in POISON[engine]:
        call(engine, one_method(engine, poison), "run")
        assert call(engine, source, "run") == before
