"""Transactions: sent at once, or built, signed by several people and sent in steps."""

import json
import re
from pathlib import Path

import pytest

from chaosnet.base.codec import encode
from chaosnet.base.units import MOTES_PER_COS
from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import public_key_of
from chaosnet.model.build import signed_transfer
from chaosnet.model.genesis_json import format_genesis
from chaosnet.model.transaction import decode_transaction, tx_id_of
from tests.making import Person
from tests.unit.cli.conftest import ANNA, Cli, NodeOfOne

BERT = Person("bert")
TO = format_address("cos", BERT.address)
[ANNA_SEED] = ANNA.seeds.values()
[BERT_SEED] = BERT.seeds.values()


def balance(cli: Cli, address: str = TO) -> int:
    return int(cli("account", address, "--json").json["balance"])


@pytest.fixture
def anna(cli: Cli) -> Cli:
    """Anna has the key of the rich account."""
    cli.add_key("anna", ANNA_SEED)
    return cli


# ── send ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_send_returns_the_receipt(anna: Cli, node: NodeOfOne) -> None:
    sent = anna(
        "tx", "send", "--from", "anna", "--to", TO, "--amount", "2.5", "--memo", "rent", "--json"
    ).json
    assert (sent["status"], sent["code"], sent["gas"], sent["fee"]) == ("final", "ok", 21_000, "21000")
    assert sent["height"] == node.chain.height == 1
    assert sent["body"]["memo"] == "rent"
    assert balance(anna) == 2.5 * MOTES_PER_COS


def test_send_for_people_says_what_happened(anna: Cli, node: NodeOfOne) -> None:
    sent = anna("tx", "send", "--from", "anna", "--to", TO, "--amount", "1")
    assert "transfer 1.00000000 COS to " + TO in sent.out
    assert "fee          0.00021000 COS" in sent.out
    assert "waiting for its block" in sent.err


def test_anchor_is_the_head_and_expiry_a_thousand_ahead(anna: Cli, node: NodeOfOne) -> None:
    for height in range(2):
        sent = anna("tx", "send", "--from", "anna", "--to", TO, "--amount", "1", "--json").json
        body = decode_transaction(bytes.fromhex(sent["raw"])).body
        assert (body.anchor_height, body.expiry, body.nonce) == (height, height + 1_000, height)


def test_another_key_pays_the_fee(anna: Cli, node: NodeOfOne) -> None:
    anna.add_key("bert", BERT_SEED)
    anna("tx", "send", "--from", "anna", "--to", TO, "--amount", "1")
    before = balance(anna, format_address("cos", ANNA.address))
    command = ["tx", "send", "--from", "anna", "--to", TO, "--amount", "1", "--fee-payer", "bert", "--json"]
    sent = anna(*command).json
    assert sent["gas"] > 21_000
    assert before - balance(anna, format_address("cos", ANNA.address)) == MOTES_PER_COS
    assert balance(anna) == 2 * MOTES_PER_COS - int(sent["fee"])


def test_no_wait_prints_the_verdict(anna: Cli, node: NodeOfOne) -> None:
    node.is_stuck = True
    sent = anna("tx", "send", "--from", "anna", "--to", TO, "--amount", "1", "--no-wait", "--json").json
    assert sent["code"] == "ok"
    assert anna("tx", "show", sent["id"], "--json").json["status"] == "pending"
    assert anna("tx", "wait", sent["id"], "--timeout", "1", "--json", code=3).problem == "timeout"
    node.chain.add()
    assert anna("tx", "wait", sent["id"], "--json").json["code"] == "ok"
    assert "final" in anna("tx", "show", sent["id"]).out


@pytest.mark.parametrize(
    ("change", "code", "exit_code"),
    [
        ({"--amount": "1000000"}, "not_enough", 1),
        ({"--amount": "0"}, "bad_argument", 2),
        ({"--amount": "1.123456789"}, "bad_argument", 2),
        ({"--amount": "-1"}, "bad_argument", 2),
        ({"--to": "cos1qqqq"}, "bad_address", 2),
        ({"--to": "dev" + TO[3:]}, "bad_address", 2),
        ({"--from": "nobody"}, "bad_argument", 2),
        ({"--gas-price": "0"}, "price_too_low", 1),
        ({"--gas-limit": "1"}, "gas_limit", 1),
        ({"--memo": "m" * 257}, "too_large", 1),
        ({"--genesis": "00" * 32}, "wrong_network", 1),
    ],
)
def test_refusals_are_named(
    anna: Cli, node: NodeOfOne, change: dict[str, str], code: str, exit_code: int
) -> None:
    options = {"--from": "anna", "--to": TO, "--amount": "1"} | change
    command = ["tx", "send", *(part for pair in options.items() for part in pair), "--json"]
    assert anna(*command, code=exit_code).problem == code
    assert node.chain.height == 0


def test_refusals_name_amounts_in_cos(anna: Cli, node: NodeOfOne) -> None:
    failed = anna("tx", "send", "--from", "anna", "--to", TO, "--amount", "1000000", code=1).err
    assert re.search(r"needs 1000000\.\d{8} COS, \d+\.\d{8} COS can be spent", failed)
    assert "motes" not in failed


@pytest.mark.parametrize("name", ["00", "zz" * 32])
def test_what_is_no_transaction_id_is_refused_in_plain_words(cli: Cli, name: str) -> None:
    failed = cli("tx", "wait", name, code=2).err
    assert "a transaction id has 64 hexadecimal digits" in failed


def test_account_with_another_single_key_than_its_first(anna: Cli, node: NodeOfOne, tmp_path: Path) -> None:
    anna.add_key("new", BERT_SEED)
    change, policy = tmp_path / "change.json", tmp_path / "policy.json"
    anna("keys", "policy", "--key", "new", "--threshold", 1, "--out", policy)
    anna("tx", "build", "--from", "anna", "--set-policy", policy, "--out", change)
    anna("tx", "sign", change, "--key", "anna", "--yes")
    anna("tx", "submit", change)
    old = format_address("cos", ANNA.address)
    command = ["tx", "send", "--from", "new", "--account", old, "--to", TO, "--amount", "1", "--json"]
    assert anna(*command).json["code"] == "ok"
    assert balance(anna) == MOTES_PER_COS


# ── in steps, off line, two of three ─────────────────────────────────────────────────────────────────────

SEEDS = {name: bytes([i]) * 32 for i, name in enumerate(("carl", "dora", "emil"), 1)}


@pytest.fixture
def board(cli: Cli) -> dict[str, Cli]:
    """Three people, each with one key and a keystore of their own."""
    people = {name: cli.as_of(name) for name in SEEDS}
    for name, person in people.items():
        person.add_key(name, SEEDS[name])
    return people


@pytest.fixture
def policy(cli: Cli, tmp_path: Path) -> tuple[Path, str]:
    """The policy file of an account where two of three must sign, and its address."""
    path = tmp_path / "policy.json"
    keys = [part for seed in SEEDS.values() for part in ("--key", public_key_of(seed).hex())]
    made = cli("keys", "policy", *keys, "--threshold", 2, "--out", path, "--json").json
    return path, made["address"]


def test_two_of_three_pay_without_a_network_until_the_end(
    anna: Cli, node: NodeOfOne, board: dict[str, Cli], policy: tuple[Path, str], tmp_path: Path
) -> None:
    path, address = policy
    anna("tx", "send", "--from", "anna", "--to", address, "--amount", "10")
    genesis, unsigned = tmp_path / "genesis.json", tmp_path / "payment.json"
    genesis.write_text(format_genesis(node.chain.genesis))
    offline = ["--genesis", genesis, "--nonce", 0, "--expiry", 500, "--node", "http://nowhere.invalid"]
    built = board["carl"]("tx", "build", "--policy", path, "--to", TO, "--amount", "3", *offline)
    unsigned.write_text(built.out)
    shown = json.loads(built.out)
    assert (shown["body"]["sender"], shown["body"]["actions"][0]["amount"]) == (address, "3.00000000 COS")
    assert shown["missing"] == {"sender_weight": 2, "payer_weight": 0}
    signed = {name: tmp_path / f"{name}.json" for name in ("carl", "emil")}
    for name, out in signed.items():
        board[name]("tx", "sign", unsigned, "--key", name, "--yes", "--out", out)
        assert anna("tx", "submit", out, "--json", code=1).problem == "threshold_not_met"
    both = tmp_path / "both.json"
    anna("tx", "combine", *signed.values(), "--out", both)
    assert anna("tx", "simulate", both, "--json").json["code"] == "ok"
    sent = anna("tx", "submit", both, "--json").json
    assert (sent["code"], sent["id"]) == ("ok", shown["id"])
    assert sent["gas"] == shown["body"]["gas_limit"]
    assert balance(anna) == 3 * MOTES_PER_COS


def test_signing_twice_in_turn_completes_the_file_in_place(
    board: dict[str, Cli], policy: tuple[Path, str], tmp_path: Path
) -> None:
    out = tmp_path / "payment.json"
    offline = ["--genesis", "ab" * 32, "--nonce", 0, "--expiry", 500, "--gas-price", 1]
    command = ["tx", "build", "--policy", policy[0], "--to", TO, "--amount", "3", *offline, "--out", out]
    assert "more signatures" in board["carl"](*command).err
    assert "weight 1" in board["carl"]("tx", "sign", out, "--key", "carl", "--yes").err
    assert "complete" in board["dora"]("tx", "sign", out, "--key", "dora", "--yes").err
    assert "missing      nothing" in board["emil"]("tx", "show", out).out
    raw = bytes.fromhex(json.loads(out.read_text())["raw"])
    assert len(decode_transaction(raw).tx.witness.signatures) == 2


def test_foreign_key_cannot_sign(board: dict[str, Cli], policy: tuple[Path, str], tmp_path: Path) -> None:
    out = tmp_path / "payment.json"
    offline = ["--genesis", "ab" * 32, "--nonce", 0, "--expiry", 500, "--gas-price", 1]
    board["carl"]("tx", "build", "--policy", policy[0], "--to", TO, "--amount", "3", *offline, "--out", out)
    before = out.read_text()
    board["carl"].add_key("other", bytes(32))
    assert (
        board["carl"]("tx", "sign", out, "--key", "other", "--yes", "--json", code=1).problem == "bad_policy"
    )
    assert out.read_text() == before


CHANGES = {
    "amount": lambda shown: shown["body"]["actions"][0].update(amount="1.00000000 COS"),
    "receiver": lambda shown: shown["body"]["actions"][0].update(to=TO[:-1] + "x"),
    "fee": lambda shown: shown["body"].update(fee_max="0.00000000 COS"),
    "added": lambda shown: shown["body"].update(remark="only a draft"),
    "id": lambda shown: shown.update(id="00" * 32),
}


@pytest.mark.parametrize("change", CHANGES)
def test_file_that_shows_another_payment_than_its_bytes_is_not_signed(
    board: dict[str, Cli], policy: tuple[Path, str], tmp_path: Path, change: str
) -> None:
    out = tmp_path / "payment.json"
    offline = ["--genesis", "ab" * 32, "--nonce", 0, "--expiry", 500, "--gas-price", 1]
    board["carl"]("tx", "build", "--policy", policy[0], "--to", TO, "--amount", "900", *offline, "--out", out)
    shown = json.loads(out.read_text())
    CHANGES[change](shown)
    out.write_text(json.dumps(shown))
    failed = board["carl"]("tx", "sign", out, "--key", "carl", "--yes", code=2)
    assert "another transaction than its bytes" in failed.err


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_nothing_is_signed_unless_somebody_agreed(
    board: dict[str, Cli], policy: tuple[Path, str], tmp_path: Path, more: list[str]
) -> None:
    out = tmp_path / "payment.json"
    offline = ["--genesis", "ab" * 32, "--nonce", 0, "--expiry", 500, "--gas-price", 1]
    board["carl"]("tx", "build", "--policy", policy[0], "--to", TO, "--amount", "900", *offline, "--out", out)
    before = out.read_text()
    failed = board["carl"]("tx", "sign", out, "--key", "carl", *more, stdin="n\n", code=2)
    assert "--yes" in failed.err
    assert "bad_argument" in failed.err
    assert out.read_text() == before


def test_offline_building_says_what_it_needs(anna: Cli, tmp_path: Path) -> None:
    command = ["tx", "build", "--from", "anna", "--to", TO, "--amount", "1", "--json"]
    offline = ["--genesis", "ab" * 32, "--nonce", 0, "--expiry", 5]
    assert "--gas-price" in anna(*command, *offline, code=2).err
    assert anna(*command, *offline[:4], code=3).problem == "connection"


def test_build_asks_the_node_for_what_is_not_given(anna: Cli, node: NodeOfOne) -> None:
    anna("tx", "send", "--from", "anna", "--to", TO, "--amount", "1")
    pairs = ["--to", TO, "--amount", "1", "--to", TO, "--amount", "2"]
    body = anna("tx", "build", "--from", "anna", *pairs).json["body"]
    assert (body["nonce"], body["expiry"], len(body["actions"])) == (1, 1_001, 2)
    assert body["anchor"] == f"1:{node.chain.node.head.block_id[:8].hex()}"
    assert anna("tx", "build", "--from", "anna", *pairs[:-2], "--json", code=2).problem == "bad_argument"
    assert anna("tx", "build", "--from", "anna", "--json", code=2).problem == "bad_argument"


def test_account_changes_its_keys_and_goes_on_under_its_address(
    anna: Cli, node: NodeOfOne, board: dict[str, Cli], policy: tuple[Path, str], tmp_path: Path
) -> None:
    path, old = tmp_path / "change.json", format_address("cos", ANNA.address)
    anna("tx", "build", "--from", "anna", "--set-policy", policy[0], "--out", path)
    anna("tx", "sign", path, "--key", "anna", "--yes")
    assert anna("tx", "submit", path, "--json").json["code"] == "ok"
    failed = anna("tx", "send", "--from", "anna", "--to", TO, "--amount", "1", "--json", code=1)
    assert failed.problem == "bad_policy"
    pay = tmp_path / "pay.json"
    board["carl"](
        "tx", "build", "--from", old, "--policy", policy[0], "--to", TO, "--amount", "1", "--out", pay
    )
    for name in ("carl", "dora"):
        board[name]("tx", "sign", pay, "--key", name, "--yes")
    assert anna("tx", "submit", pay, "--json").json["code"] == "ok"
    assert balance(anna) == MOTES_PER_COS


def test_evidence_is_put_on_the_chain(anna: Cli, node: NodeOfOne, tmp_path: Path) -> None:
    culprit = node.chain.validators[0]
    node.chain.add()
    evidence = encode(culprit.double_vote(node.chain.genesis_hash, height=1)).hex()
    path = tmp_path / "accuse.json"
    anna("tx", "build", "--from", "anna", "--accuse", evidence, "--out", path)
    anna("tx", "sign", path, "--key", "anna", "--yes")
    assert anna("tx", "submit", path, "--json").json["code"] == "ok"
    again = tmp_path / "again.json"
    anna("tx", "build", "--from", "anna", "--accuse", evidence, "--out", again)
    anna("tx", "sign", again, "--key", "anna", "--yes")
    failed = anna("tx", "submit", again, "--json", code=1)
    assert failed.json["code"] == "evidence_known"


def test_simulation_needs_no_signatures(anna: Cli, node: NodeOfOne, tmp_path: Path) -> None:
    path = tmp_path / "draft.json"
    anna("tx", "build", "--from", "anna", "--to", TO, "--amount", "1", "--out", path)
    assert anna("tx", "simulate", path, "--json").json == {
        "code": "ok",
        "detail": "",
        "gas": 21_000,
        "fee": "21000",
        "deposit": "0",
        "events": [],
        "returns": [],
        "failed_at": None,
    }
    anna("tx", "build", "--from", "anna", "--to", TO, "--amount", "999999", "--out", path)
    assert "not_enough" in anna("tx", "simulate", path, code=1).out


def test_raw_hex_is_submitted_as_it_is(anna: Cli, node: NodeOfOne, tmp_path: Path) -> None:
    raw = signed_transfer(
        ANNA_SEED, genesis_hash=node.chain.genesis_hash, nonce=0, to=BERT.address, amount=5, gas_price=1
    )
    path = tmp_path / "raw"
    path.write_text(raw.hex() + "\n")
    sent = anna("tx", "submit", path, "--json").json
    assert sent["id"] == tx_id_of(decode_transaction(raw).body).hex()
    path.write_text("zz")
    assert anna("tx", "submit", path, "--json", code=2).problem == "malformed"
    assert anna("tx", "show", path, "--json", code=2).problem == "bad_argument"


def registration(path: Path, node: NodeOfOne, operator: str, keys: list[str]) -> Path:
    """Write a registration file whose signatures hold for nothing."""
    found = {
        "format": "chaosnet-registration/1",
        "genesis": node.chain.genesis_hash.hex(),
        "operator": operator,
        "consensus_key": keys[0],
        "node_key": keys[1],
        "vrf_key": keys[2],
        "proofs": ["00" * 64] * 3,
    }
    path.write_text(json.dumps(found))
    return path


def test_staking_is_built_shown_and_read_again(anna: Cli, node: NodeOfOne, tmp_path: Path) -> None:
    me = format_address("cos", ANNA.address)
    keys = [bytes([fill]).hex() * 32 for fill in (1, 2, 3)]
    path = tmp_path / "stake.json"
    mine = registration(tmp_path / "mine.json", node, me, keys)
    options = ["--register", mine, "--commission", "25"]
    options += ["--withdraw", TO, "--unjail", "--undelegate", f"{TO}:1.5", "--redelegate", f"{TO}:{me}:2"]
    anna("tx", "build", "--from", "anna", *options, "--delegate", f"{me}:3", "--out", path)
    actions = json.loads(path.read_text())["body"]["actions"]
    kinds = ["register", "withdraw", "unjail", "undelegate", "redelegate", "delegate"]
    assert [action["kind"] for action in actions] == kinds
    assert (actions[0]["vrf_key"], actions[0]["commission_permille"]) == (keys[2], 25)
    assert (actions[4]["operator"], actions[4]["to"], actions[4]["motes"]) == (TO, me, "200000000")
    shown = anna("tx", "sign", path, "--key", "anna", "--yes").out
    assert "stand for election again" in shown
    assert anna("tx", "submit", path, "--json", code=1).json["code"] == "key_unproven"
    stranger = registration(tmp_path / "theirs.json", node, TO, keys)
    for wrong in (
        ["--delegate", TO],
        ["--register", stranger],
        ["--delegate", f"{me}:0"],
    ):
        assert anna("tx", "build", "--from", "anna", *wrong, "--json", code=2).problem == "bad_argument"
