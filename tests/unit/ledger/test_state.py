from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Invalid
from chaosnet.base.units import EMPTY_HASH
from chaosnet.crypto.ics23 import check_absence, check_existence
from chaosnet.ledger.state import State

Items = dict[bytes, bytes]

KEYS = st.integers(0, 40).map(lambda i: b"key-%d" % i)
VALUES = st.binary(min_size=1, max_size=40)
BATCHES = st.lists(st.dictionaries(KEYS, st.none() | VALUES, max_size=12), max_size=8)


def naive_root(items: Items) -> bytes:
    """The definition, word by word: every level is split by one bit of the key's hash."""

    def node(leaves: list[tuple[str, bytes]], depth: int) -> bytes:
        if not leaves:
            return bytes(32)
        if len(leaves) == 1:
            return leaves[0][1]
        left = node([leaf for leaf in leaves if leaf[0][depth] == "0"], depth + 1)
        right = node([leaf for leaf in leaves if leaf[0][depth] == "1"], depth + 1)
        return sha256(b"\x01" + left + right).digest()

    leaves = []
    for key, value in items.items():
        path = sha256(key).digest()
        bits = f"{int.from_bytes(path, 'big'):0256b}"
        leaves.append((bits, sha256(b"\x00" + path + sha256(value).digest()).digest()))
    return node(leaves, 0)


def apply_naive(items: Items, changes: dict[bytes, bytes | None]) -> Items:
    after = {**items, **{key: value for key, value in changes.items() if value is not None}}
    return {key: value for key, value in after.items() if changes.get(key, b"-") is not None}


def test_the_empty_state_has_the_empty_root() -> None:
    state = State.empty()
    assert state.root == EMPTY_HASH
    assert len(state) == 0
    assert state.get(b"key") is None
    assert list(state.items()) == []
    check_absence(state.root, state.prove(b"key"), b"key")


def test_one_leaf_is_the_root() -> None:
    state = State.of([(b"key", b"value")])
    digest = sha256(b"\x00" + sha256(b"key").digest() + sha256(b"value").digest()).digest()
    assert state.root == digest
    assert state.get(b"key") == b"value"
    assert state.get(b"other") is None


@given(BATCHES)
def test_batches_agree_with_the_definition(batches: list[dict[bytes, bytes | None]]) -> None:
    state, items = State.empty(), Items()
    for changes in batches:
        before = state, items
        state, items = state.update(changes), apply_naive(items, changes)
        assert state.root == naive_root(items)
        assert len(state) == len(items)
        assert dict(state.items()) == items
        # the old state is a snapshot
        assert before[0].root == naive_root(before[1])
        assert dict(before[0].items()) == before[1]
    assert all(state.get(key) == items.get(key) for key in (b"key-%d" % i for i in range(41)))


@given(st.dictionaries(KEYS, VALUES), st.randoms(use_true_random=False))
def test_the_root_depends_on_content_alone(items: Items, random: Random) -> None:
    at_once = State.of(items.items())
    one_by_one = State.empty().update({b"key-5": b"gone", b"another": b"gone"})
    keys = list(items)
    random.shuffle(keys)
    for key in keys:
        one_by_one = one_by_one.update({key: items[key]})
    one_by_one = one_by_one.update(
        {b"another": None} if b"key-5" in items else dict.fromkeys((b"another", b"key-5"))
    )
    assert one_by_one.root == at_once.root
    assert list(one_by_one.items()) == list(at_once.items())


def test_items_come_in_the_order_of_key_hashes() -> None:
    state = State.of((b"key-%d" % i, b"value") for i in range(100))
    hashes = [sha256(key).digest() for key, _ in state.items()]
    assert hashes == sorted(hashes)
    assert len(hashes) == 100


def test_scan_yields_one_prefix() -> None:
    state = State.of([(b"\x01a", b"1"), (b"\x01b", b"2"), (b"\x02a", b"3")])
    assert dict(state.scan(b"\x01")) == {b"\x01a": b"1", b"\x01b": b"2"}


def test_no_change_keeps_the_very_nodes() -> None:
    state = State.of((b"key-%d" % i, b"value") for i in range(100))
    assert state.update({}) is state
    same = state.update({b"key-3": b"value", b"absent": None})
    assert same._root is state._root


def test_values_are_never_empty() -> None:
    with pytest.raises(ValueError, match="never empty"):
        State.of([(b"key", b"")])


@settings(max_examples=60)
@given(st.dictionaries(KEYS, VALUES, max_size=25))
def test_every_key_has_a_proof_of_what_it_is(items: Items) -> None:
    state = State.of(items.items())
    for i in range(41):
        key = b"key-%d" % i
        proof = state.prove(key)
        if key in items:
            check_existence(state.root, proof, key, items[key])
            with pytest.raises(Invalid):
                check_existence(state.root, proof, key, items[key] + b"x")
            with pytest.raises(Invalid):
                check_absence(state.root, proof, key)
        else:
            check_absence(state.root, proof, key)
            with pytest.raises(Invalid):
                check_existence(state.root, proof, key, b"value")


@settings(max_examples=60)
@given(st.dictionaries(KEYS, VALUES, min_size=1), st.data())
def test_a_proof_fails_after_the_key_changed(items: Items, data: st.DataObject) -> None:
    state = State.of(items.items())
    key = data.draw(st.sampled_from(sorted(items)))
    other = items[key] + b"!"
    for change in (other, None):
        after = state.update({key: change})
        with pytest.raises(Invalid):
            check_existence(after.root, state.prove(key), key, items[key])
        with pytest.raises(Invalid):
            check_absence(state.root, after.prove(key), key)


def test_proofs_in_a_larger_state() -> None:
    dice = Dice(b"proofs")
    items = {b"account-%d" % dice.u64(): b"value-%d" % i for i in range(3000)}
    state = State.of(items.items())
    for i, key in enumerate(items):
        if i % 10 == 0:
            check_existence(state.root, state.prove(key), key, items[key])
    for i in range(300):
        key = b"absent-%d" % i
        check_absence(state.root, state.prove(key), key)
