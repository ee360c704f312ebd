"""`chaosnet account`: an account by a node's word, or proven against what the asker trusts."""

from typing import Annotated

import typer

from chaosnet.base.errors import Invalid
from chaosnet.cli.asking import (
    DEFAULT_NODE,
    Node,
    address_of_text,
    asking,
    genesis_named,
    pinned_of,
    warn_untrusted,
)
from chaosnet.cli.output import Json, cos, print_fields, print_json, when
from chaosnet.ledger.accounts import NO_ACCOUNT, decode_account, total
from chaosnet.rpc.client import Client
from chaosnet.rpc.lightclient import Verified, check_account_proof

app = typer.Typer()


@app.command()
def account(
    address: Annotated[str, typer.Argument(help="Address.")],
    genesis: Annotated[
        str | None, typer.Option(help="Genesis hash or file that the proof must start from.")
    ] = None,
    trust: Annotated[
        str | None, typer.Option(metavar="HEIGHT:ID", help="Block that the proof must start from.")
    ] = None,
    node: Node = DEFAULT_NODE,
    *,
    prove: Annotated[
        bool, typer.Option("--prove", help="Check a proof here, instead of believing the node.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show an account. With --prove, the exit code is 4 when the proof does not verify."""
    if (genesis or trust) and not prove:
        raise Invalid("bad_argument", "--genesis and --trust say what a proof starts from: add --prove")
    with asking(node) as client:
        warn_untrusted(client)
        if prove:
            _prove(client, address, genesis, trust, as_json=as_json)
            return
        found = client.account(address)
    if as_json:
        print_json(found)
        return
    fields: list[tuple[str, object]] = [
        ("address", found.address),
        ("exists", "yes" if found.exists else "no"),
        ("balance", cos(found.balance)),
        ("locked", cos(found.locked) if int(found.locked) else ""),
        ("nonce", found.nonce),
        ("next nonce", found.pending_nonce if found.pending_nonce != found.nonce else ""),
        ("key policy", found.policy_hash or "the initial one"),
        ("at block", f"{found.height} {found.block_id}"),
    ]
    for lock in found.locks:
        rest = cos(int(lock.amount) - int(lock.released))
        fields.append(
            ("lock", f"{rest} of {cos(lock.amount)}, more on {when(lock.next_release_ms) or 'never'}")
        )
    print_fields(fields)


def _prove(client: Client, address: str, genesis: str | None, trust: str | None, *, as_json: bool) -> None:
    """Check the node's proof of an account, and print what it proves."""
    if genesis is None and trust is None:
        raise Invalid(
            "bad_argument", "a proof needs a start you trust: --genesis HASH|FILE or --trust HEIGHT:ID"
        )
    genesis_hash = None if genesis is None else genesis_named(genesis)[0]
    pinned = None if trust is None else pinned_of(trust)
    wanted = address_of_text(address.rpartition("1")[0], address)
    reply = client.account_proof(address, trusted_height=0 if pinned is None else pinned[0])
    proven = check_account_proof(reply, address=wanted, genesis_hash=genesis_hash, pinned=pinned)
    start = f"block {trust}" if pinned is not None else f"genesis {(genesis_hash or b'').hex()}"
    _show_proven(address, proven, start, as_json=as_json)


def _show_proven(address: str, proven: Verified, start: str, *, as_json: bool) -> None:
    value = proven.account_value
    known = NO_ACCOUNT if value is None else decode_account(value)
    height, block_id = proven.header.height, proven.block_id.hex()
    if as_json:
        print_json(
            {
                "address": address,
                "exists": value is not None,
                "nonce": known.nonce,
                "balance": str(known.balance),
                "total": str(total(known)),
                "policy_hash": known.policy_hash.hex(),
                "height": height,
                "block_id": block_id,
                "time_ms": proven.header.time_ms,
                "proven_from": start,
            }
        )
        return
    locked = total(known) - known.balance
    print_fields(
        [
            ("address", address),
            ("exists", "yes" if value is not None else "no, and that is proven too"),
            ("balance", cos(known.balance)),
            ("under locks", cos(locked) if locked else ""),
            ("nonce", known.nonce),
            ("key policy", known.policy_hash.hex() or "the initial one"),
            ("proven at", f"block {height} {block_id}, {when(proven.header.time_ms)}"),
            ("starting from", start),
        ]
    )
