"""The ring of events, its readers, and the bounds on both."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from starlette.types import Message

from chaosnet.base.errors import Refused
from explorer import feed as feeds
from explorer.feed import Feed, LiveResponse, Parts, Reader


def saying(text: str) -> Callable[[str], Parts]:
    return lambda lang: {"facts": f"{text} {lang}"}


async def first(reader: Reader) -> bytes:
    """Return the stream's opening, then be ready for events."""
    return await reader.next_chunk()


def parts_in(chunk: bytes) -> list[dict[str, str]]:
    return [msgspec.json.decode(line[6:]) for line in chunk.split(b"\n") if line.startswith(b'data: {"')]


async def test_reader_gets_its_topics_in_its_language() -> None:
    feed = Feed(100)
    reader = feed.subscribe(["state"], "zh")
    assert await first(reader) == b"retry: 2000\nid: 99\n\n"
    feed.publish("state", saying("one"))
    feed.publish("block", saying("not asked for"))
    feed.publish("state", saying("two"))
    chunk = await reader.next_chunk()
    assert parts_in(chunk) == [{"facts": "one zh"}, {"facts": "two zh"}]
    assert chunk.endswith(b"\n\n")
    assert b"id: 102\nevent: parts\n" in chunk


async def test_each_language_is_rendered_once_for_all_and_only_if_read() -> None:
    rendered: list[str] = []

    def render(lang: str) -> Parts:
        rendered.append(lang)
        return {}

    feed = Feed(1)
    readers = [feed.subscribe(["state"], "en") for _ in range(5)]
    feed.publish("state", render)
    for reader in readers:
        await first(reader)
        await reader.next_chunk()
    assert rendered == ["en"]


async def test_event_that_replaces_others_leaves_only_itself() -> None:
    feed = Feed(1)
    reader = feed.subscribe(["tree", "state"], "en", after=0)
    await first(reader)
    for text in ("one", "two", "three"):
        feed.publish("tree", saying(text), replaces=True)
    feed.publish("state", saying("beside"))
    assert parts_in(await reader.next_chunk()) == [{"facts": "three en"}, {"facts": "beside en"}]


async def test_page_made_before_an_event_is_brought_up_to_date() -> None:
    feed = Feed(1)
    feed.publish("state", saying("shown"))
    made_at = feed.last_id
    feed.publish("state", saying("missed"))
    reader = feed.subscribe(["state"], "en", after=made_at)
    await first(reader)
    assert parts_in(await reader.next_chunk()) == [{"facts": "missed en"}]


@pytest.mark.parametrize("after", [0, 3, 10**15])
async def test_reader_from_elsewhere_starts_over(after: int) -> None:
    feed = Feed(1_000)
    reader = feed.subscribe(["state"], "en", after=after)
    await first(reader)
    assert b"event: reset" in await reader.next_chunk()


async def test_reader_that_falls_out_of_the_ring_starts_over() -> None:
    feed = Feed(1)
    reader = feed.subscribe(["state"], "en")
    await first(reader)
    for _ in range(feeds.RING_MAX + 1):
        feed.publish("state", saying("x"))
    assert b"event: reset" in await reader.next_chunk()
    feed.publish("state", saying("after"))
    assert parts_in(await reader.next_chunk()) == [{"facts": "after en"}]


async def test_reset_reaches_everybody() -> None:
    feed = Feed(1)
    feed.publish("state", saying("old"))
    here, there = feed.subscribe(["state"], "en"), feed.subscribe([], "en", after=feed.last_id)
    for reader in (here, there):
        await first(reader)
    feed.reset()
    for reader in (here, there):
        assert b"event: reset" in await reader.next_chunk()


async def test_only_who_watches_a_transaction_is_told() -> None:
    feed = Feed(1)
    mine = feed.subscribe([], "en", tx_id="aa")
    other = feed.subscribe(["state"], "en", tx_id="bb")
    for reader in (mine, other):
        await first(reader)
    feed.touch(["aa", "cc"])
    assert await mine.next_chunk() == b"event: touched\ndata: {}\n\n"
    feed.publish("state", saying("x"))
    assert b"touched" not in await other.next_chunk()
    feed.touch()
    for reader in (mine, other):
        assert await reader.next_chunk() == b"event: touched\ndata: {}\n\n"


async def test_what_happens_while_a_page_is_on_its_way_is_told() -> None:
    feed = Feed(5)
    shown = feed.watch("aa")
    feed.touch(["aa"])
    late = feed.subscribe([], "en", after=shown, tx_id="aa")
    await first(late)
    assert await late.next_chunk() == b"event: touched\ndata: {}\n\n"
    again = feed.subscribe([], "en", after=feed.watch("aa"), tx_id="aa")
    await first(again)
    feed.reset()
    assert b"touched" not in await again.next_chunk()


async def test_a_bounded_number_of_transactions_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "WATCHED_MAX", 2)
    feed = Feed(5)
    for tx_id in ("aa", "bb", "aa", "cc"):
        feed.watch(tx_id)
    feed.touch()
    assert [bool(feed.touched_at(tx_id)) for tx_id in ("aa", "bb", "cc")] == [True, False, True]
    reader = feed.subscribe([], "en", tx_id="bb")
    await first(reader)
    for tx_id in ("cc", "dd"):
        feed.watch(tx_id)
    feed.touch(["bb"])
    assert await reader.next_chunk() == b"event: touched\ndata: {}\n\n"


async def test_silence_is_filled_with_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "HEARTBEAT_S", 0.001)
    feed = Feed(7)
    reader = feed.subscribe([], "en")
    await first(reader)
    assert await reader.next_chunk() == b":\nid: 6\n\n"


async def test_readers_are_bounded_in_all_and_for_each_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "READERS_MAX", 3)
    monkeypatch.setattr(feeds, "READERS_PER_IP_MAX", 2)
    feed = Feed(1)
    readers = [feed.subscribe([], "en", ip="10.0.0.1") for _ in range(2)]
    with pytest.raises(Refused, match="rate_limited"):
        feed.subscribe([], "en", ip="10.0.0.1")
    feed.subscribe([], "en", ip="10.0.0.2")
    with pytest.raises(Refused, match="overloaded"):
        feed.subscribe([], "en", ip="10.0.0.3")
    readers[0].close()
    feed.subscribe([], "en", ip="10.0.0.1")


class Browser:
    """The other end of a response."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.leave = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()

    async def receive(self) -> Message:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.takes.wait()
        self.got.append(message.get("body", b""))


def running(response: LiveResponse, browser: Browser) -> "asyncio.Task[Any]":
    work: Awaitable[None] = response({"type": "http"}, browser.receive, browser.send)
    return asyncio.ensure_future(work)


async def test_place_is_free_when_the_browser_leaves() -> None:
    feed, browser = Feed(1), Browser()
    task = running(LiveResponse(feed.subscribe([], "en")), browser)
    assert feed.readers == 1
    browser.leave.set()
    async with asyncio.timeout(5):
        await task
    assert feed.readers == 0


async def test_stopping_ends_every_stream_and_starts_no_more() -> None:
    feed, browser = Feed(1), Browser()
    task = running(LiveResponse(feed.subscribe([], "en")), browser)
    await asyncio.sleep(0)
    feed.close()
    async with asyncio.timeout(5):
        await task
    assert feed.readers == 0
    with pytest.raises(Refused, match="shutdown"):
        feed.subscribe([], "en")


async def test_browser_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "SEND_S", 0.001)
    feed, browser = Feed(1), Browser()
    reader = feed.subscribe(["state"], "en")
    browser.got = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await LiveResponse(reader)({"type": "http"}, browser.receive, send)
    assert feed.readers == 0
