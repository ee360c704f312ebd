"""Blocks that come before their time."""

from msgspec import structs

from chaosnet.kernel import events as ev
from chaosnet.kernel import forks
from chaosnet.kernel.node import Node
from chaosnet.model.block import SealedBlock, decode_sealed
from tests.unit.kernel.ring import Ring


def wakes(node: Node) -> list[int]:
    """Return the times asked for, and forget them."""
    asked = [e.at_ms for e in node.effects if isinstance(e, ev.SetTimer) and e.name == forks.TIMER]
    node.effects.clear()
    return asked


def test_a_block_of_a_far_slot_does_not_hold_up_one_of_the_next() -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(20_000)
    one, other = ring.machines[:2]
    ring.cut = lambda *_: True
    height = other.node.head.header.height
    ring.pass_ms(10_000, until=lambda: one.node.head.header.height > height)
    stored = one.disk.sealed_at(height + 1)
    assert stored is not None
    good = decode_sealed(stored)
    due = good.block.header.time_ms
    far = structs.replace(good.block, header=structs.replace(good.block.header, time_ms=due + 10**9))
    forks.receive(other.node, forks.candidate_of(good, b""), due - 10)
    forks.receive(other.node, forks.candidate_of(SealedBlock(far, b""), b""), due - 10)
    assert wakes(other.node)[-1] == due
    forks.retry_waiting(other.node, due)
    assert len(other.node.orphans) == 1, "the good one is in the tree"
    assert wakes(other.node)[-1] == due + 10**9
