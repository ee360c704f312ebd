"""The ledger with the real engines: the same contract in both languages does the same to the state."""

from collections.abc import Callable
from typing import Any

import pytest

from chaosnet.contracts.values import encode
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Call, Deploy
from tests.fake_machine import ADA, BOB, Bench
from tests.machines import machine, on_big_stack

LUA = """
contract{ api=1, name="Token", version="1.0.0", licence="MIT",
  permissions={issue=true, transfer={"own"}, call="any"},
  events={Moved={"from address", "to address", "amount int"}},
  storage={balances="map address int"},
  init={args={"supply int"}, run=function(supply) store.balances:set(ctx.caller, supply) end},
  methods={
    move={kind="write", args={"to address", "amount int"}, run=function(to, amount)
      local from = ctx.caller
      local left = (store.balances:get(from) or 0) - amount
      if left < 0 then revert("too little") end
      store.balances:set(from, left)
      store.balances:set(to, (store.balances:get(to) or 0) + amount)
      emit("Moved", from, to, amount)
    end},
    held={kind="view", args={"of address"}, returns="int", run=function(of)
      return store.balances:get(of) or 0
    end},
    mint={kind="write", returns="text", run=function()
      return token.create(ctx.caller, 50, map{symbol="TOK"})
    end},
    spin={kind="write", run=function() while true do end end},
    tried={kind="write", args={"at address"}, returns="list", run=function(at)
      return {try_call(at, "spin", {}, {fuel=1000000})}
    end},
    again={kind="write", args={"at address"}, run=function(at) call(at, "spin") end},
  } }
"""
JS = """
contract({ api: 1, name: 'Token', version: '1.0.0', licence: 'MIT',
  permissions: { issue: true, transfer: ['own'], call: 'any' },
  events: { Moved: ['from address', 'to address', 'amount int'] },
  storage: { balances: 'map address int' },
  init: { args: ['supply int'], run(supply) { store.balances.set(ctx.caller, supply) } },
  methods: {
    move: { kind: 'write', args: ['to address', 'amount int'], run(to, amount) {
      const from = ctx.caller
      const left = (store.balances.get(from) ?? 0n) - amount
      if (left < 0n) revert('too little')
      store.balances.set(from, left)
      store.balances.set(to, (store.balances.get(to) ?? 0n) + amount)
      emit('Moved', from, to, amount)
    } },
    held: { kind: 'view', args: ['of address'], returns: 'int', run(of) {
      return store.balances.get(of) ?? 0n
    } },
    mint: { kind: 'write', returns: 'text', run() {
      return token.create(ctx.caller, 50n, { symbol: 'TOK' })
    } },
    spin: { kind: 'write', run() { for (;;); } },
    tried: { kind: 'write', args: ['at address'], returns: 'list', run(at) {
      const answer = try_call(at, 'spin', [], { fuel: 1000000n })
      return [answer.ok, answer.code]
    } },
    again: { kind: 'write', args: ['at address'], run(at) { call(at, 'spin') } },
  } })
"""
SOURCES = {"lua/1": LUA, "js/1": JS}


def in_thread(function: Callable[[str], None]) -> Callable[[str], None]:
    def test(engine: str) -> None:
        on_big_stack(lambda: function(engine))

    return pytest.mark.parametrize("engine", sorted(SOURCES))(test)


def deployed(engine: str) -> tuple[Bench, bytes]:
    bench = Bench(machine())
    address = contract_id(bench.hash, ADA.address, 0, 0)
    action = Deploy(engine, SOURCES[engine].encode(), encode([1_000]), 0, 10**8)
    receipt, outcome = bench.run(ADA, action)
    assert receipt.code == "ok", f"{receipt.code} {outcome.text}"
    return bench, address


@in_thread
def test_a_token_in_storage(engine: str) -> None:
    bench, token = deployed(engine)
    bob = bench.text(BOB.address)
    receipt, outcome = bench.call(token, "move", bob, 30)
    assert receipt.code == "ok", outcome.text
    assert receipt.gas < 100_000
    assert [event.name for event in outcome.events] == ["Moved"]
    assert bench.value(token, "held", bob) == 30
    assert bench.value(token, "held", bench.text(ADA.address)) == 970
    receipt, outcome = bench.call(token, "move", bob, 971)
    assert (receipt.code, outcome.text) == ("reverted", "too little")
    assert len(bench.value(token, "mint")) == 64


@in_thread
def test_endless_loops_end(engine: str) -> None:
    bench, first = deployed(engine)
    assert bench.code(first, "spin", gas=300_000) == "out_of_gas"
    second = contract_id(bench.hash, BOB.address, 0, 0)
    bench.run(BOB, Deploy(engine, SOURCES[engine].encode(), encode([1]), 0, 10**8))
    receipt, outcome = bench.call(first, "tried", bench.text(second))
    assert receipt.code == "ok", outcome.text
    assert b"out_of_gas" in outcome.returns[0]
    action = Call(first, "again", encode([bench.text(second)]), (), 0)
    receipt, _ = bench.run(ADA, action, gas=300_000)
    assert (receipt.code, receipt.gas) == ("out_of_gas", 300_000)


def test_both_languages_change_the_state_alike() -> None:
    def changed(engine: str) -> Any:
        bench, token = deployed(engine)
        bench.call(token, "move", bench.text(BOB.address), 30)
        return {k: v for k, v in bench.overlay.changes().new.items() if k.startswith(b"c/")}

    assert on_big_stack(lambda: changed("lua/1")) == on_big_stack(lambda: changed("js/1"))
