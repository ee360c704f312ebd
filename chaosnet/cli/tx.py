"""`chaosnet tx`: send transactions and follow them."""

from pathlib import Path
from typing import Annotated

import typer

from chaosnet.base.errors import Invalid
from chaosnet.cli.asking import (
    DEFAULT_NODE,
    HASH_HEX_LENGTH,
    Node,
    TimeoutS,
    Wait,
    address_of_text,
    asking,
    hex_bytes,
    payment_of,
    read_text,
)
from chaosnet.cli.keyring import KeysDir, PasswordFile, keystore, known_password
from chaosnet.cli.output import OK, REFUSED, Json, cos, note, print_fields, print_json, when
from chaosnet.cli.party import Party, party_of
from chaosnet.cli.terms import GasLimit, GasPrice, GenesisOf, Given, Memo, draft_of, nonce_of, terms_online
from chaosnet.cli.txfile import action_line, body_fields, draft_file, load_draft, load_raw
from chaosnet.model import build
from chaosnet.model.transaction import Transfer, TxBody, decode_transaction, tx_id_of
from chaosnet.rpc import schema
from chaosnet.rpc.client import Client

app = typer.Typer(no_args_is_help=True, help="Build, sign, send and follow transactions.")

TIMEOUT_S = 30

TxFile = Annotated[Path, typer.Argument(help="Transaction file, or raw bytes in hex; - for standard input.")]
TxId = Annotated[str, typer.Argument(help="Transaction id in hex.")]


@app.command()
def send(
    sender: Annotated[str, typer.Option("--from", help="Name of the key that pays.")],
    to: Annotated[str, typer.Option(help="Address that receives.")],
    amount: Annotated[str, typer.Option(help="COS, for example 12.5.")],
    memo: Memo = "",
    gas_price: GasPrice = None,
    gas_limit: GasLimit = None,
    fee_payer: Annotated[str | None, typer.Option(help="Name of another key that pays the fee.")] = None,
    account: Annotated[
        str | None, typer.Option(help="Address of the account, when the key is not its first one.")
    ] = None,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Send COS and wait for the receipt."""
    store = keystore(keys)
    motes = payment_of(amount)
    with asking(node) as client:
        terms = terms_online(client, Given(genesis, gas_price))
        source = party_of(store, terms.prefix, sender)
        if account is not None:
            source = Party(address_of_text(terms.prefix, account), account, source.policy)
        payer = None if fee_payer is None else party_of(store, terms.prefix, fee_payer)
        actions = (Transfer(address_of_text(terms.prefix, to), motes),)
        nonce = nonce_of(client, source)
        draft = draft_of(terms, source, actions, nonce=nonce, payer=payer, memo=memo, gas_limit=gas_limit)
        password = known_password(password_file)
        for name in (sender, fee_payer):
            if name is not None:
                draft = build.add_signature(draft, store.load(name, password))
        deliver(client, build.complete(draft), wait=wait, timeout_s=timeout_s, as_json=as_json)


@app.command()
def submit(
    file: TxFile,
    node: Node = DEFAULT_NODE,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Submit a complete transaction and wait for the receipt."""
    raw = load_raw(file)
    with asking(node) as client:
        deliver(client, raw, wait=wait, timeout_s=timeout_s, as_json=as_json)


@app.command()
def simulate(file: TxFile, node: Node = DEFAULT_NODE, *, as_json: Json = False) -> None:
    """Try a transaction on the present state without sending it; signatures may be missing."""
    if is_draft(file):
        draft = load_draft(file)[1]
        raw = build.placeholder(draft) if any(build.missing(draft)) else build.complete(draft)
    else:
        raw = load_raw(file)
    with asking(node) as client:
        outcome = client.simulate(raw)
    if as_json:
        print_json(outcome)
    else:
        fields = [("code", outcome.code), ("detail", outcome.detail), ("gas", outcome.gas)]
        print_fields([*fields, ("fee", cos(outcome.fee))])
    raise typer.Exit(OK if outcome.code == "ok" else REFUSED)


@app.command()
def wait(
    tx_id: TxId, node: Node = DEFAULT_NODE, timeout_s: TimeoutS = TIMEOUT_S, *, as_json: Json = False
) -> None:
    """Wait until a transaction is in a block, and print its receipt."""
    tx_id = hex_bytes(tx_id, 32, "a transaction id").hex()
    with asking(node) as client:
        found = client.wait_for_transaction(tx_id, timeout_s * 1_000)
        show_receipt(client, found, as_json=as_json)


@app.command()
def show(
    what: Annotated[str, typer.Argument(help="Transaction id in hex, or a transaction file.")],
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """Show a transaction: of the chain by its id, or what a file would do and who has signed it."""
    if not Path(what).exists() and len(what) == HASH_HEX_LENGTH:
        tx_id = hex_bytes(what, 32, "a transaction id").hex()
        with asking(node) as client:
            show_transaction(client.transaction(tx_id), client.status().address_prefix, as_json=as_json)
        return
    path = Path(what)
    if not is_draft(path):
        raise Invalid("bad_argument", f"{what[:100]!r} is neither a transaction id nor a transaction file")
    prefix, draft = load_draft(path)
    if as_json:
        print_json(draft_file(prefix, draft))
        return
    show_draft(prefix, draft)


def deliver(client: Client, raw: bytes, *, wait: bool, timeout_s: int, as_json: bool) -> None:
    """Submit and, if asked to, wait for the receipt; exit 1 when it says that the transaction failed."""
    verdict = client.submit(raw)
    if wait:
        if not as_json:
            note(f"submitted {verdict.id}, waiting for its block")
        found = client.wait_for_transaction(verdict.id, timeout_s * 1_000)
        show_receipt(client, found, as_json=as_json)
    elif as_json:
        print_json(verdict)
    else:
        print_fields([("id", verdict.id), ("status", "pending")])


def show_receipt(client: Client, found: schema.Transaction, *, as_json: bool) -> None:
    """Print what became of a transaction; exit 1 unless it succeeded."""
    show_transaction(found, client.status().address_prefix, as_json=as_json)
    if found.code != "ok":
        raise typer.Exit(REFUSED)


def show_transaction(found: schema.Transaction, prefix: str, *, as_json: bool) -> None:
    """Print a transaction of the chain."""
    if as_json:
        print_json(found)
        return
    fields: list[tuple[str, object]] = [("id", found.id), ("status", found.status), ("code", found.code)]
    if found.height is not None:
        fields += [("block", f"{found.height} {found.block_id}"), ("time", when(found.time_ms))]
    if found.fee is not None:
        fields += [("gas", found.gas), ("fee", cos(found.fee))]
    body = decode_transaction(bytes.fromhex(found.raw)).body
    print_fields(fields + body_lines(prefix, body))


def show_draft(prefix: str, draft: build.Draft) -> None:
    """Print what a draft does, who has signed, and what is missing."""
    signed = [draft.policy.keys[i][0].hex() for i, _ in draft.signatures]
    missing = build.missing(draft)
    fields: list[tuple[str, object]] = [("id", tx_id_of(draft.body).hex())]
    fields += [("genesis", draft.body.genesis.hex())]
    fields += body_lines(prefix, draft.body)
    fields += [(f"signed by {i}", key) for i, key in enumerate(signed, 1)]
    if draft.payer_policy is not None:
        payers = [draft.payer_policy.keys[i][0].hex() for i, _ in draft.payer_signatures]
        fields += [(f"fee signed by {i}", key) for i, key in enumerate(payers, 1)]
    parts = [f"weight {missing.sender} of the sender"] if missing.sender else []
    parts += [f"weight {missing.payer} of the fee payer"] if missing.payer else []
    print_fields([*fields, ("missing", ", ".join(parts) or "nothing")])


def body_lines(prefix: str, body: TxBody) -> list[tuple[str, object]]:
    """Return a body as fields for people."""
    shown = body_fields(prefix, body)
    lines: list[tuple[str, object]] = [("sender", shown["sender"]), ("nonce", body.nonce)]
    lines += [("action", action_line(prefix, action)) for action in body.actions]
    lines += [("memo", body.memo), ("fee at most", shown["fee_max"]), ("paid by", shown.get("payer", ""))]
    return [*lines, ("expires", f"after block {body.expiry}")]


def is_draft(path: Path) -> bool:
    """Return whether a file is a transaction file, complete or not."""
    return path.is_file() and read_text(path).lstrip().startswith("{")
