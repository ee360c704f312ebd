"""Faults on the host's side never kill the process and never become a result; frames inside frames."""

from typing import Any

import pytest

from chaosnet.base.errors import Broken
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.machine import Meter
from chaosnet.contracts.ops import DEPTH_MAX
from chaosnet.contracts.values import decode, encode
from tests.machines import ENGINES, FUEL, machine, on_big_stack, value_of
from tests.unit.contracts.test_wasm import both, image_of, run

HOST_ERRORS: list[BaseException] = [
    *(ValueError("x"), MemoryError(), RecursionError(), OSError(5, "disk"), AssertionError(), KeyError("k")),
    *(
        KeyboardInterrupt(),
        SystemExit(1),
        GeneratorExit(),
        StopIteration(),
        Exception("x"),
        BaseException("x"),
    ),
]


@both
@pytest.mark.parametrize("error", HOST_ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("depth", [0, 3])
def test_a_fault_of_the_host_is_never_the_guests(engine: str, error: BaseException, depth: int) -> None:
    def host(_op: int, payload: bytes, _meter: Meter) -> bytes | None:
        asked: Any = decode(payload)
        if asked[2] == [0]:
            raise error
        return machine().call(image, "nest", encode(asked[2]), FUEL, host).value

    image = image_of(engine)
    with pytest.raises(Broken) as broken:
        on_big_stack(lambda: machine().call(image, "nest", encode([depth + 1]), FUEL, host))
    assert broken.value.__cause__ is error
    assert value_of(run(engine, "seen")) == 1


@both
def test_a_fault_of_the_guest_has_its_code(engine: str) -> None:
    def host(_op: int, _payload: bytes, meter: Meter) -> bytes | None:
        meter.charge(500)
        raise GuestFault("permission", "nothing declared")

    ended = run(engine, "nest", 1, host=host)
    assert (ended.kind, ended.code, ended.text) == ("failed", "permission", "nothing declared")
    without = run(engine, "nest", 1, host=lambda *_: (_ for _ in ()).throw(GuestFault("permission")))
    assert ended.fuel_used == without.fuel_used + 500


@both
def test_frames_to_the_bound(engine: str) -> None:
    image = image_of(engine)

    def host(_op: int, payload: bytes, _meter: Meter) -> bytes | None:
        asked: Any = decode(payload)
        method = "nest" if asked[2] != [0] else "recurse"
        ended = machine().call(image, method, encode(asked[2]), FUEL, host)
        return encode(ended.code) if ended.kind != "returned" else ended.value

    ended = on_big_stack(lambda: machine().call(image, "nest", encode([DEPTH_MAX - 1]), FUEL, host))
    assert value_of(ended) == run(engine, "recurse").code, (
        "recursion ends alike at the bottom of eight frames"
    )
    deeper = on_big_stack(lambda: machine().call(image, "nest", encode([DEPTH_MAX]), FUEL, host))
    assert value_of(deeper) == "call_depth"


def test_engines_call_each_other() -> None:
    images = {engine: image_of(engine) for engine in ENGINES}
    order: list[str] = []

    def host(_op: int, payload: bytes, _meter: Meter) -> bytes | None:
        asked: Any = decode(payload)
        engine = ENGINES[len(order) % 2]
        order.append(engine)
        method = "nest" if asked[2] != [0] else "seen"
        return machine().call(images[engine], method, encode(asked[2]), FUEL, host).value

    ended = on_big_stack(lambda: machine().call(images["js/1"], "nest", encode([5]), FUEL, host))
    assert value_of(ended) == 1
    assert order == [*ENGINES, *ENGINES, ENGINES[0]]


DEEP = {
    "lua/1": """contract{ api=1, methods={ run={kind="write", run=function(n)
      local deepest = 0
      local function down(depth)
        deepest = depth
        local function deeper() return down(depth + 1) end
        local ok, answer = pcall(function() return (("x"):gsub("x", deeper)) end)
        if ok then return answer end
        return n > 0 and call("c", "run", {n - 1}) or tostring(deepest)
      end
      return down(1)
    end} } }""",
    "js/1": """contract({ api: 1, methods: { run: { kind: "write", run(n) {
      let deepest = 0, answer = null;
      const down = (depth) => {
        deepest = depth;
        try { [2, 1].sort(() => { down(depth + 1); return 0; }); } catch (error) {
          if (answer === null) answer = n > 0n ? call("c", "run", [n - 1n]) : String(deepest);
        }
      };
      down(1);
      return answer;
    } } } })""",
}


@both
def test_recursion_to_the_guests_limit_in_all_frames(engine: str) -> None:
    image = on_big_stack(lambda: machine().prepare(engine, DEEP[engine].encode()))
    fuel = 2_000_000_000

    def host(_op: int, payload: bytes, _meter: Meter) -> bytes | None:
        asked: Any = decode(payload)
        ended = machine().call(image, "run", encode(asked[2]), fuel, host)
        assert ended.kind == "returned", ended
        return ended.value

    def task(frames: int) -> str:
        return str(value_of(machine().call(image, "run", encode([frames - 1]), fuel, host)))

    alone, below_seven = on_big_stack(lambda: (task(1), task(DEPTH_MAX)))
    assert alone == below_seven, "how deep a guest can go does not depend on who called it"
    assert int(alone) > 30
