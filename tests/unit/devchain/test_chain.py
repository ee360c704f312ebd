"""A developer's chain is the real ledger: gas, deposits, receipts, and time that somebody turns."""

from collections.abc import Callable
from functools import wraps

import pytest

from chaosnet.base.errors import Invalid, InvalidTransaction
from chaosnet.contracts.faults import GuestFault
from chaosnet.devchain.chain import FUNDS, DevChain
from chaosnet.ledger.apply import full_supply
from tests.machines import machine, on_big_stack

LUA = """
contract{ api=1, name="Box", version="1.0.0", licence="MIT",
  permissions={transfer={"COS"}, call="any"},
  events={Put={"by address", "n int"}},
  storage={count="counter", since="value int"},
  methods={
    put={kind="payable", args={"n int"}, returns="int", run=function(n)
      print("putting", n)
      store.count:add(n)
      store.since:set(ctx.time)
      emit("Put", ctx.caller, n)
      return store.count:get()
    end},
    get={kind="view", returns="int", run=function() return store.count:get() end},
    since={kind="view", returns="int", run=function() return store.since:get() end},
    pay={kind="write", args={"to address", "n int"}, run=function(to, n) transfer(to, n) end},
    fail={kind="write", run=function() revert("no") end},
    on={kind="write", args={"at address"}, returns="int", run=function(at) return call(at, "put", {2}) end},
  } }
"""
JS = """
contract({ api: 1, name: 'Box', version: '1.0.0', licence: 'MIT',
  permissions: { transfer: ['COS'], call: 'any' },
  events: { Put: ['by address', 'n int'] },
  storage: { count: 'counter', since: 'value int' },
  methods: {
    put: { kind: 'payable', args: ['n int'], returns: 'int', run(n) {
      console.log('putting', n)
      store.count.add(n)
      store.since.set(ctx.time)
      emit('Put', ctx.caller, n)
      return store.count.get()
    } },
    get: { kind: 'view', returns: 'int', run() { return store.count.get() } },
    since: { kind: 'view', returns: 'int', run() { return store.since.get() } },
    pay: { kind: 'write', args: ['to address', 'n int'], run(to, n) { transfer(to, n) } },
    fail: { kind: 'write', run() { revert('no') } },
    on: { kind: 'write', args: ['at address'], returns: 'int', run(at) { return call(at, 'put', [2n]) } },
  } })
"""
SOURCES = {"lua/1": LUA, "js/1": JS}


def both(function: Callable[[DevChain, str], None]) -> Callable[[str], None]:
    """Run a test with a deployed box, in each language."""

    @wraps(function)
    def test(engine: str) -> None:
        def run() -> None:
            chain = DevChain(machine())
            made = chain.deploy(SOURCES[engine], engine)
            assert made.is_ok, made.text
            assert isinstance(made.value, str)
            function(chain, made.value)

        on_big_stack(run)

    del test.__wrapped__
    return pytest.mark.parametrize("engine", sorted(SOURCES))(test)


@both
def test_a_call_tells_all(chain: DevChain, box: str) -> None:
    alice = chain.accounts["alice"].text
    done = chain.call(box, "put", 3, sent={"COS": 50})
    assert (done.code, done.value, done.height) == ("ok", 3, 2)
    assert done.gas > 21_000
    assert done.deposit > 0
    assert [(e.contract, e.name, e.values) for e in done.events] == [(box, "Put", [alice, 3])]
    assert done.prints == (["putting", "3"],)
    assert chain.query(box, "get") == 3
    assert chain.balance(box) == 50
    assert chain.interface_of(box).name == "Box"
    assert full_supply(chain.state) == 10 * FUNDS


@both
def test_a_failure_undoes_and_says_why(chain: DevChain, box: str) -> None:
    root = chain.query(box, "get"), chain.balance(box)
    done = chain.call(box, "fail")
    assert (done.code, done.text, done.events) == ("reverted", "no", ())
    assert (chain.query(box, "get"), chain.balance(box)) == root
    with pytest.raises(GuestFault, match="static"):
        chain.query(box, "put", 1)
    with pytest.raises(GuestFault, match="no_method"):
        chain.query(box, "nothing")
    with pytest.raises(InvalidTransaction, match="gas_limit"):
        chain.call(box, "put", 1, gas=1_000)


@both
def test_time_goes_and_comes_back(chain: DevChain, box: str) -> None:
    kept, root = chain.snapshot(), chain.root
    chain.call(box, "put", 1)
    first = chain.query(box, "since")
    chain.advance(blocks=3, seconds=3_600)
    assert chain.height == 5
    chain.call(box, "put", 1)
    assert isinstance(first, int)
    assert chain.query(box, "since") == first + 3_600_000 + 4_000
    chain.revert(kept)
    assert (chain.height, chain.root) == (1, root)
    assert chain.call(box, "put", 1).value == 1
    with pytest.raises(Invalid, match="snapshot"):
        chain.revert(kept + 1)


@both
def test_anybody_can_be_the_sender(chain: DevChain, box: str) -> None:
    assert chain.transfer("bob", 7).is_ok
    assert chain.balance("bob") == FUNDS + 7
    chain.call(box, "put", 1, sender="bob", sent={"COS": 100})
    assert chain.call(box, "pay", chain.accounts["carol"].text, 40).is_ok
    done = chain.call(box, "fail", sender=box)
    assert done.code == "reverted"
    assert (chain.balance("carol"), chain.balance(box)) == (FUNDS + 40, 60)


@both
def test_a_trace_shows_frames_and_what_they_cost(chain: DevChain, box: str) -> None:
    other = chain.deploy(SOURCES["lua/1"], "lua/1").value
    assert isinstance(other, str)
    done = chain.call(box, "on", other)
    assert (done.code, done.value) == ("ok", 2)
    [outer] = chain.tracer.frames
    [inner] = [step.frame for step in outer.steps if step.frame]
    assert (outer.method, outer.code) == ("on", "ok")
    assert (inner.contract, inner.method, inner.args, inner.value) == (other, "put", [2], 2)
    assert 0 < inner.own_fuel < inner.fuel < outer.fuel
    assert outer.own_fuel > 0


def test_the_same_steps_give_the_same_root() -> None:
    def root() -> bytes:
        chain = DevChain(machine())
        box = chain.deploy(LUA, "lua/1").value
        chain.call(str(box), "put", 5, sender="erin")
        return chain.root

    assert on_big_stack(root) == on_big_stack(root)
