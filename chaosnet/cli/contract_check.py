"""`chaosnet contract check`: whether a contract loads, what it declares, and what deserves a second look."""

from pathlib import Path
from typing import Annotated

import typer

from chaosnet.cli.contract_faces import interface_lines
from chaosnet.cli.contract_lint import REFUSED as BAD
from chaosnet.cli.contract_lint import Finding, findings_in
from chaosnet.cli.contract_source import Loaded, load_contract
from chaosnet.cli.output import REFUSED, Json, note, print_fields, print_json
from chaosnet.contracts import values
from chaosnet.contracts.ops import LOAD_FUEL_MAX, frame_fuel, prices_of
from chaosnet.ledger.contracts.records import interface_hash_of, source_hash_of
from chaosnet.model.contract_actions import CONTRACT_BYTES_MAX
from chaosnet.model.genesis_make import FIRST_RULE
from chaosnet.rpc.schema.values import to_json
from chaosnet.rules.registry import rules_at

app = typer.Typer()

ContractFile = Annotated[Path, typer.Argument(help="Source: NAME.lua or NAME.js; files it needs come along.")]


@app.command()
def check(
    file: ContractFile,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings make it fail too.")] = False,
    as_json: Json = False,
) -> None:
    """Load a contract in the chain's own engine; show its interface, permissions, sizes and warnings.

    Fails when it does not load, and when it compares ctx.origin.
    """
    loaded = load_contract(file)
    found = findings_in(loaded)
    if as_json:
        print_json(checked(loaded, found))
    else:
        _show(loaded, found)
    if any(strict or one.code in BAD for one in found):
        raise typer.Exit(REFUSED)


def checked(loaded: Loaded, found: list[Finding]) -> dict[str, object]:
    """Return everything for programs."""
    return {
        "engine": loaded.bundle.engine,
        "files": list(loaded.bundle.files),
        "source_bytes": len(loaded.bundle.source),
        "source_hash": source_hash_of(loaded.bundle.source).hex(),
        "interface": to_json(loaded.declared),
        "interface_hash": interface_hash_of(values.encode(loaded.declared)).hex(),
        "load_fuel": loaded.load_fuel,
        "frame_gas": frame_gas(loaded),
        "warnings": [one._asdict() | {"is_error": one.code in BAD} for one in found],
    }


def frame_gas(loaded: Loaded) -> int:
    """Return the gas that each call pays before the contract runs."""
    per_gas = rules_at(FIRST_RULE).gas.fuel_per_gas
    return -(-frame_fuel(prices_of(FIRST_RULE), loaded.load_fuel) // per_gas)


def _show(loaded: Loaded, found: list[Finding]) -> None:
    size = len(loaded.bundle.source)
    print_fields(
        [
            ("engine", loaded.bundle.engine),
            ("files", ", ".join(loaded.bundle.files)),
            *interface_lines(loaded.interface, loaded.declared),
            ("source", f"{size:,} bytes of at most {CONTRACT_BYTES_MAX:,}"),
            ("loading", f"{loaded.load_fuel:,} fuel of at most {LOAD_FUEL_MAX:,}"),
            ("each call", f"{frame_gas(loaded):,} gas before the contract itself runs"),
        ]
    )
    for one in found:
        place = f"{one.file}:{one.line}" if one.line else one.file
        note(f"{'error' if one.code in BAD else 'warning'}: {place}: {one.text} ({one.code})")
