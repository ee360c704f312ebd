"""A sorted set of keys that is never changed: an update returns a new one that shares what it did not touch.

The state tree is ordered by hashes, so what begins alike lies scattered in it. This B+ tree beside it keeps
the keys of contracts' storage in order (decision 0012). It follows from the content of the state, is in no
root, and never shows how it is divided.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar

T = TypeVar("T")

NODE_MAX: Final = 64
"""Keys of a leaf, children of a branch."""
_NODE_JOINED: Final = 40
"""Neighbours become one when together they are not larger."""


class _Leaf:
    __slots__ = ("keys",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = keys


class _Branch:
    __slots__ = ("children", "keys")

    def __init__(self, keys: Sequence[bytes], children: "Sequence[_Node]") -> None:
        self.keys = keys
        """The first key of each child, or one between it and the child before."""
        self.children = children


_Node: TypeAlias = _Leaf | _Branch
_Change: TypeAlias = tuple[bytes, bool]


class SortedKeys:
    """An immutable sorted set of byte strings."""

    __slots__ = ("_root",)

    def __init__(self, root: _Node | None = None) -> None:
        self._root = root or _Leaf(())

    def updated(self, changes: Mapping[bytes, bool]) -> "SortedKeys":
        """Return the set with keys added (True) and taken away (False); itself when nothing differs."""
        nodes = _update(self._root, sorted(changes.items()))
        if len(nodes) == 1 and nodes[0] is self._root:
            return self
        while len(nodes) > 1:
            nodes = _branches(nodes)
        root = nodes[0] if nodes else _Leaf(())
        while isinstance(root, _Branch) and len(root.children) == 1:
            root = root.children[0]
        return SortedKeys(root)

    def at_least(self, key: bytes) -> Iterator[bytes]:
        """Yield the keys from `key` on, ascending."""
        return _at_least(self._root, key)


def _at_least(node: _Node, key: bytes) -> Iterator[bytes]:
    if isinstance(node, _Leaf):
        yield from node.keys[bisect_left(node.keys, key) :]
        return
    at = max(0, bisect_right(node.keys, key) - 1)
    yield from _at_least(node.children[at], key)
    for child in node.children[at + 1 :]:
        yield from _at_least(child, b"")


def _update(node: _Node, changes: list[_Change]) -> list[_Node]:
    """Return what stands in the place of a node after changes in ascending order: equally deep nodes."""
    if isinstance(node, _Leaf):
        return _update_leaf(node, changes)
    children: list[_Node] = []
    is_same = True
    low = 0
    last = len(node.children) - 1
    for i, child in enumerate(node.children):
        high = len(changes) if i == last else bisect_left(changes, (node.keys[i + 1], False), low)
        new = _update(child, changes[low:high]) if low < high else [child]
        is_same = is_same and len(new) == 1 and new[0] is child
        children += new
        low = high
    return [node] if is_same else _branches(_joined(children))


def _update_leaf(leaf: _Leaf, changes: list[_Change]) -> list[_Node]:
    keys = leaf.keys
    count = len(keys)
    new: list[bytes] | None = None
    for key, is_added in changes:
        at = bisect_left(keys, key)
        if (at < count and keys[at] == key) == is_added:
            continue
        if new is None:
            new = list(keys)
        at = bisect_left(new, key)
        if is_added:
            new.insert(at, key)
        else:
            del new[at]
    return [leaf] if new is None else [_Leaf(tuple(part)) for part in _parts(new)]


def _joined(nodes: list[_Node]) -> list[_Node]:
    """Return the nodes with small neighbours made one, so that removals leave no crumbs."""
    joined: list[_Node] = []
    for node in nodes:
        before = joined[-1] if joined else None
        if before is None or len(before.keys) + len(node.keys) > _NODE_JOINED:
            joined.append(node)
        elif isinstance(before, _Leaf):
            joined[-1] = _Leaf((*before.keys, *node.keys))
        elif isinstance(node, _Branch):
            joined[-1] = _Branch((*before.keys, *node.keys), (*before.children, *node.children))
    return joined


def _branches(nodes: list[_Node]) -> list[_Node]:
    """Return the branches above equally deep nodes."""
    return [_Branch(tuple(node.keys[0] for node in part), tuple(part)) for part in _parts(nodes)]


def _parts(items: list[T]) -> list[list[T]]:
    """Return the items in equal parts of at most NODE_MAX, three quarters full where there are many."""
    if len(items) <= NODE_MAX:
        return [items] if items else []
    count = -(-len(items) * 4 // (NODE_MAX * 3))
    return [items[len(items) * i // count : len(items) * (i + 1) // count] for i in range(count)]
