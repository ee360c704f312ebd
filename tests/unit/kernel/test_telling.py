"""What peers hear of a branch, and what is taken from their claims."""

from msgspec.structs import replace

from chaosnet.kernel import telling
from chaosnet.kernel.peering import status_of
from tests.unit.kernel.ring import Ring


def mined(blocks: int) -> Ring:
    ring = Ring("pow").start()
    for _ in range(blocks):
        ring.find(0)
    return ring


def test_the_claim_grows_with_the_branch() -> None:
    ring = Ring("pow").start()
    node = ring.machines[0].node
    claims = [telling.own_claim(node)]
    for _ in range(3):
        ring.find(0)
        claims.append(telling.own_claim(node))
    assert claims == sorted(dict.fromkeys(claims))


def test_nothing_is_wanted_of_a_peer_whose_head_is_here_or_counts_less() -> None:
    ring = mined(3)
    node, peer = ring.machines[0].node, ring.machines[1].id
    status = status_of(ring.machines[1].node, ring.now)
    assert telling.height_claimed(node, peer, status, ring.now) == node.final_height
    other = replace(status, head=bytes(32), claim=b"")
    assert telling.height_claimed(node, peer, other, ring.now) == node.final_height


def test_of_a_peer_that_claims_more_its_height_counts() -> None:
    ring = mined(3)
    node, peer = ring.machines[0].node, ring.machines[1].id
    status = status_of(ring.machines[1].node, ring.now)
    more = replace(status, head=bytes(32), height=9, claim=b"\xff" * 8)
    assert telling.height_claimed(node, peer, more, ring.now) == 9


def test_a_peer_in_a_later_era_is_ahead_whatever_it_claims() -> None:
    ring = mined(3)
    node, peer = ring.machines[0].node, ring.machines[1].id
    status = status_of(ring.machines[1].node, ring.now)
    later = replace(status, era=1, head=bytes(32), height=9, claim=b"")
    assert telling.height_claimed(node, peer, later, ring.now) == 9


def test_who_has_crossed_gives_the_tail_to_who_has_not() -> None:
    ring = Ring("pow:2,pbft").start()
    late = 3
    ring.find(0)
    ring.find(0)
    ring.cut = lambda a, b: late in (a, b)
    for _ in range(ring.genesis.params.handover_depth):
        ring.find(0)
    others = [machine.node for machine in ring.machines if machine is not ring.machines[late]]
    behind = ring.machines[late].node
    assert [node.era for node in others] == [1, 1, 1]
    assert behind.era == 0
    ring.cut = lambda *_: False
    telling.give_tail(others[0], ring.machines[late].id, ring.now)
    given = len(others[0].effects)
    telling.give_tail(others[0], ring.machines[late].id, ring.now)
    assert len(others[0].effects) == given > 0  # not again at once: a broken line may hold all of it back
    for effect in others[0].effects:
        ring._perform(0, ring.machines[0], effect)
    others[0].effects = []
    ring.settle()
    assert behind.era == 1
