"""The producer: which transactions a block takes, in which order, and which it never takes again."""

from collections.abc import Callable

import pytest

from chaosnet.kernel import producer
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.chain import check_header, execute
from chaosnet.model.block import decode_block
from chaosnet.model.header import QuorumProof
from chaosnet.model.transaction import SetPolicy, SignedTx
from tests.making import body_of, signed_by
from tests.unit.kernel.harness import RICH, Bench


def pooled(*make: Callable[[Bench], SignedTx], **params: int) -> tuple[Bench, list[SignedTx]]:
    """Return a node with these transactions in its mempool, whatever admission would say."""
    bench = Bench(params=params)
    bench.node.fill_gas = bench.node.head.params.block_gas_max
    txs = [one(bench) for one in make]
    for i, tx in enumerate(txs):
        bench.node.mempool.add(tx, i)
    return bench, txs


def built(bench: Bench) -> Candidate:
    return producer.build(bench.node, QuorumProof(round=0), bench.validators[1].address, bench.now)


def test_a_block_takes_the_best_paying_first_and_each_sender_by_nonce() -> None:
    bench, txs = pooled(
        lambda b: b.tx("alice", 0, gas_price=5),
        lambda b: b.tx("bob", 0, "alice", gas_price=9),
        lambda b: b.tx("alice", 1, gas_price=50),
        lambda b: b.tx("carol", 0, gas_price=7),
    )
    block = built(bench).block
    assert list(block.txs) == [txs[i].raw for i in (1, 3, 0, 2)]


def test_what_is_built_is_valid_and_is_not_executed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = pooled(lambda b: b.tx("alice", 0), lambda b: b.tx("bob", 0, "carol"))
    made = built(bench)
    assert decode_block(made.raw) == made.block
    check_header(bench.node, made.block.header)
    monkeypatch.setattr(bench.node, "apply", None)
    assert execute(bench.node, made) is made.applied
    fresh = Bench()
    other = Candidate(made.block, made.block_id, made.raw, b"p", txs=made.txs)
    assert execute(fresh.node, other).state.root == made.block.header.state_root


def test_a_block_is_empty_but_whole_without_transactions() -> None:
    bench = Bench()
    header = built(bench).block.header
    assert (header.height, header.tx_count, header.gas_used) == (1, 0, 0)
    assert header.proof == QuorumProof(0)
    assert header.proposer == bench.validators[1].address
    assert header.time_ms == bench.now


def test_time_rises_even_if_the_parent_is_from_the_future() -> None:
    bench = Bench()
    head = bench.node.head.header
    assert (
        producer.build(bench.node, QuorumProof(round=3), b"", head.time_ms - 50).block.header.time_ms
        == head.time_ms + 1
    )


def test_gas_limits_of_a_block_are_bounded_together() -> None:
    bench, txs = pooled(
        lambda b: b.tx("alice", 0, gas_limit=600_000, gas_price=3),
        lambda b: b.tx("bob", 0, "carol", gas_limit=600_000, gas_price=2),
        block_gas_max=1_000_000,
    )
    assert list(built(bench).block.txs) == [txs[0].raw]
    assert len(bench.node.mempool) == 2, "what does not fit waits for the next block"


def test_bytes_of_a_block_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, txs = pooled(
        lambda b: b.tx("alice", 0, gas_price=3, memo="m" * 200),
        lambda b: b.tx("bob", 0, "carol", gas_price=2, memo="m" * 200),
        lambda b: b.tx("carol", 0),
    )
    monkeypatch.setattr(producer, "BLOCK_BYTES_MAX", len(txs[0].raw) + len(txs[2].raw))
    assert list(built(bench).block.txs) == [txs[0].raw, txs[2].raw]


def test_the_number_of_transactions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "BLOCK_TXS_MAX", 2)
    bench, _ = pooled(*(lambda b, n=n: b.tx("alice", n) for n in range(4)))
    assert built(bench).block.header.tx_count == 2


def test_the_search_for_what_fits_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "MISSES_MAX", 3)
    bench, _ = pooled(
        lambda b: b.tx("alice", 0, gas_price=9),
        *(lambda b, n=n: b.tx("alice", n, gas_price=9, memo="m" * 200) for n in range(1, 5)),
        lambda b: b.tx("bob", 0, "carol"),
    )
    monkeypatch.setattr(producer, "BLOCK_BYTES_MAX", 500)
    assert built(bench).block.header.tx_count == 1, "one taken, three missed, the last not looked at"


def test_what_can_never_be_included_is_dropped() -> None:
    bench, txs = pooled(
        lambda b: b.tx("alice", 0, amount=2 * RICH),
        lambda b: b.tx("bob", 0, "carol", anchor_height=77),
        lambda b: b.tx("carol", 0),
    )
    assert list(built(bench).block.txs) == [txs[2].raw]
    assert list(bench.node.mempool.by_hash) == [txs[2].tx_hash]


def test_followers_of_a_dropped_one_wait_for_their_gap_to_close() -> None:
    bench, txs = pooled(lambda b: b.tx("alice", 0, amount=2 * RICH), lambda b: b.tx("alice", 1))
    assert built(bench).block.txs == ()
    assert list(bench.node.mempool.by_hash) == [txs[1].tx_hash]
    assert not bench.node.mempool.has_includable(lambda _: 0), "so it makes no empty blocks"


def test_keys_changed_within_the_block_outdate_what_the_old_ones_signed() -> None:
    def change(bench: Bench) -> SignedTx:
        alice, bob = bench.people["alice"], bench.people["bob"]
        return signed_by(alice, body_of(bench.genesis, alice, 0, SetPolicy(bob.policy)))

    bench, txs = pooled(change, lambda b: b.tx("alice", 1), lambda b: b.tx("alice", 2))
    assert list(built(bench).block.txs) == [txs[0].raw]
    assert list(bench.node.mempool.by_hash) == [txs[0].tx_hash]


def test_still_good_keeps_gaps_and_drops_the_rest() -> None:
    bench, txs = pooled(
        lambda b: b.tx("alice", 0),
        lambda b: b.tx("alice", 5),
        lambda b: b.tx("bob", 0, "carol", amount=2 * RICH),
    )
    assert producer.still_good(bench.node, txs, bench.now) == txs[:2]
    assert list(bench.node.mempool.by_hash) == [tx.tx_hash for tx in txs[:2]]
