"""`chaosnet verify`: execute a whole chain again and compare everything."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chaosnet.base.errors import Invalid
from chaosnet.cli.asking import genesis_file
from chaosnet.cli.output import Json, cos, print_fields, print_json
from chaosnet.daemon.config import load_config
from chaosnet.daemon.replay import ReplayResult, replay
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.storage.reader import ChainView

app = typer.Typer()


@app.command()
def verify(
    data_dir: Annotated[Path | None, typer.Option(help="Data directory of a node, running or not.")] = None,
    genesis: Annotated[Path | None, typer.Option(help="Genesis file.")] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file that names both, instead.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads that verify signatures.")] = 2,
    *,
    as_json: Json = False,
) -> None:
    """Execute the whole local chain again from its genesis, up to the newest final block.

    Compares ids, roots, seals, proofs, receipts, the state table and the supply. Changes nothing.
    """
    if config is not None:
        settings = load_config(config).node
        data_dir = data_dir or config.parent / settings.data_dir
        genesis = genesis or config.parent / settings.genesis
    if data_dir is None or genesis is None:
        raise Invalid("bad_argument", "give --data-dir and --genesis, or --config")
    if not data_dir.is_dir():
        raise Invalid("bad_argument", f"there is no directory {data_dir}")
    start = genesis_file(genesis)
    view = ChainView.of_existing(data_dir)
    try:
        result = _replay(view, start, threads, is_shown=not as_json)
    finally:
        view.close()
    shown = {
        "genesis": genesis_hash_of(start).hex(),
        "height": result.height,
        "block_id": result.block_id.hex(),
        "state_root": result.state_root.hex(),
        "transactions": result.txs,
        "state_keys": result.state_keys,
        "supply": str(result.supply),
        "seconds": round(result.seconds, 3),
        "txs_per_second": round(result.txs_per_second),
    }
    if as_json:
        print_json({"valid": True} | shown)
    else:
        print_fields([("valid", "yes"), *(shown | {"supply": cos(result.supply)}).items()])


def _replay(view: ChainView, genesis: Genesis, threads: int, *, is_shown: bool) -> ReplayResult:
    columns = (TextColumn("blocks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not is_shown) as bar:
        task = bar.add_task("verify", total=None)
        return replay(
            view, genesis, lambda done, total: bar.update(task, completed=done, total=total), threads=threads
        )
