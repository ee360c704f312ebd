"""The tables of chain.db, how a connection is opened, and what a fault of SQLite means for the node.

Every table is append-only but `network`, `state` with `held`, `candidate` and `undo`; only a roll back
deletes blocks.
Names of transactions, accounts and blocks are kept as short integer prefixes; a reader resolves the rare
collision by looking at the block itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chaosnet.base.errors import Broken, ChaosError, Refused, Unavailable

_VERSION_1: Final = (
    "CREATE TABLE network (genesis BLOB NOT NULL)",
    # A header's id is its hash and its seal is what made it final, so neither needs a copy elsewhere.
    """CREATE TABLE header (
        height INTEGER PRIMARY KEY,
        header BLOB NOT NULL,
        seal BLOB NOT NULL,
        block_bytes INTEGER NOT NULL,
        txs_total INTEGER NOT NULL -- transactions of the chain up to and with this block
    )""",
    "CREATE TABLE block_name (prefix INTEGER, height INTEGER, PRIMARY KEY (prefix, height)) WITHOUT ROWID",
    """CREATE TABLE body (
        height INTEGER PRIMARY KEY,
        has_stored_seal INTEGER NOT NULL, -- 1: its parent_seal is the parent's stored seal and is left out
        receipts BLOB NOT NULL,
        body BLOB NOT NULL
    )""",
    "CREATE TABLE tx_name (prefix INTEGER, location INTEGER, PRIMARY KEY (prefix, location)) WITHOUT ROWID",
    "CREATE TABLE history (account INTEGER, location INTEGER, PRIMARY KEY (account, location)) WITHOUT ROWID",
    "CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE undo (height INTEGER PRIMARY KEY, changes BLOB NOT NULL)",
    "CREATE TABLE candidate (id BLOB PRIMARY KEY, height INTEGER NOT NULL, block BLOB NOT NULL)",
    "CREATE TABLE evidence (key BLOB PRIMARY KEY, evidence BLOB NOT NULL)",
)

# Version 1 knew only blocks that are final at once, so its head is final.
_VERSION_2: Final = (
    "ALTER TABLE network ADD COLUMN final_height INTEGER NOT NULL DEFAULT 0",
    "UPDATE network SET final_height = (SELECT coalesce(max(height), 0) FROM header)",
    # What a branching engine remembers at this block.
    "ALTER TABLE undo ADD COLUMN view BLOB NOT NULL DEFAULT x''",
    # Rows of tx_name and history; empty where the block was final at once.
    "ALTER TABLE undo ADD COLUMN names BLOB NOT NULL DEFAULT x''",
)

# What is kept of this node's trust in the chain; empty: nothing was ever in doubt.
_VERSION_3: Final = ("ALTER TABLE network ADD COLUMN trust BLOB NOT NULL DEFAULT x''",)

# Events, returned values and texts of a block's contracts; no row where there are none.
_VERSION_4: Final = (
    "CREATE TABLE IF NOT EXISTS outcome (height INTEGER PRIMARY KEY, outcomes BLOB NOT NULL)",
)

# Contracts by age, and tokens by holder: both follow from the keys of the state (ledger/keys.py).
_VERSION_5: Final = (
    "CREATE TABLE IF NOT EXISTS contract (number INTEGER PRIMARY KEY, address BLOB NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS held (holder BLOB, token BLOB, PRIMARY KEY (holder, token)) WITHOUT ROWID",
    """INSERT OR IGNORE INTO contract (address)
        SELECT substr(key, 3) FROM state WHERE key > x'1421' AND key < x'1422'""",
    """INSERT OR IGNORE INTO held (holder, token)
        SELECT substr(key, 36), substr(key, 3, 32) FROM state WHERE key > x'1720' AND key < x'1721'""",
)

STEPS: Final = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5)
"""Statements that lead from each schema version to the next; version 0 is an empty file."""

FINALITY_VERSION: Final = 2
"""The first that knows of blocks that are not final."""

_PAGE_BYTES: Final = 4096
_WAL_PAGES: Final = 8192
"""A checkpoint every 32 MiB: pages of `state` are rewritten in almost every block, so fewer is faster."""


def open_writer(path: Path) -> sqlite3.Connection:
    """Open or create the file for writing: after a commit returns, no power cut undoes it."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {2 * _WAL_PAGES * _PAGE_BYTES}")
        connection.execute("PRAGMA cache_size = -65536")
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading; never waits for the writer."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA cache_size = -8192")
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version; raises Refused(`schema_newer`) for one this release does not know."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(STEPS):
        raise Refused("schema_newer", f"database has schema {version}, this release knows {len(STEPS)}")
    return version


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring the tables from `version` to this release's, inside the caller's transaction."""
    for step in STEPS[version:]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(STEPS)}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing, durable at its end."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def naming_faults(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into ours: `disk_full`, `data_damaged`, `disk_failed`, `internal`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _fault(error, path) from error


def damaged(path: Path, detail: str) -> Broken:
    """Return the error for stored data that is not what was written."""
    return Broken(
        "data_damaged",
        f"{path}: {detail}; `chaosnet node reset` deletes the chain and fetches it again from peers",
    )


def _fault(error: sqlite3.Error, path: Path) -> ChaosError:
    # The low byte is the kind, the rest says more precisely where (sqlite.org/rescode.html).
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return Unavailable("disk_full", f"{path}: {error}")
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, str(error))
    if kind in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return Broken("disk_failed", f"{path}: {error}")
    return Broken("internal", f"{path}: {error}")
