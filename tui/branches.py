"""A tree of blocks drawn with characters, the newest at the top; the chain runs down at the left."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from chaosnet.rpc.schema import Tree, TreeBlock

FINAL: Final = "◆"
CHAIN: Final = "●"
SIDE: Final = "○"
TAIL: Final = "◇"


class Line(NamedTuple):
    """One block, and the branches beside it."""

    graph: str
    block: TreeBlock


def mark_of(block: TreeBlock) -> str:
    """Return the sign of a block."""
    if block.is_final:
        return FINAL
    return TAIL if block.is_tail else CHAIN if block.is_canonical else SIDE


def draw(tree: Tree) -> list[Line]:
    """Return the blocks by descending height, each with the lines of the branches that pass or join there."""
    order = sorted(tree.blocks, key=lambda b: (-b.height, not b.is_canonical, b.is_tail, b.slot or 0, b.id))
    head = next((block.id for block in order if block.is_canonical), "")
    waits = [head]
    """What each lane leads down to; empty: the lane is free."""
    begun = {0} if not head else set[int]()
    lines = []
    for block in order:
        mine = [lane for lane, block_id in enumerate(waits) if block_id == block.id]
        if not mine:
            mine = [next((lane for lane in range(1, len(waits)) if not waits[lane]), len(waits))]
            waits += [""] * (mine[0] + 1 - len(waits))
        passing = {lane for lane in begun if waits[lane]}
        lines.append(Line(_row(len(waits), mine, passing, mark_of(block)), block))
        for lane in mine[1:]:
            waits[lane] = ""
        waits[mine[0]] = "" if block.is_final else block.parent
        begun.add(mine[0])
        while len(waits) > 1 and not waits[-1]:
            begun.discard(len(waits) - 1)
            waits.pop()
    return lines


def _row(count: int, mine: Sequence[int], passing: set[int], mark: str) -> str:
    """Return one line: `mine` are the lanes that lead to its block, the first of them its own."""
    place, last = mine[0], mine[-1]
    cells = []
    for lane in range(count):
        is_inside = place < lane < last
        if lane == place:
            sign = mark
        elif lane in mine:
            sign = "╯" if lane == last else "┴"
        elif lane in passing:
            sign = "┼" if is_inside else "│"
        else:
            sign = "─" if is_inside else " "
        cells.append(sign + ("─" if place <= lane < last else " "))
    return "".join(cells).rstrip()


def branch_count(tree: Tree) -> int:
    """Return how many tips the tree has, tails left aside."""
    parents = {block.parent for block in tree.blocks if not block.is_tail}
    return sum(1 for block in tree.blocks if not block.is_tail and block.id not in parents)
