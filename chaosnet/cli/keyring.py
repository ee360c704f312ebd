"""Where a person's keys are, and where their password comes from."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from chaosnet.base.errors import Refused
from chaosnet.base.units import Address, PublicKey
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon.keystore import SCRYPT_N, KeyInfo, Keystore, read_password
from chaosnet.model.policy import address_of, single_key

KeysDir = Annotated[
    Path | None,
    typer.Option(
        "--keys", help="Directory of key files; default $CHAOSNET_HOME/keys, else ~/.chaosnet/keys."
    ),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        envvar="CHAOSNET_PASSWORD_FILE",
        help="File with the password, instead of a prompt.",
    ),
]
Name = Annotated[str, typer.Argument(help="Name of a key: a-z, 0-9, _ and -.")]
Prefix = Annotated[str, typer.Option("--prefix", help="Address prefix of the network.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

HOME_VARIABLE: Final = "CHAOSNET_HOME"


def keys_directory(given: Path | None) -> Path:
    """Return the directory of the key files."""
    if given is not None:
        return given
    home = os.environ.get(HOME_VARIABLE)
    return (Path(home) if home else Path.home() / ".chaosnet") / "keys"


def keystore(given: Path | None) -> Keystore:
    """Return the keystore of a person."""
    return Keystore(keys_directory(given), SCRYPT_N)


def known_password(given: Path | None) -> str:
    """Return the password of keys that exist; raises Refused(`key_locked`) where nobody can be asked."""
    if given is not None:
        return read_password(given, None)
    _check_somebody_there()
    return str(typer.prompt("Password", hide_input=True, err=True))


def new_password(given: Path | None) -> str:
    """Return the password for a new key, asked for twice; raises Refused(`key_locked`)."""
    if given is not None:
        return read_password(given, None)
    _check_somebody_there()
    return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True))


def secret_line(what: str) -> str:
    """Return a secret from a hidden prompt, or the first line of standard input when it is no terminal."""
    if is_interactive():
        return str(typer.prompt(what, hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def confirmed(question: str, *, yes: bool) -> None:
    """Go on when the person agrees; raises Refused(`bad_argument`) where nobody can be asked."""
    if yes:
        return
    if not is_interactive():
        raise Refused("bad_argument", f"{question} Standard input is no terminal: to agree, add --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def is_interactive() -> bool:
    """Return whether a person sits at standard input."""
    return sys.stdin.isatty()


def info_of(store: Keystore, name: str) -> KeyInfo:
    """Return what a key file says without its password; raises Refused(`not_found`)."""
    store.export(name)  # says clearly what is wrong with this very file
    return next(info for info in store.list() if info.name == name)


def single_address(prefix: str, public_key: PublicKey) -> str:
    """Return the address of the one-key account of a key."""
    return format_address(prefix, own_address(public_key))


def own_address(public_key: PublicKey) -> Address:
    """Return the address of the one-key account of a key."""
    return address_of(single_key(public_key))


def _check_somebody_there() -> None:
    if not is_interactive():
        raise Refused(
            "key_locked",
            "standard input is no terminal; give the password with --password-file FILE"
            " or in CHAOSNET_PASSWORD_FILE",
        )
