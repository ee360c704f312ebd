"""From one engine to the next."""

import pytest

from tests.unit.kernel.ring import Ring


def engines(ring: Ring) -> set[str]:
    return {(m.node.branch or m.node.engine).name for m in ring.machines}


@pytest.mark.parametrize("after", ["pos", "dpos", "dbft", "pbft"])
def test_work_hands_over(after: str) -> None:
    ring = Ring(f"pow:5,{after}").start()
    for i in range(8):  # five blocks and a tail of three
        ring.find(i % 4)
    assert ring.heights() == [5] * 4
    assert engines(ring) == {after}
    ring.pass_ms(60_000, until=lambda: min(ring.heights()) > 9)
    assert min(ring.heights()) > 9
    ring.pass_ms(1_500)
    headers = {m.node.reader.header_at(6) for m in ring.machines}
    assert len({h[0] for h in headers if h is not None}) == 1
    assert {m.node.head.header.era for m in ring.machines} == {1}


@pytest.mark.parametrize("before", ["dpos", "pos"])
@pytest.mark.parametrize("after", ["pbft", "dbft", "pos", "dpos"])
def test_slots_hand_over(before: str, after: str) -> None:
    ring = Ring(f"{before}:12,{after}" if before != after else f"{before}:12,pbft:15,{after}").start()
    ring.pass_ms(200_000, until=lambda: min(ring.heights()) > 18)
    assert min(ring.heights()) > 18
    assert engines(ring) == {after}


@pytest.mark.parametrize("before", ["pbft", "dbft"])
@pytest.mark.parametrize("after", ["pos", "dpos", "pow"])
def test_quorums_hand_over(before: str, after: str) -> None:
    ring = Ring(f"{before}:4,{after}", idle_interval_ms=1_000).start()
    ring.pass_ms(60_000, until=lambda: min(ring.heights()) >= 4)
    assert engines(ring) == {after}
    if after == "pow":
        ring.find(1)
        ring.find(2)
    ring.pass_ms(30_000, until=lambda: min(ring.heights()) > 5)
    assert min(ring.heights()) > 5
    assert ring.agreed()


def test_a_node_that_was_away_at_the_crossing_syncs_through_it() -> None:
    ring = Ring("pow:5,dpos").start()
    ring.find(0)
    ring.down.add(3)
    for i in range(7):
        ring.find(i % 3)
    ring.pass_ms(20_000, until=lambda: min(ring.heights()[:3]) > 8)
    ring.restart(3)
    ring.pass_ms(20_000)
    assert engines(ring) == {"dpos"}
    assert ring.agreed()


def test_a_tail_outlives_the_end_of_all_who_have_it() -> None:
    ring = Ring("pow:5,dpos").start()
    for i in range(7):  # two of a tail of three
        ring.find(i % 4)
    tips = {m.node.tree.best().head.block_id for m in ring.machines if m.node.tree}
    ring.down.update(range(4))
    ring.queue.clear()
    for place in range(4):
        ring.restart(place)
    assert {m.node.tree.best().head.block_id for m in ring.machines if m.node.tree} == tips
    assert len(tips) == 1
    ring.find(0)
    assert engines(ring) == {"dpos"}
