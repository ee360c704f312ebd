"""Sync among honest, slow and lying peers: it ends at the true head, and only liars are banned."""

import heapq
from collections import Counter
from collections.abc import Callable

import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidMessage
from chaosnet.base.limits import BODIES_MESSAGE_BYTES_MAX
from chaosnet.model.block import SealedBlock, block_id_of
from chaosnet.protocol.messages import Bodies, GetBodies, GetHeaders, Headers, Message, Outbox, SealedHeader
from chaosnet.protocol.sources import GRACE_MS, LATE_MS, LOST_MS
from chaosnet.protocol.sync import BODY_PEERS, RANGE, WINDOW, BlockSync, serve_bodies, serve_headers
from tests.unit.protocol.blocks import FALSE_SEAL, SEAL, Chain, block

A, B, C, D, E = (bytes([i]) * 32 for i in range(1, 6))
TRUE = Chain(600)

Answer = Callable[[Message, int], tuple[Message | None, int]]
"""From request and time to (answer or silence, delay in ms)."""


def honest(chain: Chain = TRUE, delay_ms: int = 10) -> Answer:
    def answer(request: Message, now: int) -> tuple[Message | None, int]:
        if isinstance(request, GetHeaders):
            return serve_headers(request, chain), delay_ms
        assert isinstance(request, GetBodies)
        return serve_bodies(request, chain), delay_ms

    return answer


def stalling(request: Message, now: int) -> tuple[Message | None, int]:
    return None, 0


def empty(request: Message, now: int) -> tuple[Message | None, int]:
    if isinstance(request, GetHeaders):
        return Headers(first=request.first, headers=()), 10
    assert isinstance(request, GetBodies)
    return Bodies(first=request.first, blocks=()), 10


def only_headers(inner: Answer, otherwise: Answer) -> Answer:
    return lambda request, now: (inner if isinstance(request, GetHeaders) else otherwise)(request, now)


def swap_bodies(change: Callable[[int, SealedBlock], SealedBlock]) -> Answer:
    """True headers, other bodies."""

    def answer(request: Message, now: int) -> tuple[Message | None, int]:
        if isinstance(request, GetHeaders):
            return serve_headers(request, TRUE), 10
        assert isinstance(request, GetBodies)
        heights = range(request.first, min(request.first + request.count, len(TRUE) + 1))
        return Bodies(request.first, tuple(encode(change(h, TRUE.blocks[h - 1])) for h in heights)), 10

    return answer


class World:
    """One syncing node with the kernel's part played here, and peers that answer as they like."""

    def __init__(self, peers: dict[bytes, tuple[int, Answer]], *, head: int = 0) -> None:
        self.sync = BlockSync()
        self.peers = dict(peers)
        self.head = head
        self.now = 0
        self.points: Counter[bytes] = Counter()
        self.banned: list[bytes] = []
        self.asked: list[tuple[int, bytes, Message]] = []
        self.applied_from: list[bytes] = []
        self.queue: list[tuple[int, int, bytes, Message]] = []
        self.open: dict[bytes, int] = {}
        """Peer -> when it was asked what it has not answered."""
        self.open_most = 0
        self.sync.set_head(head, TRUE.ids[head], 0)

    def blame(self, peer: bytes, points: int) -> None:
        self.points[peer] += points
        if self.points[peer] >= 100 and peer in self.peers:
            self.banned.append(peer)
            del self.peers[peer]
            self.sync.peer_left(peer)

    def send(self, outbox: Outbox) -> None:
        for peer, request in outbox:
            self.asked.append((self.now, peer, request))
            assert self.open.get(peer, -LOST_MS) <= self.now - LOST_MS, "one request a peer at a time"
            self.open[peer] = self.now
            answer, delay = self.peers[peer][1](request, self.now)
            if answer is not None:
                heapq.heappush(self.queue, (self.now + delay, len(self.asked), peer, answer))

    def receive(self, peer: bytes, answer: Message) -> None:
        del self.open[peer]
        if peer not in self.peers:
            return
        try:
            if isinstance(answer, Headers):
                self.sync.on_headers(peer, answer, self.now)
            elif isinstance(answer, Bodies):
                self.sync.on_bodies(peer, answer, self.now)
        except InvalidMessage as error:
            self.blame(peer, error.penalty)

    def apply(self) -> None:
        """Verify and commit what is there, as the kernel does; with a look ahead, as the kernel has."""
        ahead: dict[int, tuple[SealedBlock, bytes]] = {}
        while True:
            for height in range(self.head + 1, self.head + 4):
                taken = self.sync.take(height)
                if taken:
                    ahead[height] = taken
            if self.head + 1 not in ahead:
                assert not ahead, "blocks come in order"
                return
            sealed, peer = ahead.pop(self.head + 1)
            if sealed.seal == SEAL and block_id_of(sealed.block.header) == TRUE.block_id_at(self.head + 1):
                self.head += 1
                self.applied_from.append(peer)
                self.sync.set_head(self.head, TRUE.ids[self.head], self.now)
                continue
            guilty = self.sync.reject(self.head + 1, self.now)
            assert guilty == peer
            ahead.clear()
            self.blame(guilty, 100)

    def run(self, until: int, *, goal: int = len(TRUE)) -> int:
        """Step until the goal or the time is reached; return the time."""
        while self.now < until:
            if self.now % 1_000 == 0:
                for peer, (claim, _) in list(self.peers.items()):
                    self.sync.on_status(peer, claim, self.now)
            while self.queue and self.queue[0][0] <= self.now:
                _, _, peer, answer = heapq.heappop(self.queue)
                self.receive(peer, answer)
            self.apply()
            self.send(self.sync.requests(self.now))
            for peer, _, points in self.sync.faults():
                self.blame(peer, points)
            self.open_most = max(self.open_most, len(self.sync._sources.open_asks(bodies=True)))
            if self.head >= goal:
                break
            self.now += 10
        return self.now


def full(answer: Answer | None = None) -> tuple[int, Answer]:
    return len(TRUE), answer or honest()


# ── among honest peers ───────────────────────────────────────────────────────────────────────────────────


def test_newcomer_reaches_the_head_from_several_peers_at_once() -> None:
    world = World({peer: full() for peer in (A, B, C, D, E)})
    took_ms = world.run(60_000)
    assert world.head == 600
    assert took_ms < 2_000
    assert not world.points
    assert set(world.applied_from) == {A, B, C, D, E}
    assert world.open_most == BODY_PEERS
    assert not world.sync.is_syncing(world.now)
    assert world.sync.progress() == (600, 600)
    ranges = [r for _, _, r in world.asked if isinstance(r, GetBodies)]
    assert max(r.count for r in ranges) == RANGE
    assert sum(r.count for r in ranges) == 600  # nothing twice
    assert len(ranges) < 600 // RANGE + 10


def test_one_peer_is_enough() -> None:
    world = World({A: full()})
    world.run(60_000)
    assert world.head == 600
    assert not world.points


def test_progress_tells_how_far() -> None:
    world = World({A: full(honest(delay_ms=300))})
    world.run(1_500)
    assert world.sync.is_syncing(1_500)
    head, best = world.sync.progress()
    assert best == 600
    assert head == world.head


def test_late_answers_over_a_slow_line_still_count() -> None:
    world = World({A: full(honest(delay_ms=LATE_MS + 2_000))}, head=540)
    world.run(120_000)
    assert world.head == 600
    assert not world.banned


def test_slow_peer_does_not_hold_up_the_others() -> None:
    world = World({A: full(honest(delay_ms=4_900)), B: full(), C: full()})
    assert world.run(60_000) < 20_000
    assert world.head == 600
    assert not world.banned


def test_one_behind_waits_for_consensus_then_asks_directly() -> None:
    world = World({A: full(), B: full()}, head=599)
    world.run(GRACE_MS)
    assert world.asked == []
    world.run(2_000)
    assert world.head == 600
    assert [r for _, _, r in world.asked] == [GetBodies(first=600, count=1)]


def test_two_behind_asks_directly_at_once() -> None:
    world = World({A: full(), B: full()}, head=598)
    world.run(1_000)
    assert world.head == 600
    assert [r for _, _, r in world.asked] == [GetBodies(first=599, count=2)]


def test_consensus_that_overtakes_sync_is_followed() -> None:
    sync = BlockSync()
    sync.set_head(500, TRUE.ids[500], 0)
    sync.on_status(A, 600, 0)
    [(_, request)] = sync.requests(0)
    assert request == GetHeaders(first=501, count=100)
    sync.set_head(502, TRUE.ids[502], 5)
    sync.on_headers(A, serve_headers(request, TRUE), 10)
    [(_, request)] = sync.requests(10)
    assert request == GetBodies(first=503, count=RANGE)
    sync.set_head(510, TRUE.ids[510], 15)
    sync.on_bodies(A, serve_bodies(request, TRUE), 20)
    assert sync.take(510) is None
    taken = sync.take(511)
    assert taken is not None
    assert taken == (TRUE.blocks[510], A)
    assert sync.faults() == []


def test_window_bounds_what_is_fetched_ahead() -> None:
    world = World({peer: full() for peer in (A, B, C)})
    world.apply = lambda: None  # type: ignore[method-assign]
    world.run(20_000)
    ends = [r.first + r.count for _, _, r in world.asked if isinstance(r, GetBodies)]
    assert max(ends) <= WINDOW + 1
    assert sum(isinstance(r, GetHeaders) for _, _, r in world.asked) <= 2


def test_bytes_held_ahead_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaosnet.protocol.sync.WINDOW_BYTES_MAX", 2 * BODIES_MESSAGE_BYTES_MAX)
    world = World({peer: full() for peer in (A, B, C, D)})
    world.run(60_000)
    assert world.open_most == 2
    assert world.head == 600


def test_pruned_peers_give_headers_and_the_others_bodies() -> None:
    world = World({A: full(only_headers(honest(), empty)), B: full()})
    world.run(60_000)
    assert world.head == 600
    assert not world.points
    assert set(world.applied_from) == {B}


def test_due_tells_when_to_look_again() -> None:
    sync = BlockSync()
    sync.set_head(5, TRUE.ids[5], 0)
    assert sync.due_ms() is None
    sync.on_status(A, 6, 100)
    assert sync.due_ms() == 100 + GRACE_MS
    assert sync.requests(100 + GRACE_MS) == [(A, GetBodies(first=6, count=1))]
    assert sync.due_ms() == 100 + GRACE_MS + LATE_MS


# ── among liars ──────────────────────────────────────────────────────────────────────────────────────────

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
