"""How the tree is drawn: lanes that do not cross, runs that fold, tails, and what is left out."""

import msgspec

from chaosnet.rpc.schema import Tree, TreeBlock
from explorer.branches import LANES_MAX, NEWEST_ROWS, Drawing, Row, draw
from tests.fake_staking import block_tree
from tests.unit.explorer.branching_node import BranchingNode


def rows_of(drawing: Drawing) -> list[tuple[int | None, str, int]]:
    return [(row.block.height if row.block else None, row.kind, row.lane) for row in drawing.rows]


def beside(tree: Tree, height: int, name: str, parent: str) -> TreeBlock:
    block = next(block for block in tree.blocks if block.height == height)
    return msgspec.structs.replace(block, id=name, parent=parent, is_canonical=False)


def tail_of(tree: Tree, height: int, name: str, parent: str) -> TreeBlock:
    return msgspec.structs.replace(beside(tree, 106, name, parent), height=height, is_tail=True)


def id_at(tree: Tree, height: int) -> str:
    return next(block.id for block in tree.blocks if block.height == height and block.is_canonical)


def test_branch_has_a_lane_of_its_own_and_joins_where_it_parts() -> None:
    drawing = draw(block_tree())
    assert rows_of(drawing) == [
        (106, "head", 0),
        (105, "main", 0),
        (105, "branch", 1),
        (104, "main", 0),
        (104, "branch", 1),
        (103, "main", 0),
        (102, "main", 0),
        (101, "final", 0),
    ]
    assert drawing.tips == 2
    joins = [edge for edge in drawing.edges if edge.kind == "branch"]
    assert len(joins) == 2
    assert any("C" in edge.path for edge in joins), "one of them bends into the first lane"
    assert len(drawing.edges) == 7


def test_branches_beside_each_other_take_different_lanes_and_free_ones_again() -> None:
    tree = block_tree()
    more = [
        beside(tree, 104, "c" * 64, id_at(tree, 103)),
        beside(tree, 103, "d" * 64, id_at(tree, 102)),
    ]
    tree = msgspec.structs.replace(tree, blocks=[*tree.blocks, *more])
    lanes = {row.block.id: row.lane for row in draw(tree).rows if row.block}
    assert lanes["c" * 64] == 2
    assert lanes["d" * 64] == 1, "the first branch ends above it"


def test_lanes_are_bounded() -> None:
    tree = block_tree()
    crowd = [beside(tree, 104, f"{n:064x}", id_at(tree, 103)) for n in range(50)]
    drawing = draw(msgspec.structs.replace(tree, blocks=[*tree.blocks, *crowd]))
    assert max(row.lane for row in drawing.rows) == LANES_MAX - 1
    assert len(drawing.rows) == 58


def long_tree(count: int) -> Tree:
    node = BranchingNode(engine="pow")
    for _ in range(count):
        node.grow(0)
    tree = node.tree()
    line = [node._tree_block(block) for block in node.made[::-1]]
    genesis = msgspec.structs.replace(line[-1], is_final=True)
    blocks = [*(msgspec.structs.replace(block, is_final=False) for block in line[:-1]), genesis]
    return msgspec.structs.replace(tree, blocks=blocks, final_height=0, final_id=genesis.id)


def test_long_line_folds_into_one_row() -> None:
    tree = long_tree(60)
    drawing = draw(tree)
    folds = [row for row in drawing.rows if row.kind == "fold"]
    assert [(row.block.height if row.block else 0, row.low, row.blocks) for row in folds] == [
        (60 - NEWEST_ROWS, 1, 60 - NEWEST_ROWS)
    ]
    assert len(drawing.rows) == NEWEST_ROWS + 2
    assert drawing.rows[-1].kind == "final"
    whole = draw(tree, is_whole=True)
    assert len(whole.rows) == 61
    assert whole.height > drawing.height


def test_fork_inside_a_long_line_stays_visible() -> None:
    tree = long_tree(60)
    fork = beside(tree, 30, "f" * 64, id_at(tree, 29))
    blocks = sorted([*tree.blocks, fork], key=lambda block: -block.height)
    shown = draw(msgspec.structs.replace(tree, blocks=blocks)).rows
    heights = [row.block.height for row in shown if row.block and row.kind != "fold"]
    assert heights.count(30) == 2
    assert 29 in heights, "the block that both stand on"
    assert len([row for row in shown if row.kind == "fold"]) == 2


def test_older_blocks_that_are_left_out_make_a_gap() -> None:
    tree = long_tree(30)
    cut = [block for block in tree.blocks if block.height >= 20 or block.is_final]
    drawing = draw(msgspec.structs.replace(tree, blocks=cut, left_out=19), is_whole=True)
    assert drawing.rows[-2:] == [Row(None, "gap", 0, blocks=19), drawing.rows[-1]]
    assert drawing.rows[-1].kind == "final"
    assert [edge.kind for edge in drawing.edges].count("gap") == 2, "into the gap and out of it"


def test_tail_stands_on_the_head_in_the_first_lane() -> None:
    tree = block_tree()
    tail = [
        tail_of(tree, 107, "1" * 64, tree.head_id),
        tail_of(tree, 108, "2" * 64, "1" * 64),
        tail_of(tree, 107, "3" * 64, tree.head_id),
    ]
    drawing = draw(msgspec.structs.replace(tree, blocks=[*tail[::-1], *tree.blocks]))
    lanes = {row.block.id: (row.kind, row.lane) for row in drawing.rows if row.block}
    assert lanes["1" * 64] == lanes["2" * 64] == ("tail", 0)
    assert lanes["3" * 64] == ("tail", 1)
    assert lanes[tree.head_id] == ("head", 0)


def test_branch_without_a_known_parent_and_an_empty_tree_draw_too() -> None:
    tree = block_tree()
    lost = beside(tree, 103, "e" * 64, "0" * 64)
    drawing = draw(msgspec.structs.replace(tree, blocks=[*tree.blocks, lost]))
    assert len(drawing.rows) == 9
    assert draw(msgspec.structs.replace(tree, blocks=[])).rows == []
