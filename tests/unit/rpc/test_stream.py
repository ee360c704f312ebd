"""The event hub: one ring, many readers, bounds on both."""

import asyncio
from typing import Any

import msgspec
import pytest

from chaosnet.base.errors import Refused
from chaosnet.base.limits import STREAM_QUEUE_MAX, STREAMS_MAX, STREAMS_PER_IP_MAX
from chaosnet.rpc import schema, stream
from chaosnet.rpc.sse import Event, Parser
from chaosnet.rpc.stream import EventHub, EventStream, Subscription


def final(height: int) -> schema.FinalEvent:
    return schema.FinalEvent(height=height, id="")


async def read(subscription: Subscription, count: int) -> list[Event]:
    """Return the next events, at least so many."""
    parser = Parser()
    events: list[Event] = []
    async with asyncio.timeout(10):
        while len(events) < count:
            chunk = await subscription.next_chunk()
            assert chunk, "the stream has ended"
            events += parser.feed(chunk)
    return events


def heights(events: list[Event]) -> list[int]:
    return [msgspec.json.decode(e.data, type=schema.FinalEvent).height for e in events]


async def test_reader_gets_the_events_from_now_on_in_order() -> None:
    hub = EventHub()
    hub.publish(final(1))
    reader = hub.subscribe()
    for height in (2, 3):
        hub.publish(final(height))
    events = await read(reader, 2)
    assert heights(events) == [2, 3]
    assert [(e.name, e.id) for e in events] == [("final", "2"), ("final", "3")]


async def test_waiting_reader_is_woken() -> None:
    hub = EventHub()
    reader = hub.subscribe()
    await reader.next_chunk()
    waiting = asyncio.create_task(read(reader, 1))
    await asyncio.sleep(0)
    hub.publish(final(9))
    assert heights(await waiting) == [9]


async def test_reader_resumes_after_its_last_event() -> None:
    hub = EventHub(first_id=100)
    for height in range(5):
        hub.publish(final(height))
    assert heights(await read(hub.subscribe(102), 2)) == [3, 4]
    assert heights(await read(hub.subscribe(99), 5)) == [0, 1, 2, 3, 4]
    caught_up = hub.subscribe(104)
    hub.publish(final(5))
    assert heights(await read(caught_up, 1)) == [5]


@pytest.mark.parametrize("after", [0, 98, 105, 10**15], ids=["first", "gone", "to come", "far"])
async def test_reader_that_missed_events_is_told_to_start_over(after: int) -> None:
    hub = EventHub(first_id=100)
    for height in range(5):
        hub.publish(final(height))
    reader = hub.subscribe(after)
    hub.publish(final(5))
    events = await read(reader, 2)
    assert [(e.name, e.id) for e in events] == [("reset", "104"), ("final", "105")]


async def test_start_tells_where_the_reader_stands_before_any_event() -> None:
    hub = EventHub(first_id=50)
    parser = Parser()
    assert parser.feed(await hub.subscribe().next_chunk()) == []
    assert (parser.last_id, parser.retry_ms) == ("49", stream.RETRY_MS)


async def test_reader_gets_only_the_kinds_it_wants() -> None:
    hub = EventHub()
    reader = hub.subscribe(kinds=("final", "reorg"))
    hub.publish(schema.RoundEvent(height=1, round=0, step="propose"))
    hub.publish(final(1))
    hub.publish(schema.RoundEvent(height=1, round=0, step="prevote"))
    hub.publish(final(2))
    assert heights(await read(reader, 2)) == [1, 2]


async def test_silence_is_filled_with_comments_that_move_the_last_id_on() -> None:
    hub = EventHub(heartbeat_ms=1)
    reader = hub.subscribe(kinds=("final",))
    await reader.next_chunk()
    hub.publish(schema.RoundEvent(height=1, round=0, step="propose"))
    parser = Parser()
    chunk = await reader.next_chunk()
    assert chunk.startswith(b":")
    assert parser.feed(chunk) == []
    assert parser.last_id == "1"


async def test_waiting_events_are_sent_together() -> None:
    hub = EventHub()
    reader = hub.subscribe()
    await reader.next_chunk()
    for height in range(10):
        hub.publish(final(height))
    assert len(Parser().feed(await reader.next_chunk())) == 10


async def test_chunks_are_bounded() -> None:
    hub = EventHub()
    reader = hub.subscribe()
    await reader.next_chunk()
    for _ in range(10):
        hub.publish(schema.PendingEvent(tx_ids=["0" * 64] * 400))
    assert len(Parser().feed(await reader.next_chunk())) == 3


async def test_slow_reader_is_closed_with_the_reason_and_others_go_on() -> None:
    hub = EventHub()
    slow, quick = hub.subscribe(), hub.subscribe()
    await slow.next_chunk()
    for height in range(STREAM_QUEUE_MAX):
        hub.publish(final(height))
    assert not slow.closed.is_set()
    await read(quick, STREAM_QUEUE_MAX)
    hub.publish(final(-1))
    assert slow.closed_reason == "overloaded"
    assert not quick.closed.is_set()
    events = Parser().feed(await slow.next_chunk())
    assert [(e.name, e.data) for e in events] == [("closed", b'{"event":"closed","code":"overloaded"}')]
    assert await slow.next_chunk() == b""
    # Coming back with the last id it saw, it learns that events are gone.
    assert (await read(hub.subscribe(0), 1))[0].name == "reset"


async def test_ring_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "RING_BYTES_MAX", 1000)
    hub = EventHub()
    slow = hub.subscribe()
    for height in range(100):
        hub.publish(final(height))
    assert slow.closed_reason == "overloaded"
    assert 10 < hub.next_id - hub.oldest_id < 20


async def test_streams_are_counted_by_address_and_in_all() -> None:
    hub = EventHub()
    mine = [hub.subscribe(ip="10.0.0.1") for _ in range(STREAMS_PER_IP_MAX)]
    for ip in ("10.0.0.1", "::ffff:10.0.0.1"):
        with pytest.raises(Refused, match="rate_limited"):
            hub.subscribe(ip=ip)
    mine.pop().end()
    hub.subscribe(ip="10.0.0.1")
    while hub.readers < STREAMS_MAX:
        hub.subscribe()
    with pytest.raises(Refused, match="overloaded"):
        hub.subscribe(ip="10.0.0.2")


async def test_hosts_that_choose_their_addresses_count_as_one() -> None:
    hub = EventHub()
    for host in range(STREAMS_PER_IP_MAX):
        hub.subscribe(ip=f"2001:db8::{host + 1:x}")
    with pytest.raises(Refused, match="rate_limited"):
        hub.subscribe(ip="2001:db8::ffff:0")
    hub.subscribe(ip="2001:db8:0:1::1")


async def test_ended_readers_leave_nothing_behind() -> None:
    hub = EventHub()
    for _ in range(3):
        for reader in [hub.subscribe(ip="10.0.0.1") for _ in range(STREAMS_PER_IP_MAX)]:
            reader.end()
            reader.end()
    assert hub.readers == 0
    assert not hub._per_ip


async def test_shutdown_ends_all_streams_and_starts_no_more() -> None:
    hub = EventHub()
    reader = hub.subscribe()
    await reader.next_chunk()
    waiting = asyncio.create_task(reader.next_chunk())
    await asyncio.sleep(0)
    hub.close()
    assert b'"code":"shutdown"' in await waiting
    assert await reader.next_chunk() == b""
    with pytest.raises(Refused, match="shutdown"):
        hub.subscribe()


# ── the response ─────────────────────────────────────────────────────────────────────────────────────────


class Wire:
    """Stands for the server below the response: `blocked` holds back what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.left = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.open.wait()
        self.sent.append(message)

    async def serve(self, hub: EventHub) -> None:
        async with asyncio.timeout(10):
            await EventStream(hub.subscribe(ip="10.0.0.1"))({"type": "http"}, self.receive, self.send)


async def test_response_is_an_event_stream_that_ends_when_the_node_stops() -> None:
    hub, wire = EventHub(), Wire()
    serving = asyncio.create_task(wire.serve(hub))
    await asyncio.sleep(0)
    hub.close()
    await serving
    headers = dict(wire.sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert b"content-length" not in headers
    assert [message.get("more_body") for message in wire.sent[1:]] == [True, True, False]
    assert b"shutdown" in wire.sent[-2]["body"]
    assert hub.readers == 0


async def test_response_ends_when_the_reader_leaves() -> None:
    hub, wire = EventHub(), Wire()
    serving = asyncio.create_task(wire.serve(hub))
    await asyncio.sleep(0)
    assert hub.readers == 1
    wire.left.set()
    await serving
    assert hub.readers == 0


async def test_reader_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "GRACE_MS", 1)
    hub, wire = EventHub(), Wire()
    wire.open.clear()
    serving = asyncio.create_task(wire.serve(hub))
    await asyncio.sleep(0)
    for height in range(STREAM_QUEUE_MAX + 1):
        hub.publish(final(height))
    await serving
    assert hub.readers == 0
    assert wire.sent == []
