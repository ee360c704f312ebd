"""Runs the programs of the cases, and tells what every process and every processor must say alike."""

from hashlib import sha256

from chaosnet.contracts.machine import Ended
from tests.attacks.bounds import CASES as BOUNDS
from tests.attacks.case import FUEL, GAS, LONG, Case
from tests.attacks.gas import CASES as ENDLESS
from tests.attacks.same import CASES as SAME
from tests.machines import FakeHost, call, machine, on_big_stack
from tests.unit.contracts.test_wasm import one_method

CASES: dict[int, Case] = {**ENDLESS, **BOUNDS, **SAME}
Found = dict[str, str | int]


def programs() -> dict[str, tuple[str, str, str, int]]:
    """Return engine, code, body and fuel of each program by its name: number, language, place."""
    found = {}
    for number, case in CASES.items():
        for language, engine, given in (("lua", "lua/1", case.lua), ("js", "js/1", case.js)):
            for place, program in enumerate([] if isinstance(given, str) else given):
                fuel = program[2] if len(program) == 3 else FUEL if program[0] == GAS else LONG
                found[f"{number} {language} {place}"] = engine, program[0], program[1], fuel
    return found


def run(engine: str, body: str, fuel: int) -> Found:
    """Run a program; return its end, what it used, and the memory that it left."""

    def task() -> tuple[Ended, str]:
        host = FakeHost()
        host.answers[8] = "a" * 16_000
        ended = call(engine, one_method(engine, body), "run", host=host, fuel=fuel)
        return ended, memory_of(engine)

    ended, memory = on_big_stack(task)
    said = sha256(ended.value + ended.text.encode()).hexdigest()[:16]
    return {"code": ended.code, "fuel": ended.fuel_used, "said": said, "memory": memory}


def memory_of(engine: str) -> str:
    """Return the hash of all memory that the last call left: stack, data and heap; empty after a trap."""
    instance = machine()._engines[engine].instances[0]
    if instance is None:
        return ""
    return sha256(instance.whole_memory()[: instance._high.value]).hexdigest()[:32]


def everything() -> dict[str, Found]:
    """Run all programs."""
    return {name: run(engine, body, fuel) for name, (engine, _code, body, fuel) in sorted(programs().items())}
