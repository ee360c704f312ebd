"""`chaosnet sim`: run simulated networks, many seeds of many scenarios, and say how to replay what fails."""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

import chaosnet
from chaosnet.base.errors import Refused
from chaosnet.cli import output
from chaosnet.contracts.wasm import WasmMachine
from chaosnet.daemon.machines import load_machine, start_thread
from chaosnet.sim.scenario import Scenario, load_regressions, load_scenario
from chaosnet.sim.world import Outcome, run_scenario

app = typer.Typer(no_args_is_help=True, help="Run simulated networks under faults, from seeds.")

SCENARIOS: Final = Path("tests/scenarios")
REGRESSIONS: Final = "regressions"
MANY_NODES: Final = 10
FEW: Final = 10
"""Of scenarios with more nodes than MANY_NODES, one seed in so many is run."""


def scenario_directory() -> Path:
    """Return where named scenarios are: here, or in the source tree this program runs from."""
    beside = Path(chaosnet.__file__).parent.parent / SCENARIOS
    for directory in (SCENARIOS, beside):
        if directory.is_dir():
            return directory
    raise Refused("bad_argument", "no tests/scenarios here; give the path of a scenario file")


def scenario_names() -> list[str]:
    """Return the names of all scenarios."""
    return sorted(path.stem for path in scenario_directory().glob("*.toml") if path.stem != REGRESSIONS)


def find_scenario(name: str) -> Path:
    """Return the file of a scenario given by name or path; raises Refused(`bad_argument`)."""
    path = Path(name)
    if path.suffix == ".toml":
        return path
    path = scenario_directory() / f"{name}.toml"
    if not path.exists():
        raise Refused("bad_argument", f"no scenario {name}; there are: {', '.join(scenario_names())}")
    return path


class Task(msgspec.Struct, frozen=True):
    """One world to run."""

    name: str
    """As given: the scenario's name or path."""
    spec: Scenario
    seed: int


def run_task(task: Task) -> Outcome:
    """Run one world; in a worker process."""
    gc.disable()  # a world is short, and then gone as a whole
    try:
        return _run(task)
    finally:
        gc.enable()
        gc.collect()


def _run(task: Task, sink: Callable[[str], None] | None = None) -> Outcome:
    """Run one world, in a thread with the stack of a machine where it has contracts."""
    if not task.spec.load.contracts:
        return run_scenario(task.spec, task.seed, sink)
    done: Future[Outcome] = Future()

    def work() -> None:
        try:
            done.set_result(run_scenario(task.spec, task.seed, sink, _machine()))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            done.set_exception(error)

    start_thread(work, "world")
    return done.result()


@cache
def _machine() -> WasmMachine:
    """Return the machine of this process: all its worlds share what is loaded."""
    return load_machine(1)


def run_tasks(tasks: list[Task], jobs: int) -> Iterator[tuple[Task, Outcome]]:
    """Yield outcomes in the order of tasks."""
    if jobs <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, run_task(task)
        return
    with ProcessPoolExecutor(jobs) as pool:
        try:
            yield from zip(tasks, pool.map(run_task, tasks, chunksize=1), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


def replay_command(task: Task, nodes: int) -> str:
    """Return the one command that runs a seed again."""
    more = f" --nodes {nodes}" if nodes else ""
    return f"chaosnet sim run --scenario {task.name} --seed {task.seed}{more}"


class Report:
    """What is printed of the outcomes of one scenario."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outcomes: list[Outcome] = []

    @property
    def failed(self) -> int:
        """Seeds with violations."""
        return sum(bool(outcome.violations) for outcome in self.outcomes)

    def line(self) -> str:
        """Return one line for people."""
        outcomes = self.outcomes
        verdict = f"{self.failed} FAILED" if self.failed else "ok"
        events = sum(o.events for o in outcomes)
        blocks = sum(o.height for o in outcomes)
        txs = sum(o.transactions for o in outcomes)
        slowest = max(o.recovered_ms for o in outcomes)
        return (
            f"{self.name:30} {verdict:9} {len(outcomes):4} seeds {events:9} events {blocks:6} blocks "
            f"{txs:6} transactions, rounds <= {max(o.round_max for o in outcomes)}, back in <= {slowest} ms"
        )


@app.command()
def run(
    scenario: Annotated[
        list[str] | None, typer.Option(help="Name or TOML file; all of them if not given.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of each scenario (a tenth over ten nodes).")] = 1,
    seed: Annotated[int | None, typer.Option(help="Exactly this seed.")] = None,
    first: Annotated[int, typer.Option("--from", help="First seed.")] = 0,
    nodes: Annotated[int, typer.Option(min=0, help="Validators, instead of the scenario's.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at once.")] = 2,
    trace: Annotated[Path | None, typer.Option(help="With --seed: write all that happens here.")] = None,
    *,
    regressions: Annotated[
        bool, typer.Option("--regressions", help="Run the seeds that once failed.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Run scenarios; a failing seed prints the command that replays it. Exit code 1 on a violation."""
    if regressions:
        listed = load_regressions(scenario_directory() / f"{REGRESSIONS}.toml")
        tasks = [Task(r.scenario, load_scenario(find_scenario(r.scenario)), r.seed) for r in listed]
    else:
        tasks = []
        for name in scenario or scenario_names():
            spec = load_scenario(find_scenario(name))
            spec = msgspec.structs.replace(spec, nodes=nodes) if nodes else spec
            count = seeds if spec.nodes <= MANY_NODES else max(1, seeds // FEW)
            chosen = [seed] if seed is not None else range(first, first + count)
            tasks += [Task(name, spec, number) for number in chosen]
    if trace is not None:
        if len(tasks) != 1:
            raise Refused("bad_argument", "--trace takes one --scenario and one --seed")
        outcomes = _traced(tasks[0], trace)
    else:
        outcomes = run_tasks(tasks, jobs)
    if _report(outcomes, nodes, as_json=as_json):
        raise typer.Exit(1)


@app.command("list")
def list_scenarios(*, as_json: output.Json = False) -> None:
    """List the scenarios."""
    specs = [load_scenario(find_scenario(name)) for name in scenario_names()]
    if as_json:
        output.print_json(specs)
    else:
        output.print_table(("name", "nodes#", "about"), [(s.name, s.nodes, s.about) for s in specs])


def _traced(task: Task, path: Path) -> Iterator[tuple[Task, Outcome]]:
    with path.open("w", encoding="utf-8") as file:
        outcome = _run(task, lambda line: print(line, file=file))
    yield task, outcome


def _report(outcomes: Iterator[tuple[Task, Outcome]], nodes: int, *, as_json: bool) -> int:
    """Print as results come; return how many seeds failed."""
    reports: dict[str, Report] = {}
    current: Report | None = None
    for task, outcome in outcomes:
        report = reports.setdefault(task.name, Report(task.name))
        if current is not None and current is not report and not as_json:
            output.print_text(current.line())
        current = report
        report.outcomes.append(outcome)
        if outcome.violations and not as_json:
            output.print_text(f"{task.name} seed {task.seed}: {outcome.violations[0]}")
            output.print_text(f"  replay: {replay_command(task, nodes)}")
    if as_json:
        output.print_json([outcome for report in reports.values() for outcome in report.outcomes])
    elif current is not None:
        output.print_text(current.line())
    return sum(report.failed for report in reports.values())
