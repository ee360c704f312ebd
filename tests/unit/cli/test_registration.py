"""A node's keys sign that they are an operator's, and the operator's key sends that."""

import json
from pathlib import Path

from chaosnet.crypto.addresses import format_address
from chaosnet.ledger.candidates import find_candidate
from chaosnet.model.genesis_json import format_genesis
from tests.making import Person
from tests.unit.cli.conftest import ANNA, Cli, NodeOfOne

ME, OTHER = (format_address("cos", person.address) for person in (ANNA, Person("bert")))
[ANNA_SEED] = ANNA.seeds.values()


def node_directory(cli: Cli, node: NodeOfOne, tmp_path: Path) -> Path:
    directory, genesis = tmp_path / "node", tmp_path / "genesis.json"
    genesis.write_text(format_genesis(node.chain.genesis))
    cli("init", directory, "--port", 0, "--genesis", genesis)
    return directory


def test_a_node_registers_and_its_operator_bonds(cli: Cli, node: NodeOfOne, tmp_path: Path) -> None:
    cli.add_key("anna", ANNA_SEED)
    directory, file = node_directory(cli, node, tmp_path), tmp_path / "registration.json"
    options = ("--config", directory / "node.toml", "--operator", ME, "--out", file)
    made = cli("keys", "registration", *options, "--json").json
    assert made == json.loads(file.read_text())
    assert cli("stake", "register", file, "--from", "anna", "--commission", 25, "--json").json["code"] == "ok"
    assert cli("stake", "delegate", ME, "2", "--from", "anna", "--json").json["code"] == "ok"
    candidate = find_candidate(node.chain.node.head.state, ANNA.address)
    assert candidate is not None
    assert (candidate.consensus_key.hex(), candidate.commission_permille) == (made["consensus_key"], 25)
    assert candidate.tokens == 2 * 10**8


def test_what_does_not_fit_is_refused_before_it_is_sent(cli: Cli, node: NodeOfOne, tmp_path: Path) -> None:
    cli.add_key("anna", ANNA_SEED)
    directory, file = node_directory(cli, node, tmp_path), tmp_path / "registration.json"
    cli("keys", "registration", "--config", directory / "node.toml", "--operator", OTHER, "--out", file)
    theirs = json.loads(file.read_text())
    cases = [
        (theirs, "bad_argument"),
        (theirs | {"operator": ME, "genesis": "00" * 32}, "wrong_network"),
        (theirs | {"operator": ME, "more": 1}, "malformed"),
        (theirs | {"operator": ME, "proofs": ["00"] * 3}, "bad_argument"),
        ({"filler": "x" * 5_000}, "too_large"),
    ]
    for content, code in cases:
        file.write_text(json.dumps(content))
        number = 2 if code in ("bad_argument", "malformed") else 1
        refused = cli("stake", "register", file, "--from", "anna", "--json", code=number)
        assert refused.problem == code
    assert node.chain.height == 0
    follower = tmp_path / "follower"
    cli("init", follower, "--port", 0, "--follow")
    refused = cli("keys", "registration", "--config", follower / "node.toml", "--json", code=1)
    assert refused.problem == "not_found"
