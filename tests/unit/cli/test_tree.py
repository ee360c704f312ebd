"""The tree of blocks, drawn on a terminal."""

import msgspec
import pytest
from msgspec.structs import replace

from chaosnet.cli.tree import graph
from chaosnet.rpc import schema
from tests.fake_staking import block_tree
from tests.unit.cli.conftest import Cli, NodeOfOne


def block(name: str, parent: str, height: int, kind: str = "chain") -> schema.TreeBlock:
    return schema.TreeBlock(
        id=name,
        parent=parent,
        height=height,
        time_ms=0,
        proposer="p",
        proposer_name="",
        tx_count=0,
        engine="pow",
        era=0,
        weight="0",
        is_canonical=kind == "chain",
        is_final=False,
        is_tail=kind == "tail",
    )


def drawing(blocks: list[schema.TreeBlock], head: str) -> list[str]:
    return [f"{marks.rstrip():6}{one.id if one else ''}".rstrip() for marks, one in graph(blocks, head)]


def test_a_chain_is_a_line() -> None:
    assert drawing([block("c", "b", 3), block("b", "a", 2), block("a", "", 1)], "c") == [
        "*     c",
        "*     b",
        "*     a",
    ]


def test_branches_part_where_their_parents_are() -> None:
    blocks = [
        block("e", "d", 5),
        block("d2", "c2", 4, "other"),
        block("d", "c", 4),
        block("c2", "b", 3, "other"),
        block("c", "b", 3),
        block("c3", "b", 3, "other"),
        block("b", "a", 2),
        block("a", "", 1),
    ]
    assert drawing(blocks, "e") == [
        "*     e",
        "| o   d2",
        "* |   d",
        "| o   c2",
        "* |   c",
        "| | o c3",
        "|/ /",
        "*     b",
        "*     a",
    ]


def test_a_branch_may_be_higher_than_the_head() -> None:
    blocks = [block("d2", "b", 4, "other"), block("c", "b", 3), block("b", "", 2)]
    assert drawing(blocks, "c") == ["  o   d2", "* |   c", "|/", "*     b"]


def test_a_tail_stands_on_the_last_block_of_the_era() -> None:
    blocks = [block("t2", "t1", 4, "tail"), block("t1", "c", 3, "tail"), block("c", "", 2)]
    assert drawing(blocks, "c") == ["  ~   t2", "  ~   t1", "|/", "*     c"]


def test_the_tree_shows_head_final_and_what_was_dropped(cli: Cli, node: NodeOfOne) -> None:
    tree = block_tree()
    shown = cli("tree").out
    lines = shown.splitlines()
    [head] = [line for line in lines if line.startswith("*") and tree.head_id[:16] in line]
    assert head.rstrip().endswith("head")
    [final] = [line for line in lines if line.startswith("*") and tree.final_id[:16] in line]
    assert final.rstrip().endswith("final")
    [left] = [line for line in lines if line.startswith("| o") and " 105 " in line]
    assert tree.reorganisations[0].old_id[:16] in left
    assert "2 undone: block 105" in shown
    for tx_id in tree.reorganisations[0].dropped:
        assert f"dropped, waits again: {tx_id}" in shown
    assert cli("tree", "--json").json == msgspec.to_builtins(tree)


def test_of_many_blocks_the_newest_are_drawn_and_the_final_one(cli: Cli, node: NodeOfOne) -> None:
    tree = block_tree()
    shown = cli("tree", "-n", 3).out
    assert "5 more" in shown
    assert tree.final_id[:16] in shown
    assert tree.blocks[5].id[:16] not in shown


def test_a_deep_reorganisation_stands_out(cli: Cli, node: NodeOfOne, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = block_tree()
    deep = replace(tree.reorganisations[0], is_deep=True, depth=9, dropped_total=1_234)
    monkeypatch.setattr(node, "block_tree", replace(tree, reorganisations=[deep] * 7))
    ran = cli("tree")
    assert "9 undone, DEEP" in ran.out
    assert "and 1232 more transactions" in ran.out
    assert "2 earlier ones" in ran.err
