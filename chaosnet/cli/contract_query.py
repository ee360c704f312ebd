"""`chaosnet contract query`, `events`, `show`: looking at contracts; nothing is signed, nothing is paid."""

import time
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from chaosnet.base.errors import Invalid, Refused
from chaosnet.cli.asking import DEFAULT_NODE, Node, address_of_text, asking
from chaosnet.cli.contract_call import ContractId, MethodArgs, MethodName
from chaosnet.cli.contract_faces import interface_lines, one_line
from chaosnet.cli.contract_values import (
    declared_of,
    event_text,
    inline,
    interface_of,
    method_of,
    shown,
    typed,
)
from chaosnet.cli.output import Json, cos, note, print_fields, print_json, print_table, print_text, printable
from chaosnet.contracts.interface import Interface
from chaosnet.devchain.bundle import explained
from chaosnet.rpc import schema
from chaosnet.rpc.client import Client
from chaosnet.rpc.schema.values import to_json

app = typer.Typer()

PAGE: Final = 100
FOLLOW_S: Final = 1.0
"""Pause between two looks at a chain that is followed."""


@app.command()
def query(
    contract: ContractId,
    method: MethodName,
    args: MethodArgs = None,
    caller: Annotated[str, typer.Option(help="Address that the method sees as its caller.")] = "",
    gas: Annotated[int, typer.Option(min=0, help="Most gas to use; 0: what the node allows.")] = 0,
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """Ask a method without changing anything: no key, no fee."""
    with asking(node) as client:
        found = client.contract(contract)
        wanted = method_of(interface_of(found), method)
        values = typed(client.status().address_prefix, wanted.args, args or [])
        given = [to_json(value) for value in values]
        question = schema.Query(method=method, args=given, caller=caller, gas=gas)
        answer = client.query(contract, question)
    if answer.code != "ok":
        raise Refused(answer.code, one_line(explained(answer.text, found.source, "contract")))
    if as_json:
        print_json(answer)
    else:
        print_text(printable(shown(answer.value)))


@app.command()
def events(
    contract: Annotated[str | None, typer.Argument(help="Address of a contract; default: all.")] = None,
    name: Annotated[str | None, typer.Option(help="Only events of this name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=PAGE, help="Most to show.")] = 20,
    node: Node = DEFAULT_NODE,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show what contracts said, the oldest first; with --json and --follow one object a line."""
    with asking(node) as client:
        if contract is not None:
            address_of_text(client.status().address_prefix, contract)
        found = client.events(contract, name, limit=limit)
        if as_json and not follow:
            print_json(found)
            return
        known: dict[str, Interface | None] = {}
        for event in reversed(found.events):
            _show_event(client, event, known, as_json=as_json)
        if follow:
            last = found.events[0] if found.events else None
            for event in _following(client, contract, name, last):
                _show_event(client, event, known, as_json=as_json)


@app.command()
def show(
    contract: ContractId,
    node: Node = DEFAULT_NODE,
    *,
    source: Annotated[bool, typer.Option("--source", help="Print the source alone.")] = False,
    storage: Annotated[
        bool, typer.Option("--storage", help="Print what it stores, up to 100 entries.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a contract of the chain: who made it, what it may do, what can be called."""
    if source and storage:
        raise Invalid("bad_argument", "--source or --storage, not both")
    with asking(node) as client:
        if storage:
            entries = client.contract_storage(contract, limit=PAGE)
            if as_json:
                print_json(entries)
                return
            rows = [[_key_text(entry.key), inline(entry.value)] for entry in entries.entries]
            print_table(["key", "value"], rows)
            if entries.next is not None:
                note(f"there are more: /v1/contracts/{contract}/storage pages through them")
            return
        found = client.contract(contract)
    if source:
        print_json(found.source) if as_json else print_text(printable(found.source.removesuffix("\n")))
    elif as_json:
        print_json(found)
    else:
        print_fields(_lines(found))


def _lines(found: schema.Contract) -> list[tuple[str, object]]:
    summary = found.summary
    return [
        ("contract", summary.address),
        *interface_lines(interface_of(found), declared_of(found)),
        ("engine", summary.engine),
        ("made by", summary.creator),
        ("block", summary.height),
        ("holds", cos(found.balance)),
        ("source", f"{len(found.source.encode()):,} bytes, hash {found.source_hash}"),
        ("interface", f"hash {found.interface_hash}"),
    ]


def _key_text(key: list[object]) -> str:
    name, *parts = key
    return f"{name}[{', '.join(inline(part) for part in parts)}]" if parts else str(name)


def _show_event(
    client: Client, event: schema.ContractEvent, known: dict[str, Interface | None], *, as_json: bool
) -> None:
    if as_json:
        print_json(event)
        return
    if event.contract not in known:
        known[event.contract] = interface_of(client.contract(event.contract))
    text = event_text(event, known[event.contract])
    print_text(f"{event.height}  {event.tx_id[:16]}:{event.index}  {event.contract}  {text}")


def _following(
    client: Client, contract: str | None, name: str | None, last: schema.ContractEvent | None
) -> Iterator[schema.ContractEvent]:
    """Yield events after one, in their order, as they come."""
    while True:
        time.sleep(FOLLOW_S)
        new = list(_after(client, contract, name, last))
        if new:
            last = new[0]
        yield from reversed(new)


def _after(
    client: Client, contract: str | None, name: str | None, last: schema.ContractEvent | None
) -> Iterator[schema.ContractEvent]:
    """Yield events that came after one, newest first."""
    cursor: str | None = None
    while True:
        page = client.events(contract, name, cursor=cursor, limit=PAGE)
        for event in page.events:
            # A reorganisation may have taken the last one away: its height is a bound all the same.
            if last is not None and (
                event.height < last.height or (event.tx_id, event.index) == (last.tx_id, last.index)
            ):
                return
            yield event
        cursor = page.next
        if cursor is None:
            return
