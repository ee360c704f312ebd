from pathlib import Path

import pytest

from chaosnet.base.errors import Refused
from chaosnet.storage.datadir import FileLock, chain_bytes, free_bytes, wipe
from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import Chain
from tests.unit.storage.stores import started


def test_reset_deletes_the_chain_and_nothing_else(store: ChainStore, chain: Chain) -> None:
    directory = store.directory
    kept = directory / "signstate"
    kept.write_bytes(b"never touched")
    store.close()
    assert wipe(directory)
    assert not wipe(directory)
    assert kept.read_bytes() == b"never touched"
    assert sorted(path.name for path in directory.iterdir()) == ["LOCK", "signstate"]
    started(directory, chain).close()


def test_nothing_to_reset(tmp_path: Path) -> None:
    assert not wipe(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_sizes(store: ChainStore) -> None:
    assert free_bytes(store.directory) > 0
    assert store.size_bytes() == chain_bytes(store.directory) > 4096


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "x")
    with pytest.raises(Refused):
        FileLock(tmp_path / "x")
    lock.release()
    lock.release()
    with FileLock(tmp_path / "x"):
        pass
