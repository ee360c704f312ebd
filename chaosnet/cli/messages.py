"""`chaosnet keys sign-message` and `verify-message`: show that you hold an account."""

from typing import Annotated

import typer

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Hash32, PublicKey, Signature
from chaosnet.cli.asking import address_of_text, genesis_named, hex_bytes, prefix_of
from chaosnet.cli.keyring import (
    KeysDir,
    Name,
    PasswordFile,
    keystore,
    known_password,
    own_address,
    single_address,
)
from chaosnet.cli.output import Json, print_fields, print_json
from chaosnet.crypto.signed_message import check_message, sign_message
from chaosnet.crypto.signing import public_key_of

app = typer.Typer()

GenesisOf = Annotated[str, typer.Option("--genesis", help="Genesis hash in hex, or genesis file.")]
Text = Annotated[str, typer.Argument(help="The text, exactly: spaces count.")]


@app.command(name="sign-message")
def sign(
    name: Name,
    text: Text,
    genesis: GenesisOf,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Sign a text. Such a signature can never move coins, and counts on one network only."""
    genesis_hash, content = genesis_named(genesis)
    seed = keystore(keys).load(name, known_password(password_file))
    public_key = public_key_of(seed)
    signed = {
        "text": text,
        "genesis": genesis_hash.hex(),
        "address": single_address(prefix_of(content), public_key),
        "public_key": public_key.hex(),
        "signature": sign_message(seed, Hash32(genesis_hash), text).hex(),
    }
    if as_json:
        print_json(signed)
    else:
        print_fields(signed.items())


@app.command(name="verify-message")
def verify(
    text: Text,
    genesis: GenesisOf,
    public_key: Annotated[str, typer.Option("--key", help="Public key in hex.")],
    signature: Annotated[str, typer.Option(help="Signature in hex.")],
    address: Annotated[
        str | None, typer.Option(help="Check also that the key is that of this one-key account.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Check a signed text; the exit code is 1 when the signature does not fit."""
    genesis_hash, content = genesis_named(genesis)
    key = PublicKey(hex_bytes(public_key, 32, "a public key"))
    given = Signature(hex_bytes(signature, 64, "a signature"))
    prefix = prefix_of(content)
    if address is not None:
        prefix = address.rpartition("1")[0] if content is None else prefix
        if address_of_text(prefix, address) != own_address(key):
            raise Invalid("bad_signature", f"the key is not that of {address}")
    check_message(key, Hash32(genesis_hash), text, given)
    if as_json:
        print_json({"valid": True, "address": single_address(prefix, key), "public_key": key.hex()})
    else:
        print_fields([("valid", "yes"), ("address", single_address(prefix, key))])
