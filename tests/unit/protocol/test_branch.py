"""The branch above the head follows every move of the head."""

from chaosnet.protocol.branch import Branch
from tests.unit.protocol.blocks import Chain, branch_of

CHAIN = Chain(10)
A, B = b"a" * 32, b"b" * 32


def put(branch: Branch, *heights: int) -> None:
    for height in heights:
        branch.put_body(height, CHAIN.blocks[height - 1], B, 100)


def test_headers_are_found_by_height() -> None:
    branch = branch_of(CHAIN, 4, A)
    assert (branch.end, branch.end_id) == (10, CHAIN.ids[10])
    assert [branch.id_at(h) for h in (4, 5, 10, 11)] == [None, CHAIN.ids[5], CHAIN.ids[10], None]
    assert [branch.giver_at(h) for h in (4, 5, 11)] == [None, A, None]


def test_bodies_are_taken_once() -> None:
    branch = branch_of(CHAIN, 4, A)
    put(branch, 5, 6, 5)
    assert branch.held_bytes == 200
    assert branch.take(5) == (CHAIN.blocks[4], B)
    assert branch.take(5) is None
    assert branch.has_body(5)
    assert branch.taken_from(5) == B
    put(branch, 5)
    assert branch.held_bytes == 100


def test_head_moves_up_along_the_branch() -> None:
    branch = branch_of(CHAIN, 4, A)
    put(branch, 5, 6, 7)
    branch.take(5)
    branch.move_head(6, CHAIN.ids[6])
    assert (branch.head, branch.end, branch.held_bytes) == (6, 10, 100)
    assert branch.id_at(7) == CHAIN.ids[7]
    assert branch.has_body(7)
    assert not branch.has_body(5)


def test_head_elsewhere_drops_the_branch() -> None:
    for height, block_id in ((6, b"x" * 32), (50, b"x" * 32), (3, CHAIN.ids[3]), (4, b"x" * 32)):
        branch = branch_of(CHAIN, 4, A)
        put(branch, 5, 6, 7)
        branch.take(5)
        branch.move_head(height, block_id)
        assert (branch.head, branch.end, branch.end_id) == (height, height, block_id)
        assert branch.held_bytes == 0
        assert not any(branch.has_body(h) for h in range(12))


def test_drop_keeps_what_is_below() -> None:
    branch = branch_of(CHAIN, 4, A)
    put(branch, 5, 7, 8)
    branch.take(5)
    branch.take(8)
    branch.drop_from(7)
    assert (branch.end, branch.held_bytes) == (6, 0)
    assert branch.has_body(5)
    assert not branch.has_body(8)
    branch.drop_from(0)
    assert branch.end == 4
