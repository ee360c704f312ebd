import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosnet.base.errors import Broken, Refused
from chaosnet.storage import schema
from chaosnet.storage.datadir import CHAIN_FILE, lock_directory, wipe
from chaosnet.storage.reader import ChainView
from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import GENESIS, Chain
from tests.unit.storage.stores import assert_holds, reopened, started


def test_a_newer_schema_is_refused(store: ChainStore) -> None:
    store.close()
    raw = sqlite3.connect(store.path)
    raw.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
    raw.commit()
    raw.close()
    before = store.path.read_bytes()
    with pytest.raises(Refused) as caught:
        reopened(store.directory)
    assert caught.value.code == "schema_newer"
    assert store.path.read_bytes() == before


def test_an_older_schema_is_brought_forward(
    store: ChainStore, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.commit_block(chain.next(2))
    store.close()
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, ("CREATE TABLE later (x)",)))
    again = reopened(store.directory)
    assert again._writer.execute("PRAGMA user_version").fetchone()[0] == len(schema.STEPS)
    assert again._writer.execute("SELECT count(*) FROM later").fetchone()[0] == 0
    assert_holds(again, chain)
    again.close()


def test_a_chain_of_version_1_is_final_up_to_its_head(store: ChainStore, chain: Chain) -> None:
    for _ in range(3):
        store.commit_block(chain.next(2))
    store.close()
    raw = sqlite3.connect(store.path)
    for table, column in (("network", "final_height"), ("undo", "view"), ("undo", "names")):
        raw.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    raw.execute("ALTER TABLE network DROP COLUMN trust")
    raw.execute("PRAGMA user_version = 1")
    raw.commit()
    raw.close()
    view = ChainView.of_existing(store.directory)
    assert view.final_height() == 3
    assert view.snapshot(is_final=True) == view.snapshot() == (3, chain.state)
    view.close()
    again = reopened(store.directory)
    assert (again.final_height(), again.view(3), again.undo(3)) == (3, b"", chain.persisted[2].undo)
    with pytest.raises(Broken):
        again.roll_back(2)
    again.commit_block(chain.next(2, final_height=1))
    assert again.final_height() == 3
    again.commit_block(chain.next(2, final_height=3))
    again.roll_back(chain.roll_back(3).height)
    assert_holds(again, chain)
    again.close()


def test_a_final_height_above_the_head_is_damage(store: ChainStore) -> None:
    store._writer.execute("UPDATE network SET final_height = 1")
    store.close()
    with pytest.raises(Broken) as caught:
        reopened(store.directory)
    assert caught.value.code == "data_damaged"


def test_another_networks_data_is_refused(store: ChainStore, chain: Chain) -> None:
    store.close()
    with pytest.raises(Refused) as caught:
        ChainStore.create_or_open(store.directory, bytes(32), chain.genesis_block)
    assert caught.value.code == "wrong_genesis"


def test_a_directory_serves_one_process(store: ChainStore, chain: Chain) -> None:
    with pytest.raises(Refused) as caught:
        started(store.directory, chain)
    assert caught.value.code == "in_use"
    with pytest.raises(Refused):
        wipe(store.directory)
    store.close()
    reopened(store.directory).close()


def test_nothing_there_and_no_genesis_block_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        reopened(tmp_path)
    assert caught.value.code == "not_found"
    assert not (tmp_path / CHAIN_FILE).exists()


def test_a_failed_start_leaves_a_directory_that_can_be_started(tmp_path: Path, chain: Chain) -> None:
    def items() -> Iterator[tuple[bytes, bytes]]:
        yield b"k", b"v"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ChainStore.create_or_open(tmp_path, GENESIS, chain.genesis_block, items())
    with pytest.raises(Refused) as caught:
        reopened(tmp_path)
    assert caught.value.code == "not_found"
    store = started(tmp_path, chain)
    assert dict(store.load_state()) == chain.genesis_state
    store.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE body SET body = substr(body, 1, length(body) - 9) WHERE height = 2",
        "UPDATE header SET header = CAST(header || x'00' AS BLOB) WHERE height = 2",
        "DELETE FROM body WHERE height = 2",
        "DELETE FROM header WHERE height = 1",
        "DELETE FROM block_name WHERE height = 2",
        "DELETE FROM header",
    ],
)
def test_a_damaged_head_is_named_with_the_way_out(store: ChainStore, chain: Chain, damage: str) -> None:
    for _ in range(2):
        store.commit_block(chain.next(3))
    store.close()
    raw = sqlite3.connect(store.path)
    raw.execute(damage)
    raw.commit()
    raw.close()
    with pytest.raises(Broken) as caught:
        reopened(store.directory)
    assert caught.value.code == "data_damaged"
    assert "chaosnet node reset" in str(caught.value)
    with lock_directory(store.directory):
        pass


def test_a_file_that_is_no_database_is_damaged(store: ChainStore) -> None:
    store.close()
    store.path.write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(Broken) as caught:
        reopened(store.directory)
    assert caught.value.code == "data_damaged"


def test_a_damaged_older_block_is_found_when_it_is_read(store: ChainStore, chain: Chain) -> None:
    for _ in range(3):
        store.commit_block(chain.next(3))
    store._writer.execute("UPDATE body SET body = zeroblob(99), receipts = zeroblob(9) WHERE height = 1")
    store.close()
    again = reopened(store.directory)
    for read in (again.sealed_at, again.block, again.receipts):
        with pytest.raises(Broken) as caught:
            read(1)
        assert caught.value.code == "data_damaged"
    again.close()
