"""Which connections a transport keeps, over real loopback sockets."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Self

import pytest

from chaosnet.base.errors import Unavailable
from chaosnet.daemon.link import VERDICTS
from chaosnet.daemon.network_ca import network_ca_key, ssl_contexts
from chaosnet.daemon.transport import TransportLimits, _ip_group, _plain_ip
from chaosnet.protocol.frames import encode_frame
from chaosnet.protocol.messages import VOTES
from tests.loopback import GENESIS, NOBODY, Node, World, turns_until


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.end()


async def test_four_nodes_form_a_mesh(world: World) -> None:
    nodes = [await world.node(number) for number in range(1, 5)]
    await asyncio.gather(*(a.meet(b) for i, a in enumerate(nodes) for b in nodes[:i]))
    for node in nodes:
        others = {other.id for other in nodes} - {node.id}
        assert set(node.transport.peers()) == others
        for peer in sorted(others):
            assert node.transport.send(peer, VOTES, b"from %d" % node.address[1])
    for node in nodes:
        await node.received(3)
        assert {(peer, payload) for peer, _, payload in node.messages} == {
            (other.id, b"from %d" % other.address[1]) for other in nodes if other is not node
        }


# ── one connection a key ─────────────────────────────────────────────────────────────────────────────────


async def test_dials_in_both_directions_leave_one_connection(world: World) -> None:
    nodes = sorted([await world.node(number) for number in range(1, 9)], key=lambda node: node.id)
    for a, b in pairwise(nodes):
        a.transport.dial(b.address, b.id)
        b.transport.dial(a.address, None)
    for node in nodes:
        await node.resolved(dials=1 if node in {nodes[0], nodes[-1]} else 2)
    for a, b in pairwise(nodes):
        at_a = [outbound for peer, outbound in a.connected if peer == b.id]
        at_b = [outbound for peer, outbound in b.connected if peer == a.id]
        assert (at_a, at_b) in {"a dialled": ([True], [False]), "b dialled": ([False], [True])}.values()
        assert a.transport.send(b.id, VOTES, b"hello")
    for node in nodes[1:]:
        await node.received(1)
    assert {code for node in nodes for code in node.failed} == {"duplicate_peer"}
    assert sum(len(node.failed) for node in nodes) == len(nodes) - 1
    assert not [node.closed for node in nodes if node.closed], "no connection was opened and closed again"


class DialUnderWay:
    """A dial from `me` to `other` whose verdict is given by the test, on a socket with the key of `other`."""

    def __init__(self, me: Node, other: Node) -> None:
        self.me, self.other = me, other
        self._told: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        context = self.other.transport._server_context
        self._server = await asyncio.start_server(
            lambda _, writer: self._told.set_result(writer), "127.0.0.1", 0, ssl=context
        )
        self.me.transport.dial(self._server.sockets[0].getsockname(), self.other.id)
        self._writer = await self._told
        await turns_until(lambda: self.other.id in self.me.transport._dialled)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()
        self._server.close()

    def say(self, verdict: str) -> None:
        self._writer.write(bytes([VERDICTS.index(verdict)]))


async def ordered_pair(world: World) -> list[Node]:
    return sorted([await world.node(1), await world.node(2)], key=lambda node: node.id)


async def test_the_smaller_id_keeps_its_own_dial(world: World) -> None:
    small, large = await ordered_pair(world)
    async with DialUnderWay(small, large) as dial:
        assert await large.fail(small.address) == "duplicate_peer"
        dial.say("ok")
        await small.until(lambda: small.connected)
        assert small.connected == [(large.id, True)]


@pytest.mark.parametrize("verdict", ["ok", "duplicate_peer"])
async def test_the_larger_id_waits_for_the_smaller(world: World, verdict: str) -> None:
    small, large = await ordered_pair(world)
    async with DialUnderWay(large, small) as dial:
        small.transport.dial(large.address)
        await turns_until(lambda: small.id in large.transport._held)
        assert large.connected == small.connected == []
        dial.say(verdict)
        await large.until(lambda: large.connected)
        assert large.connected == [(small.id, verdict == "ok")]
        await small.until(lambda: small.failed or small.connected)
        if verdict == "ok":
            assert (small.failed, small.connected) == (["duplicate_peer"], [])
        else:
            assert (small.failed, small.connected) == ([], [(large.id, True)])
            assert large.failed == ["duplicate_peer"]


async def test_who_waits_must_be_silent(world: World) -> None:
    small, large = await ordered_pair(world)
    async with DialUnderWay(large, small):
        context = small.transport._client_context
        reader, writer = await asyncio.open_connection(*large.address, ssl=context, server_hostname="")
        writer.write(encode_frame(VOTES, b"too early"))
        assert await reader.read() == b""
        writer.close()
        assert large.transport.refused == {"unexpected": 1}
        assert not large.transport._held


async def test_known_and_own_keys_are_not_dialled_again(world: World) -> None:
    a, b = await world.pair()
    assert await a.fail(b.address, b.id) == "duplicate_peer"
    assert await a.fail(b.address) == "duplicate_peer"
    assert await b.fail(a.address) == "duplicate_peer"
    assert await a.fail(NOBODY, a.id) == "self_connection"
    assert await a.fail(a.address) == "self_connection"
    assert (len(a.connected), len(b.connected), a.closed, b.closed) == (1, 1, [], [])


# ── who is refused ───────────────────────────────────────────────────────────────────────────────────────


async def test_the_dialler_checks_the_expected_id(world: World) -> None:
    a, b, c = [await world.node(number) for number in (1, 2, 3)]
    assert await a.fail(b.address, c.id) == "wrong_peer"
    assert a.connected == b.connected == []


async def test_another_network_is_refused(world: World) -> None:
    a, stranger = await world.node(1), await world.node(2, genesis=bytes(32))
    assert await stranger.fail(a.address) == "handshake"
    assert await a.fail(stranger.address) == "handshake"
    assert a.connected == stranger.connected == []


async def test_a_client_without_certificate_is_refused(world: World) -> None:
    a = await world.node(1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(*a.address, ssl=context)
    assert await reader.read() == b"", "closed without the byte that lets a dialler in"
    writer.close()
    assert a.transport.refused == {"handshake": 1}
    assert a.connected == []


async def test_addresses_that_do_not_answer(world: World) -> None:
    a = await world.node(1, limits=TransportLimits(handshake_ms_max=50))
    silent = socket.create_server(("127.0.0.1", 0))
    assert await a.fail(NOBODY) == "connection"
    assert await a.fail(("no such host.invalid", 1)) == "connection"
    assert await a.fail(("127.0.0.1", 70_000)) == "connection"
    assert await a.fail(silent.getsockname()) == "timeout"
    silent.close()


async def test_a_full_node_says_so(world: World) -> None:
    full = await world.node(1, limits=TransportLimits(peers_max=2, inbound_max=1))
    b, c, d = [await world.node(number) for number in (2, 3, 4)]
    await b.meet(full)
    assert await c.fail(full.address) == "peers_full"
    await full.meet(c)
    assert await full.fail(d.address) == "peers_full"
    assert full.transport.refused["peers_full"] == 1


async def test_the_key_of_the_ca_is_refused_by_both_ends(world: World) -> None:
    a, thief = await world.node(1), await world.node(2)
    contexts = ssl_contexts(GENESIS, network_ca_key(GENESIS).private_bytes_raw())
    thief.transport._server_context, thief.transport._client_context = contexts
    assert await a.fail(thief.address) == "handshake"
    assert await thief.fail(a.address) == "connection"
    assert a.transport.refused == {"handshake": 1}
    assert a.connected == thief.connected == []


# ── before the handshake ─────────────────────────────────────────────────────────────────────────────────


async def test_a_slow_handshake_is_cut(world: World) -> None:
    a = await world.node(1, limits=TransportLimits(handshake_ms_max=50))
    reader, writer = await asyncio.open_connection(*a.address)
    writer.write(b"\x16\x03\x01")
    assert await reader.read() == b""
    assert a.transport.refused == {"timeout": 1}
    writer.close()


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (TransportLimits(handshakes_per_ip_max=2), "rate_limited"),
        (TransportLimits(handshakes_max=2), "overloaded"),
        (TransportLimits(connections_per_ip_max=2), "rate_limited"),
    ],
)
async def test_silent_handshakes_are_capped(world: World, limits: TransportLimits, code: str) -> None:
    a, b = await world.node(1, limits=limits), await world.node(2)
    silent = [await asyncio.open_connection(*a.address) for _ in range(2)]
    late, writer = await asyncio.open_connection(*a.address)
    assert await late.read() == b""
    assert a.transport.refused == {code: 1}
    assert await b.fail(a.address) == "connection"
    assert not any(reader.at_eof() for reader, _ in silent)
    for _, each in [*silent, (late, writer)]:
        each.close()
    await turns_until(lambda: not a.transport._inbound)
    await b.meet(a)


async def test_open_connections_of_one_ip_are_capped(world: World) -> None:
    a = await world.node(1, limits=TransportLimits(connections_per_ip_max=1))
    b, c = await world.node(2), await world.node(3)
    await b.meet(a)
    assert await c.fail(a.address) == "connection"
    b.transport.close(a.id, "ok")
    await turns_until(lambda: not a.transport._inbound)
    await c.meet(a)


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_what_counts_as_one_address(host: str, group: str) -> None:
    assert _ip_group(_plain_ip(host)) == group


async def test_ip_rules_can_change_while_it_runs(world: World) -> None:
    a, b = await world.node(1), await world.node(2)
    loopback, other = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("fd00::/8")
    a.transport.limits = TransportLimits(deny=(other, loopback), allow=(loopback,))
    assert await b.fail(a.address) == "connection"
    a.transport.limits = TransportLimits(allow=(other,))
    assert await b.fail(a.address) == "connection"
    assert a.transport.refused == {"ip_denied": 2}
    a.transport.limits = TransportLimits(allow=(other, loopback))
    await b.meet(a)


# ── start and stop ───────────────────────────────────────────────────────────────────────────────────────


async def test_stop_tells_everybody_and_frees_the_port(world: World) -> None:
    a, b = await world.pair()
    reader, writer = await asyncio.open_connection(*a.address)
    c = await world.node(3)
    a.transport.dial(NOBODY)
    await a.transport.stop()
    assert a.closed == [(b.id, "shutdown")]
    await b.until(lambda: b.closed)
    assert await reader.read() == b""
    writer.close()
    assert await c.fail(a.address) == "connection"
    assert await a.fail(b.address) == "shutdown"
    assert await c.transport.listen(*a.address) == a.address


async def test_a_taken_port_is_named(world: World) -> None:
    a, b = await world.node(1), await world.node(2)
    with pytest.raises(Unavailable, match="port_taken"):
        await b.transport.listen(*a.address)
