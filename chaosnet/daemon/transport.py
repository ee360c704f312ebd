"""The Transport port over TCP and TLS 1.3, both sides proving their node keys (daemon/network_ca.py).

Decides which connections are kept: IP rules and caps before the handshake costs anything, then one
connection a key. When two nodes dial each other at once, the one with the smaller id refuses at once the
connection that it did not dial, and the other waits for that decision: exactly one is left, without
flapping. Bounds come from base/limits.py (protocol: Trust). Membership is judged above, once the key is
known.
"""

import asyncio
import errno
import ipaddress
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from chaosnet.base import limits
from chaosnet.base.errors import Unavailable
from chaosnet.base.units import NodeId
from chaosnet.daemon.link import Link, Stage, Traffic
from chaosnet.daemon.network_ca import node_id_of, ssl_contexts
from chaosnet.protocol.transport import Endpoint, TransportHandler

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_SHUTDOWN_S: Final = 1.0
"""How long a closed connection may wait for the other side's goodbye."""
_ACCEPT_RETRY_S: Final = 0.2
"""Pause when accepting fails, as it does while file descriptors are short."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportLimits:
    """Bounds of one transport; may be replaced while it runs (`TlsTransport.limits`)."""

    peers_max: int = limits.PEERS_MAX
    inbound_max: int = limits.PEERS_MAX - 16
    """Places that connections from outside may take: the rest stay free for our own dials."""
    connections_per_ip_max: int = 32
    """From outside, handshakes included; an IPv6 /64 counts as one address."""
    handshakes_per_ip_max: int = limits.HANDSHAKES_PER_IP_MAX
    handshakes_max: int = limits.HANDSHAKES_MAX
    handshake_ms_max: int = limits.HANDSHAKE_MS_MAX
    """From accepted or dialled to open."""
    queue_bytes_max: int = limits.PEER_QUEUE_BYTES_MAX
    allow: tuple[IpNetwork, ...] = ()
    """When not empty, only these may connect to us."""
    deny: tuple[IpNetwork, ...] = ()
    """These may not; wins over `allow`."""


def _plain_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address, an IPv4 one that came in through an IPv6 socket as what it is."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _ip_group(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return what counts as one address: whoever has one of a /64 has all of it."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)


class TlsTransport:
    """Connections of one node. Call everything from the loop that runs it."""

    def __init__(
        self,
        genesis_hash: bytes,
        node_seed: bytes,
        handler: TransportHandler,
        *,
        limits: TransportLimits | None = None,
    ) -> None:
        self.node_id = node_id_of(node_seed)
        self.handler = handler
        self.limits = limits or TransportLimits()
        self.traffic = Traffic()
        self.refused: Counter[str] = Counter()
        """Connections from outside refused before or after the handshake, by code."""
        self._server_context, self._client_context = ssl_contexts(genesis_hash, node_seed)
        self._links: dict[bytes, Link] = {}
        self._dialled: dict[bytes, Link] = {}
        """Own dials with a proven key that wait for the other side's verdict."""
        self._held: dict[bytes, Link] = {}
        """Connections from outside that wait for the end of our own dial to the same key."""
        self._handshakes: Counter[str] = Counter()
        """Unfinished handshakes from outside, by IP group."""
        self._inbound: Counter[str] = Counter()
        """Connections from outside, handshakes included, by IP group."""
        self._listeners: dict[socket.socket, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def queue_bytes_max(self) -> int:
        """Bytes one connection may queue."""
        return self.limits.queue_bytes_max

    # ── the port ─────────────────────────────────────────────────────────────────────────────────────────

    async def listen(self, host: str, port: int) -> Endpoint:
        """Accept connections on a local IP address; return the address in use (port 0: any free one).

        Raises Unavailable(`port_taken`) and OSError when the address is not ours.
        """
        if self._stopping:
            raise Unavailable("shutdown")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server(
                (host, port), family=family, backlog=256, dualstack_ipv6=host == "::"
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Unavailable("port_taken", f"{host} port {port}") from error
            raise
        listener.setblocking(False)
        self._listeners[listener] = self._spawn(self._accept(listener))
        bound = listener.getsockname()
        return bound[0], bound[1]

    def dial(self, address: Endpoint, expected: bytes | None = None) -> None:
        """Try to connect; ends in one `on_connected` or `on_dial_failed`, never within this call."""
        code = ""
        if self._stopping:
            code = "shutdown"
        elif expected == self.node_id:
            code = "self_connection"
        elif expected and expected in self.peers():
            code = "duplicate_peer"
        if code:
            asyncio.get_running_loop().call_soon(self.handler.on_dial_failed, address, code)
        else:
            self._spawn(self._dial(address, expected))

    def send(self, peer: bytes, stream_class: int, payload: bytes) -> bool:
        """Queue one frame; return False when there is no such peer or its queue is full.

        Raises Invalid(`too_large` | `bad_argument`) for a frame that no peer would accept.
        """
        link = self._links.get(peer)
        return link is not None and link.send(stream_class, payload)

    def close(self, peer: bytes, reason: str) -> None:
        """End the connection after what is queued and can leave at once; `on_closed` follows."""
        link = self._links.get(peer)
        if link is not None:
            link.close(reason)

    def peers(self) -> Collection[NodeId]:
        """Return the keys connected now."""
        return [link.peer for link in self._links.values() if link.is_open()]

    async def stop(self) -> None:
        """Close everything; each open connection still gets its `on_closed` (`shutdown`)."""
        self._stopping = True
        for task in self._listeners.values():
            task.cancel()
        await asyncio.gather(*self._listeners.values(), return_exceptions=True)
        for listener in self._listeners:
            listener.close()
        links = list(self._links.values())
        for link in links:
            link.close("shutdown")
        if links:
            await asyncio.wait([link.lost for link in links], timeout=_SHUTDOWN_S)
        for link in links:
            link.abort("shutdown")
            self.link_closed(link)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # One more turn, in which aborted connections give their sockets back.
        await asyncio.sleep(0)

    # ── from outside ─────────────────────────────────────────────────────────────────────────────────────

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            try:
                connection, address = await loop.sock_accept(listener)
            except OSError as error:
                _log.warning("cannot accept connections: %s", error)
                await asyncio.sleep(_ACCEPT_RETRY_S)
                continue
            ip = _plain_ip(address[0])
            group = _ip_group(ip)
            code = self._refusal(ip, group)
            if code:
                self.refused[code] += 1
                connection.close()
            else:
                self._inbound[group] += 1
                self._handshakes[group] += 1
                task = self._spawn(self._serve(connection, (str(ip), address[1]), group))
                task.add_done_callback(partial(self._served, connection, group))
            # sock_accept returns at once while connections wait: a flood must not keep the loop.
            await asyncio.sleep(0)

    def _refusal(self, ip: ipaddress.IPv4Address | ipaddress.IPv6Address, group: str) -> str:
        """Return why this address may not connect now, or nothing."""
        bounds = self.limits
        if any(ip in network for network in bounds.deny):
            return "ip_denied"
        if bounds.allow and not any(ip in network for network in bounds.allow):
            return "ip_denied"
        if self._inbound[group] >= bounds.connections_per_ip_max:
            return "rate_limited"
        if self._handshakes[group] >= bounds.handshakes_per_ip_max:
            return "rate_limited"
        if self._handshakes.total() >= bounds.handshakes_max:
            return "overloaded"
        return ""

    async def _serve(self, connection: socket.socket, remote: Endpoint, group: str) -> None:
        link = Link(self, remote, outbound=False)
        connecting = asyncio.get_running_loop().connect_accepted_socket(
            lambda: link,
            connection,
            ssl=self._server_context,
            ssl_handshake_timeout=self._handshake_s + 1,
            ssl_shutdown_timeout=_SHUTDOWN_S,
        )
        try:
            code = await self._opened(link, connecting)
        finally:
            self._handshakes[group] -= 1
        if code != "ok":
            self.refused[code] += 1
        if link.is_made:
            await link.lost

    def _served(self, connection: socket.socket, group: str, _: asyncio.Task[None]) -> None:
        """Give the place back, also when the task never ran."""
        connection.close()
        self._inbound[group] -= 1
        if not self._inbound[group]:
            del self._inbound[group], self._handshakes[group]

    # ── to outside ───────────────────────────────────────────────────────────────────────────────────────

    async def _dial(self, address: Endpoint, expected: bytes | None) -> None:
        link = Link(self, address, outbound=True, expected=expected)
        host, port = address
        # An empty host name: none is sent, none is checked; the key is what counts.
        connecting = asyncio.get_running_loop().create_connection(
            lambda: link,
            host,
            port,
            ssl=self._client_context,
            server_hostname="",
            ssl_handshake_timeout=self._handshake_s + 1,
            ssl_shutdown_timeout=_SHUTDOWN_S,
        )
        code = await self._opened(link, connecting)
        if code != "ok":
            self.handler.on_dial_failed(address, code)

    # ── either way ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def _handshake_s(self) -> float:
        """Seconds from accepted or dialled to open; asyncio's own limit, for TLS alone, is set later."""
        return self.limits.handshake_ms_max / 1000

    async def _opened(self, link: Link, connecting: Coroutine[Any, Any, Any]) -> str:
        """Wait until the connection is open and return `ok`, else the code of what went wrong."""
        code = "shutdown"
        try:
            async with asyncio.timeout(self._handshake_s):
                await connecting
                return await link.verdict
        except TimeoutError:
            code = "timeout"
        except ssl.SSLError:
            code = "handshake"
        except (OSError, ValueError, OverflowError):  # the last two: no host name, no port number
            code = "connection"
        finally:
            if not link.verdict.done():
                link.abort(code)
        return code

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ── which connections are kept ───────────────────────────────────────────────────────────────────────

    def link_ready(self, link: Link) -> None:
        """Keep, hold or refuse a connection whose key is proven."""
        peer = link.peer
        before = self._links.get(peer)
        if before is not None and before.stage is Stage.CLOSED:
            self.link_closed(before)
        if self._stopping:
            link.abort("shutdown")
        elif peer == self.node_id:
            link.refuse("self_connection")
        elif peer in self._links:
            link.refuse("duplicate_peer")
        elif peer in self._dialled:
            if link.outbound or self.node_id < peer or peer in self._held:
                link.refuse("duplicate_peer")
            else:
                self._held[peer] = link
        elif not self._has_room(link):
            link.refuse("peers_full")
        elif link.outbound:
            self._dialled[peer] = link
        else:
            self._keep(link)

    def link_accepted(self, link: Link) -> None:
        """The other side keeps the connection we dialled, so we do."""
        del self._dialled[link.peer]
        self._keep(link)
        held = self._held.pop(link.peer, None)
        if held is not None:
            held.refuse("duplicate_peer")

    def link_failed(self, link: Link) -> None:
        """Forget a connection that was not open; what waited for it gets its turn."""
        if self._dialled.get(link.peer) is link:
            del self._dialled[link.peer]
            held = self._held.pop(link.peer, None)
            if held is not None:
                self.link_ready(held)
        elif self._held.get(link.peer) is link:
            del self._held[link.peer]

    def link_closed(self, link: Link) -> None:
        """Forget a connection that was open, and tell it once."""
        if self._links.get(link.peer) is link:
            del self._links[link.peer]
            self.handler.on_closed(link.peer, link.reason)

    def _keep(self, link: Link) -> None:
        self._links[link.peer] = link
        link.open()
        self.handler.on_connected(link.peer, link.outbound, link.remote)

    def _has_room(self, link: Link) -> bool:
        if len(self._links) + len(self._dialled) >= self.limits.peers_max:
            return False
        return link.outbound or sum(not other.outbound for other in self._links.values()) < (
            self.limits.inbound_max
        )
