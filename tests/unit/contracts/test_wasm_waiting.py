"""Operations without an answer wait in the guest: their order, their bounds, and when they are never done."""

from typing import Any

import pytest

from chaosnet.base.errors import Broken
from chaosnet.contracts import ops
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.machine import Meter
from chaosnet.contracts.values import decode, encode
from tests.machines import FUEL, FakeHost, call, machine, on_big_stack, value_of
from tests.unit.contracts.test_wasm import both

LUA = """contract{ api=1, name="W", version="1", licence="MIT", events={E={"n int"}},
  storage={v="value any", m="map int any"}, methods={ run={kind="write", args={}, run=function(...)
    %s
  end} } }"""
JS = """contract({ api: 1, name: 'W', version: '1', licence: 'MIT', events: { E: ['n int'] },
  storage: { v: 'value any', m: 'map int any' }, methods: { run: { kind: 'write', args: [], run(...given) {
    %s
  } } } });"""


def run(engine: str, lua: str, js: str, *args: Any, host: Any = None, fuel: int = FUEL) -> Any:
    source = LUA % lua if engine == "lua/1" else JS % js
    return call(engine, source, "run", *args, host=host or FakeHost(), fuel=fuel)


@both
def test_order_is_kept_and_a_read_sees_what_waited(engine: str) -> None:
    host = FakeHost()
    ended = run(
        engine,
        """store.v:set(1) emit("E", 2) store.v:set(3)
        local seen = store.v:get()
        store.v:set(4) emit("E", 5)
        return seen""",
        """store.v.set(1n); emit('E', 2n); store.v.set(3n);
        const seen = store.v.get();
        store.v.set(4n); emit('E', 5n);
        return seen;""",
        host=host,
    )
    assert value_of(ended) == 3
    key = ["v"]
    assert host.asked == [
        *((ops.SET, [key, 1]), (ops.EMIT, ["E", [2]]), (ops.SET, [key, 3])),
        (ops.GET, key),
        *((ops.SET, [key, 4]), (ops.EMIT, ["E", [5]])),
    ]


@both
@pytest.mark.parametrize("end", ["revert", "error"])
def test_what_waits_when_a_call_fails_is_never_done_nor_paid(engine: str, end: str) -> None:
    host, none = FakeHost(), FakeHost()
    lua = {"revert": "revert('no')", "error": "error('no')"}[end]
    js = {"revert": "revert('no');", "error": "throw new Error('no');"}[end]
    ended = run(
        engine, f"store.v:get() store.v:set(1) {lua}", f"store.v.get(); store.v.set(1n); {js}", host=host
    )
    assert ended.kind == ("reverted" if end == "revert" else "failed")
    assert [op for op, _ in host.asked] == [ops.GET]
    later = run(engine, "return 1", "return 1n;", host=none)
    assert (value_of(later), none.asked) == (1, []), "and nothing of it is left for the next call"


@both
def test_an_error_while_a_value_is_written_leaves_what_waited_before(engine: str) -> None:
    host = FakeHost()
    ended = run(
        engine,
        """store.m:set(1, "a")
        local ok = pcall(function() store.m:set(2, {1, {print}}) end)
        local big = pcall(function() store.m:set(3, ("x"):rep(30000)) end)
        store.m:set(4, "b")
        return {ok, big}""",
        """store.m.set(1n, 'a');
        const done = [true, true];
        try { store.m.set(2n, [1n, [print]]); } catch { done[0] = false; }
        try { store.m.set(3n, 'x'.repeat(30000)); } catch { done[1] = false; }
        store.m.set(4n, 'b');
        return done;""",
        host=host,
    )
    assert value_of(ended) == [False, False]
    assert host.asked == [(ops.SET, [["m", 1], "a"]), (ops.SET, [["m", 4], "b"])]


@both
@pytest.mark.parametrize("size", [1, 100, 4_000, 4_084, 4_085, 4_086, 4_087, 4_088, 4_096, 16_000])
def test_any_number_of_any_size_waits(engine: str, size: int) -> None:
    """As much waits as there is room for; the largest value still finds its place behind."""
    host = FakeHost()
    ended = run(
        engine,
        """local size = ...
        for i = 1, 30 do store.m:set(i, ("x"):rep(size)) end
        store.m:set(31, ("y"):rep(16000))
        return ("z"):rep(16000)""",
        """const [size] = given;
        for (let i = 1n; i <= 30n; i++) store.m.set(i, 'x'.repeat(Number(size)));
        store.m.set(31n, 'y'.repeat(16000));
        return 'z'.repeat(16000);""",
        size,
        host=host,
    )
    assert value_of(ended) == "z" * 16_000
    expected = [(ops.SET, [["m", i], "x" * size]) for i in range(1, 31)]
    assert host.asked == [*expected, (ops.SET, [["m", 31], "y" * 16_000])]


@both
@pytest.mark.parametrize("is_last", [True, False])
def test_a_fault_of_what_waited_ends_the_call(engine: str, is_last: bool) -> None:
    class Refusing(FakeHost):
        def __call__(self, op: int, payload: bytes, meter: Any) -> bytes | None:
            if op == ops.EMIT:
                raise GuestFault("static", "not here")
            return super().__call__(op, payload, meter)

    host = Refusing()
    lua, js = ("", "") if is_last else ("store.v:get()", "store.v.get();")
    ended = run(
        engine,
        f"pcall(function() emit('E', 1) store.v:set(2) {lua} end) return 1",
        f"try {{ emit('E', 1n); store.v.set(2n); {js} }} catch {{ }} return 1n;",
        host=host,
    )
    assert (ended.kind, ended.code, ended.text) == ("failed", "static", "not here")
    assert host.asked == []


@both
@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), KeyboardInterrupt(), StopIteration()])
def test_a_fault_of_the_host_at_the_end_is_never_the_guests(engine: str, error: BaseException) -> None:
    def host(_op: int, _payload: bytes, _meter: Meter) -> bytes | None:
        raise error

    with pytest.raises(Broken) as broken:
        run(engine, "store.v:set(1)", "store.v.set(1n);", host=host)
    assert broken.value.__cause__ is error
    assert value_of(run(engine, "return 1", "return 1n;")) == 1


@both
def test_what_waits_for_the_end_is_paid_to_the_last_unit(engine: str) -> None:
    lua, js = "store.v:set(1) emit('E', 2)", "store.v.set(1n); emit('E', 2n);"
    enough = run(engine, lua, js).fuel_used
    assert run(engine, lua, js, fuel=enough + 1).kind == "returned"
    short, host = FakeHost(), FakeHost()
    assert run(engine, lua, js, fuel=enough, host=host).code == "out_of_gas"
    ended = run(engine, lua, js, fuel=enough - 500, host=short)
    assert (ended.code, ended.fuel_used) == ("out_of_gas", enough - 500)
    assert [op for op, _ in short.asked] == [ops.SET]


@both
def test_the_context_comes_with_the_call_or_is_asked_for(engine: str) -> None:
    host = FakeHost()
    source = (
        LUA % "return {ctx.height, ctx.caller}"
        if engine == "lua/1"
        else JS % "return [ctx.height, ctx.caller];"
    )

    def given(ctx: bytes) -> Any:
        image = machine().prepare(engine, source.encode())
        return decode(machine().call(image, "run", b"\x90", FUEL, host, ctx).value)

    assert on_big_stack(lambda: given(encode({"caller": "me", "height": 2**40}))) == [2**40, "me"]
    assert host.asked == []
    assert on_big_stack(lambda: given(b"")) == [7, "you"]
    assert [op for op, _ in host.asked] == [ops.CTX]
    with pytest.raises(Broken):
        on_big_stack(lambda: given(encode({"caller": "x" * 4_096})))
