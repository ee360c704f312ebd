"""Answers are bounded, in order, and empty where there is nothing to give."""

from chaosnet.base.limits import BODIES_MESSAGE_BYTES_MAX, FRAME_BYTES_MAX
from chaosnet.protocol.messages import Bodies, GetBodies, GetHeaders, Headers, encode_message
from chaosnet.protocol.serving import (
    BLOCKS_PER_S,
    BYTES_PER_S,
    HEADERS_PER_S,
    BlockServer,
    serve_bodies,
    serve_headers,
)
from tests.unit.protocol.blocks import SEAL, Chain

CHAIN = Chain(20)


class Heavy:
    """Blocks and seals of a size each, without end; negative or huge heights may not be asked."""

    def __init__(self, size: int) -> None:
        self.size = size

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        assert 0 <= height < 2**63
        return bytes(1_000), bytes(self.size)

    def sealed_at(self, height: int) -> bytes | None:
        assert 0 <= height < 2**63
        return bytes(self.size)


def test_serves_a_range_up_to_the_head() -> None:
    answer = serve_headers(GetHeaders(first=18, count=10), CHAIN)
    assert answer.first == 18
    assert [(h.header, h.seal) for h in answer.headers] == [CHAIN.header_at(h) for h in (18, 19, 20)]
    assert answer.headers[0].seal == SEAL
    bodies = serve_bodies(GetBodies(first=19, count=10), CHAIN)
    assert list(bodies.blocks) == [CHAIN.sealed_at(h) for h in (19, 20)]


def test_answers_nothing_above_the_head() -> None:
    for first in (21, 10**9, 2**63 - 1, 2**64 - 1):
        assert serve_headers(GetHeaders(first=first, count=256), CHAIN).headers == ()
        assert serve_bodies(GetBodies(first=first, count=64), CHAIN).blocks == ()


def test_store_is_never_asked_for_impossible_heights() -> None:
    for first in (2**63 - 3, 2**64 - 1):
        serve_headers(GetHeaders(first=first, count=256), Heavy(10))
        serve_bodies(GetBodies(first=first, count=64), Heavy(10))


def test_bytes_are_bounded_and_one_block_always_fits() -> None:
    bodies = serve_bodies(GetBodies(first=1, count=64), Heavy(1_000_000))
    assert len(bodies.blocks) == BODIES_MESSAGE_BYTES_MAX // 1_000_000
    assert len(serve_bodies(GetBodies(first=1, count=64), Heavy(7_000_000)).blocks) == 1
    headers = serve_headers(GetHeaders(first=1, count=256), Heavy(60_000))
    assert 50 < len(headers.headers) < 256
    assert len(encode_message(headers)) < FRAME_BYTES_MAX


def test_count_is_bounded_whatever_was_asked() -> None:
    assert len(serve_bodies(GetBodies(first=1, count=10**6), Heavy(1)).blocks) == 64
    assert len(serve_headers(GetHeaders(first=1, count=10**6), Heavy(1)).headers) == 256


def given_out(server: BlockServer, request: GetHeaders | GetBodies, size: int, seconds: int) -> int:
    """Return how many items a flood of requests gets."""
    items = 0
    for now in range(0, 1_000 * seconds, 2):
        match server.answer(request, Heavy(size), now):
            case Headers(headers=found) | Bodies(blocks=found):
                items += len(found)
            case None:
                pass
    return items


def test_all_peers_together_get_no_more_than_the_budget() -> None:
    assert given_out(BlockServer(), GetBodies(1, 64), 10, 3) <= 4 * BLOCKS_PER_S + 64
    assert given_out(BlockServer(), GetBodies(1, 64), 1_000_000, 3) <= 4 * BYTES_PER_S // 1_000_000 + 7
    assert given_out(BlockServer(), GetHeaders(1, 256), 10, 3) <= 4 * HEADERS_PER_S + 256
    assert given_out(BlockServer(), GetBodies(1, 64), 10, 1) >= BLOCKS_PER_S


def test_requests_for_what_is_not_there_use_the_budget_too() -> None:
    server = BlockServer()
    answers = [server.answer(GetBodies(21, 64), CHAIN, 0) for _ in range(BLOCKS_PER_S + 10)]
    assert answers.count(None) == 10
