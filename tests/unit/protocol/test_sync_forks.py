"""Sync where the chain can fork: a branch may begin below our head, at the newest final block."""

from chaosnet.protocol.messages import GetBodies, GetHeaders
from chaosnet.protocol.sync import BlockSync, serve_bodies, serve_headers
from tests.unit.protocol.blocks import Chain
from tests.unit.protocol.sync_world import TRUE, A, B, C

FLOOR = 10
LESSER = Chain(30, on=TRUE, fork=20, salt=b"lesser")

Asked = tuple[bytes, GetHeaders | GetBodies]


def away_from_home() -> BlockSync:
    """Return sync on a lesser branch; all peers follow another one."""
    sync = BlockSync()
    sync.set_floor(FLOOR, TRUE.ids[FLOOR])
    sync.set_head(30, LESSER.ids[30], 0)
    for peer in (A, B, C):
        sync.on_status(peer, 600, 0)
    return sync


def step(sync: BlockSync, now: int, chain: Chain) -> list[Asked]:
    """Answer from a chain, and put what came into the tree; return what lies beyond that chain."""
    beyond: list[Asked] = []
    for peer, request in sync.requests(now):
        assert isinstance(request, GetHeaders | GetBodies)
        if request.first > len(chain):
            beyond.append((peer, request))
        elif isinstance(request, GetHeaders):
            sync.on_headers(peer, serve_headers(request, chain), now)
        else:
            sync.on_bodies(peer, serve_bodies(request, chain), now)
    while (found := sync.peek_next()) is not None:
        height = found[0].block.header.height
        sync.take(height)
        sync.advance(height, chain.ids[height])
    return beyond


def test_a_branch_that_is_the_own_one_does_not_end_the_search() -> None:
    sync = away_from_home()
    [(peer, above)] = step(sync, 0, LESSER)
    assert above.first == 31
    sync.on_headers(peer, serve_headers(GetHeaders(31, 256), TRUE), 10)  # does not link to our head
    beyond = [asked for now in range(20, 200, 10) for asked in step(sync, now, LESSER)]
    assert sync.progress()[0] == 30
    [(peer, above)] = beyond
    assert above == GetHeaders(31, 256)
    sync.on_headers(peer, serve_headers(GetHeaders(31, 256), TRUE), 200)  # nor to what was fetched
    for now in range(210, 1_000, 10):
        step(sync, now, TRUE)
    assert sync.progress()[0] == 600
    assert sync.faults() == []


def test_a_branch_on_its_way_is_not_given_up_for_another_claim() -> None:
    sync = away_from_home()
    sync.begin_below()
    [(peer, below)] = sync.requests(0)
    assert isinstance(below, GetHeaders)
    assert below.first == FLOOR + 1
    sync.on_headers(peer, serve_headers(below, TRUE), 10)
    sync.begin_below()
    assert [type(request) for _, request in sync.requests(20)] == [GetBodies, GetBodies, GetBodies]
