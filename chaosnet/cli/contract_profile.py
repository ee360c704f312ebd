"""`chaosnet contract profile`: where the gas of contracts goes: lines, functions and host operations."""

import secrets
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from chaosnet.cli.contract_source import with_machine
from chaosnet.cli.contract_test import Filter, Paths, Seed, Told, run_scripts
from chaosnet.cli.output import REFUSED, Json, note, print_json, print_table, print_text
from chaosnet.contracts.machine import Machine
from chaosnet.devchain.instrument import Point
from chaosnet.devchain.measure import Profile, Spent
from chaosnet.devchain.script import Plan, Verdict, find_scripts
from chaosnet.model.genesis_make import FIRST_RULE
from chaosnet.rules.registry import rules_at

app = typer.Typer()

_RUNS: Final = 20
_SEQUENCES: Final = 5


@app.command()
def profile(
    paths: Paths = None,
    *,
    pattern: Filter = "",
    seed: Seed = "",
    by: Annotated[Literal["line", "function"], typer.Option(help="What a row stands for.")] = "line",
    rows: Annotated[int, typer.Option(min=1, help="Rows shown, the dearest first.")] = 30,
    folded: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write folded stacks, as tools for flame graphs read.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the tests of contracts and show which lines, functions and host operations take the gas.

    Sources run with marks before statements, whose own cost is measured and left out: figures are close to
    those on a chain, not equal.
    """
    found = find_scripts(paths or [Path()])
    plan = Plan(seed or secrets.token_hex(4), runs=_RUNS, sequences=_SEQUENCES, pattern=pattern)
    failed: list[Verdict] = []

    def show(one: Told, verdict: Verdict | None) -> None:
        if one.refused:
            note(one.refused)
        if verdict is not None and not verdict.is_ok:
            failed.append(verdict)

    def run(machine: Machine) -> tuple[Profile, list[Told]]:
        watch = Profile(machine)
        return watch, run_scripts(machine, found, plan, show, watch)

    watch, told = with_machine(run)
    if folded is not None:
        folded.write_text("\n".join(watch.folded()) + "\n")
    if as_json:
        print_json(_as_fields(watch))
    else:
        _show(watch, by, rows)
    for verdict in failed:
        note(f"failed: {verdict.name}: {verdict.failure}")
    if failed or any(one.refused for one in told) or not watch.spent:
        raise typer.Exit(REFUSED)


def _gas(fuel: int) -> int:
    return -(-fuel // rules_at(FIRST_RULE).gas.fuel_per_gas)


def _show(watch: Profile, by: str, rows: int) -> None:
    spent = watch.spent if by == "line" else watch.by_function()
    whole = max(sum(one.total for one in spent.values()), 1)
    dearest = sorted(spent.items(), key=lambda item: (-item[1].total, item[0].file, item[0].line))
    columns = ("gas#", "share#", "script#", "host#", "runs#", "where", "function", "host operations")
    print_table(columns, [_row(point, one, whole) for point, one in dearest[:rows]])
    if len(dearest) > rows:
        print_text(f"... and {len(dearest) - rows} more (--rows)")
    print_text("")
    operations = watch.by_operation().most_common()
    print_table(
        ("gas#", "share#", "host operation"),
        [(f"{_gas(fuel):,}", _share(fuel, whole), name) for name, fuel in operations],
    )
    for name in watch.left_out:
        note(f"{name}: no marks could be set, it counts as a whole")


def _row(point: Point, one: Spent, whole: int) -> tuple[object, ...]:
    host = ", ".join(f"{name} {_gas(fuel):,}" for name, fuel in one.host.most_common(3))
    place = f"{point.file}:{point.line}" if point.line else point.file
    return (
        f"{_gas(one.total):,}",
        _share(one.total, whole),
        f"{_gas(one.own):,}",
        f"{_gas(one.total - one.own):,}",
        one.runs,
        place,
        point.function,
        host,
    )


def _share(fuel: int, whole: int) -> str:
    return f"{fuel * 1000 // whole / 10:.1f}%"


def _as_fields(watch: Profile) -> dict[str, object]:
    def listed(spent: dict[Point, Spent]) -> list[dict[str, Any]]:
        return [
            {
                "file": point.file,
                "line": point.line,
                "function": point.function,
                "gas": _gas(one.total),
                "script_gas": _gas(one.own),
                "host_gas": {name: _gas(fuel) for name, fuel in one.host.items()},
                "runs": one.runs,
            }
            for point, one in sorted(spent.items(), key=lambda item: -item[1].total)
        ]

    return {
        "lines": listed(watch.spent),
        "functions": listed(watch.by_function()),
        "operations": {name: _gas(fuel) for name, fuel in watch.by_operation().most_common()},
        "left_out": watch.left_out,
    }
