"""Contracts in simulated networks: they are there, they are called, and worlds follow from their seed."""

from collections import Counter

from chaosnet.ledger.keys import contract_key
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.sim.cast import account_at
from chaosnet.sim.scenario import Load, Random, Scenario
from chaosnet.sim.traffic import Traffic
from chaosnet.sim.world import World, genesis_for, run_scenario
from tests.machines import machine, new_machine, on_big_stack

SPEC = Scenario(
    name="contracts",
    about="",
    duration_ms=8_000,
    schedule="pow",
    params={"pow_target_ms": 500, "pow_half_life_ms": 20_000, "finality_depth": 30},
    load=Load(per_minute=300, accounts=4, contracts=True),
    random=(Random(kind="partition", every_ms=2_000, always=True), Random(kind="crash", every_ms=3_000)),
)


def test_contracts_are_on_the_chain_and_were_called() -> None:
    def run() -> World:
        world = World(SPEC, 2, None, machine())
        outcome = world.run()
        assert not outcome.violations
        assert outcome.reorganisations
        return world

    world = on_big_stack(run)
    traffic = Traffic(world.dice, world.genesis, [account_at(i) for i in range(4)])
    state = next(host.node.head.state for host in world.hosts if host.node is not None)
    found = [contract for contract in traffic.contracts if state.get(contract_key(contract))]
    assert len(found) >= 2


def test_the_trace_does_not_depend_on_what_a_machine_has_loaded() -> None:
    def run(fresh: bool) -> str:
        return run_scenario(SPEC, 1, None, new_machine() if fresh else machine()).trace_hash

    assert on_big_stack(lambda: run(fresh=True)) == on_big_stack(lambda: run(fresh=False))


def test_a_client_begins_with_a_contract_and_calls_in_every_way() -> None:
    genesis = genesis_for(SPEC, 0)
    world = World(SPEC, 0)
    accounts = [account_at(i) for i in range(4)]
    traffic = Traffic(world.dice, genesis, accounts)
    engines = [
        action.engine for action, _ in (traffic.next(a, 0) for a in accounts) if isinstance(action, Deploy)
    ]
    assert engines == ["lua/1", "js/1", "lua/1", "js/1"]
    calls = [action for action, _ in (traffic.next(accounts[0], n) for n in range(1, 200))]
    methods = Counter(action.method for action in calls if isinstance(action, Call))
    assert set(methods) == {"send", "through", "spin", "nothing"}
