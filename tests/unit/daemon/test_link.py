"""One connection over real loopback sockets: order, bounds, and what a bad peer brings about."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.base.limits import FRAME_BYTES_MAX
from chaosnet.base.units import NodeId
from chaosnet.daemon.transport import TransportLimits
from chaosnet.protocol.frames import encode_frame, encode_header
from chaosnet.protocol.messages import SYNC, TXS, VOTES
from tests.loopback import World, raw_peer


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.end()


async def test_two_nodes_learn_each_other_and_talk(world: World) -> None:
    a, b = await world.pair()
    assert a.connected == [(b.id, True)]
    assert b.connected == [(a.id, False)]
    assert a.remotes == [b.address]
    assert b.remotes[0][0] == "127.0.0.1"
    for number in range(100):
        assert a.transport.send(b.id, number % 3, b"%d" % number)
    assert b.transport.send(a.id, TXS, b"back")
    await b.until(lambda: len(b.messages) == 100)
    await a.until(lambda: a.messages)
    assert a.messages == [(b.id, TXS, b"back")]
    # One turn's frames leave in one write: votes first, each class in its own order.
    assert b.messages == [(a.id, c, b"%d" % n) for c in range(3) for n in range(c, 100, 3)]
    assert (a.transport.traffic.frames_out, b.transport.traffic.frames_in) == (100, 100)
    assert (
        a.transport.traffic.bytes_out
        == b.transport.traffic.bytes_in
        == sum(5 + len(payload) for _, _, payload in b.messages)
    )


async def test_votes_overtake_large_frames(world: World) -> None:
    a, b = await world.pair()
    bulk = [bytes([number]) * (6 * 1024 * 1024) for number in range(4)]
    for payload in bulk:
        assert a.transport.send(b.id, SYNC, payload)
    await asyncio.sleep(0)
    votes = [b"vote %d" % number for number in range(50)]
    for vote in votes:
        assert a.transport.send(b.id, VOTES, vote)
    await b.until(lambda: len(b.messages) == 54)
    assert (
        b.messages
        == [
            (a.id, SYNC, bulk[0]),  # was on its way already
            *((a.id, VOTES, vote) for vote in votes),
            *((a.id, SYNC, payload) for payload in bulk[1:]),
        ]
    )


async def test_frames_that_no_peer_would_take_are_not_queued(world: World) -> None:
    a, b = await world.pair()
    with pytest.raises(Invalid, match="too_large"):
        a.transport.send(b.id, SYNC, bytes(FRAME_BYTES_MAX + 1))
    assert a.transport.send(b.id, SYNC, bytes(FRAME_BYTES_MAX))
    await b.until(lambda: b.messages)
    assert not a.transport.send(NodeId(bytes(32)), SYNC, b"to nobody")


async def test_a_last_word_leaves_before_the_connection(world: World) -> None:
    a, b = await world.pair()
    a.transport.send(b.id, VOTES, b"goodbye")
    a.transport.close(b.id, "banned")
    assert a.closed == [], "close must not call back from inside"
    assert not a.transport.peers()
    assert not a.transport.send(b.id, VOTES, b"too late")
    await b.until(lambda: b.closed)
    assert b.messages == [(a.id, VOTES, b"goodbye")]
    assert b.closed == [(a.id, "connection")]
    assert a.closed == [(b.id, "banned")]
    await a.meet(b)
    assert len(a.connected) == 2


async def test_nothing_is_delivered_after_the_handler_closed(world: World) -> None:
    a, b = await world.pair()
    b.react = lambda peer, _: b.transport.close(peer, "unexpected")
    for _ in range(10):
        a.transport.send(b.id, VOTES, b"x")
    await a.until(lambda: a.closed)
    assert len(b.messages) == 1
    assert b.closed == [(a.id, "unexpected")]


# ── peers that misbehave ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("noise", "code"),
    [
        (encode_header(FRAME_BYTES_MAX + 1, 0), "too_large"),
        (encode_frame(0, b"fine") + encode_header(0, 0), "malformed"),
        (encode_header(5, 7), "malformed"),
    ],
)
async def test_bad_frames_close_the_peer(world: World, noise: bytes, code: str) -> None:
    a = await world.node(1)
    reader, writer = await raw_peer(a)
    writer.write(noise)
    await a.until(lambda: a.closed)
    assert [reason for _, reason in a.closed] == [code]
    assert await reader.read() == b""
    writer.close()


async def test_a_peer_that_does_not_read_costs_bounded_memory(world: World) -> None:
    limits = TransportLimits(queue_bytes_max=4 * 1024 * 1024)
    a = await world.node(1, limits=limits)
    _, writer = await raw_peer(a)
    peer = a.connected[0][0]
    sent = 0
    while a.transport.send(peer, SYNC, bytes(256 * 1024)):
        sent += 1
        await asyncio.sleep(0)
        assert sent < 200, "the queue must end"
    await a.until(lambda: a.closed)
    assert a.closed == [(peer, "rate_limited")]
    writer.transport.abort()


async def test_transactions_are_dropped_before_the_peer_is(world: World) -> None:
    limits = TransportLimits(queue_bytes_max=1024 * 1024)
    a, b = await world.pair(limits)
    for number in range(200):
        assert a.transport.send(b.id, TXS, b"%03d" % number + bytes(10_000))
    dropped = a.transport.traffic.frames_dropped
    assert 90 < dropped < 110
    assert a.transport.send(b.id, SYNC, bytes(1024 * 1024 - 5))
    assert not a.transport.send(b.id, TXS, bytes(10_000)), "no room: this one was dropped itself"
    await b.until(lambda: b.messages)
    assert [stream_class for _, stream_class, _ in b.messages] == [SYNC]
    assert a.closed == []
