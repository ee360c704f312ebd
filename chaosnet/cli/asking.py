"""How commands reach a node, and how texts that people type become hashes, ids and addresses."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.base.units import Address, Motes, format_cos, parse_cos
from chaosnet.cli.output import note
from chaosnet.crypto.addresses import parse_address
from chaosnet.ledger.genesis_check import check_genesis
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.genesis_json import parse_genesis
from chaosnet.model.genesis_make import ADDRESS_PREFIX
from chaosnet.rpc.client import Client

DEFAULT_NODE: Final = "http://127.0.0.1:26710"
HASH_HEX_LENGTH: Final = 64

Node = Annotated[
    str,
    typer.Option(
        "--node", envvar="CHAOSNET_NODE", help="A node: http://host:port or unix:///path/admin.sock."
    ),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the receipt.")]
TimeoutS = Annotated[int, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest wait.")]
Out = Annotated[Path | None, typer.Option("--out", help="File to write instead of standard output.")]


@contextmanager
def asking(url: str) -> Iterator[Client]:
    """Lend a client; errors of the connection name the node. Raises Unavailable(`connection` | `timeout`)."""
    try:
        with Client(url) as client:
            yield client
    except Unavailable as error:
        if error.code != "connection":
            raise
        raise Unavailable(error.code, f"{url}: {error.detail}") from error


def warn_untrusted(client: Client) -> None:
    """Say so when the node itself is in doubt about its chain: no answer of it is worth more than that."""
    health = client.health()
    if health.code == "untrusted":
        note(health.reason)


def read_text(path: Path) -> str:
    """Return the text of a file, or of standard input for `-`; raises Invalid(`bad_argument`)."""
    try:
        if str(path) == "-":
            return sys.stdin.read()
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid("bad_argument", f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid("bad_argument", f"{path}: not a text in UTF-8") from error


def write_text(path: Path | None, text: str, *, private: bool = False) -> None:
    """Write a text to a file, whole or not at all, or to standard output."""
    if path is None:
        typer.echo(text, nl=False)
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    mode = 0o600 if private else 0o644
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8"
        ) as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def hex_bytes(text: str, length: int, what: str) -> bytes:
    """Return bytes given in hex; raises Invalid(`bad_argument`)."""
    try:
        data = bytes.fromhex(text.strip())
    except ValueError:
        data = b""
    if len(data) != length:
        raise Invalid(
            "bad_argument", f"{what} has {2 * length} hexadecimal digits, not {text.strip()[:80]!r}"
        )
    return data


def amount_of(text: str) -> Motes:
    """Return the motes of an amount of COS; raises Invalid(`bad_argument`)."""
    try:
        return parse_cos(text)
    except ValueError as error:
        raise Invalid("bad_argument", str(error)) from None


def payment_of(text: str) -> Motes:
    """Return the motes of an amount that a transfer can have; raises Invalid(`bad_argument`)."""
    motes = amount_of(text)
    if not 0 < motes <= AMOUNT_MAX:
        raise Invalid("bad_argument", f"amount {text}: more than 0 and at most {format_cos(AMOUNT_MAX)} COS")
    return motes


def address_of_text(prefix: str, text: str) -> Address:
    """Return an address, saying in errors which text it was; raises Invalid(`bad_address`)."""
    try:
        return parse_address(prefix, text)
    except Invalid as error:
        raise Invalid("bad_address", f"{text[:100]!r}: {error.detail}") from None


def pinned_of(text: str) -> tuple[int, bytes]:
    """Return (height, block id) of `height:id`; raises Invalid(`bad_argument`)."""
    height, _, block_id = text.partition(":")
    if not (height.isascii() and height.isdigit() and len(height) < 19):
        raise Invalid("bad_argument", f"not of the form height:id: {text[:100]!r}")
    return int(height), hex_bytes(block_id, 32, "a block id")


def genesis_file(path: Path) -> Genesis:
    """Read and check a genesis file; raises Invalid with the path of the fault."""
    genesis = parse_genesis(read_text(path))
    check_genesis(genesis)
    return genesis


def genesis_named(text: str) -> tuple[bytes, Genesis | None]:
    """Return the hash of a genesis given as 64 hexadecimal digits or as a file, and what the file says."""
    if len(text) == HASH_HEX_LENGTH and not Path(text).exists():
        return hex_bytes(text, 32, "a genesis hash"), None
    if not Path(text).exists():
        raise Invalid(
            "bad_argument", f"neither a file nor a hash of {HASH_HEX_LENGTH} digits: {text[:100]!r}"
        )
    genesis = genesis_file(Path(text))
    return genesis_hash_of(genesis), genesis


def prefix_of(genesis: Genesis | None) -> str:
    """Return the address prefix of a network, as far as known."""
    return ADDRESS_PREFIX if genesis is None else genesis.address_prefix
