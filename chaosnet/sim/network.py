"""Links between simulated nodes, with the meaning of TCP: in order, whole, or broken and both sides told.

A link that loses a packet repairs itself or breaks; so loss is first of all a reset. `drop_ppm`,
`duplicate_ppm` and `reorder_ppm` are harsher than any real transport: a message vanishes, comes twice or
overtakes; `deaf_ppm` makes a node miss all votes of one round and kind, or a proposal, whoever sends it: the
hardest case for agreement. A partition holds messages back, as TCP repeats them, until it heals or a side
gives the link up.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from msgspec.inspect import StructType, type_info

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Invalid
from chaosnet.kernel.events import Connected, DialFailed, Disconnected, Event, Received
from chaosnet.model.evidence import PROPOSAL
from chaosnet.protocol.messages import (
    STREAM_OF,
    Bodies,
    GetBodies,
    GetHeaders,
    GetPeers,
    Goodbye,
    Headers,
    Hello,
    Message,
    Propose,
    Votes,
    decode_message,
)
from chaosnet.sim.cast import PORT
from chaosnet.sim.schedule import Schedule

MILLION: Final = 1_000_000
DIAL_TIMEOUT_US: Final = 5_000_000
CLOSE_US: Final = 200
TAG_OF: Final[dict[type, int]] = {
    kind: info.tag
    for kind in STREAM_OF
    if isinstance(info := type_info(kind), StructType) and isinstance(info.tag, int)
}
SPEECH: Final = frozenset((TAG_OF[Votes], TAG_OF[Propose]))
KEPT_WHOLE: Final = frozenset(
    TAG_OF[kind] for kind in (Hello, Goodbye, GetPeers, GetHeaders, Headers, GetBodies, Bodies)
)
"""Never dropped or doubled: nobody answers a request twice, or loses one while the link holds, but a liar."""


def tag_of(payload: bytes) -> int:
    """Return the tag of a message: the first item of a short MessagePack array."""
    return payload[1] if len(payload) > 1 else -1


def read_message(payload: bytes) -> Message | None:
    """Return the message in a payload; None when there is none."""
    try:
        return decode_message(payload)
    except Invalid:
        return None


def speech_place(payload: bytes) -> tuple[int, int, int] | None:
    """Return (height, round, kind) of a single vote or a proposal; None for anything else."""
    match read_message(payload) if tag_of(payload) in SPEECH else None:
        case Votes(votes=(vote,)):
            return vote.height, vote.round, vote.kind
        case Propose(proposal=proposal):
            return proposal.height, proposal.round, PROPOSAL
    return None


@dataclass(slots=True)
class Weather:
    """How bad the network is just now. Chances are per message, in millionths."""

    latency_us_min: int = 1_000
    latency_us_max: int = 20_000
    reset_ppm: int = 0
    drop_ppm: int = 0
    duplicate_ppm: int = 0
    reorder_ppm: int = 0
    deaf_ppm: int = 0


class Station(Protocol):
    """A node as the network sees it."""

    place: int
    node_key: bytes
    host: str
    is_up: bool
    is_paused: bool
    run: int
    """Counts processes: what one dialled is not told to the next."""
    is_gone: bool
    """The machine does not answer at all, not even with a refusal."""
    slowness: int
    """Factor on the latency of everything it sends."""

    def deliver(self, event: Event) -> None:
        """Take an event from the network."""
        ...


class Link:
    """One connection. Side 0 dialled."""

    __slots__ = ("held", "is_dead", "is_open", "latest_us", "sides")

    def __init__(self, dialler: Station, listener: Station) -> None:
        self.sides = (dialler, listener)
        self.is_open = [True, True]
        """Whether each side has it: until its Disconnected is delivered."""
        self.is_dead = [False, False]
        """Nothing comes or goes on this side any more."""
        self.latest_us = [0, 0]
        """When the last message of each direction arrives: the next one is behind it."""
        self.held: tuple[list[bytes], list[bytes]] = ([], [])
        """Messages a partition keeps back; empty bytes stand for the end of the stream."""


class Network:
    """All stations and links."""

    def __init__(self, schedule: Schedule, dice: Dice, weather: Weather) -> None:
        self._schedule = schedule
        self._dice = dice
        self._deaf = dice.fork("deaf")
        self.weather = weather
        self._stations: list[Station] = []
        self._by_key: dict[bytes, Station] = {}
        self._by_host: dict[str, Station] = {}
        self._links: dict[tuple[int, int], Link] = {}
        """(place, peer's place) -> the link that this place has open."""
        self._blocked: dict[tuple[int, int], int] = {}
        """(from, to) -> number of partitions between."""

    def join(self, station: Station) -> None:
        """Add a station, in the order of places."""
        self._stations.append(station)
        self._by_key[station.node_key] = station
        self._by_host[station.host] = station

    # ── what a node asks for ─────────────────────────────────────────────────────────────────────────────

    def dial(self, station: Station, host: str, port: int, expected: bytes) -> None:
        """Try to connect; ends in Connected or DialFailed."""
        target = self._by_host.get(host) if port == PORT else None
        if target is station:
            self._fail(station, host, port, "self_connection")
        elif target is None:
            self._fail(station, host, port, "connection")
        else:
            delay_us = sum(self._latency_us(station) for _ in range(3))
            self._schedule.after(delay_us, self._meet, station, station.run, target, expected)

    def send(self, station: Station, peer: bytes, payload: bytes) -> None:
        """Send one message; nothing happens without a link."""
        target = self._by_key.get(peer)
        link = self._links.get((station.place, target.place)) if target is not None else None
        side = int(link is not None and link.sides[0] is not station)
        if link is None or link.is_dead[side]:
            return
        weather, whole = self.weather, tag_of(payload) in KEPT_WHOLE
        draw = self._dice.u64()
        delay_us = self._latency_us(station, draw & 0xFFFFFFFF)
        chance = (draw >> 32) % MILLION
        if weather.deaf_ppm and self._is_deaf(link.sides[1 - side], payload):
            return
        if chance < weather.reset_ppm:
            self.reset(station.place, link.sides[1 - side].place)
            return
        chance -= weather.reset_ppm
        if 0 <= chance < weather.drop_ppm and not whole:
            return
        chance -= weather.drop_ppm
        if 0 <= chance < weather.duplicate_ppm and not whole:
            again_us = delay_us + self._latency_us(station)
            self._schedule.after(again_us, self._arrive, link, side, payload)
        chance -= weather.duplicate_ppm
        if 0 <= chance < weather.reorder_ppm and not whole:
            self._schedule.after(delay_us * 3, self._arrive, link, side, payload)
        else:
            self._transmit(link, side, payload, delay_us)

    def close(self, station: Station, peer: bytes, reason: str) -> None:
        """End a link after what was sent; Disconnected follows."""
        target = self._by_key.get(peer)
        link = self._links.get((station.place, target.place)) if target is not None else None
        if link is None or target is None:
            return
        side = int(link.sides[0] is not station)
        if link.is_dead[side]:
            return
        self._transmit(link, side, b"", self._latency_us(station))
        link.is_dead[side] = True
        self._schedule.after(CLOSE_US, self._end, link, side, reason)

    # ── what happens to links ────────────────────────────────────────────────────────────────────────────

    def reset(self, place: int, peer: int) -> None:
        """Break the link that a place has to another: what is under way is lost, both sides are told."""
        link = self._links.get((place, peer))
        if link is None:
            return
        for side in (0, 1):
            if link.is_open[side] and not link.is_dead[side]:
                link.is_dead[side] = True
                delay_us = self._latency_us(link.sides[1 - side])
                self._schedule.after(delay_us, self._end, link, side, "connection")

    def leave(self, place: int, *, quietly: bool, cut: bool) -> None:
        """A process has ended: its links end with it, at once (`cut`) or after what it had sent.

        `quietly`: the machine is gone, and nobody is told.
        """
        for peer in self.peers_of(place):
            link = self._links[place, peer]
            side = int(link.sides[0].place != place)
            self._shut(link, side)
            other = 1 - side
            if quietly or not link.is_open[other]:
                continue
            if cut and not self._is_blocked(link.sides[side], link.sides[other]):
                self.reset(peer, place)  # its own side is shut already
            else:
                self._transmit(link, side, b"", self._latency_us(link.sides[side]))

    def come_back(self, place: int) -> None:
        """A machine answers again: whoever still holds a link to it learns that it is broken."""
        for holder, peer in list(self._links):
            if peer == place:
                self.reset(holder, place)

    def peers_of(self, place: int) -> list[int]:
        """Return the places that this one has links to."""
        return [peer for holder, peer in self._links if holder == place]

    # ── partitions ───────────────────────────────────────────────────────────────────────────────────────

    def block(self, pairs: list[tuple[int, int]]) -> None:
        """Let nothing through from the first to the second place of each pair."""
        for pair in pairs:
            self._blocked[pair] = self._blocked.get(pair, 0) + 1

    def unblock(self, pairs: list[tuple[int, int]]) -> None:
        """Undo one `block`; what was held back goes on its way."""
        for pair in pairs:
            self._blocked[pair] -= 1
            if self._blocked[pair]:
                continue
            del self._blocked[pair]
            for link in dict.fromkeys((self._links.get(pair), self._links.get(pair[::-1]))):
                if link is not None:
                    self._release(link, int(link.sides[0].place != pair[0]))

    def _release(self, link: Link, side: int) -> None:
        held = link.held[side]
        waiting = list(held)
        held.clear()
        for payload in waiting:
            self._transmit(link, side, payload, self._latency_us(link.sides[side]))

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _latency_us(self, station: Station, draw: int = -1) -> int:
        weather = self.weather
        if draw < 0:
            draw = self._dice.u64()
        span = weather.latency_us_max - weather.latency_us_min + 1
        return (weather.latency_us_min + draw % span) * station.slowness

    def _is_deaf(self, target: Station, payload: bytes) -> bool:
        """Return whether a node is not to hear of this round and kind; repairs get through."""
        place = speech_place(payload)
        if place is None:
            return False
        throw = self._deaf.fork(f"{target.place} {place}").below(MILLION)
        return throw < self.weather.deaf_ppm

    def _is_blocked(self, source: Station, target: Station) -> bool:
        return bool(self._blocked) and (source.place, target.place) in self._blocked

    def _fail(self, station: Station, host: str, port: int, reason: str) -> None:
        failed = DialFailed(host, port, reason)
        self._schedule.after(self._latency_us(station), self._tell, station, station.run, failed)

    def _meet(self, dialler: Station, run: int, target: Station, expected: bytes) -> None:
        """The handshake would be done now."""
        if not dialler.is_up or dialler.run != run:
            return
        is_cut = self._is_blocked(dialler, target) or self._is_blocked(target, dialler)
        if is_cut or target.is_gone or (target.is_up and target.is_paused):
            failed = DialFailed(target.host, PORT, "timeout")
            self._schedule.after(DIAL_TIMEOUT_US, self._tell, dialler, run, failed)
        elif not target.is_up:
            self._fail(dialler, target.host, PORT, "connection")
        elif expected and expected != target.node_key:
            self._fail(dialler, target.host, PORT, "wrong_peer")
        elif (dialler.place, target.place) in self._links or (target.place, dialler.place) in self._links:
            self._fail(dialler, target.host, PORT, "duplicate_peer")
        else:
            link = Link(dialler, target)
            for side in (0, 1):
                self._links[link.sides[side].place, link.sides[1 - side].place] = link
            source_port = 32_768 + self._dice.below(28_000)
            target.deliver(Connected(dialler.node_key, False, dialler.host, source_port))
            dialler.deliver(Connected(target.node_key, True, target.host, PORT))

    @staticmethod
    def _tell(station: Station, run: int, event: Event) -> None:
        if station.is_up and station.run == run:
            station.deliver(event)

    def _transmit(self, link: Link, side: int, payload: bytes, delay_us: int) -> None:
        source, target = link.sides[side], link.sides[1 - side]
        if link.held[side] or self._is_blocked(source, target):
            link.held[side].append(payload)
            return
        at_us = max(self._schedule.now_us + delay_us, link.latest_us[side] + 1)
        link.latest_us[side] = at_us
        self._schedule.at(at_us, self._arrive, link, side, payload)

    def _arrive(self, link: Link, side: int, payload: bytes) -> None:
        target = link.sides[1 - side]
        if not link.is_open[1 - side] or link.is_dead[1 - side]:
            return
        if payload:
            target.deliver(Received(link.sides[side].node_key, payload))
        else:
            self._end(link, 1 - side, "connection")

    def _end(self, link: Link, side: int, reason: str) -> None:
        """Tell one side, still there, that the link is closed."""
        if link.is_open[side]:
            self._shut(link, side)
            link.sides[side].deliver(Disconnected(link.sides[1 - side].node_key, reason))

    def _shut(self, link: Link, side: int) -> None:
        link.is_open[side] = False
        del self._links[link.sides[side].place, link.sides[1 - side].place]
