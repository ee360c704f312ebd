"""Sync among lying peers: it ends at the true head, and only liars are blamed."""

import pytest

from chaosnet.base.codec import encode
from chaosnet.base.dice import Dice
from chaosnet.base.errors import InvalidMessage
from chaosnet.model.block import SealedBlock
from chaosnet.protocol.messages import Bodies, GetBodies, GetHeaders, Headers, Message, SealedHeader
from chaosnet.protocol.sync import BlockSync, serve_bodies, serve_headers
from tests.unit.protocol.blocks import FALSE_SEAL, SEAL, Chain, block
from tests.unit.protocol.sync_world import (
    TRUE,
    A,
    B,
    C,
    World,
    empty,
    full,
    honest,
    only_headers,
    stalling,
    swap_bodies,
)

FORK = Chain(600, on=TRUE, fork=100, salt=b"fork")
"""Linked and well-formed, but nobody sealed it."""


def other_body(height: int, sealed: SealedBlock) -> SealedBlock:
    changed = block(height, TRUE.ids[height - 1], txs=(b"other",), salt=b"other")
    return SealedBlock(block=changed, seal=FALSE_SEAL)


def broken_root(height: int, sealed: SealedBlock) -> SealedBlock:
    changed = type(sealed.block)(header=sealed.block.header, parent_seal=SEAL, txs=(b"other",))
    return SealedBlock(block=changed, seal=SEAL)


def bad_seal(height: int, sealed: SealedBlock) -> SealedBlock:
    return SealedBlock(block=sealed.block, seal=FALSE_SEAL)


def oversized(request: Message, now: int) -> tuple[Message | None, int]:
    if isinstance(request, GetHeaders):
        return serve_headers(GetHeaders(first=request.first, count=256), TRUE), 10
    assert isinstance(request, GetBodies)
    return serve_bodies(GetBodies(first=request.first, count=64), TRUE), 10


def gaps(request: Message, now: int) -> tuple[Message | None, int]:
    if isinstance(request, GetHeaders):
        found = serve_headers(request, TRUE).headers
        return Headers(request.first, found[:1] + found[2:] if len(found) > 2 else found[1:]), 10
    assert isinstance(request, GetBodies)
    blocks = serve_bodies(request, TRUE).blocks
    return Bodies(request.first, blocks[1:]), 10


def garbage(request: Message, now: int) -> tuple[Message | None, int]:
    if isinstance(request, GetHeaders):
        return Headers(request.first, (SealedHeader(header=b"\xc1", seal=b""),)), 10
    assert isinstance(request, GetBodies)
    return Bodies(request.first, (b"\xc1",)), 10


LIARS = {
    "other blocks for true headers": swap_bodies(other_body),
    "bodies that are not the header's": swap_bodies(broken_root),
    "false seals on true blocks": swap_bodies(bad_seal),
    "a fork of its own": honest(FORK),
    "headers of a fork without bodies": only_headers(honest(FORK), stalling),
    "headers of a fork with true bodies": only_headers(honest(FORK), honest()),
    "true headers with bodies of a fork": only_headers(honest(), honest(FORK)),
    "headers of a fork and no bodies": only_headers(honest(FORK), empty),
    "gaps": gaps,
    "garbage": garbage,
    "nothing": stalling,
    "empty answers": empty,
    "one header at a time": lambda request, now: honest()(type(request)(request.first, 1), now),
}

UNPROVEN = (
    "headers of a fork with true bodies",
    "nothing",
    "empty answers",
    "one header at a time",
    "headers of a fork without bodies",
    "headers of a fork and no bodies",
)


@pytest.mark.parametrize("lie", LIARS)
@pytest.mark.parametrize("liar", [A, C], ids=["first", "last"])
def test_liar_delays_but_never_stops_sync_and_nobody_else_is_blamed(lie: str, liar: bytes) -> None:
    world = World({peer: full(LIARS[lie]) if peer == liar else full() for peer in (A, B, C)})
    world.run(120_000)
    assert world.head == 600
    assert world.now < 30_000
    assert world.banned in ([], [liar])
    assert {peer for peer, points in world.points.items() if points} <= {liar}
    if lie not in UNPROVEN:
        assert world.points[liar] >= 50


@pytest.mark.parametrize("lie", LIARS)
def test_two_liars_against_one_honest_peer(lie: str) -> None:
    world = World({A: full(LIARS[lie]), B: full(), C: full(LIARS[lie])})
    world.run(400_000)
    assert world.head == 600
    assert not world.points[B]


@pytest.mark.parametrize("lie", LIARS)
def test_liar_alone_gets_nowhere_and_asks_stay_rare(lie: str) -> None:
    world = World({A: full(LIARS[lie])}, head=100)
    world.run(60_000)
    if lie in ("one header at a time", "headers of a fork with true bodies"):
        return  # in the end that is the true chain, or no chain at all
    assert world.head in (100, 600)
    assert len(world.asked) < 60


def test_more_than_asked_for_is_refused() -> None:
    world = World({A: (150, oversized)}, head=100)
    world.run(20)
    assert world.points[A] == 50
    world.run(1_000)
    assert world.banned == [A]
    assert world.head == 100


def test_claims_without_blocks_do_not_keep_a_node_syncing() -> None:
    world = World({A: (10**12, stalling), B: (600, honest()), C: (600, honest())}, head=600)
    syncing = 0
    for until in range(1_000, 400_001, 1_000):
        world.run(until, goal=10**9)
        syncing += world.sync.is_syncing(world.now)
    assert syncing <= 20
    assert world.sync.progress()[1] in (600, 10**12)


@pytest.mark.parametrize("claim", [2**63, 2**64 - 1])
def test_absurd_claims_are_survived(claim: int) -> None:
    world = World({A: (claim, empty), B: full()}, head=590)
    world.run(60_000)
    assert world.head == 600


def test_answers_nobody_asked_for_are_blamed() -> None:
    sync = BlockSync()
    sync.set_head(0, TRUE.ids[0], 0)
    sync.on_status(A, 600, 0)
    for peer in (A, B):
        with pytest.raises(InvalidMessage) as caught:
            sync.on_bodies(peer, Bodies(first=1, blocks=()), 0)
        assert caught.value.code == "unexpected"
        with pytest.raises(InvalidMessage):
            sync.on_headers(peer, Headers(first=1, headers=()), 0)


def test_chain_on_another_genesis_is_refused_at_once() -> None:
    sync = BlockSync()
    sync.set_head(0, b"\x22" * 32, 0)
    sync.on_status(A, 600, 0)
    [(_, request)] = sync.requests(0)
    assert isinstance(request, GetHeaders)
    with pytest.raises(InvalidMessage) as caught:
        sync.on_headers(A, serve_headers(request, TRUE), 0)
    assert caught.value.code == "bad_parent"


def test_accuser_is_blamed_when_the_header_proves_true() -> None:
    sync = BlockSync()
    sync.set_head(0, TRUE.ids[0], 0)
    sync.on_status(A, 40, 0)
    [(_, request)] = sync.requests(0)
    assert isinstance(request, GetHeaders)
    sync.on_headers(A, serve_headers(request, TRUE), 10)
    sync.on_status(B, 40, 10)
    asks = dict(sync.requests(10))
    wrong = encode(other_body(1, TRUE.blocks[0]))
    (liar, first), *others = asks.items()
    assert isinstance(first, GetBodies)
    if liar == A:
        (liar, first), *_ = others
        assert isinstance(first, GetBodies)
        wrong = encode(other_body(first.first, TRUE.blocks[first.first - 1]))
    sync.on_bodies(B, Bodies(first=first.first, blocks=(wrong,)), 20)
    assert sync.faults() == []  # its word against the other's
    later = dict(sync.requests(20))
    assert B not in later  # until it is settled, only the header's giver is asked
    for height in range(1, 41):
        sync.set_head(height, TRUE.ids[height], 30)
    assert sync.faults() == [(B, "bad_header", 100)]


def test_giver_of_false_headers_is_blamed_when_the_chain_moves_elsewhere() -> None:
    sync = BlockSync()
    sync.set_head(100, TRUE.ids[100], 0)
    sync.on_status(A, 600, 0)
    [(_, request)] = sync.requests(0)
    assert isinstance(request, GetHeaders)
    sync.on_headers(A, serve_headers(request, FORK), 10)
    sync.set_head(101, TRUE.ids[101], 20)
    assert sync.faults() == [(A, "bad_header", 50)]


def test_same_peers_same_requests() -> None:
    def run() -> list[tuple[int, bytes, Message]]:
        world = World({A: full(LIARS["a fork of its own"]), B: full(), C: full(LIARS["nothing"])})
        world.run(60_000)
        return world.asked

    assert run() == run()


def test_any_messages_in_any_order_only_ever_blame() -> None:
    """Requests, answers from true and false chains, statuses, heads and time, in an order by dice."""
    for seed in range(12):
        dice = Dice(seed.to_bytes(4, "big"))
        sync, now, head = BlockSync(), 0, 0
        sync.set_head(0, TRUE.ids[0], 0)
        asked: list[tuple[bytes, Message]] = []
        for _ in range(400):
            now += dice.below(700)
            peer = dice.pick((A, B, C))
            match dice.below(8):
                case 0:
                    sync.on_status(peer, dice.below(700), now)
                case 1:
                    sync.peer_left(peer)
                case 2 if sync.take(head + 1):
                    sync.reject(head + 1, now)
                case 3 if head < 500:
                    head += dice.below(3)
                    sync.set_head(head, TRUE.ids[head], now)
                case 4:
                    asked = [*asked[-8:], *sync.requests(now)]
                case _ if asked:
                    peer, request = dice.pick(asked)
                    answer = dice.pick((honest(), honest(FORK), gaps, empty, oversized))(request, now)[0]
                    try:
                        if isinstance(answer, Headers):
                            sync.on_headers(peer, answer, now)
                        elif isinstance(answer, Bodies):
                            sync.on_bodies(peer, answer, now)
                    except InvalidMessage as error:
                        assert error.penalty > 0
            known, best = sync.progress()
            assert known == head <= best
        assert len(sync.faults()) <= 256
