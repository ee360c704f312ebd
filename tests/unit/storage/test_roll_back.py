"""Blocks above the final one can be taken back, and then were never there."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken
from chaosnet.kernel.events import VIEW_BYTES_MAX, RollBack
from chaosnet.model.block import tx_root_of
from chaosnet.model.receipt import receipts_root_of
from chaosnet.storage.reader import ChainView
from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import Chain, forking
from tests.unit.storage.stores import assert_holds, reopened, rows_of, started


def test_what_is_taken_back_was_never_there(store: ChainStore, chain: Chain) -> None:
    for _ in range(3):
        store.commit_block(chain.next(4, final_height=1))
    gone = chain.persisted[1:]
    address = gone[0].touched[0][4:]
    assert store.account_history(address, None, 99)
    for made in gone:  # into the caches
        assert store.block(made.height) is not None
    store.roll_back(chain.roll_back(1).height)
    assert_holds(store, chain)
    for made in gone:
        assert store.block_id_at(made.height) is None
        assert store.sealed_at(made.height) is None
        assert store.block(made.block_id) is None
        assert (store.undo(made.height), store.view(made.height)) == (None, None)
        assert not any(store.has_transaction(tx_id) for tx_id in made.tx_ids)
    assert all(height == 1 for height, _ in store.account_history(address, None, 99))
    other = chain.next(2, final_height=1)
    assert other.block_id != gone[0].block_id
    store.commit_block(other)
    assert store.block_id_at(2) == other.block_id
    assert_holds(store, chain)


def test_nothing_final_is_taken_back(store: ChainStore, chain: Chain) -> None:
    for final_height in (-1, 1, 2, 2):
        store.commit_block(chain.next(2, final_height=final_height))
    for height in (1, 0, 5):
        with pytest.raises(Broken) as caught:
            store.roll_back(height)
        assert caught.value.code == "internal"
    store.roll_back(4)
    assert_holds(store, chain)
    store.roll_back(chain.roll_back(2).height)
    assert_holds(store, chain)


def test_final_height_never_sinks_and_is_never_above_the_head(store: ChainStore, chain: Chain) -> None:
    seen = []
    for claimed in (0, 5, 1, 3, -1):
        store.commit_block(chain.next(1, final_height=claimed))
        seen.append(store.final_height())
    assert seen == [0, 2, 2, 3, 5]
    store.close()
    again = reopened(store.directory)
    assert again.final_height() == 5
    again.close()


def test_a_roll_back_that_fails_changes_nothing(store: ChainStore, chain: Chain) -> None:
    for _ in range(3):
        store.commit_block(chain.next(2, final_height=0))
    store._writer.execute("UPDATE undo SET names = x'00' WHERE height = 2")
    before = rows_of(store)
    with pytest.raises(Broken) as caught:
        store.roll_back(1)
    assert caught.value.code == "data_damaged"
    assert rows_of(store) == before
    assert_holds(store, chain)


def test_views_and_undo_records_are_kept_from_before_the_final_block(tmp_path: Path, chain: Chain) -> None:
    store = started(tmp_path, chain, undo_blocks=3)
    for height in range(1, 11):
        store.commit_block(chain.next(1, final_height=min(height, 5), view=b"view %d" % height))
    assert [store.view(height) for height in (2, 3, 5, 10)] == [None, b"view 3", b"view 5", b"view 10"]
    assert store.undo(3) == chain.persisted[2].undo
    store.commit_block(chain.next(1, final_height=10))
    assert (store.undo(7), store.view(8), store.view(11)) == (None, b"view 8", b"")
    store.close()


def test_a_view_that_could_not_be_read_again_is_not_written(store: ChainStore, chain: Chain) -> None:
    with pytest.raises(Broken):
        store.commit_block(chain.next(1, view=bytes(VIEW_BYTES_MAX + 1)))
    assert store.head().height == 0


def test_the_state_at_the_final_block_is_read_of_a_chain_in_use(store: ChainStore, chain: Chain) -> None:
    store.commit_block(chain.next(5, final_height=1))
    final = dict(chain.state)
    for _ in range(3):
        store.commit_block(chain.next(5, final_height=1))
    view = ChainView.of_existing(store.directory)
    assert view.snapshot(is_final=True) == (1, final)
    assert view.snapshot() == (4, chain.state)
    view.close()


# ── against a model ──────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 30), reopen_at=st.integers(0, 30))
def test_any_commits_and_roll_backs_leave_what_a_straight_way_there_leaves(
    seed: int, steps: int, reopen_at: int
) -> None:
    with TemporaryDirectory() as directory:
        chain = Chain(seed=seed)
        store = started(Path(directory, "forked"), chain)
        final = 0
        for count, write in enumerate(islice(forking(chain, seed, 4), steps)):
            if isinstance(write, RollBack):
                store.roll_back(write.height)
            else:
                store.commit_block(write)
                final = max(final, write.final_height)
            if count == reopen_at:
                store.close()
                store = reopened(store.directory)
        assert_holds(store, chain)
        assert store.final_height() == final
        straight = started(Path(directory, "straight"), chain)
        for made in chain.persisted:
            straight.commit_block(made)
            assert (store.undo(made.height), store.view(made.height)) == (made.undo, made.view)
        assert rows_of(store) == rows_of(straight)
        straight.close()
        store.close()


# ── readers meanwhile ────────────────────────────────────────────────────────────────────────────────────


def reorganise(store: ChainStore, chain: Chain, height: int) -> None:
    """Put another block in the place of the one at a height."""
    store.roll_back(chain.roll_back(height - 1).height)
    store.commit_block(chain.next(3, final_height=0))


@pytest.mark.parametrize(
    ("read", "rows"), [("stored_header", 1), ("block", 1), ("block", 2), ("receipts", 2), ("receipts", 3)]
)
def test_a_reader_that_is_overtaken_leaves_nothing_stale(
    store: ChainStore, chain: Chain, monkeypatch: pytest.MonkeyPatch, read: str, rows: int
) -> None:
    """The branch changes right after the reader's n-th look-up."""
    store.commit_block(chain.next(3, final_height=0))
    store._headers.forget()
    store._blocks.forget()
    old = chain.persisted[-1]
    overtake(monkeypatch, store, rows, lambda: reorganise(store, chain, 1))
    found: Any = getattr(store, read)(1)
    monkeypatch.undo()
    new = chain.persisted[-1]
    assert new.block_id != old.block_id
    if read == "receipts":
        assert found in (None, old.receipts)
    elif read == "block":
        assert found is None or (found.stored.block_id, encode(found.block)) == (old.block_id, old.block)
    else:
        assert found.block_id == old.block_id
    assert_holds(store, chain)


def overtake(
    monkeypatch: pytest.MonkeyPatch, store: ChainStore, after: int, change: Callable[[], None]
) -> None:
    """Let a change happen right after the n-th row is read."""
    real, left = store._row, [after]

    def row(query: str, values: tuple[object, ...]) -> Any:
        found = real(query, values)
        left[0] -= 1
        if left[0] == 0:
            change()
        return found

    monkeypatch.setattr(store, "_row", row)


def test_readers_see_whole_blocks_while_branches_change(store: ChainStore, chain: Chain) -> None:
    wanted: list[bytes] = []
    stop = Event()

    def read() -> int:
        count = 0
        while not stop.is_set():
            for height in range(1, 8):
                found = store.block(height)
                if found is not None:
                    header = found.stored.decoded()
                    assert header.tx_root == tx_root_of(found.block.txs)
                    receipts = store.receipts(found.stored.block_id)
                    assert receipts is None or header.receipts_root == receipts_root_of(receipts)
            for tx_id in wanted[-3:]:
                named = store.find_transaction(tx_id)
                assert named is None or named.receipt.tx_id == tx_id
            count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for write in islice(forking(chain, 5, 3), 150):
                if isinstance(write, RollBack):
                    store.roll_back(write.height)
                else:
                    store.commit_block(write)
                    wanted.extend(write.tx_ids[:1])
        finally:
            stop.set()
        assert all(reader.result() for reader in readers)
    assert_holds(store, chain)
