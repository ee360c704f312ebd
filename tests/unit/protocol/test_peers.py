"""The address book: whom to dial when, what no single source can take over, what is told and kept."""

from itertools import pairwise

from chaosnet.base.codec import Decoder, encode
from chaosnet.base.dice import Dice
from chaosnet.protocol.messages import PeerAddress
from chaosnet.protocol.peers import (
    BACKOFF_WANTED_MS_MAX,
    NEW_BUCKET_SIZE,
    NEW_BUCKETS,
    NEW_BUCKETS_PER_SOURCE,
    AddressBook,
    BookRecord,
    KnownAddress,
)

OWN = b"\xff" * 32


def node(i: int) -> bytes:
    return i.to_bytes(32, "big")


def at(i: int, host: str = "127.0.0.1") -> PeerAddress:
    return PeerAddress(node_id=node(i), host=host, port=20_000 + i % 40_000)


def public(i: int) -> PeerAddress:
    return PeerAddress(node_id=node(i), host=f"{20 + i % 150}.{i // 150 % 250}.1.{1 + i % 200}", port=26_000)


def book(*bootstrap: PeerAddress, seed: bytes = b"seed") -> AddressBook:
    return AddressBook(OWN, Dice(seed), bootstrap)


def dial_times(b: AddressBook, until: int, *, wanted: tuple[bytes, ...] = (), slots: int = 4) -> list[int]:
    """Let every dial fail at once; return when dials happened."""
    times = []
    for now in range(0, until, 50):
        for address in b.dials(now, (), wanted, slots):
            times.append(now)
            b.dial_failed(address.host, address.port, now)
    return times


def pauses(times: list[int]) -> list[int]:
    return [after - before for before, after in pairwise(times)]


# ── whom to dial ─────────────────────────────────────────────────────────────────────────────────────────


def test_bootstrap_and_validators_come_first_and_beyond_the_slots() -> None:
    b = book(at(1), at(2))
    b.learned([at(i) for i in range(3, 12)], "127.0.0.1", 0)
    dialled = b.dials(0, (), (node(5), node(6), node(77)), slots=3)
    assert dialled[:2] == [at(1), at(2)]
    assert sorted(dialled[2:4], key=lambda a: a.port) == [at(5), at(6)]
    assert len(dialled) == 7
    assert len(set(dialled)) == 7


def test_never_dials_itself_the_connected_or_the_banned() -> None:
    b = book(at(1), at(2), PeerAddress(OWN, "127.0.0.1", 1))
    b.learned([at(3), at(4), at(5), PeerAddress(OWN, "127.0.0.1", 2)], "127.0.0.1", 0)
    b.penalise(node(2), "127.0.0.1", 100, 0)
    b.penalise(node(4), "127.0.0.1", 100, 0)
    assert b.dials(0, (node(1), node(3)), (node(3), node(4)), 10) == [at(5)]


def test_wanted_is_redialled_within_five_seconds_for_ever() -> None:
    b = book()
    b.learned([at(1)], "127.0.0.1", 0)
    gaps = pauses(dial_times(b, 120_000, wanted=(node(1),)))
    assert 350 <= gaps[0] <= 550
    assert gaps[1] > gaps[0]
    assert max(gaps) <= BACKOFF_WANTED_MS_MAX + 50
    assert min(gaps[6:]) >= BACKOFF_WANTED_MS_MAX * 3 // 4


def test_others_back_off_to_a_minute() -> None:
    b = book()
    b.learned([at(1)], "127.0.0.1", 0)
    gaps = pauses(dial_times(b, 600_000))
    assert 30_000 < max(gaps) <= 60_050
    assert len(gaps) < 30


def test_dial_without_outcome_is_forgotten() -> None:
    b = book()
    b.learned([at(1)], "127.0.0.1", 0)
    assert b.dials(0, (), (node(1),), 0) == [at(1)]
    assert b.dials(9_999, (), (node(1),), 0) == []
    assert b.dials(10_000, (), (node(1),), 0) == [at(1)]


def test_connection_that_never_lasts_backs_off() -> None:
    b = book(at(1))
    times = []
    for now in range(0, 60_000, 50):
        for address in b.dials(now, (), (), 0):
            times.append(now)
            b.connected(node(1), address, True, now)
            b.closed(node(1), now + 10)
    assert len(times) < 25
    b.connected(node(1), at(1), True, 70_000)
    b.closed(node(1), 90_000)
    assert b.dials(90_600, (), (), 0) == [at(1)]


def test_slots_count_what_is_open_and_under_way() -> None:
    b = book()
    b.learned([at(i) for i in range(1, 10)], "127.0.0.1", 0)
    first = b.dials(0, (), (), 3)
    assert len(first) == 3
    assert b.dials(1, (), (), 3) == []
    for address in first:
        b.connected(address.node_id, address, True, 2)
    open_ids = [a.node_id for a in first]
    assert b.dials(20_000, open_ids, (), 3) == []
    b.closed(open_ids[0], 20_000)
    assert len(b.dials(20_001, open_ids[1:], (), 3)) == 1


def test_inbound_peers_take_no_slots() -> None:
    b = book()
    b.learned([at(1)], "127.0.0.1", 0)
    b.connected(node(2), at(2), False, 0)
    assert b.dials(0, (node(2),), (), 1) == [at(1)]


def test_others_are_of_different_networks_when_there_is_a_choice() -> None:
    b = book()
    same = [PeerAddress(node(i), f"8.8.0.{i}", 26_000) for i in range(1, 30)]
    b.learned(same, "9.9.9.9", 0)
    b.learned([PeerAddress(node(100), "7.7.0.1", 26_000), PeerAddress(node(101), "6.6.0.1", 1)], "9.9.9.9", 0)
    hosts = [a.host for a in b.dials(0, (), (), 3)]
    assert "7.7.0.1" in hosts
    assert "6.6.0.1" in hosts
    assert len(b.dials(20_000, (), (), 8)) == 8


def test_bootstrap_without_id_is_not_dialled_while_connected() -> None:
    nameless = PeerAddress(b"", "seed.example.org", 26_000)
    b = book(nameless)
    assert b.dials(0, (), (), 0) == [nameless]
    b.connected(node(1), PeerAddress(node(1), "seed.example.org", 26_000), True, 10)
    assert b.dials(20_000, (node(1),), (), 0) == []
    b.closed(node(1), 30_000)
    assert b.dials(30_600, (), (), 0) == [nameless]
    assert b.sample(10) == (PeerAddress(node(1), "seed.example.org", 26_000),)


def test_dial_that_reached_ourselves_or_a_known_peer_is_not_repeated_soon() -> None:
    nameless = PeerAddress(b"", "seed.example.org", 26_000)
    b = book(nameless)
    b.dials(0, (), (), 0)
    b.dial_failed(nameless.host, nameless.port, 0, "duplicate_peer")
    assert b.dials(59_999, (), (), 0) == []
    assert b.dials(60_000, (), (), 0) == [nameless]
    b.dial_failed(nameless.host, nameless.port, 60_000, "self_connection")
    assert b.dials(600_000, (), (), 0) == []


def test_a_lost_connection_is_dialled_again_soon_though_a_second_one_had_been_refused() -> None:
    """Both sides dialled at once; the one connection that was kept is gone: it must not take a minute."""
    b = book()
    b.learned([at(1)], "127.0.0.1", 0)
    assert b.dials(0, (), (node(1),), 0) == [at(1)]
    b.connected(node(1), at(1), False, 10)
    b.dial_failed(at(1).host, at(1).port, 20, "duplicate_peer")
    assert b.dials(15_000, (node(1),), (node(1),), 0) == []
    b.closed(node(1), 15_000)
    assert b.dials(15_500, (), (node(1),), 0) == [at(1)]


def test_false_addresses_do_not_keep_the_true_one_waiting() -> None:
    b = book()
    b.connected(node(1), at(1), True, 0)
    b.closed(node(1), 20_000)
    for i in range(40):
        b.learned([PeerAddress(node(1), f"10.0.{i}.1", 1)], "10.9.9.9", 20_000)
    reached = []
    for now in range(20_000, 60_000, 500):
        for address in b.dials(now, (), (node(1),), 0):
            reached += [now] * (address == at(1))
            b.dial_failed(address.host, address.port, now)
    assert max(pauses(reached)) <= BACKOFF_WANTED_MS_MAX + 500


# ── what is learned ──────────────────────────────────────────────────────────────────────────────────────


def known(b: AddressBook) -> int:
    return len(b.snapshot())


def test_one_source_fills_an_eighth_of_the_table_at_most() -> None:
    b = book()
    for i in range(0, 8_000, 100):
        b.learned([public(j) for j in range(i, i + 100)], "203.0.113.9", 0)
    most = NEW_BUCKETS_PER_SOURCE * NEW_BUCKET_SIZE
    assert most // 2 < known(b) <= most
    for i in range(0, 8_000, 100):
        b.learned([public(j) for j in range(i, i + 100)], f"{30 + i // 100}.1.1.1", 0)
    assert 0.9 * NEW_BUCKETS * NEW_BUCKET_SIZE < known(b) <= NEW_BUCKETS * NEW_BUCKET_SIZE


def test_flood_does_not_push_out_the_connected_and_the_tried() -> None:
    b = book()
    for i in range(20):
        b.connected(node(i), public(i), i % 2 == 0, 0)
        if i % 2 == 0:
            b.closed(node(i), 50_000)
    for i in range(1_000, 10_000, 100):
        b.learned([public(j) for j in range(i, i + 100)], f"{20 + i // 100 % 200}.1.1.1", 60_000)
    kept = {r.address.node_id for r in b.snapshot() if isinstance(r, KnownAddress)}
    assert {node(i) for i in range(20)} <= kept


def test_small_network_is_learned_whole() -> None:
    b = book()
    b.learned([at(i) for i in range(1, 32)], "127.0.0.1", 0)
    assert known(b) == 31


def test_useless_addresses_are_ignored() -> None:
    b = book(at(50))
    b.learned(
        [
            PeerAddress(b"", "8.8.8.8", 1),
            PeerAddress(OWN, "8.8.8.8", 1),
            PeerAddress(node(1), "127.0.0.1", 1),
            PeerAddress(node(2), "192.168.0.1", 1),
            PeerAddress(node(3), "0.0.0.0", 1),
            PeerAddress(node(4), "bad host", 1),
        ],
        "9.9.9.9",
        0,
    )
    assert known(b) == 0
    b.learned([PeerAddress(node(9), at(50).host, at(50).port)], "127.0.0.1", 0)
    assert known(b) == 0


def test_proof_of_who_is_there_removes_false_claims() -> None:
    b = book()
    b.learned([PeerAddress(node(i), "10.0.0.1", 1) for i in range(5)], "10.0.0.2", 0)
    b.connected(node(3), PeerAddress(node(3), "10.0.0.1", 1), True, 0)
    assert [r.address.node_id for r in b.snapshot() if isinstance(r, KnownAddress)] == [node(3)]


# ── what is told and kept ────────────────────────────────────────────────────────────────────────────────


def test_sample_tells_only_what_was_connected() -> None:
    b = book()
    b.learned([at(i) for i in range(1, 20)], "127.0.0.1", 0)
    assert b.sample(100) == ()
    b.connected(node(3), at(3), True, 0)
    b.connected(node(30), at(30), False, 0)
    b.connected(node(31), None, False, 0)
    assert set(b.sample(100)) == {at(3), at(30)}
    assert len(b.sample(1)) == 1
    b.closed(node(3), 20_000)
    for now in (30_000, 40_000):
        b.dial_failed(at(3).host, at(3).port, now)
    assert b.sample(100) == (at(30),)


def test_book_survives_a_restart() -> None:
    b = book()
    b.learned([public(i) for i in range(40)], "9.9.9.9", 0)
    b.connected(node(3), public(3), True, 5)
    b.penalise(node(7), "9.9.9.9", 100, 5)
    kind = tuple[BookRecord, ...]
    saved = Decoder[kind](kind, 100_000).decode(encode(b.snapshot()))
    again = book(seed=b"other")
    again.restore(saved)
    assert known(again) == known(b)
    assert again.sample(10) == (public(3),)
    assert again.is_banned(node(7), "", 6)


def test_same_inputs_give_same_dials() -> None:
    def run() -> list[list[PeerAddress]]:
        b = book(at(1))
        b.learned([public(i) for i in range(100)], "9.9.9.9", 0)
        found = []
        for now in range(0, 30_000, 500):
            found.append(b.dials(now, (), (node(2),), 4))
            for address in found[-1][::2]:
                b.dial_failed(address.host, address.port, now)
        return found

    assert run() == run()
