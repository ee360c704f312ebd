"""The contracts that benchmarks run: a token, and programs that try to be slow for little gas."""

from typing import Final

_TOKEN_LUA: Final = """contract{ api=1, name="Bench", version="1.0.0", licence="MIT",
  events={Sent={"from address", "to address", "amount int"}}, storage={balances="map address int"},
  methods={ send={kind="write", args={"to address", "amount int"}, run=function(to, amount)
    local have = store.balances:get(ctx.caller) or 1000000
    ensure(amount > 0 and have >= amount, "not enough")
    store.balances:set(ctx.caller, have - amount)
    store.balances:set(to, int.add(store.balances:get(to) or 1000000, amount))
    emit("Sent", ctx.caller, to, amount)
  end} } }
"""
_TOKEN_JS: Final = """contract({ api: 1, name: 'Bench', version: '1.0.0', licence: 'MIT',
  events: { Sent: ['from address', 'to address', 'amount int'] }, storage: { balances: 'map address int' },
  methods: { send: { kind: 'write', args: ['to address', 'amount int'], run(to, amount) {
    const have = store.balances.get(ctx.caller) ?? 1000000n;
    ensure(amount > 0n && have >= amount, 'not enough');
    store.balances.set(ctx.caller, have - amount);
    store.balances.set(to, int.add(store.balances.get(to) ?? 1000000n, amount));
    emit('Sent', ctx.caller, to, amount);
  } } } });
"""
SOURCES: Final = {"lua": _TOKEN_LUA, "js": _TOKEN_JS}
"""A token that keeps its own accounts: `send(to, amount)`. Everybody begins with some of it."""

NASTY: Final[dict[str, dict[str, str]]] = {
    "lua": {
        "loop": "while true do end",
        "floats": "local f = 1.5 while true do f = f / 1.1 + 3.7 end",
        "tiny floats": "local a, b, c = 1e-310, 0.9, 1.1 while true do"
        " local x = a * b x = a / c x = a * b x = a / c x = a * b x = a / c x = a * b x = a / c end",
        "tiny sums": "local a, b = 1e-310, 3e-310 while true do"
        " local x = a + b x = a - b x = a + b x = a - b x = a + b x = a - b x = a + b x = a - b end",
        "powers": "local f = 1.5 while true do f = (f ^ 2.5) % 3.0 + 1.0 end",
        "tiny powers": "local a, b = 1e-310, 0.37 while true do local x = a ^ b x = a ^ 1.01 x = a ^ b end",
        "tiny roots": "local r, a = math.sqrt, 1e-310"
        " while true do local x = r(a) x = r(a) x = r(a) x = r(a) end",
        "tiny exponentials": "local e = math.exp while true do local x = e(-740) x = e(-744.0) end",
        "tiny angles": "local r, s, t = math.rad, math.sin, math.tan while true do"
        " local x = r(1e-307) x = s(1e-310) x = t(1e-310) end",
        "tiny comparisons": "local a, b, n = 1e-310, 2e-310, 0 while true do"
        " if a < b then n = n + 1 end if a == b then n = 0 end if a >= b then n = 0 end end",
        "tiny whole numbers": "local f, a = math.floor, 1e-310 while true do local x = f(a) x = a // 1.0 end",
        "remainders": "local a, b = 1e308, 3.3e-300 while true do local x = a % b x = math.fmod(a, b) end",
        "functions": "local f = 1e22 while true do f = math.sin(f) * 1e22 + math.exp(f * 1e-22) end",
        "divisions": "local n = 1 while true do n = (n * 7 + 9223372036854775807) // 3 % 1000003 end",
        "calls": "local function f(n) if n > 0 then return f(n - 1) + 1 end return 0 end"
        " while true do f(150) end",
        "tables": "while true do local t = {} for i = 1, 300 do t[i] = {i} end end",
        "random reads": "local t = {} for i = 1, 200000 do t[i] = i end local j = 1"
        " while true do j = (j * 7919 + t[j]) % 200000 + 1 end",
        "memory": "local t = {} for i = 1, 10^9 do t[i] = ('x'):rep(60000) .. i end",
        "copies": "local s = ('x'):rep(1000000) while true do local t = s .. 'y' end",
        "repeated text": "while true do local s = ('abc'):rep(300000) end",
        "upper": "local s = ('x'):rep(1000000) while true do s = s:upper() end",
        "search": "local s = ('a'):rep(100000) .. 'b' while true do s:find('ab', 1, true) end",
        "comparison": "local s, t = ('a'):rep(1000000) .. 'b', ('a'):rep(1000000) .. 'c'"
        " local n = 0 while true do if s < t then n = n + 1 end end",
        "pattern": "local s = ('a'):rep(2000) while true do s:find('.-.-.-b') end",
        "format": "while true do local s = ('%99.99f %g'):format(1e300, 1e-300) end",
        "sort": "while true do local t = {} for i = 1, 2000 do t[i] = i * 7919 % 2003 end table.sort(t) end",
        "move": "local t = table.move({}, 1, 1, 1) for i = 1, 100000 do t[i] = i end"
        " while true do table.move(t, 1, 99999, 2) end",
        "coroutines": "while true do coroutine.wrap(function() coroutine.yield(1) end)() end",
        "reads": "while true do store.m:get('k') end",
        "changes": "local i = 0 while i < 5000 do i = i + 1 store.m:set('k' .. i % 7, i) end",
        "new entries": "local i = 0 while i < 5000 do i = i + 1 store.m:set('n' .. i, i) end",
        "scans": "for i = 1, 20 do store.m:set('k' .. i, ('x'):rep(600)) end"
        " while true do for k, v in store.m:each() do end end",
        "nothing asked": "while true do gas_left() end",
        "large values": "local t = {} for i = 1, 5000 do t[i] = i % 100 end"
        " while true do store.m:set('k', t) end",
        "hashes": "local b = bytes(('x'):rep(15000)) while true do hash('sha512', b) end",
        "small hashes": "while true do hash('sha3_256', 'x') end",
        "signatures": "local z = bytes.from_hex(('00'):rep(64))"
        " while true do verify('ed25519', bytes.slice(z, 0, 32), z, z) end",
        "addresses": "local i = 0 while true do i = i + 1 pcall(balance, ctx.self) end",
        "tried calls": "while true do try_call(ctx.self, 'rest') end",
        "events": "for i = 1, 60 do emit('Said', ('x'):rep(4000)) end",
    },
    "js": {
        "loop": "for (;;);",
        "floats": "let f = 1.5; for (;;) f = f / 1.1 + 3.7;",
        "tiny floats": "const a = 1e-310, b = 0.9, c = 1.1; let x; for (;;)"
        " { x = a * b; x = a / c; x = a * b; x = a / c; x = a * b; x = a / c; x = a * b; x = a / c; }",
        "tiny arrays": "const t = new Float64Array(64).fill(1e-310), u = new Float32Array(64); for (;;)"
        " { u.set(t); t.fill(1e-310); }",
        "tiny powers": "let x; for (;;)"
        " { x = Math.pow(1e-310, 0.37); x = Math.exp(-740); x = Math.sqrt(5e-320); }",
        "tiny roots": "const r = Math.sqrt, a = 1e-310; let x;"
        " for (;;) { x = r(a); x = r(a); x = r(a); x = r(a); }",
        "remainders": "let x; for (;;) x = 1e308 % 3.3e-300;",
        "powers": "let f = 1.5; for (;;) f = Math.pow(Math.sin(f), 2.5) + 1;",
        "big integers": "let n = 3n; for (let i = 0; i < 12; i++) n *= n; for (;;) n * n;",
        "division": "let n = 3n; for (let i = 0; i < 12; i++) n *= n; const m = n * n + 1n; for (;;) m / n;",
        "digits": "let n = 3n; for (let i = 0; i < 12; i++) n *= n; for (;;) String(n);",
        "few digits": "let n = 3n; for (let i = 0; i < 6; i++) n *= n; for (;;) String(n);",
        "many digits": "let n = 3n; for (let i = 0; i < 15; i++) n *= n; for (;;) String(n);",
        "digits of another base": "let n = 3n; for (let i = 0; i < 9; i++) n *= n; for (;;) n.toString(7);",
        "read digits": "const s = '7'.repeat(3000); for (;;) BigInt(s);",
        "calls": "const f = (n) => n > 0 ? f(n - 1) + 1 : 0; for (;;) f(100);",
        "objects": "for (;;) { const t = []; for (let i = 0; i < 300; i++) t.push({ i }); }",
        "random reads": "const t = new Uint32Array(2000000); let j = 1;"
        " for (;;) j = (j * 7919 + t[j]) % 2000000;",
        "memory": "const t = []; for (;;) t.push(new Uint8Array(60000).fill(1));",
        "fill": "const t = new Uint8Array(8000000); for (;;) t.fill(1);",
        "copy": "const t = new Uint8Array(8000000); for (;;) t.copyWithin(1, 0);",
        "zeros": "for (;;) new Uint8Array(1000000);",
        "repeated text": "for (;;) 'abc'.repeat(300000).length;",
        "joined": "let s = 'x'.repeat(100000), t; for (;;) { t = s + 'y'; t.charCodeAt(3); }",
        "search": "const s = 'a'.repeat(100000) + 'b'; for (;;) s.indexOf('ab');",
        "pattern": "for (;;) /(a+)+b/.test('a'.repeat(18));",
        "json": "const t = Array.from({ length: 500 }, (_, i) => ({ i }));"
        " for (;;) JSON.parse(JSON.stringify(t));",
        "sort": "for (;;) Array.from({ length: 2000 }, (_, i) => i * 7919 % 2003).sort((x, y) => x - y);",
        "shift": "const t = Array.from({ length: 50000 }, (_, i) => i); for (;;) { t.unshift(1); t.pop(); }",
        "number text": "let f = 1.1e300; for (;;) (f /= 1.0001).toFixed(20);",
        "promises": "for (;;) await 1;",
        "reads": "for (;;) store.m.get('k');",
        "changes": "for (let i = 0; i < 5000; i++) store.m.set('k' + i % 7, 1n);",
        "scans": "for (let i = 0; i < 20; i++) store.m.set('k' + i, 'x'.repeat(600));"
        " for (;;) for (const e of store.m.each());",
        "nothing asked": "for (;;) gas_left();",
        "large values": "const t = Array.from({ length: 5000 }, (_, i) => BigInt(i % 100));"
        " for (;;) store.m.set('k', t);",
        "hashes": "const b = bytes('x'.repeat(15000)); for (;;) hash('sha512', b);",
        "signatures": "const z = new Uint8Array(64);"
        " for (;;) verify('ed25519', bytes.slice(z, 0n, 32n), z, z);",
        "tried calls": "for (;;) try_call(ctx.self, 'rest');",
    },
}
"""Language and name -> body of a method that goes on until its gas is used up, or until something ends it."""

_NASTY_LUA: Final = """contract{ api=1, name="Nasty", version="1.0.0", licence="MIT",
  permissions={call="any"}, events={Said={"what text"}}, storage={m="map text any"},
  methods={ rest={kind="write", reentrant=true, run=function() end}, run={kind="write", run=function()
  %s
  end} } }
"""
_NASTY_JS: Final = """contract({ api: 1, name: 'Nasty', version: '1.0.0', licence: 'MIT',
  permissions: { call: 'any' }, events: { Said: ['what text'] }, storage: { m: 'map text any' },
  methods: { rest: { kind: 'write', reentrant: true, run() {} }, run: { kind: 'write', async run() {
  %s
  } } } });
"""


def nasty_source(language: str, name: str) -> str:
    """Return the source of a contract whose method `run` is slow; `rest` does nothing."""
    return (_NASTY_LUA if language == "lua" else _NASTY_JS) % NASTY[language][name]
