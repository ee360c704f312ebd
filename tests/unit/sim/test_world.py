"""A world follows from its scenario and seed alone, in every process and on every machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.sim.scenario import Byzantine, Fault, Load, Random, Scenario
from chaosnet.sim.world import World, run_scenario

REPOSITORY = Path(__file__).parent.parent.parent.parent
BUSY = Scenario(
    name="busy",
    about="",
    nodes=7,
    observers=1,
    duration_ms=8_000,
    params={"idle_interval_ms": 1_000},
    load=Load(per_minute=600),
    byzantine=Byzantine(count=2, traits=("equivocate", "flipflop", "garbage", "replay")),
    random=(
        Random(kind="crash", every_ms=1_000, count_max=2),
        Random(kind="partition", every_ms=2_000),
        Random(kind="storm_drop", every_ms=2_000),
    ),
)
PROGRAM = """
from tests.unit.sim.test_world import BUSY
from chaosnet.sim.world import run_scenario
print(run_scenario(BUSY, 3).trace_hash, run_scenario(BUSY, 10).trace_hash)
"""


def hashes_in_another_process(seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_trace_does_not_depend_on_the_process() -> None:
    first, second = hashes_in_another_process("1"), hashes_in_another_process("4242")
    assert len(first.split()) == 2
    assert first == second


def test_the_seed_decides() -> None:
    assert run_scenario(BUSY, 1).trace_hash != run_scenario(BUSY, 2).trace_hash


def test_reading_along_changes_nothing() -> None:
    lines: list[str] = []
    outcome = run_scenario(BUSY, 4, lines.append)
    assert outcome.trace_hash == run_scenario(BUSY, 4).trace_hash
    assert any("HeadMoved" in line for line in lines)
    assert any("starts at height" in line for line in lines)


@pytest.mark.parametrize(("seed", "alone"), [(1, [0, 1]), (10, list(range(8)))])
def test_some_nodes_share_no_results(seed: int, alone: list[int]) -> None:
    world = World(BUSY, seed)
    world.plan()
    world.run_until(2_000_000)
    nodes = [host.node for host in world.hosts[:8]]
    found = [i for i, node in enumerate(nodes) if node is not None and node.apply != world._memo.apply]
    assert [place for place in alone if nodes[place] is not None] == found


def test_words_nobody_knows_are_refused() -> None:
    with pytest.raises(Invalid, match="no such fault: flood"):
        run_scenario(Scenario(name="x", about="", faults=(Fault(kind="flood", at_ms=0),)), 1)
    with pytest.raises(Invalid, match="no such trait: rude"):
        run_scenario(Scenario(name="x", about="", byzantine=Byzantine(count=1, traits=("rude",))), 1)


def test_an_outcome_says_what_happened() -> None:
    spec = Scenario(
        name="short",
        about="",
        duration_ms=6_000,
        params={"idle_interval_ms": 1_000},
        faults=(Fault(kind="crash", at_ms=2_000, length_ms=1_000, nodes=(2,)),),
    )
    outcome = run_scenario(spec, 5)
    assert outcome.violations == ()
    assert outcome.faults == 1
    assert outcome.height > 3
    assert 0 <= outcome.recovered_ms < 30_000
    assert outcome.virtual_ms >= 6_000
    assert outcome.events > 500
