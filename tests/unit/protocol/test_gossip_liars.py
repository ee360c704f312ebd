"""Gossip among peers that announce what they do not have."""

from chaosnet.base.limits import HASHES_PER_MESSAGE_MAX
from chaosnet.protocol.gossip import REQUEST_MS
from tests.unit.protocol.test_gossip import LATE, A, B, C, asked, gossip, name, never


def test_announcers_of_nothing_do_not_keep_an_honest_one_waiting() -> None:
    """Two fill the table again and again; after a few seconds nearly all of it is free for others."""
    g = gossip(A, B, C)
    made = 0
    room = []
    for now in range(0, 12 * REQUEST_MS, REQUEST_MS):
        g.flush(now)
        for liar in (A, B):
            for _ in range(2):
                made += HASHES_PER_MESSAGE_MAX
                g.on_hashes(
                    liar, [name(i, 32) for i in range(made, made + HASHES_PER_MESSAGE_MAX)], never, now
                )
        fresh = [name(10**9 + now + i, 32) for i in range(500)]
        room.append(len(asked(g.on_hashes(C, fresh, never, now), C)))
        g.on_txs(C, fresh)
    assert room[0] == 0
    assert room[2:] == [500] * 10


def test_one_that_delivers_again_is_asked_for_more_again() -> None:
    g = gossip(A)
    for now in range(0, 10 * REQUEST_MS, REQUEST_MS):
        g.on_hashes(A, [name(now + i) for i in range(1_000)], never, now)
        g.flush(now + REQUEST_MS)
    assert len(asked(g.on_hashes(A, [name(10**8 + i) for i in range(1_000)], never, LATE * 9), A)) < 100
    for now in range(LATE * 10, LATE * 11, REQUEST_MS):
        hashes = [name(now * 10 + i) for i in range(1_000)]
        g.on_hashes(A, hashes, never, now)
        g.on_txs(A, hashes)
        g.flush(now + REQUEST_MS)
    assert len(asked(g.on_hashes(A, [name(10**9 + i) for i in range(1_000)], never, LATE * 12), A)) == 1_000
