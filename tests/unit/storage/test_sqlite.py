from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from chaosnet.base.errors import Broken, Unavailable
from chaosnet.kernel.events import PersistCandidate, PersistEvidence
from chaosnet.kernel.ports import ChainReader
from chaosnet.model.block import SealedBlock
from chaosnet.model.header import block_id_of
from chaosnet.model.receipt import NO_OUTCOME, Event, Outcome
from chaosnet.storage.datadir import chain_bytes
from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import Chain, duplicate_vote
from tests.unit.storage.stores import assert_holds, reopened, started


def test_starts_at_the_genesis_block(store: ChainStore, chain: Chain) -> None:
    head = store.head()
    assert (head.height, head.header, head.seal) == (0, chain.genesis_block.block.header, b"")
    assert head.block_id == block_id_of(head.header)
    assert dict(store.load_state()) == chain.genesis_state
    assert store.sealed_at(0) == msgspec.msgpack.encode(chain.genesis_block)


def test_is_the_reader_the_kernel_asks_for(store: ChainStore) -> None:
    reader: ChainReader = store
    assert reader.block_id_at(0) == store.head().block_id
    assert reader.block_id_at(1) is None
    assert reader.header_at(1) is None
    assert reader.sealed_at(1) is None


@pytest.mark.parametrize("reopen", [False, True])
def test_blocks_come_back_as_they_were(store: ChainStore, chain: Chain, *, reopen: bool) -> None:
    for count in (0, 1, 7, 1000, 0, 3):
        store.commit_block(chain.next(count))
    if reopen:
        store.close()
        store = reopened(store.directory)
    assert_holds(store, chain)
    made = chain.persisted[3]
    assert store.header_at(4) == (msgspec.msgpack.encode(made.header), made.seal)
    assert store.block_id_at(4) == made.block_id
    assert store.sealed_at(4) == msgspec.msgpack.encode(
        SealedBlock(msgspec.msgpack.decode(made.block, type=type(chain.genesis_block.block)), made.seal)
    )
    store.close()


def test_a_block_may_carry_another_seal_of_its_parent_than_the_stored_one(
    store: ChainStore, chain: Chain
) -> None:
    for seal_is_ours in (True, False, True):
        store.commit_block(chain.next(2, seal_is_ours=seal_is_ours))
    store.close()
    again = reopened(store.directory)
    assert_holds(again, chain)
    again.close()


def test_blocks_are_found_by_height_and_by_id(store: ChainStore, chain: Chain) -> None:
    for _ in range(3):
        store.commit_block(chain.next(2))
    made = chain.persisted[1]
    by_id, by_height = store.block(made.block_id), store.block(2)
    assert by_id is not None
    assert by_id == by_height
    assert by_id.stored.block_bytes == len(made.block)
    assert by_id.stored.txs_total == 4
    assert by_id.stored.decoded() == made.header
    same_prefix = made.block_id[:6] + bytes(26)
    assert store.block(same_prefix) is None
    assert store.block(b"short") is None
    assert store.block(9) is None


def test_headers_are_listed_both_ways(store: ChainStore, chain: Chain) -> None:
    for _ in range(5):
        store.commit_block(chain.next(1))
    assert [h.height for h in store.headers(2, 3)] == [2, 3, 4]
    assert [h.height for h in store.headers(4, 10, descending=True)] == [4, 3, 2, 1, 0]
    assert store.headers(1, 1)[0].block_id == chain.persisted[0].block_id


def test_transactions_are_found_with_their_receipts(store: ChainStore, chain: Chain) -> None:
    for count in (3, 5):
        store.commit_block(chain.next(count))
    for made in chain.persisted:
        for position, tx_id in enumerate(made.tx_ids):
            assert store.has_transaction(tx_id)
            found = store.find_transaction(tx_id)
            assert found is not None
            assert (found.height, found.position) == (made.height, position)
            assert found.receipt == made.receipts[position]


def test_an_id_that_only_begins_alike_is_not_known(store: ChainStore, chain: Chain) -> None:
    made = chain.next(2)
    store.commit_block(made)
    stranger = made.tx_ids[0][:31] + bytes([made.tx_ids[0][31] ^ 1])
    assert not store.has_transaction(stranger)
    assert store.find_transaction(stranger) is None
    assert not store.has_transaction(b"")


def test_history_is_paged_latest_first(store: ChainStore, chain: Chain) -> None:
    for _ in range(6):
        store.commit_block(chain.next(10))
    address = chain.persisted[0].touched[0][4:]
    expected = sorted(
        (
            (made.height, int.from_bytes(entry[:4], "big"))
            for made in chain.persisted
            for entry in made.touched
            if entry[4:] == address
        ),
        reverse=True,
    )
    assert len(expected) > 3
    pages: list[tuple[int, int]] = []
    while page := store.account_history(address, pages[-1] if pages else None, 2):
        assert len(page) <= 2
        pages += page
    assert pages == expected
    assert store.account_history(bytes(33), None, 10) == []


def test_state_values_are_replaced_added_and_deleted(store: ChainStore, chain: Chain) -> None:
    key = next(iter(chain.state))
    made = msgspec.structs.replace(
        chain.next(0),
        changes={key: None, b"new": b"1", b"never there": None},
        undo={key: chain.state[key], b"new": None},
    )
    chain.persisted.pop()
    chain.apply(made)
    store.commit_block(made)
    assert key not in chain.state
    assert dict(store.load_state()) == chain.state
    assert store.undo(1) == made.undo


def test_undo_records_are_kept_for_the_latest_blocks_only(tmp_path: Path, chain: Chain) -> None:
    store = started(tmp_path, chain, undo_blocks=3)
    for _ in range(5):
        store.commit_block(chain.next(2))
    assert [store.undo(height) is not None for height in range(1, 6)] == [False, False, True, True, True]
    assert store.undo(5) == chain.persisted[4].undo
    store.close()


def test_candidates_are_durable_and_go_when_their_height_is_decided(store: ChainStore, chain: Chain) -> None:
    first = chain.next(2)
    for height, block_id in ((1, b"a" * 32), (1, first.block_id), (2, b"b" * 32)):
        store.keep_candidate(PersistCandidate(height, block_id, first.block))
    store.keep_candidate(PersistCandidate(1, first.block_id, first.block))
    store.close()
    store = reopened(store.directory)
    assert store.candidate(first.block_id) == first.block
    assert store.candidate(b"x" * 32) is None
    store.commit_block(first)
    assert store.candidate(first.block_id) is None
    assert store.candidate(b"a" * 32) is None
    assert store.candidate(b"b" * 32) == first.block
    store.close()


def test_evidence_is_kept_once(store: ChainStore) -> None:
    evidence = [duplicate_vote(1), duplicate_vote(2), duplicate_vote(1)]
    for item in evidence:
        store.keep_evidence(PersistEvidence(item))
    assert store.evidence() == evidence[:2]


def test_what_is_known_of_trust_is_replaced_and_kept(store: ChainStore) -> None:
    assert store.trust() == b""
    store.keep_trust(b"doubt")
    store.keep_trust(b"trusted")
    store.close()
    again = reopened(store.directory)
    assert again.trust() == b"trusted"
    again.close()


def test_a_block_that_does_not_follow_is_refused_and_leaves_no_trace(store: ChainStore, chain: Chain) -> None:
    first, second = chain.next(2), chain.next(2)
    with pytest.raises(Broken):
        store.commit_block(second)
    with pytest.raises(Broken):
        store.commit_block(msgspec.structs.replace(first, block_id=bytes(32)))
    with pytest.raises(Broken):
        store.commit_block(msgspec.structs.replace(first, block=second.block))
    store.commit_block(first)
    with pytest.raises(Broken):
        store.commit_block(first)
    store.commit_block(second)
    assert_holds(store, chain)


def test_a_commit_that_fails_half_way_is_undone_and_can_be_repeated(store: ChainStore, chain: Chain) -> None:
    block = chain.next(3)
    broken = msgspec.structs.replace(block, changes={**block.changes, b"bad": 1.5 + 1j})
    with pytest.raises(Broken):
        store.commit_block(broken)
    assert store.head().height == 0
    assert not store.has_transaction(block.tx_ids[0])
    assert dict(store.load_state()) == chain.genesis_state
    store.commit_block(block)
    assert_holds(store, chain)


def test_a_full_disk_is_named_and_harms_nothing(store: ChainStore, chain: Chain) -> None:
    store.commit_block(chain.next(1))
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(Unavailable) as caught:
        store.commit_block(chain.next(1000))
    assert caught.value.code == "disk_full"
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.commit_block(chain.persisted[1])
    assert_holds(store, chain)


def test_reads_from_other_threads_see_each_commit(store: ChainStore, chain: Chain) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            made = chain.next(5)
            store.commit_block(made)
            found = list(pool.map(store.find_transaction, made.tx_ids))
            assert [f and f.height for f in found] == [made.height] * 5
    assert len(store._idle) <= 5


def test_a_transfer_takes_less_than_400_bytes_on_disk(tmp_path: Path) -> None:
    chain = Chain(accounts=2_000)
    store = started(tmp_path, chain, undo_blocks=1)
    store.close()
    before = chain_bytes(tmp_path)
    store = reopened(tmp_path)
    for _ in range(4):
        store.commit_block(chain.next(1_000))
    store.close()
    assert (chain_bytes(tmp_path) - before) / 4_000 < 400


def test_what_contracts_leave_is_kept_with_the_block(store: ChainStore, chain: Chain) -> None:
    outcomes = (NO_OUTCOME, Outcome((Event(b"\x01" * 33, "E", b"\x90", 0),), (b"\x01",)))
    plain, made = chain.next(2), chain.next(2, final_height=0)
    store.commit_block(replace(plain, final_height=0))
    store.commit_block(replace(made, outcomes=outcomes))
    assert store.left_by(plain.height) == ()
    assert store.left_by(made.block_id) == outcomes
    assert store.left_by(9) is None
    store.roll_back(1)
    assert store.left_by(2) is None
    store.commit_block(made)
    assert store.left_by(2) == ()
