"""`chaosnet keys registration`: what a node's keys sign so that their operator may stand for election.

The node's machine writes the file; the operator's key, which is elsewhere, sends it in a transaction.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import typer

from chaosnet.base.errors import Invalid, Refused
from chaosnet.cli.asking import Out, address_of_text, genesis_file, hex_bytes, read_text, write_text
from chaosnet.cli.keyring import PasswordFile, known_password
from chaosnet.cli.node import DEFAULT_CONFIG, ConfigFile
from chaosnet.cli.node_dir import read_node_dir
from chaosnet.cli.output import Json, note, print_text
from chaosnet.crypto.signing import sign
from chaosnet.daemon.answers import vrf_key_of, vrf_seed_of
from chaosnet.daemon.config import load_config
from chaosnet.daemon.keystore import Keystore, read_password
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.model.transaction import Register, possession_digest

app = typer.Typer()

FORMAT: Final = "chaosnet-registration/1"
FILE_BYTES_MAX: Final = 4_096


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of a registration file; all keys and signatures in hex."""

    format: Literal["chaosnet-registration/1"]
    genesis: str
    """Hash of the network's genesis."""
    operator: str
    """Address of the account that registers."""
    consensus_key: str
    vrf_key: str
    node_key: str
    proofs: tuple[str, str, str]
    """Signatures of the consensus, the lottery and the node key."""


@app.command()
def registration(
    config: ConfigFile = DEFAULT_CONFIG,
    operator: Annotated[
        str | None, typer.Option(help="Operator's address; default: the one that `chaosnet init` was given.")
    ] = None,
    password_file: PasswordFile = None,
    out: Out = None,
    *,
    as_json: Json = False,
) -> None:
    """Write what registers this node's keys as those of a validator; see `chaosnet stake register`."""
    settings, base = load_config(config), config.parent
    found = read_node_dir(base)
    if found.consensus_key is None:
        raise Refused("not_found", f"{config}: this node has no consensus key ([keys] consensus_key)")
    genesis = genesis_file(base / settings.node.genesis)
    address = operator or found.operator
    account = address_of_text(genesis.address_prefix, address)
    inside = settings.keys.password_file
    password = read_password(base / inside, None) if inside else known_password(password_file)
    store = Keystore((base / settings.keys.consensus_key).parent)
    seed = store.load("consensus", password)
    genesis_hash = genesis_hash_of(genesis)
    register = Register(found.consensus_key, vrf_key_of(seed), found.node_key, 0)
    digest = possession_digest(genesis_hash, account, register)
    seeds = (seed, vrf_seed_of(seed), store.load("node", password))
    made = Registration(
        format=FORMAT,
        genesis=genesis_hash.hex(),
        operator=address,
        consensus_key=register.consensus_key.hex(),
        vrf_key=register.vrf_key.hex(),
        node_key=register.node_key.hex(),
        proofs=tuple(sign(each, digest).hex() for each in seeds),  # type: ignore[arg-type]
    )
    text = msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"
    write_text(out, text)
    if out is None:
        return
    if as_json:
        print_text(text)
    else:
        note(f"{out}: send it with `chaosnet stake register {out} --from OPERATOR_KEY`")


def load_registration(path: Path, prefix: str, genesis_hash: bytes, operator: bytes) -> Register:
    """Return the registration in a file, without a commission yet.

    Raises Invalid(`malformed`, `too_large`, `wrong_network`), or `bad_argument` for another operator's.
    """
    if str(path) != "-" and path.exists() and path.stat().st_size > FILE_BYTES_MAX:
        raise Invalid("too_large", f"{path}: a registration has at most {FILE_BYTES_MAX} bytes")
    try:
        found = msgspec.json.decode(read_text(path), type=Registration)
    except msgspec.DecodeError as error:
        raise Invalid("malformed", f"{path} is no registration: {error}") from error
    if found.genesis != genesis_hash.hex():
        raise Invalid("wrong_network", f"{path} is for the network {found.genesis[:64]}")
    if address_of_text(prefix, found.operator) != operator:
        raise Invalid("bad_argument", f"{found.operator[:120]} is not the account that sends this")
    consensus, vrf, node = (hex_bytes(proof, 64, "a signature") for proof in found.proofs)
    return Register(
        consensus_key=hex_bytes(found.consensus_key, 32, "a consensus key"),
        vrf_key=hex_bytes(found.vrf_key, 32, "a VRF key"),
        node_key=hex_bytes(found.node_key, 32, "a node key"),
        commission_permille=0,
        proofs=(consensus, vrf, node),
    )
