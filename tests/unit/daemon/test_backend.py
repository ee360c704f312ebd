"""The interface's view of a node: durable things only, and nothing that was accepted ever vanishes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chaosnet.base.errors import ChaosError, Invalid
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon import chain_views
from chaosnet.daemon.backend import Identity, NodeBackend
from chaosnet.kernel.events import (
    Finalised,
    HeadMoved,
    PersistBlock,
    Reorganised,
    RoundMoved,
    TransactionsPending,
)
from chaosnet.kernel.trust import Trust
from chaosnet.model.transaction import SignedTx, decode_transaction
from chaosnet.rpc import schema
from chaosnet.rpc.lightclient import check_account_proof
from chaosnet.rpc.stream import EventHub
from tests.making import Person, transfer
from tests.real_chain import RICH, RealChain

ALICE, BOB = Person("alice"), Person("bob")


class Shell:
    """What a backend asks of the runtime."""

    def __init__(self, chain: RealChain) -> None:
        self.chain = chain
        self.node = chain.node
        self.submitted: list[tuple[bytes, ...]] = []

    def clock_ms(self) -> int:
        return self.chain.node.head.header.time_ms + 50

    async def submit(self, raws: tuple[bytes, ...]) -> tuple[tuple[bytes, str, str], ...]:
        self.submitted.append(raws)
        return tuple((b"\x01" * 32, "ok", "") for _ in raws)


class Stage:
    """A real chain and a backend over it. A block is committed, then written, then reported."""

    def __init__(self, directory: Path) -> None:
        self.chain = RealChain(directory, validators=4, people=[ALICE])
        self.shell = Shell(self.chain)
        self.hub = EventHub(first_id=1)
        identity = Identity("alpha", "chaosnet/test", "public")
        self.backend = NodeBackend(self.shell, self.chain.store, self.hub, identity)  # type: ignore[arg-type]
        self.nonce = 0

    def pay(self, amount: int = 5) -> SignedTx:
        tx = transfer(self.chain.genesis, ALICE, self.nonce, BOB.address, amount)
        self.nonce += 1
        return tx

    def commit(self, *txs: SignedTx) -> tuple[PersistBlock, HeadMoved]:
        return self.chain.commit([tx.raw for tx in txs])

    def write(self, block: PersistBlock) -> None:
        self.chain.store.commit_block(block)

    def grow(self, *txs: SignedTx) -> None:
        block, fact = self.commit(*txs)
        self.write(block)
        self.backend.on_report(fact)

    def address(self, person: Person) -> str:
        return format_address(self.chain.genesis.address_prefix, person.address)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.chain.store.close()


async def missing(reading: Any) -> str:
    with pytest.raises(ChaosError) as error:
        await reading
    return error.value.code


# ── what is not durable is not shown ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_written", [False, True])
async def test_a_block_is_not_shown_before_it_is_reported(stage: Stage, *, is_written: bool) -> None:
    """Between its write and its report it is durable, but this is one moment: all views change together."""
    tx = stage.pay()
    stage.grow()
    block, fact = stage.commit(tx)
    if is_written:
        stage.write(block)
    backend = stage.backend
    assert backend.status().height == 1
    assert (await backend.blocks(None, 9)).blocks[0].height == 1
    assert await missing(backend.block("2")) == "not_found"
    assert await missing(backend.block(fact.block_id.hex())) == "not_found"
    assert (await backend.block("head")).summary.height == 1
    assert backend.account(stage.address(BOB)).balance == "0"
    assert (await backend.account_transactions(stage.address(ALICE), None, 9)).transactions == []
    assert (await backend.search("2")).kind == "none"
    with pytest.raises(Invalid):
        backend.account_proof(stage.address(BOB), 2, 0)
    if not is_written:
        stage.write(block)
    backend.on_report(fact)
    assert backend.status().height == 2
    assert (await backend.block("head")).transactions[0].id == tx.tx_id.hex()
    assert backend.account(stage.address(BOB)).balance == "5"
    assert len((await backend.account_transactions(stage.address(ALICE), None, 9)).transactions) == 1
    assert (await backend.search("2")).kind == "block"


async def test_a_transaction_never_vanishes_on_its_way_into_a_block(stage: Stage) -> None:
    """It has left the mempool, and its block is still being written."""
    tx = stage.pay()
    stage.chain.node.mempool.add(decode_transaction(tx.raw), 0)
    name = tx.tx_id.hex()
    assert (await stage.backend.transaction(name)).status == "pending"
    block, fact = stage.commit()
    assert block.tx_ids == (tx.tx_id,)
    asking = asyncio.ensure_future(stage.backend.transaction(name))
    await asyncio.sleep(0.03)
    assert not asking.done()
    stage.write(block)
    await asyncio.sleep(0.03)
    assert not asking.done(), "written, but not yet reported"
    stage.backend.on_report(fact)
    found = await asking
    assert (found.status, found.height, found.code) == ("final", 1, "ok")


async def test_an_unknown_transaction_is_not_waited_for(stage: Stage) -> None:
    stage.grow(stage.pay())
    assert await missing(stage.backend.transaction("ab" * 32)) == "not_found"
    assert await missing(stage.backend.transaction("ab")) == "not_found"
    assert await missing(stage.backend.transaction("zz")) == "bad_argument"


async def test_the_wait_for_a_block_that_is_never_written_ends(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_views, "WRITE_WAITS", 3)
    stage.commit(stage.pay())
    assert await missing(stage.backend.transaction("ab" * 32)) == "not_found"


async def test_the_next_nonce_follows_the_newest_block_and_what_waits_on_it(stage: Stage) -> None:
    """Else somebody who asks while a block is being written gets a nonce that is used already."""
    first, second = stage.pay(), stage.pay()
    stage.commit(first)
    stage.chain.node.mempool.add(second, 0)
    account = stage.backend.account(stage.address(ALICE))
    assert (account.nonce, account.pending_nonce) == (0, 2)


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────


async def test_status_says_who_where_and_how(stage: Stage) -> None:
    stage.grow(stage.pay())
    status = stage.backend.status()
    head = stage.chain.node.head
    assert (status.name, status.height, status.tip) == ("alpha", 1, head.block_id.hex())
    assert status.state_root == head.header.state_root.hex()
    assert (status.final_height, status.final_id) == (1, head.block_id.hex())
    assert (status.txs_total, status.mempool_txs) == (1, 0)
    assert (status.consensus.validators, status.consensus.needed) == (4, 3)
    assert [member.role for member in status.members] == ["validator"] * 4


async def test_the_count_of_transactions_survives_a_restart(stage: Stage, tmp_path: Path) -> None:
    stage.grow(stage.pay(), stage.pay())
    stage.grow(stage.pay())
    again = NodeBackend(stage.shell, stage.chain.store, stage.hub, stage.backend._identity)  # type: ignore[arg-type]
    assert stage.backend.status().txs_total == again.status().txs_total == 3


async def test_blocks_come_newest_first_in_pages(stage: Stage) -> None:
    for _ in range(4):
        stage.grow()
    page = await stage.backend.blocks(None, 3)
    assert ([b.height for b in page.blocks], page.next) == ([4, 3, 2], 1)
    rest = await stage.backend.blocks(page.next, 3)
    assert ([b.height for b in rest.blocks], rest.next) == ([1, 0], None)
    assert (await stage.backend.blocks(99, 1)).blocks[0].height == 4


async def test_a_block_names_proposer_and_signers(stage: Stage) -> None:
    stage.grow()
    block = await stage.backend.block("1")
    names = {member.name for member in stage.chain.genesis.members}
    assert block.summary.proposer_name in names
    assert set(block.signers) == names
    assert (await stage.backend.block(block.summary.id)).summary == block.summary


@pytest.mark.parametrize("name", ["", "x", "-1", "1.5", "ab", "9" * 30])
async def test_a_block_has_no_such_name(stage: Stage, name: str) -> None:
    assert await missing(stage.backend.block(name)) == "bad_argument"


async def test_a_blocks_transactions_come_in_pages(stage: Stage) -> None:
    made = [stage.pay() for _ in range(5)]
    stage.grow(*made)
    page = await stage.backend.block_transactions("1", 0, 2)
    assert [t.id for t in page.transactions] == [t.tx_id.hex() for t in made[:2]]
    rest = await stage.backend.block_transactions("1", int(page.next or 0), 9)
    assert ([t.position for t in rest.transactions], rest.next) == ([2, 3, 4], None)


async def test_an_accounts_history_comes_newest_first_in_pages(stage: Stage) -> None:
    for _ in range(3):
        stage.grow(stage.pay(), stage.pay())
    page = await stage.backend.account_transactions(stage.address(BOB), None, 4)
    assert [(t.height, t.position) for t in page.transactions] == [(3, 1), (3, 0), (2, 1), (2, 0)]
    rest = await stage.backend.account_transactions(stage.address(BOB), page.next, 4)
    assert [(t.height, t.position) for t in rest.transactions] == [(1, 1), (1, 0)]
    assert rest.next is None


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".1", "1.x", f"{10**30}.0", f"1.{10**30}", "1.99999"])
async def test_a_cursor_that_was_never_given_is_refused(stage: Stage, cursor: str) -> None:
    assert await missing(stage.backend.account_transactions(stage.address(BOB), cursor, 4)) == "bad_argument"


async def test_a_cursor_beyond_the_head_is_the_head(stage: Stage) -> None:
    stage.grow(stage.pay())
    found = await stage.backend.account_transactions(stage.address(BOB), f"{10**17}.0", 4)
    assert len(found.transactions) == 1


async def test_an_account_proof_holds_from_the_genesis(stage: Stage) -> None:
    stage.grow(stage.pay())
    proof = stage.backend.account_proof(stage.address(BOB), None, 0)
    verified = check_account_proof(proof, address=BOB.address, genesis_hash=stage.chain.genesis_hash)
    assert verified.block_id == stage.chain.node.head.block_id
    assert verified.account_value is not None


async def test_a_proof_needs_a_state_that_is_kept(stage: Stage) -> None:
    stage.grow()
    with pytest.raises(Invalid):
        stage.backend.account_proof(stage.address(BOB), 2, 0)
    with pytest.raises(Invalid):
        stage.backend.account_proof(stage.address(BOB), 1, 5)


async def test_search_knows_heights_ids_and_addresses(stage: Stage) -> None:
    tx = stage.pay()
    stage.grow(tx)
    search = stage.backend.search
    head = stage.chain.node.head.block_id.hex()
    asked = ["0", " 1 ", "7", head, tx.tx_id.hex(), "ab" * 32, stage.address(BOB), "cos1nonsense", ""]
    kinds = [(await search(text)).kind for text in asked]
    assert kinds == ["block", "block", "none", "block", "transaction", "none", "account", "none", "none"]


# ── the stream ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_block_is_told_with_its_transactions_then_as_final(stage: Stage) -> None:
    told: list[schema.StreamEvent] = []
    stage.hub.publish = told.append  # type: ignore[method-assign,assignment]
    tx = stage.pay()
    stage.backend.on_report(TransactionsPending((tx.tx_id,)))
    stage.grow(tx)
    stage.backend.on_report(RoundMoved(2, 1, "propose"))
    name, head = tx.tx_id.hex(), stage.chain.node.head.block_id.hex()
    pending, block, final, turn = told
    assert pending == schema.PendingEvent(tx_ids=[name])
    assert isinstance(block, schema.BlockEvent)
    assert (block.block.height, block.block.id, block.tx_ids) == (1, head, [name])
    assert final == schema.FinalEvent(height=1, id=head)
    assert turn == schema.RoundEvent(height=2, round=1, step="propose")


async def test_a_change_of_health_is_told_once(stage: Stage) -> None:
    told: list[schema.HealthEvent] = []
    stage.hub.publish = told.append  # type: ignore[method-assign,assignment]
    stage.backend.watch_health()
    stage.backend.watch_health()
    assert [event.health.code for event in told] == ["no_peers"]


async def test_a_stopping_node_is_not_healthy(stage: Stage) -> None:
    stage.backend.phase = "stopping"
    health = stage.backend.health()
    assert (health.is_healthy, health.phase) == (False, "stopping")


# ── submission ───────────────────────────────────────────────────────────────────────────────────────────


async def test_submitted_bytes_reach_the_kernel_unchanged(stage: Stage) -> None:
    verdicts = await stage.backend.submit([b"a", b"b"])
    assert stage.shell.submitted == [(b"a", b"b")]
    assert [(v.id, v.code) for v in verdicts] == [("01" * 32, "ok")] * 2


async def test_a_batch_is_bounded(stage: Stage) -> None:
    assert await missing(stage.backend.submit([b""] * 1_001)) == "too_large"


async def test_simulation_says_what_would_happen_and_changes_nothing(stage: Stage) -> None:
    stage.grow()
    root = stage.chain.node.head.state.root
    assert (await stage.backend.simulate(stage.pay().raw)).code == "ok"
    assert (await stage.backend.simulate(stage.pay().raw)).code == "nonce_too_high"
    rich = transfer(stage.chain.genesis, ALICE, 0, BOB.address, RICH)
    assert (await stage.backend.simulate(rich.raw)).code == "not_enough"
    with pytest.raises(Invalid):
        await stage.backend.simulate(b"garbage")
    assert stage.chain.node.head.state.root == root
    assert len(stage.chain.node.mempool) == 0


# ── a chain that can fork ────────────────────────────────────────────────────────────────────────────────


async def test_what_is_not_final_is_shown_so_and_may_be_replaced(stage: Stage) -> None:
    backend, chain = stage.backend, stage.chain
    events = backend.subscribe(None, ip="", kinds=("final", "reorg"))
    await events.next_chunk()
    first, second = stage.pay(), stage.pay()
    _, fact = chain.add_unfinal([first.raw])
    backend.on_report(fact)
    common = chain.node.head
    _, fact = chain.add_unfinal([second.raw])
    backend.on_report(fact)
    status = backend.status()
    assert (status.height, status.final_height, status.txs_total) == (2, 0, 2)
    assert (await backend.transaction(second.tx_id.hex())).status == "included"
    assert (await backend.block("final")).summary.height == 0
    backend.on_report(Finalised(1, common.block_id))
    assert (backend.status().final_height, backend.status().final_id) == (1, common.block_id.hex())
    assert (await backend.transaction(first.tx_id.hex())).status == "final"
    assert [block.is_final for block in (await backend.blocks(None, 9)).blocks] == [False, True, True]

    old_id = chain.node.head.block_id
    chain.roll_back(common)
    assert backend.status().height == 1, "the way to the other branch leads over what is common"
    _, fact = chain.add_unfinal()
    backend.on_report(fact)
    backend.on_report(Reorganised(2, old_id, 2, fact.block_id, common_height=1, dropped=(second.tx_id,)))
    status = backend.status()
    assert (status.height, status.tip, status.txs_total) == (2, fact.block_id.hex(), 1)
    assert await missing(backend.block(old_id.hex())) == "not_found"
    assert await missing(backend.transaction(second.tx_id.hex())) == "not_found"
    told = (await events.next_chunk()).decode()
    assert told.index("event: final") < told.index("event: reorg") < told.index(second.tx_id.hex())
    events.end()


async def test_doubt_about_the_chain_is_in_status_and_health(stage: Stage) -> None:
    assert stage.backend.status().trust == "genesis"
    stage.chain.node.trust = Trust(doubt=0)
    found = stage.backend.status()
    assert (found.trust, found.health.code, found.health.is_healthy) == ("untrusted", "untrusted", False)
