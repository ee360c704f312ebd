"""Who reaches for a file, a clock, the network, another's storage, or goes on without gas is told so."""

from typing import Any

import pytest

from chaosnet.contracts.values import decode, encode
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Call, Deploy
from tests.fake_machine import ADA, Bench
from tests.machines import ENGINES, machine, on_big_stack

LUA = {
    "file": ('io.open("/etc/passwd")', "attempt to index a nil value (global 'io')"),
    "module": ('require("socket")', "attempt to call a nil value (global 'require')"),
    "program": ('os.execute("id")', "attempt to index a nil value (global 'os')"),
    "environment": ('return os.getenv("HOME")', "attempt to index a nil value (global 'os')"),
    "clock": ("return os.time()", "attempt to index a nil value (global 'os')"),
    "random": ("return math.random(6)", "attempt to call a nil value (field 'random')"),
    "network": (
        'local s = socket.connect("example.org", 80)',
        "attempt to index a nil value (global 'socket')",
    ),
    "inside": ("return debug.getregistry()", "attempt to index a nil value (global 'debug')"),
    "memory": ("return collectgarbage('count')", "attempt to call a nil value (global 'collectgarbage')"),
    "host": ("return host(1, 'x')", "attempt to call a nil value (global 'host')"),
    "undeclared": ("return store.secret:get()", "storage.secret is not declared"),
    "event": ("emit('Unsaid')", "event Unsaid is not declared"),
    "context": ("return ctx.random", "ctx has no field random"),
    "float": ("store.n:set(1.5)", "n must be int, not number"),
}
JS = {
    "file": ("require('fs').readFileSync('/etc/passwd')", "ReferenceError: require is not defined"),
    "module": ("return import('fs')", "could not load module 'fs'"),
    "program": ("process.kill(1)", "ReferenceError: process is not defined"),
    "environment": ("return std.getenv('HOME')", "ReferenceError: std is not defined"),
    "clock": ("return new Date()", "ReferenceError: Date is not defined"),
    "random": ("return Math.random()", "TypeError: not a function"),
    "network": ("fetch('http://example.org')", "ReferenceError: fetch is not defined"),
    "inside": ("return new WeakRef({})", "ReferenceError: WeakRef is not defined"),
    "memory": ("return performance.memory", "ReferenceError: performance is not defined"),
    "host": ("return host(1, 'x')", "ReferenceError: host is not defined"),
    "undeclared": ("return store.secret.get()", "storage.secret is not declared"),
    "event": ("emit('Unsaid')", "event Unsaid is not declared"),
    "context": ("return ctx.random", "ctx has no field random"),
    "float": ("store.n.set(1.5)", "n must be int, not number"),
}
BODIES = {"lua/1": LUA, "js/1": JS}
CASES = [(engine, name) for engine, bodies in BODIES.items() for name in bodies]


def source(engine: str, body: str, permissions: str = "") -> str:
    """Return a contract whose method runs the body, on line 4."""
    if engine == "lua/1":
        return f"""contract{{ api=1, name="R", version="1", licence="MIT", permissions={{{permissions}}},
          storage={{n="value int", m="map text int"}}, methods={{
          run={{kind="write", args={{"at address?"}}, run=function(at)
{body}
          end}}, look={{kind="view", run=function() return store.m:page(9) end}} }} }}"""
    return f"""contract({{ api: 1, name: 'R', version: '1', licence: 'MIT', permissions: {{{permissions}}},
          storage: {{ n: 'value int', m: 'map text int' }}, methods: {{
          run: {{ kind: 'write', args: ['at address?'], run(at) {{
{body}
          }} }}, look: {{ kind: 'view', run: () => store.m.page(9n) }} }} }})"""


def deployed(bench: Bench, engine: str, body: str, permissions: str = "") -> bytes:
    address = contract_id(bench.hash, ADA.address, bench.nonces.get(ADA.address, 0), 0)
    action = Deploy(engine, source(engine, body, permissions).encode(), encode([]), 0, 10**9)
    receipt, outcome = bench.run(ADA, action)
    assert receipt.code == "ok", outcome.text
    return address


def ran(engine: str, body: str, permissions: str = "", other: str = "") -> tuple[str, int, Any]:
    """Run a body in a transaction; return code, gas, and the text of the failure or the value."""

    def task() -> tuple[str, int, Any]:
        bench = Bench(machine())
        args: list[Any] = []
        if other:
            at = deployed(bench, engine, other)
            bench.value(at, "run")
            args = [bench.text(at)]
        contract = deployed(bench, engine, body, permissions)
        receipt, outcome = bench.run(ADA, Call(contract, "run", encode(args), (), 10**9), gas=1_000_000)
        said = decode(outcome.returns[0]) if outcome.returns else outcome.text
        return receipt.code, receipt.gas, said

    return on_big_stack(task)


@pytest.mark.parametrize(("engine", "name"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_what_is_not_there_is_named_with_the_line(engine: str, name: str) -> None:
    body, text = BODIES[engine][name]
    code, gas, said = ran(engine, body)
    print(f"{engine} {body!r}: {code}: {said}")
    assert (code, gas) == ("script_error", 1_000_000)
    assert text in said
    if name != "module":
        assert said.startswith("contract:4: ")


SETS = {"lua/1": "store.m:set('mine', 1)", "js/1": "store.m.set('mine', 1n)"}
READS = {
    "lua/1": ["return #store.m:page(9)", "return store.m:get('mine')"],
    "js/1": ["return BigInt(store.m.page(9n).length)", "return store.m.get('mine')"],
}


@pytest.mark.parametrize("engine", ENGINES)
def test_storage_of_another_contract_is_out_of_reach(engine: str) -> None:
    """The same names lead to the contract's own storage; the other's is seen only through its methods."""
    pages, one = READS[engine]
    assert ran(engine, pages, other=SETS[engine])[::2] == ("ok", 0)
    assert ran(engine, one, other=SETS[engine])[::2] == ("ok", None)
    look = "return call(at, 'look')"
    assert ran(engine, look, other=SETS[engine])[::2] == ("permission", "call")
    permitted = "call='any'" if engine == "lua/1" else "call: 'any'"
    assert ran(engine, look, permitted, SETS[engine])[::2] == ("ok", [["mine", 1]])


ESCAPES = {
    "lua/1": [
        "pcall(function() while true do end end) return 1",
        "xpcall(function() while true do end end, function() return 1 end) return 1",
        "local ok = coroutine.wrap(function() while true do end end) pcall(ok) return 1",
        "local x <close> = setmetatable({}, {__close = function() store.n:set(1) end}) while true do end",
        "while true do pcall(store.n.set, store.n, 1) end",
        "for i = 1, 3 do pcall(string.rep, 'x', 1 << 24) end while true do end",
    ],
    "js/1": [
        "try { for (;;); } catch {} return 1n",
        "try { for (;;); } finally { return 1n }",
        "return Promise.resolve().then(() => { for (;;); }).catch(() => 1n)",
        """const g = (function* () { try { for (;;); } finally { yield } })();
        try { g.next() } catch {} return 1n""",
        "for (;;) try { store.n.set(1n) } catch {}",
        "try { for (;;); } catch (e) { store.n.set(1n) } finally { store.n.set(2n) }",
    ],
}


@pytest.mark.parametrize(("engine", "body"), [(e, body) for e in ENGINES for body in ESCAPES[e]])
def test_who_is_out_of_gas_does_not_go_on(engine: str, body: str) -> None:
    code, gas, said = ran(engine, body)
    print(f"{engine} {body!r}: {code} after {gas} gas")
    assert (code, gas, said) == ("out_of_gas", 1_000_000, "")


REFUSED = {
    "transfer without permission": ("transfer(ctx.caller, 1)", "permission", "transfer of COS"),
    "call without permission": ("call(ctx.caller, 'x')", "permission", "call"),
    "new token without permission": ("token.create(ctx.caller, 1, map{symbol='AB'})", "permission", "issue"),
    "unknown hash": ("hash('md5', 'x')", "bad_args", "a hash is one of sha256, sha512, sha3_256"),
    "unknown signature": ("verify('rsa', '', '', '')", "bad_args", "a signature is of the kind ed25519"),
    "no address": ("balance('somebody')", "bad_args", "not an address of this network"),
    "no asset": ("balance(ctx.self, 'gold')", "bad_args", "not an asset: COS, or the id of a token"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", REFUSED)
def test_what_the_host_refuses_has_a_code_and_a_reason(engine: str, name: str) -> None:
    body, code, text = REFUSED[name]
    if engine == "js/1":
        body = body.replace("map{symbol='AB'}", "{ symbol: 'AB' }").replace(", 1", ", 1n")
    caught = (
        f"pcall(function() {body} end) return 1"
        if engine == "lua/1"
        else f"try {{ {body} }} catch {{}} return 1n"
    )
    for one in (body, caught):
        found = ran(engine, one)
        print(f"{engine} {one!r}: {found[0]}: {found[2]}")
        assert found == (code, 1_000_000, text)
