"""What reorganisations took off the chain: blocks and transactions, remembered within bounds."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from chaosnet.rpc.schema import BlockSummary, Reorganisation, Tree

BLOCKS_MAX: Final = 1_000
TRANSACTIONS_MAX: Final = 20_000


class UndoneBlock(NamedTuple):
    """A block that is no part of the chain."""

    id: str
    height: int
    parent: str = ""
    time_ms: int = 0
    """0: only its place is known."""
    proposer: str = ""
    proposer_name: str = ""
    tx_count: int = 0
    engine: str = ""
    is_tail: bool = False
    """It never held transactions: it made the last block of an era final."""


class Undone:
    """The newest of them; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[str, UndoneBlock] = OrderedDict()
        self._transactions: OrderedDict[str, int] = OrderedDict()

    def forget(self) -> None:
        """Drop everything: the network is another one."""
        self._blocks.clear()
        self._transactions.clear()

    def block(self, block_id: str) -> UndoneBlock | None:
        """Return a block that was undone, or that stood beside the chain from the start."""
        return self._blocks.get(block_id)

    def height_of(self, tx_id: str) -> int | None:
        """Return the height of the last block that both branches shared when a transaction was dropped."""
        return self._transactions.get(tx_id)

    def note_undone(self, blocks: Iterable[BlockSummary]) -> None:
        """Blocks have left the chain."""
        for block in blocks:
            self._keep(
                UndoneBlock(
                    id=block.id,
                    height=block.height,
                    parent=block.parent,
                    time_ms=block.time_ms,
                    proposer=block.proposer,
                    proposer_name=block.proposer_name,
                    tx_count=block.tx_count,
                    engine=block.engine,
                )
            )

    def note_back(self, block_ids: Iterable[str]) -> None:
        """Blocks are part of the chain now."""
        for block_id in block_ids:
            self._blocks.pop(block_id, None)

    def note_dropped(self, tx_ids: Iterable[str], common_height: int) -> None:
        """Transactions have left the chain with blocks above a height."""
        for tx_id in tx_ids:
            self._transactions[tx_id] = common_height
            self._transactions.move_to_end(tx_id)
        while len(self._transactions) > TRANSACTIONS_MAX:
            self._transactions.popitem(last=False)

    def learn(self, tree: Tree) -> None:
        """Take up what a node remembers: other branches, and reorganisations before this site looked."""
        for reorganisation in reversed(tree.reorganisations):
            self._learn_old(reorganisation)
        self.note_back(block.id for block in tree.blocks if block.is_canonical)
        for block in tree.blocks:
            if not block.is_canonical:
                self._keep(
                    UndoneBlock(
                        id=block.id,
                        height=block.height,
                        parent=block.parent,
                        time_ms=block.time_ms,
                        proposer=block.proposer,
                        proposer_name=block.proposer_name,
                        tx_count=block.tx_count,
                        engine=block.engine,
                        is_tail=block.is_tail,
                    )
                )

    def _learn_old(self, reorganisation: Reorganisation) -> None:
        if reorganisation.old_id and reorganisation.old_id not in self._blocks:
            self._keep(UndoneBlock(id=reorganisation.old_id, height=reorganisation.old_height))
        known = self._transactions
        news = [tx_id for tx_id in reorganisation.dropped if tx_id not in known]
        self.note_dropped(news, reorganisation.common_height)

    def _keep(self, block: UndoneBlock) -> None:
        self._blocks[block.id] = block
        self._blocks.move_to_end(block.id)
        while len(self._blocks) > BLOCKS_MAX:
            self._blocks.popitem(last=False)
