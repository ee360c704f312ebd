"""Stores to test with, and the check that one holds what a chain made."""

from pathlib import Path
from typing import Final

import msgspec

from chaosnet.model.block import decode_sealed
from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import GENESIS, Chain


def started(directory: Path, chain: Chain, *, undo_blocks: int = 16) -> ChainStore:
    """Start a chain in a directory."""
    return ChainStore.create_or_open(
        directory, GENESIS, chain.genesis_block, chain.genesis_state.items(), undo_blocks=undo_blocks
    )


def reopened(directory: Path) -> ChainStore:
    """Open the chain that is there."""
    return ChainStore.create_or_open(directory, GENESIS, None)


TABLES: Final = ("header", "block_name", "body", "tx_name", "history", "state")


def rows_of(store: ChainStore) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of what speaks of the canonical chain."""
    return {
        table: store._writer.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES
    }


def assert_holds(store: ChainStore, chain: Chain) -> None:
    """The store has exactly what the chain made."""
    assert dict(store.load_state()) == chain.state
    assert store.head().height == len(chain.persisted)
    for made in chain.persisted:
        sealed = store.sealed_at(made.height)
        assert sealed is not None
        assert decode_sealed(sealed).seal == made.seal
        found = store.block(made.height)
        assert found is not None
        assert msgspec.msgpack.encode(found.block) == made.block
        assert store.receipts(made.height) == made.receipts
