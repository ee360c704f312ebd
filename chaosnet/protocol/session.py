"""What is known of each connected peer, from the opening of its transport to its end.

A peer is *open* once its transport is, and *ready* once its Hello fits this network (protocol: Trust, "Hello
binds genesis hash, protocol version, rule numbers"). Nothing but a Hello or Goodbye is taken before.
"""

from typing import Final

from msgspec import Struct

from chaosnet.base.errors import InvalidMessage
from chaosnet.base.limits import HANDSHAKE_MS_MAX
from chaosnet.protocol.messages import PROTOCOL_VERSION, Goodbye, Hello, Message, Status
from chaosnet.protocol.rates import LIMITS, USELESS_BURST, USELESS_PER_MINUTE, Bucket, Meter, items_of

SILENT_MS_MAX: Final = 10_000
"""A peer that says nothing for so long is lost: Status comes every second."""
OFFSETS_KEPT: Final = 9
RATE_PENALTY: Final = 5
"""Points for a message over its limit: twenty of them within seconds are a ban."""


class PeerInfo(Struct, frozen=True):
    """One peer, for status pages."""

    node_id: bytes
    host: str
    port: int
    """Where it was dialled, or where an inbound connection comes from."""
    outbound: bool
    ready: bool
    height: int
    round: int
    offset_ms: int
    """Its clock minus ours: median of the last reports."""
    software: str
    listen_port: int
    """0: accepts no connections, or not known yet."""
    since: int
    """When the transport opened (Unix ms)."""


class _Session:
    """State of one open peer."""

    __slots__ = (
        "heard",
        "hello",
        "host",
        "is_closing",
        "meters",
        "offsets",
        "outbound",
        "port",
        "since",
        "status",
        "useless",
    )

    def __init__(self, host: str, port: int, outbound: bool, now: int) -> None:
        self.host = host
        self.port = port
        self.outbound = outbound
        self.since = now
        self.heard = now
        self.hello: Hello | None = None
        self.status: Status | None = None
        self.offsets: list[int] = []
        self.meters: dict[type, Meter] = {}
        self.is_closing = False
        self.useless = Bucket(USELESS_PER_MINUTE, USELESS_BURST, now)


class Sessions:
    """All open peers of a node; bounded by the transport, which bounds connections."""

    def __init__(
        self, genesis: bytes, own: bytes, rules: tuple[int, ...], software: str, listen_port: int
    ) -> None:
        self._genesis = genesis
        self._own = own
        self._rules = rules
        self._software = software[:64]
        self._listen_port = listen_port
        self._sessions: dict[bytes, _Session] = {}
        self._ready: list[bytes] = []

    def opened(self, peer: bytes, outbound: bool, host: str, port: int, now: int) -> None:
        """Note a peer whose transport is open; a second opening starts it anew."""
        self.closed(peer)
        self._sessions[peer] = _Session(host, port, outbound, now)

    def closing(self, peer: bytes) -> None:
        """Listen to a peer no more; it counts among `peers` until its transport has ended."""
        if peer in self._sessions:
            self._sessions[peer].is_closing = True
        if peer in self._ready:
            self._ready.remove(peer)

    def closed(self, peer: bytes) -> None:
        """Forget a peer."""
        self._sessions.pop(peer, None)
        if peer in self._ready:
            self._ready.remove(peer)

    def hello(self, era: int, height: int, head: bytes, now: int) -> Hello:
        """Return our greeting."""
        return Hello(
            version=PROTOCOL_VERSION,
            genesis=self._genesis,
            rules=self._rules,
            software=self._software,
            listen_port=self._listen_port,
            era=era,
            height=height,
            head=head,
            time_ms=now,
        )

    def on_hello(self, peer: bytes, hello: Hello, now: int) -> None:
        """Make a peer ready.

        Raises InvalidMessage: `unexpected` (not open, or a second Hello), `self_connection`, `wrong_network`,
        `handshake` (other protocol version, no rule set in common, a field no honest node sends).
        """
        session = self._sessions.get(peer)
        if session is None or session.hello is not None:
            raise InvalidMessage("unexpected", "second greeting", penalty=100)
        if peer == self._own:
            raise InvalidMessage("self_connection", penalty=0)
        if hello.genesis != self._genesis:
            raise InvalidMessage("wrong_network", f"genesis {hello.genesis.hex()[:16]}", penalty=10)
        if hello.version != PROTOCOL_VERSION:
            raise InvalidMessage("handshake", f"protocol version {hello.version}", penalty=0)
        if not any(rule in self._rules for rule in hello.rules):
            raise InvalidMessage("handshake", "no rule set in common", penalty=0)
        if min(hello.era, hello.height, hello.time_ms) < 0 or not hello.software.isprintable():
            raise InvalidMessage("handshake", "field out of range", penalty=20)
        session.hello = hello
        session.heard = now
        _note_offset(session, hello.time_ms - now)
        self._ready.append(peer)
        self._ready.sort()

    def on_status(self, peer: bytes, status: Status, now: int) -> None:
        """Keep a peer's latest status; raises InvalidMessage(`malformed`) for negative numbers."""
        session = self._sessions.get(peer)
        if session is None:
            return
        if min(status.era, status.height, status.round, status.time_ms) < 0:
            raise InvalidMessage("malformed", "negative number", penalty=100)
        session.status = status
        session.heard = now
        _note_offset(session, status.time_ms - now)

    def charge(self, peer: bytes, message: Message, size: int, now: int) -> None:
        """Count a message of `size` bytes against the peer's share (rates.py).

        Raises InvalidMessage: `unexpected` before the Hello, `rate_limited`: drop the message.
        """
        session = self._sessions.get(peer)
        kind = type(message)
        if session is None or (session.hello is None and kind not in (Hello, Goodbye)):
            raise InvalidMessage("unexpected", "before the greeting", penalty=100)
        session.heard = now
        meter = session.meters.get(kind)
        if meter is None:
            meter = session.meters[kind] = Meter(LIMITS[kind], now)
        if not meter.take(items_of(message), size, now):
            raise InvalidMessage("rate_limited", kind.__name__, penalty=RATE_PENALTY)

    def wasted(self, peer: bytes, count: int) -> None:
        """Note transactions of a peer that were of no use."""
        if peer in self._sessions:
            self._sessions[peer].useless.spend(count)

    def is_useful(self, peer: bytes, now: int) -> bool:
        """Return whether a peer's transactions are worth a look: not too many were useless of late."""
        session = self._sessions.get(peer)
        return session is not None and session.useless.has_room(1, now)

    def is_open(self, peer: bytes) -> bool:
        """Return whether the peer's transport is open, and to stay so."""
        session = self._sessions.get(peer)
        return session is not None and not session.is_closing

    def is_ready(self, peer: bytes) -> bool:
        """Return whether the peer has greeted and is not being closed."""
        session = self._sessions.get(peer)
        return session is not None and session.hello is not None and not session.is_closing

    def peers(self) -> list[bytes]:
        """Return all open peers, ready or not, in ascending order."""
        return sorted(self._sessions)

    def ready(self) -> list[bytes]:
        """Return the ready peers in ascending order."""
        return list(self._ready)

    def status(self, peer: bytes) -> Status | None:
        """Return a peer's latest status; None before the first."""
        session = self._sessions.get(peer)
        return session.status if session else None

    def expired(self, now: int) -> list[bytes]:
        """Return, in ascending order, peers without a Hello in time or silent for too long: close them."""
        return [
            peer
            for peer, session in sorted(self._sessions.items())
            if not session.is_closing
            and (
                now - session.heard >= SILENT_MS_MAX
                or (session.hello is None and now - session.since >= HANDSHAKE_MS_MAX)
            )
        ]

    def clock_offset_ms(self) -> int | None:
        """Return the median of the ready peers' clock offsets, None without peers: minus our own error."""
        offsets = [_median(self._sessions[peer].offsets) for peer in self._ready]
        return _median(offsets) if offsets else None

    def info(self, peer: bytes) -> PeerInfo:
        """Return what status pages show of an open peer; KeyError for any other."""
        session = self._sessions[peer]
        hello, status = session.hello, session.status
        return PeerInfo(
            node_id=peer,
            host=session.host,
            port=session.port,
            outbound=session.outbound,
            ready=hello is not None,
            height=status.height if status else hello.height if hello else 0,
            round=status.round if status else 0,
            offset_ms=_median(session.offsets),
            software=hello.software if hello else "",
            listen_port=hello.listen_port if hello else 0,
            since=session.since,
        )


def _note_offset(session: _Session, offset_ms: int) -> None:
    session.offsets.append(offset_ms)
    del session.offsets[:-OFFSETS_KEPT]


def _median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0
