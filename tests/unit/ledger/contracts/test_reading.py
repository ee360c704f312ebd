import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.contracts.keys import Part, encode_key
from chaosnet.ledger.contracts.books import entry_start
from chaosnet.ledger.contracts.reading import (
    Entry,
    allowance_at,
    is_frozen_at,
    storage_entries,
    storage_entry,
)
from chaosnet.ledger.keys import allowance_key, entry_key, frozen_key
from chaosnet.ledger.state import State

C, OTHER = b"\x01" + bytes(32), b"\x01" + b"\x01" * 32
KEYS: list[list[Part]] = [["a"], ["m", -1], ["m", 2], ["m", "x"], ["n"]]
A, B, T = b"\x00" + bytes(32), b"\x00" + b"b" * 32, bytes(32)


@pytest.fixture
def state() -> State:
    items = {entry_key(C, encode_key(key)): entry_start(7) + encode(i) for i, key in enumerate(KEYS)}
    items[entry_key(OTHER, encode_key(["m", 0]))] = entry_start(300) + b"\xc3"
    items[allowance_key(T, A, B)] = entry_start(7) + encode((5, 9))
    items[frozen_key(T, A)] = entry_start(7) + b"\xc3"
    return State.of(items.items())


def test_one_entry(state: State) -> None:
    assert storage_entry(state, C, ["m", 2]) == Entry(["m", 2], b"\x02", 7)
    assert storage_entry(state, OTHER, ["m", 0]) == Entry(["m", 0], b"\xc3", 300)
    assert storage_entry(state, C, ["m", 0]) is None
    with pytest.raises(Invalid):
        storage_entry(state, C, [])


def test_pages(state: State) -> None:
    def keys(prefix: list[Part], after: list[Part] | None = None, limit: int = 9) -> list[list[Part]]:
        return [entry.key for entry in storage_entries(state, C, prefix, after, limit)]

    assert keys([]) == KEYS
    assert keys(["m"]) == KEYS[1:4]
    assert keys(["m"], limit=2) == KEYS[1:3]
    assert keys(["m"], after=["m", 2]) == KEYS[3:4]
    assert keys(["m"], after=["z"]) == []
    assert [e.key for e in storage_entries(state, OTHER, [], None, 9)] == [["m", 0]]


def test_tokens(state: State) -> None:
    assert allowance_at(state, T, A, B) == (5, 9)
    assert allowance_at(state, T, B, A) == (0, 0)
    assert is_frozen_at(state, T, A)
    assert not is_frozen_at(state, T, B)
