"""One syncing node, with the kernel's part played here, among peers that answer as they like."""

import heapq
from collections import Counter
from collections.abc import Callable

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidMessage
from chaosnet.model.block import SealedBlock
from chaosnet.model.header import block_id_of
from chaosnet.protocol.messages import Bodies, GetBodies, GetHeaders, Headers, Message, Outbox
from chaosnet.protocol.sources import LOST_MS
from chaosnet.protocol.sync import BlockSync, serve_bodies, serve_headers
from tests.unit.protocol.blocks import SEAL, Chain

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
