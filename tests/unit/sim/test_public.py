"""The public network from its first block: all coins are mined, none beyond; the team waits for its own."""

import pytest

from chaosnet.base.units import MOTES_PER_COS, YEAR_MS
from chaosnet.ledger.accounts import decode_account, spendable, total
from chaosnet.ledger.apply import full_supply
from chaosnet.ledger.keys import account_key
from chaosnet.model.genesis import supply_at
from chaosnet.sim.cast import account_at
from chaosnet.sim.scenario import Expect, Load, Scenario
from chaosnet.sim.world import World

ALL = 10_000_000 * MOTES_PER_COS
BLOCKS = 12
SPEC = Scenario(
    name="public",
    about="",
    duration_ms=25_000,
    founding_blocks=BLOCKS,
    params={
        "slot_ms": 500,
        "epoch_blocks": 10,
        "pow_target_ms": 500,
        "pow_half_life_ms": 20_000,
        "finality_depth": 6,
        "handover_depth": 6,
    },
    load=Load(per_minute=60),
    expect=Expect(recover_ms=90_000),
)


@pytest.fixture(scope="module")
def world() -> World:
    world = World(SPEC, 1)
    outcome = world.run()
    assert outcome.violations == ()
    assert outcome.height > BLOCKS + 3
    return world


def test_the_pow_era_mines_exactly_ten_million(world: World) -> None:
    assert supply_at(world.genesis, 0) == 0
    assert supply_at(world.genesis, BLOCKS) == ALL
    assert supply_at(world.genesis, BLOCKS + 1_000_000) == ALL


def test_every_block_has_the_supply_of_its_height(world: World) -> None:
    host = world.hosts[0]
    assert host.node is not None
    state = host.node.head.state
    heights = range(host.node.head.header.height, 0, -1)
    engines = []
    for height in heights:
        if height in host.disk.blocks:
            block = host.disk.blocks[height]
            assert full_supply(state) == supply_at(world.genesis, height)
            assert height < BLOCKS or full_supply(state) == ALL
            engines.append(block.header.engine)
            state = state.update(block.undo)
    assert engines[-BLOCKS:] == ["pow"] * BLOCKS
    assert set(engines[:-BLOCKS]) == {"pos"}


def test_the_team_lock_opens_after_two_years_by_a_fifth_each_year(world: World) -> None:
    host = world.hosts[0]
    assert host.node is not None
    value = host.node.head.state.get(account_key(account_at(2).address))
    assert value is not None
    team, start = decode_account(value), world.genesis.time_ms
    share = 1_000_000 * MOTES_PER_COS
    assert total(team) == share
    assert spendable(team, start, start + 2 * YEAR_MS - 1) == 0
    free = [spendable(team, start, start + years * YEAR_MS) for years in range(9)]
    assert free == [0, 0, *(share * fifths // 5 for fifths in range(1, 6)), share, share]
