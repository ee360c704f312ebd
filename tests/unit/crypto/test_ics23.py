"""ICS-23: the official SMT vectors, and a naive tree whose proofs hold while every forged one fails."""

from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.crypto.ics23 import (
    Neighbour,
    _decode_leaf,
    _decode_proof,
    check_absence,
    check_existence,
    encode_existence,
    encode_nonexistence,
)
from tests.vectors import vectors_json

EXIST = ["exist_left", "exist_middle", "exist_right"]
NONEXIST = ["nonexist_left", "nonexist_middle", "nonexist_right"]
EMPTY = bytes(32)

Step = tuple[bool, bytes]
Vector = tuple[bytes, bytes, bytes, bytes]


def load(name: str) -> Vector:
    found = vectors_json(f"ics23/{name}.json")
    root, proof, key, value = (bytes.fromhex(found[field]) for field in ("root", "proof", "key", "value"))
    return root, proof, key, value


def check(root: bytes, proof: bytes, key: bytes, value: bytes) -> None:
    if value:
        check_existence(root, proof, key, value)
    else:
        check_absence(root, proof, key)


def is_refused(call: Callable[..., None], *args: bytes) -> bool:
    try:
        call(*args)
    except Invalid as error:
        return error.code == "proof_invalid"
    return False


def one_byte_changed(data: bytes, mask: int) -> Iterator[bytes]:
    for place, byte in enumerate(data):
        yield data[:place] + bytes([byte ^ mask]) + data[place + 1 :]


class NaiveTree:
    """The specification's tree written down plainly: one leaf is itself, more are split by the next bit."""

    def __init__(self, items: dict[bytes, bytes]) -> None:
        self.leaves = sorted((sha256(key).digest(), key, value) for key, value in items.items())
        self.root = self._hash(self.leaves, 0)

    def neighbour(self, key: bytes) -> Neighbour:
        value = next(value for _, found, value in self.leaves if found == key)
        return Neighbour(key, value, tuple(self._path(key)))

    def around(self, key: bytes) -> tuple[Neighbour | None, Neighbour | None]:
        place = sha256(key).digest()
        before = [found for digest, found, _ in self.leaves if digest < place]
        after = [found for digest, found, _ in self.leaves if digest > place]
        left = self.neighbour(before[-1]) if before else None
        right = self.neighbour(after[0]) if after else None
        return left, right

    def _hash(self, leaves: list[tuple[bytes, bytes, bytes]], depth: int) -> bytes:
        if not leaves:
            return EMPTY
        if len(leaves) == 1:
            digest, _, value = leaves[0]
            return sha256(b"\x00" + digest + sha256(value).digest()).digest()
        left, right = self._split(leaves, depth)
        return sha256(b"\x01" + self._hash(left, depth + 1) + self._hash(right, depth + 1)).digest()

    def _path(self, key: bytes) -> list[Step]:
        leaves, depth, path = self.leaves, 0, []
        while len(leaves) > 1:
            sides = self._split(leaves, depth)
            is_right = any(found == key for _, found, _ in sides[1])
            depth += 1
            path.append((is_right, self._hash(sides[not is_right], depth)))
            leaves = sides[is_right]
        return path

    @staticmethod
    def _split(
        leaves: list[tuple[bytes, bytes, bytes]], depth: int
    ) -> tuple[list[tuple[bytes, bytes, bytes]], list[tuple[bytes, bytes, bytes]]]:
        right = [leaf for leaf in leaves if leaf[0][depth // 8] >> (7 - depth % 8) & 1]
        return [leaf for leaf in leaves if leaf not in right], right


KEYS = st.binary(min_size=1, max_size=3)
ITEMS = st.dictionaries(KEYS, st.binary(min_size=1, max_size=200), max_size=24)


@pytest.mark.parametrize("name", EXIST + NONEXIST)
def test_official_vector(name: str) -> None:
    check(*load(name))


@pytest.mark.parametrize("name", EXIST)
def test_our_encoder_writes_the_official_bytes(name: str) -> None:
    _, proof, key, value = load(name)
    leaf = _decode_leaf(_decode_proof(proof, 1))
    assert encode_existence(key, value, leaf.path) == proof


@pytest.mark.parametrize("name", EXIST + NONEXIST)
def test_any_changed_byte_of_a_vector_is_refused(name: str) -> None:
    root, proof, key, value = load(name)
    for mask in (0x01, 0x80, 0xFF):
        for changed in one_byte_changed(proof, mask):
            assert is_refused(check, root, changed, key, value)
        for changed in one_byte_changed(root, mask):
            assert is_refused(check, changed, proof, key, value)
        for changed in one_byte_changed(key, mask):
            assert is_refused(check, root, proof, changed, value)
        for changed in one_byte_changed(value, mask):
            assert is_refused(check, root, proof, key, changed)


@pytest.mark.parametrize("name", EXIST + NONEXIST)
def test_cut_and_padded_proofs_are_refused(name: str) -> None:
    root, proof, key, value = load(name)
    for size in range(len(proof)):
        assert is_refused(check, root, proof[:size], key, value)
    for extra in (b"\x00", b"\x0a\x00", b"\x12\x00", b"\x1a\x00", b"\x20\x01", proof):
        assert is_refused(check, root, proof + extra, key, value)
        assert is_refused(check, root, extra + proof, key, value)


@given(ITEMS, st.data())
def test_presence_and_absence_in_a_naive_tree(items: dict[bytes, bytes], data: st.DataObject) -> None:
    tree = NaiveTree(items)
    key = data.draw(st.one_of(KEYS, st.sampled_from(sorted(items))) if items else KEYS)
    if key in items:
        leaf = tree.neighbour(key)
        proof = encode_existence(key, items[key], leaf.path)
        check_existence(tree.root, proof, key, items[key])
        assert is_refused(check_existence, tree.root, proof, key, items[key] + b"\x00")
        assert is_refused(check_existence, tree.root, proof, key + b"\x00", items[key])
        assert is_refused(check_absence, tree.root, proof, key)
    else:
        proof = encode_nonexistence(key, *tree.around(key))
        check_absence(tree.root, proof, key)
        assert is_refused(check_existence, tree.root, proof, key, b"\x01")
    place = data.draw(st.integers(0, len(proof) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != proof[place]))
    changed = proof[:place] + bytes([byte]) + proof[place + 1 :]
    assert is_refused(check, tree.root, changed, key, items.get(key, b""))


@given(ITEMS, KEYS)
def test_only_the_true_neighbours_prove_absence(items: dict[bytes, bytes], key: bytes) -> None:
    tree = NaiveTree(items)
    choices = [None, *(tree.neighbour(found) for found in sorted(items))]
    true_pair = tree.around(key)
    for left in choices:
        for right in choices:
            proof = encode_nonexistence(key, left, right)
            is_true = (left, right) == true_pair and key not in items
            assert is_refused(check_absence, tree.root, proof, key) != is_true


def test_the_empty_tree_and_only_it_needs_no_neighbour() -> None:
    proof = encode_nonexistence(b"k", None, None)
    check_absence(EMPTY, proof, b"k")
    assert is_refused(check_absence, EMPTY, proof, b"other")
    assert is_refused(check_absence, NaiveTree({b"a": b"1"}).root, proof, b"k")
    assert is_refused(check_absence, b"", proof, b"k")


def test_the_hash_of_the_key_may_stand_for_it() -> None:
    tree = NaiveTree({b"a": b"1", b"b": b"2"})
    check_absence(tree.root, encode_nonexistence(sha256(b"k").digest(), *tree.around(b"k")), b"k")


def test_bounds() -> None:
    deep = [(False, b"\x01" * 32)] * 257
    root = sha256(b"\x00" + sha256(b"k").digest() + sha256(b"v").digest()).digest()
    for _, sibling in deep[:256]:
        root = sha256(b"\x01" + root + sibling).digest()
    check_existence(root, encode_existence(b"k", b"v", deep[:256]), b"k", b"v")
    root = sha256(b"\x01" + root + deep[0][1]).digest()
    assert is_refused(check_existence, root, encode_existence(b"k", b"v", deep), b"k", b"v")

    value = bytes(64 * 1024)
    root = NaiveTree({b"k": value}).root
    assert is_refused(check_existence, root, encode_existence(b"k", value, ()), b"k", value)
    check_existence(
        NaiveTree({b"k": value[:65000]}).root, encode_existence(b"k", value[:65000], ()), b"k", value[:65000]
    )


@pytest.mark.parametrize("key, value", [(b"", b"v"), (b"k", b"")])
def test_empty_keys_and_values_are_not_encoded(key: bytes, value: bytes) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        encode_existence(key, value, ())


@given(st.binary(max_size=300))
def test_garbage_is_refused_with_its_code(proof: bytes) -> None:
    assert is_refused(check_existence, EMPTY, proof, b"k", b"v")
    assert is_refused(check_absence, EMPTY, proof, b"k") or proof == encode_nonexistence(b"k", None, None)
