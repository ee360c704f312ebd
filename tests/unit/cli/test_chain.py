"""Reading a node, checking its proofs, and executing a stored chain again."""

import json
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from chaosnet.crypto.addresses import format_address
from chaosnet.model.build import signed_transfer
from chaosnet.model.genesis_json import format_genesis
from chaosnet.rpc import schema
from tests.fake_backend import FakeBackend
from tests.making import Person, network
from tests.real_chain import RICH
from tests.unit.cli.conftest import ANNA, Cli, NodeOfOne

[SEED] = ANNA.seeds.values()
BERT = Person("bert")
ADDRESS = format_address("cos", ANNA.address)
ABSENT = format_address("cos", Person("nobody").address)


@pytest.fixture
def grown(node: NodeOfOne) -> NodeOfOne:
    """Three blocks; the second has a transfer."""
    node.chain.add()
    node.chain.add(
        [
            signed_transfer(
                SEED, genesis_hash=node.chain.genesis_hash, nonce=0, to=BERT.address, amount=5, gas_price=1
            )
        ]
    )
    node.chain.add()
    return node


def test_block_is_found_by_height_id_and_word(cli: Cli, grown: NodeOfOne) -> None:
    head = cli("block", "--json").json
    assert head["summary"]["height"] == 3
    assert cli("block", head["summary"]["id"], "--json").json == head
    shown = cli("block", 2).out
    assert "transfer" in shown
    assert "0.00000005 COS" in shown
    missing = cli("block", 99, code=1).err
    assert "block 99; the head is block 3" in missing
    assert "not_found" in missing


@pytest.mark.parametrize("name", ["abc", "ab" * 31, "-1", "1.5"])
def test_what_names_no_block_is_refused_in_plain_words(cli: Cli, name: str) -> None:
    failed = cli("block", "--", name, code=2).err
    assert "names no block: give a height" in failed


def test_blocks_are_listed_downwards(cli: Cli, grown: NodeOfOne) -> None:
    assert [b["height"] for b in cli("blocks", "--json").json["blocks"]] == [3, 2, 1, 0]
    assert [b["height"] for b in cli("blocks", "--from", 2, "-n", 2, "--json").json["blocks"]] == [2, 1]
    assert "validator0" in cli("blocks").out


def test_status_and_peers_and_evidence(cli: Cli, grown: NodeOfOne) -> None:
    assert cli("status", "--json").json["height"] == 3
    shown = cli("status").out
    for part in (
        "alpha, chaosnet/0",
        "healthy, running",
        "3 of 4 needed",
        "history     genesis",
    ):
        assert part in shown
    assert cli("peers", "--json").json["peers"][0]["member"] == "beta"
    assert "beta" in cli("peers").out
    assert cli("evidence", "--json").json == {"evidence": []}
    assert cli("evidence").out == ""


BRANCHING = schema.ConsensusStatus(
    engine="pow",
    finality="depth",
    era=0,
    height=19,
    round=0,
    step="wait",
    proposer="",
    validators=4,
    needed=3,
    is_validator=True,
    weight="4096",
    next_engine="pos",
    handover_height=20,
    reorganisations=2,
)


@pytest.mark.parametrize(
    ("now", "parts"),
    [
        (BRANCHING, ("pow, era 0", "by the blocks above", "2 reorganisations", "4096", ": 17 blocks to go")),
        (
            replace(BRANCHING, engine="dpos", finality="gadget", proposer="gamma", is_handing_over=True),
            ("by votes in headers, 3 of 4 needed", "turn        gamma", "waits until that block is final"),
        ),
    ],
)
def test_status_says_how_the_chain_grows(
    cli: Cli,
    grown: NodeOfOne,
    monkeypatch: pytest.MonkeyPatch,
    now: schema.ConsensusStatus,
    parts: tuple[str, ...],
) -> None:
    told = replace(grown.status(), consensus=now)
    monkeypatch.setattr(grown, "status", lambda: told)
    shown = cli("status").out
    for part in (*parts, "to pos after block 20"):
        assert part in shown


def test_health_says_why_and_since_when(cli: Cli, grown: NodeOfOne, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("health").out == "healthy, running\n"
    ill = schema.Health(
        is_healthy=False,
        phase="running",
        code="quorum_lost",
        reason="2 of 4 members silent, 3 needed",
        since_ms=1_700_000_000_000,
    )
    monkeypatch.setattr(FakeBackend, "health", lambda _: ill)
    shown = cli("health", code=1).out
    assert "2 of 4 members silent, 3 needed since 2023-11-14T22:13:20.000Z" in shown
    assert cli("health", "--json", code=1).json["code"] == "quorum_lost"


def test_wait_height_ends_when_reached_or_late(cli: Cli, grown: NodeOfOne) -> None:
    assert cli("wait-height", 3, "--json").json["height"] == 3
    assert cli("wait-height", 4, "--timeout", 1, "--json", code=3).problem == "timeout"


# ── proofs ───────────────────────────────────────────────────────────────────────────────────────────────


def test_account_by_the_nodes_word(cli: Cli, grown: NodeOfOne) -> None:
    found = cli("account", ADDRESS, "--json").json
    assert (found["nonce"], int(found["balance"])) == (1, RICH - 5 - 21_000)
    assert "no" in cli("account", ABSENT).out


def test_proof_from_the_genesis_hash_or_its_file(cli: Cli, grown: NodeOfOne, tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    path.write_text(format_genesis(grown.chain.genesis))
    for genesis in (grown.chain.genesis_hash.hex(), path):
        proven = cli("account", ADDRESS, "--prove", "--genesis", genesis, "--json").json
        assert (proven["nonce"], int(proven["balance"]), proven["height"]) == (1, RICH - 5 - 21_000, 3)
        assert proven["proven_from"] == f"genesis {grown.chain.genesis_hash.hex()}"
    shown = cli("account", ABSENT, "--prove", "--genesis", path).out
    assert "that is proven too" in shown


def test_proof_from_a_pinned_block(cli: Cli, grown: NodeOfOne) -> None:
    for height in (2, 3):
        pin = f"{height}:{cli('block', height, '--json').json['summary']['id']}"
        proven = cli("account", ADDRESS, "--prove", "--trust", pin, "--json").json
        assert (proven["nonce"], proven["proven_from"]) == (1, f"block {pin}")
    other = f"2:{'00' * 32}"
    assert cli("account", ADDRESS, "--prove", "--trust", other, "--json", code=4).problem == "proof_invalid"


def test_lying_node_is_not_believed(cli: Cli, grown: NodeOfOne, monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(self: NodeOfOne, address: str, height: int | None, trusted_height: int) -> schema.AccountProof:
        honest = self.views.account_proof(address, height, trusted_height)
        assert honest.value is not None
        value = bytearray.fromhex(honest.value)
        value[-3] ^= 1
        return replace(honest, value=value.hex())

    monkeypatch.setattr(NodeOfOne, "account_proof", lie)
    command = ["account", ADDRESS, "--prove", "--genesis", grown.chain.genesis_hash.hex()]
    failed = cli(*command, "--json", code=4)
    assert failed.out == ""
    assert failed.problem == "proof_invalid"
    assert "ask another one" in cli(*command, code=4).err


def test_proof_needs_something_to_trust(cli: Cli, grown: NodeOfOne) -> None:
    assert "--genesis" in cli("account", ADDRESS, "--prove", code=2).err
    assert "--prove" in cli("account", ADDRESS, "--trust", "1:00", code=2).err
    assert cli("account", ADDRESS, "--prove", "--trust", "1:00", "--json", code=2).problem == "bad_argument"


# ── verify ───────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_says_what_it_found(cli: Cli, grown: NodeOfOne, tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    path.write_text(format_genesis(grown.chain.genesis))
    where = ["--data-dir", tmp_path / "chain", "--genesis", path]
    found = cli("verify", *where, "--json").json
    assert (found["valid"], found["height"], found["transactions"]) == (True, 3, 1)
    assert found["supply"] == str(RICH)
    shown = cli("verify", *where)
    assert "valid           yes" in shown.out
    assert "3/3" in shown.err


def test_verify_fails_on_damage_and_on_another_genesis(cli: Cli, grown: NodeOfOne, tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    path.write_text(format_genesis(grown.chain.genesis))
    where = ["--data-dir", tmp_path / "chain", "--genesis", path, "--json"]
    with sqlite3.connect(tmp_path / "chain/chain.db") as connection:
        connection.execute("UPDATE state SET value = CAST(value || x'00' AS BLOB)")
    connection.close()
    assert cli("verify", *where, code=1).problem == "data_damaged"
    path.write_text(format_genesis(network([(BERT, 5, None)], [Person("x")])))
    assert cli("verify", *where, code=1).problem == "wrong_genesis"
    assert cli("verify", "--data-dir", tmp_path, "--genesis", path, "--json", code=1).problem == "not_found"
    assert cli("verify", "--json", code=2).problem == "bad_argument"
    nowhere = ["--data-dir", tmp_path / "nowhere", "--genesis", path]
    assert cli("verify", *nowhere, "--json", code=2).problem == "bad_argument"


def test_verify_reads_both_places_from_a_configuration(cli: Cli, grown: NodeOfOne, tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_text(format_genesis(grown.chain.genesis))
    config = f'[node]\ngenesis = "genesis.json"\ndata_dir = {json.dumps(str(tmp_path / "chain"))}\n'
    (tmp_path / "node.toml").write_text(config)
    assert cli("verify", "--config", tmp_path / "node.toml", "--json").json["height"] == 3


def test_a_node_in_doubt_is_shown_as_such(
    cli: Cli, grown: NodeOfOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    ill = schema.Health(
        is_healthy=False, phase="running", code="untrusted", reason="UNTRUSTED: nothing vouches for it"
    )
    told = replace(grown.status(), health=ill, trust="untrusted")
    monkeypatch.setattr(grown, "status", lambda: told)
    monkeypatch.setattr(grown, "health", lambda: ill)
    shown = cli("status").out
    assert "UNTRUSTED: nothing vouches" in shown
    assert "history     UNTRUSTED" in shown
    genesis = grown.chain.genesis_hash.hex()
    for arguments in ((), ("--prove", "--genesis", genesis)):
        done = cli("account", ADDRESS, *arguments, "--json")
        assert "UNTRUSTED: nothing vouches" in done.err
        assert done.json["exists"]
