"""A peer that keeps to nothing: real TCP and TLS, but every byte above it is the test's own."""

import asyncio
import ssl
import urllib.request
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Self

from chaosnet.base.errors import InvalidMessage
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.devnet_plan import NodePlan
from chaosnet.daemon.link import VERDICTS
from chaosnet.daemon.network_ca import ssl_contexts
from chaosnet.protocol.frames import FrameDecoder, encode_frame
from chaosnet.protocol.messages import (
    PROTOCOL_VERSION,
    STREAM_OF,
    Goodbye,
    Hello,
    Message,
    decode_message,
    encode_message,
)

ANSWER_S = 10.0


class Attacker:
    """One connection to a node, under a key that follows from a name."""

    def __init__(self, net: Devnet, target: NodePlan, name: str, *, genesis: bytes = b"") -> None:
        self.genesis = genesis or bytes.fromhex(net.plan.genesis)
        seed = sha256(f"attacker {name}".encode()).digest()
        self.node_id = public_key_of(seed)
        self.heard: list[Message] = []
        self.bytes_heard = 0
        self._address = ("127.0.0.1", target.p2p_port)
        self._context = ssl_contexts(self.genesis, seed)[1]
        self._decoder = FrameDecoder()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is None:
            return
        self._writer.close()
        with suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(2):
                await self._writer.wait_closed()

    async def open(self) -> str:
        """Connect; return what the node decides about the connection."""
        self._reader, self._writer = await asyncio.open_connection(
            *self._address, ssl=self._context, server_hostname="", ssl_shutdown_timeout=1
        )
        async with asyncio.timeout(ANSWER_S):
            return VERDICTS[(await self._reader.readexactly(1))[0]]

    async def greet(self, **fields: object) -> None:
        """Say a proper Hello, but for the fields given."""
        values = {
            "version": PROTOCOL_VERSION,
            "genesis": self.genesis,
            "rules": (1,),
            "software": "attacker",
            "listen_port": 0,
            "era": 0,
            "height": 0,
            "head": bytes(32),
            "time_ms": 1,
        }
        await self.say(Hello(**values | fields))  # type: ignore[arg-type]

    async def say(self, message: Message) -> None:
        """Send one message."""
        await self.write(encode_frame(STREAM_OF[type(message)], encode_message(message)))

    async def write(self, data: bytes) -> None:
        """Send bytes as they are; a node that has closed the connection is no error."""
        assert self._writer is not None
        with suppress(OSError, ssl.SSLError):
            self._writer.write(data)
            await self._writer.drain()

    async def listen(self, seconds: float) -> None:
        """Take what comes for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.end()

    async def end(self) -> str:
        """Take what comes until the node ends the connection; return the code it said goodbye with."""
        assert self._reader is not None
        with suppress(OSError, ssl.SSLError):
            while data := await self._reader.read(256 * 1024):
                self.bytes_heard += len(data)
                for _, payload in self._decoder.feed(data):
                    with suppress(InvalidMessage):
                        self.heard.append(decode_message(payload))
        goodbyes = [message.code for message in self.heard if isinstance(message, Goodbye)]
        return goodbyes[-1] if goodbyes else ""

    async def is_dropped(self) -> str:
        """Fail unless the node ends the connection soon; return the code it gave."""
        async with asyncio.timeout(ANSWER_S):
            return await self.end()


def events(node: NodePlan) -> dict[tuple[str, str], int]:
    """Return how often each (what, code) of a peer was counted, from /metrics."""
    with urllib.request.urlopen(f"{node.operator_url}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    found = {}
    for line in text.splitlines():
        if line.startswith("chaosnet_peer_events_total{"):
            labels, _, value = line.partition("{")[2].partition("} ")
            parts = dict(label.split("=") for label in labels.split(","))
            found[parts["what"].strip('"'), parts["code"].strip('"')] = int(float(value))
    return found


def memory_mib(net: Devnet, name: str, *, peak: bool = False) -> int:
    """Return the resident memory of a node, now or at its highest."""
    for line in Path(f"/proc/{net.pid(name)}/status").read_text().splitlines():
        if line.startswith("VmHWM:" if peak else "VmRSS:"):
            return int(line.split()[1]) >> 10
    raise AssertionError(f"{name} does not run")
