"""Coverage names lines that never ran; a profile adds up to the fuel that was used."""

import pytest

from chaosnet.devchain.bundle import Bundle
from chaosnet.devchain.chain import DevChain
from chaosnet.devchain.measure import Coverage, Measure, Profile
from tests.machines import machine, on_big_stack
from tests.unit.devchain.test_chain import SOURCES

NAMES = {"lua/1": "box.lua", "js/1": "box.js"}


def measured(kind: type[Measure], engine: str) -> tuple[Measure, int]:
    """Deploy and use a box; return what was measured, and the fuel of a plain run."""

    def run() -> tuple[Measure, int]:
        watch = kind(machine())
        chain, plain = DevChain(machine()), DevChain(machine())
        made = Bundle(engine, SOURCES[engine].encode(), (NAMES[engine],))
        fuel = 0
        for place, source in ((chain, watch.source_of(made)), (plain, made.source)):
            box = str(place.deploy(source, engine).value)
            other = str(place.deploy(source, engine).value)
            for method, args in (("put", [3]), ("on", [other]), ("put", [4])):
                assert place.call(box, method, *args).is_ok
                if place is chain:
                    watch.looked(chain)
                else:
                    fuel += sum(frame.fuel for frame in plain.tracer.frames)
        assert watch.source_of(made) == watch.source_of(made)
        assert not watch.left_out
        return watch, fuel

    return on_big_stack(run)


@pytest.mark.parametrize("engine", NAMES)
def test_coverage(engine: str) -> None:
    watch, _ = measured(Coverage, engine)
    assert isinstance(watch, Coverage)
    [file] = watch.files()
    text = SOURCES[engine].split("\n")
    missed = {text[line - 1].strip().split("=")[0].split(":")[0].split("(")[0] for line in file.missed}
    assert missed == {"get", "since", "pay", "fail"}
    assert 50 <= file.percent < 100


@pytest.mark.parametrize("engine", NAMES)
def test_a_profile_adds_up(engine: str) -> None:
    watch, fuel = measured(Profile, engine)
    assert isinstance(watch, Profile)
    total = sum(spent.total for spent in watch.spent.values())
    assert total == sum(watch.stacks.values())
    assert fuel < total + sum(5_000 for spent in watch.spent.values()) < fuel * 13 // 10
    functions = {point.function: spent for point, spent in watch.by_function().items()}
    assert functions["put"].host["set"] == watch.by_operation()["set"] > watch.by_operation()["emit"] > 0
    assert functions["on"].host["call"] < functions["put"].total
    assert any(line.startswith("on;on:") and ";put;put:" in line for line in watch.folded())


def test_what_cannot_be_marked_runs_as_it_is() -> None:
    def run() -> list[str]:
        watch = Coverage(machine())
        made = Bundle("lua/1", b"contract{api=1,name='T',methods={}} x = (function( end)", ("t.lua",))
        assert watch.source_of(made) == made.source
        return watch.left_out

    assert on_big_stack(run) == ["t.lua"]
