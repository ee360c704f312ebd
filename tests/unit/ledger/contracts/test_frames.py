"""Calls inside calls: what is undone, what is charged, and what is refused."""

from typing import Any

import pytest

from chaosnet.base.errors import Broken
from chaosnet.contracts.faults import OutOfGas
from chaosnet.contracts.ops import PRICES, callee_fuel, frame_fuel
from chaosnet.contracts.values import encode
from chaosnet.ledger.contracts.frames import Tank
from tests.fake_machine import ADA, BOB, CALL_FUEL, LOAD_FUEL, Api, Bench, FakeContract, FakeMachine, Revert

FRAME = frame_fuel(PRICES, LOAD_FUEL)
PER_GAS = 50
ANY_CALL = {"permissions": {"call": "any", "transfer": "any"}}


def add(api: Api, n: int) -> int:
    total = (api.get("count") or 0) + n
    api.set(["count"], total)
    api.emit("Added", n)
    return total


def refuse(api: Api, text: str = "no") -> None:
    api.set(["count"], 99)
    raise Revert(text)


def loop(api: Api) -> None:
    api.set(["count"], 99)
    while True:
        api.burn_fuel(1_000)


COUNTER = FakeContract(
    {
        "add": add,
        "refuse": refuse,
        "loop": loop,
        "count": lambda api: api.get("count") or 0,
        "sneaky": lambda api: add(api, 1),
        "pay": lambda _: None,
        "wrong": lambda _: "text",
        "lots": lambda api: [api.emit("Added", i) for i in range(65)] and None,
    },
    {
        "events": {"Added": ["n int"]},
        "methods": {
            "add": {"kind": "write", "args": ["n int"], "returns": "int"},
            "refuse": {"kind": "write", "args": ["text text?"]},
            "loop": {"kind": "write"},
            "count": {"kind": "view", "returns": "int"},
            "sneaky": {"kind": "view"},
            "pay": {"kind": "payable"},
            "wrong": {"kind": "write", "returns": "int"},
            "lots": {"kind": "write"},
        },
    },
)


def deep(api: Api, me: str, depth: int) -> int:
    return 0 if depth == 0 else 1 + api.call(me, "deep", me, depth - 1)


CALLER = FakeContract(
    {
        "through": lambda api, to, method, args: api.call(to, method, *args),
        "tried": lambda api, to, method, args: [
            api.set(["mine"], 1),
            api.call(to, method, *args, is_try=True),
        ][1],
        "bounded": lambda api, to, method, fuel: api.call(to, method, fuel=fuel, is_try=True),
        "static": lambda api, to, method, args: api.call(to, method, *args, is_static=True),
        "paying": lambda api, to, amount: api.call(to, "pay", sent={"COS": amount}),
        "deep": deep,
        "again": lambda api, me: api.call(me, "again", me),
        "mine": lambda api: api.get("mine"),
    },
    {
        **ANY_CALL,
        "methods": {
            "through": {"kind": "write", "args": ["to address", "method text", "args list"]},
            "tried": {"kind": "write", "args": ["to address", "method text", "args list"]},
            "bounded": {"kind": "write", "args": ["to address", "method text", "fuel int"]},
            "static": {"kind": "write", "args": ["to address", "method text", "args list"]},
            "paying": {"kind": "payable", "args": ["to address", "amount int"]},
            "deep": {"kind": "write", "args": ["me address", "depth int"], "reentrant": True},
            "again": {"kind": "write", "args": ["me address"]},
            "mine": {"kind": "view"},
        },
    },
)
SHY = FakeContract(
    {"through": lambda api, to: api.call(to, "count")},
    {"methods": {"through": {"kind": "write", "args": ["to address"]}}},
)


@pytest.fixture
def bench() -> Bench:
    return Bench(FakeMachine(counter=COUNTER, caller=CALLER, shy=SHY))


def test_a_call_changes_storage_emits_and_returns(bench: Bench) -> None:
    counter = bench.deploy("counter")
    receipt, outcome = bench.call(counter, "add", 5)
    assert receipt.code == "ok"
    assert outcome.returns == (b"\x05",)
    assert [(e.contract, e.name, e.values, e.index) for e in outcome.events] == [
        (counter, "Added", b"\x91\x05", 0)
    ]
    assert bench.value(counter, "count") == 5
    assert bench.value(counter, "add", 2, sender=BOB) == 7


def test_what_is_not_in_the_interface_or_does_not_fit_is_refused_cheaply(bench: Bench) -> None:
    counter = bench.deploy("counter")
    for method, args, code in (
        ("nothing", (), "no_method"),
        ("__init__", (), "no_method"),
        ("add", (), "bad_args"),
        ("add", ("1",), "bad_args"),
        ("add", (1, 2), "bad_args"),
    ):
        receipt, _ = bench.call(counter, method, *args)
        assert receipt.code == code
        assert receipt.gas < 30_000
    assert bench.code(b"\x01" + bytes(32), "add", 1) == "no_contract"
    assert bench.code(counter, "add", 1, sent=((b"", 5),)) == "bad_args", "it takes no assets"
    assert bench.value(counter, "count") == 0


def test_a_revert_undoes_and_costs_what_was_used(bench: Bench) -> None:
    counter = bench.deploy("counter")
    receipt, outcome = bench.call(counter, "refuse", "not today")
    assert (receipt.code, outcome.text, outcome.failed_at, outcome.events) == ("reverted", "not today", 0, ())
    assert receipt.gas < 100_000
    assert bench.value(counter, "count") == 0


def test_another_failure_costs_the_whole_gas(bench: Bench) -> None:
    counter = bench.deploy("counter")
    before = bench.cos(ADA.address)
    receipt, _ = bench.call(counter, "loop", gas=1_000_000)
    assert (receipt.code, receipt.gas, receipt.fee) == ("out_of_gas", 1_000_000, 1_000_000)
    assert before - bench.cos(ADA.address) == 1_000_000
    assert bench.code(counter, "wrong", gas=1_000_000) == "bad_value"
    assert bench.code(counter, "lots", gas=1_000_000) == "too_large"
    assert bench.value(counter, "count") == 0


def test_gas_is_fuel_rounded_up_once_an_action(bench: Bench) -> None:
    counter = bench.deploy("counter")
    bench.value(counter, "add", 1)
    receipt, _ = bench.call(counter, "count")
    rules = bench.ctx.rules.gas
    interface = len(encode(COUNTER.described("counter")))
    fuel = FRAME + PRICES.byte * interface + CALL_FUEL + PRICES.host_call + PRICES.read
    fuel += PRICES.byte_in * (7 + 1) + PRICES.byte * 1
    fixed = rules.tx_base + rules.per_signature + rules.call
    assert receipt.gas == fixed + -(-fuel // PER_GAS)
    assert receipt.fee == receipt.gas


def test_gas_just_short_fails_and_just_enough_succeeds(bench: Bench) -> None:
    counter = bench.deploy("counter")
    bench.value(counter, "add", 1)
    used = bench.call(counter, "add", 1)[0].gas
    assert bench.code(counter, "add", 1, gas=used + 1) == "ok"
    assert bench.code(counter, "add", 1, gas=used - 1) == "out_of_gas"
    assert bench.value(counter, "count") == 3


def test_a_view_changes_nothing_and_neither_does_what_it_calls(bench: Bench) -> None:
    counter, caller = bench.deploy("counter"), bench.deploy("caller")
    assert bench.code(counter, "sneaky") == "static"
    to = bench.text(counter)
    assert bench.value(caller, "static", to, "count", []) == 0
    assert bench.code(caller, "static", to, "add", [1]) == "static"
    assert bench.code(caller, "static", bench.text(caller), "mine", []) == "reentered"


def test_a_callees_failure_is_the_callers(bench: Bench) -> None:
    counter, caller = bench.deploy("counter"), bench.deploy("caller")
    to = bench.text(counter)
    assert bench.value(caller, "through", to, "add", [3]) == 3
    receipt, outcome = bench.call(caller, "through", to, "refuse", ["deep no"])
    assert (receipt.code, outcome.text) == ("reverted", "deep no")
    assert receipt.gas < 200_000, "a revert costs what was used, through all frames"
    receipt, _ = bench.call(caller, "through", to, "loop", [], gas=1_000_000)
    assert (receipt.code, receipt.gas) == ("out_of_gas", 1_000_000)
    assert bench.code(caller, "through", to, "nothing", []) == "no_method"


def test_try_call_undoes_the_callee_alone_and_tells_the_code(bench: Bench) -> None:
    counter, caller = bench.deploy("counter"), bench.deploy("caller")
    to = bench.text(counter)
    assert bench.value(caller, "tried", to, "add", [3]) == [True, 3]
    assert bench.value(caller, "tried", to, "refuse", ["no"]) == [False, "reverted", "no"]
    assert bench.value(caller, "tried", to, "add", ["x"]) == [False, "bad_args", ""]
    receipt, outcome = bench.call(caller, "tried", to, "loop", [], gas=2_000_000)
    assert outcome.returns[0].hex().startswith("93c2aa" + b"out_of_gas".hex())
    assert receipt.gas > 1_900_000, "the callee had all but a 64th, and used it up"
    assert bench.value(caller, "mine") == 1
    assert bench.value(counter, "count") == 3


def test_a_limit_bounds_the_callee(bench: Bench) -> None:
    counter, caller = bench.deploy("counter"), bench.deploy("caller")
    receipt, _ = bench.call(caller, "bounded", bench.text(counter), "loop", 1_000_000)
    assert receipt.code == "ok"
    assert receipt.gas < 100_000
    assert callee_fuel(10, 1_000) == 10


def test_re_entry_is_refused_unless_a_method_allows_it(bench: Bench) -> None:
    caller = bench.deploy("caller")
    me = bench.text(caller)
    assert bench.code(caller, "again", me) == "reentered"
    assert bench.value(caller, "deep", me, 7) == 7
    assert bench.code(caller, "deep", me, 8) == "call_depth"


def test_permissions_are_the_callers_own(bench: Bench) -> None:
    counter, shy, caller = bench.deploy("counter"), bench.deploy("shy"), bench.deploy("caller")
    assert bench.code(shy, "through", bench.text(counter)) == "permission"
    code = bench.code(caller, "through", bench.text(shy), "through", [bench.text(counter)])
    assert code == "permission", "nobody inherits them"


def test_assets_go_with_a_call_and_return_when_it_fails(bench: Bench) -> None:
    counter, caller = bench.deploy("counter"), bench.deploy("caller")
    before = bench.cos(ADA.address)
    receipt, _ = bench.call(counter, "pay", sent=((b"", 500),))
    assert bench.cos(counter) == 500
    assert before - bench.cos(ADA.address) == 500 + receipt.fee
    assert bench.code(caller, "paying", bench.text(counter), 200, sent=((b"", 300),)) == "ok"
    assert (bench.cos(counter), bench.cos(caller)) == (700, 100)
    assert bench.code(caller, "paying", bench.text(counter), 101) == "not_enough"
    assert (bench.cos(counter), bench.cos(caller)) == (700, 100)


def test_a_fault_of_the_machine_stops_the_node(bench: Bench) -> None:
    counter = bench.deploy("counter")
    bench.machine.contracts.pop("counter")
    with pytest.raises(Broken):
        bench.call(counter, "count")


def test_a_tank_is_empty_when_more_is_taken_than_there_is() -> None:
    tank = Tank(10)
    tank.charge(4)
    assert tank.left() == 6
    tank.charge(6)
    assert tank.left() == 0
    tank = Tank(10)
    with pytest.raises(OutOfGas):
        tank.charge(11)
    assert tank.left() == 0


def test_the_context_says_where_the_frame_is(bench: Bench) -> None:
    seen: list[Any] = []
    bench.machine.contracts["spy"] = FakeContract(
        {"look": lambda api: seen.append(api.ctx())},
        {"methods": {"look": {"kind": "payable"}}},
    )
    spy, caller = bench.deploy("spy"), bench.deploy("caller")
    bench.call(spy, "look", sent=((b"", 7),))
    bench.call(caller, "through", bench.text(spy), "look", [])
    ada, here = bench.text(ADA.address), bench.text(spy)
    common = {"self": here, "origin": ada, "action": 0, "height": 1, "chain": bench.hash.hex()}
    assert [{k: v for k, v in ctx.items() if k not in ("tx", "time")} for ctx in seen] == [
        common | {"caller": ada, "sent": {"COS": 7}},
        common | {"caller": bench.text(caller), "sent": {}},
    ]
    assert seen[0]["time"] == bench.ctx.time_ms
    assert len(seen[0]["tx"]) == 64
