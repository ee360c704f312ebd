"""The branches of the chain as the interface shows them: blocks that may be undone, and what was undone.

What the kernel has beyond the durable head is not shown, nor what builds on it. Blocks of other branches are
on no disk: they are shown as long as the kernel holds them.
"""

from collections import deque
from typing import Final

from msgspec.structs import replace

from chaosnet.consensus.engine import Finality
from chaosnet.daemon import present
from chaosnet.kernel.events import Reorganised
from chaosnet.kernel.node import Node, Published
from chaosnet.kernel.tree import Entry
from chaosnet.model.header import Header, SlotProof, StakeProof
from chaosnet.rpc import schema
from chaosnet.storage.reader import ChainView

BLOCKS_SHOWN: Final = 256
REORGANISATIONS_KEPT: Final = 32
DROPPED_SHOWN: Final = 1_000
REORG_WARN_DEPTH: Final = 6
"""Blocks undone at once from which a reorganisation is deep, unless the operator says otherwise."""


class Reorganisations:
    """What the chain has left for a better branch since the node started."""

    def __init__(self, warn_depth: int = REORG_WARN_DEPTH) -> None:
        self._warn_depth = warn_depth
        self._last: deque[schema.Reorganisation] = deque(maxlen=REORGANISATIONS_KEPT)
        self.total = 0

    def add(self, fact: Reorganised, at_ms: int) -> schema.ReorgEvent:
        """Remember one; return what the stream tells of it."""
        depth = fact.old_height - fact.common_height
        dropped = [tx_id.hex() for tx_id in fact.dropped[:DROPPED_SHOWN]]
        done = schema.Reorganisation(
            at_ms=at_ms,
            common_height=fact.common_height,
            old_height=fact.old_height,
            old_id=fact.old_id.hex(),
            new_height=fact.new_height,
            new_id=fact.new_id.hex(),
            depth=depth,
            is_deep=depth >= self._warn_depth,
            dropped=dropped,
            dropped_total=len(fact.dropped),
        )
        self.total += 1
        self._last.appendleft(done)
        return schema.ReorgEvent(
            common_height=done.common_height,
            dropped=dropped,
            old_height=done.old_height,
            old_id=done.old_id,
            new_height=done.new_height,
            new_id=done.new_id,
            depth=depth,
            is_deep=done.is_deep,
        )

    def newest_first(self) -> list[schema.Reorganisation]:
        """Return the last ones."""
        return list(self._last)


def weight_of(node: Node, entry: Entry | None) -> str:
    """Return what the branch up to a block counts: its work, or the greatest height it shows to be prevoted.

    No work is done yet where an era begins, and its votes begin at that height.
    """
    if entry is None or entry.score:
        return str(entry.score[0]) if entry is not None else "0"
    is_pow = node.branch is not None and node.branch.finality is Finality.DEPTH
    return "0" if is_pow else str(entry.head.header.height)


def tree_blocks(
    node: Node, store: ChainView, names: present.Names, shown: Published, final_height: int
) -> list[schema.TreeBlock]:
    """Return the blocks from the durable final one up, by descending height, canonical ones first."""
    top = shown.header.height
    entries = node.tree.entries if node.tree is not None else {}
    root = entries[node.tree.root] if node.tree is not None else None
    # Where the kernel has made more final than is durable yet, its tree begins above the durable final block.
    below = top if root is None else min(top, root.head.header.height - 1)
    found = [
        tree_block(
            names, stored.decoded(), stored.block_id, weight="0", is_final=stored.height <= final_height
        )
        for stored in store.headers(below, below - final_height + 1, descending=True)
    ][: max(0, below - final_height + 1)]
    if root is None or root.head.header.height > top or node.tree is None:
        return found
    canonical = {e.head.block_id for e in node.tree.path(node.head.block_id)}
    visible: dict[bytes, schema.TreeBlock] = {}
    for block_id, entry in entries.items():  # parents come before their children
        header = entry.head.header
        is_canonical = block_id in canonical
        is_held = entry is root or header.parent in visible
        if is_held and not (is_canonical and header.height > top):
            is_final = is_canonical and header.height <= final_height
            block = tree_block(names, header, block_id, weight=weight_of(node, entry), is_final=is_final)
            visible[block_id] = replace(block, is_canonical=is_canonical, is_tail=entry.is_tail)
    upper = sorted(visible.values(), key=lambda block: (-block.height, not block.is_canonical))
    return upper + found


def tree_block(
    names: present.Names,
    header: Header,
    block_id: bytes,
    *,
    weight: str,
    is_final: bool,
) -> schema.TreeBlock:
    """Return one block of the chain."""
    return schema.TreeBlock(
        id=block_id.hex(),
        parent=header.parent.hex(),
        height=header.height,
        time_ms=header.time_ms,
        proposer=names.address(header.proposer),
        proposer_name=names.member(header.proposer),
        tx_count=header.tx_count,
        engine=header.engine,
        era=header.era,
        weight=weight,
        is_canonical=True,
        is_final=is_final,
        is_tail=False,
        slot=header.proof.slot if isinstance(header.proof, SlotProof | StakeProof) else None,
    )


def cut(blocks: list[schema.TreeBlock]) -> tuple[list[schema.TreeBlock], int]:
    """Return the newest blocks with the final one last, and how many between are left out."""
    if len(blocks) <= BLOCKS_SHOWN:
        return blocks, 0
    return [*blocks[: BLOCKS_SHOWN - 1], blocks[-1]], len(blocks) - BLOCKS_SHOWN
