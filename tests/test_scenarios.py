"""Every scenario holds: a few seeds of each here, 200 (20 of the large ones) in the long form.

A seed that fails: `chaosnet sim run --scenario NAME --seed SEED --trace FILE`. Mend it, then list it in
scenarios/regressions.toml.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from chaosnet.cli.sim import FEW, MANY_NODES, Task, replay_command, run_task, run_tasks
from chaosnet.sim.scenario import Regression, load_regressions, load_scenario

SCENARIOS = Path(__file__).parent / "scenarios"
NAMES = sorted(path.stem for path in SCENARIOS.glob("*.toml") if path.stem != "regressions")
SHORT_SEEDS = 3
LONG_SEEDS = 200
WANTED = {
    # what the simulator owes: each must have its scenario
    "calm",
    "lossy",
    "partition_heal",
    "crash_any",
    "quorum_loss_30min",
    "one_of_four_dead",
    "byzantine_equivocate",
    "byzantine_garbage",
    "byzantine_altered_signatures",
    "lie_about_height",
    "late_joiner",
    "wiped_data_kept_sign_state",
    "kept_data_wiped_sign_state",
    "fence_copied",
    "fence_old_backup",
    "clock_skew",
    "slow_disk",
    "single_node",
    "ten_nodes",
    "thirty_one",
    *(
        f"{engine}_{trouble}"
        for engine in ("pow", "pos", "dpos", "dbft")
        for trouble in ("calm", "partition_heal", "crash_any", "late_joiner", "clock_skew", "lossy")
    ),
    "pow_selfish",
    "pow_withholding",
    *(f"{engine}_majority" for engine in ("pow", "pos", "dpos", "dbft")),
    *(
        f"{engine}_{attempt}"
        for engine in ("pos", "dpos")
        for attempt in ("nothing_at_stake", "equivocating_leader", "long_range")
    ),
    *(f"handover_{pair}" for pair in ("pow_pos", "pbft_dpos", "pos_pbft", "dpos_dbft", "dbft_pow")),
    *(f"{engine}_{kind}_newcomer" for engine in ("pos", "dpos", "pbft") for kind in ("untrusted", "pinned")),
    *(f"{engine}_away_too_long" for engine in ("pos", "dpos")),
    "public_founding",
    "handover_crash_any",
    "handover_partition",
    *(f"{engine}_fence_{kind}" for engine in ("pos", "dpos") for kind in ("copied", "old_backup")),
    *(
        f"{engine}contracts_{trouble}"
        for engine in ("", "pow_")
        for trouble in ("calm", "crash_any", "partition_heal")
    ),
    *(f"dbft_byzantine_{kind}" for kind in ("equivocate", "third")),
}


def tasks_of(name: str, seeds: Sequence[int]) -> list[Task]:
    spec = load_scenario(SCENARIOS / f"{name}.toml")
    assert spec.name == name
    count = len(seeds) if spec.nodes <= MANY_NODES else max(1, len(seeds) // FEW)
    return [Task(name, spec, seed) for seed in seeds[:count]]


def test_every_kind_of_trouble_has_its_scenario() -> None:
    assert set(NAMES) >= WANTED


@pytest.mark.parametrize("name", NAMES)
def test_scenario_holds(name: str) -> None:
    for task in tasks_of(name, range(SHORT_SEEDS)):
        outcome = run_task(task)
        assert not outcome.violations, replay_command(task, 0)
        if outcome.seen:  # too much was wrong, and the checkers saw it
            continue
        assert outcome.height > 1
        assert outcome.transactions


@pytest.mark.parametrize(
    "regression",
    load_regressions(SCENARIOS / "regressions.toml"),
    ids=lambda found: f"{found.scenario}-{found.seed}",
)
def test_what_once_failed_holds(regression: Regression) -> None:
    (task,) = tasks_of(regression.scenario, [regression.seed])
    assert not run_task(task).violations, f"{regression.note}: {replay_command(task, 0)}"


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_scenario_holds_for_many_seeds(name: str) -> None:
    failed = [
        f"{outcome.violations[0]}: {replay_command(task, 0)}"
        for task, outcome in run_tasks(tasks_of(name, range(LONG_SEEDS)), os.cpu_count() or 1)
        if outcome.violations
    ]
    assert not failed, "\n".join(failed)
