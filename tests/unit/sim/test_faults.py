"""Every kind of fault and every trait does something, ends, and is stood by the network."""

from collections.abc import Callable
from functools import lru_cache

import pytest

from chaosnet.sim.byzantine import TRAITS
from chaosnet.sim.faults import STORMS, Undo
from chaosnet.sim.host import Host
from chaosnet.sim.scenario import Byzantine, Expect, Fault, Load, Random, Scenario
from chaosnet.sim.world import Outcome, World, run_scenario

KINDS = (
    "crash",
    "power",
    "pause",
    "partition",
    "one_way",
    "cut",
    "slow_disk",
    "disk_low",
    "slow_link",
    "clock",
    "reset",
    "wipe_data",
    "wipe_sign_state",
    "restore_backup",
    *(f"storm_{kind}" for kind in STORMS),
)
SEED = 4


@lru_cache
def outcome(kind: str = "", trait: str = "") -> Outcome:
    spec = Scenario(
        name="one",
        about="one thing goes wrong",
        duration_ms=8_000,
        params={"idle_interval_ms": 1_000},
        load=Load(per_minute=300),
        faults=(Fault(kind=kind, at_ms=2_500, length_ms=3_000, amount=700 if kind == "clock" else 0),)
        if kind
        else (),
        byzantine=Byzantine(count=1 if trait else 0, traits=(trait,) if trait else ()),
        expect=Expect(recover_ms=60_000),
    )
    return run_scenario(spec, SEED)


def test_the_table_here_is_whole() -> None:
    world = World(Scenario(name="x", about=""), 1)
    in_scenarios = {"copy_fence", "copy_chain", "apart", "pin"}
    assert {*KINDS, *in_scenarios} == set(world.faults._kinds)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_changes_what_happens_and_is_stood(kind: str) -> None:
    found = outcome(kind)
    assert found.violations == ()
    assert found.faults == 1
    assert found.trace_hash != outcome().trace_hash


OF_FORKS = ("selfish", "hold_back", "every_branch")
"""Traits that do something only where the chain can fork: see the scenarios of pow, pos and dpos."""


@pytest.mark.parametrize("trait", [trait for trait in TRAITS if trait not in OF_FORKS])
def test_a_trait_changes_what_happens_and_is_stood(trait: str) -> None:
    found = outcome(trait=trait)
    assert found.violations == ()
    assert found.trace_hash != outcome(trait="lie_blocks").trace_hash or trait == "lie_blocks"


def test_a_fault_is_over_after_its_length() -> None:
    spec = Scenario(
        name="short",
        about="",
        duration_ms=10_000,
        faults=(
            Fault(kind="crash", at_ms=1_000, length_ms=1_000, nodes=(1,)),
            Fault(kind="crash", at_ms=1_500, length_ms=2_000, nodes=(1,)),
            Fault(kind="slow_link", at_ms=1_000, length_ms=1_000, nodes=(2,)),
            Fault(kind="storm_drop", at_ms=1_000, length_ms=1_000),
            Fault(kind="crash", at_ms=5_000, nodes=(3,)),
        ),
    )
    world = World(spec, 2)
    world.plan()
    world.run_until(1_800_000)
    assert [host.slowness for host in world.hosts] == [1, 1, 20, 1]
    assert world.network.weather.drop_ppm == STORMS["drop"]
    world.run_until(3_200_000)
    assert not world.hosts[1].is_up, "the second fault still keeps it down"
    assert [host.slowness for host in world.hosts] == [1] * 4
    assert world.network.weather.drop_ppm == 0
    world.run_until(3_700_000)
    assert world.hosts[1].is_up
    world.run_until(9_900_000)
    assert not world.hosts[3].is_up
    world.run_until(10_100_000)
    assert world.hosts[3].is_up, "all faults end with the duration"


def noting(begun: list[str], kind: str) -> Callable[[list[Host], int], Undo]:
    def begin(_hosts: list[Host], _amount: int) -> Undo:
        begun.append(kind)
        return lambda: None

    return begin


def test_seeds_leave_out_some_kinds() -> None:
    kinds = ("pause", "reset", "slow_disk")
    spec = Scenario(
        name="swarm", about="", duration_ms=9_000, random=tuple(Random(kind, 300) for kind in kinds)
    )
    seen = set()
    for seed in range(12):
        world = World(spec, seed)
        begun: list[str] = []
        for kind in kinds:
            world.faults._kinds[kind] = noting(begun, kind)
        world.plan()
        world.run_until(8_000_000)
        seen.add(frozenset(begun))
    assert len(seen) > 3
