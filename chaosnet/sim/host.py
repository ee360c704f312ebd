"""One simulated machine: a real kernel, its disk, its clock, and a shell that does what the daemon's does.

Effects are performed in order. A durable write takes time; what follows waits for it, but for `AskVerify`,
`SetTimer` and `Reply`, and consecutive writes go to the disk together (daemon/runtime.py). A crash may come
at any time, also between two effects of one step (`fuse`).
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from msgspec.msgpack import Encoder

from chaosnet.base.dice import Dice
from chaosnet.base.errors import ChaosError
from chaosnet.kernel import events as ev
from chaosnet.kernel.node import Node
from chaosnet.kernel.step import step
from chaosnet.model.evidence import Signable
from chaosnet.sim import secrets
from chaosnet.sim.cast import Actor
from chaosnet.sim.clock import Clock
from chaosnet.sim.disk import Disk
from chaosnet.sim.network import Network
from chaosnet.sim.schedule import Schedule, Trace

encode = Encoder().encode
Kept = ev.PersistBlock | ev.RollBack | ev.PersistCandidate | ev.PersistEvidence | ev.PersistTrust
Write = Kept | ev.AskSignature


class Watch(Protocol):
    """Who looks at what hosts do."""

    def wrote(self, host: "Host", write: ev.PersistBlock) -> None:
        """A block is durable."""

    def rolled_back(self, host: "Host", height: int) -> None:
        """The blocks above a height are undone, durably."""

    def sealed(self, host: "Host", message: Signable) -> None:
        """A signature is there and recorded."""

    def sent(self, host: "Host", payload: bytes) -> None:
        """A message leaves."""

    def reported(self, host: "Host", fact: ev.ReportFact) -> None:
        """A fact was reported."""

    def started(self, host: "Host", node: Node) -> None:
        """A process stands where its disk says."""

    def failed(self, host: "Host", error: Exception) -> None:
        """The process ended by itself."""


class Trait(Protocol):
    """What makes a host byzantine."""

    def on_send(self, host: "Host", peer: bytes, payload: bytes) -> Iterable[tuple[bytes, bytes]]:
        """Return what is sent instead: (peer, payload) each."""
        ...

    def on_event(self, host: "Host", event: ev.Event) -> None:
        """See an event before the kernel does."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What all hosts of a world share."""

    schedule: Schedule
    network: Network
    trace: Trace
    watch: Watch
    verify: Callable[[tuple[tuple[bytes, bytes, bytes], ...]], bool]
    """Judges all signatures of one transaction."""
    replied: Callable[[int, int, ev.Reply], None]
    """(place, run, reply): the answer to a client."""


class Host:
    """One machine and the process on it. Also the network's Station."""

    def __init__(
        self, wiring: Wiring, actor: Actor, disk: Disk, dice: Dice, boot: Callable[["Host"], Node]
    ) -> None:
        self.wiring = wiring
        self.actor = actor
        self.place = actor.place
        self.host = actor.host
        self.node_key = actor.node_key
        self.disk = disk
        self.dice = dice
        self.clock = Clock(wiring.schedule)
        self._boot = boot
        self.node: Node | None = None
        self.trait: Trait | None = None
        self.is_up = False
        self.is_paused = False
        self.is_gone = False
        self.is_spare = False
        """A second machine with another host's key: the network does not count on it."""
        self.is_follower = False
        """Lost its sign state: it may not sign any more."""
        self.pinned: tuple[int, bytes] | None = None
        """What its operator trusts from the next start on."""
        self.run = 0
        self.slowness = 1
        self.hash_rate = 0
        """Hashes a second under pow."""
        self.disk_us = (100, 3_000)
        """Least and greatest time of one durable write."""
        self.fuse: int | None = None
        """Effects until the process is killed."""
        self.on_blown: Callable[[Host], None] = lambda _: None
        self._queue: deque[ev.Effect] = deque()
        self._writes: deque[Write] = deque()
        self._message: Signable | None = None
        self._answers: list[ev.SignatureMade | ev.Written] = []
        self._timers: dict[str, int] = {}
        self._search = 0
        """Number of the search for a nonce that is under way, or was the last one."""
        self._inbox: list[ev.Event] = []

    @property
    def is_byzantine(self) -> bool:
        """Whether nothing is promised for this host."""
        return self.trait is not None

    # ── the process ──────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the process from what the disk holds."""
        if self.is_up:
            return
        self.clock.restart()
        try:
            self.node = self._boot(self)
        except ChaosError as error:
            self.wiring.watch.failed(self, error)
            return
        self.is_up, self.is_gone = True, False
        self.wiring.trace.say(self.place, f"starts at height {self.node.head.header.height}")
        self.wiring.watch.started(self, self.node)
        self.wiring.network.come_back(self.place)
        self.deliver(ev.Started())

    def crash(self, *, quietly: bool = False) -> None:
        """Kill the process; `quietly`: the machine goes with it."""
        if not self.is_up:
            return
        self.wiring.trace.say(self.place, "is killed" + (", machine and all" if quietly else ""))
        self._settle_write()
        self.is_up, self.is_paused, self.is_gone, self.fuse = False, False, quietly, None
        self.run += 1
        self.node = None
        self._queue.clear()
        self._writes.clear()
        self._answers.clear()
        self._timers.clear()
        self._inbox.clear()
        self.wiring.network.leave(self.place, quietly=quietly, cut=self.dice.chance(1, 2))

    def _settle_write(self) -> None:
        """The write under way is lost, torn or durable, though nobody was told."""
        if not self._writes:
            return
        write = self._writes[0]
        if isinstance(write, ev.AskSignature):
            if self.disk.journal is not None:
                self.disk.journal.crash(self.dice)
        elif self.dice.chance(1, 2):
            self._put(write)

    def _put(self, write: Kept) -> bool:
        """Make a write durable; return whether it went well."""
        try:
            self.disk.write(write)
        except ChaosError as error:
            self.wiring.watch.failed(self, error)
            self._writes.clear()
            self.crash()
            return False
        if isinstance(write, ev.PersistBlock):
            self.wiring.watch.wrote(self, write)
        elif isinstance(write, ev.RollBack):
            self.wiring.watch.rolled_back(self, write.height)
        return True

    def pause(self) -> None:
        """Stop the process as SIGSTOP does."""
        self.is_paused = self.is_up

    def resume(self) -> None:
        """Go on with all that has come meanwhile."""
        if not self.is_paused:
            return
        self.is_paused = False
        inbox, self._inbox = self._inbox, []
        run = self.run
        for event in inbox:
            if self.run == run:
                self.deliver(event)
        if self.run == run and self._writes:
            self._plan_write()

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────

    def deliver(self, event: ev.Event) -> None:
        """Give the kernel one event and perform what it asks."""
        if not self.is_up:
            return
        if self.is_paused:
            self._inbox.append(event)
            return
        node = self.node
        assert node is not None  # noqa: S101 - up means booted
        self._record(event)
        if isinstance(event, ev.Disconnected):
            self._forget_link(event.peer)
        if self.trait is not None:
            self.trait.on_event(self, event)
        try:
            effects = step(node, event, self.clock.read_ms())
        except Exception as error:  # noqa: BLE001 - whatever the kernel raises is a finding
            self.wiring.watch.failed(self, error)
            self.crash()
            return
        for effect in effects:
            if isinstance(effect, ev.AskVerify):
                self._verify(effect)
            elif isinstance(effect, ev.SetTimer):
                self._set_timer(effect)
            elif isinstance(effect, ev.Reply):
                self.wiring.replied(self.place, self.run, effect)
            else:
                self._queue.append(effect)
        self._perform()

    def _forget_link(self, peer: bytes) -> None:
        """What waits behind a write was for this connection, not for the peer's next one."""
        addressed = (ev.SendMessage, ev.ClosePeer)
        self._queue = deque(e for e in self._queue if not (isinstance(e, addressed) and e.peer == peer))

    def _record(self, event: ev.Event) -> None:
        trace = self.wiring.trace
        if isinstance(event, ev.Received):
            trace.add(self.place, "Received", event.peer + event.payload)
        else:
            trace.add(self.place, type(event).__name__, encode(event))
        if trace.sink is not None:
            trace.say(self.place, describe(event))

    def _answer(self, run: int, event: ev.Event) -> None:
        if run == self.run:
            self.deliver(event)

    def _verify(self, asked: ev.AskVerify) -> None:
        verdicts = tuple(self.wiring.verify(item) for item in asked.items)
        delay_us = 50 + self.dice.below(1_000 + 100 * len(verdicts))
        self.wiring.schedule.after(delay_us, self._answer, self.run, ev.Verified(asked.ticket, verdicts))

    def _set_timer(self, timer: ev.SetTimer) -> None:
        delay_us = max(0, timer.at_ms - self.clock.read_ms()) * 1_000
        token = self._timers.get(timer.name, 0) + 1
        self._timers[timer.name] = token
        self.wiring.schedule.after(delay_us, self._fire, self.run, timer.name, token)

    def _fire(self, run: int, name: str, token: int) -> None:
        if run == self.run and self._timers.get(name) == token:
            self.deliver(ev.TimerFired(name))

    # ── effects ──────────────────────────────────────────────────────────────────────────────────────────

    def _perform(self) -> None:
        """Perform effects up to the next durable write, and hand that and its followers to the disk."""
        while (queue := self._queue) and not self._writes:
            if self.fuse is not None:
                self.fuse -= 1
                if self.fuse < 0:
                    self.on_blown(self)
                    return
            if isinstance(queue[0], Write):
                while queue and isinstance(write := queue[0], Write):
                    self._writes.append(write)
                    queue.popleft()
                self._plan_write()
                return
            self._perform_one(queue.popleft())

    def _perform_one(self, effect: ev.Effect) -> None:
        wiring = self.wiring
        match effect:
            case ev.SendMessage(peer=peer, payload=payload):
                if self.trait is None:
                    wiring.watch.sent(self, payload)
                    wiring.network.send(self, peer, payload)
                else:
                    for other, changed in self.trait.on_send(self, peer, payload):
                        wiring.network.send(self, other, changed)
            case ev.Report(fact=fact):
                if wiring.trace.sink is not None:
                    wiring.trace.say(self.place, f"  reports {describe(fact)}")
                wiring.watch.reported(self, fact)
            case ev.Dial(host=host, port=port, node_id=node_id):
                wiring.network.dial(self, host, port, node_id)
            case ev.ClosePeer(peer=peer, reason=reason):
                wiring.network.close(self, peer, reason)
            case ev.AskAnswer(ticket=ticket):
                answer = secrets.answer_of(self.actor, effect) if self.disk.journal is not None else b""
                delay_us = 50 + self.dice.below(1_000)
                wiring.schedule.after(delay_us, self._answer, self.run, ev.Answered(ticket, answer))
            case ev.Mine():
                self._search += 1
                if self.hash_rate:
                    delay_us = secrets.time_to_find_us(self.dice, effect.target, self.hash_rate)
                    wiring.schedule.after(delay_us, self._find, self.run, self._search, effect)
            case ev.Rest():
                self._search += 1
            case _:
                raise AssertionError(effect)

    def _find(self, run: int, search: int, mine: ev.Mine) -> None:
        if run == self.run and search == self._search:
            nonce = secrets.find_nonce(self.dice, mine.pre_hash, mine.target)
            self.deliver(ev.Mined(mine.ticket, nonce))

    def _plan_write(self) -> None:
        """Begin the first of the waiting writes."""
        write, journal = self._writes[0], self.disk.journal
        delay_us = self.dice.between(*self.disk_us)
        if isinstance(write, ev.AskSignature):
            if self.is_follower or journal is None:
                self._message, delay_us = None, 0
            elif not journal.is_writing():
                self._message = journal.begin(write.request)
                delay_us = delay_us if journal.is_writing() else 0
        self.wiring.schedule.after(delay_us, self._written, self.run, write)

    def _written(self, run: int, write: Write) -> None:
        if run != self.run or self.is_paused or not self._writes or self._writes[0] is not write:
            return
        if isinstance(write, ev.AskSignature):
            if self.disk.journal is not None:
                self.disk.journal.finish()
            if self._message is not None and not write.request.is_seen:
                self.wiring.watch.sealed(self, self._message)
            self._answers.append(ev.SignatureMade(write.request.unsigned, self._message))
        else:
            self.wiring.trace.add(self.place, type(write).__name__, encode(write))
            if not self._put(write):
                return
            if isinstance(write, ev.PersistBlock):
                self._answers.append(ev.Written(write.height))
        self._writes.popleft()
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.on_blown(self)
                return
        if self._writes:
            self._plan_write()
            return
        answers, self._answers = self._answers, []
        for answer in answers:
            self._answer(run, answer)
        if run == self.run:
            self._perform()


def describe(fact: ev.Event | ev.ReportFact) -> str:
    """Return one line for people."""
    fields = []
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if isinstance(value, bytes):
            text = value[:4].hex() + (f"..{len(value)}" if len(value) > 4 else "")
        else:
            text = str(value)
        fields.append(f"{name}={text[:60]}")
    return f"{type(fact).__name__} {' '.join(fields)}"
