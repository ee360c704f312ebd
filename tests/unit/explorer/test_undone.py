"""What left the chain is remembered, within bounds."""

import msgspec

from explorer import undone
from explorer.undone import Undone
from tests.fake_staking import block_tree
from tests.unit.explorer.branching_node import BranchingNode


def test_blocks_are_forgotten_when_they_come_back() -> None:
    node, memory = BranchingNode(), Undone()
    memory.note_undone(node.made)
    found = memory.block(node.made[0].id)
    assert found is not None
    assert (found.height, found.proposer_name) == (0, node.made[0].proposer_name)
    memory.note_back([node.made[0].id])
    assert memory.block(node.made[0].id) is None


def test_a_nodes_tree_tells_what_happened_before() -> None:
    memory, tree = Undone(), block_tree()
    memory.learn(tree)
    told = tree.reorganisations[0]
    old = memory.block(told.old_id)
    assert old is not None
    assert old.proposer_name == "beta"
    assert [memory.height_of(tx_id) for tx_id in told.dropped] == [103, 103]
    assert memory.height_of("00" * 32) is None
    gone = msgspec.structs.replace(tree, blocks=[])
    memory = Undone()
    memory.learn(gone)
    place = memory.block(told.old_id)
    assert place is not None
    assert (place.height, place.time_ms) == (105, 0), "only its place is known"


def test_memory_is_bounded() -> None:
    memory = Undone()
    block = BranchingNode().made[0]
    memory.note_undone(msgspec.structs.replace(block, id=str(n)) for n in range(undone.BLOCKS_MAX + 5))
    assert memory.block("4") is None
    assert memory.block("5") is not None
    memory.note_dropped(map(str, range(undone.TRANSACTIONS_MAX + 5)), 7)
    assert memory.height_of("4") is None
    assert memory.height_of("5") == 7
