"""`chaosnet token`: send, approve and burn tokens, use rights over them, change them for COS, look on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from chaosnet.base.errors import Invalid, Refused
from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.base.units import Motes
from chaosnet.cli.asking import (
    DEFAULT_NODE,
    Node,
    TimeoutS,
    Wait,
    address_of_text,
    amount_of,
    asking,
    payment_of,
)
from chaosnet.cli.keyring import KeysDir, PasswordFile, keystore, known_password
from chaosnet.cli.output import Json, cos, print_fields, print_json
from chaosnet.cli.party import party_of
from chaosnet.cli.terms import GenesisOf, Given, draft_of, nonce_of, terms_online
from chaosnet.cli.tx import TIMEOUT_S, deliver
from chaosnet.ledger.contracts.tokens import RIGHTS
from chaosnet.model import build
from chaosnet.model.contract_actions import (
    ApproveToken,
    BurnToken,
    ChangeToken,
    ConvertToken,
    IssueToken,
    SendToken,
)
from chaosnet.model.transaction import Action
from chaosnet.rpc.schema import Token

app = typer.Typer(
    no_args_is_help=True, help="Tokens: send, approve, burn, change for COS, use rights, look at them."
)

DEPOSIT_MAX: Final = "0.05"
"""COS: more than any of these adds to the state, at the rate of a new network."""
EXPIRY_AHEAD: Final = 1_000
"""Heights for which an allowance or a conversion stands unless told."""

TokenId = Annotated[str, typer.Argument(metavar="TOKEN", help="Id of the token: 64 digits.")]
Sender = Annotated[str, typer.Option("--from", help="Name of the key whose account acts.")]
To = Annotated[str, typer.Option("--to", help="Address that receives.")]
Amount = Annotated[str, typer.Option(help="Amount with the token's decimals, for example 12.5.")]
Until = Annotated[
    int | None,
    typer.Option(min=1, help=f"Last height at which it holds; default: {EXPIRY_AHEAD:,} from now."),
]
Deposit = Annotated[str, typer.Option("--deposit-max", metavar="COS", help="Most that the state may lock.")]


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


@dataclass(frozen=True, slots=True)
class Place:
    """The network and the token that an action is made for."""

    prefix: str
    height: int
    token: Token

    @property
    def id(self) -> bytes:
        """The token's id."""
        return bytes.fromhex(self.token.id)

    def address(self, text: str) -> bytes:
        """Return an address; raises Invalid(`bad_address`)."""
        return address_of_text(self.prefix, text)

    def amount(self, text: str) -> int:
        """Return an amount in the token's smallest units; raises Invalid(`bad_argument`)."""
        return token_amount(text, self.token.decimals)

    def until(self, height: int | None) -> int:
        """Return a height until which something stands."""
        return height or self.height + EXPIRY_AHEAD


def token_amount(text: str, decimals: int) -> int:
    """Return `12.5` in smallest units; raises Invalid(`bad_argument`) for more digits than there are."""
    whole, has_point, part = text.replace("_", "").partition(".")
    digits = whole + part
    if not (digits.isascii() and digits.isdigit() and whole and bool(part) == bool(has_point)):
        raise Invalid("bad_argument", f"an amount such as 12.5, not {text[:40]!r}")
    if len(part) > decimals:
        raise Invalid("bad_argument", f"{text[:40]}: the token has {decimals} decimals")
    amount = int(digits) * 10 ** (decimals - len(part)) if len(digits) < 40 else AMOUNT_MAX + 1
    if amount > AMOUNT_MAX:
        raise Invalid("bad_argument", f"{text[:40]} is more than there can be of a token")
    return amount


def token_text(amount: int, decimals: int) -> str:
    """Return an amount in smallest units as people write it, with all decimals."""
    if not decimals:
        return str(amount)
    whole, part = divmod(amount, 10**decimals)
    return f"{whole}.{part:0{decimals}}"


def _send(sender: str, token: str, way: Way, action_of: Callable[[Place], Action]) -> None:
    """Try one action on a token on the node, sign it and send it; raises Refused with its failure."""
    store = keystore(way.keys)
    with asking(way.node) as client:
        terms = terms_online(client, Given(way.genesis))
        source = party_of(store, terms.prefix, sender)
        place = Place(terms.prefix, client.status().height, client.token(_id_of(token)))
        draft = draft_of(terms, source, (action_of(place),), nonce=nonce_of(client, source))
        tried = client.simulate(build.placeholder(draft))
        if tried.code not in ("ok", "no_contracts"):
            raise Refused(tried.code, tried.detail)
        draft = build.add_signature(draft, store.load(sender, known_password(way.password_file)))
        deliver(client, build.complete(draft), wait=way.wait, timeout_s=way.timeout_s, as_json=way.as_json)


def _id_of(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise Invalid("bad_argument", f"{text[:80]!r} is no token: an id has 64 hexadecimal digits")
    return text


def _motes(text: str) -> int:
    return int(amount_of(text))


@app.command()
def send(
    token: TokenId,
    to: To,
    amount: Amount,
    sender: Sender,
    owner: Annotated[str, typer.Option(help="Account that has allowed the sender to take so much.")] = "",
    deposit_max: Deposit = DEPOSIT_MAX,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Send tokens, your own or what an owner has allowed you to take."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)

    def made(at: Place) -> Action:
        of = at.address(owner) if owner else b""
        return SendToken(at.id, of, at.address(to), at.amount(amount), _motes(deposit_max))

    _send(sender, token, way, made)


@app.command()
def approve(
    token: TokenId,
    spender: Annotated[str, typer.Option(help="Address that may take tokens.")],
    amount: Amount,
    sender: Sender,
    expected: Annotated[str, typer.Option(help="What it may take now; another amount is a failure.")] = "0",
    until: Until = None,
    deposit_max: Deposit = DEPOSIT_MAX,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Let another take up to an amount of your tokens until a height; 0 takes the leave back."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)

    def made(at: Place) -> Action:
        return ApproveToken(
            token=at.id,
            spender=at.address(spender),
            expected=at.amount(expected),
            amount=at.amount(amount),
            expiry=at.until(until),
            deposit_max=_motes(deposit_max),
        )

    _send(sender, token, way, made)


@app.command()
def burn(
    token: TokenId,
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
    """Destroy tokens of yours."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)
    _send(sender, token, way, lambda at: BurnToken(at.id, at.amount(amount)))


@app.command()
def issue(
    token: TokenId,
    to: To,
    amount: Amount,
    sender: Sender,
    deposit_max: Deposit = DEPOSIT_MAX,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Make more of a token whose right to issue this account holds; new tokens come from contracts."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)
    _send(
        sender,
        token,
        way,
        lambda at: IssueToken(at.id, at.address(to), at.amount(amount), _motes(deposit_max)),
    )


@app.command()
def change(
    token: TokenId,
    what: Annotated[
        str,
        typer.Argument(
            metavar="CHANGE",
            help="hand_on, renounce, freeze, unfreeze, pause, unpause, clawback, fund or withdraw.",
        ),
    ],
    sender: Sender,
    right: Annotated[str, typer.Option(help=f"Of {', '.join(RIGHTS)}: what to hand on or renounce.")] = "",
    subject: Annotated[str, typer.Option(help="Holder to freeze, unfreeze or take from.")] = "",
    to: Annotated[str, typer.Option(help="Who gets the right, the tokens or the coins.")] = "",
    amount: Annotated[
        str, typer.Option(help="Tokens to take back; COS to put in a reserve or take out.")
    ] = "",
    deposit_max: Deposit = DEPOSIT_MAX,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Use a right over a token, hand it on or renounce it; fund a reserve or withdraw from it."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)

    def made(at: Place) -> Action:
        of_tokens = what == "clawback"
        parts = at.amount(amount) if of_tokens else int(payment_of(amount)) if amount else 0
        return ChangeToken(
            token=at.id,
            change=what,
            right=right,
            subject=at.address(subject) if subject else b"",
            to=at.address(to) if to else b"",
            amount=parts,
            deposit_max=_motes(deposit_max),
        )

    _send(sender, token, way, made)


@app.command()
def convert(
    token: TokenId,
    amount: Annotated[str, typer.Option(help="What is given: COS, or tokens with --back.")],
    least: Annotated[str, typer.Option(help="Least that must come out: tokens, or COS with --back.")],
    sender: Sender,
    until: Until = None,
    deposit_max: Deposit = DEPOSIT_MAX,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    back: Annotated[bool, typer.Option("--back", help="Give tokens and get COS.")] = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Change COS for a token that has a reserve, or back."""
    way = Way(genesis, node, keys, password_file, timeout_s, wait, as_json)

    def made(at: Place) -> Action:
        given = at.amount(amount) if back else int(payment_of(amount))
        wanted = _motes(least) if back else at.amount(least)
        return ConvertToken(
            token=at.id,
            amount=given,
            min_out=wanted,
            expiry=at.until(until),
            deposit_max=_motes(deposit_max),
            is_back=back,
        )

    _send(sender, token, way, made)


@app.command()
def show(token: TokenId, node: Node = DEFAULT_NODE, *, as_json: Json = False) -> None:
    """Show a token: supply, rights, reserve, and its first holders."""
    with asking(node) as client:
        found = client.token(_id_of(token))
        holders = client.token_holders(found.id, limit=20)
    if as_json:
        print_json(found)
        return
    fields: list[tuple[str, object]] = [("id", found.id), ("symbol", found.symbol), ("name", found.name)]
    fields += [("supply", token_text(int(found.supply), found.decimals))]
    fields += [("at most", token_text(int(found.supply_max), found.decimals)), ("made by", found.issuer)]
    fields += [(f"may {right}", holder) for right, holder in sorted(found.rights.items())]
    fields += [("paused", "yes")] if found.is_paused else []
    if found.reserve is not None:
        rate = (
            f"{found.reserve.motes_part} motes for {found.reserve.token_part}, fee {found.reserve.fee}/10000"
        )
        fields += [("reserve", f"{cos(Motes(int(found.reserve.motes)))}: {rate}")]
    for one in holders.holdings:
        frozen = ", frozen" if one.is_frozen else ""
        fields.append(("held", f"{one.holder} {token_text(int(one.amount), one.decimals)}{frozen}"))
    print_fields(fields + ([("", "more hold it")] if holders.next else []))


@app.command("list")
def list_(
    account: Annotated[
        str, typer.Argument(help="Account or contract; default: all tokens of the chain.")
    ] = "",
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """List tokens: what an account holds, or the first hundred of the chain."""
    with asking(node) as client:
        if account:
            held = client.account_tokens(account, limit=100)
            if as_json:
                print_json(held)
                return
            print_fields(
                [
                    (one.symbol, f"{token_text(int(one.amount), one.decimals)} {one.token}")
                    for one in held.holdings
                ]
            )
            return
        found = client.tokens(limit=100)
    if as_json:
        print_json(found)
        return
    print_fields([(one.symbol, one.id) for one in found.tokens])
