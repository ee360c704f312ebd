"""Asking nodes that die, come back, refuse the stream or answer nonsense."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from msgspec import structs

from chaosnet.base.errors import Invalid, Refused, Unavailable
from chaosnet.rpc import schema
from chaosnet.rpc.app import public_app
from chaosnet.rpc.client import AsyncClient
from tests.fake_backend import HEAD, FakeBackend
from tests.unit.tui.answers import Answers
from tests.unit.tui.making import NAMES, NOW, block_of
from tui.agreement import Verdict
from tui.feed import PAUSE_MS_MAX, REFRESH_MS_MIN, Feed
from tui.network import Target


def feed_of(*nodes: Answers) -> Feed:
    by_url = {f"http://{node.name}": node for node in nodes}
    targets = [Target(node.name, f"http://{node.name}") for node in nodes]
    return Feed(targets, refresh_ms=1, connect=lambda url: by_url[url].client(), clock_ms=lambda: NOW)


@asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pauses that the feed made; none of them takes any time."""
    found: list[int] = []

    async def pause(self: Feed, pause_ms: int) -> None:
        found.append(pause_ms)
        await asyncio.sleep(0)

    monkeypatch.setattr(Feed, "_pause", pause)
    return found


async def until(is_true: Callable[[], bool]) -> None:
    """Give way until something holds; the test's time-out bounds it."""
    while not is_true():  # noqa: ASYNC110 - what is waited for is no event
        await asyncio.sleep(0)


async def test_one_look_fills_the_picture() -> None:
    nodes = [Answers(name) for name in NAMES]
    nodes[0].height = 12  # ahead of the others: asked for its block at their height
    nodes[3].failure = Unavailable("connection", "refused")
    feed = feed_of(*nodes)
    await feed.look_once()
    await feed.close()
    network = feed.network
    assert network.tips().verdicts == (Verdict.AGREES, Verdict.AGREES, Verdict.AGREES, Verdict.UNKNOWN)
    assert "blocks 10" in nodes[0].asked
    assert network.nodes[3].error == "connection: refused"
    assert len(network.recent(100)) == 13
    assert all(node.is_closed for node in nodes)


async def test_a_node_on_another_chain_is_found() -> None:
    nodes = [Answers(name) for name in NAMES]
    nodes[2].chain = "fork"
    feed = feed_of(*nodes)
    await feed.look_once()
    assert feed.network.tips().verdicts[2] is Verdict.DIFFERS


async def test_a_dead_node_is_asked_again_after_growing_pauses_and_found_when_back(pauses: list[int]) -> None:
    node = Answers("alpha")
    node.failure = Unavailable("connection", "refused")
    feed = feed_of(node)
    async with running(feed):
        await until(lambda: len(pauses) > 8)
        assert pauses == sorted(pauses), "growing"
        assert pauses[0] > REFRESH_MS_MIN
        assert pauses[-1] == PAUSE_MS_MAX
        node.failure = None
        await until(lambda: feed.network.nodes[0].is_reachable is True)


async def test_events_of_the_stream_reach_the_network(pauses: list[int]) -> None:
    node = Answers("alpha")
    feed = feed_of(node)
    async with running(feed):
        await until(lambda: feed.network.is_streaming)
        node.events.put_nowait(schema.BlockEvent(block=block_of(11), tx_ids=[]))
        await until(lambda: 11 in feed.network.blocks)
    assert feed.network.source == 0


async def test_a_gap_in_the_stream_is_read_up(pauses: list[int]) -> None:
    node = Answers("alpha")
    feed = feed_of(node)
    async with running(feed):
        await until(lambda: feed.network.is_streaming)
        node.height = 15
        node.events.put_nowait(schema.BlockEvent(block=block_of(15), tx_ids=[]))
        await until(lambda: 15 in feed.network.blocks)
        assert {11, 12, 13, 14} <= set(feed.network.blocks)


async def test_the_stream_moves_to_the_next_node_when_its_own_dies(pauses: list[int]) -> None:
    first, second = Answers("alpha"), Answers("beta")
    feed = feed_of(first, second)
    async with running(feed):
        await until(lambda: feed.network.is_streaming and feed.network.source == 0)
        first.failure = Unavailable("timeout", "no answer")
        await until(lambda: feed.network.is_streaming and feed.network.source == 1)
        second.events.put_nowait(schema.BlockEvent(block=block_of(11), tx_ids=[]))
        await until(lambda: 11 in feed.network.blocks)


async def test_without_a_stream_blocks_are_asked_for(pauses: list[int]) -> None:
    node = Answers("alpha")
    node.stream_failure = Refused("overloaded", "too many readers")
    feed = feed_of(node)
    async with running(feed):
        await until(lambda: 10 in feed.network.blocks)
        node.height = 14
        await until(lambda: 14 in feed.network.blocks)
    assert not feed.network.is_streaming
    assert node.asked.count("stream") == 1, "not again at once"


async def test_a_stream_that_ends_is_taken_up_again(pauses: list[int]) -> None:
    node = Answers("alpha")
    feed = feed_of(node)
    async with running(feed):
        await until(lambda: feed.network.is_streaming)
        node.events.put_nowait(None)
        await until(lambda: node.asked.count("stream") == 2)


async def test_questions_go_to_the_source_then_to_whoever_answers() -> None:
    first, second = Answers("alpha"), Answers("beta")
    feed = feed_of(first, second)
    await feed.look_once()
    feed.network.source = 1
    assert (await feed.ask(lambda client: client.status())).name == "beta"
    second.failure = Unavailable("timeout", "no answer")
    assert (await feed.ask(lambda client: client.status())).name == "alpha"
    first.failure = Unavailable("connection", "refused")
    with pytest.raises(Unavailable, match="refused"):
        await feed.ask(lambda client: client.status())


async def test_an_answer_that_refuses_is_an_answer() -> None:
    nodes = [Answers("alpha"), Answers("beta")]
    feed = feed_of(*nodes)
    await feed.look_once()
    with pytest.raises(Invalid, match="not_found"):
        await feed.ask(lambda client: client.block(99))
    assert "block 99" not in nodes[1].asked


async def test_the_tree_of_a_node_that_changed_branches_is_asked_for_once() -> None:
    node = Answers("alpha")
    feed = feed_of(node)
    await feed.look(0)
    assert "tree" not in node.asked
    status = feed.network.nodes[0].status
    assert status is not None
    before = structs.replace(status.consensus, reorganisations=-1)
    feed.network.nodes[0].status = structs.replace(status, consensus=before)
    await feed.look(0)
    await feed.look(0)
    assert node.asked.count("tree") == 1


async def test_nobody_to_ask() -> None:
    with pytest.raises(Unavailable, match="connection"):
        await feed_of(Answers("alpha")).ask(lambda client: client.status())


async def test_a_wrong_url_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        Feed([Target("x", "no url")])


async def test_a_fault_of_our_own_is_not_hidden(pauses: list[int]) -> None:
    node = Answers("alpha")
    node.stream_failure = ZeroDivisionError()
    with pytest.raises(ExceptionGroup) as raised:
        await feed_of(node).run()
    assert raised.group_contains(ZeroDivisionError)


async def test_waking_ends_a_pause() -> None:
    node = Answers("alpha")
    feed = Feed([Target("alpha", "http://alpha")], refresh_ms=3_600_000, connect=lambda _: node.client())
    async with running(feed):
        await until(lambda: feed.network.is_streaming)
        asked = node.asked.count("status")
        feed.wake()
        await until(lambda: node.asked.count("status") > asked)


async def test_over_the_real_interface() -> None:
    def fail(error: BaseException) -> None:
        raise error

    app = public_app(FakeBackend(), submit="public", on_error=fail)
    feed = Feed(
        [Target("alpha", "http://alpha")],
        connect=lambda url: AsyncClient(url, transport=httpx.ASGITransport(app=app)),
    )
    await feed.look_once()
    await feed.close()
    assert feed.network.nodes[0].is_reachable
    assert [block.height for block in feed.network.recent(3)] == [HEAD, HEAD - 1, HEAD - 2]
    assert feed.network.validators is not None
    assert len(feed.network.validators.validators) == 6
    assert len(feed.network.forks.trees[0].blocks) == 8
    assert feed.network.forks.newest(1)[0].facts.dropped_total == 2
