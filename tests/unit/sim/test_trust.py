"""The checkers hold a node to what it trusts, and only to that."""

from pathlib import Path

import msgspec

from chaosnet.sim.scenario import Scenario, load_scenario
from chaosnet.sim.world import World, run_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def newcomer(engine: str, trust_period_ms: int) -> Scenario:
    spec = load_scenario(SCENARIOS / f"{engine}_untrusted_newcomer.toml")
    params = spec.params | {"trust_period_ms": trust_period_ms}
    return msgspec.structs.replace(spec, params=params)


def test_a_newcomer_that_trusts_what_old_keys_made_is_a_violation() -> None:
    """The network is younger than this trust period: its keys have no right to lie yet."""
    spec = newcomer("pbft", 3_600_000)
    assert {violation.code for violation in run_scenario(spec, 0).violations} == {"fork", "not_in_doubt"}


def test_a_newcomer_that_says_it_is_in_doubt_is_none_though_it_holds_another_chain() -> None:
    spec = newcomer("pbft", 15_000)
    world = World(spec, 0)
    assert world.run().violations == ()
    fooled, honest = world.hosts[4], world.hosts[0]
    assert fooled.disk.height > 5
    assert fooled.disk.block_id_at(5) != honest.disk.block_id_at(5)


def test_a_pin_leads_a_newcomer_to_the_chain_of_the_others() -> None:
    world = World(load_scenario(SCENARIOS / "pbft_pinned_newcomer.toml"), 1)
    assert world.run().violations == ()
    newcomer, honest = world.hosts[4], world.hosts[0]
    assert newcomer.pinned is not None
    height, block_id = newcomer.pinned
    assert newcomer.disk.block_id_at(height) == honest.disk.block_id_at(height) == block_id
    assert newcomer.node is not None
    assert newcomer.node.is_trusted
