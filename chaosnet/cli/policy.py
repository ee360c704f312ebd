"""`chaosnet keys policy`: the account of several keys, as a file its signers share."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from chaosnet.base.errors import Invalid
from chaosnet.cli.asking import HASH_HEX_LENGTH, hex_bytes, read_text, write_text
from chaosnet.cli.keyring import KeysDir, Prefix, info_of, keystore
from chaosnet.cli.output import Json, print_fields, print_json
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon.keystore import Keystore
from chaosnet.model.genesis_make import ADDRESS_PREFIX
from chaosnet.model.policy import KeyPolicy, address_of, check_policy

app = typer.Typer()


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    weight: int = 1


class _File(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[_Key]
    threshold: int


@app.command()
def policy(
    key: Annotated[
        list[str],
        typer.Option("--key", help="KEY or KEY:WEIGHT; KEY is a public key in hex or a key's name."),
    ],
    threshold: Annotated[int, typer.Option(min=1, help="Weight that must sign.")],
    prefix: Prefix = ADDRESS_PREFIX,
    keys: KeysDir = None,
    out: Annotated[Path | None, typer.Option("--out", help="Policy file to write, for `tx build`.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Print the address of a k-of-n account, and write its policy to a file."""
    store = keystore(keys)
    made = KeyPolicy(tuple(sorted(_weighted(store, text) for text in key)), threshold)
    check_policy(made)
    if out is not None:
        write_text(out, format_policy(made))
    address = format_address(prefix, address_of(made))
    if as_json:
        print_json({"address": address} | policy_fields(made))
        return
    print_fields([("address", address), ("threshold", threshold)])
    print_fields([(f"{public_key.hex()}", f"weight {weight}") for public_key, weight in made.keys])


def policy_fields(policy: KeyPolicy) -> dict[str, object]:
    """Return a policy as its file has it."""
    keys = [{"key": key.hex(), "weight": weight} for key, weight in policy.keys]
    return {"keys": keys, "threshold": policy.threshold}


def format_policy(policy: KeyPolicy) -> str:
    """Return the text of a policy file."""
    return msgspec.json.format(msgspec.json.encode(policy_fields(policy)), indent=2).decode() + "\n"


def policy_of_fields(fields: object) -> KeyPolicy:
    """Return the policy that a file's content describes; raises Invalid(`malformed`, `bad_policy`)."""
    try:
        file = msgspec.convert(fields, _File)
    except msgspec.ValidationError as error:
        raise Invalid("malformed", f"key policy: {error}") from None
    keys = sorted((hex_bytes(entry.key, 32, "a public key"), entry.weight) for entry in file.keys)
    policy = KeyPolicy(tuple(keys), file.threshold)
    check_policy(policy)
    return policy


def load_policy(path: Path) -> KeyPolicy:
    """Read a policy file; raises Invalid(`malformed`, `bad_policy`)."""
    try:
        return policy_of_fields(msgspec.json.decode(read_text(path)))
    except msgspec.DecodeError as error:
        raise Invalid("malformed", f"{path}: {error}") from None


def _weighted(store: Keystore, text: str) -> tuple[bytes, int]:
    name, _, weight = text.partition(":")
    if weight and not (weight.isascii() and weight.isdigit()):
        raise Invalid("bad_argument", f"not of the form KEY:WEIGHT: {text[:100]!r}")
    if len(name) == HASH_HEX_LENGTH:
        return hex_bytes(name, 32, "a public key"), int(weight or 1)
    return info_of(store, name).public_key, int(weight or 1)
