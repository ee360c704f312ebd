"""Cases 1 to 23: programs that try to run longer than they pay for."""

from tests.attacks.case import ERROR, GAS, HOST, Case

CASES = {
    1: Case("endless loop", [(GAS, "while true do end")], [(GAS, "for (;;);")]),
    2: Case(
        "loop of pcall around an endless loop",
        [(GAS, "while true do pcall(function() while true do end end) end")],
        "pcall is Lua's; the same with try is case 5",
    ),
    3: Case(
        "an endless loop is caught once, then the program goes on",
        [(GAS, "pcall(function() while true do end end) return 1")],
        [(GAS, "try { for (;;); } catch {} return 1n")],
    ),
    4: Case(
        "the handler of an error loops",
        [(GAS, "xpcall(error, function() while true do end end)")],
        [(GAS, "try { throw 1 } catch { for (;;); }")],
    ),
    5: Case(
        "loop of try and catch",
        "try is JavaScript's; the same with pcall is case 2",
        [(GAS, "for (;;) { try { for (;;); } catch {} }")],
    ),
    6: Case(
        "finally that goes on",
        "Lua has no finally; what runs at the end of a block is case 12",
        [(GAS, "for (;;) { try { throw 1 } finally { continue } }")],
    ),
    7: Case(
        "the end of a generator whose finally loops",
        "Lua has no finally; a coroutine that is closed is case 11",
        [(GAS, "const g = (function* () { try { yield } finally { for (;;); } })(); g.next(); g.return()")],
    ),
    8: Case(
        "jobs of promises without end",
        "Lua has no jobs that run later",
        [
            (GAS, "const f = () => Promise.resolve().then(f); f(); return 1n"),
            (GAS, "return (async () => { for (;;) await null; })()"),
        ],
    ),
    9: Case(
        "the body of a coroutine loops",
        [(GAS, "coroutine.wrap(function() while true do end end)()")],
        [(GAS, "(function* () { for (;;); })().next()")],
    ),
    10: Case(
        "thousands of short coroutines",
        [(GAS, "while true do coroutine.wrap(function() coroutine.yield() end)() end")],
        [(GAS, "for (;;) [...(function* () { yield 1 })()]")],
    ),
    11: Case(
        "a coroutine is closed whose __close loops",
        [
            (
                GAS,
                """local c = coroutine.create(function()
          local x <close> = setmetatable({}, {__close = function() while true do end end}) coroutine.yield()
        end) coroutine.resume(c) coroutine.close(c)""",
            )
        ],
        "the same with generators is case 7",
    ),
    12: Case(
        "what runs at the end of a block loops",
        [(GAS, "local x <close> = setmetatable({}, {__close = function() while true do end end})")],
        [(GAS, "const s = new DisposableStack(); s.defer(() => { for (;;); }); s.dispose()")],
    ),
    13: Case(
        "a finalizer loops",
        [(ERROR, "setmetatable({}, {__gc = function() while true do end end})")],
        [(ERROR, "new FinalizationRegistry(() => { for (;;); })")],
    ),
    14: Case("goto", [(GAS, "::a:: goto a")], [(GAS, "a: for (;;) continue a")]),
    15: Case(
        "the comparator of sort loops",
        [(GAS, "table.sort({1, 2, 3}, function() while true do end end)")],
        [(GAS, "[3, 2, 1].sort(() => { for (;;); })")],
    ),
    16: Case(
        "the function for replacements loops",
        [(GAS, "('x'):gsub('x', function() while true do end end)")],
        [(GAS, "'x'.replace('x', () => { for (;;); })")],
    ),
    17: Case(
        "getters, proxies and conversions loop",
        "Lua's hooks of values are metamethods: case 18",
        [
            (GAS, "return { get x() { for (;;); } }"),
            (GAS, "return new Proxy({}, { ownKeys() { for (;;); } })"),
            (GAS, "`${{ toString() { for (;;); } }}`"),
            (GAS, "JSON.stringify({ toJSON() { for (;;); } })"),
            (GAS, "return +{ valueOf() { for (;;); } }"),
            (GAS, "return { [Symbol.toPrimitive]() { for (;;); } } + ''"),
        ],
    ),
    18: Case(
        "metamethods loop",
        [
            (GAS, "return setmetatable({}, {__index = function() while true do end end}).x"),
            (
                GAS,
                """local m = {__eq = function() while true do end end} return setmetatable({}, m) ==
                  setmetatable({}, m)""",
            ),
            (GAS, "tostring(setmetatable({}, {__tostring = function() while true do end end}))"),
            (GAS, "return setmetatable({}, {__concat = function() while true do end end}) .. 'x'"),
        ],
        "JavaScript's hooks of values are getters and proxies: case 17",
    ),
    19: Case(
        "programs made from text are metered",
        [(GAS, "load('while true do end')()")],
        [
            (GAS, "Function('for (;;);')()"),
            (GAS, "(0, eval)('for (;;);')"),
            (GAS, "(async () => {}).constructor('for (;;);')()"),
        ],
    ),
    20: Case(
        "gas at the limit, one less, one more",
        HOST,
        HOST,
        ("unit/contracts/test_wasm.py::test_fuel_is_exact_to_the_last",),
    ),
    21: Case(
        "out of gas inside a call of another contract",
        HOST,
        HOST,
        (
            "attacks/test_chain.py::test_every_scenario_is_what_it_was",
            "unit/ledger/contracts/test_real_engines.py::test_endless_loops_end",
        ),
    ),
    22: Case(
        "out of gas inside an operation of the host",
        [(GAS, "while true do gas_left() end"), (GAS, "while true do pcall(gas_left) end", 100_000)],
        [(GAS, "for (;;) gas_left()"), (GAS, "for (;;) try { gas_left() } catch {}", 100_000)],
        ("unit/contracts/test_wasm_instance.py::test_meter_ends_at_nothing_left",),
    ),
    23: Case(
        "storms of errors and of yields",
        [
            (GAS, "while true do pcall(error, 1) end"),
            (
                GAS,
                """local f = coroutine.wrap(function() while true do coroutine.yield() end end) while
                  true do f() end""",
            ),
        ],
        [
            (GAS, "for (;;) { try { throw new Error('x') } catch {} }"),
            (GAS, "const g = (function* () { for (;;) yield 1; })(); for (;;) g.next()"),
        ],
    ),
}
