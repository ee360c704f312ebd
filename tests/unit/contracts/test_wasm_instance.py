"""The border to the C library: stacks, meters, and what a memory is restored to."""

import threading

import pytest

from chaosnet.base.errors import Broken
from chaosnet.contracts.faults import OutOfGas
from chaosnet.contracts.wasm_instance import STACK_BYTES, check_stack, thread_stack_bytes
from tests.machines import ENGINES, FakeHost, machine, on_big_stack


def test_a_small_thread_is_refused() -> None:
    caught: list[Broken] = []

    def small() -> None:
        with pytest.raises(Broken) as broken:
            machine().start(ENGINES[0])
        caught.append(broken.value)

    machine()
    before = threading.stack_size(1 << 20)
    thread = threading.Thread(target=small)
    thread.start()
    threading.stack_size(before)
    thread.join()
    assert "stack" in caught[0].detail


def test_a_large_thread_passes() -> None:
    on_big_stack(check_stack)
    assert on_big_stack(thread_stack_bytes) >= STACK_BYTES


@pytest.mark.parametrize("engine", ENGINES)
def test_restore_makes_every_byte_what_it_was(engine: str) -> None:
    source = {
        "lua/1": b'contract{api=1, methods={run={kind="view", run=function(n) return #("x"):rep(n) end}}}',
        "js/1": b'contract({api: 1, methods: {run: {kind: "view", run: (n) => "x".repeat(Number(n))}}})',
    }[engine]

    def whole() -> tuple[bytes, bytes]:
        image = machine().prepare(engine, source)
        machine().call(image, "run", b"\x91\xce\x00\x20\x00\x00", 100_000_000, FakeHost())
        found = []
        for size in (b"\x91\x01", b"\x91\xce\x00\x0a\x00\x00", b"\x91\x01"):
            machine().call(image, "run", size, 100_000_000, FakeHost())
            instance = machine()._engines[engine].instances[0]
            assert instance is not None
            found.append(bytes(instance.whole_memory()))
        return found[0], found[2]

    first, last = on_big_stack(whole)
    assert first == last


def test_meter_ends_at_nothing_left() -> None:
    seen: list[int] = []

    def host(_op: int, _payload: bytes, meter: object) -> bytes | None:
        seen.append(meter.left())  # type: ignore[attr-defined]
        meter.charge(seen[0] - 10)  # type: ignore[attr-defined]
        assert meter.left() == 10  # type: ignore[attr-defined]
        with pytest.raises(OutOfGas):
            meter.charge(10)  # type: ignore[attr-defined]
        assert meter.left() == 0  # type: ignore[attr-defined]
        return None

    source = b'contract{api=1, name="T", methods={run={kind="view", run=function() return gas_left() end}}}'

    def task() -> str:
        image = machine().prepare("lua/1", source)
        return machine().call(image, "run", b"\x90", 1_000_000, host).code

    assert on_big_stack(task) == "out_of_gas"
