"""The tree of blocks between the final one and the tips."""

from dataclasses import replace

import pytest
from msgspec import structs

from chaosnet.kernel.tree import Entry, Tree
from tests.unit.kernel.harness import Bench

HEAD = Bench().node.head


def entry(name: str, parent: str, height: int, score: int, *, is_tail: bool = False) -> Entry:
    header = structs.replace(HEAD.header, height=height, parent=parent.encode())
    head = replace(HEAD, header=header, block_id=name.encode())
    return Entry(head, None, (score,), is_tail)


def tree() -> Tree:
    """r - a1 - a2 - a3, and b2 - b3 on a1."""
    found = Tree(root=b"r")
    for item in (
        entry("r", "", 0, 0),
        entry("a1", "r", 1, 1),
        entry("a2", "a1", 2, 2),
        entry("b2", "a1", 2, 2),
        entry("b3", "b2", 3, 3),
        entry("a3", "a2", 3, 3),
    ):
        found.add(item)
    return found


def names(entries: list[Entry]) -> list[str]:
    return [item.head.block_id.decode() for item in entries]


def test_of_equal_tips_the_one_seen_first_is_best() -> None:
    found = tree()
    assert found.best().head.block_id == b"b3"
    found.add(entry("a4", "a3", 4, 4))
    assert found.best().head.block_id == b"a4"


def test_path_leads_to_the_root() -> None:
    assert names(list(tree().path(b"a3"))) == ["a3", "a2", "a1", "r"]


@pytest.mark.parametrize(
    ("a", "b", "common"), [("a3", "b3", "a1"), ("a2", "a3", "a2"), ("a3", "a3", "a3"), ("r", "b2", "r")]
)
def test_fork_point(a: str, b: str, common: str) -> None:
    assert tree().fork_point(a.encode(), b.encode()) == common.encode()
    assert tree().fork_point(b.encode(), a.encode()) == common.encode()


def test_tips() -> None:
    assert names(tree().tips()) == ["b3", "a3"]


def test_a_new_root_drops_what_does_not_build_on_it() -> None:
    found = tree()
    dropped = found.set_root(b"a2")
    assert names(dropped) == ["b2", "b3"]
    assert sorted(found.entries) == [b"a2", b"a3"]
    assert found.root == b"a2"
    assert names(list(found.path(b"a3"))) == ["a3", "a2"]
    assert found.set_root(b"a2") == []
