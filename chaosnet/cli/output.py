"""What commands print: for people on a terminal, or JSON for programs; and what an exit code means.

With `--json`, standard output carries one JSON document and nothing else, and an error is an object with
`code` and `detail` on standard error.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from chaosnet.base.errors import CODES, ChaosError
from chaosnet.base.units import format_cos
from chaosnet.model.genesis_json import format_time

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
PROOF_INVALID: Final = 4
INTERNAL: Final = 70
INTERRUPTED: Final = 130

EXIT_CODES: Final = {
    OK: "done",
    REFUSED: "refused, not healthy, damaged, or the receipt says that the transaction failed",
    USAGE: "wrong usage: an option, an argument or a file is not what it must be",
    UNREACHABLE: "the node cannot be reached, or there was no answer in time",
    PROOF_INVALID: "a proof does not verify",
    INTERNAL: "a fault of the software itself",
    INTERRUPTED: "interrupted by Ctrl-C",
}

_EXIT_OF_CODE: Final = {
    "bad_address": USAGE,
    "bad_argument": USAGE,
    "bad_config": USAGE,
    "bad_mnemonic": USAGE,
    "malformed": USAGE,
    "connection": UNREACHABLE,
    "timeout": UNREACHABLE,
    "proof_invalid": PROOF_INVALID,
    "internal": INTERNAL,
    "supply_changed": INTERNAL,
}

HINTS: Final = {
    "bad_address": "Addresses of a network begin with its prefix, mostly `cos1`; is a character missing?",
    "bad_mnemonic": "Words can be typed in capitals or not; Chinese also without spaces.",
    "connection": "Start a node with `chaosnet node run --config FILE`. Another one, for example one that"
    " `chaosnet devnet up` has started, is named with --node URL or in CHAOSNET_NODE.",
    "fenced": "The sign state records more than this: never go back to an older copy of it.",
    "in_use": "A node runs in this directory: stop it first.",
    "key_exists": "`chaosnet keys list` shows the names in use.",
    "key_locked": "Every key file has a password of its own: that with which it was made or imported.",
    "no_fence": "A new node gets its sign state from `chaosnet init DIRECTORY --genesis FILE`; a node that"
    " moved brings it along with the key. Only for a key that has never signed anything: --new-key.",
    "nonce_too_low": "If that was this very transaction, `chaosnet tx show ID` has its receipt; if it was"
    " another one, build this one again.",
    "price_too_low": "Ask with a higher --gas-price; `chaosnet status` and /v1/params show the minimum.",
    "proof_invalid": "Do not believe what this node says; ask another one.",
    "schema_newer": "Install the release that wrote this data, or a newer one.",
    "submit_off": "This listener takes no transactions; use another node, or its administration socket.",
    "threshold_not_met": "More signatures are needed: `chaosnet tx sign`, then `chaosnet tx combine`.",
    "wrong_genesis": "Name the genesis file this directory was started with.",
    "wrong_network": "The genesis given is not the one of this node's network.",
}
"""Code -> what to do about it."""

_DETAIL_SUFFICES: Final = ("bad_argument", "internal")
_WIDTH_UNKNOWN: Final = 200
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What could move the cursor, change colours, or turn the direction of a line."""
_MOTES: Final = re.compile(r"\b([0-9]{1,40}) motes(?:, ([0-9]{1,40}) can)?")

_console = Console()
_errors = Console(stderr=True)


def print_json(value: object) -> None:
    """Write one JSON document to standard output."""
    typer.echo(msgspec.json.encode(value).decode())


def print_text(text: str) -> None:
    """Write text to standard output as it is."""
    typer.echo(text)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Write one `name  value` a line, names aligned; empty values are left out."""
    rows = [(name, printable(str(value))) for name, value in fields if value not in ("", None)]
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        typer.echo(f"{typer.style(name.ljust(width), dim=True)}  {value}")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table; columns whose name ends in `#` are numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.endswith("#") else "left"
        # Folded rather than cut: an address that is not whole is of no use.
        table.add_column(column.removesuffix("#"), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(printable(str(cell)) for cell in row))
    console = _console if _console.is_terminal else Console(width=_WIDTH_UNKNOWN)
    console.print(table, markup=False, highlight=False)


def note(text: str) -> None:
    """Tell people something beside the result."""
    typer.echo(printable(text), err=True)


def printable(text: str) -> str:
    """Return a text, of whoever, that does to a terminal nothing but appear; line ends stay."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cos(motes: int | str) -> str:
    """Return an amount with its unit."""
    return f"{format_cos(int(motes))} COS"


def in_cos(text: str) -> str:
    """Return a message with amounts of motes as amounts of COS: people type and read COS."""
    return _MOTES.sub(
        lambda found: f"{cos(found[1])}, {cos(found[2])} can" if found[2] else cos(found[1]), text
    )


def when(unix_ms: int | None) -> str:
    """Return a time, or an empty text for none."""
    return "" if unix_ms is None else format_time(unix_ms)


def exit_code_of(error: ChaosError) -> int:
    """Return what the process ends with."""
    return _EXIT_OF_CODE.get(error.code, REFUSED)


def report_error(code: str, detail: str, *, as_json: bool) -> None:
    """Write an error to standard error: one line and a hint, or one JSON object."""
    if as_json:
        sys.stderr.write(msgspec.json.encode({"code": code, "detail": in_cos(detail)}).decode() + "\n")
        return
    meaning = CODES.get(code, "")
    text = detail or meaning
    if meaning and detail and code not in _DETAIL_SUFFICES:
        text = f"{meaning}: {detail}"
    text = printable(in_cos(text))
    _errors.print("error:", style="bold red", end=" ")
    _errors.print(f"{text} ({code})", markup=False, highlight=False, soft_wrap=True)
    if code in HINTS:
        _errors.print(HINTS[code], style="dim", markup=False, highlight=False, soft_wrap=True)
