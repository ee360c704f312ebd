"""The tree drawn with characters."""

from chaosnet.rpc import schema
from tests import fake_staking
from tui.branches import branch_count, draw


def block(
    name: str, parent: str, height: int, *, on_chain: bool = False, final: bool = False, tail: bool = False
) -> schema.TreeBlock:
    return schema.TreeBlock(
        id=name,
        parent=parent,
        height=height,
        time_ms=0,
        proposer="",
        proposer_name="",
        tx_count=0,
        engine="pow",
        era=0,
        weight="1",
        is_canonical=on_chain or final,
        is_final=final,
        is_tail=tail,
    )


def tree_of(*blocks: schema.TreeBlock) -> schema.Tree:
    return schema.Tree(
        finality="depth",
        final_height=1,
        final_id="a1",
        head_height=5,
        head_id="a5",
        blocks=list(blocks),
        left_out=0,
        reorganisations=[],
    )


def drawn(tree: schema.Tree) -> list[str]:
    return [f"{line.graph} {line.block.id}" for line in draw(tree)]


CHAIN = [
    block("a1", "a0", 1, final=True),
    *(block(f"a{h}", f"a{h - 1}", h, on_chain=True) for h in range(2, 6)),
]


def test_a_chain_is_a_line() -> None:
    assert drawn(tree_of(*CHAIN)) == ["● a5", "● a4", "● a3", "● a2", "◆ a1"]
    assert branch_count(tree_of(*CHAIN)) == 1


def test_branches_join_where_they_parted() -> None:
    sides = [
        block("b3", "a2", 3),
        block("b4", "b3", 4),
        block("c3", "a2", 3),
        block("d5", "a4", 5),
        block("e4", "b3", 4),
        block("f2", "a1", 2),
    ]
    tree = tree_of(*CHAIN, *sides)
    assert drawn(tree) == [
        "● a5",
        "│ ○ d5",
        "●─╯ a4",
        "│ ○ b4",
        "│ │ ○ e4",
        "● │ │ a3",
        "│ ○─╯ b3",
        "│ │ ○ c3",
        "●─┴─╯ a2",
        "│ ○ f2",
        "◆─╯ a1",
    ]
    assert branch_count(tree) == 6


def test_a_line_that_passes_a_join_is_crossed() -> None:
    sides = [block("b5", "b4", 5), block("b4", "a2", 4), block("c4", "a3", 4)]
    assert drawn(tree_of(*CHAIN[:4], *sides)) == [
        "  ○ b5",
        "● │ a4",
        "│ ○ b4",
        "│ │ ○ c4",
        "●─┼─╯ a3",
        "●─╯ a2",
        "◆ a1",
    ], "a branch may be higher than the chain"


def test_tails_stand_above_the_head_and_are_no_branches() -> None:
    tree = tree_of(*CHAIN, block("t6", "a5", 6, tail=True), block("t7", "t6", 7, tail=True))
    assert drawn(tree)[:3] == ["  ◇ t7", "  ◇ t6", "●─╯ a5"]
    assert branch_count(tree) == 1


def test_what_a_node_makes_up_is_drawn_once_and_ends() -> None:
    assert drawn(tree_of()) == []
    circle = tree_of(block("x", "y", 2), block("y", "x", 1), block("z", "nowhere", 3))
    assert len(drawn(circle)) == 3


def test_the_chain_of_a_real_tree_is_at_the_left() -> None:
    lines = draw(fake_staking.block_tree())
    assert [line.graph[0] for line in lines] == ["●", "●", "│", "●", "│", "●", "●", "◆"]
