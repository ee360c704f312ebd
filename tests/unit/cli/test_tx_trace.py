"""`chaosnet tx trace`: what happened inside a transaction, from a node's data."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaosnet.cli.tx_trace import OPERATIONS
from chaosnet.contracts import ops
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon import tracing
from chaosnet.ledger.context import Context
from chaosnet.model.genesis_json import format_genesis
from chaosnet.storage.reader import ChainView
from tests.unit.cli.conftest import ANNA, Cli
from tests.unit.cli.contract_node import ContractNode, contract_node

[ANNA_SEED] = ANNA.seeds.values()
ANNA_TEXT = format_address("cos", ANNA.address)
LUA = """local lists = require("./lists")
contract{ api=1, name="Till", version="1.0.0", licence="MIT",
  permissions={call="any"}, events={Added={"n int"}}, storage={total="counter"},
  init={args={"start int", "note text?"}, run=function(start) store.total:set(start) end},
  methods={
    add={kind="write", args={"n int", "note text?"}, returns="int", run=function(n)
      emit("Added", n)
      return store.total:add(n)
    end},
    on={kind="write", args={"at address", "method text"}, run=function(at, method)
      return try_call(at, method, {5}).ok
    end},
    fail={kind="write", args={"n int"}, run=function() lists.fail() end},
    pay={kind="write", args={"n int"}, run=function(n) transfer(ctx.caller, n) end},
  } }
"""
LISTS = "return {\n  fail = function()\n    local nothing = nil\n    return nothing.x\n  end,\n}\n"


class Stage:
    """A chain with a contract that has been used, and a command that traces it."""

    def __init__(self, cli: Cli, node: ContractNode, folder: Path) -> None:
        self.cli, self.node = cli, node
        cli.add_key("anna", ANNA_SEED)
        self.directory = node.chain.store.directory
        self.genesis = folder / "genesis.json"
        self.genesis.write_text(format_genesis(node.chain.genesis))
        (folder / "lists.lua").write_text(LISTS)
        (folder / "till.lua").write_text(LUA)
        made = cli("contract", "deploy", folder / "till.lua", 5, "--from", "anna", "--yes", "--json").json
        self.till, self.deployed = made["contract"], made

    def call(self, *args: object, code: int = 0) -> Any:
        limits = ("--gas-limit", 2_000_000, "--deposit-max", "1")
        options = ("--from", "anna", "--json", *limits)
        pool, self.node.backend.query_pool = self.node.backend.query_pool, None  # what fails is sent too
        try:
            return self.cli("contract", "call", self.till, *args, *options, code=code).json
        finally:
            self.node.backend.query_pool = pool

    def trace(self, tx_id: str, *more: str, code: int = 0) -> Any:
        way = ("--data-dir", self.directory, "--genesis", self.genesis)
        return self.cli("tx", "trace", tx_id, *way, *more, code=code)


@pytest.fixture
def stage(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with contract_node(tmp_path / "chain", monkeypatch) as node:
        yield Stage(cli, node, tmp_path)


def test_frames_steps_and_gas(stage: Stage) -> None:
    called = stage.call("add", 37)
    stage.call("add", 1)
    found = stage.trace(called["id"], "--json").json
    assert (found["code"], found["gas"], found["height"]) == ("ok", called["gas"], 2)
    [frame] = found["frames"]
    assert (frame["contract"], frame["name"], frame["method"]) == (stage.till, "Till", "add")
    assert (frame["args"], frame["value"]) == ([37, None], 42)
    steps = [(step["op"], step["asked"], step["answered"]) for step in frame["steps"]]
    assert steps == [
        ("emit", ["Added", [37]], None),
        ("get", ["total"], 5),
        ("set", [["total"], 42], None),
    ]
    assert frame["gas"] >= sum(step["gas"] for step in frame["steps"]) > 1_000
    text = stage.trace(called["id"]).out
    assert "Till.add(37, null)" in text
    assert "  get total = 5  " in text
    assert "-> 42" in text


def test_calls_inside_and_what_was_rolled_back(stage: Stage) -> None:
    found = stage.trace(stage.call("on", stage.till, "add")["id"], "--json").json
    [outer] = found["frames"]
    [call] = outer["steps"]
    assert (call["op"], call["answered"][:2], call["frame"]) == ("call", [False, "reentered"], None)
    file = stage.genesis.parent / "till.lua"
    other = stage.cli("contract", "deploy", file, 1, "--from", "anna", "--yes", "--json")
    found = stage.trace(stage.call("on", other.json["contract"], "fail")["id"], "--json").json
    inner = found["frames"][0]["steps"][0]["frame"]
    assert (inner["contract"], inner["code"]) == (other.json["contract"], "script_error")
    assert inner["text"].startswith("lists.lua:4: ")
    assert "      !! script_error: lists.lua:4: " in stage.trace(found["id"]).out.replace(
        "    !!", "      !!"
    )


def test_failures_have_their_place(stage: Stage) -> None:
    failed = stage.call("fail", 1, code=1)
    found = stage.trace(failed["id"], "--json").json
    assert (found["code"], found["failed_at"]) == ("script_error", 0)
    assert found["frames"][0]["text"].startswith("lists.lua:4: ")
    assert "!! script_error: lists.lua:4: " in stage.trace(failed["id"]).out
    refused = stage.call("pay", 1, code=1)
    steps = stage.trace(refused["id"], "--json").json["frames"][0]["steps"]
    assert (steps[-1]["op"], steps[-1]["fault"]) == ("transfer", "permission")
    assert "!! permission" in stage.trace(refused["id"]).out


def test_deployments_show_their_init(stage: Stage) -> None:
    found = stage.trace(stage.deployed["id"], "--json").json
    assert [frame["method"] for frame in found["frames"]] == ["@interface", "@init"]
    assert {frame["contract"] for frame in found["frames"]} == {stage.till}


def test_old_blocks_are_executed_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    called = stage.call("add", 37)
    stage.call("add", 1)
    monkeypatch.setattr(ChainView, "undo", lambda *_: None)
    found = stage.trace(called["id"], "--json").json
    assert found["frames"][0]["value"] == 42


def test_what_has_no_contract_or_is_not_there(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = stage.cli(
        "tx", "send", "--from", "anna", "--to", ANNA_TEXT, "--amount", "1", "--json", code=0
    ).json
    assert "no contract ran" in stage.trace(sent["id"]).out
    assert stage.trace("00" * 32, "--json", code=1).problem == "not_found"
    assert stage.trace("00", "--json", code=2).problem == "bad_argument"
    assert stage.cli("tx", "trace", sent["id"], "--json", code=2).problem == "bad_argument"
    nowhere = ("--data-dir", stage.directory / "none", "--genesis", stage.genesis)
    assert stage.cli("tx", "trace", sent["id"], *nowhere, "--json", code=2).problem == "bad_argument"


def test_another_end_than_the_stored_one_is_damage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    called = stage.call("add", 37)
    original = tracing._context

    def dearer(*given: Any) -> Context:
        context = original(*given)
        gas = replace(context.rules.gas, tx_base=context.rules.gas.tx_base + 1)
        return replace(context, rules=replace(context.rules, gas=gas))

    monkeypatch.setattr(tracing, "_context", dearer)
    assert stage.trace(called["id"], "--json", code=1).problem == "data_damaged"


def test_every_operation_has_a_name() -> None:
    others = {"ENTRY_OVERHEAD", "DEPTH_MAX", "EVENTS_MAX"}
    numbers = {
        value
        for name, value in vars(ops).items()
        if name.isupper() and isinstance(value, int) and value <= ops.PRINT and name not in others
    }
    assert numbers == set(OPERATIONS)
