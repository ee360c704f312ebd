"""The border to the C library: stacks, meters, and what a memory is restored to."""

import pytest

from chaosnet.contracts.faults import OutOfGas
from tests.machines import ENGINES, FakeHost, machine, on_big_stack


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


@pytest.mark.parametrize("engine", ENGINES)
def test_the_depth_of_the_stack_is_cleared_too(engine: str) -> None:
    source = {
        "lua/1": b"""local function down(n) return n > 0 and ("x"):gsub("x", function() down(n - 1) end) end
contract{api=1, methods={run={kind="view", run=function(n) down(n) return 0 end}}}""",
        "js/1": b"""const down = (n) => n > 0 && JSON.stringify({toJSON: () => { down(n - 1); return 0; }});
contract({api: 1, methods: {run: {kind: 'view', run(n) { down(Number(n)); return 0n; }}}});""",
    }[engine]

    def whole() -> list[bytes]:
        image = machine().prepare(engine, source)
        found = []
        for depth in (0, 60, 0):
            ended = machine().call(image, "run", bytes((0x91, depth)), 100_000_000, FakeHost())
            assert ended.code == "ok", ended
            instance = machine()._engines[engine].instances[0]
            assert instance is not None
            found.append(instance.whole_memory())
        return found

    shallow, deep, again = on_big_stack(whole)
    assert any(deep[:100_000])
    assert not any(shallow[:100_000])
    assert shallow == again


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
