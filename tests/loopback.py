"""Transports over real loopback sockets, for tests: they record what they are told."""

import asyncio
from collections.abc import Callable

from chaosnet.base.units import NodeId
from chaosnet.daemon.network_ca import ssl_contexts
from chaosnet.daemon.transport import TlsTransport, TransportLimits
from chaosnet.protocol.transport import Endpoint

GENESIS = bytes(range(32))
NOBODY: Endpoint = ("127.0.0.1", 1)
"""Nothing listens there."""


class Node:
    """A transport that records what it is told."""

    def __init__(
        self, number: int, *, genesis: bytes = GENESIS, limits: TransportLimits | None = None
    ) -> None:
        self.connected: list[tuple[NodeId, bool]] = []
        self.messages: list[tuple[NodeId, int, bytes]] = []
        self.closed: list[tuple[NodeId, str]] = []
        self.failed: list[str] = []
        self.remotes: list[Endpoint] = []
        self.react: Callable[[NodeId, bytes], None] = lambda *_: None
        self._changed = asyncio.Event()
        self.transport = TlsTransport(genesis, bytes([number]) * 32, self, limits=limits)
        self.id = self.transport.node_id
        self.address = NOBODY

    def on_connected(self, peer: NodeId, outbound: bool, remote: Endpoint) -> None:
        self.connected.append((peer, outbound))
        self.remotes.append(remote)
        self._changed.set()

    def on_message(self, peer: NodeId, stream_class: int, payload: bytes) -> None:
        self.messages.append((peer, stream_class, payload))
        self._changed.set()
        self.react(peer, payload)

    def on_closed(self, peer: NodeId, reason: str) -> None:
        self.closed.append((peer, reason))
        self._changed.set()

    def on_dial_failed(self, address: Endpoint, reason: str) -> None:
        self.failed.append(reason)
        self._changed.set()

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait for a state that one of the callbacks brings about."""
        async with asyncio.timeout(20):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    async def received(self, count: int) -> None:
        """Wait for this many messages."""
        await self.until(lambda: len(self.messages) == count)

    async def resolved(self, dials: int) -> None:
        """Wait until this many dials have ended and this many peers are connected."""
        await self.until(
            lambda: (
                len([peer for peer, outbound in self.connected if outbound]) + len(self.failed)
                == dials
                == len(self.connected)
            )
        )

    async def meet(self, other: "Node") -> None:
        """Dial and wait until both have told their owners."""
        self.transport.dial(other.address, other.id)
        await self.until(lambda: other.id in self.transport.peers())
        await other.until(lambda: self.id in other.transport.peers())

    async def fail(self, address: Endpoint, expected: NodeId | None = None) -> str:
        """Dial in vain; return the code."""
        before = len(self.failed)
        self.transport.dial(address, expected)
        assert len(self.failed) == before, "dial must not call back from inside"
        await self.until(lambda: len(self.failed) > before)
        return self.failed[-1]


async def turns_until(is_so: Callable[[], object]) -> None:
    """Let the loop turn until a state that no callback tells."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 (there is no event to wait for)
            await asyncio.sleep(0)


class World:
    """Makes nodes, and stops them at the end."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    async def node(
        self, number: int = 1, *, genesis: bytes = GENESIS, limits: TransportLimits | None = None
    ) -> Node:
        node = Node(number, genesis=genesis, limits=limits)
        node.address = await node.transport.listen("127.0.0.1", 0)
        self.nodes.append(node)
        return node

    async def end(self) -> None:
        """Stop all nodes; nothing of them is left."""
        for node in self.nodes:
            await node.transport.stop()
            assert not node.transport._tasks
            assert not node.transport.peers()
            assert not node.transport._inbound.total()
            assert not node.transport._handshakes.total()

    async def pair(self, limits: TransportLimits | None = None) -> tuple[Node, Node]:
        """Return two nodes, the first with a connection to the second."""
        a, b = await self.node(1, limits=limits), await self.node(2)
        await a.meet(b)
        return a, b


async def raw_peer(to: Node, number: int = 9) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect with a proper certificate, but without our code above TLS."""
    host, port = to.address
    context = ssl_contexts(GENESIS, bytes([number]) * 32)[1]
    reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname="")
    assert await reader.readexactly(1) == b"\x00"
    return reader, writer
