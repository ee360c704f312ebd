"""Options of `chaosnet tx build` for staking: what they are called and which actions they mean."""

from pathlib import Path
from typing import Annotated

import typer

from chaosnet.base.errors import Invalid
from chaosnet.cli.asking import address_of_text, payment_of
from chaosnet.model.transaction import (
    Action,
    Delegate,
    Redelegate,
    Undelegate,
    Unjail,
    Withdraw,
)

Registration = Annotated[
    Path | None,
    typer.Option(
        "--register",
        metavar="FILE",
        help="Stand for election, or change keys: the file that `chaosnet keys registration` writes.",
    ),
]
Commission = Annotated[
    int, typer.Option(metavar="PERMILLE", help="Part of the fees that a registering operator keeps.")
]
Delegations = Annotated[
    list[str] | None, typer.Option("--delegate", metavar="OPERATOR:COS", help="Bond coins to a candidate.")
]
Undelegations = Annotated[
    list[str] | None,
    typer.Option("--undelegate", metavar="OPERATOR:COS", help="Take coins out of a bond."),
]
Redelegations = Annotated[
    list[str] | None,
    typer.Option("--redelegate", metavar="OPERATOR:TO:COS", help="Move coins to another candidate."),
]
Withdrawals = Annotated[
    list[str] | None,
    typer.Option("--withdraw", metavar="OPERATOR", help="Receive what a candidate's bond has released."),
]
Unjailing = Annotated[bool, typer.Option("--unjail", help="Stand for election again after a punishment.")]

COMMISSION_PERMILLE = 100


def bonds_of(
    prefix: str, delegations: list[str], undelegations: list[str], redelegations: list[str]
) -> list[Action]:
    """Return the actions that move bonded coins: out of bonds first, into bonds last."""
    actions: list[Action] = []
    for text in undelegations:
        operator, amount = _parts(text, 2)
        actions.append(Undelegate(address_of_text(prefix, operator), payment_of(amount)))
    for text in redelegations:
        operator, to, amount = _parts(text, 3)
        actions.append(
            Redelegate(address_of_text(prefix, operator), address_of_text(prefix, to), payment_of(amount))
        )
    for text in delegations:
        operator, amount = _parts(text, 2)
        actions.append(Delegate(address_of_text(prefix, operator), payment_of(amount)))
    return actions


def releases_of(prefix: str, withdrawals: list[str], *, unjail: bool) -> list[Action]:
    """Return the actions that ask back: coins, and the right to stand for election."""
    actions: list[Action] = [Withdraw(address_of_text(prefix, operator)) for operator in withdrawals]
    return [*actions, Unjail()] if unjail else actions


def _parts(text: str, count: int) -> list[str]:
    parts = text.split(":")
    if len(parts) != count:
        raise Invalid("bad_argument", f"{count} parts with colons between are needed, not {text[:100]!r}")
    return parts
