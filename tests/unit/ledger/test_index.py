from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chaosnet.ledger.index import NODE_MAX, SortedKeys, _Branch, _Node

KEYS = st.binary(min_size=1, max_size=2)


@given(st.lists(st.dictionaries(KEYS, st.booleans(), max_size=200), max_size=6), KEYS)
def test_it_is_a_sorted_set_whose_past_stays(batches: list[dict[bytes, bool]], start: bytes) -> None:
    keys = SortedKeys()
    model: set[bytes] = set()
    past: list[tuple[SortedKeys, list[bytes]]] = []
    for batch in batches:
        keys = keys.updated(batch)
        model = (model | {k for k, added in batch.items() if added}) - {
            k for k, added in batch.items() if not added
        }
        past.append((keys, sorted(model)))
        assert list(keys.at_least(start)) == [k for k in sorted(model) if k >= start]
    for then, content in past:
        assert list(then.at_least(b"")) == content


def depths(node: _Node, depth: int = 0) -> set[int]:
    assert len(node.keys) <= NODE_MAX
    if not isinstance(node, _Branch):
        return {depth}
    return set().union(*(depths(child, depth + 1) for child in node.children))


def test_it_stays_flat_and_full() -> None:
    random = Random(1)
    everything = [random.randbytes(8) for _ in range(20_000)]
    keys = SortedKeys().updated(dict.fromkeys(everything, True))
    assert depths(keys._root) == {2}
    for i in range(0, 19_000, 100):
        keys = keys.updated(dict.fromkeys(everything[i : i + 100], False))
    assert list(keys.at_least(b"")) == sorted(everything[19_000:])
    assert isinstance(keys._root, _Branch)
    assert len(depths(keys._root)) == 1
    assert sum(1 for _ in leaves(keys._root)) < 100
    assert list(keys.updated(dict.fromkeys(everything, False)).at_least(b"")) == []


def leaves(node: _Node) -> list[_Node]:
    return (
        [leaf for child in node.children for leaf in leaves(child)] if isinstance(node, _Branch) else [node]
    )


def test_what_changes_nothing_is_the_same_object() -> None:
    keys = SortedKeys().updated({bytes([i]): True for i in range(200)})
    assert keys.updated({b"\x05": True, b"\xff": False}) is keys
    assert keys.updated({}) is keys
