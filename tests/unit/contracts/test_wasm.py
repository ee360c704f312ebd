"""The machine: values cross unchanged, fuel is exact, calls start anew, faults of the host stay its own."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.machine import Ended, Meter
from chaosnet.contracts.values import INT_MAX, INT_MIN, Value, decode, encode
from chaosnet.contracts.wasm import WasmImage
from tests.machines import ENGINES, FUEL, FakeHost, call, machine, on_big_stack, value_of
from tests.unit.contracts.test_values import values

both = pytest.mark.parametrize("engine", ENGINES)

SOURCES = {
    "lua/1": """
local seen = 0
contract{ api=1, name="T", storage={n="counter"}, methods={
  echo={kind="view", run=function(...) return ... end},
  all={kind="view", run=function(...) return {...} end},
  ask={kind="write", run=function() seen = seen + 1; return store.n:add(1) end},
  seen={kind="view", run=function() seen = seen + 1; return seen end},
  work={kind="view", run=function(n) local s = 0; for i = 1, n do s = s + i % 7 end return s end},
  fail={kind="view", run=function()
    error("wrong")
  end},
  refuse={kind="view", run=function(text) pcall(revert, text); return 1 end},
  nest={kind="write", run=function(n) return call("c", "nest", {n - 1}) end},
  recurse={kind="view", run=function() local function f(n) return 1 + f(n + 1) end return f(1) end},
  bomb={kind="view", run=function() local t = {} for i = 1, 1 << 40 do t[i] = {i} end end},
  text={kind="view", run=function() return ("x"):rep(1 << 33) end},
  grow={kind="view", run=function(n) return #("x"):rep(n) end},
  loop={kind="view", run=function() while true do pcall(function() while true do end end) end end},
} }""",
    "js/1": """
let seen = 0n;
contract({ api: 1, name: "T", storage: { n: "counter" }, methods: {
  echo: { kind: "view", run: (x) => x },
  all: { kind: "view", run: (...x) => x },
  ask: { kind: "write", run() { seen++; return store.n.add(1n); } },
  seen: { kind: "view", run: () => ++seen },
  work: { kind: "view", run(n) {
    let s = 0; for (let i = 0; i < Number(n); i++) s += i % 7; return BigInt(s); } },
  fail: { kind: "view", run() {


    throw new Error("wrong"); } },
  refuse: { kind: "view", run(text) { try { revert(text); } catch {} return 1n; } },
  nest: { kind: "write", run: (n) => call("c", "nest", [n - 1n]) },
  recurse: { kind: "view", run() { const f = (n) => 1 + f(n + 1); return f(1); } },
  bomb: { kind: "view", run() { const t = []; for (;;) t.push([t.length]); } },
  text: { kind: "view", run: () => "x".repeat(2 ** 29).length },
  grow: { kind: "view", run: (n) => BigInt(Array(Number(n)).fill(7).length) },
  loop: { kind: "view", run() { for (;;) { try { for (;;); } finally { continue; } } } },
} })""",
}


def run(engine: str, method: str, *args: Value, **options: Any) -> Ended:
    return call(engine, SOURCES[engine], method, *args, **options)


def image_of(engine: str) -> WasmImage:
    image = on_big_stack(lambda: machine().prepare(engine, SOURCES[engine].encode()))
    assert isinstance(image, WasmImage)
    return image


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────

EDGES: list[Any] = [
    *(None, True, False, 0, -1, 1, -32, -33, 127, 128, -128, -129, 255, 256, 65535, 65536, -32768, -32769),
    *(2**31, 2**32 - 1, 2**32, -(2**31), -(2**31) - 1, 2**53, 2**53 + 1, INT_MAX, INT_MIN),
    *("", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 16_000, "ä€😀\0", "\uffff\ue000", "__proto__"),
    *(b"", b"\0\xff", bytes(255), bytes(256), bytes(range(256)) * 60, [], {}, [[]], [{}], {"": None}),
    *(
        [None, None],
        list(range(15)),
        list(range(16)),
        list(range(5_000)),
        {"b": 1, "a": [2], "aa": {"": b"x"}},
    ),
    *(
        {str(i): i for i in range(17)},
        {"__proto__": 1, "constructor": 2, "length": 3, "1": 4, "10": 5, "2": 6},
    ),
    {"\uffff": 1, "\U00010000": 2},
    {f"key {i * 7919 % 1000:04}": i for i in range(1_000)},
]


@both
def test_edge_values_come_back_as_the_same_bytes(engine: str) -> None:
    for value in EDGES:
        ended = run(engine, "echo", value)
        assert (ended.kind, ended.text, ended.value) == ("returned", "", encode(value))


@settings(max_examples=150, deadline=None)
@given(values)
def test_any_value_comes_back_as_the_same_bytes(value: Value) -> None:
    for engine in ENGINES:
        assert run(engine, "echo", [value]).value == encode([value])


@both
def test_depth_of_values(engine: str) -> None:
    nested: Value = 1
    for _ in range(15):
        nested = [nested]
    assert value_of(run(engine, "all", nested)) == [nested]
    deeper = {
        "lua/1": "local t = {} for _ = 1, 16 do t = {t} end return t",
        "js/1": "let t = []; for (let i = 0; i < 16; i++) t = [t]; return t",
    }
    ended = call(engine, one_method(engine, deeper[engine]), "run")
    assert ended.code == "script_error"
    assert "at most 16 deep" in ended.text


def one_method(engine: str, body: str) -> str:
    """Return a contract with one method `run`, whose body is on line 2."""
    if engine == "lua/1":
        return (
            f'contract{{ api=1, name="T", methods={{ run={{kind="write", run=function()\n{body}\nend}} }} }}'
        )
    return f'contract({{ api: 1, name: "T", methods: {{ run: {{ kind: "write", run() {{\n{body}\n}} }} }} }})'


REFUSED = [
    ("lua/1", "return 1.5", "bad_value: only integers cross the border"),
    ("lua/1", "return 4 / 2", "only integers cross the border"),
    ("lua/1", "return {1, nil, 3}", "list without holes"),
    ("lua/1", "return {1, x = 2}", "list without holes"),
    ("lua/1", "return map{[1] = 2}", "map with text keys"),
    ("lua/1", "return '\\xff'", "not valid UTF-8"),
    ("lua/1", "return print", "a function cannot cross"),
    ("lua/1", "local t = {} t[1] = t return t", "at most 16 deep"),
    ("lua/1", "return ('x'):rep(16384)", "too_large"),
    ("js/1", "return 1", "a Number cannot cross the border; integers are BigInt, as in 1n"),
    ("js/1", "return 2n ** 63n", "more than 64 bits"),
    ("js/1", "return -(2n ** 63n) - 1n", "more than 64 bits"),
    ("js/1", "return '\\ud800'", "half a character"),
    ("js/1", "return () => 1", "only plain objects"),
    ("js/1", "return new (class A {})()", "only plain objects"),
    ("js/1", "return new Uint16Array(1)", "only plain objects"),
    ("js/1", "return Symbol()", "a symbol cannot cross"),
    ("js/1", "return new Map([[1n, 2n]])", "keys of a map are text"),
    ("js/1", "const t = []; t[0] = t; return t", "at most 16 deep"),
    ("js/1", "return 'x'.repeat(16384)", "too_large"),
]


@pytest.mark.parametrize(("engine", "body", "text"), REFUSED)
def test_what_is_no_value_is_refused_with_a_reason(engine: str, body: str, text: str) -> None:
    ended = call(engine, one_method(engine, body), "run")
    assert ended.code == "script_error"
    assert text in ended.text


# ── how frames end ───────────────────────────────────────────────────────────────────────────────────────


@both
def test_errors_name_the_line(engine: str) -> None:
    line = {"lua/1": 10, "js/1": 13}[engine]
    ended = run(engine, "fail")
    assert (ended.kind, ended.code, ended.text) == ("failed", "script_error", f"contract:{line}: wrong")


@both
def test_revert_is_final_and_carries_its_text(engine: str) -> None:
    ended = run(engine, "refuse", "no")
    assert (ended.kind, ended.code, ended.text) == ("reverted", "reverted", "no")
    assert run(engine, "refuse", "ä" * 200).text == "ä" * 128


@both
@pytest.mark.parametrize(
    ("method", "args", "codes"),
    [
        ("recurse", [], ("script_error", "stack")),
        ("bomb", [], ("memory", "out_of_gas")),
        ("text", [], ("memory", "script_error")),
        ("loop", [], ("out_of_gas",)),
    ],
)
def test_guest_limits_end_the_frame(
    engine: str, method: str, args: list[Value], codes: tuple[str, ...]
) -> None:
    first = run(engine, method, *args)
    assert first.code in codes
    assert run(engine, method, *args) == first


@both
def test_fuel_is_exact_to_the_last(engine: str) -> None:
    for method, args in (("work", [1_000]), ("ask", []), ("echo", [["x"] * 100])):
        ended = run(engine, method, *args)
        assert ended.kind == "returned"
        used = ended.fuel_used
        assert run(engine, method, *args, fuel=used + 1) == ended
        for fuel in (used, used - 1, used // 2, 1):
            short = run(engine, method, *args, fuel=fuel)
            assert (short.kind, short.code, short.fuel_used) == ("failed", "out_of_gas", fuel)


@both
def test_a_rise_of_the_heap_costs(engine: str) -> None:
    small, large = run(engine, "grow", 10), run(engine, "grow", 200_000)
    assert large.kind == small.kind == "returned"
    assert large.fuel_used - small.fuel_used > 2 * 0.25 * 200_000, "to claim it, and to fill it"


@both
def test_out_of_gas_in_a_host_call_cannot_be_caught(engine: str) -> None:
    catching = {
        "lua/1": "pcall(gas_left) return 1",
        "js/1": "try { gas_left() } catch {} return 1n",
    }

    def greedy(_op: int, _payload: bytes, meter: Meter) -> bytes | None:
        meter.charge(meter.left())
        return None

    ended = call(engine, one_method(engine, catching[engine]), "run", host=greedy)
    assert (ended.kind, ended.code, ended.fuel_used) == ("failed", "out_of_gas", FUEL)


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────


@both
def test_the_thousandth_call_is_the_first(engine: str) -> None:
    image = image_of(engine)

    def all_calls() -> set[tuple[Ended, str]]:
        found = set()
        for i in range(1_000):
            if i % 10 == 3:  # others leave their traces in between
                machine().call(image, "grow", encode([50_000]), FUEL, FakeHost())
            ended = machine().call(image, "seen", encode([]), FUEL, FakeHost())
            found.add((ended, memory_hash(engine)))
        return found

    ((ended, _),) = on_big_stack(all_calls)
    assert decode(ended.value) == 1


def memory_hash(engine: str) -> str:
    """Return the hash of the memory that the last call of depth 0 left, unless it ended the instance."""
    instance = machine()._engines[engine].instances[0]
    return sha256(instance.content()).hexdigest() if instance else ""


@both
def test_traps_leave_nothing_behind(engine: str) -> None:
    first = run(engine, "seen")
    for _ in range(20):
        assert run(engine, "loop", fuel=100_000).code == "out_of_gas"
        run(engine, "text", fuel=10_000_000)
    assert run(engine, "seen") == first


@both
def test_thrown_errors_leave_nothing_behind(engine: str) -> None:
    body = {
        "lua/1": "for _ = 1, 2000 do pcall(error, {}) end return 1",
        "js/1": "for (let i = 0; i < 2000; i++) { try { throw {} } catch {} } return 1n",
    }
    source = one_method(engine, body[engine])
    assert len({call(engine, source, "run") for _ in range(30)}) == 1


@both
def test_an_image_is_a_function_of_its_source(engine: str) -> None:
    image = image_of(engine)
    fresh = on_big_stack(lambda: machine()._load(engine, SOURCES[engine].encode()))
    assert (fresh.content, fresh.load_fuel) == (image.content, image.load_fuel)


@both
@pytest.mark.parametrize(
    "source", ["", "x = ", "nothing = 1", "contract(", "while(true){}", "while true do end"]
)
def test_a_source_that_does_not_load(engine: str, source: str) -> None:
    with pytest.raises(GuestFault) as fault:
        on_big_stack(lambda: machine().prepare(engine, source.encode()))
    assert fault.value.code in ("script_error", "out_of_gas")


@both
def test_no_host_while_loading(engine: str) -> None:
    with pytest.raises(GuestFault, match="contract:3: .*not while the contract loads"):
        on_big_stack(lambda: machine().prepare(engine, b"\n\ngas_left()"))


@pytest.mark.process
def test_another_process_says_the_same() -> None:
    program = (
        "import json\nfrom tests.unit.contracts.test_wasm import same_everywhere\n"
        "print(json.dumps(same_everywhere()))"
    )
    root = Path(__file__).parents[3]
    out = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert json.loads(out.stdout) == same_everywhere() == same_everywhere()


def same_everywhere() -> list[list[Any]]:
    """Return what every process must say alike: end, fuel and memory of a few programs."""
    found: list[list[Any]] = []
    cases: list[tuple[str, list[Any]]] = [
        *(("work", [10_000]), ("all", [1, "x", {"b": 1, "a": 2}]), ("ask", []), ("grow", [200_000])),
        *(("fail", []), ("refuse", ["no"]), ("recurse", [])),
    ]
    for engine in ENGINES:
        for method, args in cases:
            ended = run(engine, method, *args)
            memory = on_big_stack(lambda name=engine: memory_hash(name))  # type: ignore[misc]
            found.append([ended.kind, ended.code, ended.value.hex(), ended.text, ended.fuel_used, memory])
    return found
