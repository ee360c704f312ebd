"""What must be the same on every machine, and what a contract must not find: known values, names, poison."""

import pytest

from tests.machines import ENGINES, call, value_of
from tests.unit.contracts.test_wasm import one_method

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
