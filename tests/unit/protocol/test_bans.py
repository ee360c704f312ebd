"""Points fade, bans double, hosts are banned only when several keys from there were."""

from chaosnet.base.codec import Decoder, encode
from chaosnet.protocol.bans import BAN_MS, BAN_MS_MAX, BANS_KEPT, SCORES_KEPT, Ban, Bans

HOST = "203.0.113.7"


def key(i: int) -> bytes:
    return i.to_bytes(32, "big")


def test_points_fade_by_one_a_second() -> None:
    bans = Bans()
    assert not bans.penalise(key(1), HOST, 60, 0)
    assert not bans.penalise(key(1), HOST, 60, 30_000)
    assert bans.points(key(1), 30_000) == 90
    assert bans.points(key(1), 30_001) == 89
    assert bans.points(key(1), 500_000) == 0
    assert not bans.penalise(key(1), HOST, 99, 500_000)
    assert bans.penalise(key(1), HOST, 1, 500_000)


def test_slow_trickle_of_faults_never_bans() -> None:
    bans = Bans()
    assert not any(bans.penalise(key(1), HOST, 20, i * 20_000) for i in range(100))


def test_ban_ends_and_doubles_up_to_a_day() -> None:
    bans = Bans()
    now = 0
    lengths = []
    for _ in range(12):
        assert bans.penalise(key(1), HOST, 100, now)
        length = next(
            ms for ms in (BAN_MS << i for i in range(12)) if not bans.is_banned(key(1), "", now + ms)
        )
        length = min(length, BAN_MS_MAX)
        assert bans.is_banned(key(1), "", now + length - 1)
        assert not bans.is_banned(key(1), "", now + length)
        lengths.append(length)
        now += length
    assert lengths[:3] == [BAN_MS, 2 * BAN_MS, 4 * BAN_MS]
    assert lengths[-1] == BAN_MS_MAX


def test_long_good_conduct_is_forgiven() -> None:
    bans = Bans()
    bans.penalise(key(1), HOST, 100, 0)
    later = BAN_MS + 24 * 3_600_000
    bans.penalise(key(1), HOST, 100, later)
    assert not bans.is_banned(key(1), "", later + BAN_MS)


def test_host_is_banned_with_its_third_key() -> None:
    bans = Bans()
    for i in range(2):
        bans.penalise(key(i), HOST, 100, 0)
    assert not bans.is_banned(key(9), HOST, 1)
    bans.penalise(key(2), HOST, 100, 0)
    assert bans.is_banned(key(9), HOST, 1)
    assert not bans.is_banned(key(9), "203.0.113.8", 1)
    assert not bans.is_banned(key(9), HOST, BAN_MS)


def test_neighbours_are_never_banned_by_host() -> None:
    bans = Bans()
    for host in ("127.0.0.1", "10.0.0.1", "node1"):
        for i in range(10):
            bans.penalise(key(i), host, 100, 0)
        assert not bans.is_banned(key(99), host, 1)


def test_tables_are_bounded() -> None:
    bans = Bans()
    for i in range(BANS_KEPT + 100):
        bans.penalise(key(i), HOST, 50, 0)
    assert bans.points(key(0), 0) == 0
    assert bans.points(key(BANS_KEPT + 99), 0) == 50
    assert sum(bans.points(key(i), 0) > 0 for i in range(BANS_KEPT + 100)) == SCORES_KEPT
    for i in range(BANS_KEPT + 100):
        bans.penalise(key(i), "10.0.0.1", 100, 0)
    assert len(bans.snapshot()) == BANS_KEPT
    assert not bans.is_banned(key(0), "", 1)


def test_bans_survive_a_restart() -> None:
    bans = Bans()
    for i in range(3):
        bans.penalise(key(i), HOST, 100, 0)
    saved = Decoder[tuple[Ban, ...]](tuple[Ban, ...], 10_000).decode(encode(bans.snapshot()))
    again = Bans()
    again.restore(saved)
    assert again.is_banned(key(1), "", 1)
    assert again.is_banned(key(9), HOST, 1)
    assert again.snapshot() == bans.snapshot()
