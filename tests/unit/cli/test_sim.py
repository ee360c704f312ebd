"""`chaosnet sim`: what holds is one line, what fails says how to see it again."""

from pathlib import Path

from tests.unit.cli.conftest import Cli

QUICK = """
name = "quick"
about = "two seconds"
duration_ms = 2_000

[params]
idle_interval_ms = 500
"""
STUCK = (
    QUICK
    + """
[[faults]]
kind = "wipe_sign_state"
at_ms = 500
length_ms = 100
count = 2

[expect]
recover_ms = 3_000
"""
)


def written(directory: Path, text: str) -> Path:
    path = directory / "given.toml"
    path.write_text(text)
    return path


def test_a_scenario_that_holds(cli: Cli, tmp_path: Path) -> None:
    done = cli("sim", "run", "--scenario", written(tmp_path, QUICK), "--seeds", 2, "--jobs", 1)
    assert " ok " in done.out
    assert "   2 seeds" in done.out


def test_a_failing_seed_prints_what_replays_it(cli: Cli, tmp_path: Path) -> None:
    path = written(tmp_path, STUCK)
    done = cli("sim", "run", "--scenario", path, "--from", 5, "--jobs", 1, code=1)
    assert "stalled" in done.out
    assert f"chaosnet sim run --scenario {path} --seed 5\n" in done.out
    again = cli("sim", "run", "--scenario", path, "--seed", 5, "--json", code=1)
    (outcome,) = again.json
    assert outcome["violations"][0]["code"] == "stalled"
    assert outcome["seed"] == 5


def test_processes_give_the_same_outcomes(cli: Cli, tmp_path: Path) -> None:
    arguments = ("sim", "run", "--scenario", written(tmp_path, QUICK), "--seeds", 3, "--json")
    one, two = (cli(*arguments, "--jobs", jobs).json for jobs in (1, 2))
    assert len(one) == 3
    assert one == two


def test_the_number_of_nodes_can_be_given(cli: Cli, tmp_path: Path) -> None:
    path, trace = written(tmp_path, QUICK), tmp_path / "trace.txt"
    cli("sim", "run", "--scenario", path, "--seed", 1, "--nodes", 6, "--trace", trace)
    lines = trace.read_text().splitlines()
    assert any(" node5 " in line for line in lines)
    assert any("reports HeadMoved height=1" in line for line in lines)


def test_unknown_scenarios_are_refused(cli: Cli, tmp_path: Path) -> None:
    assert "no scenario nothing" in cli("sim", "run", "--scenario", "nothing", code=2).err
    assert "bad_config" in cli("sim", "run", "--scenario", written(tmp_path, "x = 1"), code=2).err
    assert "bad_argument" in cli("sim", "run", "--trace", tmp_path / "t", code=2).err


def test_scenarios_are_listed(cli: Cli) -> None:
    names = [spec["name"] for spec in cli("sim", "list", "--json").json]
    assert "crash_any" in names
    assert "crash_any" in cli("sim", "list").out
