"""The way of a block: what its header may say, when signatures are asked for, what a commit leaves behind."""

from typing import Any

import pytest
from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken, Invalid, InvalidBlock
from chaosnet.base.units import EMPTY_HASH
from chaosnet.kernel import chain
from chaosnet.kernel import events as ev
from chaosnet.kernel.blocks import Candidate
from chaosnet.ledger.apply import apply_block
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.ledger.state import State
from chaosnet.model.block import Block, tx_root_of
from chaosnet.model.contract_actions import Call, Deploy, SendToken
from chaosnet.model.evidence import PRECOMMIT
from chaosnet.model.header import (
    GenesisProof,
    Header,
    QuorumProof,
    block_id_of,
    seal_hash_of,
)
from tests.unit.kernel.harness import Bench, facts, of


def grown(blocks: int = 2) -> Bench:
    bench = Bench().start()
    bench.join_all()
    bench.advance(200)
    bench.grow(blocks)
    return bench


def changed(bench: Bench, txs: tuple[bytes, ...] = (), seal: bytes | None = None, **fields: Any) -> Candidate:
    """Return a good block with some fields of its header replaced, as a byzantine proposer would make it."""
    good = bench.candidate().block
    parent_seal = good.parent_seal if seal is None else seal
    values: dict[str, Any] = {"parent_seal_hash": seal_hash_of(parent_seal)}
    if txs:
        values |= {"tx_root": tx_root_of(txs), "tx_count": len(txs)}
    header = replace(good.header, **values | fields)
    block = Block(header, parent_seal, txs)
    return Candidate(block, block_id_of(header), encode(block), b"p")


def code(bench: Bench, candidate: Candidate) -> str:
    with pytest.raises(Invalid) as error:
        chain.prepare(bench.node, candidate)
        chain.execute(bench.node, candidate)
    assert candidate.applied is None
    return error.value.code


HEADERS: list[tuple[str, dict[str, Any]]] = [
    ("bad_header", {"version": 2}),
    ("bad_header", {"genesis": bytes(32)}),
    ("bad_parent", {"height": 2}),
    ("bad_parent", {"height": 4}),
    ("bad_parent", {"parent": bytes(32)}),
    ("bad_parent", {"era": 1}),
    ("bad_header", {"rule": 2}),
    ("bad_header", {"engine": "pow"}),
    ("bad_header", {"validators_hash": bytes(32)}),
    ("bad_header", {"proof": GenesisProof()}),
    ("bad_header", {"proof": QuorumProof(-1)}),
    ("bad_root", {"state_root": bytes(32)}),
    ("bad_root", {"receipts_root": bytes(32)}),
    ("bad_header", {"gas_used": 1}),
    ("bad_header", {"next_validators_hash": bytes(32)}),
]


@pytest.mark.parametrize(("expected", "fields"), HEADERS)
def test_every_field_of_a_header_is_held_to_the_rules(expected: str, fields: dict[str, Any]) -> None:
    bench = grown()
    assert code(bench, changed(bench, **fields)) == expected


@pytest.mark.parametrize("delta", [0, -1])
def test_time_must_rise(delta: int) -> None:
    bench = grown()
    assert code(bench, changed(bench, time_ms=bench.node.head.header.time_ms + delta)) == "bad_time"


def test_the_parents_seal_must_seal_it() -> None:
    bench = grown()
    assert code(bench, changed(bench, seal=b"none")) in ("malformed", "not_canonical")
    wrong_block = bench.seal(bench.candidate())
    assert code(bench, changed(bench, seal=wrong_block)) == "bad_seal"
    assert code(bench, changed(bench, seal=b"", parent_seal_hash=EMPTY_HASH)) == "malformed"


def test_another_true_seal_of_the_parent_is_as_good() -> None:
    bench = grown()
    head = bench.node.head
    parent = Candidate(Block(head.header, b"", ()), head.block_id, b"", b"")
    other = bench.seal(parent)
    assert other != head.seal
    candidate = changed(bench, seal=other)
    assert chain.execute(bench.node, candidate).state.root == candidate.block.header.state_root


def test_the_first_block_carries_no_seal() -> None:
    bench = Bench()
    assert code(bench, changed(bench, seal=b"x")) == "bad_seal"


def test_a_pinned_block_is_held_to() -> None:
    bench = Bench(pinned=(1, bytes(32)))
    assert code(bench, changed(bench)) == "untrusted"
    good = bench.candidate()
    pinned = Bench(pinned=(1, good.block_id))
    good.applied = None
    assert chain.execute(pinned.node, good).gas_used == 0


@pytest.mark.parametrize("raw", [b"", b"x", b"\x93" * 1_000, bytes(70_000)])
def test_bytes_that_are_no_transaction_make_the_block_invalid(raw: bytes) -> None:
    bench = grown()
    assert code(bench, changed(bench, (raw,))) in ("malformed", "too_large", "not_canonical")


def test_transactions_that_may_not_be_there_make_the_block_invalid() -> None:
    bench = grown()
    assert code(bench, changed(bench, (bench.tx("alice", 1).raw,))) == "nonce_too_high"
    twice = bench.tx("alice", 0).raw
    assert code(bench, changed(bench, (twice, twice))) == "nonce_too_low"


def test_a_lie_of_the_ledger_is_not_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken is no verdict on a block: it goes through to the shell."""
    bench = grown()

    def fail(*_: object) -> None:
        raise Broken("supply_changed")

    monkeypatch.setattr(bench.node, "apply", fail)
    with pytest.raises(Broken):
        bench.say(bench.node_of(1), bench.proposal(bench.candidate()))


# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────


def test_only_unknown_transactions_are_verified() -> None:
    bench = grown()
    known, unknown = bench.tx("alice", 0), bench.tx("bob", 0, "carol")
    bench.submit(known)
    candidate = changed(bench, (known.raw, unknown.raw))
    chain.prepare(bench.node, candidate)
    (asked,) = of(bench.node.effects, ev.AskVerify)
    assert asked.items == (unknown.signature_checks(),)
    assert asked.is_for_block
    assert candidate.waiting_for == asked.ticket
    assert bench.node.checks[asked.ticket] == candidate.block_id


def test_a_block_of_known_transactions_needs_no_verification() -> None:
    bench = grown()
    known = bench.tx("alice", 0)
    bench.submit(known)
    candidate = changed(bench, (known.raw,))
    chain.prepare(bench.node, candidate)
    assert candidate.waiting_for == 0
    assert bench.node.effects == []


# ── commit ───────────────────────────────────────────────────────────────────────────────────────────────


def committed() -> tuple[Bench, State, ev.PersistBlock, ev.HeadMoved]:
    bench = grown(1)
    before = bench.node.head.state
    txs = [bench.tx("alice", 0, amount=11), bench.tx("bob", 0, "carol", amount=22)]
    bench.submit(txs[0])
    bench.log.clear()
    candidate = bench.candidate(txs)
    bench.say(bench.node_of(1), bench.proposal(candidate))
    bench.say(bench.node_of(1), bench.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
    (written,) = of(bench.log, ev.PersistBlock)
    (moved,) = facts(bench.log, ev.HeadMoved)
    return bench, before, written, moved


def test_what_is_written_leads_from_the_state_before_to_the_state_after_and_back() -> None:
    bench, before, written, _ = committed()
    assert before.update(written.changes).root == written.header.state_root
    assert bench.node.head.state.update(written.undo).root == before.root
    assert [receipt.code for receipt in written.receipts] == ["ok", "ok"]
    assert written.tx_ids == tuple(receipt.tx_id for receipt in written.receipts)


def test_history_names_each_account_once_a_transaction() -> None:
    _, _, written, _ = committed()
    names = {bytes(person.address): name for name, person in Bench().people.items()}
    found = [(int.from_bytes(entry[:4], "big"), names[entry[4:]]) for entry in written.touched]
    parts = [{name for place, name in found if place == at} for at in (0, 1)]
    assert sorted(map(sorted, parts)) == [["alice", "bob"], ["bob", "carol"]]
    assert len(found) == 4


def test_a_transfer_to_oneself_is_one_entry_of_history() -> None:
    bench = Bench()
    assert len(chain.touched_by((bench.tx("alice", 0, "alice"),))) == 1


def test_a_commit_leaves_nothing_of_the_height_behind() -> None:
    bench, _, _, moved = committed()
    node = bench.node
    assert node.head.block_id == moved.block_id
    assert node.candidates == {}
    assert node.unheld == {}
    assert node.ahead == {}
    assert node.checks == {}
    assert len(node.mempool) == 0
    assert node.mempool.reserved(bench.people["alice"].address) == 0
    assert node.head_ms == bench.now


def test_a_head_says_what_was_committed() -> None:
    bench, _, written, moved = committed()
    assert (moved.height, moved.header, moved.size_bytes) == (2, written.header, len(written.block))
    assert moved.tx_ids == written.tx_ids
    assert moved.is_final
    assert not moved.ours
    assert bench.node.head.seal == written.seal


def test_a_block_is_ours_when_we_proposed_it_wherever_it_was_found() -> None:
    """The restarted proposer has its own block from a peer."""
    bench = Bench(me=1).start()
    bench.join_all()
    bench.submit(bench.tx("alice", 0))
    bench.advance(200)
    (own,) = bench.node.candidates.values()
    proposal = bench.proposal(own)
    bench.restart()
    peer = bench.join(2)
    bench.say(peer, proposal)
    bench.say(peer, bench.votes([0, 2, 3], PRECOMMIT, own.block_id))
    assert [fact.ours for fact in facts(bench.log, ev.HeadMoved)] == [True]


def test_the_pace_is_that_of_blocks_with_work() -> None:
    bench, _, written, _ = committed()
    first = bench.chain.blocks[1].header
    assert bench.node.intervals == [written.header.time_ms - first.time_ms]


def test_executing_costs_once() -> None:
    bench = grown()
    calls: list[bytes] = []

    def apply(parent: Any, context: Any, txs: Any, block_id: bytes) -> Any:
        calls.append(block_id)
        return apply_block(parent, context, txs)

    bench.node.apply = apply
    candidate = bench.candidate()
    bench.say(bench.node_of(1), bench.proposal(candidate))
    bench.say(bench.node_of(2), bench.proposal(candidate))
    bench.say(bench.node_of(1), bench.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
    assert calls == [candidate.block_id]
    assert bench.node.head.block_id == candidate.block_id


def test_a_candidate_is_decoded_within_bounds() -> None:
    bench = Bench()
    good = bench.candidate([bench.tx("alice", 0)])
    again = chain.candidate_from(good.raw, source=b"p")
    assert (again.block_id, again.block, again.source) == (good.block_id, good.block, b"p")
    assert again.hashes == [bench.tx("alice", 0).tx_hash]
    header: Header = replace(good.block.header, tx_count=5)
    with pytest.raises(InvalidBlock):
        chain.candidate_from(encode(Block(header, b"", good.block.txs)), source=b"p")
    with pytest.raises(InvalidBlock):
        chain.candidate_from(good.raw + b"\x00", source=b"p")


def test_contracts_and_receivers_of_tokens_are_in_the_history() -> None:
    bench = Bench()
    sender, contract, token = bench.people["alice"].address, b"\x01" + b"c" * 32, b"t" * 32
    signed = bench.tx("alice", 4, "alice")
    actions = (
        Call(contract, "m", b"\x90", (), 0),
        Deploy("lua/1", b"x", b"\x90", 0, 0),
        SendToken(token, b"", b"\x00" + b"r" * 32, 1, 0),
    )
    signed.body = replace(signed.body, actions=actions)
    found = [entry[4:] for entry in chain.touched_by((signed,))]
    deployed = contract_id(signed.body.genesis, sender, 4, 1)
    assert found == [sender, contract, deployed, b"\x00" + b"r" * 32]
