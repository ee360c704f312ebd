"""`chaosnet genesis`: found a network."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer
from msgspec.structs import replace

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Address
from chaosnet.cli.asking import Out, address_of_text, amount_of, genesis_file, hex_bytes, write_text
from chaosnet.cli.node_dir import read_node_dir
from chaosnet.cli.output import Json, cos, note, print_fields, print_json, print_table, print_text, when
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon.devnet_plan import parse_schedule
from chaosnet.ledger.genesis_check import PARAM_BOUNDS, check_genesis
from chaosnet.model.genesis import (
    OBSERVER,
    VALIDATOR,
    Allocation,
    Bond,
    Genesis,
    Member,
    genesis_hash_of,
    supply_at,
)
from chaosnet.model.genesis_json import format_genesis
from chaosnet.model.genesis_make import (
    ADDRESS_PREFIX,
    TREASURY,
    Holders,
    consortium_genesis,
    public_genesis,
)

app = typer.Typer(no_args_is_help=True, help="Found a network: write, check and name a genesis file.")
new = typer.Typer(no_args_is_help=True, help="Write the genesis file of a new network.")
app.add_typer(new, name="new")

FOUNDING_BLOCKS: Final = 10_000

ChainName = Annotated[str, typer.Option("--name", help="Name of the network, for display.")]
Params = Annotated[
    list[str] | None, typer.Option("--param", help="NAME=NUMBER of a chain parameter; may be repeated.")
]
Treasury = Annotated[
    str | None, typer.Option(help="Address for forfeited coins; default: one without a key.")
]
Members = Annotated[
    list[str] | None,
    typer.Option(
        "--member",
        help="NAME:OPERATOR:CONSENSUS_KEY:NODE_KEY[:VRF_KEY][:ROLE], as `chaosnet init` prints it.",
    ),
]
MemberDirs = Annotated[
    list[Path] | None,
    typer.Option("--member-dir", help="Directory made by `chaosnet init`; may be repeated."),
]
TimeMs = Annotated[int | None, typer.Option(help="Genesis time, Unix ms; default: now.")]
File = Annotated[Path, typer.Argument(help="Genesis file.")]


@new.command()
def consortium(
    name: ChainName,
    member: Members = None,
    member_dir: MemberDirs = None,
    alloc: Annotated[
        list[str] | None, typer.Option(help="NAME:ADDRESS:AMOUNT in COS; may be repeated.")
    ] = None,
    bond: Annotated[
        list[str] | None,
        typer.Option(help="ADDRESS:AMOUNT in COS that an operator bonds of its allocation; may be repeated."),
    ] = None,
    schedule: Annotated[
        str,
        typer.Option(
            help="Engines: pbft, dbft, dpos, pos, pow; pow:20,pos is pow up to height 20, then pos."
        ),
    ] = "pbft",
    param: Params = None,
    treasury: Treasury = None,
    time_ms: TimeMs = None,
    out: Out = None,
    *,
    as_json: Json = False,
) -> None:
    """A network of known members; with immediate finality (pbft) unless another engine is named."""
    genesis = consortium_genesis(
        name,
        _now_or(time_ms),
        _members(member, member_dir),
        [_allocation(text) for text in alloc or ()],
        schedule=parse_schedule(schedule),
        bonds=[_bond(text) for text in bond or ()],
        treasury=_treasury(treasury),
    )
    _write(_with_params(genesis, param), out, as_json=as_json)


@new.command()
def public(
    name: ChainName,
    angel: Annotated[str, typer.Option(help="Address of the angel investors' 10 %.")],
    ico: Annotated[str, typer.Option(help="Address of the offering's 60 %.")],
    team: Annotated[str, typer.Option(help="Address of the team's 10 %, locked for two years.")],
    foundation: Annotated[str, typer.Option(help="Address of the foundation's 20 %.")],
    founding_blocks: Annotated[
        int, typer.Option(min=1, help="Proof-of-work blocks that mint the shares.")
    ] = FOUNDING_BLOCKS,
    member: Members = None,
    member_dir: MemberDirs = None,
    param: Params = None,
    treasury: Treasury = None,
    time_ms: TimeMs = None,
    out: Out = None,
    *,
    as_json: Json = False,
) -> None:
    """The public network of 10,000,000 COS: mined by proof of work into four shares, then proof of stake.

    The members make the first blocks of proof of stake, until somebody has bonded enough coins: at least one
    is needed, with a VRF key.
    """
    holders = Holders(*(address_of_text(ADDRESS_PREFIX, text) for text in (angel, ico, team, foundation)))
    genesis = public_genesis(
        name,
        _now_or(time_ms),
        holders,
        founding_blocks,
        members=_members(member, member_dir),
        treasury=_treasury(treasury),
    )
    _write(_with_params(genesis, param), out, as_json=as_json)


@app.command(name="hash")
def hash_(file: File, *, as_json: Json = False) -> None:
    """Print the genesis hash: the identity of the network, however the file is laid out."""
    text = genesis_hash_of(genesis_file(file)).hex()
    if as_json:
        print_json({"hash": text})
    else:
        print_text(text)


@app.command()
def check(file: File, *, as_json: Json = False) -> None:
    """Check a genesis file and say what network it starts."""
    genesis = genesis_file(file)
    engines = ", ".join(f"{entry.engine} from {entry.height}" for entry in genesis.schedule)
    validators = sum(member.role == VALIDATOR for member in genesis.members)
    last = genesis.founding_blocks
    if as_json:
        print_json(
            {
                "hash": genesis_hash_of(genesis).hex(),
                "chain_name": genesis.chain_name,
                "kind": genesis.kind,
                "engines": [{"height": entry.height, "engine": entry.engine} for entry in genesis.schedule],
                "members": len(genesis.members),
                "validators": validators,
                "supply": str(supply_at(genesis, last)),
            }
        )
        return
    print_fields(
        [
            ("hash", genesis_hash_of(genesis).hex()),
            ("name", genesis.chain_name),
            ("kind", genesis.kind),
            ("time", when(genesis.time_ms)),
            ("engines", engines),
            ("members", f"{len(genesis.members)}, {validators} of them validators"),
            ("supply", cos(supply_at(genesis, last))),
        ]
    )
    rows = [
        (
            a.name,
            format_address(genesis.address_prefix, Address(a.address)),
            cos(a.amount),
            "yes" if a.lock else "",
        )
        for a in genesis.allocations
    ]
    if rows:
        print_text("")
        print_table(("allocation", "address", "amount#", "locked"), rows)


def _write(genesis: Genesis, out: Path | None, *, as_json: bool) -> None:
    check_genesis(genesis)
    if out is not None and out.exists():
        raise Invalid("bad_argument", f"{out} is there already")
    write_text(out, format_genesis(genesis))
    text = genesis_hash_of(genesis).hex()
    if out is None:
        note(f"genesis hash {text}")
    elif as_json:
        print_json({"hash": text, "file": str(out)})
    else:
        print_fields([("file", out), ("hash", text)])


def _now_or(time_ms: int | None) -> int:
    return time.time_ns() // 1_000_000 if time_ms is None else time_ms


def _treasury(text: str | None) -> Address:
    return TREASURY if text is None else address_of_text(ADDRESS_PREFIX, text)


def _members(texts: list[str] | None, dirs: list[Path] | None) -> list[Member]:
    return [_member(text) for text in (*(texts or ()), *(read_node_dir(path).member for path in dirs or ()))]


def _member(text: str) -> Member:
    parts = text.split(":")
    role = parts.pop() if len(parts) > 4 and parts[-1] in (VALIDATOR, OBSERVER) else VALIDATOR
    if len(parts) not in (4, 5):
        raise Invalid(
            "bad_argument", f"not of the form NAME:OPERATOR:CONSENSUS_KEY:NODE_KEY[:VRF_KEY]: {text[:200]!r}"
        )
    return Member(
        name=parts[0],
        operator=address_of_text(ADDRESS_PREFIX, parts[1]),
        role=role,
        consensus_key=hex_bytes(parts[2], 32, "a consensus key"),
        node_key=hex_bytes(parts[3], 32, "a node key"),
        vrf_key=hex_bytes(parts[4], 32, "a key of the lottery") if len(parts) == 5 else b"",
    )


def _bond(text: str) -> Bond:
    operator, _, amount = text.partition(":")
    if not amount:
        raise Invalid("bad_argument", f"not of the form ADDRESS:AMOUNT: {text[:200]!r}")
    return Bond(address_of_text(ADDRESS_PREFIX, operator), amount_of(amount), 0)


def _allocation(text: str) -> Allocation:
    parts = text.split(":")
    if len(parts) != 3:
        raise Invalid("bad_argument", f"not of the form NAME:ADDRESS:AMOUNT: {text[:200]!r}")
    return Allocation(parts[0], address_of_text(ADDRESS_PREFIX, parts[1]), amount_of(parts[2]), None)


def _with_params(genesis: Genesis, texts: list[str] | None) -> Genesis:
    found: dict[str, int] = {}
    for text in texts or ():
        name, _, number = text.partition("=")
        if name not in PARAM_BOUNDS or not (number.isascii() and number.isdigit()):
            raise Invalid(
                "bad_argument", f"{text[:100]!r}: NAME=NUMBER, with one of {', '.join(PARAM_BOUNDS)}"
            )
        found[name] = int(number)
    return replace(genesis, params=replace(genesis.params, **found))
