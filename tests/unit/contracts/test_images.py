"""Images are kept by use, within a number of bytes."""

from dataclasses import dataclass

from chaosnet.contracts.images import ImageCache


@dataclass(frozen=True)
class FakeImage:
    engine: str
    size_bytes: int
    load_fuel: int = 0


def test_the_longest_unused_goes_first() -> None:
    cache = ImageCache(300)
    for name in (b"a", b"b", b"c"):
        cache.put(("lua/1", name), FakeImage("lua/1", 100))
    assert cache.get(("lua/1", b"a"))
    cache.put(("lua/1", b"d"), FakeImage("lua/1", 100))
    assert cache.get(("lua/1", b"b")) is None
    assert cache.get(("lua/1", b"a"))
    assert cache.size_bytes == 300


def test_an_engine_is_part_of_the_key() -> None:
    cache = ImageCache(300)
    cache.put(("lua/1", b"a"), FakeImage("lua/1", 100))
    assert cache.get(("js/1", b"a")) is None


def test_putting_again_counts_once_and_a_giant_is_kept_alone() -> None:
    cache = ImageCache(300)
    cache.put(("lua/1", b"a"), FakeImage("lua/1", 100))
    cache.put(("lua/1", b"a"), FakeImage("lua/1", 150))
    assert cache.size_bytes == 150
    cache.put(("lua/1", b"b"), FakeImage("lua/1", 1_000))
    assert cache.get(("lua/1", b"a")) is None
    assert cache.size_bytes == 1_000
