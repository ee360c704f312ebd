"""`chaosnet contract dev`: a chain in this process, for programs on this computer, with funded accounts."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from chaosnet.base.errors import ChaosError
from chaosnet.cli.asking import DEFAULT_NODE
from chaosnet.cli.output import Json, cos, note, print_json, print_text
from chaosnet.contracts.machine import Machine
from chaosnet.daemon.dev_node import DevNode
from chaosnet.daemon.dev_routes import dev_app
from chaosnet.daemon.machines import main_machine
from chaosnet.daemon.process import SOFTWARE, bind
from chaosnet.devchain.chain import FUNDS
from chaosnet.model.genesis_make import FIRST_RULE
from chaosnet.rpc.server import make_server

app = typer.Typer()

_PORT = int(DEFAULT_NODE.rpartition(":")[2])


@app.command()
def dev(
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0: any free one.")] = _PORT,
    *,
    block_time_ms: Annotated[
        int,
        typer.Option("--block-time", min=0, metavar="MS", help="0: a block as soon as a transaction comes."),
    ] = 0,
    as_json: Json = False,
) -> None:
    """Run a chain of one node until Ctrl-C: its interface is a node's, its accounts have funds.

    POST /dev/snapshot, revert, advance, impersonate and fund turn it as tests need. All is gone at the end.
    """
    machine = main_machine(FIRST_RULE)
    with TemporaryDirectory(prefix="chaosnet-dev-") as directory:
        asyncio.run(_serve(machine, Path(directory), port, block_time_ms, as_json=as_json))


async def _serve(machine: Machine, directory: Path, port: int, block_time_ms: int, *, as_json: bool) -> None:
    sock = bind(f"127.0.0.1:{port}")
    node = DevNode(directory, machine, SOFTWARE, at_once=not block_time_ms)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    server = make_server(dev_app(node, on_error=_say))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    _introduce(node, f"http://127.0.0.1:{sock.getsockname()[1]}", as_json=as_json)
    try:
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), block_time_ms / 1000 or None)
            if block_time_ms and not stop.is_set():
                node.make_block()
    finally:
        server.should_exit = True
        await serving
        sock.close()
        node.close()


def _introduce(node: DevNode, url: str, *, as_json: bool) -> None:
    accounts = [(one.name, one.text, one.seed.hex()) for one in node.accounts.values()]
    if as_json:
        keys = [{"name": name, "address": text, "test_key": seed} for name, text, seed in accounts]
        print_json({"url": url, "genesis": node.node.genesis_hash.hex(), "accounts": keys})
        return
    print_text(f"A chain for developers at {url}: each account has {cos(FUNDS)}, gas has no price.")
    print_text("TEST KEYS, known to everybody: never send real coins to these addresses.")
    for name, text, seed in accounts:
        print_text(f"  {name:<6} {text}\n         test key {seed}")
    print_text(f"Use one:  echo {accounts[0][2]} | chaosnet keys import dev-alice --hex")
    print_text(f"          chaosnet contract deploy FILE --from dev-alice --node {url}")
    print_text("Ctrl-C ends it, and all is gone.")


def _say(error: BaseException) -> None:
    code = error.code if isinstance(error, ChaosError) else "internal"
    note(f"{code}: {error!r}")
