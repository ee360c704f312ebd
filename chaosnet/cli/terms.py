"""What a transaction needs to know of its chain: from a node, from the genesis, or from what was typed."""

from dataclasses import dataclass
from typing import Annotated

import typer
from msgspec.structs import replace

from chaosnet.base.errors import Invalid, Refused
from chaosnet.cli.asking import genesis_named, hex_bytes
from chaosnet.cli.party import Party
from chaosnet.model import build
from chaosnet.model.build import EXPIRY_BLOCKS, Draft
from chaosnet.model.genesis_make import ADDRESS_PREFIX, FIRST_RULE
from chaosnet.model.transaction import Action, TxBody, decode_transaction
from chaosnet.rpc.client import Client
from chaosnet.rules.registry import rules_at

GenesisOf = Annotated[
    str | None, typer.Option("--genesis", help="Genesis hash or file: what the node must be of, or off line.")
]
Memo = Annotated[str, typer.Option(help="Text for everybody to read, at most 256 bytes.")]
GasPrice = Annotated[
    int | None, typer.Option(min=0, metavar="MOTES", help="Motes per gas; default: the chain's minimum.")
]
GasLimit = Annotated[int | None, typer.Option(min=1, help="Default: what the actions need.")]
Nonce = Annotated[int | None, typer.Option(min=0, help="Default: the next one, pending ones counted.")]
Anchor = Annotated[
    str | None,
    typer.Option(metavar="HEIGHT:ID", help="A recent block; default: the head, off line the genesis."),
]
Expiry = Annotated[
    int | None,
    typer.Option(min=1, metavar="HEIGHT", help="Last block that may hold it; default: 1,000 ahead."),
]


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything of a body that follows from the chain and not from what is to be done."""

    genesis_hash: bytes
    prefix: str
    rule: int
    gas_price: int
    anchor: tuple[int, bytes]
    expiry: int


@dataclass(frozen=True, slots=True)
class Given:
    """What the person asked for."""

    genesis: str | None = None
    gas_price: int | None = None
    anchor: str | None = None
    expiry: int | None = None


def terms_online(client: Client, given: Given) -> Terms:
    """Return the terms by a node's word; raises Refused(`wrong_network`) unless it has the genesis given."""
    status = client.status()
    genesis_hash = bytes.fromhex(status.genesis)
    if given.genesis is not None and genesis_named(given.genesis)[0] != genesis_hash:
        raise Refused("wrong_network", f"the node is of genesis {status.genesis}")
    price = given.gas_price
    return Terms(
        genesis_hash=genesis_hash,
        prefix=status.address_prefix,
        rule=status.rule,
        gas_price=client.params().params.get("gas_price_min", 1) if price is None else price,
        anchor=_anchor(given.anchor)
        or (status.height, _head_prefix(status.height, status.tip, genesis_hash)),
        expiry=given.expiry or status.height + EXPIRY_BLOCKS,
    )


def terms_offline(given: Given) -> Terms:
    """Return the terms from what was given alone; raises Invalid(`bad_argument`) when more is needed."""
    if given.genesis is None or given.expiry is None:
        raise Invalid("bad_argument", "off line, --genesis, --nonce and --expiry are needed")
    genesis_hash, genesis = genesis_named(given.genesis)
    price = given.gas_price
    if price is None:
        if genesis is None:
            raise Invalid("bad_argument", "off line, --gas-price is needed, or --genesis with a file")
        price = genesis.params.gas_price_min
    return Terms(
        genesis_hash=genesis_hash,
        prefix=ADDRESS_PREFIX if genesis is None else genesis.address_prefix,
        rule=FIRST_RULE if genesis is None else genesis.rule,
        gas_price=price,
        anchor=_anchor(given.anchor) or (0, genesis_hash[:8]),
        expiry=given.expiry,
    )


def nonce_of(client: Client | None, source: Party, given: int | None = None) -> int:
    """Return the nonce given, or the account's next one by the node's word."""
    if given is not None:
        return given
    if client is None:
        raise Invalid("bad_argument", "off line, --nonce is needed")
    return client.account(source.text).pending_nonce


def draft_of(
    terms: Terms,
    source: Party,
    actions: tuple[Action, ...],
    *,
    nonce: int,
    payer: Party | None = None,
    memo: str = "",
    gas_limit: int | None = None,
) -> Draft:
    """Return the unsigned transaction; without a gas limit, with just what it needs.

    Raises Broken(`rule_unknown`) when the chain follows rules newer than this release.
    """
    body = TxBody(
        genesis=terms.genesis_hash,
        sender=source.address,
        nonce=nonce,
        anchor_height=terms.anchor[0],
        anchor_prefix=terms.anchor[1],
        expiry=terms.expiry,
        gas_limit=gas_limit or 1,
        gas_price=terms.gas_price,
        payer=payer.address if payer else None,
        memo=memo,
        actions=actions,
    )
    draft = build.unsigned(body, source.policy, payer.policy if payer else None)
    return draft if gas_limit else _with_gas_limit(draft, terms.rule)


def _with_gas_limit(draft: Draft, rule: int) -> Draft:
    """Return the draft with the gas that its actions, and as many signatures as it can need, take."""
    rules = rules_at(rule)
    for _ in range(2):  # the limit itself may make the bytes longer
        gas = rules.gas_of(decode_transaction(build.placeholder(draft)))
        draft = replace(draft, body=replace(draft.body, gas_limit=gas))
    return draft


def _head_prefix(height: int, tip: str, genesis_hash: bytes) -> bytes:
    return bytes.fromhex(tip)[:8] if height else genesis_hash[:8]


def _anchor(text: str | None) -> tuple[int, bytes] | None:
    if text is None:
        return None
    height, _, block_id = text.partition(":")
    if not (height.isascii() and height.isdigit() and len(height) < 19):
        raise Invalid("bad_argument", f"not of the form height:id: {text[:100]!r}")
    return int(height), hex_bytes(block_id[:16], 8, "an anchor's id")
