"""Sending: one place that turns a message into a frame for a peer."""

from collections.abc import Iterable

from chaosnet.kernel.events import SendMessage
from chaosnet.kernel.node import Node
from chaosnet.protocol.messages import STREAM_OF, Message, encode_message


def send(node: Node, peer: bytes, message: Message) -> None:
    """Queue one message for a peer."""
    node.effects.append(SendMessage(peer, STREAM_OF[type(message)], encode_message(message)))


def send_all(node: Node, outgoing: Iterable[tuple[bytes, Message]]) -> None:
    """Queue what a protocol component wants sent; one message to many peers is encoded once."""
    last: Message | None = None
    payload = b""
    for peer, message in outgoing:
        if message is not last:
            last, payload = message, encode_message(message)
        node.effects.append(SendMessage(peer, STREAM_OF[type(message)], payload))
