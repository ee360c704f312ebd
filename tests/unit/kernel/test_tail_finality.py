"""Finality that only a tail shows: no block of the chain says it before the next era begins."""

import pytest

from chaosnet.kernel import events as ev
from tests.unit.kernel.ring import Machine, Ring


def reported(machine: Machine) -> int:
    """Return the greatest height that a node has ever called final."""
    return max((fact.height for fact in machine.reports if isinstance(fact, ev.Finalised)), default=0)


def stop_when_final(ring: Ring, place: int, height: int) -> None:
    """End a node in the moment in which it calls a height final; nothing it says after that arrives."""
    ring.cut = lambda one, other: place in (one, other) and reported(ring.machines[place]) >= height
    ring.pass_ms(120_000, until=lambda: reported(ring.machines[place]) >= height)
    ring.down.add(place)
    assert reported(ring.machines[place]) >= height
    assert ring.machines[place].node.head.header.height == height, "no block of the next era yet"
    assert ring.machines[place].disk.final_height < height, "no block on disk tells"


def come_back_alone(ring: Ring, place: int) -> None:
    """Start a node again that hears nobody."""
    ring.cut = lambda one, other: place in (one, other)
    ring.now += 1
    ring.restart(place)


@pytest.mark.parametrize("before", ["dpos", "pos"])
@pytest.mark.parametrize("after", ["pbft", "dpos"])
def test_what_was_called_final_is_final_after_a_restart(before: str, after: str) -> None:
    engines = f"{before}:12,{after}" if before != after else f"{before}:12,pbft:15,{after}"
    ring = Ring(engines).start()
    stop_when_final(ring, 0, 12)
    machine = ring.machines[0]
    final_id = machine.node.block_id_at(12)
    come_back_alone(ring, 0)
    assert machine.node.final_height == 12
    assert machine.node.block_id_at(12) == final_id
    assert machine.node.era == 1
    ring.heal()
    ring.pass_ms(60_000, until=lambda: min(ring.heights()) > 14)
    assert min(ring.heights()) > 14
    assert {m.node.block_id_at(12) for m in ring.machines} == {final_id}


def test_under_work_too_and_with_all_nodes_ended_at_once() -> None:
    ring = Ring("pow:5,dpos").start()
    for i in range(7):
        ring.find(i % 4)
    ring.cut = lambda *_: True  # the third of the tail is known to one node only
    ring.find(0)
    assert reported(ring.machines[0]) == 5
    final_id = ring.machines[0].node.block_id_at(5)
    ring.down.update(range(4))
    ring.queue.clear()
    for place in range(4):
        ring.restart(place)
    assert ring.finals()[0] == 5
    assert max(ring.finals()[1:]) < 5
    ring.heal()
    ring.pass_ms(30_000, until=lambda: min(ring.heights()) > 7)
    assert {m.node.block_id_at(5) for m in ring.machines} == {final_id}
    assert min(ring.heights()) > 7
