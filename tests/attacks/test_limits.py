"""What must not show: kept images, the order of contracts, the native stack; and malformed input."""

import random

import pytest
import wasmtime

from chaosnet.contracts import wasm_instance
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.machine import Ended
from chaosnet.contracts.wasm import WasmImage, WasmMachine
from chaosnet.contracts.wasm_instance import AREA_BYTES, IO_BYTES, MEMORY_BYTES, Instance, make_engine
from chaosnet.daemon.machines import read_engines
from tests.attacks.running import memory_of, programs
from tests.machines import ENGINES, FUEL, FakeHost, machine, new_machine, on_big_stack
from tests.unit.contracts.test_wasm import one_method

both = pytest.mark.parametrize("engine", ENGINES)
NO_ARGS = b"\x90"


def ended(runs: WasmMachine, engine: str, body: str, fuel: int = FUEL) -> Ended:
    image = runs.prepare(engine, one_method(engine, body).encode())
    return runs.call(image, "run", NO_ARGS, fuel, FakeHost())


@both
def test_the_order_of_contracts_does_not_show(engine: str) -> None:
    bodies = [body for name, (of, code, body, _) in programs().items() if of == engine and code == "ok"]

    def found(order: list[str]) -> dict[str, tuple[Ended, str]]:
        return {body: (ended(machine(), engine, body, 30_000_000), memory_of(engine)) for body in order}

    def task() -> None:
        first = found(bodies)
        for seed in range(3):
            order = bodies.copy()
            random.Random(seed).shuffle(order)
            assert found(order) == first

    assert len(bodies) > 10
    on_big_stack(task)


@both
def test_a_forgotten_image_costs_the_same(engine: str) -> None:
    def task() -> None:
        modules, preludes = read_engines(1)
        forgetful = WasmMachine(modules, preludes, compiled=machine()._compiled, images_bytes_max=1)
        source = one_method(engine, "return 1 + 1" if engine == "lua/1" else "return 1n + 1n").encode()
        kept, again = machine().prepare(engine, source), machine().prepare(engine, source)
        assert kept is again
        fresh = forgetful.prepare(engine, source)
        forgetful.prepare(engine, source + b"\n")
        anew = forgetful.prepare(engine, source)
        assert fresh is not anew
        assert isinstance(kept, WasmImage)
        assert kept == fresh == anew
        calls = {runs.call(kept, "run", NO_ARGS, FUEL, FakeHost()) for runs in (machine(), forgetful)}
        assert len(calls) == 1

    on_big_stack(task)


def test_the_native_stack_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recursion ends by the guest's own bound, with 8 or 16 MiB of stack for its machine code."""
    deep = {name: programs()[name] for name in programs() if 55 <= int(name.split()[0]) <= 62}

    def found(runs: WasmMachine) -> dict[str, Ended]:
        return {
            name: ended(runs, engine, body, min(fuel, 300_000_000))
            for name, (engine, _, body, fuel) in deep.items()
        }

    def task() -> None:
        usual = found(machine())
        assert not {end.code for end in usual.values()} & {"stack"}
        monkeypatch.setattr(wasm_instance, "MAX_WASM_STACK", 16 << 20)
        assert found(new_machine()) == usual

    assert len(deep) > 20
    on_big_stack(task)


@pytest.mark.parametrize("use", ["Object.getPrototypeOf(p)", "return p"])
def test_a_chain_of_proxies_ends_by_the_guests_stack(monkeypatch: pytest.MonkeyPatch, use: str) -> None:
    body = f"let p = {{}}; for (let i = 0; i < 60000; i++) p = new Proxy(p, {{}}); {use}; return 1n"

    def end(runs: WasmMachine) -> Ended:
        image = runs.prepare("js/1", one_method("js/1", body).encode())
        return runs.call(image, "run", NO_ARGS, 1_000_000_000, FakeHost())

    def task() -> None:
        usual = end(machine())
        assert usual.code == "script_error"
        monkeypatch.setattr(wasm_instance, "MAX_WASM_STACK", 16 << 20)
        assert end(new_machine()) == usual

    on_big_stack(task)


MALFORMED = [
    *(b"", b"\xc0", b"\x90\x90", b"\x91", b"\x92\x01", b"\xdc\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xa5x"),
    *(b"\xc1", b"\xcb" + bytes(8), b"\xd4\x01\x01", b"\x91\xdb\xff\xff\xff\xff", b"\x91\xc6\x7f\xff\xff\xff"),
    *(
        b"\x91" * 3_000,
        b"\x81\x01\x01",
        b"\x91\x81\x90\x01",
        b"\x91\xa2\xff\xfe",
        b"\xdc\x00\x41" + b"\x01" * 65,
    ),
    *(b"\x91\xcf" + b"\xff" * 8, b"\x91\xd9\xff" + b"x" * 254, b"\x91\xde\xff\xff\xa1a\x01"),
]


@both
def test_malformed_arguments_only_fail(engine: str) -> None:
    """The ledger never lets them through; were it to, the shims must not read beyond them."""

    def task() -> None:
        image = machine().prepare(engine, one_method(engine, "").encode())
        good = machine().call(image, "run", NO_ARGS, FUEL, FakeHost())
        for raw in MALFORMED:
            first = machine().call(image, "run", raw, 2_000_000_000, FakeHost())
            assert first == machine().call(image, "run", raw, 2_000_000_000, FakeHost())
            assert first.kind in ("returned", "failed")
        noise = random.Random(7)
        for _ in range(150):
            raw = noise.randbytes(noise.randrange(1, 60))
            machine().call(image, "run", b"\x93" + raw, FUEL, FakeHost())
        assert machine().call(image, "run", NO_ARGS, FUEL, FakeHost()) == good

    on_big_stack(task)


ROGUE = """(module
  (import "env" "host" (func $host (param i32 i32) (result i32)))
  (memory (export "memory") 384 384)
  (global (export "__stack_pointer") (mut i32) (i32.const 1024))
  (func (export "vm_high") (result i32) (i32.const 2048))
  (func (export "io_ptr") (result i32) (i32.const 4096))
  (func (export "vm_call") (param i32) (result i32) (call $host (i32.const {op}) (local.get 0))))"""


@pytest.mark.parametrize(
    ("op", "size", "code"),
    [
        (1, IO_BYTES + 1, "script_error"),
        (1, MEMORY_BYTES, "script_error"),
        (1, 0x7FFFFFFF, "script_error"),
        (1, -1, "script_error"),
        (1, -(2**31), "script_error"),
        (-1, 0, "memory"),
        (-1, -1, "memory"),
    ],
)
def test_no_request_reaches_beyond_its_area(op: int, size: int, code: str) -> None:
    def task() -> str:
        runs = make_engine()
        instance = Instance(runs, wasmtime.Module(runs, ROGUE.format(op=op)))
        instance.host = lambda *_: b"answered"
        instance.set_fuel(FUEL)
        with pytest.raises(GuestFault) as fault:
            instance.enter(instance.vm_call, size)
        return fault.value.code

    assert on_big_stack(task) == code


def test_what_waits_is_read_inside_of_its_area_whatever_stands_there() -> None:
    """An interpreter that writes over its own area ends its call; the host never fails by it."""
    noise = random.Random(7)
    asked: list[tuple[int, int]] = []

    def host(op: int, payload: bytes, _meter: object) -> bytes | None:
        asked.append((op, len(payload)))
        return None

    def task() -> set[str]:
        runs = make_engine()
        instance, other = (
            Instance(
                runs,
                wasmtime.Module(runs, ROGUE.replace("(call $host (i32.const {op}) (local.get 0))", body)),
            )
            for body in ("(local.get 0)", "(call $host (local.get 0) (i32.const 9))")
        )
        ends = set()
        for _i in range(600):
            size = noise.choice([0, 1, 2, 3, 4, 5, 40, 4_096, AREA_BYTES - 9, AREA_BYTES, 0x7FFF])
            head = bytes((noise.choice([0, 1, 4, 60]), noise.choice([0, 0, 0, 255]), 2, 0))
            for one in (instance, other):
                one.host = host
                one.set_fuel(FUEL)
                one.write((head * (AREA_BYTES // 4))[:AREA_BYTES])
                try:
                    if one is instance:
                        one.end(one.enter(one.vm_call, size << 16 | noise.choice([0, 1, 0xFFFF])))
                    else:
                        one.enter(one.vm_call, size << 8 | noise.choice([0, 2]))
                    ends.add("ok")
                except GuestFault as fault:
                    ends.add(fault.code)
        return ends

    assert on_big_stack(task) == {"ok", "script_error"}
    assert all(size < AREA_BYTES for _, size in asked)
    assert asked


@pytest.mark.parametrize("mark", [0xFFFFFFFF, MEMORY_BYTES + 1, 0x80000000, 0])
def test_a_heap_mark_that_was_written_over_leads_nowhere(mark: int) -> None:
    """Memory faults of an interpreter stay in its memory: the host does not believe the mark."""

    def task() -> None:
        runs = make_engine()
        body = f"(i32.store (i32.const 2048) (i32.const {mark})) (i32.const 0)"
        program = ROGUE.format(op=1).replace("(call $host (i32.const 1) (local.get 0))", body)
        instance = Instance(runs, wasmtime.Module(runs, program))
        instance.set_fuel(FUEL)
        instance.enter(instance.vm_call, 0)
        assert len(instance.content()) <= MEMORY_BYTES
        instance.restore(bytes(instance.start) + b"content")
        assert instance.whole_memory()[1024:1031] == b"content"

    on_big_stack(task)


@pytest.mark.parametrize("answer", [b"x" * (IO_BYTES + 1), b"x" * MEMORY_BYTES])
def test_no_answer_reaches_beyond_its_area(answer: bytes) -> None:
    def task() -> str:
        runs = make_engine()
        instance = Instance(runs, wasmtime.Module(runs, ROGUE.format(op=1)))
        instance.host = lambda *_: answer
        instance.set_fuel(FUEL)
        with pytest.raises(GuestFault) as fault:
            instance.enter(instance.vm_call, 0)
        return fault.value.code

    assert on_big_stack(task) == "too_large"


def test_another_machine_in_this_process_says_the_same() -> None:
    names = [name for name in programs() if int(name.split()[0]) in (47, 65, 66, 71, 73, 76)]

    def task() -> None:
        other = new_machine()
        for name in names:
            engine, _, body, _ = programs()[name]
            assert ended(other, engine, body) == ended(machine(), engine, body), name

    assert names
    on_big_stack(task)
