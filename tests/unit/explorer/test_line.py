"""The line of newest blocks: it grows, bends, and is replaced."""

import msgspec

from chaosnet.rpc.schema import BlockSummary
from explorer.line import BLOCKS_KEPT, Line
from tests.unit.explorer.branching_node import BranchingNode


def blocks(count: int) -> list[BlockSummary]:
    """Return blocks, newest first."""
    node = BranchingNode()
    for _ in range(count - 1):
        node.grow(0)
    return node.made[::-1]


def renamed(block: BlockSummary, name: str, parent: str) -> BlockSummary:
    return msgspec.structs.replace(block, id=name * 32, parent=parent)


def test_new_blocks_go_on_top_and_old_ones_fall_out() -> None:
    line, made = Line(), blocks(BLOCKS_KEPT + 3)
    line.take(made[3:])
    change = line.take(made[:10])
    assert change is not None
    assert (change.added, change.undone, change.is_replaced) == (made[:3], [], False)
    assert line.blocks == made[:BLOCKS_KEPT]
    assert line.take(made[5:20]) is None


def test_other_branch_undoes_what_stands_on_the_common_block() -> None:
    line, made = Line(), blocks(6)
    line.take(made)
    first = renamed(made[1], "ab", made[2].id)
    second = renamed(made[0], "cd", first.id)
    change = line.take([second, first, *made[2:]])
    assert change is not None
    assert (change.undone, change.added) == (made[:2], [second, first])
    assert line.blocks == [second, first, *made[2:]]


def test_blocks_without_a_known_parent_replace_the_line() -> None:
    line, made = Line(), blocks(6)
    line.take(made[4:])
    change = line.take(made[:2])
    assert change is not None
    assert change.is_replaced
    assert line.blocks == made[:2]


def test_finality_is_told_once() -> None:
    line, made = Line(), [msgspec.structs.replace(block, is_final=False) for block in blocks(6)]
    line.take(made)
    assert line.finalise(3)
    assert not line.finalise(3)
    assert [block.height for block in line.blocks if block.is_final] == [3, 2, 1, 0]
