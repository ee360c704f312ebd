"""`chaosnet contract deploy`: tried, shown with its price and what it may do, agreed to, then sent."""

from typing import Annotated

import typer

from chaosnet.base.errors import Invalid
from chaosnet.cli.asking import DEFAULT_NODE, Node, TimeoutS, Wait, asking, payment_of
from chaosnet.cli.contract_check import ContractFile
from chaosnet.cli.contract_faces import interface_lines
from chaosnet.cli.contract_lint import REFUSED as BAD
from chaosnet.cli.contract_lint import findings_in
from chaosnet.cli.contract_sending import (
    DepositMax,
    DryRun,
    Force,
    Limit,
    Plan,
    PolicyFile,
    Sender,
    Subject,
    Unsigned,
    Way,
    cost_lines,
    planned,
    sent_and_followed,
    show_tried,
)
from chaosnet.cli.contract_source import Loaded, load_contract
from chaosnet.cli.contract_values import encoded, typed
from chaosnet.cli.keyring import KeysDir, PasswordFile, Yes, keystore
from chaosnet.cli.output import Json, cos, note, print_fields
from chaosnet.cli.party import Party, party_of
from chaosnet.cli.terms import GasPrice, GenesisOf, Given, Terms, terms_online
from chaosnet.cli.tx import TIMEOUT_S
from chaosnet.model.contract_actions import Deploy

app = typer.Typer()


@app.command()
def deploy(
    file: ContractFile,
    sender: Sender,
    args: Annotated[
        list[str] | None, typer.Argument(help="Arguments of `init`; after -- if they begin with -.")
    ] = None,
    sent: Annotated[str | None, typer.Option(help="COS for the contract, when its init is payable.")] = None,
    gas_price: GasPrice = None,
    gas_limit: Limit = None,
    deposit_max: DepositMax = None,
    policy: PolicyFile = None,
    out: Unsigned = None,
    genesis: GenesisOf = None,
    node: Node = DEFAULT_NODE,
    keys: KeysDir = None,
    password_file: PasswordFile = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
    force: Force = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Put a contract on the chain for ever; shows gas, deposit, permissions and interface, and asks first."""
    loaded = load_contract(file)
    about = Subject(loaded.interface, loaded.bundle.text, loaded.bundle.files[-1])
    way = Way(
        sender=sender,
        given=Given(genesis, gas_price),
        node=node,
        keys=keys,
        password_file=password_file,
        timeout_s=timeout_s,
        gas_limit=gas_limit,
        deposit_max=deposit_max,
        policy=policy,
        out=out,
        wait=wait,
        as_json=as_json,
        is_forced=force,
    )
    with asking(node) as client:
        terms = terms_online(client, way.given)
        source = party_of(keystore(keys), terms.prefix, sender, policy)
        action = _action(loaded, terms, args or [], 0 if sent is None else int(payment_of(sent)))
        plan = planned(client, terms, source, action, way, about)
        if dry_run:
            show_tried(plan, about, as_json=as_json)
            return
        if not as_json:
            _show(loaded, plan, source, action.sent)
        question = f"Deploy {loaded.interface.name} for ever?"
        sent_and_followed(client, plan, way, about, question=question, yes=yes)


def _action(loaded: Loaded, terms: Terms, texts: list[str], sent: int) -> Deploy:
    init = loaded.interface.init
    if init is None and (texts or sent):
        raise Invalid("bad_argument", "the contract has no init: it takes no arguments and no coins")
    args = typed(terms.prefix, init.args if init else (), texts)
    return Deploy(loaded.bundle.engine, loaded.bundle.source, encoded(args), sent, 0)


def _show(loaded: Loaded, plan: Plan, source: Party, sent: int) -> None:
    print_fields(
        [
            *interface_lines(loaded.interface, loaded.declared),
            ("source", f"{', '.join(loaded.bundle.files)}: {len(loaded.bundle.source):,} bytes"),
            ("from", source.text),
            *cost_lines(plan),
            ("sent", cos(sent) if sent else ""),
        ]
    )
    for one in findings_in(loaded):
        place = f"{one.file}:{one.line}" if one.line else one.file
        note(f"{'error' if one.code in BAD else 'warning'}: {place}: {one.text} ({one.code})")
