"""One kernel among hostile peers: no message and no order of events makes it raise, grow or believe them."""

from collections import deque
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from chaosnet.base.codec import encode
from chaosnet.base.limits import PEER_QUEUE_BYTES_MAX, SEEN_MAX
from chaosnet.kernel import events as ev
from chaosnet.kernel.health import health_of
from chaosnet.model.evidence import PRECOMMIT, PREVOTE, Proposal, Vote
from chaosnet.protocol import messages as msg
from chaosnet.protocol.bans import BANS_KEPT
from chaosnet.protocol.gossip import WANTED_MAX
from chaosnet.protocol.messages import Message, encode_message
from tests.fuzz.hostile import both_lengths, fuzz, hostile_bytes, mutated, values_of
from tests.unit.kernel.harness import Bench, of, peer_id

KINDS: list[Any] = list(msg.STREAM_OF)
decode = msgspec.msgpack.decode
MALLORY, UNREADY, NOBODY = "mallory", "unready", "nobody"


def surrounded() -> Bench:
    """Return a validator with its three honest neighbours, a hostile peer, and one that never greets."""
    bench = Bench().start()
    bench.join_all()
    bench.grow(2)
    bench.join(MALLORY)
    bench.run(ev.Connected(peer_id(UNREADY), outbound=False, host="10.1.1.1", port=1))
    return bench


@cache
def honest_messages() -> list[Message]:
    """Return what honest nodes could say to `surrounded()`, all of it genuine."""
    bench = surrounded()
    candidate = bench.candidate([bench.tx("alice", 0)])
    block = candidate.block_id
    height = bench.node.head.header.height
    tx = bench.tx("bob", 0, "carol")
    sealed = msg.SealedHeader(encode(candidate.block.header), bench.seal(candidate))
    return [
        bench.proposal(candidate),
        bench.votes([1], PREVOTE, block),
        bench.votes([2, 3], PREVOTE, block),
        bench.votes([1, 2], PRECOMMIT, block),
        bench.votes([3], PRECOMMIT, block),
        bench.votes([1, 2], PREVOTE, round_=1),
        msg.Txs((tx.raw,)),
        msg.TxHashes((tx.tx_hash,)),
        msg.GetTxs((tx.tx_hash, bytes(32))),
        msg.GetHeaders(0, 9),
        msg.GetBodies(1, 9),
        msg.Headers(height + 1, (sealed,)),
        msg.Bodies(height + 1, (bench.sealed(candidate),)),
        bench.status(height=height + 1, head=block, linked=b"\x0e"),
        bench.status(height=height + 3, head=block),
        bench.status(step="propose", round=1),
        msg.GetPeers(),
        msg.Peers((msg.PeerAddress(peer_id(NOBODY), "10.0.0.7", 26_700),)),
    ]


def leaves_of(value: Any) -> list[Any]:
    """Return all numbers, texts and bytes of a decoded message."""
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves_of(item)]
    return [value]


@st.composite
def altered(draw: st.DrawFn, messages: list[Message]) -> bytes:
    """Return a genuine message in which one value is another one's, of the same type."""
    pool = [leaf for message in messages for leaf in leaves_of(decode(encode_message(message)))]
    content = decode(encode_message(draw(st.sampled_from(messages))))
    at = draw(st.integers(1, max(1, len(leaves_of(content)) - 1)))
    passed = 0

    def with_change(value: Any) -> Any:
        nonlocal passed
        if isinstance(value, list):
            return [with_change(item) for item in value]
        passed += 1
        if passed != at + 1:
            return value
        return draw(st.sampled_from([other for other in pool if type(other) is type(value)]))

    return encode(with_change(content))


def payloads() -> SearchStrategy[bytes]:
    messages = honest_messages()
    genuine = st.sampled_from(messages).map(encode_message)
    kind = st.sampled_from(KINDS)
    return st.one_of(
        genuine,
        genuine,
        altered(messages),
        altered(messages),
        mutated(genuine),
        kind.flatmap(values_of).map(encode_message),
        kind.flatmap(hostile_bytes),
    )


def occurrences() -> SearchStrategy[Any]:
    """Return events of every kind, most of them messages; an int is a pause in ms."""
    peers = st.sampled_from([MALLORY, UNREADY, NOBODY, 1, 2, 3])
    host = st.sampled_from(["10.0.0.9", "8.8.8.8", "::1", "no host", "localhost", ""])
    genuine = st.sampled_from(honest_messages()).map(encode_message)
    said = st.tuples(peers, payloads())
    said_by_members = st.tuples(
        st.sampled_from([1, 2, 3]),
        st.sampled_from([genuine] * 3 + [altered(honest_messages())]).flatmap(lambda x: x),
    )
    timers = st.sampled_from(
        ["status", "peers", "gossip", "get_peers", "quorum", "unknown", "engine:", "engine:propose"]
        + [f"engine:{name}" for name in ("idle", "interval", "prevote", "precommit", "nonsense")]
    )
    other = st.one_of(
        said,
        st.tuples(peers, host).map(lambda p: ("connected", *p)),
        peers.map(lambda p: ("disconnected", p)),
        host.map(lambda h: ev.DialFailed(h, 26_700, "connection")),
        timers.map(ev.TimerFired),
        st.lists(payloads(), max_size=3).map(lambda raws: ev.SubmitTransactions(9, tuple(raws))),
        st.just(ev.Verified(0, (True,))),
        st.sampled_from([1, 60, 1_000, 11_000, 70_000]),
    )
    # Else the members would be closed, or time out, before they have said anything of weight.
    return st.sampled_from("mmmmmoo").flatmap({"m": said_by_members, "o": other}.__getitem__)


def happen(bench: Bench, what: Any) -> None:
    def id_of(peer: int | str) -> bytes:
        return bench.node_of(peer) if isinstance(peer, int) else peer_id(peer)

    match what:
        case int():
            bench.advance(what)
        case ("connected", peer, host):
            bench.run(ev.Connected(id_of(peer), outbound=False, host=host, port=1))
        case ("disconnected", peer):
            bench.run(ev.Disconnected(id_of(peer), "connection"))
        case (peer, payload):
            bench.run(ev.Received(id_of(peer), payload))
        case _:
            bench.run(what)


@both_lengths
def test_nothing_that_happens_makes_the_kernel_raise_or_believe(examples: int) -> None:
    def check(what_happens: list[Any]) -> None:
        bench = surrounded()
        before = bench.node.head
        for what in what_happens:
            happen(bench, what)
        node = bench.node
        assert node.head.block_id == before.block_id or node.head.header.height > before.header.height
        assert node.head.state.root == node.head.header.state_root
        assert not of(bench.log, ev.PersistEvidence)
        assert not node.halted
        assert len(node.mempool) <= 2  # the two genuine transactions
        for voter in [bench.signs.prevote, bench.signs.precommit]:
            assert voter is None or voter.signer == bench.key_of(0)

    fuzz(check, st.lists(occurrences(), min_size=4, max_size=24), examples)


# ── growth ───────────────────────────────────────────────────────────────────────────────────────────────


def sizes_of(thing: object, name: str, seen: dict[int, object]) -> dict[str, int]:
    """Return the length of every container that a node holds, by the way that leads to it."""
    if id(thing) in seen or isinstance(thing, (bytes, str, int, type(None))):
        return {}
    seen[id(thing)] = thing
    found: dict[str, int] = {}
    if isinstance(thing, (dict, list, set, deque)):
        found[name] = len(thing)
        for item in list(thing.values() if isinstance(thing, dict) else thing)[:50]:
            for way, size in sizes_of(item, f"{name}[]", seen).items():
                found[way] = max(size, found.get(way, 0))
    elif type(thing).__module__.startswith("chaosnet."):
        slots = [slot for kind in type(thing).__mro__ for slot in getattr(kind, "__slots__", ())]
        for part in [*slots, *getattr(thing, "__dict__", {})]:
            if part not in ("config", "reader", "state", "head") and hasattr(thing, part):
                found |= sizes_of(getattr(thing, part), f"{name}.{part}", seen)
    return found


SIZE_MAX = 1_200
LARGER = {
    "node.book._bans._keys": BANS_KEPT,
    "node.gossip._known._young": SEEN_MAX,
    "node.gossip._known._old": SEEN_MAX,
    "node.gossip._wanted": WANTED_MAX,
}
"""Bounds of their own, in `protocol`; all else is small."""


def unique(kind: type, i: int, bench: Bench) -> Message:
    """Return a message that no other is like, as far as its kind can be."""
    name = i.to_bytes(32, "big")
    raw = bench.tx("alice", 0).raw
    vote = Vote(PREVOTE, 0, bench.node.head.header.height + 1, i % 7, name, bench.key_of(1), name * 2)
    stranger = Vote(PREVOTE, 0, vote.height, 0, b"", name, name * 2)
    proposal = Proposal(0, vote.height, i % 5, -1, name, name, name * 2)
    samples: list[Message] = [
        bench.hello(),
        bench.status(height=i + 10, head=name, linked=name[-2:], round=i, step="precommit"),
        msg.GetPeers(),
        msg.Peers(tuple(msg.PeerAddress(bytes([n]) + name[1:], f"9.{i % 250}.{n}.1", 9) for n in range(9))),
        msg.Txs((raw[:-32] + name, name)),
        msg.TxHashes((name,)),
        msg.GetTxs((name,)),
        msg.Propose(proposal, name),
        msg.Votes((vote, stranger)),
        msg.GetHeaders(i, 256),
        msg.Headers(i, (msg.SealedHeader(name, name),)),
        msg.GetBodies(i, 64),
        msg.Bodies(i, (name,)),
        msg.Goodbye("banned"),
        msg.NewBlock(name),
    ]
    return next(message for message in samples if type(message) is kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("count", [SIZE_MAX + 100, pytest.param(12_000, marks=pytest.mark.soak)])
def test_a_flood_of_one_kind_fills_nothing(kind: type, count: int) -> None:
    bench = surrounded()
    peer, keys = peer_id(MALLORY), 0
    for i in range(count):
        if not bench.node.sessions.is_ready(peer) or bench.node.book.is_banned(peer, "", bench.now):
            bench.run(ev.Disconnected(peer, "banned"))
            keys += 1
            peer = bench.join(f"mallory {keys}", host=f"11.{keys // 250}.{keys % 250}.1")
        bench.say(peer, unique(kind, i, bench))
        bench.advance(20)
        assert not of(bench.log, ev.PersistEvidence)
        bench.log.clear()
    for way, size in sizes_of(bench.node, "node", {}).items():
        assert size <= LARGER.get(way, SIZE_MAX), (way, size)
    assert bench.node.head.header.height == 2


def test_peers_that_come_and_go_leave_nothing_behind() -> None:
    bench = surrounded()
    for i in range(SIZE_MAX + 100):
        peer = bench.join(f"guest {i}", host=f"12.{i // 250}.{i % 250}.1", listen_port=7)
        bench.say(peer, bench.status(linked=b"\x01"))
        bench.say(peer, bench.status(height=50))
        bench.run(ev.Disconnected(peer, "connection"))
        bench.advance(20)
        bench.log.clear()
    for way, size in sizes_of(bench.node, "node", {}).items():
        assert size <= LARGER.get(way, SIZE_MAX), (way, size)


# ── what little can make a node do ───────────────────────────────────────────────────────────────────────


def bytes_to(bench: Bench, peer: bytes) -> int:
    """Return the bytes sent to a peer so far."""
    return sum(len(effect.payload) for effect in of(bench.log, ev.SendMessage) if effect.peer == peer)


def test_status_after_status_gives_the_pending_block_once() -> None:
    bench = surrounded()
    txs = [bench.tx(name, nonce) for name in ("alice", "bob") for nonce in range(60)]
    candidate = bench.candidate(txs)
    bench.say(bench.node_of(bench.turn()), bench.proposal(candidate))
    mallory = peer_id(MALLORY)
    for _ in range(400):
        bench.say(mallory, bench.status(step="propose"))
        bench.now += 2
    assert len(candidate.raw) < bytes_to(bench, mallory) < 3 * len(candidate.raw)


@pytest.mark.parametrize(
    "request_", [msg.GetBodies(1, 64), msg.GetHeaders(1, 256)], ids=["bodies", "headers"]
)
def test_a_flood_of_requests_gives_less_than_a_link_may_hold(
    request_: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = surrounded()
    block, header = bytes(900_000), (bytes(600), bytes(20_000))
    monkeypatch.setattr(bench.chain, "sealed_at", lambda _: block)
    monkeypatch.setattr(bench.chain, "header_at", lambda _: header)
    mallory = peer_id(MALLORY)
    for _ in range(2_000):
        bench.say(mallory, request_)
    assert 0 < bytes_to(bench, mallory) < PEER_QUEUE_BYTES_MAX
    assert bench.node.book.is_banned(mallory, "", bench.now)


def test_one_strangers_claim_does_not_make_a_node_look_late() -> None:
    bench = surrounded()
    for place in (1, 2, 3):
        bench.say(bench.node_of(place), bench.status())
    bench.say(peer_id(MALLORY), bench.status(height=10**9, head=bytes(32)))
    bench.say(bench.node_of(3), bench.status(height=10**9, head=bytes(32)))
    assert health_of(bench.node, bench.now).is_healthy
    bench.say(bench.node_of(2), bench.status(height=40, head=bytes(32)))
    health = health_of(bench.node, bench.now)
    assert (health.code, health.progress) == ("syncing", 5)
