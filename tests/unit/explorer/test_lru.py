"""The bound on what is remembered."""

from explorer.lru import Lru


def test_longest_unused_goes_first() -> None:
    cache: Lru[str] = Lru(30)
    for key in "abc":
        cache.put(key, key.upper(), 10)
    assert cache.get("a") == "A"
    cache.put("d", "D", 10)
    assert [cache.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    assert cache.bytes_held == 30


def test_too_large_a_value_is_not_kept_and_drives_nothing_out() -> None:
    cache: Lru[str] = Lru(30)
    cache.put("a", "A", 10)
    cache.put("b", "B", 31)
    assert cache.get("a") == "A"
    assert cache.get("b") is None


def test_another_value_under_a_key_replaces_the_first() -> None:
    cache: Lru[str] = Lru(30)
    cache.put("a", "A", 20)
    cache.put("a", "B", 5)
    assert (cache.get("a"), cache.bytes_held, len(cache)) == ("B", 5, 1)
    cache.clear()
    assert (cache.get("a"), cache.bytes_held) == (None, 0)
