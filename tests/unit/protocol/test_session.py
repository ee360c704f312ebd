"""Peers are open, then ready; whoever greets wrongly, stays silent or floods is found out."""

import msgspec
import pytest

from chaosnet.base.errors import InvalidMessage
from chaosnet.protocol.messages import Goodbye, Hello, Status, Txs, Votes
from chaosnet.protocol.rates import USELESS_BURST
from chaosnet.protocol.session import Sessions

GENESIS = b"g" * 32
OWN = b"o" * 32
A, B, C = b"a" * 32, b"b" * 32, b"c" * 32


def sessions() -> Sessions:
    return Sessions(GENESIS, OWN, (1, 2), "chaosnet/1", 9_000)


def greeting(now: int = 1_000) -> Hello:
    return sessions().hello(era=0, height=7, head=b"h" * 32, now=now)


def status(height: int, time_ms: int) -> Status:
    return Status(
        era=0,
        height=height,
        head=b"h" * 32,
        time_ms=time_ms,
        round=2,
        step="propose",
        has_proposal=False,
        prevotes=b"",
        precommits=b"",
        linked=b"",
    )


def ready(s: Sessions, peer: bytes, now: int = 1_000) -> None:
    s.opened(peer, False, "10.0.0.1", 5_000, now)
    s.on_hello(peer, greeting(now), now)


def test_peer_is_ready_after_its_hello() -> None:
    s = sessions()
    s.opened(B, True, "host", 1, 0)
    s.opened(A, False, "host", 2, 0)
    assert s.peers() == [A, B]
    assert s.ready() == []
    s.on_hello(B, greeting(), 0)
    s.on_hello(A, greeting(), 0)
    assert s.ready() == [A, B]
    assert s.is_ready(A)
    s.closed(A)
    assert s.ready() == s.peers() == [B]
    assert not s.is_open(A)


@pytest.mark.parametrize(
    "change, code",
    [
        ({"genesis": b"x" * 32}, "wrong_network"),
        ({"version": 2}, "handshake"),
        ({"rules": (3,)}, "handshake"),
        ({"rules": ()}, "handshake"),
        ({"height": -1}, "handshake"),
        ({"software": "\x1b[2J"}, "handshake"),
    ],
)
def test_greeting_that_does_not_fit_is_refused(change: dict, code: str) -> None:
    s = sessions()
    s.opened(A, False, "host", 2, 0)
    with pytest.raises(InvalidMessage) as caught:
        s.on_hello(A, msgspec.structs.replace(greeting(), **change), 0)
    assert caught.value.code == code
    assert not s.is_ready(A)


def test_one_rule_in_common_is_enough() -> None:
    s = sessions()
    s.opened(A, False, "host", 2, 0)
    s.on_hello(A, msgspec.structs.replace(greeting(), rules=(2, 3)), 0)
    assert s.is_ready(A)


def test_second_hello_unknown_peer_and_self_are_refused() -> None:
    s = sessions()
    ready(s, A)
    for peer, code in ((A, "unexpected"), (B, "unexpected")):
        with pytest.raises(InvalidMessage) as caught:
            s.on_hello(peer, greeting(), 0)
        assert caught.value.code == code
    s.opened(OWN, True, "host", 1, 0)
    with pytest.raises(InvalidMessage) as caught:
        s.on_hello(OWN, greeting(), 0)
    assert caught.value.code == "self_connection"


def test_nothing_but_greetings_before_the_hello() -> None:
    s = sessions()
    s.opened(A, False, "host", 2, 0)
    s.charge(A, greeting(), 100, 0)
    s.charge(A, Goodbye(code="banned"), 10, 0)
    with pytest.raises(InvalidMessage) as caught:
        s.charge(A, Txs(raws=()), 10, 0)
    assert caught.value.code == "unexpected"


def test_silent_and_mute_peers_expire() -> None:
    s = sessions()
    s.opened(C, False, "host", 2, 0)
    ready(s, A, 0)
    ready(s, B, 0)
    assert s.expired(4_999) == []
    assert s.expired(5_000) == [C]
    s.closed(C)
    s.on_status(A, status(8, 6_000), 6_000)
    assert s.expired(10_000) == [B]
    s.charge(B, Votes(votes=()), 10, 10_000)
    assert s.expired(10_000) == []


def test_flood_is_limited_and_honest_load_is_not() -> None:
    s = sessions()
    ready(s, A, 0)
    busy = Txs(raws=(b"x",) * 500)
    for now in range(0, 20_000, 100):  # 5,000 transactions a second
        s.charge(A, busy, 500 * 250, now)
    with pytest.raises(InvalidMessage) as caught:
        for _ in range(1_000):
            s.charge(A, busy, 500 * 250, 20_000)
    assert caught.value.code == "rate_limited"
    assert 0 < caught.value.penalty < 20
    s.charge(A, Votes(votes=()), 10, 20_000)  # other kinds have their own share


def test_info_shows_the_latest_and_the_median_offset() -> None:
    s = sessions()
    s.opened(A, True, "node.example", 26_000, 500)
    assert s.info(A).height == 0
    assert not s.info(A).ready
    s.on_hello(A, greeting(1_030), 1_000)
    assert s.info(A).height == 7
    for i, offset in enumerate((10, -20, 90_000, 20, 30)):
        s.on_status(A, status(8 + i, 2_000 + offset), 2_000)
    info = s.info(A)
    assert (info.height, info.round, info.offset_ms, info.since) == (12, 2, 30, 500)
    assert (info.host, info.port, info.outbound, info.listen_port) == ("node.example", 26_000, True, 9_000)
    latest = s.status(A)
    assert latest is not None
    assert latest.height == 12


def test_clock_offset_is_the_median_of_peers() -> None:
    s = sessions()
    assert s.clock_offset_ms() is None
    for peer, offset in ((A, -100), (B, 40), (C, 9_999)):
        s.opened(peer, False, "host", 2, 0)
        s.on_hello(peer, greeting(1_000 + offset), 1_000)
    assert s.clock_offset_ms() == 40


def test_negative_status_is_malformed_and_late_status_of_nobody_is_nothing() -> None:
    s = sessions()
    ready(s, A)
    with pytest.raises(InvalidMessage):
        s.on_status(A, status(-1, 0), 0)
    s.on_status(B, status(1, 0), 0)


def test_reopening_starts_anew() -> None:
    s = sessions()
    ready(s, A)
    s.opened(A, True, "host", 2, 0)
    assert not s.is_ready(A)
    assert s.ready() == []


def test_peer_being_closed_is_not_listened_to_but_still_there() -> None:
    s = sessions()
    ready(s, A)
    s.closing(A)
    assert (s.is_open(A), s.is_ready(A), s.ready()) == (False, False, [])
    assert s.peers() == [A], "it must not be dialled yet"
    assert s.expired(1_000_000) == [], "and is not closed twice"
    s.closed(A)
    assert s.peers() == []
    ready(s, A)
    assert s.is_ready(A)
    s.closing(B)


def test_peer_that_sends_much_of_no_use_is_not_useful_for_a_while() -> None:
    s = sessions()
    ready(s, A, 0)
    assert s.is_useful(A, 0)
    s.wasted(A, USELESS_BURST - 1)
    assert s.is_useful(A, 0)
    s.wasted(A, 1)
    assert not s.is_useful(A, 0)
    assert s.is_useful(A, 10)
    s.wasted(A, 500)
    assert not s.is_useful(A, 500)
    assert s.is_useful(A, 1_100)
    s.wasted(B, 5)
    assert not s.is_useful(B, 0)
