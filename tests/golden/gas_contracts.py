"""What the golden gas file measures: a contract with one method for each operation, and small programs."""

from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = {"lua/1": (FOLDER / "gas.lua").read_text(), "js/1": (FOLDER / "gas.js").read_text()}

PROGRAMS: dict[str, dict[str, str]] = {
    "lua/1": {
        "nothing": "",
        "loop": "local s = 0 for i = 1, 1000 do s = s + i % 7 end return s",
        "calls": "local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end return fib(12)",
        "closures": "local t = {} for i = 1, 100 do t[i] = function() return i end end return t[50]()",
        "tables": "local t = {} for i = 1, 500 do t[i] = {n = i} end return #t",
        "keys": "local t = {} for i = 1, 300 do t['k' .. i] = i end return t.k77",
        "sort": "local t = {} for i = 1, 200 do t[i] = i * 7919 % 211 end table.sort(t) return t[9]",
        "text": "local s = '' for i = 1, 100 do s = s .. i end return #s",
        "format": "return string.format('%5d|%-5s|%q|%.3f', 42, 'ab', 'x', 1.5)",
        "patterns": "return (('key = value; '):rep(20):gsub('(%w+) = (%w+)', '%2 = %1'))",
        "floats": "local x = 0.5 for i = 1, 50 do x = math.sin(x) + x ^ 1.5 end return tostring(x)",
        "errors": "local n = 0 for i = 1, 20 do if not pcall(error, i) then n = n + 1 end end return n",
        "coroutines": """
          local f = coroutine.wrap(function() for i = 1, 30 do coroutine.yield(i) end end) f()
          return f()""",
        "exact": "local a = 0 for i = 1, 50 do a = int.add(a, int.muldiv(i, 7, 3, 'down')) end return a",
        "decimals": "return decimal.format(decimal.parse('12.345', 6), 6)",
        "bytes": "return bytes.to_hex(bytes.concat(bytes('abc'), bytes.from_hex('00ff')))",
        "values": "return {1, 'two', {3, map{four = bytes('5')}}, true, null}",
        "load": "return load('return 6 * 7')()",
    },
    "js/1": {
        "nothing": "",
        "loop": "let s = 0; for (let i = 1; i <= 1000; i++) s += i % 7; return BigInt(s)",
        "calls": "const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2); return BigInt(fib(12))",
        "closures": "const t = []; for (let i = 0; i < 100; i++) t.push(() => i); return BigInt(t[50]())",
        "tables": "const t = []; for (let i = 0; i < 500; i++) t.push({ n: i }); return BigInt(t.length)",
        "keys": "const t = {}; for (let i = 0; i < 300; i++) t['k' + i] = i; return BigInt(t.k77)",
        "sort": """
          const t = []; for (let i = 1; i <= 200; i++) t.push(i * 7919 % 211);
          return String(t.sort()[9])""",
        "text": "let s = ''; for (let i = 1; i <= 100; i++) s += i; return BigInt(s.length)",
        "format": "return `${42}|${'ab'.padEnd(5)}|${JSON.stringify('x')}|${(1.5).toFixed(3)}`",
        "patterns": "return 'key = value; '.repeat(20).replace(/(\\w+) = (\\w+)/g, '$2 = $1')",
        "floats": "let x = 0.5; for (let i = 0; i < 50; i++) x = Math.sin(x) + x ** 1.5; return String(x)",
        "errors": """
          let n = 0n; for (let i = 0; i < 20; i++) try { throw new Error('x') } catch { n++ }
          return n""",
        "coroutines": """
          const f = (function* () { for (let i = 0n; i < 30n; i++) yield i })(); f.next();
          return f.next().value""",
        "exact": """
          let a = 0n; for (let i = 1n; i <= 50n; i++) a = int.add(a, int.muldiv(i, 7n, 3n, 'down'));
          return a""",
        "decimals": "return decimal.format(decimal.parse('12.345', 6n), 6n)",
        "bytes": "return bytes.to_hex(bytes.concat(bytes('abc'), bytes.from_hex('00ff')))",
        "values": "return [1n, 'two', [3n, { four: bytes('5') }], true, null]",
        "load": "return Function('return 6n * 7n')()",
        "promises": """
          return (async () => { let n = 0n; for (let i = 0; i < 20; i++) n += await 1n; return n
          })()""",
        "classes": "class A { #n = 1n; get n() { return this.#n } } class B extends A {} return new B().n",
        "json": 'return JSON.stringify(JSON.parse(\'{"a":[1,2,{"b":null}]}\'))',
        "bigints": "let x = 1n; for (let i = 1n; i <= 30n; i++) x *= i; return String(x)",
        "map": "const m = new Map(); for (let i = 0; i < 200; i++) m.set(i, i); return BigInt(m.size)",
    },
}
