"""Sync among honest peers: fast, bounded, nothing twice; and what belongs to a single answer."""

import pytest

from chaosnet.base.limits import BODIES_MESSAGE_BYTES_MAX
from chaosnet.protocol.messages import GetBodies, GetHeaders
from chaosnet.protocol.sources import GRACE_MS, LATE_MS
from chaosnet.protocol.sync import BODY_PEERS, RANGE, WINDOW, BlockSync, serve_bodies, serve_headers
from tests.unit.protocol.sync_world import TRUE, A, B, C, D, E, World, empty, full, honest, only_headers


def test_newcomer_reaches_the_head_from_several_peers_at_once() -> None:
    world = World({peer: full() for peer in (A, B, C, D, E)})
    took_ms = world.run(60_000)
    assert world.head == 600
    assert took_ms < 2_000
    assert not world.points
    assert set(world.applied_from) == {A, B, C, D, E}
    assert world.open_most == BODY_PEERS
    assert not world.sync.is_syncing(world.now)
    assert world.sync.progress() == (600, 600)
    ranges = [r for _, _, r in world.asked if isinstance(r, GetBodies)]
    assert max(r.count for r in ranges) == RANGE
    assert sum(r.count for r in ranges) == 600  # nothing twice
    assert len(ranges) < 600 // RANGE + 10


def test_one_peer_is_enough() -> None:
    world = World({A: full()})
    world.run(60_000)
    assert world.head == 600
    assert not world.points


def test_progress_tells_how_far() -> None:
    world = World({A: full(honest(delay_ms=300))})
    world.run(1_500)
    assert world.sync.is_syncing(1_500)
    head, best = world.sync.progress()
    assert best == 600
    assert head == world.head


def test_late_answers_over_a_slow_line_still_count() -> None:
    world = World({A: full(honest(delay_ms=LATE_MS + 2_000))}, head=540)
    world.run(120_000)
    assert world.head == 600
    assert not world.banned


def test_slow_peer_does_not_hold_up_the_others() -> None:
    world = World({A: full(honest(delay_ms=4_900)), B: full(), C: full()})
    assert world.run(60_000) < 20_000
    assert world.head == 600
    assert not world.banned


def test_one_behind_waits_for_consensus_then_asks_directly() -> None:
    world = World({A: full(), B: full()}, head=599)
    world.run(GRACE_MS)
    assert world.asked == []
    world.run(2_000)
    assert world.head == 600
    assert [r for _, _, r in world.asked] == [GetBodies(first=600, count=1)]


def test_two_behind_asks_directly_at_once() -> None:
    world = World({A: full(), B: full()}, head=598)
    world.run(1_000)
    assert world.head == 600
    assert [r for _, _, r in world.asked] == [GetBodies(first=599, count=2)]


def test_consensus_that_overtakes_sync_is_followed() -> None:
    sync = BlockSync()
    sync.set_head(500, TRUE.ids[500], 0)
    sync.on_status(A, 600, 0)
    [(_, request)] = sync.requests(0)
    assert request == GetHeaders(first=501, count=100)
    sync.set_head(502, TRUE.ids[502], 5)
    sync.on_headers(A, serve_headers(request, TRUE), 10)
    [(_, request)] = sync.requests(10)
    assert request == GetBodies(first=503, count=RANGE)
    sync.set_head(510, TRUE.ids[510], 15)
    sync.on_bodies(A, serve_bodies(request, TRUE), 20)
    assert sync.take(510) is None
    taken = sync.take(511)
    assert taken is not None
    assert taken == (TRUE.blocks[510], A)
    assert sync.faults() == []


def test_window_bounds_what_is_fetched_ahead() -> None:
    world = World({peer: full() for peer in (A, B, C)})
    world.apply = lambda: None  # type: ignore[method-assign]
    world.run(20_000)
    ends = [r.first + r.count for _, _, r in world.asked if isinstance(r, GetBodies)]
    assert max(ends) <= WINDOW + 1
    assert sum(isinstance(r, GetHeaders) for _, _, r in world.asked) <= 2


def test_bytes_held_ahead_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaosnet.protocol.sync.WINDOW_BYTES_MAX", 2 * BODIES_MESSAGE_BYTES_MAX)
    world = World({peer: full() for peer in (A, B, C, D)})
    world.run(60_000)
    assert world.open_most == 2
    assert world.head == 600


def test_pruned_peers_give_headers_and_the_others_bodies() -> None:
    world = World({A: full(only_headers(honest(), empty)), B: full()})
    world.run(60_000)
    assert world.head == 600
    assert not world.points
    assert set(world.applied_from) == {B}


def test_due_tells_when_to_look_again() -> None:
    sync = BlockSync()
    sync.set_head(5, TRUE.ids[5], 0)
    assert sync.due_ms() is None
    sync.on_status(A, 6, 100)
    assert sync.due_ms() == 100 + GRACE_MS
    assert sync.requests(100 + GRACE_MS) == [(A, GetBodies(first=6, count=1))]
    assert sync.due_ms() == 100 + GRACE_MS + LATE_MS
