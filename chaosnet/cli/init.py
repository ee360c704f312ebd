"""`chaosnet init`: the directory of a node."""

from pathlib import Path
from typing import Annotated

import typer

from chaosnet.base.errors import Invalid
from chaosnet.cli.asking import address_of_text, genesis_file
from chaosnet.cli.config_reference import template
from chaosnet.cli.node_dir import (
    CONFIG_FILE,
    GENESIS_FILE,
    make_node_dir,
    place_genesis,
    read_node_dir,
    warnings_of,
)
from chaosnet.cli.output import Json, note, print_fields, print_json
from chaosnet.daemon.config import parse_config
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.genesis_make import ADDRESS_PREFIX

app = typer.Typer()

Port = Annotated[int, typer.Option(min=0, max=65535)]


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Directory to make.")],
    genesis: Annotated[Path | None, typer.Option(help="Genesis file; may be given by a second init.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the node; default: that of the directory.")
    ] = None,
    operator: Annotated[
        str | None, typer.Option(help="Address of the operator account; default: a new key in the directory.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password of the keys; default: a new random one.")
    ] = None,
    bootstrap: Annotated[
        list[str] | None, typer.Option(help="host:port of another node; may be repeated.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on for other nodes.")] = "0.0.0.0",  # noqa: S104 - a node serves others
    port: Annotated[int, typer.Option(help="Port for other nodes.", max=65535)] = 26700,
    public_port: Annotated[int, typer.Option(help="Port of the public interface.", max=65535)] = 26710,
    operator_port: Annotated[int, typer.Option(help="Port of the operator interface.", max=65535)] = 26720,
    *,
    validator: Annotated[
        bool, typer.Option("--validator/--follow", help="Sign blocks, or only follow.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Make the directory of a node: keys, password, configuration.

    To found a network, run it without --genesis, give its `member` line to who writes the genesis file, and
    run it again with that file: this puts the file in place and begins the record of what the new consensus
    key signs. What is there already stays.
    """
    start = None if genesis is None else genesis_file(genesis)
    if not (directory / CONFIG_FILE).exists():
        if operator is not None:
            address_of_text(ADDRESS_PREFIX if start is None else start.address_prefix, operator)
        values: dict[str, dict[str, object]] = {
            "node": {"genesis": GENESIS_FILE, "name": name or directory.absolute().name},
            "network": {"listen": f"{host}:{port}", "bootstrap": bootstrap or []},
            "rpc": {"public": f"127.0.0.1:{public_port}", "operator": f"127.0.0.1:{operator_port}"},
        }
        parse_config(template(values))
        make_node_dir(directory, values, validator=validator, operator=operator, password_file=password_file)
    elif start is None:
        raise Invalid("bad_argument", f"{directory} is the directory of a node already")
    if start is not None:
        place_genesis(directory, start)
    _show(directory, start, as_json=as_json)


def _show(directory: Path, genesis: Genesis | None, *, as_json: bool) -> None:
    """Print who the node is, what its network must know of it, and what comes next."""
    found = read_node_dir(directory)
    shown = {
        "directory": str(directory),
        "name": found.name,
        "node_key": found.node_key.hex(),
        "consensus_key": found.consensus_key.hex() if found.consensus_key else "",
        "vrf_key": found.vrf_key,
        "operator": found.operator,
        "member": found.member,
        "genesis": "" if genesis is None else genesis_hash_of(genesis).hex(),
    }
    warnings = [] if genesis is None else warnings_of(genesis, found)
    if as_json:
        print_json(shown | {"warnings": warnings})
        return
    print_fields(shown.items())
    for text in warnings:
        note(f"warning: {text}")
    note("\nKeep a copy of keys/ and of the password in a safe place, but none of keys/sign-state.")
    run = f"chaosnet node run --config {directory / CONFIG_FILE}"
    note(f"Next: {run}" if genesis else f"Next: chaosnet init {directory} --genesis FILE, then {run}")
