"""Contracts put on a chain, called, asked and looked at: as a person does it, on a real chain."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chaosnet.cli import contract_query
from chaosnet.crypto.addresses import format_address
from chaosnet.ledger.contracts.books import DEPOSITS
from chaosnet.ledger.overlay import Overlay
from chaosnet.rpc import schema
from tests.unit.cli.conftest import ANNA, Cli
from tests.unit.cli.contract_node import ContractNode, contract_node

[ANNA_SEED] = ANNA.seeds.values()
LUA = """local lists = require("./lists")
contract{ api=1, name="Till", version="1.0.0", licence="MIT", doc="Keeps coins.",
  permissions={transfer={"COS"}}, events={Paid={"to address", "amount int"}},
  storage={total="counter", notes="map text any"},
  init={args={"start int", "note text?"}, kind="payable", run=function(start, note)
    store.total:set(start)
    if note then store.notes:set("first", note) end
  end},
  methods={
    add={kind="payable", args={"n int"}, returns="int", doc="Add.", run=function(n)
      emit("Paid", ctx.caller, ctx.sent.COS or 0)
      return store.total:add(n)
    end},
    keep={kind="write", args={"key text", "value any", "more bytes?"}, doc="Keep.", run=function(k, v, more)
      store.notes:set(k, more or v)
    end},
    total={kind="view", returns="int", doc="All.", run=function() return store.total:get() end},
    note={kind="view", args={"key text"}, doc="A note.", run=function(key) return store.notes:get(key) end},
    who={kind="view", returns="address", doc="Who asks.", run=function() return ctx.caller end},
    fail={kind="write", doc="Fail.", run=function() lists.fail() end},
    refuse={kind="view", doc="Refuse.", run=function() revert("not today") end},
    pay={kind="write", args={"to address", "amount int"}, doc="Pay.", run=function(to, n)
      transfer(to, n)
    end},
  } }
"""
LISTS = """return {
  fail = function()
    local nothing = nil
    return nothing.x
  end,
}
"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContractNode]:
    with contract_node(tmp_path / "chain", monkeypatch) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "lists.lua").write_text(LISTS)
    (tmp_path / "till.lua").write_text(LUA)
    return tmp_path / "till.lua"


@pytest.fixture
def anna(cli: Cli) -> Cli:
    cli.add_key("anna", ANNA_SEED)
    return cli


def deploy(anna: Cli, file: Path, *args: object, code: int = 0) -> Any:
    options = ("--from", "anna", "--yes", "--json")
    return anna("contract", "deploy", file, *args, *options, code=code)


def call(anna: Cli, till: str, *args: object, code: int = 0) -> Any:
    return anna("contract", "call", till, *args, "--from", "anna", "--json", code=code)


def query(anna: Cli, till: str, *args: object) -> Any:
    return anna("contract", "query", till, *args, "--json").json["value"]


def locked(node: ContractNode) -> int:
    return Overlay(node.chain.node.head.state).account(DEPOSITS).balance


def test_from_file_to_answers(anna: Cli, node: ContractNode, file: Path) -> None:
    before = locked(node)
    made = deploy(anna, file, 5, "hello", "--sent", "2.5").json
    till = made["contract"]
    assert till == made["value"]
    assert (made["code"], made["status"], node.chain.height) == ("ok", "final", 1)
    action = made["body"]["actions"][0]
    kept = locked(node) - before
    assert kept <= int(action["deposit_max"]) <= 2 * kept
    assert made["gas"] <= made["body"]["gas_limit"] <= 2 * made["gas"]
    found = anna("contract", "show", till, "--json").json
    assert (found["summary"]["name"], found["balance"]) == ("Till", "250000000")
    assert "function()\n    local nothing" in found["source"]
    called = call(anna, till, "add", 37).json
    assert (called["value"], called["code"]) == (42, "ok")
    assert [(e["name"], e["values"][1]) for e in called["events"]] == [("Paid", 0)]
    assert query(anna, till, "total") == 42
    assert query(anna, till, "note", "first") == "hello"
    assert anna("contract", "query", till, "total").out == "42\n"
    call(anna, till, "add", 1, "--sent", "1.5", "--sent", "0" * 64 + "=1", code=1)
    called = call(anna, till, "add", 1, "--sent", "1.5").json
    assert called["events"][0]["values"][1] == 150_000_000
    said = anna("contract", "events", till, "--json").json["events"]
    assert [event["values"][1] for event in said] == [150_000_000, 0]


def test_what_people_see(anna: Cli, node: ContractNode, file: Path) -> None:
    ran = anna("contract", "deploy", file, 5, "--from", "anna", "--yes")
    for part in (
        "may transfer  COS",
        "add(n int) -> int  Add.",
        "init(start int, note text?)",
        "deposit",
        "fee",
    ):
        assert part in ran.out, part
    till = next(line.split()[1] for line in ran.out.splitlines() if line.startswith("contract"))
    called = anna("contract", "call", till, "add", "37", "--from", "anna")
    assert "Till.add(37)" in called.out
    assert "value        42" in called.out
    assert "Paid(to=cos1" in called.out
    shown = anna("contract", "show", till).out
    assert "may transfer  COS" in shown
    assert "view          total() -> int  All." in shown
    assert anna("contract", "show", till, "--source").out.startswith("-- chaosnet bundle 1\n")
    stored = anna("contract", "show", till, "--storage").out
    assert "total" in stored
    assert "42" in stored
    [line] = anna("contract", "events", till).out.splitlines()
    assert line.split()[0] == "2"
    assert line.endswith("amount=0)")
    view = anna("contract", "call", till, "total", "--from", "anna")
    assert "`chaosnet contract query` answers it without a fee" in view.err


def test_nobody_deploys_by_accident(anna: Cli, node: ContractNode, file: Path) -> None:
    ran = anna("contract", "deploy", file, 5, "--from", "anna", "--json", code=2)
    assert "add --yes" in ran.err
    tried = anna("contract", "deploy", file, 5, "--from", "anna", "--dry-run", "--json").json
    assert (tried["code"], node.chain.height) == ("ok", 0)
    assert int(tried["deposit"]) > 0
    assert "nothing was sent" in anna("contract", "deploy", file, 5, "--from", "anna", "--dry-run").err


def test_failures_are_told_before_anything_is_sent(anna: Cli, node: ContractNode, file: Path) -> None:
    till = deploy(anna, file, 5).json["contract"]
    ran = call(anna, till, "fail", code=1)
    assert ran.problem == "script_error"
    assert "lists.lua:4: " in ran.err
    ran = anna("contract", "query", till, "refuse", "--json", code=1)
    assert ran.problem == "reverted"
    assert "not today" in ran.err
    assert call(anna, till, "pay", till, 10**15, code=1).problem == "not_enough"
    assert call(anna, till, "add", 1, "--gas-limit", 1_000, code=1).problem == "gas_limit"
    ran = call(anna, till, "keep", "a", '"b"', "--deposit-max", "0", code=1)
    assert ran.problem == "deposit"
    assert "of 0.00000000 COS declared (see --deposit-max)" in ran.err
    ran = call(anna, till, "keep", "a", '"b"', "--gas-limit", 25_000, code=1)
    assert ran.problem == "out_of_gas"
    assert "(--gas-limit 25,000)" in ran.err
    assert call(anna, till, "fail", "--force", code=2).problem == "bad_argument"
    assert node.chain.height == 1
    assert anna("contract", "query", till, "nothing", "--json", code=1).problem == "no_method"
    assert anna("contract", "show", "cos1x", "--json", code=2).problem == "bad_address"
    nobody = format_address("cos", ANNA.address)
    assert anna("contract", "show", nobody, "--json", code=1).problem == "no_contract"


def test_a_call_that_will_fail_is_sent_by_force(anna: Cli, node: ContractNode, file: Path) -> None:
    till = deploy(anna, file, 5).json["contract"]
    ran = call(anna, till, "fail", "--force", "--gas-limit", 500_000, code=1)
    assert (ran.json["code"], ran.json["status"]) == ("script_error", "final")
    assert node.chain.height == 2


def test_a_sent_call_that_fails_says_where(anna: Cli, node: ContractNode, file: Path) -> None:
    till = deploy(anna, file, 5).json["contract"]
    # The dry run would tell; a node that tries nothing does not.
    assert node.backend.query_pool is not None
    pool, node.backend.query_pool = node.backend.query_pool, None
    assert call(anna, till, "fail", code=1).problem == "no_contracts"
    ran = call(anna, till, "fail", "--gas-limit", 500_000, "--deposit-max", "0", code=1)
    node.backend.query_pool = pool
    assert ran.json["code"] == "script_error"
    assert ran.json["text"].startswith("lists.lua:4: ")
    assert node.chain.height == 2


def test_arguments_by_their_types(anna: Cli, node: ContractNode, file: Path) -> None:
    till = deploy(anna, file, "1_000").json["contract"]
    assert query(anna, till, "total") == 1_000
    for given, kept in (
        (['{"a": [1, {"$bytes": "00ff"}, null]}'], {"a": [1, {"$bytes": "00ff"}, None]}),
        (["null", "0x00ff"], {"$bytes": "00ff"}),
        ([str(2**60)], {"$int": str(2**60)}),
        (['"text"'], "text"),
    ):
        call(anna, till, "keep", "key", *given)
        assert query(anna, till, "note", "key") == kept
    address = format_address("cos", ANNA.address)
    assert query(anna, till, "who", "--caller", address) == address
    for bad in (
        ("add",),
        ("add", "x"),
        ("add", "1.5"),
        ("add", str(10**30)),
        ("add", 1, 2),
        ("keep", "key", "not json"),
        ("keep", "key", "1.5"),
        ("keep", "key", "1", "xyz"),
        ("pay", "cos1x", "1"),
        ("add", "1", "--sent", "x"),
        ("add", "1", "--sent", "ab=5"),
        ("add", "1", "--sent", "COS=0"),
        ("add", str(2**63)),
    ):
        ran = call(anna, till, *bad, code=2)
        assert ran.problem in ("bad_argument", "bad_address"), bad
    ran = anna("contract", "call", till, "add", "--from", "anna", "--json", "--", "-5")
    assert ran.json["value"] == 995


def test_events_are_followed(
    anna: Cli, node: ContractNode, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = deploy(anna, file, 5).json["contract"]
    call(anna, till, "add", 1)
    looks: list[int] = []

    def pause(_: float) -> None:
        looks.append(1)
        if len(looks) == 3:
            raise KeyboardInterrupt

    client = node.client()
    first = client.events(till).events[0]
    call(anna, till, "add", 2)
    call(anna, till, "add", 3)
    new = list(contract_query._after(client, till, None, first))
    assert [event.height for event in new] == [4, 3]
    assert list(contract_query._after(client, till, "Other", None)) == []
    monkeypatch.setattr("chaosnet.cli.contract_query.time.sleep", pause)
    ran = anna("contract", "events", till, "--follow", "--json", code=130)
    assert len(ran.out.splitlines()) == 3


def test_several_signers_get_a_file(anna: Cli, node: ContractNode, file: Path) -> None:
    till = deploy(anna, file, 5).json["contract"]
    out = file.with_name("call.json")
    ran = anna("contract", "call", till, "add", 37, "--from", "anna", "--out", out, "--json").json
    assert ran["file"] == str(out)
    assert node.chain.height == 1
    anna("tx", "sign", out, "--key", "anna", "--yes")
    done = anna("tx", "submit", out, "--json").json
    assert (done["id"], done["returns"]) == (ran["id"], [42])
    policy = file.with_name("policy.json")
    policy.write_text("{}")
    ran = anna("contract", "call", till, "add", 1, "--from", "anna", "--policy", policy, "--json", code=2)
    assert ran.problem in ("bad_argument", "malformed")


def test_a_node_that_tries_less(anna: Cli, node: ContractNode, file: Path) -> None:
    assert node.backend.query_pool is not None
    node.backend.query_pool.gas_max = 1_000_000
    made = deploy(anna, file, 5).json
    assert made["code"] == "ok"
    assert made["gas"] < made["body"]["gas_limit"] <= 1_000_000


def test_a_contract_cannot_play_with_the_terminal(anna: Cli, node: ContractNode, tmp_path: Path) -> None:
    file = tmp_path / "bad.js"
    evil = "\\u001b[2J\\u202eX\\nmay call  nobody"
    file.write_text(
        f"contract({{ api: 1, name: 'Bad{evil}', doc: '{evil}', events: {{ E: ['t text'] }}, methods: {{"
        f" say: {{ kind: 'view', doc: '{evil}', run: () => '{evil}' }},"
        f" tell: {{ kind: 'write', run() {{ emit('E', '{evil}') }} }},"
        f" fail: {{ kind: 'view', run() {{ revert('{evil}') }} }} }} }})"
    )
    bad = deploy(anna, file).json["contract"]
    called = anna("contract", "call", bad, "tell", "--from", "anna")
    ran = [
        anna("contract", "show", bad),
        anna("contract", "events", bad),
        anna("contract", "query", bad, "say"),
        anna("contract", "query", bad, "fail", code=1),
        called,
    ]
    for one in ran:
        assert not set(one.out + one.err) & {"\x1b", "\u202e"}
        assert "u001b[2J" in one.out + one.err
    assert not [
        line for one in (ran[0], ran[1], called) for line in one.out.splitlines() if line.startswith("may")
    ]


def test_a_call_is_tried_and_sent_behind_one_that_waits(
    anna: Cli, node: ContractNode, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = deploy(anna, file, 5).json["contract"]
    real = node.backend.account

    def waiting(address: str) -> schema.Account:
        found = real(address)
        return replace(found, pending_nonce=found.nonce + 3)

    monkeypatch.setattr(node.backend, "account", waiting)
    out = file.with_name("call.json")
    anna("contract", "call", till, "add", 37, "--from", "anna", "--out", out)
    assert anna("tx", "show", out, "--json").json["body"]["nonce"] == 4
