"""Lua as compiled for this computer, beside the engine: the same results, or a difference with its place."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Refused
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.values import Value
from chaosnet.daemon.machines import read_engines
from chaosnet.devchain import native
from chaosnet.devchain.generate import Generator, Parameter
from chaosnet.devchain.native import NativeChain, NativeMachine
from tests.machines import machine, on_big_stack

pytest.importorskip("lupa.lua54", reason="Lua for this host is not installed: pip install lupa")

T = TypeVar("T")
VALUES: tuple[Value, ...] = (
    None,
    True,
    -1,
    2**63 - 1,
    -(2**63),
    "text",
    "",
    b"",
    b"\xff" * 300,
    [1, [None]],
    {"a": {}},
)
SOURCE = """
contract{ api=1, name="All", permissions={call="any"},
  storage={n="value int", b="value bytes", m="map text int"},
  events={Seen={"what any"}},
  methods={
    values={kind="write", args={"x any"}, returns="any", run=function(x)
      store.b:set(bytes.concat(bytes("x"), bytes.from_hex("00ff")))
      print(store.b:get(), bytes("a") == bytes("a"), bytes("a") .. bytes("b"), x == null)
      emit("Seen", x)
      if x == nil then x = null end
      return {x, null, map{}, {}, "é", store.b:get(), ctx.sent, {[1] = {map{a = 1, b = {2}}}}}
    end},
    div={kind="view", args={"a int", "b int", "c int"}, returns="list", run=function(a, b, c)
      return {int.muldiv(a, b, c, "up"), int.muldiv(a, b, c, "down")}
    end},
    each={kind="write", returns="int", run=function()
      for i = 1, 40 do store.m:add("k" .. i, i) end
      local sum = 0
      for _, n in store.m:each() do sum = sum + n end
      return sum
    end},
    on={kind="write", args={"at address"}, returns="list", run=function(at)
      local tried = try_call(at, "refuse", {})
      return {tried.code, tried.text, call(at, "each", {})}
    end},
    refuse={kind="write", run=function() pcall(revert, "no") store.n:set(1) end},
    wrong={kind="write", run=function() local x = nil; return x.y end},
    kept={kind="view", run=function() pcall(function() store.n:set(1) end) end},
    spin={kind="write", run=function() while true do end end},
    deep={kind="write", run=function() local function f() return 1 + f() end return f() end},
    outside={kind="view", returns="text", run=function()
      return table.concat({tostring(io), tostring(os), tostring(debug), tostring(python), tostring(require),
        tostring(load("\\27Lua")), tostring(string.dump), tostring(math.random), type(null)}, " ")
    end},
    order={kind="view", returns="text", run=function()
      local t, out = {}, ""
      for i = 1, 40 do t["key" .. i] = i end
      for k in pairs(t) do out = out .. k end
      return out
    end},
    place={kind="write", run=function()
      store.n:set(7)
      store.n:set(#tostring(print))
    end},
  } }
"""


def on_both(task: Callable[[NativeChain, str], T]) -> T:
    def run() -> T:
        with NativeMachine(machine(), read_engines(1)[1]["lua/1"]) as beside:
            chain = NativeChain(machine(), beside)
            made = chain.deploy(SOURCE, "lua/1")
            assert made.is_ok, made.text
            return task(chain, str(made.value))

    return on_big_stack(run)


def test_both_do_the_same() -> None:
    def task(chain: NativeChain, box: str) -> None:
        for value in VALUES:
            done = chain.call(box, "values", value, sender="bob")
            assert done.is_ok, done.text
            assert isinstance(done.value, list)
            assert done.value[0] == value
        assert chain.call(box, "each").value == 820
        other = str(chain.deploy(SOURCE, "lua/1").value)
        assert chain.call(box, "on", other).value == ["reverted", "no", 820]
        assert (chain.call(box, "refuse").text, chain.call(box, "wrong").code) == ("no", "script_error")
        with pytest.raises(GuestFault, match="static"):
            chain.query(box, "kept")
        assert chain.query(box, "outside") == "nil nil nil nil nil nil nil nil userdata"
        generator = Generator(Dice(b"div"), ())
        for _ in range(60):
            numbers = generator.values([Parameter(name, "int") for name in "abc"])
            try:
                chain.query(box, "div", *numbers)
            except GuestFault as fault:
                assert fault.text in ("overflow", "division by zero")

    on_both(task)


def test_a_difference_is_named_with_its_place() -> None:
    def task(chain: NativeChain, box: str) -> None:
        with pytest.raises(Refused, match="engines_differ: the answer"):
            chain.query(box, "order")
        with pytest.raises(Refused, match=r"place, operation 2: 2 \[\['n'\], [0-9]+\], not 2 \[\['n'\]"):
            chain.call(box, "place")

    on_both(task)


def test_bounds_of_the_engine_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "CALL_S_MAX", 1)

    def task(chain: NativeChain, box: str) -> None:
        assert chain.call(box, "spin", gas=500_000).code == "out_of_gas"
        assert chain.call(box, "each").value == 820
        assert chain.call(box, "deep").code in ("stack", "out_of_gas", "script_error", "memory")

    on_both(task)


def test_the_process_is_jailed() -> None:
    def task(chain: NativeChain, box: str) -> None:
        beside = chain.native
        process = Path(f"/proc/{beside.pid}")
        limits = {
            line[:25].strip(): line[25:].split()[0]
            for line in (process / "limits").read_text().split("\n")
            if line
        }
        assert (limits["Max file size"], limits["Max core file size"]) == ("0", "0")
        assert int(limits["Max cpu time"]) <= 120
        assert int(limits["Max address space"]) <= 2 << 30
        assert int(limits["Max open files"]) <= 3
        assert (process / "environ").read_bytes() == b""
        beside.close()
        assert not process.exists()

    on_both(task)
