"""Cases 65 to 96: what could differ between two runs or two processors, and ways out of the sandbox."""

from tests.attacks.case import ERROR, HOST, OK, Case

_TRIG_LUA = """local x = 0.5 for i = 1, 2000 do
  x = math.sin(x) + math.cos(x * i) ^ 2 + math.exp(-x * x) + math.atan(x, i) + math.log(2 + x * x) + 0.1 % x
end return string.format('%a %.17g', x, x)"""
_TRIG_JS = """let x = 0.5; for (let i = 1; i <= 2000; i++)
  x = Math.sin(x) + Math.cos(x * i) ** 2 + Math.exp(-x * x) + Math.atan2(x, i) + Math.log(2 + x * x)
    + Math.cbrt(x) + Math.tanh(x) + Math.hypot(x, i) / i + Math.expm1(Math.sin(x)) + 0.1 % x;
return String(x) + ' ' + new Uint8Array(new Float64Array([x]).buffer).join()"""
_CHURN_LUA = """local kept, sum = {}, 0 for i = 1, 30000 do
  local t = {i, tostring(i)} if i % 7 == 0 then kept[i % 50] = t end sum = sum + #t[2]
end return sum"""
_CHURN_JS = """const kept = []; let sum = 0; for (let i = 0; i < 9000; i++) {
  const t = { i, text: String(i), self: null }; t.self = t; if (i % 7 === 0) kept[i % 50] = t;
  sum += t.text.length; } return BigInt(sum)"""

CASES = {
    65: Case(
        "order of text keys",
        [
            (
                OK,
                """local s = '' for k in pairs{zeta=1, a=2, beta=3, [1]=4, x1=5, y=6, z=7} do s = s
                  .. k end return s""",
            )
        ],
        [(OK, "return Object.keys({ zeta: 1, a: 2, 7: 3, beta: 4, 1: 5, x1: 6 }).join()")],
    ),
    66: Case(
        "order of keys that are tables and functions",
        [
            (
                OK,
                """local t, s = {}, '' for i = 1, 40 do t[{}] = i t[function() return i end] = -i end
                  t[print] = 0 t[coroutine.create(print)] = 99 for _, v in pairs(t) do s = s .. v ..
                  ' ' end return s""",
            )
        ],
        [
            (
                OK,
                """const t = new Map(); for (let i = 0; i < 40; i++) t.set({}, i).set(() => i, -i);
                  return [...t.values()].join()""",
            )
        ],
    ),
    67: Case(
        "addresses in texts",
        [
            (
                OK,
                """return tostring({}) .. tostring(print) .. tostring(function() end) ..
                  string.format('%p', {}) .. tostring(coroutine.create(print)) .. tostring(null) ..
                  tostring(select(2, pcall(error, {}))) .. tostring(select(2, pcall(function()
                  return {} .. 'x' end)))""",
            )
        ],
        [
            (
                OK,
                """return String({}) + String(gas_left) + String(Symbol('x')) + String(class A {}) +
                  [{}, null]""",
            )
        ],
    ),
    68: Case(
        "random numbers",
        [(ERROR, "return math.random(6)"), (ERROR, "math.randomseed(1)")],
        [(ERROR, "return Math.random()"), (ERROR, "crypto.getRandomValues(new Uint8Array(1))")],
    ),
    69: Case(
        "clocks",
        [(ERROR, "return os.time()"), (ERROR, "return os.clock()")],
        [
            (ERROR, "return Date.now()"),
            (ERROR, "return performance.now()"),
            (ERROR, "setTimeout(() => 1, 1)"),
        ],
    ),
    70: Case(
        "locale and time zone",
        [
            (ERROR, "os.setlocale('de_DE')"),
            (
                OK,
                """return ('ÄIİ'):lower() .. ('ß'):upper() .. string.format('%.2f', 1234.5) ..
                  tostring(('ä'):find('%a'))""",
            ),
        ],
        [
            (ERROR, "return Intl.NumberFormat('de').format(1.5)"),
            (
                OK,
                """return 'IİÄ'.toLocaleLowerCase('tr') + (1234.5).toLocaleString('de') +
                  'ä'.localeCompare('z') + 'ß'.toUpperCase()""",
            ),
        ],
    ),
    71: Case(
        "bits of numbers that are none",
        [
            (
                OK,
                """local s = '' for _, x in ipairs{0/0, -(0/0), math.huge - math.huge, math.sqrt(-1),
                  tonumber('nan') or 0, (string.unpack('<d', '\\1\\2\\3\\4\\5\\6\\248\\127')) + 1}
                  do s = s .. string.pack('<d', x):gsub('.', function(c)
                  return ('%02x'):format(c:byte()) end) end return s""",
            )
        ],
        [
            (
                OK,
                """const f = new Float64Array([NaN, -NaN, Infinity - Infinity, Math.sqrt(-1), 0 /
                  0]); const odd = new Uint8Array([1, 2, 3, 4, 5, 6, 0xf8, 0x7f]); return new
                  Uint8Array(f.buffer).join() + new Uint8Array(Float64Array.from(new
                  Float64Array(odd.buffer), (x) => x + 1).buffer).join() + new Uint8Array(new
                  Float32Array([NaN, 1e300]).buffer).join()""",
            )
        ],
    ),
    72: Case(
        "how numbers look",
        [
            (
                OK,
                """return table.concat({tostring(-0.0), tostring(1/0), tostring(2^53),
                  tostring(1e15), tostring(0.1), string.format('%.17g %a %5.1e %g %.3f', 0.1, 1.5,
                  1e100, 1e15, 2.0005), tostring(5e-324), tostring(tonumber('0x1.8p-3')),
                  tostring(1e308 * 10), tostring(3 // 0.0), tostring(-3 % 0.7)}, ' ')""",
            )
        ],
        [
            (
                OK,
                """return [0.1, 1e21, -0, 1 / 3, 5e-324, 123456789.125, 1e-7, 2 ** 53, -1 /
                  0].map(String).join() + (1.005).toFixed(2) + (0.000001234).toPrecision(3) +
                  (255.5).toString(7) + (1e21).toExponential()""",
            )
        ],
    ),
    73: Case("chains of sine, power, exponential, to the last bit", [(OK, _TRIG_LUA)], [(OK, _TRIG_JS)]),
    74: Case(
        "tables and references that forget",
        [
            (ERROR, "setmetatable({}, {__mode = 'k'})"),
            (
                OK,
                """local m = {} local t = setmetatable({}, m) m.__mode = 'k' m.__gc = error for i =
                  1, 100 do t[{}] = i end for i = 1, 9000 do local x = {{}} end local n = 0 for _ in
                  pairs(t) do n = n + 1 end return n""",
            ),
        ],
        [
            (ERROR, "new WeakRef({})"),
            (ERROR, "new FinalizationRegistry(() => 1)"),
            (
                OK,
                """const w = new WeakMap(), k = {}; w.set(k, 1n); for (let i = 0; i < 9000; i++)
                  w.set({}, i); return [w.get(k), Object.keys(w).length + '']""",
            ),
        ],
    ),
    75: Case(
        "how much memory is in use",
        [(ERROR, "return collectgarbage('count')")],
        [(ERROR, "return gc()"), (ERROR, "return performance.memory")],
    ),
    76: Case("garbage is collected on the way", [(OK, _CHURN_LUA)], [(OK, _CHURN_JS)]),
    77: Case(
        "order of entries, and of equal items when sorted",
        [
            (
                OK,
                """local t = {} for i = 1, 300 do t[i] = {i * 7919 % 10, i} end table.sort(t,
                  function(a, b) return a[1] < b[1] end) local s = '' for _, v in ipairs(t) do s = s
                  .. v[2] .. ' ' end return s""",
            ),
            (ERROR, "table.sort({3, 1, 2, 5, 4, 9, 7}, function(a, b) return true end)"),
        ],
        [
            (
                OK,
                """return Array.from({ length: 300 }, (_, i) => [i * 7919 % 10, i]).sort((a, b) =>
                  a[0] - b[0]).map((x) => x[1]).join()""",
            ),
            (OK, "return [5, 1, 4, 2, 3, 9, 7, 8].sort(() => 1).join() + [3, 20, 1, 100].sort().join()"),
        ],
    ),
    78: Case(
        "tables with holes, and changed while they are walked",
        [
            (
                OK,
                """local t = {1, 2, nil, 4, nil, nil, 7} local s = #t .. ' ' t[9] = 1 t[16] = 1 s = s
                  .. #t for k in pairs(t) do t[k] = nil s = s .. ' ' .. k end return s""",
            ),
            (
                ERROR,
                """local t = {a = 1} for k in pairs(t) do t[k] = nil t[k .. 'x'] = 1 t[k .. 'y'] = 2
                  t.b = 3 end""",
            ),
        ],
        [
            (
                OK,
                """const t = { a: 1, b: 2, c: 3 }; let s = ''; for (const k in t) { delete t.b; t.d =
                  4; s += k; } const m = new Map([[1, 1], [2, 2]]); for (const [k] of m) { if (k <
                  9) m.set(k + 2, 1); s += k; } return s + [1, , 3].length""",
            )
        ],
    ),
    79: Case(
        "where an error happened",
        [
            (
                ERROR,
                "local function a() error('deep') end local function b() a() end b()",
            ),
            (OK, "return select(2, pcall(function() local x = nil; return x.y.z end))"),
        ],
        [
            (OK, "try { null.x } catch (error) { return error.message + error.stack }"),
            (ERROR, "const a = () => { throw new RangeError('deep') }, b = () => a(); b()"),
        ],
    ),
    80: Case(
        "memory, byte by byte, in two processes and on two processors",
        HOST,
        HOST,
        (
            "attacks/test_cases.py::test_a_program_does_what_it_always_did",
            "attacks/test_cases.py::test_another_process_says_the_same",
        ),
    ),
    81: Case(
        "the first call after a start is the thousandth",
        HOST,
        HOST,
        ("unit/contracts/test_wasm.py::test_the_thousandth_call_is_the_first",),
    ),
    82: Case(
        "the order of contracts on one instance does not matter",
        HOST,
        HOST,
        ("attacks/test_limits.py::test_the_order_of_contracts_does_not_show",),
    ),
    83: Case(
        "the same gas whether or not the image was kept",
        HOST,
        HOST,
        ("attacks/test_limits.py::test_a_forgotten_image_costs_the_same",),
    ),
    84: Case(
        "the gas of fixed programs", HOST, HOST, ("golden/test_gas.py::test_gas_is_what_it_always_was",)
    ),
    85: Case(
        "compiled programs as input",
        [
            (OK, "return (load('\\27Lua')) == nil"),
            (OK, "return (load('\\27LuaT', 'x', 'b')) == nil"),
            (ERROR, "return string.dump(function() end)"),
            (ERROR, "return load(function() return 'return 1' end)()"),
        ],
        [(ERROR, "std.evalScript('1')"), (ERROR, "return import('x')")],
    ),
    86: Case(
        "libraries of the system, by any way",
        [
            *(
                (ERROR, f"{name}()")
                for name in ("io.open", "os.execute", "debug.getinfo", "require", "package.loadlib")
            ),
            *((ERROR, f"{name}('x')") for name in ("dofile", "loadfile", "getfenv", "newproxy", "warn")),
            (OK, "return getmetatable('') == false and getmetatable(store) == false and ('').dump == nil"),
            (OK, "return load('return io or os or debug or package')() == nil"),
        ],
        [
            *(
                (ERROR, f"{name}")
                for name in ("require('fs')", "process.exit()", "std.open('x')", "os.exec(['x'])")
            ),
            *(
                (ERROR, f"{name}")
                for name in ("fetch('http://x')", "new XMLHttpRequest()", "new Worker('x')")
            ),
            (OK, "return Function('return typeof std + typeof os + typeof process')()"),
        ],
    ),
    87: Case(
        "from a function of the chain to the world",
        [(OK, "local t = {} for name in pairs(_G) do t[#t + 1] = name end table.sort(t) return t")],
        [
            (OK, "return gas_left.constructor('return this')() === globalThis"),
            (OK, "return Reflect.ownKeys(globalThis).filter((name) => typeof name === 'string').sort()"),
            (OK, "return Reflect.ownKeys(gas_left.constructor('return this')()).length + ''"),
        ],
        ("attacks/test_same.py::test_global_names_are_these",),
    ),
    88: Case(
        "what is poisoned does not outlive the call",
        HOST,
        HOST,
        ("attacks/test_same.py::test_nothing_outlives_a_call",),
    ),
    89: Case(
        "a request that points outside of the area",
        HOST,
        HOST,
        ("attacks/test_limits.py::test_no_request_reaches_beyond_its_area",),
    ),
    90: Case(
        "texts that are none, zero bytes, huge keys",
        [
            (ERROR, "return '\\255'"),
            (ERROR, "return map{['\\237\\160\\128'] = 1}"),
            (OK, "return map{['a\\0b'] = '\\0'}"),
            (ERROR, "emit('\\255')"),
            (ERROR, "call(('x'):rep(30000), 'm')"),
        ],
        [
            (ERROR, "return '\\ud800'"),
            (ERROR, "return { '\\udc00': 1n }"),
            (OK, "return { 'a\\0b': '\\0' }"),
            (ERROR, "emit('\\ud800')"),
            (ERROR, "call('x'.repeat(30000), 'm')"),
        ],
    ),
    91: Case(
        "arguments that are no value",
        HOST,
        HOST,
        ("attacks/test_limits.py::test_malformed_arguments_only_fail",),
    ),
    92: Case(
        "an exception in the host leaves nothing half done",
        HOST,
        HOST,
        ("attacks/test_host_faults.py::test_what_is_no_fault_of_the_guest_stops",),
    ),
    93: Case(
        "re-entry",
        HOST,
        HOST,
        (
            "attacks/test_chain.py::test_every_scenario_is_what_it_was",
            "unit/ledger/contracts/test_frames.py::test_re_entry_is_refused_unless_a_method_allows_it",
        ),
    ),
    94: Case(
        "3,000 ends in the middle, then the same gas",
        HOST,
        HOST,
        ("unit/contracts/test_wasm.py::test_traps_leave_nothing_behind",),
    ),
    95: Case(
        "the module imports env.host and nothing else",
        HOST,
        HOST,
        ("unit/rules/test_engines.py::test_module_has_one_import_fixed_memory_and_one_mutable_global",),
    ),
    96: Case(
        "another module or runtime is refused at the start",
        HOST,
        HOST,
        (
            "unit/daemon/test_machines.py::test_another_file_or_version_is_refused",
            "unit/rules/test_engines.py::test_the_runtime_is_pinned",
        ),
    ),
}
