"""Holes that were found by attacking, each closed: what failed before is what these tests do."""

from typing import Any

import pytest

from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.ops import IMAGE_BYTE_FUEL, PRICES
from chaosnet.contracts.values import encode
from chaosnet.crypto.addresses import format_address
from chaosnet.ledger.contracts.names import is_address_text
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Deploy
from tests.fake_machine import ADA, Bench
from tests.machines import ENGINES, FakeHost, call, machine, on_big_stack, value_of
from tests.unit.contracts.test_wasm import one_method

both = pytest.mark.parametrize("engine", ENGINES)

ASKING = {
    "stored value": "store.n.set({ a: 1n, get b() { store.n.get(); return 2n; } })",
    "list": "store.n.set(Object.defineProperty([1n, 2n], 0, { get: () => gas_left() }))",
    "proxy": "store.n.set(new Proxy({ a: 1n }, { ownKeys() { print('x'); return ['a']; } }))",
    "map": """Map.prototype[Symbol.iterator] = function* () { store.n.set(5n); };
      store.n.set(new Map([['a', 1n]]))""",
    "arguments": "call('c', 'm', [{ get x() { return store.n.get(); } }])",
    "returned value": "return { get x() { return store.n.get(); } }",
    "caught": """return {
      get x() { try { store.n.set(1n); } catch {} throw new TypeError('bad_value: mine'); } }""",
}


@pytest.mark.parametrize("name", ASKING)
def test_a_getter_cannot_write_over_the_value_that_is_just_crossing(name: str) -> None:
    """It could put any bytes before the host: floats, extensions, nesting as deep as Python's own bound."""
    source = one_method("js/1", ASKING[name]).replace("methods", 'storage: { n: "value any" }, methods', 1)
    host = FakeHost()
    ended = call("js/1", source, "run", host=host)
    assert ended.code == "script_error"
    assert "bad_value: " in ended.text
    assert host.asked == []


def test_getters_that_keep_to_themselves_are_fine() -> None:
    body = "return { get a() { return 1n; }, b: new Map([['c', [2n]]]) }"
    assert value_of(call("js/1", one_method("js/1", body), "run")) == {"a": 1, "b": {"c": [2]}}


LISTS = {
    "lua/1": """contract{ api=1, name="L", version="1", licence="MIT",
      storage={big="map int text", pairs="map int int bool"}, methods={
      fill={kind="write", run=function() for i = 1, 8 do store.big:set(i, ("x"):rep(4000)) end end},
      largest={kind="write", run=function() store.big:set(9, ("x"):rep(16381)) end},
      pair={kind="write", run=function() for i = 1, 70 do store.pairs:set(i, i, i % 2 == 0) end end},
      sizes={kind="view", run=function()
        local sizes = {} for key, text in store.big:each() do sizes[#sizes + 1] = #text end return sizes
      end},
      count={kind="view", run=function()
        local n = 0 for a, b, even in store.pairs:each() do if even then n = n + a end end return n
      end} } }""",
    "js/1": """contract({ api: 1, name: "L", version: "1", licence: "MIT",
      storage: { big: "map int text", pairs: "map int int bool" }, methods: {
      fill: { kind: "write", run() { for (let i = 1n; i <= 8n; i++) store.big.set(i, "x".repeat(4000)); } },
      largest: { kind: "write", run() { store.big.set(9n, "x".repeat(16381)); } },
      pair: { kind: "write", run() {
        for (let i = 1n; i <= 70n; i++) store.pairs.set(i, i, i % 2n === 0n); } },
      sizes: { kind: "view", run: () => [...store.big.each()].map(([, text]) => BigInt(text.length)) },
      count: { kind: "view", run() {
        let n = 0n; for (const [a, , even] of store.pairs.each()) if (even) n += a; return n;
      } } } })""",
}


def deployed(engine: str, source: str) -> tuple[Bench, bytes]:
    """Return a chain with one contract of Ada's."""
    bench = Bench(machine())
    address = contract_id(bench.hash, ADA.address, 0, 0)
    receipt, outcome = bench.run(ADA, Deploy(engine, source.encode(), encode([]), 0, 10**9))
    assert receipt.code == "ok", f"{receipt.code} {outcome.text}"
    return bench, address


@both
def test_going_over_large_entries_passes_none(engine: str) -> None:
    """A page that is short of entries because they are large was taken for the last one."""

    def task() -> tuple[Any, Any]:
        bench, lists = deployed(engine, LISTS[engine])
        bench.value(lists, "fill", gas=20_000_000)
        before = bench.value(lists, "sizes")
        bench.value(lists, "largest", gas=20_000_000)
        return before, bench.value(lists, "sizes")

    before, after = on_big_stack(task)
    assert before == [4000] * 8
    assert after == [4000] * 8 + [16381], "the largest value that can be stored can be listed"


@both
def test_going_over_several_keys_for_more_than_a_page(engine: str) -> None:
    """In Lua the value of a page's last entry was taken for a part of its key."""

    def task() -> Any:
        bench, lists = deployed(engine, LISTS[engine])
        bench.value(lists, "pair", gas=30_000_000)
        return bench.value(lists, "count")

    assert on_big_stack(task) == sum(range(2, 71, 2))


def test_an_address_has_one_spelling_for_contracts() -> None:
    """Capitals named the same account: who takes part once could have taken part twice."""
    text = format_address("cos", ADA.address)
    assert is_address_text("cos", text)
    assert not is_address_text("cos", text.upper())
    source = one_method("lua/1", "return 1").replace('kind="write"', 'kind="write", args={"a address"}')
    source = source.replace('name="T"', 'name="T", version="1", licence="MIT"')

    def task() -> tuple[str, str]:
        bench, contract = deployed("lua/1", source)
        return bench.code(contract, "run", text), bench.code(contract, "run", text.upper())

    assert on_big_stack(task) == ("ok", "bad_args")


@both
def test_a_listing_that_finds_nothing_is_paid_for(engine: str) -> None:
    """It cost as much as asking for the gas that is left, and took ten times as long."""

    def task() -> tuple[int, int]:
        bench, lists = deployed(engine, LISTS[engine])
        bench.value(lists, "count")
        empty = bench.call(lists, "count")[0].gas
        bench.value(lists, "pair", gas=30_000_000)
        return empty, bench.call(lists, "count")[0].gas

    empty, full = on_big_stack(task)
    frame = bare_gas(engine)
    assert empty - frame >= (PRICES.host_call + PRICES.read) // 50
    assert full - empty > 70 * PRICES.read // 50


def bare_gas(engine: str) -> int:
    """Return the gas of a call of the same contract that ends at once."""
    start, end = {
        "lua/1": ('count={kind="view", run=function()', " do return 0 end "),
        "js/1": ('count: { kind: "view", run() {', " return 0n; "),
    }[engine]
    source = LISTS[engine].replace(start, start + end)
    assert end in source

    def task() -> int:
        bench, lists = deployed(engine, source)
        return bench.call(lists, "count")[0].gas

    return on_big_stack(task)


RESIZED = {
    "shrunk": ("b.resize(2); u[0] = 7; return u", b"\x07\x00"),
    "shrunk to nothing": ("b.resize(0); return u", b""),
    "grown": ("b.resize(12002); return u", bytes(12002)),
    "length of its own": ("Object.defineProperty(u, 'length', { value: 3 }); b.resize(1); return u", b"\x00"),
    "patched": (
        """Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), 'length', { get: () => 9000 });
        b.resize(1); return u""",
        b"\x00",
    ),
    "read as text": ("b.resize(2); u[0] = 65; u[1] = 66; return bytes.to_text(u)", "AB"),
    "out of bounds": ("const v = new Uint8Array(b, 100, 100); b.resize(2); return v", None),
    "given away": ("b.transfer(); return u", None),
}


@pytest.mark.parametrize("name", RESIZED)
def test_bytes_are_as_long_as_their_buffer_is_now(name: str) -> None:
    """What lay behind a buffer that had shrunk was read: memory of the interpreter, with its addresses."""
    body, wanted = RESIZED[name]
    start = "const b = new ArrayBuffer(12000, { maxByteLength: 12002 }), u = new Uint8Array(b); "
    ended = call("js/1", one_method("js/1", start + body), "run")
    if wanted is None:
        assert ended.code == "script_error"
        assert "TypeError" in ended.text
    else:
        assert value_of(ended) == wanted


@both
def test_what_loading_leaves_in_memory_is_paid_for(engine: str) -> None:
    """A frame copies the image: 14 MB of it took six times as long for its gas as a token's transfer."""
    kept = {
        "lua/1": "local kept = table.pack(table.unpack({{}}, 1, {})) ",
        "js/1": "globalThis.kept = new Uint8Array(16 * {}); ",
    }[engine]
    plain = one_method(engine, "")

    def task() -> tuple[Any, Any]:
        small = machine().prepare(engine, plain.encode())
        large = machine().prepare(engine, (kept.format(20_000) + plain).encode())
        return small, large

    small, large = on_big_stack(task)
    grown = large.size_bytes - small.size_bytes
    assert grown > 300_000
    assert large.load_fuel - small.load_fuel > IMAGE_BYTE_FUEL * grown
    with pytest.raises(GuestFault) as fault:
        on_big_stack(lambda: machine().prepare(engine, (kept.format(2**19) + plain).encode()))
    assert fault.value.code in ("out_of_gas", "script_error")
