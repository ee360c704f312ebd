"""Gossip: pushes, announcements and requests of one node, and whole networks where all must arrive."""

import heapq
from collections import Counter
from collections.abc import Iterable

import pytest

from chaosnet.base.dice import Dice
from chaosnet.base.limits import (
    HASHES_PER_MESSAGE_MAX,
    TXS_MESSAGE_BYTES_MAX,
    TXS_PER_MESSAGE_MAX,
)
from chaosnet.model.transaction import tx_hash_of
from chaosnet.protocol.gossip import (
    ANNOUNCE_MS,
    ANSWER_BYTES_MAX,
    ASKED_PER_PEER_MAX,
    PUSH_PEERS,
    REQUEST_MS,
    TxGossip,
)
from chaosnet.protocol.messages import GetTxs, Message, Outbox, TxHashes, Txs, decode_message, encode_message

A, B, C, D = (bytes([i]) * 32 for i in range(1, 5))
LATE = 10_000


def tx(i: int, size: int = 200) -> bytes:
    return i.to_bytes(size, "big")


def name(i: int, size: int = 200) -> bytes:
    return tx_hash_of(tx(i, size))


def gossip(*peers: bytes) -> TxGossip:
    g = TxGossip(Dice(b"seed"))
    for peer in peers:
        g.peer_joined(peer)
    return g


def to(outbox: Outbox, peer: bytes) -> list[Message]:
    return [message for receiver, message in outbox if receiver == peer]


def pushed(outbox: Outbox, peer: bytes) -> list[bytes]:
    return [raw for message in to(outbox, peer) if isinstance(message, Txs) for raw in message.raws]


def told(outbox: Outbox, peer: bytes) -> list[bytes]:
    return [h for message in to(outbox, peer) if isinstance(message, TxHashes) for h in message.hashes]


def asked(outbox: Outbox, peer: bytes) -> list[bytes]:
    return [h for message in to(outbox, peer) if isinstance(message, GetTxs) for h in message.hashes]


def never(_: bytes) -> bool:
    return False


# ── pushing and announcing ───────────────────────────────────────────────────────────────────────────────


def test_local_transactions_go_to_all_few_peers_at_once() -> None:
    g = gossip(A, B)
    for i in range(3):
        g.accepted(name(i), tx(i), None)
    assert g.due_ms() == 0
    outbox = g.flush(0)
    assert pushed(outbox, A) == pushed(outbox, B) == [tx(0), tx(1), tx(2)]
    assert outbox[0][1] is outbox[1][1]  # encoded once
    assert g.due_ms() is None
    assert g.flush(LATE) == []


def test_many_peers_some_get_bytes_and_the_rest_hashes() -> None:
    peers = [bytes([i]) * 32 for i in range(1, 21)]
    g = gossip(*peers)
    g.accepted(name(0), tx(0), None)
    first = g.flush(0)
    assert len(first) == PUSH_PEERS
    rest = g.flush(LATE)
    assert sorted(peer for peer, _ in [*first, *rest]) == peers
    assert all(told(rest, peer) == [name(0)] for peer, _ in rest)


def test_relayed_transactions_are_announced_after_a_pause_to_who_lacks_them() -> None:
    g = gossip(A, B, C)
    g.on_txs(A, [name(0)])
    g.accepted(name(0), tx(0), A)
    assert g.flush(1_000) == []
    due = g.due_ms()
    assert due is not None
    assert due >= 1_000 + ANNOUNCE_MS
    assert g.flush(due - 1) == []
    g.on_hashes(C, [name(0)], never, due - 1)
    outbox = g.flush(due)
    assert [peer for peer, _ in outbox] == [B]
    assert told(outbox, B) == [name(0)]
    assert g.flush(LATE) == []


def test_settled_transactions_are_announced_to_nobody() -> None:
    g = gossip(A, B)
    for i in range(2):
        g.accepted(name(i), tx(i), A)
    g.flush(0)
    g.settled([name(0), name(7)])
    outbox = g.flush(LATE)
    assert told(outbox, B) == [name(1)]
    assert g.is_seen(name(7))
    assert g.on_hashes(A, [name(7)], never, LATE) == []


def test_seen_is_what_was_accepted_not_what_was_sent() -> None:
    g = gossip(A)
    g.on_txs(A, [name(0)])
    assert not g.is_seen(name(0))
    g.accepted(name(0), tx(0), A)
    assert g.is_seen(name(0))


def test_messages_keep_their_bounds() -> None:
    g = gossip(A)
    for i in range(TXS_PER_MESSAGE_MAX + 1):
        g.accepted(name(i), tx(i), None)
    sizes = [len(m.raws) for m in to(g.flush(0), A) if isinstance(m, Txs)]
    assert sizes == [TXS_PER_MESSAGE_MAX, 1]
    big = 60_000
    for i in range(100):
        g.accepted(name(i, big), tx(i, big), None)
    messages = to(g.flush(0), A)
    assert len(messages) == 3
    for message in messages:
        assert decode_message(encode_message(message)) == message
        assert isinstance(message, Txs)
        assert sum(map(len, message.raws)) <= TXS_MESSAGE_BYTES_MAX
    for i in range(HASHES_PER_MESSAGE_MAX + 1):
        g.accepted(name(i, 32), b"", B)
    g.flush(0)
    assert [len(m.hashes) for m in to(g.flush(LATE), A) if isinstance(m, TxHashes)] == [
        HASHES_PER_MESSAGE_MAX,
        1,
    ]


def test_nothing_is_kept_for_nobody() -> None:
    g = gossip()
    g.accepted(name(0), tx(0), None)
    g.accepted(name(1), tx(1), A)
    assert g.flush(0) == []
    g.peer_joined(B)
    assert g.flush(LATE) == [(B, TxHashes(hashes=(name(1),)))]
    assert g.offer(B, [name(0), name(1)]) == [(B, TxHashes(hashes=(name(0), name(1))))]


def test_proposer_gets_what_it_is_not_known_to_have() -> None:
    g = gossip(A, B)
    g.on_hashes(A, [name(0)], never, 0)
    items = [(name(i), tx(i)) for i in range(3)]
    assert pushed(g.push_to(A, items), A) == [tx(1), tx(2)]
    assert g.push_to(A, items) == []
    assert pushed(g.push_to(A, items, again=True), A) == [tx(0), tx(1), tx(2)]
    assert g.push_to(C, items) == []
    many = [(name(i, 50_000), tx(i, 50_000)) for i in range(400)]
    assert sum(map(len, pushed(g.push_to(B, many), B))) <= ANSWER_BYTES_MAX


def test_peer_that_comes_again_is_a_stranger() -> None:
    g = gossip(A)
    g.on_txs(A, [name(0)])
    g.peer_left(A)
    assert g.push_to(A, [(name(0), tx(0))]) == []
    g.peer_joined(A)
    assert pushed(g.push_to(A, [(name(0), tx(0))]), A) == [tx(0)]


# ── asking and answering ─────────────────────────────────────────────────────────────────────────────────


def test_unknown_hashes_are_asked_for_once() -> None:
    g = gossip(A, B)
    g.accepted(name(0), tx(0), None)
    hashes = [name(i) for i in range(4)]
    outbox = g.on_hashes(A, [*hashes, name(3)], lambda h: h == name(1), 0)
    assert asked(outbox, A) == [name(2), name(3)]
    assert g.on_hashes(B, hashes[:1] + hashes[2:], never, 0) == []


def test_missing_answer_is_asked_from_another_announcer_then_given_up() -> None:
    g = gossip(A, B, C)
    g.on_hashes(A, [name(0), name(1)], never, 0)
    g.on_hashes(B, [name(0)], never, 10)
    g.on_txs(C, [name(9)])
    assert g.due_ms() == REQUEST_MS
    assert g.flush(REQUEST_MS - 1) == []
    outbox = g.flush(REQUEST_MS)
    assert outbox == [(B, GetTxs(hashes=(name(0),)))]
    assert g.flush(2 * REQUEST_MS) == []
    assert asked(g.on_hashes(C, [name(0)], never, LATE), C) == [name(0)]


def test_arrived_transactions_are_not_asked_again() -> None:
    g = gossip(A, B)
    g.on_hashes(A, [name(0)], never, 0)
    g.on_hashes(B, [name(0)], never, 0)
    g.on_txs(B, [name(0)])
    assert g.flush(LATE) == []


def test_announcer_of_nothing_cannot_make_us_ask_without_bound() -> None:
    g = gossip(A, B)
    asked_of_a = 0
    for i in range(0, 60_000, 10_000):
        asked_of_a += len(asked(g.on_hashes(A, [name(j, 32) for j in range(i, i + 10_000)], never, i), A))
    assert asked_of_a == ASKED_PER_PEER_MAX
    assert asked(g.on_hashes(B, [name(99_999)], never, 0), B) == [name(99_999)]
    g.flush(LATE + REQUEST_MS)
    assert asked(g.on_hashes(A, [name(88_888)], never, LATE), A) == [name(88_888)]


def test_request_is_answered_within_bounds_and_once() -> None:
    g = gossip(A)
    have = {name(i): tx(i) for i in range(5)}
    assert pushed(g.on_get(A, [name(9), name(1), name(2)], have.get), A) == [tx(1), tx(2)]
    assert g.on_get(A, [name(1), name(2)], have.get) == []
    big = {name(i, 60_000): tx(i, 60_000) for i in range(300)}
    answer = g.on_get(A, list(big), big.get)
    assert sum(map(len, pushed(answer, A))) <= ANSWER_BYTES_MAX
    assert g.on_get(B, list(have), have.get) == []


# ── whole networks ───────────────────────────────────────────────────────────────────────────────────────


class Network:
    """Nodes with links of 5 to 25 ms; transactions are accepted as soon as they arrive."""

    def __init__(self, count: int, links: Iterable[tuple[int, int]], seed: bytes = b"net") -> None:
        self.ids = [i.to_bytes(32, "big") for i in range(count)]
        self.nodes = {peer: TxGossip(Dice(seed + peer)) for peer in self.ids}
        self.pools: dict[bytes, dict[bytes, bytes]] = {peer: {} for peer in self.ids}
        self.dice = Dice(seed)
        self.queue: list[tuple[int, int, bytes, bytes, Message | None]] = []
        self.count = 0
        self.carried: Counter[str] = Counter()
        self.received: Counter[tuple[bytes, bytes]] = Counter()
        self.mute: tuple[bytes, ...] = ()
        for a, b in links:
            self.nodes[self.ids[a]].peer_joined(self.ids[b])
            self.nodes[self.ids[b]].peer_joined(self.ids[a])

    def submit(self, i: int, raw: bytes, now: int) -> None:
        self.pools[self.ids[i]][tx_hash_of(raw)] = raw
        self.nodes[self.ids[i]].accepted(tx_hash_of(raw), raw, None)
        self.wake(self.ids[i], now)

    def wake(self, peer: bytes, at: int) -> None:
        self.count += 1
        heapq.heappush(self.queue, (at, self.count, peer, b"", None))

    def run(self) -> int:
        """Deliver until nothing is left; return when that was."""
        now = 0
        while self.queue:
            now, _, peer, sender, message = heapq.heappop(self.queue)
            if message is not None:
                self.send(peer, self.handle(peer, sender, message, now), now)
            self.send(peer, self.nodes[peer].flush(now), now)
            due = self.nodes[peer].due_ms()
            if due is not None and message is not None:
                self.wake(peer, max(due, now))
            elif due is not None and due > now:
                self.wake(peer, due)
        return now

    def handle(self, peer: bytes, sender: bytes, message: Message, now: int) -> Outbox:
        node, pool = self.nodes[peer], self.pools[peer]
        match message:
            case Txs(raws=raws):
                hashes = [tx_hash_of(raw) for raw in raws]
                node.on_txs(sender, hashes)
                for raw, tx_hash in zip(raws, hashes, strict=True):
                    self.received[peer, tx_hash] += 1
                    if tx_hash not in pool and not node.is_seen(tx_hash):
                        pool[tx_hash] = raw
                        node.accepted(tx_hash, raw, sender)
            case TxHashes(hashes=hashes):
                return node.on_hashes(sender, hashes, pool.__contains__, now)
            case GetTxs(hashes=hashes) if peer not in self.mute:
                return node.on_get(sender, hashes, pool.get)
        return []

    def send(self, sender: bytes, outbox: Outbox, now: int) -> None:
        for peer, message in outbox:
            kind = type(message).__name__
            self.carried[kind] += len(getattr(message, "raws", ()) or getattr(message, "hashes", ()))
            self.count += 1
            delay = self.dice.between(5, 25)
            heapq.heappush(self.queue, (now + delay, self.count, peer, sender, decode(message)))


def decode(message: Message) -> Message:
    return decode_message(encode_message(message))


def mesh(count: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(count) for b in range(a)]


def random_graph(count: int, links: int, seed: bytes) -> list[tuple[int, int]]:
    """A ring, so that it is connected, with chords up to about `links` a node."""
    dice = Dice(seed)
    found = {(i, (i + 1) % count): None for i in range(count)}
    while len(found) < count * links // 2:
        a, b = dice.below(count), dice.below(count)
        if a != b and (a, b) not in found and (b, a) not in found:
            found[a, b] = None
    return list(found)


def assert_all_have(network: Network, count: int) -> None:
    missing = {i: count - len(pool) for i, pool in enumerate(network.pools.values()) if len(pool) != count}
    assert not missing


def test_full_mesh_of_four_gets_each_transaction_once() -> None:
    network = Network(4, mesh(4))
    for i in range(200):
        network.submit(i % 4, tx(i), i)
    network.run()
    assert_all_have(network, 200)
    assert network.carried["Txs"] == 200 * 3
    assert network.carried["GetTxs"] == 0
    # Of the six pairs that could tell each other, those who told or heard first keep quiet.
    assert network.carried["TxHashes"] <= 200 * 5


@pytest.mark.parametrize("seed", [b"1", b"2", b"3"])
@pytest.mark.parametrize("count, links", [(16, 4), (16, 6), (16, 12), (40, 5)])
def test_random_graph_everything_reaches_everyone_with_little_to_spare(
    count: int, links: int, seed: bytes
) -> None:
    network = Network(count, random_graph(count, links, seed), seed)
    total = 60
    for i in range(total):
        network.submit(i % count, tx(i), 3 * i)
    network.run()
    assert_all_have(network, total)
    needed = total * (count - 1)
    assert needed <= network.carried["Txs"] <= needed * 1.25
    edges = count * links // 2
    assert network.carried["TxHashes"] <= total * edges * 1.5


def test_line_of_nodes_passes_everything_on() -> None:
    network = Network(6, [(i, i + 1) for i in range(5)])
    for i in range(20):
        network.submit(0, tx(i), i)
    took_ms = network.run()
    assert_all_have(network, 20)
    assert network.carried["Txs"] == 20 * 5
    assert took_ms < 5 * 350 + REQUEST_MS


def test_announcers_that_do_not_deliver_only_delay() -> None:
    links = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)]
    network = Network(5, links)
    network.mute = (network.ids[2],)
    network.submit(0, tx(0), 0)
    network.run()
    assert len(network.pools[network.ids[4]]) == 1


def test_same_seed_same_traffic() -> None:
    def traffic() -> tuple[int, Counter[str]]:
        network = Network(16, random_graph(16, 6, b"x"), b"x")
        for i in range(40):
            network.submit(i % 16, tx(i), i)
        return network.run(), network.carried

    assert traffic() == traffic()


def test_what_was_undone_is_told_to_everybody_anew() -> None:
    g = gossip(A, B)
    for i in (1, 2):
        g.accepted(name(i), tx(i), A)
    g.settled([name(1), name(2)])
    g.flush(LATE)
    g.undone([name(1), name(2)], {name(1)})
    assert (g.is_seen(name(1)), g.is_seen(name(2))) == (True, False), "what is gone may come again"
    outbox = g.flush(LATE) + g.flush(2 * LATE)
    assert told(outbox, A) == told(outbox, B) == [name(1)]
    g.peer_joined(C)
    assert told(g.offer(C, [name(1)]), C) == [name(1)]
