"""`chaosnet stake`: bond coins and take them back, in one step (in several: `chaosnet tx build`)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Motes, format_cos
from chaosnet.cli.asking import DEFAULT_NODE, Node, TimeoutS, Wait, address_of_text, asking, payment_of
from chaosnet.cli.keyring import KeysDir, PasswordFile, keystore, known_password
from chaosnet.cli.output import Json
from chaosnet.cli.party import Party, party_of
from chaosnet.cli.registration import load_registration
from chaosnet.cli.terms import GenesisOf, Given, Terms, draft_of, nonce_of, terms_online
from chaosnet.cli.tx import TIMEOUT_S, deliver
from chaosnet.cli.tx_staking import COMMISSION_PERMILLE, Commission
from chaosnet.model import build
from chaosnet.model.transaction import Action, Delegate, Redelegate, Undelegate, Unjail, Withdraw
from chaosnet.rpc.client import Client
from chaosnet.rpc.schema import DelegationList

app = typer.Typer(
    no_args_is_help=True,
    help="Bond coins to candidates, move them, take them back; see also `validators` and `delegations`.",
)

Sender = Annotated[str, typer.Option("--from", help="Name of the key whose account acts.")]
Operator = Annotated[str, typer.Argument(help="Account of the candidate's operator.")]
Amount = Annotated[str, typer.Argument(help="COS, for example 12.5.")]


@dataclass(frozen=True, slots=True)
class Way:
    """Options that all these commands share."""

    genesis: str | None
    node: str
    keys: Path | None
    password_file: Path | None
    timeout_s: int
    wait: bool
    as_json: bool


def _send(
    sender: str,
    way: Way,
    action_of: Callable[[Terms, Party], Action],
    check: Callable[[Client, Party], None] = lambda *_: None,
) -> None:
    """Sign and send one action, made for a network and an account, if a look at the chain agrees."""
    store = keystore(way.keys)
    with asking(way.node) as client:
        terms = terms_online(client, Given(way.genesis))
        source = party_of(store, terms.prefix, sender)
        action = action_of(terms, source)
        check(client, source)
        draft = draft_of(terms, source, (action,), nonce=nonce_of(client, source))
        draft = build.add_signature(draft, store.load(sender, known_password(way.password_file)))
        deliver(client, build.complete(draft), wait=way.wait, timeout_s=way.timeout_s, as_json=way.as_json)


@app.command()
def register(
    file: Annotated[Path, typer.Argument(help="File that `chaosnet keys registration` wrote on the node.")],
    sender: Sender,
    commission: Commission = COMMISSION_PERMILLE,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Stand for election as a validator, or change keys or commission; bond coins with `delegate`."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)

    def made(terms: Terms, source: Party) -> Action:
        found = load_registration(file, terms.prefix, terms.genesis_hash, source.address)
        return replace(found, commission_permille=commission)

    _send(sender, way, made)


@app.command()
def delegate(
    operator: Operator,
    amount: Amount,
    sender: Sender,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Bond coins to a candidate: they add to its weight and share its fees and its punishments."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)
    _send(sender, way, lambda terms, _: Delegate(address_of_text(terms.prefix, operator), payment_of(amount)))


@app.command()
def undelegate(
    operator: Operator,
    amount: Amount,
    sender: Sender,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Take coins out of a bond: still punishable, and free after the unbonding time, see `withdraw`."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)
    _send(
        sender, way, lambda terms, _: Undelegate(address_of_text(terms.prefix, operator), payment_of(amount))
    )


@app.command()
def redelegate(
    operator: Operator,
    to: Annotated[str, typer.Argument(help="Account of the other candidate's operator.")],
    amount: Amount,
    sender: Sender,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Move bonded coins to another candidate at once; what the first one did can still cost them."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)
    _send(
        sender,
        way,
        lambda terms, _: Redelegate(
            address_of_text(terms.prefix, operator), address_of_text(terms.prefix, to), payment_of(amount)
        ),
    )


@app.command()
def withdraw(
    operator: Operator,
    sender: Sender,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Receive all coins taken out of a candidate's bond whose unbonding time is over."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)
    _send(
        sender,
        way,
        lambda terms, _: Withdraw(address_of_text(terms.prefix, operator)),
        lambda client, source: check_free(client.delegations(source.text), operator),
    )


def check_free(found: DelegationList, operator: str) -> None:
    """Raise Invalid(`not_matured`) when none of the coins that left a candidate's bond is free yet."""
    parts = [part for one in found.delegations if one.operator == operator for part in one.unbonding]
    if parts and all(part.free_height > found.height + 1 for part in parts):
        first = min(parts, key=lambda part: part.free_height)
        amount = format_cos(Motes(int(first.amount)))
        raise Invalid(
            "not_matured",
            f"{amount} COS are free from height {first.free_height} on, the chain is at {found.height}; "
            "nothing was sent",
        )


@app.command()
def unjail(
    sender: Sender,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Stand for election again after a punishment; the key is that of the operator account."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)
    _send(sender, way, lambda *_: Unjail())
