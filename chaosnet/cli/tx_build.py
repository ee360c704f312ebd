"""`chaosnet tx build`, `sign`, `combine`: a transaction in steps, off line, between several signers."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from chaosnet.base.codec import Decoder
from chaosnet.base.errors import Invalid, Refused
from chaosnet.base.limits import TX_BYTES_MAX
from chaosnet.cli.asking import (
    DEFAULT_NODE,
    Node,
    Out,
    address_of_text,
    asking,
    payment_of,
    read_text,
    write_text,
)
from chaosnet.cli.keyring import (
    KeysDir,
    PasswordFile,
    Yes,
    confirmed,
    keystore,
    known_password,
)
from chaosnet.cli.output import Json, note, print_json
from chaosnet.cli.party import party_of
from chaosnet.cli.policy import load_policy
from chaosnet.cli.registration import load_registration
from chaosnet.cli.terms import (
    Anchor,
    Expiry,
    GasLimit,
    GasPrice,
    GenesisOf,
    Given,
    Memo,
    Nonce,
    Terms,
    draft_of,
    nonce_of,
    terms_offline,
    terms_online,
)
from chaosnet.cli.tx import show_draft
from chaosnet.cli.tx_staking import (
    COMMISSION_PERMILLE,
    Commission,
    Delegations,
    Redelegations,
    Registration,
    Undelegations,
    Unjailing,
    Withdrawals,
    bonds_of,
    releases_of,
)
from chaosnet.cli.txfile import draft_file, format_draft, load_draft
from chaosnet.ledger.check import check_actions
from chaosnet.model import build
from chaosnet.model.evidence import Evidence
from chaosnet.model.transaction import Accuse, Action, SetPolicy, Transfer

app = typer.Typer()

FeePayer = Annotated[
    str | None, typer.Option(help="Key's name or address of another account that pays the fee.")
]

_evidence_decoder: Decoder[Evidence] = Decoder(Evidence, TX_BYTES_MAX)


@app.command(name="build")
def build_(
    sender: Annotated[
        str | None, typer.Option("--from", help="Key's name, or an address with --policy.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Policy file of the account, see `chaosnet keys policy`.")
    ] = None,
    to: Annotated[list[str] | None, typer.Option(help="Address that receives; may be repeated.")] = None,
    amount: Annotated[list[str] | None, typer.Option(help="COS, one for each --to.")] = None,
    set_policy: Annotated[
        Path | None, typer.Option(help="Policy file: replace the account's keys under the same address.")
    ] = None,
    accuse: Annotated[
        list[str] | None, typer.Option(help="Evidence of a double signature in hex, see `chaosnet evidence`.")
    ] = None,
    register: Registration = None,
    commission: Commission = COMMISSION_PERMILLE,
    delegate: Delegations = None,
    undelegate: Undelegations = None,
    redelegate: Redelegations = None,
    withdraw: Withdrawals = None,
    memo: Memo = "",
    gas_price: GasPrice = None,
    gas_limit: GasLimit = None,
    fee_payer: FeePayer = None,
    payer_policy: Annotated[Path | None, typer.Option(help="Policy file of the fee payer.")] = None,
    nonce: Nonce = None,
    anchor: Anchor = None,
    expiry: Expiry = None,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    out: Out = None,
    *,
    unjail: Unjailing = False,
    as_json: Json = False,
) -> None:
    """Write an unsigned transaction: a file for people to read, sign and pass on.

    With --genesis, --nonce and --expiry no node is asked. Actions happen all or none, in this order:
    transfers, a new policy, accusations, registration, released coins, unjail, changes of bonds.
    """
    store = keystore(keys)
    given = Given(genesis, gas_price, anchor, expiry)
    is_offline = genesis is not None and nonce is not None and expiry is not None
    with nullcontext() if is_offline else asking(node) as client:
        terms = terms_offline(given) if client is None else terms_online(client, given)
        source = party_of(store, terms.prefix, sender, policy)
        number = nonce_of(client, source, nonce)
    has_payer = fee_payer is not None or payer_policy is not None
    payer = party_of(store, terms.prefix, fee_payer, payer_policy) if has_payer else None
    transfers = _transfers(terms, to or [], amount or [])
    staking = releases_of(terms.prefix, withdraw or [], unjail=unjail)
    staking += bonds_of(terms.prefix, delegate or [], undelegate or [], redelegate or [])
    if register is not None:
        found = load_registration(register, terms.prefix, terms.genesis_hash, source.address)
        staking.insert(0, replace(found, commission_permille=commission))
    actions = _actions(transfers, set_policy, accuse or [], staking)
    draft = draft_of(terms, source, actions, nonce=number, payer=payer, memo=memo, gas_limit=gas_limit)
    _save(terms.prefix, draft, out, as_json=as_json)


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="Transaction file; the signature is added to it.")],
    key: Annotated[list[str], typer.Option(help="Name of a key; may be repeated.")],
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write instead.")] = None,
    *,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Show what a transaction does, ask, and sign it. Needs no network.

    Where nobody can be asked it signs with --yes only.
    """
    prefix, draft = load_draft(file)
    store = keystore(keys)
    if not as_json:
        show_draft(prefix, draft)
    elif not yes:
        raise Refused("bad_argument", "--json shows nothing to agree to: look at it without, or use --yes")
    confirmed("Sign this?", yes=yes)
    password = known_password(password_file)
    for name in key:
        draft = build.add_signature(draft, store.load(name, password))
    write_text(out or file, format_draft(prefix, draft))
    _tell(prefix, draft, out or file, as_json=as_json)


@app.command()
def combine(
    files: Annotated[
        list[Path], typer.Argument(help="Files of one transaction, signed by different people.")
    ],
    out: Out = None,
    *,
    as_json: Json = False,
) -> None:
    """Put the signatures of several files into one."""
    loaded = [load_draft(path) for path in files]
    prefix = loaded[0][0]
    _save(prefix, build.combine(*(draft for _, draft in loaded)), out, as_json=as_json)


def _transfers(terms: Terms, to: list[str], amounts: list[str]) -> list[Action]:
    if len(to) != len(amounts):
        raise Invalid("bad_argument", f"{len(to)} times --to, but {len(amounts)} times --amount")
    return [
        Transfer(address_of_text(terms.prefix, address), payment_of(amount))
        for address, amount in zip(to, amounts, strict=True)
    ]


def _actions(
    transfers: list[Action], set_policy: Path | None, accusations: list[str], staking: list[Action]
) -> tuple[Action, ...]:
    actions = list(transfers)
    if set_policy is not None:
        actions.append(SetPolicy(load_policy(set_policy)))
    actions += [Accuse(_evidence(text)) for text in accusations]
    actions += staking
    if not actions:
        raise Invalid("bad_argument", "nothing to do: --to and --amount, --set-policy, --delegate and so on")
    check_actions(tuple(actions))
    return tuple(actions)


def _evidence(text: str) -> Evidence:
    """Return evidence given in hex, or in a file when it is the name of one."""
    source = read_text(Path(text)) if len(text) < 256 and Path(text).is_file() else text
    try:
        data = bytes.fromhex(source.strip())
    except ValueError:
        raise Invalid("malformed", "evidence is not hex") from None
    return _evidence_decoder.decode(data)


def _save(prefix: str, draft: build.Draft, out: Path | None, *, as_json: bool) -> None:
    if out is None:
        write_text(None, format_draft(prefix, draft))
        return
    write_text(out, format_draft(prefix, draft))
    _tell(prefix, draft, out, as_json=as_json)


def _tell(prefix: str, draft: build.Draft, path: Path, *, as_json: bool) -> None:
    """Say where the file is and what it needs next."""
    if as_json:
        print_json(draft_file(prefix, draft))
        return
    missing = build.missing(draft)
    if missing == (0, 0):
        note(f"{path}: complete; send it with `chaosnet tx submit {path}`")
    else:
        what = f"weight {missing.sender}" + (
            f", and {missing.payer} of the fee payer" if missing.payer else ""
        )
        note(f"{path}: more signatures are needed, {what}: `chaosnet tx sign {path} --key NAME`")
