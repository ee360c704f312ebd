"""`chaosnet node`: run a node, take away its chain, print its settings."""

from pathlib import Path
from typing import Annotated

import typer

from chaosnet.base.errors import ChaosError
from chaosnet.cli.asking import pinned_of
from chaosnet.cli.config_reference import reference_page, setting_fields, tables
from chaosnet.cli.keyring import Yes, confirmed
from chaosnet.cli.node_dir import forget_new_key
from chaosnet.cli.output import Json, print_fields, print_json, print_text
from chaosnet.daemon.config import load_config
from chaosnet.storage.datadir import chain_bytes, wipe

app = typer.Typer(no_args_is_help=True, help="Run a node; remove its chain; list its settings.")

ConfigFile = Annotated[Path, typer.Option("--config", help="Configuration file.")]
DEFAULT_CONFIG = Path("node.toml")


@app.command()
def run(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    new_key: Annotated[
        bool,
        typer.Option(
            "--new-key", help="Begin a sign state: only for a consensus key that has never signed anything."
        ),
    ] = False,
    trust: Annotated[
        str,
        typer.Option(metavar="HEIGHT:ID", help="Block known to be right, in place of [trust] pinned."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Run a node until SIGTERM or Ctrl-C. Logs go to standard error."""
    from chaosnet.daemon.process import run_node

    if trust:
        pinned_of(trust)
    if new_key:
        forget_new_key(config.parent)
    try:
        run_node(config, new_key=new_key, pinned=trust)
    except ChaosError as error:
        if error.code == "port_taken":
            raise type(error)(
                error.code, f"{error.detail}; change [network] listen or [rpc] in {config}"
            ) from error
        raise


@app.command()
def reset(config: ConfigFile = DEFAULT_CONFIG, *, yes: Yes = False, as_json: Json = False) -> None:
    """Remove the chain data of a stopped node, which then fetches it again from others.

    Keys, what they have signed, and the configuration stay.
    """
    settings = load_config(config)
    directory = config.parent / settings.node.data_dir
    size = chain_bytes(directory)
    mib = f"{size / 2**20:.1f} MiB"
    confirmed(f"Remove the chain in {directory} ({mib})?", yes=yes)
    removed = wipe(directory)
    kept = [str(config), str(config.parent / "keys"), str(config.parent / settings.keys.sign_state)]
    if as_json:
        print_json({"removed": removed, "directory": str(directory), "bytes": size, "kept": kept})
        return
    print_fields(
        [
            ("removed", f"chain in {directory}, {mib}" if removed else "nothing: there was no chain"),
            ("kept", ", ".join(kept)),
        ]
    )


@app.command(name="config-reference")
def config_reference(*, as_json: Json = False) -> None:
    """Print all settings with their meaning and default, in Markdown."""
    if as_json:
        print_json({table.name: {s.name: setting_fields(s) for s in table.settings} for table in tables()})
    else:
        print_text(reference_page())
