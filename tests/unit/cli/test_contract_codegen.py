"""Clients made from an interface work against a node, whatever the contract calls its methods."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chaosnet.base.errors import Refused
from chaosnet.cli.contract_python import class_name
from chaosnet.crypto.addresses import format_address
from tests.machines import call, value_of
from tests.unit.cli.conftest import ANNA, Cli
from tests.unit.cli.contract_node import ContractNode, contract_node

[ANNA_SEED] = ANNA.seeds.values()
LUA = """contract{ api=1, name="till & box 2", version="1.0.0", licence="MIT",
  doc="Keeps \\"\\"\\" coins.\\n*/ import os",
  permissions={}, events={Added={"by address", "n int"}},
  storage={total="counter", at="map text int bytes", last="value address",
    all="list int", by="map address int"},
  init={args={"start int", "self text?"}, run=function(start) store.total:set(start) end},
  methods={
    add={kind="payable", args={"from int", "options int?"}, returns="int", doc="*/ \\'\\'\\'",
    run=function(n, m)
      emit("Added", ctx.caller, n)
      return store.total:add(n + (m or 0) + (ctx.sent.COS or 0))
    end},
    total={kind="view", returns="int", run=function() return store.total:get() end},
    int={kind="view", args={"a map", "b bytes", "c bool"}, returns="list", run=function(a, b, c)
      return {a.n, b, c}
    end},
    deploy={kind="view", returns="text?", run=function() return nil end},
    class={kind="write", args={"text any"}, run=function() revert("no") end},
    _ask={kind="view", returns="int", run=function() return 7 end},
    constructor={kind="view", returns="int", run=function() return 8 end},
  } }
"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContractNode]:
    with contract_node(tmp_path / "chain", monkeypatch) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "till.lua").write_text(LUA)
    return tmp_path / "till.lua"


def module_of(text: str) -> Any:
    module = ModuleType("made")
    exec(compile(text, "made.py", "exec"), module.__dict__)
    return module


def test_python_client_of_a_file_deploys_and_calls(cli: Cli, node: ContractNode, file: Path) -> None:
    out = file.with_name("made.py")
    cli("contract", "codegen", file, "--language", "python", "--out", out)
    made = module_of(out.read_text())
    with node.client() as client:
        till = made.TillBox2.deploy(client, ANNA_SEED, LUA.encode(), 5, None)
        done = till.add(1, options_=2, options=made.Options(sent={"COS": 10}))
        assert (done.value, done.height, done.events[0].name) == (18, 2, "Added")
        assert done.fee > 0
        assert till.total() == 18
        assert till.int({"n": 2**60}, b"\x00\xff", c=True) == [2**60, b"\x00\xff", True]
        assert (till.deploy_(), till._ask_(), till.constructor()) == (None, 7, 8)
        with pytest.raises(Refused, match=r"reverted.*no"):
            till.class_({})
        with pytest.raises(Refused, match="no_method"):
            till._ask("nothing", [])
        with pytest.raises(Refused, match="key_locked"):
            made.TillBox2(client, contract=till.contract_address).add(1)
        assert till.contract_events("Added").events[0].values[1] == 1
        assert node.chain.height == 2
        assert node.backend.query_pool is not None
        node.backend.query_pool.gas_max = 1_000_000
        assert till.add(1).value == 19
        tight = made.Options(gas_limit=1_000)
        with pytest.raises(Refused, match="gas_limit"):
            till.add(1, options=tight)
        with pytest.raises(Refused, match="deposit"):
            made.TillBox2.deploy(client, ANNA_SEED, LUA.encode(), 5, options=made.Options(deposit_max=0))


def test_python_client_of_a_contract_knows_its_address(cli: Cli, node: ContractNode, file: Path) -> None:
    cli.add_key("anna", ANNA_SEED)
    till = cli("contract", "deploy", file, 5, "--from", "anna", "--yes", "--json").json["contract"]
    made = module_of(cli("contract", "codegen", till, "--language", "python").out)
    with node.client() as client:
        assert made.TillBox2(client).total() == 5
        assert till == made.TillBox2.CONTRACT
    nobody = format_address("cos", ANNA.address)
    ran = cli("contract", "codegen", nobody, "--language", "python", "--json", code=1)
    assert ran.problem == "no_contract"


def test_typescript_client(cli: Cli, file: Path) -> None:
    text = cli("contract", "codegen", file, "--language", "typescript", "--json").json["text"]
    assert "export class TillBox2 {" in text
    assert (
        "async add(from: bigint, options_?: bigint | null, options?: Sending): Promise<Done<bigint>> {"
        in text
    )
    assert "async int(a: { [key: string]: Value }, b: Uint8Array, c: boolean): Promise<Value[]> {" in text
    assert "constructor_(): Promise<bigint>" in text
    assert '/** Keeps """ coins. * / import os */' in text


def test_javascript_client_runs(cli: Cli, file: Path) -> None:
    """Only the package's two objects are made up."""
    if shutil.which("node") is None:
        pytest.skip("no node here")
    out = file.with_name("till.mjs")
    cli("contract", "codegen", file, "--language", "javascript", "--out", out)
    script = file.with_name("run.mjs")
    script.write_text("""
import { TillBox2 } from './till.mjs'
const told = []
const ask = async (...given) => { told.push(['query', ...given]); return 7n }
const wallet = {
  query: ask,
  call: async (...given) => { told.push(['call', ...given]); return { value: 8n } },
  deploy: async (...given) => { told.push(['deploy', ...given]); return { value: 'cos1made' } },
}
const till = await TillBox2.deploy(wallet, 'text', 5n)
const added = await till.add(1n, 2n, { sent: { COS: 3n } })
const answers = [till.contractAddress, await till.total(), added.value]
answers.push(await till.constructor_(), await till.deploy())
await new TillBox2({ query: ask }, 'x').add(1n).catch((error) => answers.push(error.message))
const text = (_, value) => (typeof value === 'bigint' ? Number(value) : value)
console.log(JSON.stringify({ told, answers }, text))
""")
    ran = subprocess.run(["node", str(script)], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(ran.stdout)
    assert found["answers"][:5] == ["cos1made", 7, 8, 7, 7]
    assert "need a Wallet" in found["answers"][5]
    assert found["told"][:3] == [
        ["deploy", "lua/1", "text", [5, None], None],
        ["call", "cos1made", "add", [1, 2], {"sent": {"COS": 3}}],
        ["query", "cos1made", "total", []],
    ]


def test_stubs_for_lua_are_lua(cli: Cli, file: Path) -> None:
    text = cli("contract", "codegen", file, "--language", "stubs").out
    for line in (
        "---@class store_at",
        "---@field get fun(self, key1: string, key2: integer): bytes?",
        "---@field last store_last",
        "---@field total counter",
        "---@field push fun(self, value: integer): integer",
    ):
        assert line + "\n" in text
    # Every word that it describes is there in a contract.
    names = {line.split("(")[0][9:] for line in text.splitlines() if line.startswith("function ")}
    assert {"contract", "emit", "token.create", "int.muldiv"} <= names
    checks = " ".join(f"assert({name}, '{name}')" for name in sorted(names))
    source = (
        f'{checks} contract{{api=1, name="X", methods={{x={{kind="view", run=function() return 1 end}}}}}}'
    )
    assert value_of(call("lua/1", source, "x")) == 1


def test_stubs_for_javascript(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "x.js"
    words = ("contract", "int", "decimal", "bytes", "ctx", "emit", "token", "try_call", "console", "verify")
    checks = "".join(f"if (typeof {word} === 'undefined') revert('{word}');" for word in words)
    source.write_text(
        f"{checks} contract({{ api: 1, name: 'X', storage: {{ names: 'map text int' }},"
        " methods: { x: { kind: 'view', run: () => 1n } } })"
    )
    text = cli("contract", "codegen", source, "--language", "stubs").out
    assert all(f"declare function {word}(" in text or f"declare const {word}:" in text for word in words)
    assert "readonly names: MapEntry<[string], bigint>;" in text


def test_names_of_classes() -> None:
    names = {"counter": "Counter", "2 do": "Contract2Do", "": "Contract", "none": "ContractNone"}
    assert class_name("a-b c") == "ABC"
    assert class_name("計") == "Contract"
    assert {name: class_name(name) for name in names} == names
