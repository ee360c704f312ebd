"""The way of a block: static checks, signatures, execution, commit. Each block is executed once.

A candidate comes from our own producer, from a proposal, or sealed from sync. All are prepared, executed
and committed here; `agreement` decides when.
"""

from chaosnet.base.errors import Invalid, InvalidBlock
from chaosnet.kernel.events import AskVerify, BlockRefused, HeadMoved, PersistBlock, Report
from chaosnet.kernel.node import Candidate, Head, Node
from chaosnet.kernel.pace import learn
from chaosnet.ledger.apply import Applied
from chaosnet.ledger.context import Context, params_of, rules_of
from chaosnet.ledger.members import members_of, next_validators
from chaosnet.ledger.state import State
from chaosnet.model.block import ValidatorSet, decode_block_hashed, validators_hash_of
from chaosnet.model.genesis import engine_at
from chaosnet.model.header import (
    HEADER_VERSION,
    Header,
    QuorumProof,
    block_id_of,
)
from chaosnet.model.receipt import receipts_root_of
from chaosnet.model.transaction import SignedTx, Transfer, decode_transaction, tx_hash_of

INTERVALS_KEPT = 64


def candidate_from(raw: bytes, source: bytes) -> Candidate:
    """Decode a proposed block and check its static bounds; raises InvalidBlock."""
    block, hashes = decode_block_hashed(raw)
    block_id = block_id_of(block.header)
    return Candidate(block=block, block_id=block_id, raw=raw, source=source, hashes=hashes)


def context_for(node: Node, *, time_ms: int, proposer: bytes) -> Context:
    """Return what transactions of a block on the head see."""
    head = node.head
    return Context(
        genesis=node.config.genesis,
        genesis_hash=node.genesis_hash,
        height=head.header.height + 1,
        era=head.header.era,
        time_ms=time_ms,
        parent_time_ms=head.header.time_ms,
        proposer=proposer,
        params=head.params,
        rules=head.rules,
        anchor_ok=node.anchor_ok,
    )


def head_of(header: Header, block_id: bytes, seal: bytes, state: State, sealed_by: ValidatorSet) -> Head:
    """Return a head with what its state says about the next block."""
    return Head(
        header=header,
        block_id=block_id,
        seal=seal,
        state=state,
        validators=next_validators(state),
        sealed_by=sealed_by,
        params=params_of(state),
        rules=rules_of(state),
        members=members_of(state),
    )


def check_header(node: Node, header: Header) -> None:
    """Raise InvalidBlock unless the header may follow the head (all but what execution computes)."""
    head = node.head
    parent = head.header
    if header.version != HEADER_VERSION or header.genesis != node.genesis_hash:
        raise InvalidBlock("bad_header", "version or genesis")
    if header.height != parent.height + 1 or header.parent != head.block_id or header.era != parent.era:
        raise InvalidBlock("bad_parent")
    if header.time_ms <= parent.time_ms:
        raise InvalidBlock("bad_time", "not after the parent's")
    if header.rule != head.rules.number:
        raise InvalidBlock("bad_header", "rule set")
    if header.engine != engine_at(node.config.genesis, header.height):
        raise InvalidBlock("bad_header", "engine")
    if header.validators_hash != validators_hash_of(head.validators):
        raise InvalidBlock("bad_header", "validators")
    if not isinstance(header.proof, QuorumProof) or header.proof.round < 0:
        raise InvalidBlock("bad_header", "proof")


def check_pinned(node: Node, height: int, block_id: bytes) -> None:
    """Raise InvalidBlock(`untrusted`) when the operator trusts another block at this height."""
    pinned = node.config.pinned
    if pinned is not None and pinned[0] == height and pinned[1] != block_id:
        raise InvalidBlock("untrusted", f"block {height} is not the one that [trust] pins")


def check_parent_seal(node: Node, candidate: Candidate) -> None:
    """Raise InvalidBlock unless the block carries a seal of the head; the genesis has none."""
    head = node.head
    seal = candidate.block.parent_seal
    if head.header.height == 0:
        if seal:
            raise InvalidBlock("bad_seal", "the genesis has none")
    elif seal != head.seal:
        node.engine.check_seal(head.header, seal, head.sealed_by)


def prepare(node: Node, candidate: Candidate) -> None:
    """Decode the transactions; ask for a check of those whose signatures are not known to be good.

    Raises InvalidTransaction. Afterwards `waiting_for` is the ticket of that check, or 0.
    """
    txs: list[SignedTx] = []
    unknown: list[SignedTx] = []
    pending = node.mempool.by_hash
    hashes = candidate.hashes or [tx_hash_of(raw) for raw in candidate.block.txs]
    for raw, tx_hash in zip(candidate.block.txs, hashes, strict=True):
        entry = pending.get(tx_hash)
        if entry is not None:
            txs.append(entry.signed)
        else:
            signed = decode_transaction(raw, tx_hash)
            txs.append(signed)
            unknown.append(signed)
    candidate.txs = tuple(txs)
    if unknown:
        ticket = node.next_ticket()
        candidate.waiting_for = ticket
        node.checks[ticket] = candidate.block_id
        node.effects.append(
            AskVerify(ticket, tuple(s.signature_checks() for s in unknown), is_for_block=True)
        )


def execute(node: Node, candidate: Candidate) -> Applied:
    """Run the block on the head and compare every result with its header; raises InvalidBlock."""
    if candidate.applied is not None:
        return candidate.applied
    header = candidate.block.header
    check_header(node, header)
    check_pinned(node, header.height, candidate.block_id)
    check_parent_seal(node, candidate)
    context = context_for(node, time_ms=header.time_ms, proposer=header.proposer)
    applied = node.apply(node.head.state, context, candidate.txs, candidate.block_id)
    if header.state_root != applied.state.root:
        raise InvalidBlock("bad_root", "state root")
    if header.receipts_root != receipts_root_of(applied.receipts):
        raise InvalidBlock("bad_root", "receipts root")
    if header.gas_used != applied.gas_used:
        raise InvalidBlock("bad_header", "gas used")
    if header.next_validators_hash != validators_hash_of(next_validators(applied.state)):
        raise InvalidBlock("bad_header", "next validators")
    candidate.applied = applied
    return applied


def refuse(node: Node, candidate: Candidate, error: Invalid) -> None:
    """Remember and report that a block broke a rule."""
    candidate.refused = error.code
    report_refused(node, candidate, error)


def report_refused(node: Node, candidate: Candidate, error: Invalid) -> None:
    """Report that a block, or the seal it came with, broke a rule."""
    header = candidate.block.header
    node.effects.append(Report(BlockRefused(candidate.block_id, header.height, error.code, error.detail)))


def commit(node: Node, candidate: Candidate, seal: bytes, now: int) -> None:
    """Make an executed, sealed block the head: durable first, then everything that speaks of it."""
    applied = execute(node, candidate)
    learn(node, candidate, now)
    block = candidate.block
    header = block.header
    old = node.head
    node.effects.append(
        PersistBlock(
            height=header.height,
            block_id=candidate.block_id,
            header=header,
            block=candidate.raw,
            seal=seal,
            receipts=applied.receipts,
            tx_ids=tuple(signed.tx_id for signed in candidate.txs),
            changes=applied.changes,
            undo=applied.undo,
            touched=touched_by(candidate.txs),
        )
    )
    node.head = head_of(header, candidate.block_id, seal, applied.state, old.validators)
    node.publish(header, candidate.block_id, seal, applied.state, old.validators)
    if block.txs and old.header.height:
        node.intervals.append(header.time_ms - old.header.time_ms)
        del node.intervals[:-INTERVALS_KEPT]
    node.head_ms = now
    node.work_told = False
    node.candidates.clear()
    node.unheld.clear()
    # Sealed blocks above wait for their signatures still: forgetting those tickets would stall the sync.
    node.ahead = {i: c for i, c in node.ahead.items() if c.block.header.height > header.height}
    node.checks = {ticket: name for ticket, name in node.checks.items() if name in node.ahead}
    node.mempool.on_block(candidate.txs, header.height + 1)
    node.gossip.settled([signed.tx_hash for signed in candidate.txs])
    node.effects.append(
        Report(
            HeadMoved(
                height=header.height,
                block_id=candidate.block_id,
                header=header,
                size_bytes=len(candidate.raw),
                is_final=True,
                sealed_round=header.proof.round if isinstance(header.proof, QuorumProof) else 0,
                ours=header.proposer == node.own_operator(old.validators),
                tx_ids=tuple(signed.tx_id for signed in candidate.txs),
            )
        )
    )


def touched_by(txs: tuple[SignedTx, ...]) -> tuple[bytes, ...]:
    """Return (position, address) pairs for the account history, each address once per transaction."""
    touched: list[bytes] = []
    for position, signed in enumerate(txs):
        at = position.to_bytes(4, "big")
        body = signed.body
        addresses = dict.fromkeys((body.sender,))
        if body.payer is not None:
            addresses[body.payer] = None
        for action in body.actions:
            if isinstance(action, Transfer):
                addresses[action.to] = None
        touched.extend(at + address for address in addresses)
    return tuple(touched)
