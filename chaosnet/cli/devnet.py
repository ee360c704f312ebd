"""`chaosnet devnet`: a network of real processes on this machine."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from chaosnet.daemon.devnet import EXPLORER, Devnet, check_ports
from chaosnet.daemon.devnet_plan import PLAN_FILE, Plan, load_plan, make_plan

app = typer.Typer(no_args_is_help=True, help="Run a network of real processes on this machine.")

Dir = Annotated[Path, typer.Option("--dir", help="Directory of the devnet.")]
Name = Annotated[str, typer.Argument(help="Node, for example node2; or explorer.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DEFAULT_DIR = Path(".devnet")
console = Console()


def _open(directory: Path) -> Devnet:
    return Devnet(directory, load_plan(directory))


@app.command()
def up(
    directory: Dir = DEFAULT_DIR,
    nodes: Annotated[int, typer.Option(help="Validators of a new devnet.")] = 4,
    base_port: Annotated[int, typer.Option(help="First port; each node takes three.")] = 26700,
    explorer_port: Annotated[int, typer.Option(help="Port of the explorer.")] = 26600,
    *,
    explorer: Annotated[bool, typer.Option(help="Run the explorer too.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all nodes answer.")] = False,
    as_json: Json = False,
) -> None:
    """Start the devnet; create it first when it is not there. Ctrl-C stops everything cleanly."""
    if (directory / PLAN_FILE).exists():
        plan = load_plan(directory)
    else:
        plan = make_plan(directory, nodes=nodes, base_port=base_port, explorer_port=explorer_port)
    net = Devnet(directory, plan)
    missing = [name for name in net.names() if net.pid(name) is None]
    with_explorer = explorer and net.pid(EXPLORER) is None
    check_ports(plan, missing, with_explorer=with_explorer)
    stopped = threading.Event()
    if not detach:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
    try:
        for name in missing:
            net.start(name)
        if with_explorer:
            net.start(EXPLORER)
        net.wait_ready(net.names())
    except BaseException:
        net.stop_all()
        raise
    if as_json:
        typer.echo(msgspec.json.encode({"plan": plan, "nodes": net.table()}).decode())
    else:
        _welcome(plan, directory, detached=detach)
    if not detach:
        _watch(net, stopped)


def _welcome(plan: Plan, directory: Path, *, detached: bool) -> None:
    """Say where to look and what to try."""
    url = plan.nodes[0].rest_url
    keys = f"--keys {directory}/keys --password-file {directory}/password"
    console.print(f"\n[bold green]{len(plan.nodes)} validators are running.[/] Genesis {plan.genesis[:16]}\n")
    console.print(f"  Explorer   {plan.explorer_url}", highlight=False)
    for node in plan.nodes:
        console.print(f"  {node.name:<10} {node.rest_url}/v1/status", highlight=False)
    console.print(f"  faucet     {plan.faucet}  (9,000,000 COS)\n", highlight=False)
    console.print("Try next:\n", highlight=False)
    nodes = " ".join(f"--node {node.rest_url}" for node in plan.nodes)
    send = f"chaosnet tx send --from faucet --to {plan.faucet} --amount 1 {keys} --node {url}"
    for command in (f"chaosnet tui {nodes}", send, f"chaosnet devnet status --dir {directory}"):
        console.print(f"  {command}", highlight=False, soft_wrap=True)
    end = f"chaosnet devnet down --dir {directory}" if detached else "Ctrl-C"
    console.print(f"\n{end} stops everything; starting again goes on from the same chain.", highlight=False)


def _watch(net: Devnet, stopped: threading.Event) -> None:
    """Wait for Ctrl-C; tell when a process ends by itself."""
    running = set(net.names())
    try:
        while not stopped.wait(1.0):
            now = {name for name in net.names() if net.pid(name) is not None}
            for name in sorted(running - now):
                console.print(f"[yellow]{name} has ended; its log: {net.directory}/{name}/log[/]")
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
    running = [name for name in (*net.names(), EXPLORER) if net.pid(name) is not None]
    net.stop_all()
    _done(as_json=as_json, stopped=running)


def _known(directory: Path, name: str) -> Devnet:
    """Return the devnet; raises Invalid(`not_found`) when it has no process of this name."""
    net = _open(directory)
    if name != EXPLORER:
        net.plan.node(name)
    return net


def _done(*, as_json: bool, **what: object) -> None:
    """Print what was done, for programs; people see the prompt again."""
    if as_json:
        typer.echo(msgspec.json.encode(what).decode())


@app.command()
def status(directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Show all nodes side by side."""
    rows = _open(directory).table()
    if as_json:
        typer.echo(msgspec.json.encode({"nodes": rows}).decode())
        return
    table = Table("node", "height", "tip", "state root", "peers", "healthy", "reason", "pid")
    for row in rows:
        table.add_row(
            str(row["name"]),
            str(row["height"]),
            str(row["tip"] or "")[:12],
            str(row["state_root"] or "")[:12],
            str(row["peers"]),
            "yes" if row["healthy"] else "[red]no[/]",
            str(row["reason"]),
            str(row["pid"] or ""),
        )
    console.print(table)


@app.command()
def start(name: Name, directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Start one node and wait until it answers."""
    net = _known(directory, name)
    pid = net.start(name)
    if name != EXPLORER:
        net.wait_ready([name])
    _done(as_json=as_json, started=[name], pid=pid)


@app.command()
def stop(name: Name, directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Stop one node cleanly."""
    _known(directory, name).stop(name)
    _done(as_json=as_json, stopped=[name])


@app.command()
def kill(name: Name, directory: Dir = DEFAULT_DIR, *, as_json: Json = False) -> None:
    """Kill one node as a crash would (SIGKILL)."""
    _known(directory, name).kill(name)
    _done(as_json=as_json, killed=[name])


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
