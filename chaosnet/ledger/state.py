"""The state: one immutable tree that is key-value map, snapshot and source of proofs at once.

A binary sparse Merkle tree with exactly the hashing of the ICS-23 SmtSpec, so that proofs verify with public
verifiers (protocol: Hashing). A leaf is SHA-256(00 | SHA-256(key) | SHA-256(value)), an inner node
SHA-256(01 | left | right), nothing is 32 zero bytes, and a subtree with one leaf *is* that leaf. The way down
is the bits of SHA-256(key), highest first. The root depends on the content alone, never on the order of
changes.

Beside the tree stands what orders the keys of contracts' storage, so that each state, on whatever branch, can
list them by what they begin with (decision 0012).

Nodes are plain tuples, shared between states and never changed: an update makes new nodes only along the
ways it touches. A tuple's length tells its kind; index 0 is always the hash.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final, TypeAlias

from chaosnet.base.errors import Broken
from chaosnet.base.units import EMPTY_HASH, Hash32
from chaosnet.crypto.ics23 import Neighbour, encode_existence, encode_nonexistence
from chaosnet.ledger.index import SortedKeys
from chaosnet.ledger.keys import ENTRY

Node: TypeAlias = Any
"""A tuple, of no declared type: the compiler would take one of known length apart and make another of it.

One of Empty: (hash,); Leaf: (hash, SHA-256 of the key as a number, key, value); Inner: (hash, left, right).
"""
Empty: TypeAlias = Node
Leaf: TypeAlias = Node
Inner: TypeAlias = Node

EMPTY: Final[Empty] = (EMPTY_HASH,)
_DEPTH: Final = 256
_RIGHT: Final = tuple(tuple(bool(byte >> (7 - i) & 1) for i in range(8)) for byte in range(256))
"""For each byte of a key hash, whether each of eight steps goes right."""

_by_path = itemgetter(0)


class State:
    """An immutable map from keys to non-empty values, with the root that commits to it."""

    __slots__ = ("_count", "_entries", "_root")

    def __init__(self, root: Node, count: int, entries: SortedKeys) -> None:
        self._root = root
        self._count = count
        self._entries = entries

    @classmethod
    def empty(cls) -> "State":
        """Return the state with no keys."""
        return cls(EMPTY, 0, SortedKeys())

    @classmethod
    def of(cls, items: Iterable[tuple[bytes, bytes]]) -> "State":
        """Return the state with exactly these keys; of a key given twice the last value stands."""
        return cls.empty().update(dict(items))

    def __len__(self) -> int:
        return self._count

    @property
    def root(self) -> Hash32:
        """Hash that a header commits to."""
        return Hash32(self._root[0])

    def get(self, key: bytes) -> bytes | None:
        """Return the value, or None."""
        node = self._root
        for byte in sha256(key).digest():
            for right in _RIGHT[byte]:
                if len(node) != 3:
                    return node[3] if len(node) == 4 and node[2] == key else None
                node = node[2] if right else node[1]
        return node[3] if len(node) == 4 and node[2] == key else None

    def update(self, changes: Mapping[bytes, bytes | None]) -> "State":
        """Return the state after these changes; None deletes. Deleting what is not there does nothing."""
        if not changes:
            return self
        batch = _Batch(changes)
        root = batch.merge(self._root, 0, len(batch.paths), 0)
        entries = {key: value is not None for key, value in changes.items() if key[0] == ENTRY}
        sorted_keys = self._entries.updated(entries) if entries else self._entries
        return State(root, self._count + batch.added, sorted_keys)

    def entries_from(self, key: bytes) -> Iterator[bytes]:
        """Yield the keys of contracts' storage from `key` on, ascending."""
        return self._entries.at_least(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in the order of the keys' hashes."""
        stack: list[Node] = [self._root]
        while stack:
            node = stack.pop()
            if len(node) == 3:
                stack.append(node[2])
                stack.append(node[1])
            elif len(node) == 4:
                yield node[2], node[3]

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the items whose key starts so. Walks the whole tree: not for use in every block."""
        for item in self.items():
            if item[0].startswith(prefix):
                yield item

    def prove(self, key: bytes) -> bytes:
        """Return an encoded ICS-23 CommitmentProof that the key has its value, or that it is absent.

        Absence is shown by the two leaves that would be its neighbours.
        """
        path = int.from_bytes(sha256(key).digest(), "big")
        above, end = _walk(self._root, path)
        if len(end) == 4 and end[2] == key:
            return encode_existence(key, end[3], _siblings(above))
        left = _neighbour(above, end, path, right=False)
        right = _neighbour(above, end, path, right=True)
        return encode_nonexistence(key, left, right)


class _Batch:
    """Changes in the order of their paths, and the count of keys they add."""

    __slots__ = ("added", "leaves", "paths")

    def __init__(self, changes: Mapping[bytes, bytes | None]) -> None:
        pairs: list[tuple[int, Leaf | Empty]] = []
        for key, value in changes.items():
            digest = sha256(key).digest()
            path = int.from_bytes(digest, "big")
            if value is None:
                pairs.append((path, EMPTY))
                continue
            if not value:
                raise ValueError("a value in the state is never empty")
            leaf_hash = sha256(b"\x00" + digest + sha256(value).digest()).digest()
            pairs.append((path, (leaf_hash, path, key, value)))
        pairs.sort(key=_by_path)
        self.paths = [path for path, _ in pairs]
        self.leaves = [leaf for _, leaf in pairs]
        self.added = 0

    def merge(self, node: Node, low: int, high: int, depth: int) -> Node:
        """Return the node with changes low .. high-1 made below it."""
        if len(node) != 3:
            return self._replace(node, low, high, depth)
        _, left, right = node
        middle = _split(self.paths, low, high, depth)
        depth += 1
        new_left = self.merge(left, low, middle, depth) if low < middle else left
        new_right = self.merge(right, middle, high, depth) if middle < high else right
        if new_left is left and new_right is right:
            return node
        return _join(new_left, new_right)

    def _replace(self, node: Empty | Leaf, low: int, high: int, depth: int) -> Node:
        """Return what stands in the place of at most one leaf after changes low .. high-1."""
        if high - low == 1 and (len(node) == 1 or node[1] == self.paths[low]):
            new = self.leaves[low]
            self.added += (len(new) != 1) - (len(node) != 1)
            return node if new[0] == node[0] else new
        leaves = [leaf for leaf in self.leaves[low:high] if len(leaf) == 4]
        if len(node) == 4:
            at = bisect_left(self.paths, node[1], low, high)
            if at == high or self.paths[at] != node[1]:
                leaves.append(node)
                leaves.sort(key=itemgetter(1))
        self.added += len(leaves) - (len(node) != 1)
        return _build(leaves, [leaf[1] for leaf in leaves], depth)


def _split(paths: list[int], low: int, high: int, depth: int) -> int:
    """Return the first position in low .. high whose path goes right at this depth."""
    shift = _DEPTH - 1 - depth
    first = paths[low] >> shift
    if first & 1:
        return low
    if not paths[high - 1] >> shift & 1:
        return high
    return bisect_left(paths, (first | 1) << shift, low, high)


def _join(left: Node, right: Node) -> Node:
    """Return the parent of two nodes; a lone leaf moves up."""
    if len(left) == 1 and len(right) != 3:
        return right
    if len(right) == 1 and len(left) != 3:
        return left
    return sha256(b"\x01" + left[0] + right[0]).digest(), left, right


def _build(leaves: list[Leaf], paths: list[int], depth: int) -> Node:
    """Return the subtree of these leaves, which are in the order of their paths."""

    def between(low: int, high: int, depth: int) -> Node:
        if high - low == 1:
            return leaves[low]
        middle = _split(paths, low, high, depth)
        left = between(low, middle, depth + 1) if low < middle else EMPTY
        right = between(middle, high, depth + 1) if middle < high else EMPTY
        return sha256(b"\x01" + left[0] + right[0]).digest(), left, right

    return between(0, len(leaves), depth) if leaves else EMPTY


_Step = tuple[Inner, bool]
"""An inner node on the way down, and whether the way goes right there."""


def _walk(node: Node, path: int) -> tuple[list[_Step], Empty | Leaf]:
    """Return the steps along a path, and the node at its end."""
    steps: list[_Step] = []
    while len(node) == 3:
        right = bool(path >> (_DEPTH - 1 - len(steps)) & 1)
        steps.append((node, right))
        node = node[2] if right else node[1]
    return steps, node


def _siblings(steps: list[_Step]) -> list[tuple[bool, bytes]]:
    """Return (the way goes right, hash of the other side) from the root down."""
    return [(right, node[1][0] if right else node[2][0]) for node, right in steps]


def _neighbour(above: list[_Step], end: Empty | Leaf, path: int, *, right: bool) -> Neighbour | None:
    """Return the nearest leaf on one side of an absent key, which ends at `end` below `above`."""
    if len(end) == 4 and (end[1] > path) == right:
        return Neighbour(end[2], end[3], _siblings(above))
    steps = list(above)
    while steps:
        node, went_right = steps.pop()
        side = node[2] if right else node[1]
        if went_right != right and len(side) != 1:
            steps.append((node, right))
            return _outermost(side, steps, leftmost=right)
    return None


def _outermost(node: Node, steps: list[_Step], *, leftmost: bool) -> Neighbour:
    """Return the first or last leaf below a node that is not empty and lies at the end of these steps."""
    while len(node) == 3:
        near = node[1] if leftmost else node[2]
        right = (len(near) == 1) == leftmost
        steps.append((node, right))
        node = node[2] if right else node[1]
    if len(node) == 1:
        raise Broken("internal", "an inner node of the state has no leaf")
    return Neighbour(node[2], node[3], _siblings(steps))
