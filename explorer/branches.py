"""How the tree of blocks is drawn: a row for each block, newest above, and a lane for each branch.

The chain keeps the first lane; a branch beside it takes the next lane that is free between its tip and the
block it parts from. Where nothing happens for many blocks, one row stands for all of them.
"""

from collections import Counter
from itertools import groupby
from typing import Final, NamedTuple

from chaosnet.rpc.schema import Tree, TreeBlock

ROW_PX: Final = 48
LANE_PX: Final = 22
LANES_MAX: Final = 9
"""Further branches share the last lane."""
FOLD_MIN: Final = 4
"""So many blocks without a branch make one row."""
NEWEST_ROWS: Final = 8
"""Rows below the newest block that always show."""


class Row(NamedTuple):
    """One line of the drawing: a block, blocks folded together, or older ones that are left out."""

    block: TreeBlock | None
    """None: older blocks that the node did not tell of."""
    kind: str
    """`final` | `head` | `main` | `branch` | `tail` | `fold` | `gap`."""
    lane: int
    blocks: int = 1
    """Blocks it stands for."""
    low: int = 0
    """Height of the lowest of them."""


class Edge(NamedTuple):
    """The way from a block to its parent, as an SVG path."""

    path: str
    kind: str
    """`main` | `branch` | `tail` | `gap`."""


class Dot(NamedTuple):
    """A block's place in the drawing."""

    x: int
    y: int
    kind: str


class Drawing(NamedTuple):
    """All that a template needs."""

    rows: list[Row]
    edges: list[Edge]
    dots: list[Dot]
    width: int
    height: int
    tips: int
    """Ends of branches, the head among them."""
    is_folded: bool


def draw(tree: Tree, *, is_whole: bool = False) -> Drawing:
    """Return the drawing of a tree; `is_whole` folds nothing."""
    main = _main_of(tree)
    blocks = sorted(tree.blocks, key=lambda block: (-block.height, block.id not in main, block.id))
    folded = frozenset[str]() if is_whole else _foldable(tree, blocks, main)
    rows, row_of = _rows(tree, blocks, folded)
    lanes = _lanes(blocks, main, row_of)
    children = Counter(block.parent for block in blocks)
    placed = [
        row._replace(lane=lanes[row.block.id], kind=row.kind or _kind(tree, row.block, main))
        if row.block
        else row
        for row in rows
    ]
    return Drawing(
        rows=placed,
        edges=_edges(blocks, placed, row_of, lanes, main),
        dots=[Dot(_x(row.lane), _y(i), row.kind) for i, row in enumerate(placed)],
        width=_x(max(lanes.values(), default=0)) + LANE_PX // 2,
        height=ROW_PX * len(rows),
        tips=sum(not children[b.id] and (b.id == tree.head_id or not b.is_final) for b in blocks),
        is_folded=bool(folded),
    )


def _main_of(tree: Tree) -> set[str]:
    """Return the ids of the first lane: the chain, and on top of it the longest tail."""
    by_id = {block.id: block for block in tree.blocks}
    found = {block.id for block in tree.blocks if block.is_canonical}
    top = tree.head_id
    tails = sorted((b for b in tree.blocks if b.is_tail), key=lambda b: (-b.height, b.id))
    for tip in tails:
        path = []
        step: TreeBlock | None = tip
        while step is not None and step.is_tail:
            path.append(step.id)
            step = by_id.get(step.parent)
        if step is not None and step.id == top:
            return found | set(path)
    return found


def _kind(tree: Tree, block: TreeBlock, main: set[str]) -> str:
    if block.id == tree.head_id and not block.is_final:
        return "head"
    if block.is_final:
        return "final"
    if block.is_tail:
        return "tail"
    return "main" if block.id in main else "branch"


def _foldable(tree: Tree, blocks: list[TreeBlock], main: set[str]) -> frozenset[str]:
    """Return blocks of the chain that stand in a line where nothing else happens, in runs worth folding."""
    children = Counter(block.parent for block in blocks)
    at_height = Counter(block.height for block in blocks)
    found: list[str] = []
    for place, block in enumerate(blocks):
        is_special = block.is_final or block.is_tail or block.id == tree.head_id or block.id not in main
        is_alone = at_height[block.height] == 1 and children[block.id] == 1 and children[block.parent] <= 1
        if place >= NEWEST_ROWS and is_alone and not is_special:
            found.append(block.id)
    known = set(found)
    runs = groupby(blocks, key=lambda block: block.id in known)
    ids = [[block.id for block in run] for is_run, run in runs if is_run]
    return frozenset(block_id for run in ids if len(run) >= FOLD_MIN for block_id in run)


def _rows(tree: Tree, blocks: list[TreeBlock], folded: frozenset[str]) -> tuple[list[Row], dict[str, int]]:
    rows: list[Row] = []
    row_of: dict[str, int] = {}
    gap = Row(None, "gap", 0, blocks=tree.left_out)
    for block in blocks:
        if block.is_final and tree.left_out:
            rows.append(gap)
        is_fold = block.id in folded
        if is_fold and rows and rows[-1].kind == "fold":
            rows[-1] = rows[-1]._replace(blocks=rows[-1].blocks + 1, low=block.height)
        else:
            rows.append(Row(block, "fold" if is_fold else "", 0, low=block.height))
        row_of[block.id] = len(rows) - 1
    if tree.left_out and gap not in rows:
        rows.append(gap)
    return rows, row_of


def _lanes(blocks: list[TreeBlock], main: set[str], row_of: dict[str, int]) -> dict[str, int]:
    """Return the lane of every block; branches are placed from the newest tip on."""
    by_id = {block.id: block for block in blocks}
    lanes = {block.id: 0 for block in blocks if block.id in main}
    taken: list[list[tuple[int, int]]] = [[] for _ in range(LANES_MAX)]
    bottom = max(row_of.values(), default=0) + 1
    for tip in blocks:
        if tip.id in lanes:
            continue
        path = []
        step: TreeBlock | None = tip
        while step is not None and step.id not in lanes:
            path.append(step.id)
            step = by_id.get(step.parent)
        first, last = row_of[tip.id], row_of[step.id] if step else bottom
        lane = 1
        while lane < LANES_MAX - 1 and any(a <= last and first <= b for a, b in taken[lane]):
            lane += 1
        taken[lane].append((first, last))
        lanes.update(dict.fromkeys(path, lane))
    return lanes


def _edges(
    blocks: list[TreeBlock], rows: list[Row], row_of: dict[str, int], lanes: dict[str, int], main: set[str]
) -> list[Edge]:
    gap_row = next((place for place, row in enumerate(rows) if row.kind == "gap"), None)
    edges = []
    for block in blocks:
        if block.is_final:
            continue
        row, lane = row_of[block.id], lanes[block.id]
        kind = "tail" if block.is_tail else "main" if block.id in main else "branch"
        if block.parent in row_of:
            below, to_lane = row_of[block.parent], lanes[block.parent]
        elif gap_row is not None:
            below, to_lane, kind = gap_row, 0, "gap"
        else:  # its parent is below the final block, or the node has forgotten it
            edges.append(Edge(f"M{_x(lane)} {_y(row)}v{ROW_PX // 2}", "gap"))
            continue
        if below > row:
            edges.append(Edge(_path((_x(lane), _y(row)), (_x(to_lane), _y(below))), kind))
    if gap_row is not None and gap_row + 1 < len(rows):
        edges.append(Edge(_path((_x(0), _y(gap_row)), (_x(0), _y(gap_row + 1))), "gap"))
    return edges[::-1]


def _path(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (to_x, to_y) = start, end
    if x == to_x:
        return f"M{x} {y}V{to_y}"
    bend, middle = to_y - ROW_PX, to_y - ROW_PX // 2
    return f"M{x} {y}V{bend}C{x} {middle} {to_x} {middle} {to_x} {to_y}"


def _x(lane: int) -> int:
    return LANE_PX // 2 + 4 + lane * LANE_PX


def _y(row: int) -> int:
    return ROW_PX // 2 + row * ROW_PX
