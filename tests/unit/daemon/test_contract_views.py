"""Contracts, storage, events and tokens as a node shows them, over a real chain with the real engines."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import ChaosError, Invalid, Unavailable
from chaosnet.contracts import values
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon.backend import Identity, NodeBackend
from chaosnet.daemon.config import RpcSection
from chaosnet.daemon.contract_views import PAGE_BYTES_MAX
from chaosnet.daemon.present import SAID_BYTES_MAX
from chaosnet.daemon.query_pool import QueryPool
from chaosnet.kernel.events import Reorganised
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.model.transaction import SignedTx
from chaosnet.rpc import lightclient, schema
from chaosnet.rpc.stream import EventHub
from tests.machines import machine, new_machine, on_big_stack
from tests.making import Person, body_of, signed_by
from tests.real_chain import RealChain
from tests.unit.daemon.test_backend import Shell

ALICE, BOB = Person("alice"), Person("bob")
SOURCE = """
contract{ api=1, name="Box", version="1.0.0", licence="MIT", doc="Keeps numbers.",
  permissions={issue=true, transfer={"own"}, call="any"},
  events={Put={"name text", "n int"}, Made={"id text"}},
  storage={names="map text int"},
  methods={
    put={kind="write", args={"name text", "n int"}, returns="int", run=function(name, n)
      store.names:set(name, n)
      emit("Put", name, n)
      return n
    end},
    twice={kind="write", args={"n int"}, run=function(n)
      emit("Put", "first", n)
      emit("Put", "second", n)
      emit("Made", "x")
    end},
    on={kind="write", args={"at address"}, run=function(at) call(at, "put", {"inner", 7}) end},
    get={kind="view", args={"name text"}, returns="int", run=function(name)
      return store.names:get(name) or 0
    end},
    who={kind="view", returns="address", run=function() return ctx.caller end},
    when={kind="view", returns="int", run=function() return ctx.height end},
    spin={kind="view", run=function() while true do end end},
    fail={kind="write", run=function() revert("no") end},
    mint={kind="write", args={"symbol text"}, returns="text", run=function(symbol)
      return token.create(ctx.caller, 50, map{symbol=symbol, issue=ctx.self, freeze=ctx.caller})
    end},
    give={kind="write", args={"id text", "to address", "n int"}, run=function(id, to, n)
      token.issue(id, to, n)
    end},
  } }
"""


class Stage:
    """A chain with contracts and a backend over it."""

    def __init__(self, directory: Path) -> None:
        self.chain = RealChain(directory, people=[ALICE], machine=machine())
        self.hub = EventHub(first_id=1)
        identity = Identity("alpha", "chaosnet/test", "public")
        self.backend = NodeBackend(Shell(self.chain), self.chain.store, self.hub, identity)  # type: ignore[arg-type]
        self.backend.query_pool = QueryPool(1, RpcSection(query_waiting_max=1), lambda _: new_machine())
        self.nonce = 0

    def close(self) -> None:
        assert self.backend.query_pool is not None
        self.backend.query_pool.close()
        self.chain.store.close()

    def sign(self, *actions: Any, gas: int = 5_000_000) -> SignedTx:
        body = body_of(self.chain.genesis, ALICE, self.nonce, *actions, gas_limit=gas)
        self.nonce += 1
        return signed_by(ALICE, body)

    def grow(self, *txs: SignedTx) -> None:
        block, fact = on_big_stack(lambda: self.chain.commit([tx.raw for tx in txs]))
        self.chain.store.commit_block(block)
        self.backend.on_report(fact)

    def deploy(self, engine: str = "lua/1", source: str = SOURCE) -> str:
        address = contract_id(self.chain.genesis_hash, ALICE.address, self.nonce, 0)
        self.grow(self.sign(Deploy(engine, source.encode(), values.encode([]), 0, 10**9)))
        return format_address("cos", address)

    def call(self, contract: str, method: str, *args: Any, gas: int = 5_000_000) -> SignedTx:
        raw = self.backend._address(contract)
        return self.sign(Call(raw, method, values.encode(list(args)), (), 10**9), gas=gas)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


async def code_of(reading: Any) -> str:
    with pytest.raises(ChaosError) as error:
        await reading
    return error.value.code


async def test_a_contract_shows_itself(stage: Stage) -> None:
    box = stage.deploy()
    other = stage.deploy()
    found = stage.backend.contract(box)
    assert (found.summary.name, found.summary.engine, found.summary.height) == ("Box", "lua/1", 1)
    assert found.source == SOURCE
    assert found.interface["doc"] == "Keeps numbers."
    assert found.interface["methods"]["get"]["args"] == ["name text"]  # type: ignore[index]
    first = await stage.backend.contracts(None, 1)
    assert [c.address for c in first.contracts] == [other]
    second = await stage.backend.contracts(first.next, 5)
    assert ([c.address for c in second.contracts], second.next) == ([box], None)
    with pytest.raises(Invalid, match="no_contract"):
        stage.backend.contract(format_address("cos", BOB.address))
    assert await code_of(stage.backend.contracts("x", 5)) == "bad_argument"


async def test_storage_in_pages_and_proved(stage: Stage) -> None:
    box = stage.deploy()
    stage.grow(*(stage.call(box, "put", f"n{i}", i) for i in range(5)))
    first = stage.backend.contract_storage(box, ["names"], None, 3)
    assert [(e.key, e.value) for e in first.entries] == [(["names", f"n{i}"], i) for i in range(3)]
    after: Any = ["names", "n2"]
    assert first.next == '["names","n2"]'
    rest = stage.backend.contract_storage(box, [], after, 3)
    assert ([e.value for e in rest.entries], rest.next) == ([3, 4], None)
    assert stage.backend.storage_entry(box, ["names", "n3"]).value == 3
    with pytest.raises(Invalid, match="not_found"):
        stage.backend.storage_entry(box, ["names", "n9"])
    proof = stage.backend.storage_proof(box, ["names", "n3"], None, 0)
    checked = lightclient.check_storage_proof(proof, genesis_hash=stage.chain.genesis_hash)
    assert checked.value == values.encode(3)
    absent = stage.backend.storage_proof(box, ["names", "n9"], None, 0)
    assert lightclient.check_storage_proof(absent, genesis_hash=stage.chain.genesis_hash).value is None
    for wrong in (
        {"value": encode([1_000, 4]).hex()},
        {"value": None},
        {"storage_key": ["names", "n4"]},
        {"contract": format_address("cos", BOB.address)},
    ):
        changed = schema.StorageProof(**{**{f: getattr(proof, f) for f in proof.__struct_fields__}, **wrong})
        with pytest.raises(Invalid, match="proof_invalid"):
            lightclient.check_storage_proof(changed, genesis_hash=stage.chain.genesis_hash)
    with pytest.raises(Invalid, match="bad_argument"):
        stage.backend.contract_storage(box, [True], None, 3)


async def test_events_in_pages_by_contract_and_name(stage: Stage) -> None:
    box, other = stage.deploy(), stage.deploy()
    stage.grow(stage.call(box, "put", "a", 1), stage.call(other, "on", box))
    stage.grow(stage.call(box, "twice", 2), stage.call(box, "fail"))

    async def all_of(contract: str | None, name: str | None, limit: int) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        cursor = None
        for _ in range(20):
            page = await stage.backend.events(contract, name, cursor, limit)
            assert len(page.events) <= limit
            found += [(event.name, event.values) for event in page.events]
            if page.next is None:
                return found
            cursor = page.next
        raise AssertionError("the pages do not end")

    puts: list[tuple[str, Any]] = [
        ("Put", ["second", 2]),
        ("Put", ["first", 2]),
        ("Put", ["inner", 7]),
        ("Put", ["a", 1]),
    ]
    every = [("Made", ["x"]), *puts]
    for limit in (1, 2, 3, 50):
        assert await all_of(box, None, limit) == every
        assert await all_of(None, None, limit) == every
        assert await all_of(box, "Put", limit) == puts
        assert await all_of(box, "Made", limit) == every[:1]
        assert await all_of(other, None, limit) == []
    assert await code_of(stage.backend.events(None, None, "1.2", 5)) == "bad_argument"


async def test_a_transaction_tells_events_values_and_failures(stage: Stage) -> None:
    box = stage.deploy()
    good, bad = stage.call(box, "put", "a", 2**60), stage.call(box, "fail")
    stage.grow(good, bad)
    found = await stage.backend.transaction(good.tx_id.hex())
    assert (found.code, found.returns, found.failed_at) == ("ok", [{"$int": str(2**60)}], None)
    assert [(e.name, e.contract, e.tx_id) for e in found.events] == [("Put", box, good.tx_id.hex())]
    found = await stage.backend.transaction(bad.tx_id.hex())
    assert (found.code, found.text, found.failed_at, found.events) == ("reverted", "no", 0, [])


async def test_what_a_branch_said_goes_with_it(stage: Stage) -> None:
    box = stage.deploy()
    common = stage.chain.node.head
    lost = (stage.call(box, "put", "a", 1), stage.call(box, "mint", "ONE"))
    made = on_big_stack(lambda: stage.chain.add_unfinal([tx.raw for tx in lost]))
    stage.backend.on_report(made[1])
    old_id = made[1].block_id
    token = (await stage.backend.tokens(None, 5)).tokens[0].id
    assert len((await stage.backend.token_transfers(token, None, 5)).transfers) == 1
    assert len((await stage.backend.events(box, None, None, 5)).events) == 1
    stage.chain.roll_back(common)
    assert (await stage.backend.events(box, None, None, 5)).events == []
    _, fact = on_big_stack(lambda: stage.chain.add_unfinal([]))
    stage.backend.on_report(fact)
    stage.backend.on_report(Reorganised(2, old_id, 2, fact.block_id, common_height=1, dropped=()))
    assert (await stage.backend.events(None, None, None, 5)).events == []
    assert (await stage.backend.tokens(None, 5)).tokens == []
    held = await stage.backend.account_tokens(format_address("cos", ALICE.address), None, 5)
    assert held.holdings == []
    assert stage.backend.contract_storage(box, [], None, 5).entries == []
    with pytest.raises(Invalid, match="no_token"):
        await stage.backend.token_transfers(token, None, 5)
    assert [c.address for c in (await stage.backend.contracts(None, 5)).contracts] == [box]


async def test_the_stream_tells_what_contracts_said(stage: Stage) -> None:
    box = stage.deploy()
    reader = stage.hub.subscribe(0, kinds=("said",))
    await reader.next_chunk()
    silent, loud = stage.call(box, "fail"), stage.call(box, "twice", 5)
    stage.grow(silent, loud)
    stage.grow()
    frame = await reader.next_chunk()
    assert frame.count(b"event: said") == 1
    (line,) = [line for line in frame.splitlines() if line.startswith(b"data: ")]
    told = msgspec.json.decode(line.removeprefix(b"data: "), type=schema.SaidEvent)
    assert (told.height, told.is_final) == (2, True)
    assert [(e.tx_id, e.index, e.name) for e in told.events] == [
        (loud.tx_id.hex(), i, name) for i, name in enumerate(("Put", "Put", "Made"))
    ]


HEAVY = """
local e, all = map{}, {} for i = 1, 4080 do all[i] = e end
contract{ api=1, name="Heavy", version="1", licence="MIT", storage={m="map int any"}, events={E={"what any"}},
  methods={ fill={kind="write", args={"n int"}, run=function(n) for i = 1, n do store.m:set(i, all) end end},
    shout={kind="write", args={"n int"}, run=function(n) for i = 1, n do emit("E", all) end end} } }
"""


async def test_large_values_come_in_shorter_pages_and_the_stream_leaves_some_out(stage: Stage) -> None:
    heavy = stage.deploy(source=HEAVY)
    reader = stage.hub.subscribe(0, kinds=("said",))
    await reader.next_chunk()
    stage.grow(stage.call(heavy, "fill", 20, gas=20_000_000), stage.call(heavy, "shout", 20, gas=20_000_000))
    stage.grow()
    frame = await reader.next_chunk()
    (line,) = [line for line in frame.splitlines() if line.startswith(b"data: ")]
    told = msgspec.json.decode(line.removeprefix(b"data: "), type=schema.SaidEvent)
    assert len(told.events) == SAID_BYTES_MAX // 4_083
    assert len(told.events) + told.left_out == 20
    seen: list[object] = []
    after: list[object] | None = None
    pages = 0
    while after is not None or not pages:
        page = stage.backend.contract_storage(heavy, [], after, 100)
        assert 0 < len(page.entries) <= PAGE_BYTES_MAX // 4_083
        seen += [entry.key[1] for entry in page.entries]
        after = None if page.next is None else msgspec.json.decode(page.next)
        pages += 1
    assert seen == list(range(1, 21))


async def test_an_event_is_proved_against_its_header(stage: Stage) -> None:
    box = stage.deploy()
    tx = stage.call(box, "twice", 5)
    stage.grow(stage.call(box, "put", "a", 1), tx)
    stage.grow()
    proof = await stage.backend.event_proof(tx.tx_id.hex(), 1, 0)
    checked = lightclient.check_event_proof(proof, genesis_hash=stage.chain.genesis_hash)
    assert (checked.event.name, values.decode(checked.event.values)) == ("Put", ["second", 5])
    assert (checked.tx_id, checked.header.height) == (tx.tx_id, 2)
    fields = {name: getattr(proof, name) for name in proof.__struct_fields__}
    other = await stage.backend.event_proof(tx.tx_id.hex(), 0, 0)
    wrongs: list[dict[str, Any]] = [
        {"event": other.event},
        {"event_index": 0},
        {"receipt_path": []},
        {"position": 1 - proof.position},
    ]
    for wrong in wrongs:
        with pytest.raises(Invalid, match="proof_invalid"):
            changed = schema.EventProof(**{**fields, **wrong})
            lightclient.check_event_proof(changed, genesis_hash=stage.chain.genesis_hash)
    assert await code_of(stage.backend.event_proof(tx.tx_id.hex(), 3, 0)) == "not_found"
    assert await code_of(stage.backend.event_proof("00" * 32, 0, 0)) == "not_found"


async def test_questions_change_nothing_and_are_bounded(stage: Stage) -> None:
    box = stage.deploy()
    stage.grow(stage.call(box, "put", "a", 9))
    root = stage.chain.node.head.state.root

    async def ask(method: str, *args: object, **more: Any) -> schema.Answer:
        return await stage.backend.query(box, schema.Query(method=method, args=list(args), **more))

    answer = await ask("get", "a")
    assert (answer.code, answer.value, answer.height) == ("ok", 9, 2)
    assert answer.gas > 0
    bob = format_address("cos", BOB.address)
    assert (await ask("who", caller=bob)).value == bob
    assert (await ask("when")).value == 3
    assert (await ask("put", "a", 1)).code == "static"
    assert (await ask("nothing")).code == "no_method"
    assert (await ask("get", 5)).code == "bad_args"
    spun = await ask("spin", gas=100_000)
    assert (spun.code, spun.gas) == ("out_of_gas", 100_000)
    assert await code_of(ask("get", "a", gas=10**9)) == "gas_limit"
    assert await code_of(ask("get", 1.5)) == "bad_argument"
    assert stage.chain.node.head.state.root == root


async def test_a_dry_run_tells_gas_deposit_and_events(stage: Stage) -> None:
    box = stage.deploy()
    tx = stage.call(box, "put", "a", 3)
    tried = await stage.backend.simulate(tx.raw)
    stage.grow(tx)
    done = await stage.backend.transaction(tx.tx_id.hex())
    assert (tried.code, tried.gas, tried.returns) == ("ok", done.gas, [3])
    assert int(tried.deposit) > 0
    assert [event.name for event in tried.events] == ["Put"]
    failing = await stage.backend.simulate(stage.call(box, "fail").raw)
    assert (failing.code, failing.detail, failing.failed_at) == ("reverted", "no", 0)
    stage.nonce -= 1
    assert (
        await stage.backend.simulate(stage.sign(*_calls(box, stage), gas=50_000_000).raw)
    ).code == "gas_limit"


def _calls(box: str, stage: Stage) -> list[Call]:
    return [Call(stage.backend._address(box), "fail", values.encode([]), (), 0)]


async def test_a_full_pool_refuses_at_once(stage: Stage) -> None:
    box = stage.deploy()
    question = schema.Query(method="spin", args=[], gas=5_000_000)
    waiting = [asyncio.ensure_future(stage.backend.query(box, question)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="overloaded"):
        await stage.backend.query(box, question)
    assert [answer.code for answer in await asyncio.gather(*waiting)] == ["out_of_gas"] * 2
    assert (await stage.backend.query(box, schema.Query(method="when", args=[]))).code == "ok"
