"""`chaosnet keys`: make, import, list and export a person's keys."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from chaosnet.base.errors import Refused
from chaosnet.cli.asking import Out, hex_bytes, read_text, write_text
from chaosnet.cli.keyring import (
    KeysDir,
    Name,
    PasswordFile,
    Prefix,
    Yes,
    confirmed,
    info_of,
    keys_directory,
    keystore,
    known_password,
    new_password,
    secret_line,
    single_address,
)
from chaosnet.cli.output import Json, note, print_fields, print_json, print_table, print_text
from chaosnet.daemon.hdkeys import LANGUAGES, account_path, derive, new_phrase, seed_of
from chaosnet.daemon.keystore import Document, Keystore, decrypt_key
from chaosnet.model.genesis_make import ADDRESS_PREFIX

app = typer.Typer(no_args_is_help=True, help="Make, import, list and export keys; sign messages with them.")

Account = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Number of the account below the phrase.")]


@app.command()
def new(
    name: Name,
    language: Annotated[str, typer.Option(help=f"Word list: {', '.join(LANGUAGES)}.")] = "english",
    words: Annotated[int, typer.Option(help="12, 15, 18, 21 or 24.")] = 24,
    account: Account = 0,
    prefix: Prefix = ADDRESS_PREFIX,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Make a key from a new recovery phrase, and show the phrase: this once, never again."""
    store = _free(keys, name)
    phrase = new_phrase(language, words)
    added = _add(store, name, phrase, account, new_password(password_file), prefix)
    if as_json:
        print_json(added | {"phrase": phrase})
        return
    print_fields(added.items())
    note("\nWrite these words down, in this order, on paper. Whoever has them has the account;")
    note("without them and without the key file nobody can restore it.\n")
    print_text(_numbered(phrase))


@app.command(name="import")
def import_(
    name: Name,
    account: Account = 0,
    prefix: Prefix = ADDRESS_PREFIX,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    file: Annotated[Path | None, typer.Option(help="An exported key file (ERC-2335), same password.")] = None,
    *,
    is_hex: Annotated[bool, typer.Option("--hex", help="Ask for the 32-byte seed in hex.")] = False,
    as_json: Json = False,
) -> None:
    """Add a key from its recovery phrase, which is asked for or read from standard input."""
    store = _free(keys, name)
    if file is not None:
        document = _document(read_text(file))
        password = known_password(password_file)
        seed, path = decrypt_key(document, password), str(document.get("path", ""))
        added = _added(store, name, seed, password, path, prefix)
    elif is_hex:
        seed = hex_bytes(secret_line("Seed in hex"), 32, "a seed")
        added = _added(store, name, seed, new_password(password_file), "", prefix)
    else:
        phrase = secret_line("Recovery phrase")
        seed_of(phrase)  # says what is wrong before a password is asked for
        added = _add(store, name, phrase, account, new_password(password_file), prefix)
    if as_json:
        print_json(added)
    else:
        print_fields(added.items())


@app.command(name="list")
def list_(keys: KeysDir = None, prefix: Prefix = ADDRESS_PREFIX, *, as_json: Json = False) -> None:
    """List all keys with the addresses of their one-key accounts."""
    found = keystore(keys).list()
    rows = [
        {
            "name": info.name,
            "address": single_address(prefix, info.public_key),
            "public_key": info.public_key.hex(),
            "path": info.path,
            "description": info.description,
        }
        for info in found
    ]
    if as_json:
        print_json({"directory": str(keys_directory(keys)), "keys": rows})
    elif rows:
        columns = ("name", "address", "public key", "path")
        print_table(columns, [(r["name"], r["address"], r["public_key"], r["path"]) for r in rows])
    else:
        note(f"no keys in {keys_directory(keys)}: `chaosnet keys new NAME` makes one")


@app.command()
def export(
    name: Name,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    out: Out = None,
    *,
    reveal_seed: Annotated[
        bool, typer.Option("--reveal-seed", help="Print the secret seed itself, in hex.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Print the encrypted key file. The recovery phrase is stored nowhere and cannot be exported."""
    store = keystore(keys)
    document = store.export(name)
    if not reveal_seed:
        write_text(
            out, msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n", private=True
        )
        return
    confirmed(f"Whoever sees the seed of {name!r} owns its account. Show it?", yes=yes)
    seed = decrypt_key(document, known_password(password_file)).hex()
    if out is not None:
        write_text(out, seed + "\n", private=True)
    elif as_json:
        print_json({"name": name, "seed": seed})
    else:
        print_text(seed)


@app.command()
def address(
    name: Name, prefix: Prefix = ADDRESS_PREFIX, keys: KeysDir = None, *, as_json: Json = False
) -> None:
    """Print the address of a key's one-key account."""
    info = info_of(keystore(keys), name)
    text = single_address(prefix, info.public_key)
    if as_json:
        print_json({"name": name, "address": text, "public_key": info.public_key.hex()})
    else:
        print_text(text)


def _free(keys: Path | None, name: str) -> Keystore:
    """Return the keystore; raises Refused(`key_exists`) before anybody types anything."""
    store = keystore(keys)
    try:
        store.export(name)
    except Refused as error:
        if error.code == "not_found":
            return store
    raise Refused("key_exists", name)


def _add(
    store: Keystore, name: str, phrase: str, account: int, password: str, prefix: str
) -> dict[str, object]:
    path = account_path(account)
    return _added(store, name, derive(seed_of(phrase), path), password, path, prefix)


def _added(
    store: Keystore, name: str, seed: bytes, password: str, path: str, prefix: str
) -> dict[str, object]:
    public_key = store.add(name, seed, password, path=path)
    return {
        "name": name,
        "address": single_address(prefix, public_key),
        "public_key": public_key.hex(),
        "path": path,
    }


def _document(text: str) -> Document:
    try:
        return msgspec.json.decode(text, type=Document)
    except msgspec.DecodeError as error:
        raise Refused("data_damaged", f"not a key file: {error}") from None


def _numbered(phrase: str) -> str:
    """Return the words in rows of four, each with its number."""
    words = [f"{i:>2} {word}" for i, word in enumerate(phrase.split(), 1)]
    width = max(len(word) for word in words) + 3
    return "\n".join("".join(word.ljust(width) for word in words[i : i + 4]) for i in range(0, len(words), 4))
