"""`chaosnet devnet`: a network of real processes on this machine."""

import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from chaosnet.base.errors import Refused
from chaosnet.base.units import MOTES_PER_COS
from chaosnet.cli.keyring import info_of, keystore, single_address
from chaosnet.cli.output import cos, note, print_table
from chaosnet.daemon.devnet import EXPLORER, Devnet, check_ports
from chaosnet.daemon.devnet_plan import (
    FAUCET,
    FAUCET_COS,
    PLAN_FILE,
    NodePlan,
    Plan,
    load_plan,
    make_plan,
    parse_schedule,
    plan_nodes,
)

app = typer.Typer(no_args_is_help=True, help="Run a network of real processes on this machine.")

Dir = Annotated[Path, typer.Option("--dir", help="Directory of the devnet.")]
Name = Annotated[str, typer.Argument(help="Node, for example node2; or explorer.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DEFAULT_DIR = Path(".devnet")
PROGRAM = "chaosnet"
console = Console(highlight=False, soft_wrap=True)


def _open(directory: Path) -> Devnet:
    return Devnet(directory, load_plan(directory))


@app.command()
def up(
    context: typer.Context,
    directory: Dir = DEFAULT_DIR,
    nodes: Annotated[int, typer.Option(help="Validators of a new devnet.")] = 4,
    base_port: Annotated[
        int, typer.Option(help="First port of the nodes, three each; the explorer has its own.")
    ] = 26800,
    explorer_port: Annotated[int, typer.Option(help="Port of the explorer.")] = 26600,
    engine: Annotated[
        str, typer.Option(help="Engine of a new devnet: pbft, dbft, dpos, pos or pow.")
    ] = "pbft",
    schedule: Annotated[
        str, typer.Option(help="Several engines instead: pow:20,pos is pow up to height 20, then pos.")
    ] = "",
    *,
    explorer: Annotated[bool, typer.Option(help="Run the explorer too.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all nodes answer.")] = False,
    as_json: Json = False,
) -> None:
    """Start the devnet; create it first when it is not there. Ctrl-C stops everything cleanly."""
    if (directory / PLAN_FILE).exists():
        plan = load_plan(directory)
        _check_same(context, directory, plan)
    else:
        engines = parse_schedule(schedule or engine)
        _check_free(plan_nodes(nodes, base_port), explorer_port if explorer else None, new=True)
        plan = make_plan(
            directory, nodes=nodes, base_port=base_port, explorer_port=explorer_port, schedule=engines
        )
    net = Devnet(directory, plan)
    missing = [name for name in net.names() if net.pid(name) is None]
    with_explorer = explorer and net.pid(EXPLORER) is None
    _check_free([plan.node(name) for name in missing], plan.explorer_port if with_explorer else None)
    stopped = threading.Event()
    if not detach:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
    try:
        for name in missing:
            net.start(name)
        if with_explorer:
            net.start(EXPLORER)
        net.wait_ready([*net.names(), *([EXPLORER] if with_explorer else [])])
    except BaseException:
        net.stop_all()
        raise
    if as_json:
        typer.echo(msgspec.json.encode({"plan": plan, "nodes": net.table()}).decode())
    else:
        _welcome(plan, directory, detached=detach, with_explorer=net.pid(EXPLORER) is not None)
    if not detach:
        _watch(net, stopped)


def _check_same(context: typer.Context, directory: Path, plan: Plan) -> None:
    """Raise Refused(`bad_argument`) when an option asks for something else than the devnet that is there."""
    fixed = {
        "nodes": len(plan.nodes),
        "base_port": plan.nodes[0].p2p_port,
        "explorer_port": plan.explorer_port,
        "engine": plan.schedule,
        "schedule": plan.schedule,
    }
    for name, value in fixed.items():
        if context.params[name] != value and _is_given(context, name):
            option = f"--{name.replace('_', '-')}"
            detail = f"{option} is {value} in {directory} for good; make another devnet with another --dir"
            raise Refused("bad_argument", detail)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _check_free(nodes: list[NodePlan], explorer_port: int | None, *, new: bool = False) -> None:
    """Raise Refused(`port_taken`), saying what to do about it."""
    try:
        check_ports(nodes, explorer_port)
    except Refused as error:
        choose = "choose others with --base-port and --explorer-port"
        hint = choose if new else f"end what uses it, or make another devnet with --dir and {choose}"
        raise Refused(error.code, f"{error.detail}; {hint}") from error


def _program() -> str:
    """Return how this program is called from the shell that called it."""
    is_script = Path(sys.argv[0]).name == PROGRAM
    return sys.argv[0] if is_script and shutil.which(PROGRAM) is None else PROGRAM


def _welcome(plan: Plan, directory: Path, *, detached: bool, with_explorer: bool) -> None:
    """Say where to look and what to try."""
    url = plan.nodes[0].rest_url
    program = _program()
    keys = f"--keys {directory}/keys --password-file {directory}/password"
    somebody = info_of(keystore(directory / "keys"), f"{plan.nodes[0].name}-operator").public_key
    count = f"{len(plan.nodes)} validators are" if len(plan.nodes) > 1 else "1 validator is"
    console.print(f"\n[bold green]{count} running[/] {plan.schedule}. Genesis {plan.genesis[:16]}\n")
    if with_explorer:
        console.print(f"  explorer   {plan.explorer_url}")
    for node in plan.nodes:
        console.print(f"  {node.name:<10} {node.rest_url}/v1/status")
    console.print(f"  faucet     {plan.faucet}, {cos(FAUCET_COS * MOTES_PER_COS)} at the start\n")
    console.print("Try next:\n")
    console.print(f"  {program} tui --dir {directory}")
    console.print(f"  {program} devnet status --dir {directory}")
    to = single_address(plan.address_prefix, somebody)
    console.print(f"  {program} tx send --from {FAUCET} --to {to} --amount 1 {keys} --node {url}")
    end = f"`{program} devnet down --dir {directory}`" if detached else "Ctrl-C"
    console.print(f"\n{end} stops everything; starting again goes on from the same chain.")


def _watch(net: Devnet, stopped: threading.Event) -> None:
    """Wait for Ctrl-C, or until all has been stopped from elsewhere; tell when a process ends or starts."""
    running = set(net.running())
    try:
        while running and not stopped.wait(1.0):
            now = set(net.running())
            for name in sorted(running - now):
                word = net.how_ended(name)
                fate = f"was {word}" if word else f"has ended by itself; its log: {net.directory}/{name}/log"
                console.print(f"[yellow]{name} {fate}[/]")
            for name in sorted(now - running):
                console.print(f"[green]{name} is running[/]")
            running = now
    finally:
        console.print("stopping ...")
        net.stop_all()
        console.print("stopped")


@app.command()
def down(directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Stop all processes of the devnet; its chain stays."""
    net = _open(directory)
    running = net.running()
    net.stop_all()
    if not running:
        note("nothing was running")
    _done(as_json=as_json, stopped=running)


def _known(directory: Path, name: str) -> Devnet:
    """Return the devnet; raises Invalid(`bad_argument`) when it has no process of this name."""
    net = _open(directory)
    if name != EXPLORER:
        net.plan.node(name)
    return net


def _running(net: Devnet, name: str) -> list[str]:
    """Return the name when it runs; else tell, and return nothing."""
    if net.pid(name) is not None:
        return [name]
    note(f"{name} was not running")
    return []


def _done(*, as_json: bool, **what: object) -> None:
    """Print what was done."""
    if as_json:
        typer.echo(msgspec.json.encode(what).decode())
        return
    for verb, names in what.items():
        if isinstance(names, list) and names:
            console.print(f"{verb} {', '.join(names)}")


@app.command()
def status(directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Show all nodes side by side."""
    rows = _open(directory).table()
    if as_json:
        typer.echo(msgspec.json.encode({"nodes": rows}).decode())
        return
    shown = [
        (
            row["name"],
            row["engine"] or "-",
            "-" if row["height"] is None else row["height"],
            "-" if row["final_height"] is None else row["final_height"],
            str(row["tip"] or "-")[:8],
            str(row["state_root"] or "-")[:8],
            row["peers"],
            row["pid"] or "-",
            "healthy" if row["healthy"] else row["reason"],
        )
        for row in rows
    ]
    print_table(("node", "engine", "height#", "final#", "tip", "state", "peers#", "pid#", "health"), shown)


@app.command()
def start(name: Name, directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Start one node, or the explorer, and wait until it answers."""
    net = _known(directory, name)
    pid = net.start(name)
    net.wait_ready([name])
    _done(as_json=as_json, started=[name], pid=pid)


@app.command()
def stop(name: Name, directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Stop one node cleanly."""
    net = _known(directory, name)
    running = _running(net, name)
    net.stop(name)
    _done(as_json=as_json, stopped=running)


@app.command()
def kill(name: Name, directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Kill one node as a crash would (SIGKILL)."""
    net = _known(directory, name)
    running = _running(net, name)
    net.kill(name)
    _done(as_json=as_json, killed=running)


@app.command()
def logs(
    name: Name,
    directory: Dir = DEFAULT_DIR,
    lines: Annotated[int, typer.Option(help="Lines from the end.")] = 40,
    *,
    as_json: Json = False,
) -> None:
    """Print the end of a node's log."""
    text = _known(directory, name).tail(name, lines)
    if as_json:
        _done(as_json=True, lines=text.splitlines())
    else:
        typer.echo(text)
