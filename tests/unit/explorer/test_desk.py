"""Questions about the tree and the validators: once a second for everybody, and only while somebody looks."""

import asyncio

import pytest

from chaosnet.base.errors import Unavailable
from explorer.desk import Latest
from tests.unit.explorer.branching_node import BranchingNode
from tests.unit.explorer.site import Site


def grown(engine: str = "dpos") -> BranchingNode:
    node = BranchingNode(engine=engine)
    for _ in range(12):
        node.grow(1)
    return node


async def test_many_visitors_make_one_question() -> None:
    node = grown()
    site = await Site(node).start()
    for question in (site.desk._tree, site.desk._validators, site.desk._evidence):
        question._every_s = 60
    node.calls.clear()
    await asyncio.gather(*(site.page(path) for path in ["/tree", "/validators"] * 10))
    assert node.calls.count("tree") == 1
    assert node.calls.count("validators") == 1
    assert node.calls.count("evidence") == 1


async def test_failure_is_remembered_as_long() -> None:
    asked = 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        raise Unavailable("overloaded")

    question = Latest(ask)
    for _ in range(5):
        with pytest.raises(Unavailable, match="overloaded"):
            await question.get()
    assert asked == 1
    again = Latest(ask, every_s=0)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await again.get()
    assert asked == 3


async def test_nothing_is_asked_while_nobody_watches() -> None:
    node = grown()
    site = await Site(node).start()
    node.calls.clear()
    await site.desk.refresh()
    assert node.calls == []


async def test_watchers_of_the_tree_hear_of_news_once() -> None:
    node = grown()
    site = await Site(node).start()
    reader = site.feed.subscribe(["tree"], "en")
    await reader.next_chunk()
    site.desk._tree = Latest(site.desk._ask_tree, every_s=0)
    await site.desk.refresh()
    first = await reader.next_chunk()
    assert f"/block/{len(node.made) - 1}".encode() in first
    before = site.feed.last_id
    await site.desk.refresh()
    assert site.feed.last_id == before
    (dropped,) = node.fork(1)
    await site.desk.refresh()
    chunk = await reader.next_chunk()
    assert b"other branch" in chunk
    assert f"/tx/{dropped}".encode() in chunk
    assert "validators" not in node.calls


async def test_watchers_of_validators_hear_of_news() -> None:
    node = grown()
    site = await Site(node).start()
    reader = site.feed.subscribe(["validators"], "zh")
    await reader.next_chunk()
    await site.desk.refresh()
    chunk = (await reader.next_chunk()).decode()
    assert "gamma" in chunk
    assert "监禁至区块 1,200" in chunk


async def test_further_pages_are_remembered_within_bounds() -> None:
    node = grown()
    site = await Site(node).start()
    node.calls.clear()
    for _ in range(3):
        await site.page("/validators?from=4")
    assert node.calls.count("validators") == 1
    for first in range(100):
        await site.desk.validators(first)
    assert len(site.desk._further) <= 32
