"""Chains that can fork: growth, forks, reorganisations, finality."""

from chaosnet.kernel import events as ev
from tests.unit.kernel.ring import Ring


def test_miners_grow_one_chain_and_it_becomes_final() -> None:
    ring = Ring("pow").start()
    for i in range(12):
        ring.find(i % 4)
    assert ring.heights() == [12] * 4
    assert ring.agreed()
    assert ring.finals() == [6] * 4


def test_after_a_split_the_branch_with_more_work_is_followed() -> None:
    ring = Ring("pow").start()
    ring.find(0)
    ring.cut = lambda a, b: (a < 2) != (b < 2)
    ring.find(0)
    for _ in range(3):
        ring.find(2)
    assert ring.heights() == [2, 2, 4, 4]
    ring.heal()
    ring.find(3)
    ring.pass_ms(5_000)
    assert ring.agreed()
    assert ring.heights() == [5] * 4
    reorganised = [f for f in ring.machines[0].reports if isinstance(f, ev.Reorganised)]
    assert [(f.old_height, f.common_height) for f in reorganised] == [(2, 1)]
    assert ring.machines[0].disk.rolled_back == [1]


def test_a_node_that_was_away_gets_back_its_tree_and_follows() -> None:
    ring = Ring("pow").start()
    for i in range(9):
        ring.find(i % 3)
    ring.down.add(3)
    for i in range(3):
        ring.find(i)
    ring.restart(3)
    ring.pass_ms(5_000)
    assert ring.heights() == [12] * 4
    assert ring.agreed()
    assert ring.finals() == [6] * 4


def test_leaders_by_lottery_finalise() -> None:
    ring = Ring("pos").start()
    ring.pass_ms(120_000)
    assert min(ring.heights()) > 25
    assert ring.agreed()
    assert min(ring.finals()) >= min(ring.heights()) - 15
    assert len({m.node.head.epoch.seed for m in ring.machines if m.node.head.epoch}) == 1


def test_delegates_take_turns_and_finalise() -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(60_000)
    assert min(ring.heights()) > 40
    assert ring.agreed()
    assert min(ring.finals()) >= min(ring.heights()) - 10


def test_a_delegate_that_is_away_costs_its_slots_only() -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(10_000)
    ring.down.add(0)
    ring.pass_ms(40_000)
    ring.restart(0)
    ring.pass_ms(20_000)
    assert ring.agreed()
    assert min(ring.finals()) >= min(ring.heights()) - 12
