"""The port between a node and whatever carries its frames: TCP with TLS, or the simulator's network.

A transport proves keys and carries frames; it does not judge membership. One connection per key. Calls never
block and never call back from inside: outcomes arrive through the handler in later turns of the loop.
"""

from collections.abc import Collection
from typing import Protocol

from chaosnet.base.units import NodeId

Endpoint = tuple[str, int]
"""Host (name or IP address) and port."""


class TransportHandler(Protocol):
    """What the owner of a transport is told, in the order it happened."""

    def on_connected(self, peer: NodeId, outbound: bool, remote: Endpoint) -> None:
        """`peer` proved its key; `remote` is the dialled address, or where an inbound one comes from."""

    def on_message(self, peer: NodeId, stream_class: int, payload: bytes) -> None:
        """One frame arrived."""

    def on_closed(self, peer: NodeId, reason: str) -> None:
        """The connection has ended; `reason` is a code of base/errors.py."""

    def on_dial_failed(self, address: Endpoint, reason: str) -> None:
        """A dial came to nothing; `reason` is a code of base/errors.py."""


class Transport(Protocol):
    """Connections by key, frames in three stream classes."""

    def dial(self, address: Endpoint, expected: bytes | None = None) -> None:
        """Try to connect; ends in one `on_connected` or `on_dial_failed`. `expected`: a node id, if known."""

    def send(self, peer: bytes, stream_class: int, payload: bytes) -> bool:
        """Queue one frame; return False when there is no such peer or its queue is full."""

    def close(self, peer: bytes, reason: str) -> None:
        """End the connection after what is queued and can leave at once; `on_closed` follows."""

    def peers(self) -> Collection[NodeId]:
        """Return the keys connected now."""
