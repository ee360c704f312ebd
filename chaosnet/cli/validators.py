"""`chaosnet validators`, `chaosnet delegations`: who makes blocks, and whose coins stand behind them."""

from typing import Annotated

import typer

from chaosnet.base.limits import VALIDATORS_PAGE_MAX
from chaosnet.cli.asking import DEFAULT_NODE, Node, asking
from chaosnet.cli.output import Json, cos, note, print_fields, print_json, print_table, print_text
from chaosnet.rpc import schema

app = typer.Typer()

COUNT = 200


@app.command()
def validators(
    first: Annotated[int, typer.Option("--from", min=0, help="Position in the list to begin at.")] = 0,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=VALIDATORS_PAGE_MAX, help="How many.")] = (
        COUNT
    ),
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """List validators by weight, then candidates by the coins bonded to them."""
    with asking(node) as client:
        found = client.validators(first, count)
    if as_json:
        print_json(found)
        return
    print_fields(
        [
            ("engine", f"{found.engine}, at block {found.height}"),
            ("turn", found.leader_name or found.leader),
            ("epoch", _epoch_line(found.epoch)),
        ]
    )
    if not found.validators:
        note("none at this position")
        return
    print_text("")
    rows = [
        (
            v.name or f"{v.operator[:16]}…",
            _role(v),
            f"{v.weight_ppm / 10_000:.2f} %" if v.is_validator else "",
            cos(v.bonded),
            f"{v.commission_permille / 10:.1f} %" if v.is_candidate else "",
            v.missed_slots,
            "" if v.last_block is None else v.last_block,
            _now(v),
            v.operator,
        )
        for v in found.validators
    ]
    columns = (
        "name",
        "role",
        "weight#",
        "bonded#",
        "commission#",
        "missed#",
        "last block#",
        "now",
        "operator",
    )
    print_table(columns, rows)
    if found.next is not None:
        note(f"more: --from {found.next}")


@app.command()
def delegations(
    address: Annotated[str, typer.Argument(help="Address.")],
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """Show the coins of an account that are bonded to candidates or on their way out."""
    with asking(node) as client:
        found = client.delegations(address)
    if as_json:
        print_json(found)
        return
    print_fields(
        [
            ("address", found.address),
            ("bonded", cos(found.bonded)),
            ("unbonding", cos(found.unbonding)),
            ("at block", found.height),
        ]
    )
    rows = [row for one in found.delegations for row in _rows(one, found.height)]
    if rows:
        print_text("")
        print_table(("candidate", "bonded#", "unbonding#", "free", "operator"), rows)


def _rows(one: schema.Delegation, height: int) -> list[tuple[object, ...]]:
    """Return a line for the bond, with the first amount that is on its way out, and one for each further."""
    parts = []
    for part in one.unbonding:
        free = "now" if part.free_height <= height + 1 else f"from block {part.free_height}"
        parts.append((cos(part.amount), free))
    first, *others = parts or [("", "")]
    name = one.name or f"{one.operator[:16]}…"
    return [(name, cos(one.bonded), *first, one.operator), *(("", "", *other, "") for other in others)]


def _epoch_line(epoch: schema.EpochStatus | None) -> str:
    return "" if epoch is None else f"{epoch.number}, blocks {epoch.first_height} to {epoch.last_height}"


def _role(one: schema.ValidatorStatus) -> str:
    if one.is_validator:
        return "validator" if one.is_next else "validator, not in the next epoch"
    return "validator from the next epoch" if one.is_next else "candidate"


def _now(one: schema.ValidatorStatus) -> str:
    said = []
    if one.is_self:
        said.append("this node")
    if one.is_jailed:
        said.append(f"jailed until block {one.jailed_until}")
    if one.is_silent:
        said.append("silent")
    return ", ".join(said)
