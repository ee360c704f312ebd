"""Which peer is asked, which is believed, and what becomes of late answers."""

import pytest

from chaosnet.base.errors import InvalidMessage
from chaosnet.protocol.messages import GetBodies
from chaosnet.protocol.sources import ASKS_BURST, DOUBT_MS, LATE_MS, LOST_MS, Ask, Sources

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32


def sources(**heights: int) -> Sources:
    s = Sources()
    for peer, height in heights.items():
        s.on_status(peer.encode() * 32, height, 0)
    return s


def test_free_peers_take_turns() -> None:
    s = sources(a=10, b=10, c=5)
    picked = []
    for now in range(1, 5):
        peer = s.pick(6, now, bodies=True)
        assert peer
        s.ask(peer, Ask(6, 1, bodies=True), now)
        s.answered(peer, 6, [10], now, bodies=True)
        picked.append(peer)
    assert picked == [A, B, A, B]
    assert s.pick(11, 9, bodies=True) is None


def test_busy_peer_is_not_asked_again_and_never_for_more_than_it_claims() -> None:
    s = sources(a=10)
    assert s.ask(A, Ask(6, 16, bodies=True), 0) == (A, GetBodies(first=6, count=5))
    assert s.pick(6, 0, bodies=True) is None


@pytest.mark.parametrize("first, count, bodies", [(7, 1, True), (6, 1, False), (6, 6, True)])
def test_answer_must_fit_its_request(first: int, count: int, bodies: bool) -> None:
    s = sources(a=10)
    s.ask(A, Ask(6, 5, bodies=True), 0)
    with pytest.raises(InvalidMessage) as caught:
        s.answered(A, first, [1] * count, 0, bodies=bodies)
    assert caught.value.code == "unexpected"
    with pytest.raises(InvalidMessage):
        s.answered(B, 6, [1], 0, bodies=True)


def test_stingy_peer_is_asked_after_the_others() -> None:
    s = sources(a=10, b=10)
    s.ask(A, Ask(1, 10, bodies=True), 0)
    s.answered(A, 1, [100], 0, bodies=True)
    s.ask(B, Ask(1, 10, bodies=True), 5)
    s.answered(B, 1, [2_000_000], 5, bodies=True)  # full, not stingy
    assert s.pick(1, 10, bodies=True) == B
    assert s.pick(1, 70_000, bodies=True) == A


def test_late_then_lost() -> None:
    s = sources(a=10, b=3)
    s.ask(A, Ask(1, 10, bodies=True), 0)
    assert s.due_ms(3) == LATE_MS
    assert s.expire(LATE_MS - 1) == []
    assert s.best(3, 0) == 10
    assert s.expire(LATE_MS) == [(A, "timeout", 5)]
    assert s.open_asks(bodies=True) == []
    assert s.best(3, LATE_MS) == 3  # others do not confirm it
    assert s.expire(LATE_MS) == []
    assert s.due_ms(3) == LOST_MS
    assert s.expire(LOST_MS) == [(A, "timeout", 20)]
    assert s.pick(4, LOST_MS + DOUBT_MS - 1, bodies=False) is None
    assert s.pick(4, LOST_MS + DOUBT_MS, bodies=False) == A


def test_late_answer_is_welcome() -> None:
    s = sources(a=10)
    s.ask(A, Ask(1, 10, bodies=True), 0)
    s.expire(LATE_MS)
    assert s.best(3, LATE_MS) == 10  # nobody else is there
    assert s.answered(A, 1, [5] * 10, LATE_MS + 1, bodies=True).is_late
    assert s.pick(1, LATE_MS + 1, bodies=True) == A


def test_doubt_doubles_until_it_is_cleared() -> None:
    s = sources(a=10)
    s.doubt(A, 0)
    assert s.best(3, DOUBT_MS - 1) == 3
    assert s.best(3, DOUBT_MS) == 10
    s.doubt(A, DOUBT_MS)
    assert s.best(3, 3 * DOUBT_MS - 1) == 3
    s.believe(A)
    s.doubt(A, 3 * DOUBT_MS)
    assert s.best(3, 4 * DOUBT_MS) == 10


def test_pruned_peer_is_asked_for_headers_only() -> None:
    s = sources(a=10)
    s.lacks(A, 5, 0)
    assert s.pick(5, 1, bodies=True) is None
    assert s.pick(5, 1, bodies=False) == A
    assert s.pick(6, 1, bodies=True) == A
    assert s.pick(5, 60_000, bodies=True) == A


def test_own_requests_stay_below_what_peers_allow() -> None:
    s = sources(a=10)
    asked = 0
    for _ in range(2 * ASKS_BURST):
        if s.pick(1, 0, bodies=True):
            s.ask(A, Ask(1, 1, bodies=True), 0)
            s.answered(A, 1, [1], 0, bodies=True)
            asked += 1
    assert asked == ASKS_BURST
    assert s.pick(1, 10, bodies=True) == A


def test_gone_peers_are_nothing() -> None:
    s = sources(a=10)
    s.left(A)
    s.avoid(A, 0)
    s.doubt(None, 0)
    s.believe(A)
    s.lacks(A, 1, 0)
    assert s.best(3, 0) == 3
    assert s.due_ms(3) is None
