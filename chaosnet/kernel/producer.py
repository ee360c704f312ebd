"""The block producer: fill a block from the mempool and execute it while filling."""

from dataclasses import replace

from msgspec import structs

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidTransaction
from chaosnet.base.limits import BLOCK_BYTES_MAX, BLOCK_TXS_MAX, MEMPOOL_PER_SENDER_MAX
from chaosnet.base.units import EMPTY_HASH
from chaosnet.kernel.blocks import Candidate, Head
from chaosnet.kernel.chain import context_for, context_of
from chaosnet.kernel.mempool import nonces_in
from chaosnet.kernel.node import Node
from chaosnet.kernel.pace import fill_gas
from chaosnet.ledger.apply import Execution
from chaosnet.ledger.check import check_against_state
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.block import Block, tx_root_of, validators_hash_of
from chaosnet.model.genesis import engine_at, era_at
from chaosnet.model.header import (
    HEADER_VERSION,
    Header,
    Proof,
    block_id_of,
    seal_hash_of,
)
from chaosnet.model.receipt import receipts_root_of
from chaosnet.model.transaction import SignedTx

MISSES_MAX = 1_000
"""Transactions that do not fit, after which the producer stops looking."""


def build(node: Node, proof: Proof, proposer: bytes, now: int) -> Candidate:
    """Return an executed block of our own on the head, for a quorum engine's round."""
    time_ms = max(now, node.head.header.time_ms + 1)
    return build_on(node, node.head, proof, time_ms=time_ms, proposer=proposer, now=now)


def build_on(node: Node, head: Head, proof: Proof, *, time_ms: int, proposer: bytes, now: int) -> Candidate:
    """Return an executed block of our own on the head, or on another block."""
    draft = draft_on(node, head, proof, time_ms=time_ms, proposer=proposer)
    execution = Execution(head.state, context_of(node, head, draft))
    txs = fill(node, execution, head)
    applied = execution.finish()
    raws = tuple(signed.raw for signed in txs)
    header = structs.replace(
        draft,
        tx_root=tx_root_of(raws),
        tx_count=len(raws),
        state_root=applied.state.root,
        receipts_root=receipts_root_of(applied.receipts),
        next_validators_hash=validators_hash_of(next_validators(applied.state)),
        gas_used=applied.gas_used,
    )
    block = Block(header=header, parent_seal=head.seal, txs=raws)
    return Candidate(
        block=block,
        block_id=block_id_of(header),
        raw=encode(block),
        source=b"",
        txs=tuple(txs),
        applied=applied,
        since_ms=now,
    )


def recoded(candidate: Candidate, header: Header) -> Candidate:
    """Return a block of our own with another header: only its proof differs."""
    block = structs.replace(candidate.block, header=header)
    return replace(candidate, block=block, block_id=block_id_of(header), raw=encode(block))


def draft_on(node: Node, head: Head, proof: Proof, *, time_ms: int, proposer: bytes) -> Header:
    """Return the header of the next block on a head, without what its transactions decide."""
    height = head.header.height + 1
    return Header(
        version=HEADER_VERSION,
        genesis=node.genesis_hash,
        era=era_at(node.config.genesis, height),
        height=height,
        parent=head.block_id,
        time_ms=time_ms,
        proposer=proposer,
        rule=head.rules.number,
        tx_root=EMPTY_HASH,
        tx_count=0,
        engine=engine_at(node.config.genesis, height),
        state_root=EMPTY_HASH,
        receipts_root=EMPTY_HASH,
        validators_hash=validators_hash_of(head.validators),
        next_validators_hash=EMPTY_HASH,
        parent_seal_hash=seal_hash_of(head.seal),
        gas_used=0,
        proof=proof,
    )


def fill(node: Node, execution: Execution, head: Head) -> list[SignedTx]:
    """Execute pending transactions in their order until the block is full; return those taken."""
    taken: list[SignedTx] = []
    stale: list[SignedTx] = []
    room = BLOCK_BYTES_MAX
    gas_kept_free = head.params.block_gas_max - fill_gas(node)
    misses = 0
    for signed in node.mempool.in_order(nonces_in(head.state)):
        if len(taken) >= BLOCK_TXS_MAX or misses >= MISSES_MAX:
            break
        if taken and execution.gas_left - gas_kept_free < signed.body.gas_limit:
            break
        if len(signed.raw) > room or execution.gas_left < signed.body.gas_limit:
            misses += 1
            continue
        try:
            execution.add(signed)
        except InvalidTransaction as error:
            if _is_stale(error):
                stale.append(signed)
            misses += 1
            continue
        taken.append(signed)
        room -= len(signed.raw)
    for signed in stale:
        node.mempool.drop(signed)
    return taken


def still_good(node: Node, txs: list[SignedTx], now: int) -> list[SignedTx]:
    """Drop from the mempool those that no block on the head could hold; return the others."""
    time_ms = max(now, node.head.header.time_ms + 1)
    context = context_for(node, time_ms=time_ms, proposer=node.config.genesis.treasury)
    view = Overlay(node.head.state)
    good: list[SignedTx] = []
    for signed in txs:
        try:
            check_against_state(view, signed, context, nonce_ahead=MEMPOOL_PER_SENDER_MAX - 1)
        except InvalidTransaction as error:
            if _is_stale(error):
                node.mempool.drop(signed)
                continue
        good.append(signed)
    return good


def _is_stale(error: InvalidTransaction) -> bool:
    """Only a gap in the nonces can close later; anything else that were kept would make empty blocks."""
    return error.code != "nonce_too_high"
