"""Every operation of the host raises every kind of exception, in frame one and eight, inside pcall and try.

A fault of the guest becomes the receipt's code, whatever the contract catches. Anything else stops the node
before it writes: it comes out of the block's execution, and the machine is as good as before.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

from chaosnet.base.errors import Broken
from chaosnet.contracts import ops
from chaosnet.contracts.faults import FAULTS, GuestFault, OutOfGas
from chaosnet.contracts.ops import DEPTH_MAX
from chaosnet.contracts.values import encode
from chaosnet.ledger.contracts import host
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Call, Deploy
from tests.fake_machine import ADA, Bench
from tests.machines import ENGINES, machine, on_big_stack

LUA_USES = {
    ops.GET: "store.n:get()",
    ops.SET: "store.n:set(1)",
    ops.SCAN: "store.m:page(1)",
    ops.EMIT: 'emit("E", 1)',
    ops.TRANSFER: 'transfer("x", 1)',
    ops.CALL: 'try_call("x", "y")',
    ops.BALANCE: 'balance("x")',
    ops.HASH: 'hash("sha256", "x")',
    ops.VERIFY: 'verify("ed25519", "x", "x", "x")',
    ops.GAS_LEFT: "gas_left()",
    ops.TRANSFER_AND_CALL: 'transfer_and_call("x", 1, "COS", "y")',
    ops.ISSUE: 'token.create("x", 1, map{})',
    ops.BURN: 'token.burn("x", 1)',
    ops.APPROVE: 'token.approve("x", "y", 0, 1, 2)',
    ops.TRANSFER_FROM: 'token.transfer_from("x", "y", "z", 1)',
    ops.ALLOWANCE: 'token.allowance("x", "y", "z")',
    ops.TOKEN: 'token.info("x")',
    ops.RIGHTS: 'token.rights("x", "y", map{})',
    ops.CONVERT: 'token.convert("x", 1, "y", 0, 9)',
    ops.PRINT: 'print("x")',
}
JS_USES = {
    number: re.sub(
        r"\b(\d+)\b", r"\1n", text.replace(":", ".").replace("local x = ", "").replace("map{}", "{}")
    )
    for number, text in LUA_USES.items()
}


def lua() -> str:
    uses = "\n".join(f"[{number}] = function() {text} end," for number, text in LUA_USES.items())
    return f"""local uses = {{ {uses} }}
    contract{{ api=1, name="F", version="1", licence="MIT",
      permissions={{call="any"}}, events={{E={{"n int"}}}},
      storage={{n="counter", m="map int int"}}, methods={{
      use={{kind="write", args={{"path list", "op int"}}, run=function(path, op)
        local next_one = table.remove(path, 1)
        for _ = 1, 2 do
          xpcall(function()
            pcall(function() if next_one then call(next_one, "use", {{path, op}}) else uses[op]() end end)
          end, function() return 1 end)
        end
      end}} }} }}"""


def javascript() -> str:
    uses = "\n".join(f"{number}: () => {{ {text} }}," for number, text in JS_USES.items())
    return f"""const uses = {{ {uses} }};
    contract({{ api: 1, name: "F", version: "1", licence: "MIT", permissions: {{ call: "any" }},
      events: {{ E: ["n int"] }}, storage: {{ n: "counter", m: "map int int" }}, methods: {{
      use: {{ kind: "write", args: ["path list", "op int"], run(path, op) {{
        const next = path.shift();
        for (let i = 0; i < 2; i++) {{
          try {{
            try {{
              if (next !== undefined) call(next, "use", [path, op]); else uses[op]();
            }} catch {{}} finally {{ i; }}
          }} finally {{ continue; }}
        }}
      }} }} }} }})"""


SOURCES: dict[str, Callable[[], str]] = {"lua/1": lua, "js/1": javascript}

GUEST = [*(GuestFault(code, "as told") for code in FAULTS), OutOfGas()]
OTHERS: list[BaseException] = [
    *(MemoryError(), OSError(5, "disk"), AssertionError("no"), KeyboardInterrupt(), RecursionError("deep")),
    *(
        SystemExit(1),
        GeneratorExit(),
        StopIteration(),
        ZeroDivisionError(),
        KeyError("k"),
        BaseException("x"),
    ),
    *(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), wasmtime.WasmtimeError("own"), wasmtime.Trap("own")),
]


class Stage:
    """Eight contracts of one language."""

    def __init__(self, engine: str) -> None:
        self.bench = Bench(machine())
        self.steps: list[bytes] = []
        for nonce in range(DEPTH_MAX):
            self.steps.append(contract_id(self.bench.hash, ADA.address, nonce, 0))
            action = Deploy(engine, SOURCES[engine]().encode(), encode([]), 0, 10**9)
            receipt, outcome = self.bench.run(ADA, action)
            assert receipt.code == "ok", outcome.text

    def use(self, depth: int, op: int, deposit: int = 10**9) -> tuple[str, int]:
        path = [self.bench.text(address) for address in self.steps[1:depth]]
        args: Any = [path, op]
        receipt, _ = self.bench.run(ADA, Call(self.steps[0], "use", encode(args), (), deposit), gas=2_000_000)
        return receipt.code, receipt.gas


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    return on_big_stack(lambda: {engine: Stage(engine) for engine in ENGINES})


def raising(error: BaseException) -> Callable[..., bytes | None]:
    def work(*_: object) -> bytes | None:
        raise error

    return work


def test_all_operations_are_here() -> None:
    assert set(LUA_USES) == set(host._WORKS) == set(JS_USES)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("op", LUA_USES)
def test_a_fault_of_the_guest_is_the_receipts_code(
    stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch, engine: str, op: int
) -> None:
    def task() -> None:
        for fault in GUEST:
            monkeypatch.setitem(host._WORKS, op, raising(fault))
            for depth in (1, DEPTH_MAX) if fault.code in ("out_of_gas", "reverted", "static") else (1,):
                code, gas = stages[engine].use(depth, op)
                assert code == fault.code, "the contract catches it, and it is not caught"
                assert (gas == 2_000_000) == (fault.code != "reverted")

    on_big_stack(task)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("op", LUA_USES)
def test_what_is_no_fault_of_the_guest_stops(
    stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch, engine: str, op: int
) -> None:
    stage = stages[engine]

    def quiet(*_: object) -> bytes | None:
        return None

    def task() -> None:
        monkeypatch.setitem(host._WORKS, op, quiet)
        before = stage.use(1, op), stage.use(DEPTH_MAX, op)
        for error in OTHERS:
            for depth in (1, DEPTH_MAX):
                stage.bench.overlay.keep()
                mark = stage.bench.overlay.checkpoint()
                nonces = dict(stage.bench.nonces)
                monkeypatch.setitem(host._WORKS, op, raising(error))
                with pytest.raises(Broken) as broken:
                    stage.use(depth, op)
                assert broken.value.__cause__ is error
                assert machine()._depth == 0
                stage.bench.overlay.rollback(mark)
                stage.bench.nonces = nonces
        monkeypatch.setitem(host._WORKS, op, quiet)
        assert (stage.use(1, op), stage.use(DEPTH_MAX, op)) == before, "the machine is as good as before"

    on_big_stack(task)
