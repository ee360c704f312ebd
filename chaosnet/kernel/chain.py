"""The way of a block: static checks, signatures, execution, commit. Each block is executed once.

A candidate comes from our own producer, from a proposal, or sealed from sync. All are prepared, executed
and committed here; `agreement` decides when.
"""

from dataclasses import replace
from typing import Final

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid, InvalidBlock
from chaosnet.kernel import handover
from chaosnet.kernel.blocks import Candidate, Head
from chaosnet.kernel.events import AskVerify, BlockRefused, HeadMoved, PersistBlock, Report
from chaosnet.kernel.node import Node
from chaosnet.kernel.pace import learn
from chaosnet.ledger.apply import Applied
from chaosnet.ledger.context import Context, params_of, rules_of
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.ledger.epochs import epoch_of
from chaosnet.ledger.members import members_of, next_validators
from chaosnet.ledger.state import State
from chaosnet.model.block import ValidatorSet, decode_block_hashed, validators_hash_of
from chaosnet.model.contract_actions import Call, ChangeToken, Deploy, IssueToken, SendToken
from chaosnet.model.epoch import Epoch
from chaosnet.model.genesis import engine_at, era_at
from chaosnet.model.header import (
    HEADER_VERSION,
    Header,
    PowProof,
    Proof,
    QuorumProof,
    RoundProof,
    SlotProof,
    StakeProof,
    block_id_of,
)
from chaosnet.model.receipt import NO_OUTCOME, receipts_root_of
from chaosnet.model.transaction import SignedTx, Transfer, decode_transaction, tx_hash_of

INTERVALS_KEPT = 64
REVEAL_BYTES = 16
ADDRESS_BYTES = 33
PROOF_OF: Final[dict[str, type[Proof]]] = {
    "pbft": QuorumProof,
    "dbft": RoundProof,
    "pow": PowProof,
    "pos": StakeProof,
    "dpos": SlotProof,
}
"""Which proof a header of each engine holds."""


def reveal_of(header: Header) -> bytes:
    """Return the layer of its proposer's hash onion that a block shows, under dbft."""
    return header.proof.reveal if isinstance(header.proof, RoundProof) else b""


def candidate_from(raw: bytes, source: bytes) -> Candidate:
    """Decode a proposed block and check its static bounds; raises InvalidBlock."""
    block, hashes = decode_block_hashed(raw)
    block_id = block_id_of(block.header)
    return Candidate(block=block, block_id=block_id, raw=raw, source=source, hashes=hashes)


def context_for(node: Node, *, time_ms: int, proposer: bytes, on: Head | None = None) -> Context:
    """Return what transactions of a block on the head, or on another block, see."""
    head = on or node.head
    height = head.header.height + 1
    return Context(
        genesis=node.config.genesis,
        genesis_hash=node.genesis_hash,
        height=height,
        era=era_at(node.config.genesis, height),
        time_ms=time_ms,
        parent_time_ms=head.header.time_ms,
        proposer=proposer,
        params=head.params,
        rules=head.rules,
        anchor_ok=lambda height, prefix: (node.ancestor_id(head, height) or b"").startswith(prefix),
        machine=node.config.machine,
    )


def context_of(node: Node, parent: Head, header: Header) -> Context:
    """Return what transactions of the block with this header see."""
    context = context_for(node, time_ms=header.time_ms, proposer=header.proposer, on=parent)
    branch = node.branch
    if branch is None or branch.name != header.engine:
        return replace(context, engine=header.engine, entropy=reveal_of(header))
    facts = node.parent_facts(parent)
    return replace(
        context,
        engine=header.engine,
        entropy=branch.entropy(header),
        missed=branch.missed(header, facts),
    )


def head_of(
    header: Header,
    block_id: bytes,
    seal: bytes,
    state: State,
    sealed_by: ValidatorSet,
) -> Head:
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
        epoch=epoch_of(state),
    )


def check_header(node: Node, header: Header, on: Head | None = None) -> None:
    """Raise InvalidBlock unless the header may follow the head, or another block.

    All but what execution computes, and what only the engine knows.
    """
    head = on or node.head
    parent = head.header
    if header.version != HEADER_VERSION or header.genesis != node.genesis_hash:
        raise InvalidBlock("bad_header", "version or genesis")
    era = era_at(node.config.genesis, header.height)
    if header.height != parent.height + 1 or header.parent != head.block_id or header.era != era:
        raise InvalidBlock("bad_parent")
    if header.time_ms <= parent.time_ms:
        raise InvalidBlock("bad_time", "not after the parent's")
    if header.rule != head.rules.number:
        raise InvalidBlock("bad_header", "rule set")
    if header.engine != engine_at(node.config.genesis, header.height):
        raise InvalidBlock("bad_header", "engine")
    if header.validators_hash != validators_hash_of(head.validators):
        raise InvalidBlock("bad_header", "validators")
    if type(header.proof) is not PROOF_OF.get(header.engine):
        raise InvalidBlock("bad_header", "proof")
    if isinstance(header.proof, QuorumProof | RoundProof) and header.proof.round < 0:
        raise InvalidBlock("bad_header", "round")
    if isinstance(header.proof, RoundProof | SlotProof) and len(header.proof.reveal) not in (0, REVEAL_BYTES):
        raise InvalidBlock("bad_header", "reveal")
    if len(header.proposer) != ADDRESS_BYTES:
        raise InvalidBlock("bad_proposer", "not an account")


def seed_of(epoch: Epoch | None) -> bytes:
    """Return the seed of an epoch; empty where there are none."""
    return epoch.seed if epoch is not None else b""


def check_pinned(node: Node, height: int, block_id: bytes) -> None:
    """Raise InvalidBlock(`untrusted`) when the operator trusts another block at this height."""
    pinned = node.config.pinned
    if pinned is not None and pinned[0] == height and pinned[1] != block_id:
        raise InvalidBlock("untrusted", f"block {height} is not the one that [trust] pins")


def check_parent_seal(node: Node, candidate: Candidate, on: Head | None = None) -> None:
    """Raise InvalidBlock unless the block carries a seal of its parent; the genesis has none."""
    head = on or node.head
    seal = candidate.block.parent_seal
    if head.header.height == 0:
        if seal:
            raise InvalidBlock("bad_seal", "the genesis has none")
    elif handover.is_last_of_era(node, head.header):
        handover.check_tail(node, head, seal)
    elif seal != head.seal:
        if node.branch is not None:
            raise InvalidBlock("bad_seal", "another seal than the parent came with")
        node.engine.check_seal(head.header, seal, head.sealed_by, seed_of(head.sealed_in))


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


def execute(node: Node, candidate: Candidate, on: Head | None = None) -> Applied:
    """Run the block on the head, or on another block, and compare every result with its header.

    Raises InvalidBlock.
    """
    if candidate.applied is not None:
        return candidate.applied
    parent = on or node.head
    header = candidate.block.header
    check_header(node, header, parent)
    check_pinned(node, header.height, candidate.block_id)
    check_parent_seal(node, candidate, parent)
    context = context_of(node, parent, header)
    applied = node.apply(parent.state, context, candidate.txs, candidate.block_id)
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
    if error.code == "untrusted":
        node.is_pin_contradicted = True
    node.effects.append(Report(BlockRefused(candidate.block_id, header.height, error.code, error.detail)))


def commit(node: Node, candidate: Candidate, seal: bytes, now: int) -> None:
    """Make an executed, sealed block the head: durable first, then everything that speaks of it."""
    applied = execute(node, candidate)
    learn(node, candidate, now)
    sealed_by = node.head.validators
    head = head_of(candidate.block.header, candidate.block_id, seal, applied.state, sealed_by)
    head = replace(head, sealed_in=node.head.epoch)
    extend(node, candidate, head, now, final_height=head.header.height)
    node.candidates.clear()
    node.unheld.clear()
    # Sealed blocks above wait for their signatures still: forgetting those tickets would stall the sync.
    node.ahead = {i: c for i, c in node.ahead.items() if c.block.header.height > head.header.height}
    node.checks = {ticket: name for ticket, name in node.checks.items() if name in node.ahead}


def extend(node: Node, candidate: Candidate, head: Head, now: int, *, final_height: int) -> None:
    """Add one block to the canonical chain: durable first, then everything that speaks of it."""
    old, header, applied = node.head, head.header, candidate.applied
    assert applied is not None  # noqa: S101 - only what was executed gets here
    tx_ids = tuple(signed.tx_id for signed in candidate.txs)
    outcomes = applied.outcomes if any(o is not NO_OUTCOME for o in applied.outcomes) else ()
    node.effects.append(
        PersistBlock(
            height=header.height,
            block_id=candidate.block_id,
            header=header,
            block=candidate.raw,
            seal=head.seal,
            receipts=applied.receipts,
            outcomes=outcomes,
            tx_ids=tx_ids,
            changes=applied.changes,
            undo=applied.undo,
            touched=touched_by(candidate.txs),
            final_height=final_height,
            view=encode(head.view) if head.view is not None else b"",
        )
    )
    node.head = head
    node.final_height = max(node.final_height, final_height)
    node.publish(header, candidate.block_id, head.seal, head.state, head.sealed_by)
    if candidate.txs and old.header.height:
        node.intervals.append(header.time_ms - old.header.time_ms)
        del node.intervals[:-INTERVALS_KEPT]
    node.head_ms = now
    node.work_told = False
    node.mempool.on_block(candidate.txs, header.height + 1)
    node.gossip.settled([signed.tx_hash for signed in candidate.txs])
    proof = header.proof
    node.effects.append(
        Report(
            HeadMoved(
                height=header.height,
                block_id=candidate.block_id,
                header=header,
                size_bytes=len(candidate.raw),
                is_final=final_height >= header.height,
                sealed_round=proof.round if isinstance(proof, QuorumProof | RoundProof) else 0,
                ours=header.proposer == node.own_operator(head.sealed_by),
                tx_ids=tx_ids,
                outcomes=outcomes,
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
        for place, action in enumerate(body.actions):
            if isinstance(action, Transfer | SendToken | IssueToken):
                addresses[action.to] = None
                if isinstance(action, SendToken) and action.owner:
                    addresses[action.owner] = None
            elif isinstance(action, ChangeToken):
                addresses |= dict.fromkeys(filter(None, (action.subject, action.to)))
            elif isinstance(action, Call):
                addresses[action.contract] = None
            elif isinstance(action, Deploy):
                at_place = contract_id(body.genesis, body.sender, body.nonce, place)
                addresses[at_place] = None
        touched.extend(at + address for address in addresses)
    return tuple(touched)
