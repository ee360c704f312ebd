"""Genesis files are written so that they pass their own check, and named by one hash."""

from pathlib import Path

import pytest

from chaosnet.base.units import MOTES_PER_COS
from chaosnet.crypto.addresses import format_address
from chaosnet.ledger.genesis_check import check_genesis
from chaosnet.model.genesis import OBSERVER, VALIDATOR, genesis_hash_of, supply_at
from chaosnet.model.genesis_json import parse_genesis
from tests.making import Person
from tests.unit.cli.conftest import Cli

PEOPLE = [Person(name) for name in ("anna", "bert", "carl", "dora")]
ADDRESSES = [format_address("cos", person.address) for person in PEOPLE]


def member_text(person: Person, role: str = "") -> str:
    member = person.member()
    text = f"{member.name}:{format_address('cos', person.address)}"
    return f"{text}:{member.consensus_key.hex()}:{member.node_key.hex()}" + (f":{role}" if role else "")


def test_consortium_has_its_members_and_allocations(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "genesis.json"
    members = ["--member", member_text(PEOPLE[0]), "--member", member_text(PEOPLE[1], OBSERVER)]
    allocations = ["--alloc", f"bert:{ADDRESSES[1]}:12.5", "--alloc", f"carl:{ADDRESSES[2]}:1"]
    options = ["--param", "gas_price_min=0", "--time-ms", 1_800_000_000_000, "--out", out, "--json"]
    made = cli("genesis", "new", "consortium", "--name", "club", *members, *allocations, *options).json
    genesis = parse_genesis(out.read_text())
    check_genesis(genesis)
    assert {m.name: m.role for m in genesis.members} == {"anna": VALIDATOR, "bert": OBSERVER}
    assert supply_at(genesis, 0) == 13.5 * MOTES_PER_COS
    assert (genesis.params.gas_price_min, genesis.time_ms) == (0, 1_800_000_000_000)
    assert made["hash"] == genesis_hash_of(genesis).hex()
    assert cli("genesis", "hash", out).out == made["hash"] + "\n"
    assert cli("genesis", "check", out, "--json").json["validators"] == 1
    assert "13.50000000 COS" in cli("genesis", "check", out).out


def test_without_a_file_the_genesis_goes_to_standard_output(cli: Cli) -> None:
    done = cli("genesis", "new", "consortium", "--name", "club", "--member", member_text(PEOPLE[0]))
    assert genesis_hash_of(parse_genesis(done.out)).hex() in done.err


def test_public_network_has_four_shares(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "genesis.json"
    names = ("angel", "ico", "team", "foundation")
    holders = [part for name, text in zip(names, ADDRESSES, strict=True) for part in (f"--{name}", text)]
    command = ("genesis", "new", "public", "--name", "cos", *holders, "--founding-blocks", 50, "--out", out)
    assert "validator is needed" in cli(*command, code=2).err
    assert not out.exists(), "nobody could make the first block of pos"
    member = PEOPLE[0].member(with_vrf=True)
    cli(*command, "--member", f"{member_text(PEOPLE[0])}:{member.vrf_key.hex()}")
    checked = cli("genesis", "check", out, "--json").json
    assert checked["supply"] == str(10_000_000 * MOTES_PER_COS)
    assert checked["engines"] == [{"height": 1, "engine": "pow"}, {"height": 51, "engine": "pos"}]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--member", "anna"], "bad_argument"),
        (["--member", member_text(PEOPLE[0], "king")], "bad_argument"),
        (["--member", member_text(PEOPLE[0]).replace("cos1", "cas1")], "bad_address"),
        (["--member", member_text(PEOPLE[0]) + "00"], "bad_argument"),
        ([], "bad_argument"),
        (["--member", member_text(PEOPLE[0]), "--alloc", f"bert:{ADDRESSES[1]}"], "bad_argument"),
        (["--member", member_text(PEOPLE[0]), "--alloc", f"bert:{ADDRESSES[1]}:x"], "bad_argument"),
        (["--member", member_text(PEOPLE[0]), "--alloc", f"bert:{ADDRESSES[1]}:0"], "bad_argument"),
        (["--member", member_text(PEOPLE[0]), "--param", "gas=1"], "bad_argument"),
        (["--member", member_text(PEOPLE[0]), "--param", "idle_interval_ms=1"], "bad_argument"),
    ],
)
def test_what_no_network_can_start_from_is_not_written(
    cli: Cli, tmp_path: Path, options: list[str], code: str
) -> None:
    out = tmp_path / "genesis.json"
    command = ["genesis", "new", "consortium", "--name", "club", *options, "--out", out, "--json"]
    assert cli(*command, code=2).problem == code
    assert not out.exists()


def test_genesis_is_never_overwritten(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "genesis.json"
    command = ["genesis", "new", "consortium", "--name", "club", "--member", member_text(PEOPLE[0])]
    cli(*command, "--out", out)
    before = out.read_text()
    assert "there already" in cli(*command, "--out", out, code=2).err
    assert out.read_text() == before


def test_file_that_is_no_genesis_is_named(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    path.write_text("{}")
    assert cli("genesis", "hash", path, "--json", code=2).problem == "malformed"
    assert "nothing.json" in cli("genesis", "check", tmp_path / "nothing.json", code=2).err
