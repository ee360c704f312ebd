"""`chaosnet contract test`: runs the tests of contracts, written in their own language."""

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from chaosnet.base.errors import Invalid
from chaosnet.cli.contract_source import with_machine
from chaosnet.cli.output import REFUSED, Json, note, print_json, print_table, print_text
from chaosnet.contracts.machine import Machine
from chaosnet.daemon.machines import load_machine, read_engines
from chaosnet.devchain.chain import DevChain
from chaosnet.devchain.desk import Watch
from chaosnet.devchain.measure import Coverage, FileCoverage
from chaosnet.devchain.native import NativeChain, NativeMachine
from chaosnet.devchain.script import Plan, Script, Verdict, find_scripts
from chaosnet.devchain.words import LUA
from chaosnet.model.genesis_make import FIRST_RULE

app = typer.Typer()

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Files of tests (*_test.lua, *.test.js), contracts with tests beside them, or folders."
    ),
]
Seed = Annotated[str, typer.Option(help="Of everything that is generated; printed when a test fails.")]
Filter = Annotated[str, typer.Option("--filter", help="Only tests whose name holds this text.")]

_WIDTH: Final = 44


@dataclass(slots=True)
class Told:
    """The tests of one file."""

    path: Path
    verdicts: list[Verdict] = field(default_factory=list)
    refused: str = ""
    """Why the file could not be read or loaded."""


Show = Callable[[Told, Verdict | None], None]
"""Told of each file (None) and each test."""


@app.command("test")
def run_tests(
    paths: Paths = None,
    *,
    pattern: Filter = "",
    seed: Seed = "",
    runs: Annotated[int, typer.Option(min=1, help="Of each test with parameters.")] = 100,
    sequences: Annotated[int, typer.Option(min=1, help="Random sequences for each invariant.")] = 20,
    steps: Annotated[int, typer.Option(min=1, help="Calls in a sequence.")] = 20,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which lines ran; assertions about gas are left out.")
    ] = False,
    native: Annotated[
        bool,
        typer.Option(
            "--native", help="Run Lua also outside of the engine, in a jailed process, and compare."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run tests of contracts on the chain's own engines, each test on a new chain in this process."""
    found = find_scripts(paths or [Path()])
    plan = Plan(seed or secrets.token_hex(4), runs, sequences, steps, pattern)
    started = time.monotonic()
    show = _quiet if as_json else _show
    told, covered = with_machine(
        lambda machine: _run(machine, found, plan, show, coverage=coverage, native=native)
    )
    elapsed_ms = round((time.monotonic() - started) * 1000)
    passed = sum(verdict.is_ok for one in told for verdict in one.verdicts)
    failed = sum(len(one.verdicts) + bool(one.refused) for one in told) - passed
    if as_json:
        print_json(
            {
                "seed": plan.seed,
                "passed": passed,
                "failed": failed,
                "elapsed_ms": elapsed_ms,
                "files": [_as_fields(one) for one in told],
            }
            | ({} if covered is None else {"coverage": [_covered_fields(one) for one in covered.files()]})
        )
    else:
        if covered is not None:
            _show_coverage(covered)
        if any(verdict.skipped_gas for one in told for verdict in one.verdicts):
            note("Assertions about gas were left out: contracts ran in another form than on a chain.")
        print_text(f"{passed} passed, {failed} failed in {elapsed_ms / 1000:.2f} s (--seed {plan.seed})")
    if failed or not passed:
        raise typer.Exit(REFUSED)


def run_scripts(
    machine: Machine,
    paths: list[Path],
    plan: Plan,
    show: Show,
    watch: Watch | None = None,
    *,
    new_chain: Callable[[], DevChain] | None = None,
) -> list[Told]:
    """Run the tests of files in their order; `new_chain` makes another kind of chain for each file."""
    runner = load_machine(FIRST_RULE)
    told: list[Told] = []
    for path in paths:
        one = Told(path)
        told.append(one)
        try:
            script = Script(path, runner, new_chain() if new_chain else DevChain(machine), watch)
        except Invalid as error:
            one.refused = error.detail or str(error)
            show(one, None)
            continue
        show(one, None)
        for item in script.items:
            if plan.pattern in item.name:
                one.verdicts.append(script.run(item, plan))
                show(one, one.verdicts[-1])
    return told


def _run(
    machine: Machine, paths: list[Path], plan: Plan, show: Show, *, coverage: bool, native: bool
) -> tuple[list[Told], Coverage | None]:
    covered = Coverage(machine) if coverage else None
    if not native:
        return run_scripts(machine, paths, plan, show, covered), covered
    _, preludes = read_engines(FIRST_RULE)
    with NativeMachine(machine, preludes[LUA]) as beside:
        told = run_scripts(
            machine, paths, plan, show, covered, new_chain=lambda: NativeChain(machine, beside)
        )
    return told, covered


def _quiet(one: Told, verdict: Verdict | None) -> None:
    """Show nothing: JSON comes at the end."""


def _show(one: Told, verdict: Verdict | None) -> None:
    if verdict is None:
        print_text(str(one.path))
        if one.refused:
            print_text(f"  {typer.style('FAIL', fg='red')}  {one.refused}")
        return
    word = typer.style("ok  ", fg="green") if verdict.is_ok else typer.style("FAIL", fg="red")
    runs = f", {verdict.runs} runs" if verdict.runs > 1 else ""
    print_text(f"  {word}  {verdict.name.ljust(_WIDTH)}  {verdict.gas:>11,} gas{runs}")
    for line in verdict.prints:
        print_text(f"        | {line}")
    if not verdict.is_ok:
        place = verdict.place or f"{verdict.file}:{verdict.line}"
        print_text(f"        {one.path.parent / place}: {verdict.failure}")
        title = "after these calls:" if verdict.kind == "invariant" else "with"
        if verdict.example:
            print_text(f"        {title}")
        for line in verdict.example:
            print_text(f"          {line}")


def _as_fields(one: Told) -> dict[str, object]:
    tests = [asdict(verdict) | {"is_ok": verdict.is_ok} for verdict in one.verdicts]
    return {"file": str(one.path), "refused": one.refused, "tests": tests}


def _covered_fields(one: FileCoverage) -> dict[str, object]:
    return asdict(one) | {"percent": one.percent}


def _show_coverage(covered: Coverage) -> None:
    print_table(
        ("covered#", "lines#", "file", "lines that never ran"),
        [(f"{one.percent}%", len(one.lines), one.file, _ranges(one.missed)) for one in covered.files()],
    )
    for name in covered.left_out:
        note(f"{name}: no marks could be set, its lines are not counted")


def _ranges(lines: tuple[int, ...]) -> str:
    parts: list[list[int]] = []
    for line in lines:
        if parts and parts[-1][1] == line - 1:
            parts[-1][1] = line
        else:
            parts.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
