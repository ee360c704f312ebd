"""Buckets refill on whole milliseconds, and the table leaves room for honest load."""

from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.limits import HASHES_PER_MESSAGE_MAX, TXS_MESSAGE_BYTES_MAX, TXS_PER_MESSAGE_MAX
from chaosnet.protocol.messages import STREAM_OF, GetPeers, GetTxs, Txs
from chaosnet.protocol.rates import LIMITS, Bucket, Meter, items_of


def test_bucket_gives_its_burst_then_its_rate() -> None:
    bucket = Bucket(per_minute=60, burst=3, now=0)
    assert [bucket.take(1, 0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(1, 999)
    assert bucket.take(1, 1_000)
    assert not bucket.take(4, 1_000_000)
    assert bucket.take(3, 1_000_000)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 20)), max_size=60))
def test_bucket_never_gives_more_than_burst_and_rate(takes: list[tuple[int, int]]) -> None:
    bucket = Bucket(per_minute=600, burst=20, now=0)
    now = given_out = 0
    for pause, amount in takes:
        now += pause
        given_out += amount * bucket.take(amount, now)
        assert given_out * 1_000 <= 20_000 + now * 10


def test_clock_that_steps_back_gives_nothing() -> None:
    bucket = Bucket(per_minute=60_000, burst=1, now=1_000)
    assert bucket.take(1, 1_000)
    assert not bucket.take(1, 0)


def test_meter_counts_neither_when_one_is_over() -> None:
    meter = Meter(LIMITS[Txs], 0)
    assert not meter.take(1, 33 * 1024 * 1024, 0)
    assert meter.take(40_000, 32 * 1024 * 1024, 0)
    assert not meter.take(1, 1, 0)
    assert meter.take(1, 1, 1)


def test_every_message_has_a_limit_that_its_largest_form_fits() -> None:
    assert set(LIMITS) == set(STREAM_OF)
    assert Meter(LIMITS[Txs], 0).take(TXS_PER_MESSAGE_MAX, TXS_MESSAGE_BYTES_MAX, 0)
    assert Meter(LIMITS[GetTxs], 0).take(HASHES_PER_MESSAGE_MAX, HASHES_PER_MESSAGE_MAX * 34, 0)


def test_addresses_are_asked_once_a_minute() -> None:
    meter = Meter(LIMITS[GetPeers], 0)
    asked = [meter.take(1, 1, now) for now in range(0, 300_000, 20_000)]
    assert sum(asked) == 2 + 280 // 60


def test_empty_messages_count_too() -> None:
    assert items_of(Txs(raws=())) == 1
    assert items_of(Txs(raws=(b"a", b"b"))) == 2
    assert items_of(GetPeers()) == 1
