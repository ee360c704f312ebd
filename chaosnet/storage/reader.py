"""Reading chain.db from any thread: for the kernel (kernel.ports.ChainReader) and for the interfaces.

Blocks above the final one may be rolled back at any moment. So each call asks once, in one statement, what is
canonical; what else it needs it takes only if it stands beside that very header. Headers of the latest
heights are kept until a roll back, encoded blocks by their id. Connections are read-only; in WAL mode nobody
waits.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from chaosnet.base.codec import Decoder
from chaosnet.base.errors import ChaosError, Refused
from chaosnet.base.units import BlockId
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.model.block import Block
from chaosnet.model.evidence import Evidence
from chaosnet.model.header import Header, decode_header
from chaosnet.model.receipt import Outcome, Receipt
from chaosnet.model.transaction import decode_transaction
from chaosnet.storage import layout
from chaosnet.storage.contract_reader import ContractReader
from chaosnet.storage.datadir import CHAIN_FILE, chain_bytes
from chaosnet.storage.recent import Recent
from chaosnet.storage.schema import FINALITY_VERSION, damaged, naming_faults, open_reader, version_of

T = TypeVar("T")

_SELECT_HEADER: Final = "SELECT height, header, seal, block_bytes, txs_total FROM header"
_SELECT_BODY: Final = """
    SELECT has_stored_seal, body, parent.seal
    FROM header JOIN body USING (height) LEFT JOIN header AS parent ON parent.height = header.height - 1
    WHERE header.height = ? AND header.header = ?"""
_SELECT_RECEIPTS: Final = (
    "SELECT receipts FROM header JOIN body USING (height) WHERE height = ? AND header = ?"
)
_SELECT_LEFT: Final = """
    SELECT outcomes FROM header JOIN body USING (height) LEFT JOIN outcome USING (height)
    WHERE height = ? AND header = ?"""
_SELECT_NAMED_TX: Final = """
    SELECT location, height, header, seal, block_bytes, txs_total
    FROM tx_name JOIN header ON height = location >> 16 WHERE prefix = ?"""

_RECENT_HEADERS: Final = 512
_RECENT_BLOCKS: Final = 8
_EVIDENCE_BYTES_MAX: Final = 4096
_NO_LOCATION: Final = 2**63 - 1
_HASH_BYTES: Final = 32

_evidence_decoder: Decoder[Evidence] = Decoder(Evidence, _EVIDENCE_BYTES_MAX)


class StoredHeader(NamedTuple):
    """A canonical header with what stands beside it."""

    height: int
    block_id: BlockId
    header: bytes
    """Encoded Header."""
    seal: bytes
    block_bytes: int
    """Size of the encoded Block."""
    txs_total: int
    """Transactions of the chain up to and with this block."""

    def decoded(self) -> Header:
        """Return the header."""
        return decode_header(self.header)


class StoredBlock(NamedTuple):
    """A canonical block with what stands beside it."""

    stored: StoredHeader
    block: Block


class FoundTransaction(NamedTuple):
    """A transaction on the chain and what it did."""

    height: int
    position: int
    raw: bytes
    receipt: Receipt


class ChainView(ContractReader):
    """All that can be read of a chain.db. Methods may be called from any thread.

    Raises Broken(`data_damaged`, `disk_failed`). Where another process writes, its roll backs are not
    noticed: there read up to the final height (`snapshot`).
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / CHAIN_FILE
        self._idle: list[sqlite3.Connection] = []
        self._headers: Recent[int, StoredHeader] = Recent(_RECENT_HEADERS)
        self._blocks: Recent[bytes, bytes] = Recent(_RECENT_BLOCKS)

    @classmethod
    def of_existing(cls, directory: Path) -> "ChainView":
        """Open a chain for reading alone, whether or not a node is writing it.

        Raises Refused: `not_found`, `schema_newer`.
        """
        view = cls(directory)
        if not view.path.exists():
            raise Refused("not_found", f"no chain in {directory}")
        with view._reading() as connection:
            if version_of(connection) < 1:
                raise Refused("not_found", f"no chain was started in {directory}")
        return view

    # ── for the kernel ───────────────────────────────────────────────────────────────────────────────────

    def block_id_at(self, height: int) -> bytes | None:
        """Return the canonical block id at a height, or None above the head."""
        stored = self.stored_header(height)
        return None if stored is None else stored.block_id

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        """Return (encoded header, seal) of the canonical block at a height."""
        stored = self.stored_header(height)
        return None if stored is None else (stored.header, stored.seal)

    def sealed_at(self, height: int) -> bytes | None:
        """Return the encoded SealedBlock at a height; None when unknown or pruned."""
        stored = self.stored_header(height)
        block = None if stored is None else self.encoded_block(stored)
        return None if stored is None or block is None else layout.join_sealed(block, stored.seal)

    def candidate(self, block_id: bytes) -> bytes | None:
        """Return the encoded Block of a kept candidate."""
        row = self._row("SELECT block FROM candidate WHERE id = ?", (block_id,))
        return None if row is None else row[0]

    def tail_blocks(self) -> list[bytes]:
        """Return the kept candidates by height: above the last block of an era, its tail's SealedBlocks."""
        return [row[0] for row in self._rows("SELECT block FROM candidate ORDER BY height, id", ())]

    def has_transaction(self, tx_id: bytes) -> bool:
        """Return whether a canonical block holds this transaction.

        For an unknown one this is a single lookup; a known one is read and compared.
        """
        return self._locate(tx_id) is not None

    # ── for the interfaces ───────────────────────────────────────────────────────────────────────────────

    def stored_header(self, name: int | bytes) -> StoredHeader | None:
        """Return the canonical header at a height, or with a block id."""
        if isinstance(name, bytes):
            return self._header_named(name)
        recent = self._headers.get(name)
        if recent is not None:
            return recent
        generation = self._headers.generation
        row = self._row(_SELECT_HEADER + " WHERE height = ?", (name,))
        if row is None:
            return None
        stored = stored_header_of(row)
        self._headers.put(name, stored, generation)
        return stored

    def headers(self, first: int, count: int, *, descending: bool = False) -> list[StoredHeader]:
        """Return at most `count` canonical headers from height `first` upwards, or downwards."""
        order, relation = ("DESC", "<=") if descending else ("ASC", ">=")
        rows = self._rows(
            f"{_SELECT_HEADER} WHERE height {relation} ? ORDER BY height {order} LIMIT ?", (first, count)
        )
        return [stored_header_of(row) for row in rows]

    def block(self, name: int | bytes) -> StoredBlock | None:
        """Return the canonical block at a height, or with a block id; None when unknown or pruned."""
        stored = self.stored_header(name)
        encoded = None if stored is None else self.encoded_block(stored)
        if stored is None or encoded is None:
            return None
        with self._reading_bytes(stored.height):
            return StoredBlock(stored, layout.read_block(encoded))

    def encoded_block(self, stored: StoredHeader) -> bytes | None:
        """Return the encoded Block of a canonical header; None when pruned or rolled back."""
        recent = self._blocks.get(stored.block_id)
        if recent is not None:
            return recent
        generation = self._blocks.generation
        row = self._row(_SELECT_BODY, (stored.height, stored.header))
        if row is None:
            return None
        has_stored_seal, body, parents_seal = row
        with self._reading_bytes(stored.height):
            seal = (parents_seal or b"") if has_stored_seal else None
            block = layout.unpack_body(body, stored.header, seal)
        self._blocks.put(stored.block_id, block, generation)
        return block

    def receipts(self, name: int | bytes) -> tuple[Receipt, ...] | None:
        """Return the receipts of the block at a height, or with a block id; None when unknown or pruned."""
        found = self.block(name)
        packed = None if found is None else self._packed_receipts(found.stored)
        if found is None or packed is None:
            return None
        with self._reading_bytes(found.stored.height):
            return layout.unpack_receipts(packed, found.block.txs)

    def outcomes(self, height: int) -> bytes | None:
        """Return the receipts of a block in the form of `layout.outcomes_of`; None when unknown or pruned."""
        row = self._row("SELECT receipts FROM body WHERE height = ?", (height,))
        if row is None:
            return None
        with self._reading_bytes(height):
            return layout.inflate(row[0])

    def find_transaction(self, tx_id: bytes) -> FoundTransaction | None:
        """Return a transaction of the chain with its place and its receipt."""
        found = self._locate(tx_id)
        if found is None:
            return None
        stored, position, raw = found
        packed = self._packed_receipts(stored)
        if packed is None:
            return None
        with self._reading_bytes(stored.height):
            receipt = layout.unpack_receipt(packed, raw, position)
            return FoundTransaction(stored.height, position, raw, receipt)

    def left_by(self, name: int | bytes) -> tuple[Outcome, ...] | None:
        """Return what each transaction of a block left, () where no contract ran; None as with `receipts`."""
        stored = self.stored_header(name)
        row = None if stored is None else self._row(_SELECT_LEFT, (stored.height, stored.header))
        if stored is None or row is None:
            return None
        with self._reading_bytes(stored.height):
            return layout.unpack_left(row[0]) if row[0] is not None else ()

    def account_history(
        self, address: bytes, before: tuple[int, int] | None, limit: int
    ) -> list[tuple[int, int]]:
        """Return (height, position) of the latest transactions that name an account, latest first.

        `before`: the last place of the page before this one; None for the first page.
        """
        bound = layout.location_of(*before) if before else _NO_LOCATION
        rows = self._rows(
            "SELECT location FROM history WHERE account = ? AND location < ? ORDER BY location DESC LIMIT ?",
            (layout.account_prefix(address), bound, limit),
        )
        return [layout.place_of(location) for (location,) in rows]

    def undo(self, height: int) -> layout.Changes | None:
        """Return state key -> value before the block at this height; None when pruned."""
        row = self._row("SELECT changes FROM undo WHERE height = ?", (height,))
        if row is None:
            return None
        with self._reading_bytes(height):
            return layout.unpack_undo(row[0])

    def view(self, height: int) -> bytes | None:
        """Return what the engine remembers at the block at a height, empty where it has nothing to.

        None when pruned, which none is from the final height on.
        """
        row = self._row("SELECT view FROM undo WHERE height = ?", (height,))
        return None if row is None else row[0]

    def final_height(self) -> int:
        """Return up to which height nothing can be rolled back."""
        with self._reading() as connection:
            return _final_height_of(connection)

    def evidence(self) -> list[Evidence]:
        """Return all proofs of double signatures kept for the operator."""
        return [_evidence_decoder.decode(row[0]) for row in self._rows("SELECT evidence FROM evidence", ())]

    def load_state(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every (key, value) of the state after the head."""
        with self._reading() as connection:
            yield from connection.execute("SELECT key, value FROM state")

    def snapshot(self, *, is_final: bool = False) -> tuple[int, dict[bytes, bytes]]:
        """Return the height of the head and the state after it, as of one moment, also of a running node.

        `is_final`: of the newest final block instead, which stays canonical whatever the node does.
        """
        with self._reading() as connection:
            connection.execute("BEGIN")
            try:
                state = dict(connection.execute("SELECT key, value FROM state"))
                if not is_final:
                    return _head_height_of(connection), state
                height = _final_height_of(connection)
                above = "SELECT height, changes FROM undo WHERE height > ? ORDER BY height DESC"
                for undone, packed in connection.execute(above, (height,)):
                    with self._reading_bytes(undone):
                        layout.take_back(state, layout.unpack_undo(packed))
                return height, state
            finally:
                connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._close_readers()

    def size_bytes(self) -> int:
        """Return the bytes the chain takes on disk, the write-ahead log included."""
        return chain_bytes(self.directory)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to this thread; there are as many as threads ever read at once."""
        with naming_faults(self.path):
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = open_reader(self.path)
            try:
                yield connection
            finally:
                self._idle.append(connection)

    def _row(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self._reading() as connection:
            row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
            return row

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._reading() as connection:
            return connection.execute(query, values).fetchall()

    def _header_named(self, block_id: bytes) -> StoredHeader | None:
        if len(block_id) != _HASH_BYTES:
            return None
        for (height,) in self._rows(
            "SELECT height FROM block_name WHERE prefix = ?", (layout.hash_prefix(block_id),)
        ):
            stored = self.stored_header(height)
            if stored is not None and stored.block_id == block_id:
                return stored
        return None

    def _packed_receipts(self, stored: StoredHeader) -> bytes | None:
        row = self._row(_SELECT_RECEIPTS, (stored.height, stored.header))
        return None if row is None else row[0]

    def _locate(self, tx_id: bytes) -> tuple[StoredHeader, int, bytes] | None:
        """Return (header, position, raw) of a transaction."""
        if len(tx_id) != _HASH_BYTES:
            return None
        for location, *row in self._rows(_SELECT_NAMED_TX, (layout.hash_prefix(tx_id),)):
            _, position = layout.place_of(location)
            stored = stored_header_of(row)
            encoded = self.encoded_block(stored)
            if encoded is None:
                continue
            with self._reading_bytes(stored.height):
                raw = layout.read_block(encoded).txs[position]
                if decode_transaction(raw).tx_id == tx_id:
                    return stored, position, raw
        return None

    def _close_readers(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _reading_bytes(self, height: int) -> Iterator[None]:
        """Turn failures to read stored bytes into `data_damaged`."""
        try:
            yield
        except (ValueError, IndexError, ChaosError) as error:
            raise damaged(self.path, f"block {height}: {error}") from error


def _head_height_of(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT max(height) FROM header").fetchone()[0] or 0


def _final_height_of(connection: sqlite3.Connection) -> int:
    if version_of(connection) < FINALITY_VERSION:
        return _head_height_of(connection)
    row = connection.execute("SELECT final_height FROM network").fetchone()
    return row[0] if row else 0


def stored_header_of(row: Sequence[Any]) -> StoredHeader:
    """Return the header of a row (columns as in `_SELECT_HEADER`), or of what is about to be one."""
    height, header, seal, block_bytes, txs_total = row
    return StoredHeader(height, header_id_of(header), header, seal, block_bytes, txs_total)


def header_id_of(header: bytes) -> BlockId:
    """Return the id of a block by its encoded header."""
    return BlockId(tagged_hash(b"header", header))
