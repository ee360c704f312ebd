"""Cases 24 to 64: one operation that does too much, too much memory, too deep a nesting."""

from tests.attacks.case import ERROR, GAS, HOST, MEMORY, OK, Case

CASES = {
    24: Case("8 GiB of text at once", [(ERROR, "return #('x'):rep(1 << 33)")], "its own bound is case 33"),
    25: Case(
        "7 MB of text a thousand times",
        [(GAS, "for _ = 1, 1000 do local s = ('x'):rep(7000000) end")],
        [(GAS, "for (let i = 0; i < 1000; i++) 'x'.repeat(7000000)")],
    ),
    26: Case(
        "a pattern that tries all ways",
        [(GAS, "return ('a'):rep(3000):find(('.-'):rep(30) .. 'b')")],
        "JavaScript's patterns are regular expressions: case 29",
    ),
    27: Case(
        "n optional characters, then n",
        [(GAS, "return ('a'):rep(28):find(('a?'):rep(28) .. ('a'):rep(28))")],
        [(GAS, "new RegExp('a?'.repeat(28) + 'a'.repeat(28)).exec('a'.repeat(28))")],
    ),
    28: Case(
        "a search that begins again at each place",
        [(GAS, "for _ = 1, 100 do ('a'):rep(1000000):find('.-b') end")],
        [(GAS, "/.*?b/.exec('a'.repeat(1000000))")],
    ),
    29: Case(
        "a regular expression that tries all ways",
        "Lua has no regular expressions; its patterns are case 26",
        [(GAS, "/(a+)+$/.exec('a'.repeat(40) + 'b')")],
    ),
    30: Case(
        "5,000 lookaheads inside each other",
        "Lua's patterns have none",
        [(ERROR, "new RegExp('(?='.repeat(5000) + ')'.repeat(5000)).exec('a')")],
    ),
    31: Case(
        "joining 500,000,000 items",
        "a table has no length that nobody filled; joining is case 38",
        [(GAS, "return new Array(5e8).join('x').length")],
    ),
    32: Case(
        "filling 100,000,000 items",
        "one operation on many items is case 39",
        [(GAS, "new Array(1e8).fill(0)")],
    ),
    33: Case(
        "512 MiB of text at once",
        [(MEMORY, "return #('x'):rep(1 << 29)")],
        [(MEMORY, "'x'.repeat(2 ** 29)")],
    ),
    34: Case(
        "a text that doubles",
        [(MEMORY, "local s = 'x' while true do s = s .. s end")],
        [(ERROR, "let s = 'x'; for (;;) s += s")],
    ),
    35: Case(
        "a power with 16,777,216 bits",
        "Lua's integers have 64 bits",
        [(ERROR, "return 2n ** (2n ** 24n) > 0n")],
    ),
    36: Case(
        "integers of 400,000 bits multiplied, divided, printed",
        "Lua's integers have 64 bits",
        [
            (GAS, "const a = (1n << 400000n) - 1n; return a * a > 0n"),
            (GAS, "const a = (1n << 400000n) - 1n; return a / ((1n << 200000n) - 3n) > 0n"),
            (GAS, "return ((1n << 400000n) - 1n).toString().length > 0"),
        ],
    ),
    37: Case(
        "sorting 400,000 items",
        [(GAS, "local t = {} for i = 1, 400000 do t[i] = -i end table.sort(t)")],
        [(GAS, "const t = []; for (let i = 0; i < 400000; i++) t.push(-i); t.sort()")],
    ),
    38: Case(
        "joining 30 MB",
        [(MEMORY, "local t = {} for i = 1, 3000 do t[i] = ('x'):rep(9999) end return #table.concat(t)")],
        [(MEMORY, "return new Array(3000).fill('x'.repeat(9999)).join('').length")],
    ),
    39: Case(
        "moving 200,000,000 items",
        [(GAS, "table.move({}, 1, 200000000, 2)")],
        [(GAS, "Array.prototype.copyWithin.call({ length: 2e8 }, 1, 0)")],
    ),
    40: Case(
        "a million results",
        [(ERROR, "return select('#', table.unpack({}, 1, 1000000))")],
        "a million arguments are case 46",
    ),
    41: Case(
        "numbers with 99 digits before and after the point",
        [(GAS, "for i = 1, 1000000 do string.format('%99.99f', 1e300 + i) end")],
        [(GAS, "for (let i = 0; ; i++) (1e20 + i).toFixed(99)")],
    ),
    42: Case(
        "putting 20,000 marks in order",
        "Lua's texts are bytes",
        [(GAS, "for (;;) 'ä\\u0323'.repeat(10000).normalize('NFD')")],
    ),
    43: Case(
        "a number of a million digits",
        [(OK, "return tonumber(('9'):rep(1000000)) ~= nil")],
        [
            (OK, "return Number('9'.repeat(1000000)) > 0"),
            (GAS, "return BigInt('9'.repeat(1000000)) > 0n"),
        ],
    ),
    44: Case(
        "lists 100,000 deep",
        [(ERROR, "local t = {} for _ = 1, 100000 do t = {t} end return t")],
        [
            (ERROR, "JSON.parse('['.repeat(100000) + ']'.repeat(100000))"),
            (ERROR, "let t = []; for (let i = 0; i < 100000; i++) t = [t]; JSON.stringify(t)"),
            (ERROR, "let t = []; for (let i = 0; i < 100000; i++) t = [t]; return t"),
        ],
    ),
    45: Case(
        "a list that doubles",
        [
            (
                GAS,
                "local t = {1} while true do local n = #t for i = 1, n do t[n + i] = t[i] end end",
            )
        ],
        [(GAS, "let t = [1]; for (;;) t = [...t, ...t]")],
    ),
    46: Case(
        "a million arguments",
        "a million results are case 40",
        [(ERROR, "Math.max.apply(null, new Array(1e6))")],
    ),
    47: Case(
        "keys that meet in one place of a table: the seed is known",
        [
            (GAS, "local t = {} for i = 1, 1000000 do t['k' .. i] = i end"),
            (GAS, "local t = {} for i = 1, 100000 do t[i * 65535] = i end"),
        ],
        [
            (GAS, "const t = {}; for (let i = 0; i < 1000000; i++) t['k' + i] = i"),
            (GAS, "const t = new Map(); for (let i = 0; i < 1000000; i++) t.set(i * 65536, i)"),
        ],
    ),
    48: Case(
        "1 GiB of bytes",
        "only texts can be so large: case 24",
        [(MEMORY, "new ArrayBuffer(2 ** 30)"), (MEMORY, "new Float64Array(2 ** 22)")],
    ),
    49: Case(
        "tables in tables",
        [(GAS, "local t = {} while true do t = {t, {}, {}} end")],
        [(GAS, "let t = {}; for (;;) t = { t }")],
    ),
    50: Case(
        "all memory taken, caught, fifty times",
        [
            (
                MEMORY,
                "for _ = 1, 50 do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end",
            )
        ],
        [
            (
                MEMORY,
                "for (let i = 0; i < 50; i++) try { const t = []; for (;;) t.push({}) } catch {}",
            )
        ],
    ),
    51: Case(
        "memory ends in the middle of an answer of the host",
        [(MEMORY, "local t = {} while true do t[#t + 1] = hash('a', 'b') end")],
        [(MEMORY, "const t = []; for (;;) t.push(hash('a', 'b'))")],
    ),
    52: Case(
        "too large an event, entry, argument, result",
        [(ERROR, "return ('x'):rep(16382)"), (ERROR, "print(('x'):rep(20480))")],
        [(ERROR, "return 'x'.repeat(16382)"), (ERROR, "print('x'.repeat(20480))")],
        ("attacks/test_chain.py::test_every_scenario_is_what_it_was",),
    ),
    53: Case(
        "many sizes of texts, one after the other",
        [(OK, "local t = {} for i = 1, 20000 do t[i % 100] = ('x'):rep(i % 3000) end return 1")],
        [(OK, "const t = []; for (let i = 0; i < 9000; i++) t[i % 100] = 'x'.repeat(i % 3000); return 1n")],
    ),
    54: Case(
        "an instance that is used again after it took much memory",
        HOST,
        HOST,
        ("unit/contracts/test_wasm_instance.py::test_restore_makes_every_byte_what_it_was",),
    ),
    55: Case(
        "recursion",
        [(ERROR, "local function f(n) return 1 + f(n) end return f(1)")],
        [(ERROR, "const f = () => 1 + f(); return f()")],
    ),
    56: Case(
        "recursion that is caught, three times",
        [(OK, "local function f() return 1 + f() end for _ = 1, 3 do pcall(f) end return 1")],
        [(OK, "const f = () => 1 + f(); for (let i = 0; i < 3; i++) try { f() } catch {} return 1n")],
    ),
    57: Case(
        "pcall of itself",
        [(OK, "local function f() return pcall(f) end return (f())")],
        [(GAS, "const f = () => { try { f() } finally { f() } }; f()")],
    ),
    58: Case(
        "recursion through functions of the library",
        [
            (ERROR, "local function f() return (('x'):gsub('x', f)) end return f()"),
            (
                ERROR,
                "local function f() table.sort({2, 1}, function() f() end) end f()",
            ),
            (
                ERROR,
                "local t = {} setmetatable(t, {__index = function(s, k) return s[k + 1] end}) return t[1]",
            ),
            (
                ERROR,
                "local t = {} setmetatable(t, {__tostring = function() return tostring(t) end}) tostring(t)",
            ),
        ],
        [
            (ERROR, "const f = () => 'x'.replace('x', f); f()"),
            (ERROR, "const f = () => [2, 1].sort(f); f()"),
            (ERROR, "const o = { get x() { return this.x } }; return o.x"),
            (ERROR, "const o = { toString() { return `${o}` } }; `${o}`"),
        ],
    ),
    59: Case(
        "coroutines inside coroutines",
        [(ERROR, "local function f() return coroutine.wrap(f)() end return f()")],
        [(ERROR, "const f = () => (function* () { yield f() })().next(); f()")],
    ),
    60: Case(
        "200,000 open brackets",
        [
            (OK, "return load('return ' .. ('('):rep(200000) .. '1' .. (')'):rep(200000)) == nil"),
            (OK, "return load('return ' .. ('{'):rep(200000)) == nil"),
        ],
        [(ERROR, "eval('('.repeat(200000))"), (ERROR, "eval('{'.repeat(200000))")],
    ),
    61: Case(
        "brackets of a pattern inside each other",
        [(ERROR, "('a'):find(('('):rep(100000) .. (')'):rep(100000))")],
        [(ERROR, "new RegExp('('.repeat(100000) + ')'.repeat(100000))")],
    ),
    62: Case(
        "long chains of classes, generators and lists",
        [(ERROR, "local t = {} for _ = 1, 3000 do t = setmetatable({}, {__index = t}) end return t.x")],
        [
            (ERROR, "let A = class {}; for (let i = 0; i < 3000; i++) A = class extends A {}; new A()"),
            (
                ERROR,
                """let g = (function* () { yield 1 })(); for (let i = 0; i < 5000; i++) { const h =
                  g; g = (function* () { yield* h })() } g.next()""",
            ),
            (ERROR, "let t = []; for (let i = 0; i < 100000; i++) t = [t]; t.flat(Infinity)"),
        ],
    ),
    63: Case(
        "contracts that call each other to the bound",
        HOST,
        HOST,
        (
            "attacks/test_chain.py::test_every_scenario_is_what_it_was",
            "attacks/test_depths.py::test_recursion_ends_alike_in_each_of_eight_frames",
            "unit/contracts/test_wasm_faults.py::test_frames_to_the_bound",
        ),
    ),
    64: Case(
        "the native stack's size does not show",
        HOST,
        HOST,
        ("attacks/test_limits.py::test_the_native_stack_does_not_show",),
    ),
}
