"""The chain on disk: one SQLite file, one writer, one transaction per block or roll back.

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
from chaosnet.crypto.addresses import ADDRESS_BYTES
from chaosnet.kernel.events import VIEW_BYTES_MAX, PersistBlock, PersistCandidate, PersistEvidence
from chaosnet.ledger.keys import CONTRACT, HOLDING
from chaosnet.model.block import SealedBlock, decode_block
from chaosnet.model.evidence import evidence_key
from chaosnet.model.header import Header, block_id_of
from chaosnet.storage import layout, schema
from chaosnet.storage.datadir import CHAIN_FILE, FileLock, lock_directory, sync_directory
from chaosnet.storage.reader import ChainView, StoredHeader, header_id_of, stored_header_of

UNDO_BLOCKS: Final = 144
"""Undo records kept at least: the heights that reads and proofs are served for, and a margin."""
UNDO_MARGIN: Final = 16
"""Undo records kept at least up to the final block. Its view is among them, as all that a roll back needs."""


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
        self._final_height = self.final_height()
        if self._final_height > self._head.height:
            raise schema.damaged(self.path, f"head {self._head.height} below the final height")

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
        """Make a block the head: bytes, seal, receipts, state changes, undo record and indexes, or none.

        The final height never sinks, and is never above the head: a block may come with one that only blocks
        after it will reach.
        """
        head = self._head
        header = encode(block.header)
        stored = stored_header_of(
            (block.height, header, block.seal, len(block.block), head.txs_total + len(block.tx_ids))
        )
        if block.height != head.height + 1 or block.header.parent != head.block_id:
            raise Broken("internal", f"block {block.height} does not follow the head {head.height}")
        if stored.block_id != block.block_id or block.header.height != block.height:
            raise Broken("internal", f"block {block.height} is not the one its id names")
        if len(block.view) > VIEW_BYTES_MAX:
            raise Broken("internal", f"view of {len(block.view)} bytes at block {block.height}")
        claimed = block.height if block.final_height < 0 else min(block.final_height, block.height)
        final_height = max(claimed, self._final_height)
        body = layout.pack_body(block.block, header, head.seal)
        receipts = layout.pack_receipts(block.receipts)
        with schema.naming_faults(self.path), schema.transaction(self._writer):
            _insert_block(self._writer, stored, body, receipts)
            if block.outcomes:
                left = block.height, layout.pack_left(block.outcomes)
                self._writer.execute("INSERT INTO outcome (height, outcomes) VALUES (?, ?)", left)
            txs = layout.tx_rows(block.height, block.tx_ids)
            history = layout.history_rows(block.height, block.touched)
            history = sorted({*history, *layout.outcome_rows(block.height, block.outcomes)})
            _insert_names(self._writer, txs, history)
            _change_state(self._writer, block.changes)
            names = b"" if final_height >= block.height else layout.pack_names(txs, history)
            self._writer.execute(
                "INSERT INTO undo (height, changes, view, names) VALUES (?, ?, ?, ?)",
                (block.height, layout.pack_undo(block.undo), block.view, names),
            )
            self._writer.execute("UPDATE network SET final_height = ?", (final_height,))
            self._drop_undo(block.height, final_height)
            self._writer.execute("DELETE FROM candidate WHERE height <= ?", (block.height,))
        self._headers.put(block.height, stored, self._headers.generation)
        self._blocks.put(stored.block_id, block.block, self._blocks.generation)
        self._head, self._final_height = stored, final_height

    def roll_back(self, height: int) -> None:
        """Make the canonical block at this height the head again: all that came above is undone, or nothing.

        Raises Broken(`internal`) for a height above the head or below the final one.
        """
        if not self._final_height <= height <= self._head.height:
            raise Broken(
                "internal", f"roll back from {self._head.height} to {height}, {self._final_height} final"
            )
        head = self.stored_header(height)
        if head is None:
            raise schema.damaged(self.path, f"block {height} is missing")
        with schema.naming_faults(self.path), schema.transaction(self._writer):
            self._take_back(height)
        # After the commit: whoever read the disk before it must not put what is gone into the caches again.
        self._headers.forget()
        self._blocks.forget()
        self._head = head

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

    def keep_trust(self, trust: bytes) -> None:
        """Keep what the kernel knows of this node's trust, in place of what was kept before."""
        with schema.naming_faults(self.path):
            self._writer.execute("UPDATE network SET trust = ?", (trust,))

    def trust(self) -> bytes:
        """Return what was kept of this node's trust; empty: nothing."""
        with schema.naming_faults(self.path):
            row = self._writer.execute("SELECT trust FROM network").fetchone()
        return bytes(row[0])

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _drop_undo(self, height: int, final_height: int) -> None:
        margin = min(UNDO_MARGIN, self._undo_blocks)
        last = min(height - self._undo_blocks, final_height - margin)
        self._writer.execute("DELETE FROM undo WHERE height <= ?", (last,))

    def _take_back(self, height: int) -> None:
        """Undo all blocks above a height, inside the caller's transaction."""
        writer = self._writer
        rows = writer.execute(
            "SELECT height, header, changes, names FROM header JOIN undo USING (height) WHERE height > ?"
            " ORDER BY height DESC",
            (height,),
        ).fetchall()
        if len(rows) != self._head.height - height:
            raise schema.damaged(self.path, f"undo records are missing above block {height}")
        before: layout.Changes = {}
        for undone, header, changes, names in rows:
            with self._reading_bytes(undone):
                before |= layout.unpack_undo(changes)
                txs, history = layout.unpack_names(names)
            prefix = layout.hash_prefix(header_id_of(header))
            writer.execute("DELETE FROM block_name WHERE prefix = ? AND height = ?", (prefix, undone))
            writer.executemany("DELETE FROM tx_name WHERE prefix = ? AND location = ?", txs)
            writer.executemany("DELETE FROM history WHERE account = ? AND location = ?", history)
        _change_state(writer, before)
        for table in ("header", "body", "undo", "outcome"):
            writer.execute(f"DELETE FROM {table} WHERE height > ?", (height,))  # noqa: S608 - of these four

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


def _insert_names(
    connection: sqlite3.Connection, txs: list[tuple[int, int]], history: list[tuple[int, int]]
) -> None:
    # REPLACE spares SQLite the look-up for a conflict: the keys are new, or their rows are equal.
    connection.executemany("REPLACE INTO tx_name (prefix, location) VALUES (?, ?)", txs)
    connection.executemany("REPLACE INTO history (account, location) VALUES (?, ?)", history)


def _change_state(connection: sqlite3.Connection, changes: layout.Changes | dict[bytes, bytes]) -> None:
    """Write new values in key order, so that neighbours share pages; then delete."""
    connection.executemany(
        "REPLACE INTO state (key, value) VALUES (?, ?)",
        sorted((key, value) for key, value in changes.items() if value is not None),
    )
    connection.executemany(
        "DELETE FROM state WHERE key = ?", sorted((key,) for key, value in changes.items() if value is None)
    )
    _follow_state(connection, changes)


def _follow_state(connection: sqlite3.Connection, changes: layout.Changes | dict[bytes, bytes]) -> None:
    """Bring what follows from keys of the state up to date."""
    for key, value in changes.items():
        if key[0] == CONTRACT:
            if value is None:
                connection.execute("DELETE FROM contract WHERE address = ?", (key[2:],))
            else:
                connection.execute("INSERT OR IGNORE INTO contract (address) VALUES (?)", (key[2:],))
        elif key[0] == HOLDING:
            held = key[-ADDRESS_BYTES:], key[2:34]
            if value is None:
                connection.execute("DELETE FROM held WHERE holder = ? AND token = ?", held)
            else:
                connection.execute("INSERT OR IGNORE INTO held (holder, token) VALUES (?, ?)", held)
