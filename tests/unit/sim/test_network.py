"""Links behave as TCP: in order and whole, or broken and both sides told."""

from dataclasses import dataclass, field

from chaosnet.base.dice import Dice
from chaosnet.base.units import EMPTY_HASH
from chaosnet.kernel.events import Connected, DialFailed, Disconnected, Event, Received
from chaosnet.model.evidence import PREVOTE, Vote
from chaosnet.protocol.messages import Goodbye, Votes, encode_message
from chaosnet.sim.cast import PORT
from chaosnet.sim.network import Network, Weather
from chaosnet.sim.schedule import Schedule


@dataclass
class Desk:
    """A station that only notes what it is told."""

    place: int
    node_key: bytes = b""
    host: str = ""
    is_up: bool = True
    is_paused: bool = False
    is_gone: bool = False
    run: int = 0
    slowness: int = 1
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.node_key = bytes((self.place,)) * 32
        self.host = f"10.0.0.{self.place + 1}"

    def deliver(self, event: Event) -> None:
        self.told.append(event)

    def texts(self) -> list[bytes]:
        return [event.payload for event in self.told if isinstance(event, Received)]


class Net:
    def __init__(self, stations: int = 2, **weather: int) -> None:
        self.schedule = Schedule()
        self.network = Network(self.schedule, Dice(b"seed"), Weather(**weather))
        self.desks = [Desk(place) for place in range(stations)]
        for desk in self.desks:
            self.network.join(desk)

    def run(self, ms: int = 60_000) -> None:
        end_us = self.schedule.now_us + ms * 1_000
        while self.schedule.run_one(end_us):
            pass

    def linked(self) -> "Net":
        self.network.dial(self.desks[0], self.desks[1].host, PORT, self.desks[1].node_key)
        self.run()
        return self

    def say(self, source: int, target: int, *texts: bytes) -> None:
        for text in texts:
            self.network.send(self.desks[source], self.desks[target].node_key, text)


def vote(round_: int) -> bytes:
    return encode_message(Votes(votes=(Vote(PREVOTE, 0, 1, round_, b"", EMPTY_HASH, bytes(64)),)))


def test_a_dial_connects_both_sides() -> None:
    net = Net().linked()
    (first,), (second,) = (desk.told for desk in net.desks)
    assert isinstance(first, Connected)
    assert isinstance(second, Connected)
    assert first.outbound
    assert not second.outbound
    assert (first.peer, first.host, first.port) == (net.desks[1].node_key, net.desks[1].host, PORT)


def test_messages_arrive_in_order() -> None:
    net = Net(latency_us_min=0, latency_us_max=100_000).linked()
    texts = [vote(i) for i in range(50)]
    net.say(0, 1, *texts)
    net.run()
    assert net.desks[1].texts() == texts


def test_failed_dials_say_why() -> None:
    net = Net(3).linked()
    net.desks[2].is_up = False
    for desk, expected in ((1, b""), (2, b""), (0, b"")):
        net.network.dial(net.desks[0], net.desks[desk].host, PORT, expected)
    net.run()
    reasons = [event.reason for event in net.desks[0].told if isinstance(event, DialFailed)]
    assert sorted(reasons) == ["connection", "duplicate_peer", "self_connection"]
    net.desks[2].is_up = True
    net.network.dial(net.desks[0], net.desks[2].host, PORT, net.desks[1].node_key)
    net.run()
    last = net.desks[0].told[-1]
    assert isinstance(last, DialFailed)
    assert last.reason == "wrong_peer"


def test_a_reset_loses_what_is_under_way_and_tells_both() -> None:
    net = Net(latency_us_min=5_000).linked()
    net.say(0, 1, vote(1))
    net.network.reset(0, 1)
    net.run()
    for desk in net.desks:
        assert isinstance(desk.told[-1], Disconnected)
        assert not desk.texts()
    net.say(0, 1, vote(2))
    net.run()
    assert not net.desks[1].texts()


def test_a_close_comes_after_what_was_sent() -> None:
    net = Net().linked()
    net.say(0, 1, vote(1), encode_message(Goodbye(code="shutdown")))
    net.network.close(net.desks[0], net.desks[1].node_key, "shutdown")
    net.run()
    assert len(net.desks[1].texts()) == 2
    assert isinstance(net.desks[1].told[-1], Disconnected)
    assert isinstance(net.desks[0].told[-1], Disconnected)


def test_the_end_of_a_link_is_told_before_the_next_one_begins() -> None:
    net = Net(latency_us_min=1_000, latency_us_max=90_000).linked()
    for _ in range(20):
        net.network.reset(0, 1)
        net.network.dial(net.desks[1], net.desks[0].host, PORT, b"")
        net.run()
        net.network.dial(net.desks[1], net.desks[0].host, PORT, b"")
        net.run()
    for desk in net.desks:
        kinds = [type(event) for event in desk.told if not isinstance(event, DialFailed)]
        assert kinds == [Connected, Disconnected] * 20 + [Connected]


def test_a_partition_holds_messages_back_until_it_heals() -> None:
    net = Net().linked()
    pairs = [(0, 1)]
    net.network.block(pairs)
    net.network.block(pairs)
    net.say(0, 1, vote(1), vote(2))
    net.say(1, 0, vote(3))
    net.run()
    assert net.desks[0].texts() == [vote(3)], "one way only"
    assert not net.desks[1].texts()
    net.network.unblock(pairs)
    net.run()
    assert not net.desks[1].texts(), "the other partition still holds"
    net.network.unblock(pairs)
    net.say(0, 1, vote(4))
    net.run()
    assert net.desks[1].texts() == [vote(1), vote(2), vote(4)]


def test_nobody_dials_through_a_partition() -> None:
    net = Net()
    net.network.block([(1, 0)])
    net.network.dial(net.desks[0], net.desks[1].host, PORT, b"")
    net.run()
    (event,) = net.desks[0].told
    assert isinstance(event, DialFailed)
    assert event.reason == "timeout"


def test_a_killed_process_is_noticed_but_a_dead_machine_is_not() -> None:
    for quietly in (False, True):
        net = Net().linked()
        net.desks[0].is_up = False
        net.network.leave(0, quietly=quietly, cut=False)
        net.run()
        assert isinstance(net.desks[1].told[-1], Connected if quietly else Disconnected)
        net.desks[0].is_up = True
        net.network.come_back(0)
        net.run()
        assert isinstance(net.desks[1].told[-1], Disconnected)


def test_storms_lose_and_double_but_keep_sessions_whole() -> None:
    goodbye = encode_message(Goodbye(code="x"))
    lossy = Net(drop_ppm=1_000_000).linked()
    lossy.say(0, 1, vote(1), goodbye)
    lossy.run()
    assert lossy.desks[1].texts() == [goodbye]
    double = Net(duplicate_ppm=1_000_000).linked()
    double.say(0, 1, vote(1), goodbye)
    double.run()
    assert sorted(double.desks[1].texts()) == sorted([vote(1), vote(1), goodbye])


def test_what_one_process_dialled_is_not_told_to_the_next() -> None:
    net = Net()
    net.network.dial(net.desks[0], net.desks[1].host, PORT, b"")
    net.desks[0].run += 1
    net.run()
    assert not net.desks[0].told
    assert not net.desks[1].told
