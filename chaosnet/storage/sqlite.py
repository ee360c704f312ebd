"""The chain on disk: one SQLite file, one writer, one transaction per block.

What a commit wrote is there after any kill or power cut (WAL, synchronous = FULL), and what it had not
finished leaves no trace. Reads are in `reader`; the state is read once at start and lives in memory.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken, ChaosError, Refused
from chaosnet.base.units import BlockId
from chaosnet.kernel.events import PersistBlock, PersistCandidate, PersistEvidence
from chaosnet.model.block import SealedBlock, decode_block
from chaosnet.model.evidence import evidence_key
from chaosnet.model.header import Header, block_id_of
from chaosnet.storage import layout, schema
from chaosnet.storage.datadir import CHAIN_FILE, FileLock, lock_directory, sync_directory
from chaosnet.storage.reader import ChainView, StoredHeader, stored_header_of

UNDO_BLOCKS: Final = 16
"""Undo records kept where blocks are final at once; other engines need their finality depth and a margin."""


class Head(NamedTuple):
    """The last block of the chain."""

    height: int
    block_id: BlockId
    header: Header
    seal: bytes


class ChainStore(ChainView):
    """Writes chain.db; holds the lock on its directory until `close`.

    One thread writes; reads, inherited from ChainView, come from any. A failed write raises and leaves the
    file as it was before: Unavailable(`disk_full`), Broken(`disk_failed`, `data_damaged`, `internal`).
    """

    def __init__(
        self, directory: Path, connection: sqlite3.Connection, lock: FileLock, *, undo_blocks: int
    ) -> None:
        super().__init__(directory)
        self._writer = connection
        self._lock = lock
        self._undo_blocks = undo_blocks
        self._head = self._checked_head()

    @classmethod
    def create_or_open(
        cls,
        directory: Path,
        genesis_hash: bytes,
        genesis_block: SealedBlock | None,
        state_items: Iterable[tuple[bytes, bytes]] = (),
        *,
        undo_blocks: int = UNDO_BLOCKS,
    ) -> "ChainStore":
        """Open the chain of a network, or start it from its block 0 and first state.

        `state_items` is read only when the chain is started. Raises Refused: `in_use`, `schema_newer`,
        `wrong_genesis`, `not_found` (nothing there and no genesis block given); Broken: `data_damaged`.
        """
        lock = lock_directory(directory)
        path = directory / CHAIN_FILE
        try:
            with schema.naming_faults(path):
                if genesis_block is None and not path.exists():
                    raise Refused("not_found", f"no chain in {directory}")
                connection = schema.open_writer(path)
                try:
                    _prepare(connection, genesis_hash, genesis_block, state_items)
                    sync_directory(directory)
                    sync_directory(directory.absolute().parent)
                    return cls(directory, connection, lock, undo_blocks=undo_blocks)
                except BaseException:
                    connection.close()
                    raise
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Close the file, folding the write-ahead log into it, and give the lock back."""
        self._close_readers()
        with schema.naming_faults(self.path):
            self._writer.close()
        self._lock.release()

    # ── start-up ─────────────────────────────────────────────────────────────────────────────────────────

    def head(self) -> Head:
        """Return the last committed block."""
        stored = self._head
        return Head(stored.height, stored.block_id, stored.decoded(), stored.seal)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────

    def commit_block(self, block: PersistBlock) -> None:
        """Make a block the head: bytes, seal, receipts, state changes, undo record and indexes, or none."""
        head = self._head
        header = encode(block.header)
        stored = stored_header_of(
            (block.height, header, block.seal, len(block.block), head.txs_total + len(block.tx_ids))
        )
        if block.height != head.height + 1 or block.header.parent != head.block_id:
            raise Broken("internal", f"block {block.height} does not follow the head {head.height}")
        if stored.block_id != block.block_id or block.header.height != block.height:
            raise Broken("internal", f"block {block.height} is not the one its id names")
        body = layout.pack_body(block.block, header, head.seal)
        receipts = layout.pack_receipts(block.receipts)
        with schema.naming_faults(self.path), schema.transaction(self._writer):
            _insert_block(self._writer, stored, body, receipts)
            self._insert_names(block)
            _change_state(self._writer, block.changes)
            self._keep_undo(block)
            self._writer.execute("DELETE FROM candidate WHERE height <= ?", (block.height,))
        self._headers.put(block.height, stored)
        self._blocks.put(block.height, block.block)
        self._head = stored

    def keep_candidate(self, candidate: PersistCandidate) -> None:
        """Keep a block this node may lock on until a block of its height is committed."""
        with schema.naming_faults(self.path):
            self._writer.execute(
                "REPLACE INTO candidate (id, height, block) VALUES (?, ?, ?)",
                (candidate.block_id, candidate.height, candidate.block),
            )

    def keep_evidence(self, event: PersistEvidence) -> None:
        """Keep proof of a double signature; the first for a key, era and height stays."""
        with schema.naming_faults(self.path):
            self._writer.execute(
                "INSERT OR IGNORE INTO evidence (key, evidence) VALUES (?, ?)",
                (encode(evidence_key(event.evidence)), encode(event.evidence)),
            )

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _insert_names(self, block: PersistBlock) -> None:
        # REPLACE spares SQLite the look-up for a conflict: the keys are new, or their rows are equal.
        self._writer.executemany(
            "REPLACE INTO tx_name (prefix, location) VALUES (?, ?)",
            layout.tx_rows(block.height, block.tx_ids),
        )
        self._writer.executemany(
            "REPLACE INTO history (account, location) VALUES (?, ?)",
            layout.history_rows(block.height, block.touched),
        )

    def _keep_undo(self, block: PersistBlock) -> None:
        self._writer.execute(
            "INSERT INTO undo (height, changes) VALUES (?, ?)", (block.height, layout.pack_undo(block.undo))
        )
        self._writer.execute("DELETE FROM undo WHERE height <= ?", (block.height - self._undo_blocks,))

    def _checked_head(self) -> StoredHeader:
        """Return the head after checking that it is whole, names itself and follows its parent.

        One block is read, whatever the length of the chain; `chaosnet verify` reads all.
        """
        row = self._writer.execute("SELECT max(height) FROM header").fetchone()
        head = None if row[0] is None else self.stored_header(row[0])
        if head is None:
            raise schema.damaged(self.path, "no block is stored")
        try:
            header = decode_block(self.encoded_block(head) or b"").header
            parent = self.stored_header(head.height - 1)
            if self._header_named(head.block_id) != head or header.height != head.height:
                raise Broken("data_damaged", "header does not hash to the id it is stored under")
            if head.height and (parent is None or parent.block_id != header.parent):
                raise Broken("data_damaged", "parent is missing")
        except ChaosError as error:
            raise schema.damaged(self.path, f"head at height {head.height}: {error}") from error
        return head


def _prepare(
    connection: sqlite3.Connection,
    genesis_hash: bytes,
    genesis_block: SealedBlock | None,
    state_items: Iterable[tuple[bytes, bytes]],
) -> None:
    """Bring an opened file to the schema of this release and to this network, or refuse."""
    version = schema.version_of(connection)
    with schema.transaction(connection):
        if version < len(schema.STEPS):
            schema.migrate(connection, version)
        if version == 0:
            # An empty file: also what a kill during the first start leaves.
            if genesis_block is None:
                raise Refused("not_found", "no chain was started in this directory")
            _start_chain(connection, genesis_hash, genesis_block, state_items)
        row = connection.execute("SELECT genesis FROM network").fetchone()
        if row is None or row[0] != genesis_hash:
            raise Refused("wrong_genesis", f"data is of network {row[0].hex() if row else 'unknown'}")


def _start_chain(
    connection: sqlite3.Connection,
    genesis_hash: bytes,
    genesis_block: SealedBlock,
    state_items: Iterable[tuple[bytes, bytes]],
) -> None:
    connection.execute("INSERT INTO network (genesis) VALUES (?)", (genesis_hash,))
    header = encode(genesis_block.block.header)
    block = encode(genesis_block.block)
    stored = stored_header_of((0, header, genesis_block.seal, len(block), 0))
    if genesis_block.block.header.height != 0:
        raise Broken("internal", f"{block_id_of(genesis_block.block.header).hex()} is not block 0")
    _insert_block(connection, stored, layout.pack_body(block, header, b""), layout.pack_receipts(()))
    _change_state(connection, dict(state_items))


def _insert_block(
    connection: sqlite3.Connection, stored: StoredHeader, body: tuple[bool, bytes], receipts: bytes
) -> None:
    connection.execute(
        "INSERT INTO header (height, header, seal, block_bytes, txs_total) VALUES (?, ?, ?, ?, ?)",
        (stored.height, stored.header, stored.seal, stored.block_bytes, stored.txs_total),
    )
    connection.execute(
        "INSERT INTO block_name (prefix, height) VALUES (?, ?)",
        (layout.hash_prefix(stored.block_id), stored.height),
    )
    connection.execute(
        "INSERT INTO body (height, has_stored_seal, receipts, body) VALUES (?, ?, ?, ?)",
        (stored.height, body[0], receipts, body[1]),
    )


def _change_state(connection: sqlite3.Connection, changes: layout.Changes | dict[bytes, bytes]) -> None:
    """Write new values in key order, so that neighbours share pages; then delete."""
    connection.executemany(
        "REPLACE INTO state (key, value) VALUES (?, ?)",
        sorted((key, value) for key, value in changes.items() if value is not None),
    )
    connection.executemany(
        "DELETE FROM state WHERE key = ?", sorted((key,) for key, value in changes.items() if value is None)
    )
