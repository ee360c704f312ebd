"""`chaosnet tx trace`: what contracts did in a transaction, step by step, from a node's data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Address
from chaosnet.cli.asking import genesis_file, hex_bytes
from chaosnet.cli.contract_faces import one_line
from chaosnet.cli.contract_source import with_machine
from chaosnet.cli.contract_values import inline_value
from chaosnet.cli.output import Json, cos, print_fields, print_json, print_text, printable
from chaosnet.cli.tx import TxId
from chaosnet.contracts import ops
from chaosnet.contracts.values import Value
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon.config import load_config
from chaosnet.daemon.tracing import Traced, trace
from chaosnet.devchain.bundle import explained
from chaosnet.devchain.trace import Frame, Step
from chaosnet.ledger.contracts.names import address_of_text
from chaosnet.ledger.contracts.records import contract_id, find_contract, source_of
from chaosnet.model.contract_actions import Call, ContractAction, Deploy
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.transaction import Action
from chaosnet.rpc.schema.values import to_json
from chaosnet.storage.reader import ChainView

app = typer.Typer()

OPERATIONS: Final = {
    ops.GET: "get",
    ops.SET: "set",
    ops.SCAN: "scan",
    ops.EMIT: "emit",
    ops.TRANSFER: "transfer",
    ops.CALL: "call",
    ops.BALANCE: "balance",
    ops.HASH: "hash",
    ops.VERIFY: "verify",
    ops.CTX: "ctx",
    ops.GAS_LEFT: "gas_left",
    ops.TRANSFER_AND_CALL: "transfer_and_call",
    ops.ISSUE: "token.issue",
    ops.BURN: "token.burn",
    ops.APPROVE: "token.approve",
    ops.TRANSFER_FROM: "token.transfer_from",
    ops.ALLOWANCE: "token.allowance",
    ops.TOKEN: "token.info",
    ops.RIGHTS: "token.rights",
    ops.CONVERT: "token.convert",
    ops.PRINT: "print",
}
"""Number of an operation -> what contracts call it."""
SHOWN_MAX: Final = 200
"""Characters of a value in the tree."""


@app.command(name="trace")
def trace_command(
    tx_id: TxId,
    data_dir: Annotated[Path | None, typer.Option(help="Data directory of a node, running or not.")] = None,
    genesis: Annotated[Path | None, typer.Option(help="Genesis file.")] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file that names both, instead.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Execute a transaction again on the state before it; show its frames, operations, gas and failure.

    Works on a node's own data and changes nothing. What is older than the last 144 blocks takes as long as
    executing the chain up to there.
    """
    raw_id = hex_bytes(tx_id, 32, "a transaction id")
    if config is not None:
        settings = load_config(config).node
        data_dir = data_dir or config.parent / settings.data_dir
        genesis = genesis or config.parent / settings.genesis
    if data_dir is None or genesis is None:
        raise Invalid("bad_argument", "give --data-dir and --genesis, or --config")
    if not data_dir.is_dir():
        raise Invalid("bad_argument", f"there is no directory {data_dir}")
    start = genesis_file(genesis)
    view = ChainView.of_existing(data_dir)
    columns = (TextColumn("blocks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), disable=as_json) as bar:

            def progress(done: int, total: int) -> None:
                if not bar.tasks:
                    bar.add_task("trace", total=total)
                bar.update(bar.task_ids[0], completed=done)

            found = with_machine(lambda machine: trace(view, start, raw_id, machine, progress))
    finally:
        view.close()
    teller = Teller(found, start)
    if as_json:
        print_json(teller.fields())
    else:
        teller.show()


class Teller:
    """Tells a trace to people and programs."""

    def __init__(self, found: Traced, genesis: Genesis) -> None:
        self._found = found
        self._genesis = genesis
        self._prefix = genesis.address_prefix

    def fields(self) -> dict[str, object]:
        """Return everything for programs; values in the form of `rpc.schema.values`."""
        found = self._found
        return {
            "id": found.signed.tx_id.hex(),
            "height": found.height,
            "position": found.position,
            "code": found.receipt.code,
            "gas": found.receipt.gas,
            "fee": str(found.receipt.fee),
            "failed_at": found.outcome.failed_at if found.outcome.failed_at >= 0 else None,
            "text": found.outcome.text,
            "frames": [self._frame(frame, address) for frame, address in self._outermost()],
        }

    def show(self) -> None:
        """Print the tree."""
        found = self._found
        receipt = found.receipt
        lines: list[tuple[str, object]] = [
            ("transaction", found.signed.tx_id.hex()),
            ("block", f"{found.height}, position {found.position}"),
            ("code", receipt.code),
            ("gas", f"{receipt.gas:,}"),
            ("fee", cos(receipt.fee)),
        ]
        if found.outcome.failed_at >= 0:
            lines.append(("failed", f"action {found.outcome.failed_at}"))
        print_fields(lines)
        if not found.frames:
            said = f": {printable(found.outcome.text)}" if found.outcome.text else ""
            print_text(f"no contract ran{said}")
        for frame, address in self._outermost():
            for line in self._lines(frame, address, 0):
                print_text(printable(line))

    def _outermost(self) -> Iterator[tuple[Frame, str]]:
        """Yield the outermost frames, each with the address of its contract."""
        frames = iter(self._found.frames)
        waiting: Frame | None = next(frames, None)
        for place, action in enumerate(self._found.signed.body.actions):
            while waiting is not None and _belongs(waiting, action):
                yield waiting, self._address(place, action)
                waiting = next(frames, None)
                if isinstance(action, Call):
                    break

    def _address(self, place: int, action: Action | ContractAction) -> str:
        body = self._found.signed.body
        if isinstance(action, Call):
            return format_address(self._prefix, Address(action.contract))
        made = contract_id(genesis_hash_of(self._genesis), body.sender, body.nonce, place)
        return format_address(self._prefix, made)

    def _name_and_source(self, address: str) -> tuple[str, str]:
        """Return what a contract is called, and its source, deployed before or by this transaction."""
        raw = address_of_text(self._prefix, address)
        known = find_contract(self._found.before.get, raw)
        if known is not None:
            return known.interface.name, source_of(self._found.before, known.record).decode()
        for place, action in enumerate(self._found.signed.body.actions):
            if isinstance(action, Deploy) and self._address(place, action) == address:
                return "", action.source.decode("utf-8", "replace")
        return "", ""

    def _explained(self, frame: Frame, address: str) -> str:
        text = explained(frame.text, self._name_and_source(address)[1], "contract")
        return one_line(text)

    def _gas(self, fuel: int) -> int:
        return -(-fuel // self._found.fuel_per_gas)

    def _frame(self, frame: Frame, address: str) -> dict[str, object]:
        return {
            "contract": address,
            "name": self._name_and_source(address)[0],
            "method": frame.method,
            "args": to_json(frame.args),
            "code": frame.code,
            "value": to_json(frame.value),
            "text": self._explained(frame, address),
            "gas": self._gas(frame.fuel),
            "own_gas": self._gas(frame.own_fuel),
            "steps": [self._step(step) for step in frame.steps],
        }

    def _step(self, step: Step) -> dict[str, object]:
        return {
            "op": OPERATIONS.get(step.op, str(step.op)),
            "asked": to_json(step.asked),
            "answered": to_json(step.answered),
            "gas": self._gas(step.fuel),
            "fault": step.fault,
            "frame": None if step.frame is None else self._frame(step.frame, step.frame.contract),
        }

    def _lines(self, frame: Frame, address: str, depth: int) -> Iterator[str]:
        pad = "  " * depth
        name = one_line(self._name_and_source(address)[0]) or address
        gas = f"{self._gas(frame.fuel):,} gas, its own {self._gas(frame.own_fuel):,}"
        yield f"{pad}{name}.{frame.method}({_listed(frame.args)})  {gas}"
        for step in frame.steps:
            op = OPERATIONS.get(step.op, f"operation {step.op}")
            end = f" !! {step.fault}" if step.fault else ""
            if step.answered is not None:
                end = f" = {_short(step.answered)}"
            yield f"{pad}  {op} {_listed(step.asked)}{end}  {self._gas(step.fuel):,} gas"
            if step.frame is not None:
                yield from self._lines(step.frame, step.frame.contract, depth + 2)
        if frame.code == "ok":
            yield f"{pad}-> {_short(frame.value)}"
        else:
            text = self._explained(frame, address)
            yield f"{pad}!! {frame.code}{': ' if text else ''}{text}"


def _belongs(frame: Frame, action: Action | ContractAction) -> bool:
    if isinstance(action, Deploy):
        return frame.method.startswith("@")
    return isinstance(action, Call) and frame.method == action.method


def _listed(value: Value) -> str:
    return ", ".join(_short(item) for item in (value if isinstance(value, list) else [value]))


def _short(value: Value) -> str:
    text = inline_value(value)
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"
