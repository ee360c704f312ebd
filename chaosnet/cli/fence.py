"""`chaosnet keys export-fence` and `import-fence`: what a consensus key has signed moves with the key."""

from pathlib import Path
from typing import Annotated

import typer

from chaosnet.base.errors import Invalid, Refused
from chaosnet.base.units import PublicKey
from chaosnet.cli.asking import Out, genesis_file, read_text, write_text
from chaosnet.cli.keyring import info_of
from chaosnet.cli.node import DEFAULT_CONFIG, ConfigFile
from chaosnet.cli.output import Json, note, print_fields, print_json
from chaosnet.consensus.signstate import NOWHERE, SignState
from chaosnet.daemon.config import load_config
from chaosnet.daemon.keystore import Keystore
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.storage.fence_file import FENCE_BYTES_MAX, KINDS, export_fence, import_fence, parse_fence

app = typer.Typer()


@app.command(name="export-fence")
def export(
    config: ConfigFile = DEFAULT_CONFIG,
    out: Out = None,
    *,
    retire: Annotated[
        bool,
        typer.Option("--retire/--keep", help="Let this node sign no more with the key, or let it go on."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Write what the consensus key has signed, to move it with the key; the node must be stopped.

    After that this node does not sign with the key until a newer fence is imported here.
    """
    path, genesis, key = _journal_of(config)
    text, state = export_fence(path, genesis=genesis, key=key, retire=retire)
    write_text(out, text)
    if out is None:
        return
    _show(state, {"file": str(out), "key": key.hex(), "retired": state.is_retired}, as_json=as_json)
    if not state.is_retired and not as_json:
        note("Copied, not moved: never run two nodes with this key.")


@app.command(name="import-fence")
def import_(
    file: Annotated[Path, typer.Argument(help="File that `export-fence` wrote.")],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    back: Annotated[
        bool, typer.Option("--back", help="The fence was exported here and was used nowhere else.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take over what the consensus key has signed elsewhere; the node must be stopped.

    Nothing is lost that this node knows already. At its next start it listens before it signs.
    """
    path, genesis, key = _journal_of(config)
    if str(file) != "-" and file.exists() and file.stat().st_size > FENCE_BYTES_MAX:
        raise Invalid("too_large", f"{file}: a fence file has at most {FENCE_BYTES_MAX} bytes")
    theirs = parse_fence(read_text(file), genesis=genesis, key=key)
    state = import_fence(path, theirs, genesis=genesis, key=key, take_back=back)
    _show(state, {"sign_state": str(path), "key": key.hex()}, as_json=as_json)


def _journal_of(config: Path) -> tuple[Path, bytes, PublicKey]:
    """Return where a node's sign state is, the genesis hash and the consensus key."""
    settings, base = load_config(config), config.parent
    if not settings.keys.consensus_key:
        raise Refused("not_found", f"{config}: this node has no consensus key ([keys] consensus_key)")
    key_file = base / settings.keys.consensus_key
    key = info_of(Keystore(key_file.parent), key_file.stem).public_key
    return base / settings.keys.sign_state, genesis_hash_of(genesis_file(base / settings.node.genesis)), key


def _show(state: SignState, about: dict[str, object], *, as_json: bool) -> None:
    era, height, round_, kind = state.position
    last = None if state.position == NOWHERE else {"kind": KINDS[kind], "era": era, "height": height}
    if as_json:
        print_json(about | {"last": last and last | {"round": round_}})
        return
    words = f"{KINDS[kind]} of {'slot' if KINDS[kind] == 'header' else 'height'} {height}, era {era}"
    print_fields([*about.items(), ("last signed", "nothing" if last is None else words)])
