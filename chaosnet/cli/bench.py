"""`chaosnet bench`: what this machine carries."""

import statistics
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from chaosnet.daemon.benchmark import Figures, Scale, run_benchmark
from chaosnet.daemon.benchmark_calls import measure_calls
from chaosnet.daemon.benchmark_contracts import ContractFigures, run_contracts
from chaosnet.daemon.benchmark_engines import EngineScale, parse_engines, run_engines
from chaosnet.daemon.benchmark_peers import anvil_rate, py_evm_rate
from chaosnet.daemon.benchmark_profile import ProfileRow
from chaosnet.daemon.benchmark_rig import LANGUAGES, ContractScale
from chaosnet.model.genesis import ENGINES_KNOWN

ROWS = {
    "ed25519_per_s": "Ed25519 verifications/s, one thread",
    "ed25519_two_threads_per_s": "Ed25519 verifications/s, two threads",
    "one_validator_per_s": "Transfers/s committed, one validator",
    "four_validators_per_s": "Transfers/s committed, four validators",
    "one_down_per_s": "Transfers/s committed, three of four validators",
    "one_down_ratio": "The same against four (ratio)",
    "one_down_gap_ms_max": "Longest gap between blocks with one down, ms",
    "single_submits_per_s": "Single submits/s, one connection",
    "replay_per_s": "Transfers/s replayed (verify)",
    "idle_visible_ms_median": "Idle: submit to committed on another node, ms (median)",
    "idle_visible_ms_p95": "Idle: the same, ms (95th percentile)",
    "disk_bytes_per_transfer": "Bytes on disk a transfer, at saturation",
    "disk_bytes_per_transfer_at_20_per_s": "Bytes on disk a transfer, at 20/s",
    "rss_mib": "Resident memory after the load, MiB",
    "startup_s": "Start on the loaded chain until it answers, s",
    "lua_vm_per_s": "Token transfers/s in the machine with its host, Lua",
    "js_vm_per_s": "The same, JavaScript",
    "lua_call_one_validator_per_s": "Token calls/s committed, one validator, Lua",
    "js_call_one_validator_per_s": "The same, JavaScript",
    "lua_call_four_validators_per_s": "Token calls/s committed, four validators, Lua",
    "js_call_four_validators_per_s": "The same, JavaScript",
    "native_call_ratio": "A contract call against a native transfer, in the ledger (ratio)",
}
ENGINE_COLUMNS = ("transfers/s, four nodes", "block interval, ms", "finality, ms", "idle node, % of a core")

console = Console(stderr=True)


def bench(
    runs: Annotated[int, typer.Option(min=1, max=20, help="Runs behind each median.")] = 3,
    out: Annotated[Path, typer.Option(help="Where the figures go as JSON.")] = Path(".bench/latest.json"),
    *,
    engines: Annotated[
        str, typer.Option(help="Engines to measure on four nodes, as in `pow,pos`; `none`: leave them out.")
    ] = ",".join(ENGINES_KNOWN),
    contracts: Annotated[bool, typer.Option(help="Measure contracts too.")] = True,
    peers: Annotated[
        Path, typer.Option(help="Folder with py-evm and anvil, to compare with; see scripts/bench_peers.sh.")
    ] = Path(".bench/peers"),
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the load, one run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure this machine with real processes: rates, latency, memory, disk, engines. Takes some minutes."""
    names = parse_engines(engines)
    scale = (
        Scale(runs=1, senders=500, rounds_one=6, rounds_four=4, singles=200, idle_probes=5, trickle=40)
        if quick
        else Scale(runs=runs)
    )
    figures = run_benchmark(scale, _note)
    data = _save(figures, out)
    if contracts:
        found = run_contracts(_contract_scale(quick=quick), _note)
        _note("the same token in py-evm and anvil")
        found.erc20_py_evm_per_s, no_py_evm = py_evm_rate(peers)
        found.erc20_anvil_per_s, no_anvil = anvil_rate(peers)
        found.notes = [note for note in (no_py_evm, no_anvil) if note]
        add_contracts(figures, found)
        data = _save(figures, out)
        add_calls(figures, runs=1 if quick else runs, senders=200 if quick else 1_000)
        data = _save(figures, out)
    if names:  # what is there is kept when an engine fails
        figures.engines = run_engines(names, _engine_scale(quick=quick), _note)
        data = _save(figures, out)
    if as_json:
        typer.echo(data.decode())
    else:
        _print(figures, out)


def _note(text: str) -> None:
    console.print(f"[dim]{text} ...[/]")


def _engine_scale(*, quick: bool) -> EngineScale:
    return EngineScale(load_s=4, senders=500, idle_s=3, probes=5) if quick else EngineScale()


def _contract_scale(*, quick: bool) -> ContractScale:
    return ContractScale(runs=1, accounts=10_000, calls=600, contracts=300) if quick else ContractScale()


def add_contracts(figures: Figures, found: ContractFigures) -> None:
    """Put what was found of contracts beside the other figures."""
    figures.contracts = found
    figures.lua_vm_per_s, figures.js_vm_per_s = (
        round(1e6 / found.stages_us[language]["host"], 1) for language in ("lua", "js")
    )
    figures.native_call_ratio = max(found.native_call_ratio.values())


def add_calls(figures: Figures, *, runs: int, senders: int) -> None:
    """Measure calls on networks of one and of four validators, in both languages."""
    for nodes, word in ((1, "one_validator"), (4, "four_validators")):
        for language in LANGUAGES:
            name = f"{language}_call_{word}_per_s"
            found = measure_calls(
                nodes, language, senders=senders, rounds=10 // nodes + 2, runs=runs, note=_note
            )
            figures.runs[name] = found
            setattr(figures, name, statistics.median(found))


def _save(figures: Figures, out: Path) -> bytes:
    out.parent.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(figures), indent=2)
    out.write_bytes(data + b"\n")
    return data


def _print(figures: Figures, out: Path) -> None:
    table = Table("measure", "median", "runs", title=f"core: {figures.core}")
    for name, text in ROWS.items():
        runs = ", ".join(f"{value:,.4g}" for value in figures.runs.get(name, []))
        table.add_row(text, f"{getattr(figures, name):,.5g}", runs)
    Console().print(table)
    if figures.contracts is not None:
        Console().print(_contract_table(figures.contracts))
        for language, rows in figures.contracts.profile.items():
            Console().print(_profile_table(language, rows))
    if figures.engines:
        Console().print(_engine_table(figures))
    Console().print(f"written to {out}")


def _engine_table(figures: Figures) -> Table:
    table = Table("engine", *ENGINE_COLUMNS)
    for name, one in figures.engines.items():
        values = (one.four_validators_per_s, one.block_interval_ms, one.finality_ms, one.idle_cpu_percent)
        table.add_row(name, *(f"{value:,.5g}" for value in values))
    notes = [f"{name}: {one.note}" for name, one in figures.engines.items() if one.note]
    table.caption = "\n".join(notes) or None
    return table


def _profile_table(language: str, rows: list[ProfileRow]) -> Table:
    table = Table(f"where a call in {language} spends its time, as Python", "calls", "share")
    for row in rows:
        table.add_row(row.function, f"{row.calls:g}", f"{row.share:.1%}")
    return table


def _contract_table(found: ContractFigures) -> Table:
    table = Table("contracts", *found.stages_us)
    for stage in next(iter(found.stages_us.values())):
        cells = [f"{stages[stage]:,.1f}" for stages in found.stages_us.values()]
        table.add_row(f"a token transfer up to the {stage}, us", *cells)
    for text, values in (
        ("against a native transfer (ratio)", found.native_call_ratio),
        ("ns a gas of the token", found.token_ns_per_gas),
        ("time a gas of many contracts in turn (ratio)", found.round_robin_ratio),
        ("a call that fills its memory, ms", found.dirty_memory_ms),
    ):
        table.add_row(text, *(f"{values[name]:,.3g}" for name in found.stages_us))
    worst = f"most time a gas: {found.worst_program}, {found.worst_program_ratio:.2f} times that of the token"
    evm = f"an ERC-20 in py-evm, its machine alone: {found.erc20_py_evm_per_s:,.5g} transfers/s"
    anvil = f"an ERC-20 through anvil, submitted and mined: {found.erc20_anvil_per_s:,.5g} transfers/s"
    rates = [*([evm] if found.erc20_py_evm_per_s else []), *([anvil] if found.erc20_anvil_per_s else [])]
    table.caption = "\n".join((worst, *rates, *found.notes))
    return table
