"""Deployments and calls on their way: tried on the node, shown, agreed to, signed, sent and followed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec.structs import replace

from chaosnet.base.errors import Invalid, Refused
from chaosnet.cli.asking import amount_of, write_text
from chaosnet.cli.contract_faces import one_line
from chaosnet.cli.contract_values import event_text, inline
from chaosnet.cli.keyring import confirmed, keystore, known_password
from chaosnet.cli.output import REFUSED, cos, note, print_fields, print_json
from chaosnet.cli.party import Party
from chaosnet.cli.terms import Given, Terms, draft_of
from chaosnet.cli.txfile import format_draft
from chaosnet.contracts.interface import Interface
from chaosnet.devchain.bundle import explained
from chaosnet.model import build
from chaosnet.model.contract_actions import COS, Call, Deploy
from chaosnet.model.transaction import tx_id_of
from chaosnet.rpc import schema
from chaosnet.rpc.client import Client
from chaosnet.rpc.contract_client import DRY_RUN_GAS, dry_run_bound, with_margin

Sender = Annotated[
    str, typer.Option("--from", help="Name of the key whose account pays and acts; an address with --policy.")
]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="Policy file of an account with several keys; goes with --out."),
]
Unsigned = Annotated[
    Path | None,
    typer.Option("--out", help="Write the unsigned transaction for `tx sign` to a file; do not send it."),
]
DepositMax = Annotated[
    str | None,
    typer.Option(metavar="COS", help="Most that the state may lock; default: the dry run's and a quarter."),
]
Limit = Annotated[
    int | None, typer.Option("--gas-limit", min=1, help="Default: the dry run's gas and a quarter.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Send it though the dry run fails; goes with --gas-limit.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only try it on the node's present state.")]


@dataclass(frozen=True, slots=True)
class Way:
    """Options that these commands share."""

    sender: str
    given: Given
    node: str
    keys: Path | None
    password_file: Path | None
    timeout_s: int
    gas_limit: int | None
    deposit_max: str | None
    policy: Path | None
    """Of the account; None: it has the one key that `sender` names."""
    out: Path | None
    """File for the unsigned transaction, instead of sending it."""
    wait: bool
    as_json: bool
    is_forced: bool = False
    """Send it although the dry run failed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A transaction ready to be signed, and what the node says of it."""

    draft: build.Draft
    tried: schema.Simulation


@dataclass(frozen=True, slots=True)
class Subject:
    """The contract that a transaction is about."""

    interface: Interface
    source: str
    file: str
    """What its lines are called in messages."""

    def explained(self, text: str) -> str:
        """Return what the engine said, with files and lines."""
        return one_line(explained(text, self.source, self.file))


def planned(
    client: Client, terms: Terms, source: Party, action: Deploy | Call, way: Way, about: Subject
) -> Plan:
    """Try an action on the node; return it with limits that suffice. Raises Refused with its failure."""
    if way.policy is not None and way.out is None:
        raise Invalid("bad_argument", "an account with a policy file is signed for in steps: add --out FILE")
    if way.is_forced and way.gas_limit is None:
        raise Invalid("bad_argument", "--force goes with --gas-limit: a dry run that fails does not tell it")
    account = client.account(source.text)
    sent = action.sent if isinstance(action, Deploy) else dict(action.sent).get(COS, 0)
    free = max(0, int(account.balance) - sent)
    most = min(client.params().params["block_gas_max"], way.gas_limit or DRY_RUN_GAS)
    if terms.gas_price and way.gas_limit is None:
        most = min(most, free // 2 // terms.gas_price)
    if most < 1:
        raise Refused("not_enough", f"{source.text} has {account.balance} motes")
    deposit = _deposit_of(way)
    if deposit is None:
        deposit = max(0, free - most * terms.gas_price)
    nonce = account.pending_nonce
    tried_action = replace(action, deposit_max=deposit)
    # Tried as if nothing waited before it.
    draft = draft_of(terms, source, (tried_action,), nonce=account.nonce, gas_limit=most)
    tried = client.simulate(build.placeholder(draft))
    bound = dry_run_bound(tried)
    if bound is not None and way.gas_limit is None and bound < most:
        most = bound
        draft = draft_of(terms, source, (tried_action,), nonce=account.nonce, gas_limit=most)
        tried = client.simulate(build.placeholder(draft))
    if tried.code == "no_contracts" and way.gas_limit is not None:
        return Plan(draft_of(terms, source, (tried_action,), nonce=nonce, gas_limit=most), tried)
    if tried.code == "no_contracts":
        raise Refused(tried.code, "it tries no calls either: another node, or --gas-limit")
    if tried.code != "ok" and not way.is_forced:
        raise Refused(tried.code, about.explained(tried.detail) + _advice(tried.code, way, most))
    gas_limit = way.gas_limit or min(most, with_margin(tried.gas))
    if _deposit_of(way) is None and tried.code == "ok":
        deposit = min(deposit, with_margin(max(0, int(tried.deposit))))
    final = replace(action, deposit_max=deposit)
    return Plan(draft_of(terms, source, (final,), nonce=nonce, gas_limit=gas_limit), tried)


def _advice(code: str, way: Way, gas_limit: int) -> str:
    """Return what else could be tried."""
    if code == "out_of_gas" and way.gas_limit is not None:
        return f" (--gas-limit {gas_limit:,})"
    if code == "out_of_gas":
        return f" ({gas_limit:,}: as much as the account's coins and the bounds of block and node allow)"
    return " (see --deposit-max)" if code == "deposit" else ""


def cost_lines(plan: Plan) -> list[tuple[str, object]]:
    """Return what a transaction costs, by the dry run and at most."""
    body = plan.draft.body
    tried = plan.tried
    deposit = int(tried.deposit)
    most = getattr(body.actions[0], "deposit_max", 0)
    if tried.code == "no_contracts":
        return [("gas at most", f"{body.gas_limit:,}"), ("deposit at most", cos(most))]
    return [
        ("gas", f"{tried.gas:,}, at most {body.gas_limit:,}"),
        ("fee", f"{cos(tried.fee)}, at most {cos(body.gas_limit * body.gas_price)}"),
        ("deposit", f"{cos(deposit)}, at most {cos(most)}" if deposit >= 0 else f"{cos(-deposit)} come back"),
    ]


def show_tried(plan: Plan, about: Subject, *, as_json: bool) -> None:
    """Print a dry run."""
    if as_json:
        print_json(plan.tried)
        return
    tried = plan.tried
    value = inline(tried.returns[-1]) if tried.returns else ""
    print_fields(
        [("code", tried.code), ("value", value), *cost_lines(plan), *_event_lines(tried.events, about)]
    )
    note("only tried: nothing was sent")


def sent_and_followed(
    client: Client, plan: Plan, way: Way, about: Subject, *, question: str = "", yes: bool = True
) -> None:
    """Ask, sign, send, wait and print; exit 1 unless the receipt says ok."""
    if way.out is not None:
        write_text(way.out, format_draft(client.status().address_prefix, plan.draft))
        if way.as_json:
            print_json({"id": tx_id_of(plan.draft.body).hex(), "file": str(way.out)})
        else:
            note(f"{way.out}: to be signed with `chaosnet tx sign`, then sent with `chaosnet tx submit`")
        return
    if question:
        confirmed(question, yes=yes)
    seed = keystore(way.keys).load(way.sender, known_password(way.password_file))
    raw = build.complete(build.add_signature(plan.draft, seed))
    verdict = client.submit(raw)
    if not way.wait:
        shown_id: dict[str, str] = {"id": verdict.id, "status": "pending"}
        print_json(shown_id) if way.as_json else print_fields(list(shown_id.items()))
        return
    if not way.as_json:
        note(f"submitted {verdict.id}, waiting for its block")
    found = client.wait_for_transaction(verdict.id, way.timeout_s * 1_000)
    is_deploy = isinstance(plan.draft.body.actions[0], Deploy)
    show_outcome(found, about, is_deploy=is_deploy, as_json=way.as_json)
    if found.code != "ok":
        raise typer.Exit(REFUSED)


def show_outcome(found: schema.Transaction, about: Subject, *, is_deploy: bool, as_json: bool) -> None:
    """Print what became of a deployment or a call."""
    value = found.returns[-1] if found.returns else None
    text = about.explained(found.text)
    if as_json:
        fields: dict[str, Any] = msgspec.to_builtins(found) | {"value": value, "text": text}
        print_json(fields | {"contract": value} if is_deploy else fields)
        return
    lines: list[tuple[str, object]] = [("contract" if is_deploy else "value", _value_text(found, value))]
    lines += [("transaction", found.id), ("code", found.code), ("said", text)]
    lines += [("block", found.height), ("gas", f"{found.gas or 0:,}"), ("fee", cos(found.fee or 0))]
    print_fields(lines + _event_lines(found.events, about))


def _value_text(found: schema.Transaction, value: object) -> str:
    return "" if found.code != "ok" or value is None else inline(value)


def _event_lines(events: list[schema.ContractEvent], about: Subject) -> list[tuple[str, object]]:
    return [("event", event_text(event, about.interface)) for event in events]


def _deposit_of(way: Way) -> int | None:
    if way.deposit_max is None:
        return None
    motes = int(amount_of(way.deposit_max))
    if motes < 0:
        raise Invalid("bad_argument", "--deposit-max is at least 0")
    return motes
