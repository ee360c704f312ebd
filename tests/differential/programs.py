"""Contracts that nobody would write: drawn from a seed, in both languages, with calls of them.

Each statement puts something into `acc`, a list that the method returns; what goes wrong is part of it. The
numbers in a statement are drawn, and so are order, nesting and how much gas a call gets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chaosnet.base.dice import Dice
from chaosnet.contracts import values
from chaosnet.contracts.values import Value
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.model.transaction import Action

LUA: Final = "lua/1"
JS: Final = "js/1"
DEPOSIT_MAX: Final = 10**9
DEPLOY_GAS: Final = 1_500_000
CALL_GAS: Final = (900_000, 900_000, 900_000, 300_000, 120_000, 60_000, 30_000)
SENT: Final = 1_000

STATEMENTS: Final = (
    # storage
    ("put(store.n:add($a % 97))", "put(store.n.add($an % 97n))"),
    ("put(store.n:sub($b % 5))", "put(store.n.sub($bn % 5n))"),
    ('store.m:set("k$a", {$a, "v", map{x = $b}})', "store.m.set('k$a', [$an, 'v', { x: $bn }])"),
    ('put(store.m:get("k$a") ~= nil)', "put(store.m.get('k$a') !== null)"),
    (
        "for k, v in store.m:each() do put(k .. #v) end",
        "for (const [k, v] of store.m.each()) put(k + v.length)",
    ),
    ('store.m:delete("k$b")', "store.m.delete('k$b')"),
    ('put(store.l:push("t" .. n)) put(store.l:pop())', "put(store.l.push('t' + n)); put(store.l.pop())"),
    ('store.l:push("end $a")', "store.l.push('end $a')"),
    (
        'store.m:set("many" .. n, string.rep("é", $a % 900))',
        "store.m.set('many' + n, 'é'.repeat($a % 900))",
    ),
    # integers
    (
        "local s = n for i = 1, $a % 700 do s = (s * 31 + i) ~ (s >> 3) end put(s)",
        (
            "let s = n; for (let i = 1n; i <= $an % 700n; i++)"
            " s = BigInt.asIntN(64, (s * 31n + i) ^ (s >> 3n)); put(s)"
        ),
    ),
    ("put(int.muldiv(n + $a, $b, 7, 'up'))", "put(int.muldiv(n + $an, $bn, 7n, 'up'))"),
    ("put($a // (n - $b))", "put($an / (n - $bn))"),
    ("put((1 << ($a % 70)) | n)", "put(BigInt.asIntN(64, (1n << ($an % 70n)) | n))"),
    ("put(math.maxinteger + $a)", "put(2n ** 63n + $an)"),
    # floats inside, as text
    (
        'local f = n / $a + 0.1 for i = 1, $b % 40 do f = f * 1.3 - i / 3 end put(("%.17g"):format(f))',
        "let f = Number(n) / $a + 0.1; for (let i = 1; i <= $b % 40; i++) f = f * 1.3 - i / 3; put('' + f)",
    ),
    (
        "put(tostring(math.sin($a) ^ 2 + math.exp(-$b / 100) + math.sqrt(n + 0.5)))",
        "put(String(Math.sin($a) ** 2 + Math.exp(-$b / 100) + Math.sqrt(Number(n) + 0.5)))",
    ),
    ("put(tostring((0 / 0) ~= (0 / 0)) .. tostring(0 / 0))", "put(String(0 / 0) + String(-0) + (0.1 + 0.2))"),
    ("put($a / 4)", "put($a / 4)"),
    # text and bytes
    (
        'put(("abc$a"):rep($b % 9, "-"):reverse():upper())',
        "put([...Array($b % 9).fill('abc$a').join('-')].reverse().join('').toUpperCase())",
    ),
    (
        'put((("k=$a, é=$b"):gsub("(%w+)=(%w*)", "%2=%1")))',
        "put('k=$a, é=$b'.replace(/(\\w+)=(\\w*)/gu, '$2=$1'))",
    ),
    ('put(hash("sha256", "text $a"))', "put(hash('sha256', bytes('text $a')))"),
    (
        'put(bytes.to_hex(bytes.concat(bytes("é$a"), bytes("z"))))',
        "put(bytes.to_hex(bytes.concat(bytes('é$a'), bytes('z'))))",
    ),
    ('put("\\xff$a")', "put('\\ud800$a')"),
    ('put(tostring({}) .. "$a")', "put(JSON.stringify({ b: $a, a: [1, null, 'é'], 7: 0.1 }))"),
    # tables and their order
    (
        "local t = {} for i = 1, $a % 60 do t[i * $b % 101 .. '!'] = i end for k in pairs(t) do put(k) end",
        "const t = {}; for (let i = 1; i < $a % 60; i++) t[(i * $b) % 101] = i; for (const k in t) put(k)",
    ),
    (
        (
            "local t = {} for i = 1, 40 do t[i] = (i * $a) % 17 end"
            " table.sort(t, function(x, y) return x < y end) put(table.concat(t, ','))"
        ),
        "put(Array.from({ length: 40 }, (_, i) => (i * $a) % 17).sort((x, y) => x - y).join(','))",
    ),
    (
        (
            "local t = {} for i = 1, 40 do t[i] = (i * $a) % 17 end"
            " put(tostring((pcall(table.sort, t, function() return true end))))"
        ),
        "put([...new Set(Array.from({ length: 40 }, () => n++ % 7n))].join())",
    ),
    ("local t = {} t[put] = 1 t[t] = 2 for k in pairs(t) do put(type(k)) end", "put(String(Symbol('s$a')))"),
    (
        "local c = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i + $a) end end) put(c() + c())",
        (
            "function* g() { let i = $an; while (true) yield i++; } const c = g();"
            " put(c.next().value + c.next().value)"
        ),
    ),
    # failing
    (
        'put(select(2, pcall(error, "mistake $a")))',
        "try { throw Error('mistake $a') } catch (e) { put(e.message) }",
    ),
    (
        "put(tostring(select(2, pcall(function() return n.x.y end))))",
        "try { n.x.y } catch (e) { put(String(e)) }",
    ),
    ('if n % 5 == $a % 5 then error("gone $b") end', "if (n % 5n === $an % 5n) throw Error('gone $b')"),
    ('ensure(n % 4 ~= $a % 4, "refused $b")', "ensure(n % 4n !== $an % 4n, 'refused $b')"),
    ("if n % 7 == $a % 7 then revert('no é $b') end", "if (n % 7n === $an % 7n) revert('no é $b')"),
    # the chain
    ('emit("Said", "$a", n)', "emit('Said', '$a', n)"),
    (
        "put(ctx.height % 1) put(ctx.caller) put(ctx.sent.COS)",
        "put(ctx.height % 1n); put(ctx.caller); put(ctx.sent.COS)",
    ),
    ("put(gas_left())", "put(gas_left())"),
    ("put(balance(ctx.self))", "put(balance(ctx.self))"),
    ("transfer(peer, $a % 300)", "transfer(peer, $an % 300n)"),
    # each other
    (
        'local r = try_call(peer, "look", {n + $a}) put(r.ok) put(r.code)',
        "const r = try_call(peer, 'look', [n + $an]); put(r.ok); put(r.code)",
    ),
    (
        (
            'if n > 0 then local r = try_call(peer, "run", {n - 1, ctx.self}, {fuel = $a * 90000})'
            " put(r.ok) put(r.code) put(r.text) end"
        ),
        (
            "if (n > 0n) { const r = try_call(peer, 'run', [n - 1n, ctx.self], { fuel: $an * 90000n });"
            " put(r.ok); put(r.code); put(r.text) }"
        ),
    ),
    (
        'if n % 3 == 1 then put(call(peer, "open", {n - 1, ctx.self}, {sent = {COS = $a % 50 + 1}})) end',
        "if (n % 3n === 1n) put(call(peer, 'open', [n - 1n, ctx.self], { sent: { COS: $an % 50n + 1n } }))",
    ),
    ('put(static_call(peer, "look", {$a}))', "put(static_call(peer, 'look', [$an]))"),
)
"""(Lua, JavaScript): `$a` and `$b` are drawn numbers; `n` is an argument, `peer` another contract."""

RARE: Final = (
    ("while true do n = n + 1 end", "for (;;) n++"),
    ("local s = 'x' while true do s = s .. s end", "let s = 'x'; for (;;) s += s"),
    ("local t = {} for i = 1, 10^9 do t[i] = {i} end", "const t = []; for (;;) t.push([t.length])"),
    (
        "local function r(i) return 1 + r(i + 1) end put(tostring((pcall(r, 0))))",
        "const r = (i) => 1 + r(i + 1); try { r(0) } catch (e) { put(e.name) }",
    ),
    ("local function r(i) return 1 + r(i + 1) end r(0)", "const r = (i) => 1 + r(i + 1); r(0)"),
    (
        "local t = {} for i = 1, 30 do t = {t} end put(t)",
        "let t = []; for (let i = 0; i < 30; i++) t = [t]; put(t)",
    ),
    ('put(("x"):rep(20000))', "put('x'.repeat(20000))"),
    ('local s = ("a"):rep(300) put(s:find((".-"):rep(9) .. "b"))', "put(/(a+)+b/.test('a'.repeat(22)))"),
    (
        "for i = 1, 99 do emit('Said', 'many', i) end",
        "for (let i = 0n; i < 99n; i++) emit('Said', 'many', i)",
    ),
    (
        "for i = 1, 5000 do store.m:set('f' .. i, i) end",
        "for (let i = 0n; i < 5000n; i++) store.m.set('f' + i, i)",
    ),
    ("put(load('return 1 + $a')())", "put(String(eval('1 + $a')))"),
    (
        "local t = setmetatable({}, {__index = function(t, k) return t[k .. 'x'] end}) put(t.y)",
        "put(await new Promise(() => 0))",
    ),
)
"""What ends badly, mostly: out of gas, out of memory, too deep, too large."""

_LUA: Final = """local acc
local function put(v) acc[#acc + 1] = v end
local function body(n, peer)
  acc = {}
%s
  return acc
end
contract{ api = 1, name = "Program %d", version = "1.0.0", licence = "MIT",
  permissions = {transfer = {"COS"}, call = "any"},
  events = {Said = {"what text", "n int"}},
  storage = {n = "counter", m = "map text any", l = "list text"},
  init = {args = {"start int"}, kind = "payable", run = function(start) store.n:add(start) end},
  methods = {
    run = {kind = "payable", args = {"n int", "peer address"}, returns = "any", run = body},
    open = {kind = "payable", reentrant = true, args = {"n int", "peer address"}, returns = "any",
      run = body},
    look = {kind = "view", args = {"n int"}, returns = "any",
      run = function(n) return {n * 3, store.n:get(), store.m:page(3)} end},
  } }
"""
_JS: Final = """let acc;
const put = (v) => { acc.push(v); };
async function body(n, peer) {
  acc = [];
%s
  return acc;
}
contract({ api: 1, name: 'Program %d', version: '1.0.0', licence: 'MIT',
  permissions: { transfer: ['COS'], call: 'any' },
  events: { Said: ['what text', 'n int'] },
  storage: { n: 'counter', m: 'map text any', l: 'list text' },
  init: { args: ['start int'], kind: 'payable', run(start) { store.n.add(start); } },
  methods: {
    run: { kind: 'payable', args: ['n int', 'peer address'], returns: 'any', run: body },
    open: { kind: 'payable', reentrant: true, args: ['n int', 'peer address'], returns: 'any', run: body },
    look: { kind: 'view', args: ['n int'], returns: 'any',
      run: (n) => [n * 3n, store.n.get(), store.m.page(3n)] },
  } });
"""


@dataclass(frozen=True, slots=True)
class Program:
    """One contract, and how it is called."""

    engine: str
    source: str
    start: int
    calls: tuple[tuple[str, int, int, int], ...]
    """(method, n, peer, gas): the peer is a number to be taken modulo the contracts there are."""

    def deploy(self) -> Action:
        return Deploy(self.engine, self.source.encode(), _args(self.start), SENT, DEPOSIT_MAX)

    def actions(self, address: bytes, peers: Sequence[tuple[bytes, str]]) -> list[tuple[Action, int]]:
        """Return (call, gas) each; `peers`: address and its text of contracts that may be there."""
        made: list[tuple[Action, int]] = []
        for method, n, peer, gas in self.calls:
            text = peers[peer % len(peers)][1]
            sent = ((b"", SENT),) if method != "look" else ()
            args = _args(n) if method == "look" else _args(n, text)
            made.append((Call(address, method, args, sent, DEPOSIT_MAX), gas))
        return made


def _args(*given: Value) -> bytes:
    return values.encode(list(given))


def draw(dice: Dice, number: int) -> Program:
    """Return one program."""
    is_lua = dice.chance(1, 2)
    lines = [_line(dice, is_lua=is_lua) for _ in range(dice.between(2, 9))]
    calls = tuple(
        (
            dice.pick(("run", "run", "run", "open", "look")),
            dice.below(12),
            dice.below(1 << 30),
            dice.pick(CALL_GAS),
        )
        for _ in range(2)
    )
    text = (_LUA if is_lua else _JS) % ("\n".join(lines), number)
    return Program(LUA if is_lua else JS, text, dice.below(50), calls)


def _line(dice: Dice, *, is_lua: bool) -> str:
    pair = dice.pick(RARE) if dice.chance(1, 25) else dice.pick(STATEMENTS)
    text = pair[0 if is_lua else 1]
    text = text.replace("$a", str(dice.between(1, 999))).replace("$b", str(dice.between(1, 99)))
    kind = dice.below(8)
    low, high = sorted((dice.below(12), dice.below(12)))
    if is_lua:
        if kind == 0:
            return f"  for j = 1, {dice.between(2, 4)} do n = n + 1 do {text} end end"
        if kind == 1:
            return f"  if n >= {low} and n <= {high} then {text} end"
        if kind == 2:
            return f"  put((pcall(function() {text} end)))"
        return f"  do {text} end"
    if kind == 0:
        return f"  for (let j = 0; j < {dice.between(2, 4)}; j++) {{ n += 1n; {{ {text} }} }}"
    if kind == 1:
        return f"  if (n >= {low}n && n <= {high}n) {{ {text} }}"
    if kind == 2:
        return f"  put(await (async () => {{ try {{ {text}; return true }} catch {{ return false }} }})());"
    return f"  {{ {text} }}"
