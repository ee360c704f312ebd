"""`chaosnet contract call`: a method in a transaction."""

from typing import Annotated

import typer

from chaosnet.cli.asking import DEFAULT_NODE, Node, TimeoutS, Wait, address_of_text, asking
from chaosnet.cli.contract_faces import one_line
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
from chaosnet.cli.contract_values import (
    encoded,
    inline_value,
    interface_of,
    method_of,
    sent_of,
    sent_text,
    typed,
)
from chaosnet.cli.keyring import KeysDir, PasswordFile, Yes, is_interactive, keystore
from chaosnet.cli.output import Json, note, print_fields
from chaosnet.cli.party import party_of
from chaosnet.cli.terms import GasPrice, GenesisOf, Given, terms_online
from chaosnet.cli.tx import TIMEOUT_S
from chaosnet.contracts.interface import Method
from chaosnet.contracts.values import Value
from chaosnet.model.contract_actions import Call

app = typer.Typer()

ContractId = Annotated[str, typer.Argument(metavar="CONTRACT", help="Address of the contract.")]
MethodName = Annotated[str, typer.Argument(metavar="METHOD", help="Name of a method of its interface.")]
MethodArgs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ARGS]...",
        help="By the types of the interface: 12, true, text, hex, JSON; after -- if they begin with -.",
    ),
]


@app.command()
def call(
    contract: ContractId,
    method: MethodName,
    sender: Sender,
    args: MethodArgs = None,
    sent: Annotated[
        list[str] | None,
        typer.Option(help="Assets for the contract: 12.5 (COS) or TOKEN=AMOUNT; may be given several times."),
    ] = None,
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
    """Call a method in a transaction: tried on the node, then sent; asks when assets go along."""
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
    assets = sent_of(sent or [])
    with asking(node) as client:
        terms = terms_online(client, way.given)
        address = address_of_text(terms.prefix, contract)
        found = client.contract(contract)
        about = Subject(interface_of(found), found.source, "contract")
        wanted = method_of(about.interface, method)
        values = typed(terms.prefix, wanted.args, args or [])
        source = party_of(keystore(keys), terms.prefix, sender, policy)
        action = Call(address, method, encoded(values), assets, 0)
        plan = planned(client, terms, source, action, way, about)
        if dry_run:
            show_tried(plan, about, as_json=as_json)
            return
        if not as_json:
            _show(wanted, about, plan, values)
        question = f"Send {sent_text(assets)} with it?" if assets and is_interactive() else ""
        sent_and_followed(client, plan, way, about, question=question, yes=yes)


def _show(method: Method, about: Subject, plan: Plan, values: list[Value]) -> None:
    if method.kind == "view":
        note(f"{method.name} changes nothing: `chaosnet contract query` answers it without a fee")
    shown = ", ".join(inline_value(value) for value in values)
    sent = getattr(plan.draft.body.actions[0], "sent", ())
    line = ("call", f"{one_line(about.interface.name)}.{method.name}({shown})")
    print_fields([line, ("sent", sent_text(sent)), *cost_lines(plan)])
