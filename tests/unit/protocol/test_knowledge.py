"""One integer per hash tells who has it; the table stays bounded and marks of the gone do not return."""

from chaosnet.base.limits import PEERS_MAX
from chaosnet.protocol.knowledge import EVERYBODY, HELD, SEEN, Knowledge


def tx(i: int) -> bytes:
    return i.to_bytes(32, "big")


def test_marks_add_up() -> None:
    known = Knowledge(100)
    a, b = known.new_bit(), known.new_bit()
    known.mark([tx(1)], SEEN | a)
    known.mark([tx(1), tx(2)], b)
    assert known.mask(tx(1)) == SEEN | a | b
    assert known.mask(tx(2)) == b
    assert known.mask(tx(3)) == 0
    assert len({a, b, SEEN, HELD}) == 4


def test_positions_are_grouped_by_who_lacks_them() -> None:
    known = Knowledge(100)
    a, b = known.new_bit(), known.new_bit()
    known.mark([tx(1)], a)
    known.mark([tx(2)], a | b)
    known.mark([tx(4)], EVERYBODY)
    groups = known.by_mask([tx(i) for i in range(5)], a | b)
    assert groups == {a | b: [0, 3], b: [1]}


def test_table_is_bounded_and_keeps_what_is_fresh() -> None:
    known = Knowledge(1_000)
    for i in range(0, 100_000, 10):
        known.mark([tx(j) for j in range(i, i + 10)], HELD)
        assert len(known) <= 1_020
    assert known.mask(tx(99_999)) == HELD
    assert known.mask(tx(99_600)) == HELD
    assert known.mask(tx(0)) == 0


def test_what_is_touched_stays_with_all_its_marks() -> None:
    known = Knowledge(100)
    known.mark([tx(0)], SEEN)
    for i in range(1, 1_000):
        known.mark([tx(i)], HELD)
        if i % 40 == 0:
            known.mark([tx(0)], HELD)
    assert known.mask(tx(0)) == SEEN | HELD


def test_mark_of_a_gone_peer_comes_back_clean() -> None:
    known = Knowledge(1_000)
    stays = known.new_bit()
    for i in range(10 * PEERS_MAX):
        bit = known.new_bit()
        assert bit
        assert not known.mask(tx(7)) & bit
        known.mark([tx(7), tx(i + 100)], bit | stays)
        known.mark([tx(8)], EVERYBODY)
        known.retire(bit)
    assert known.mask(tx(7)) & stays
    assert known.mask(tx(8)) == EVERYBODY


def test_too_many_peers_get_no_mark() -> None:
    known = Knowledge(100)
    bits = [known.new_bit() for _ in range(2 * PEERS_MAX)]
    assert all(bits)
    assert known.new_bit() == 0
    known.retire(bits[5])
    assert known.new_bit() == bits[5]
