"""Sealed blocks from sync: checked ahead of their turn, executed and committed in order."""

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.kernel import agreement, chain, forks, handover
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.node import Node
from chaosnet.model.block import validators_hash_of
from chaosnet.model.genesis import era_at
from chaosnet.model.header import block_id_of

SYNC_AHEAD = 4
"""Sealed blocks whose signatures are verified ahead of execution."""


def on_block_verified(node: Node, ticket: int, *, is_good: bool, now: int) -> None:
    """Signatures of a block's unknown transactions were checked; consensus and sync may both wait for it."""
    block_id = node.checks.pop(ticket)
    if node.branch is not None:
        waiting = node.candidates.get(block_id)
        if waiting is not None and waiting.waiting_for == ticket:
            forks.on_block_verified(node, waiting, now, is_good=is_good)
            forks.import_ready(node, now)
        return
    both = (node.candidates.get(block_id), node.ahead.get(block_id))
    candidate = next((c for c in both if c is not None and c.waiting_for == ticket), None)
    if candidate is None:
        return
    candidate.waiting_for = 0
    if not is_good:
        chain.refuse(node, candidate, Invalid("bad_signature"))
    if block_id in node.ahead:
        import_ready(node, now)
    agreement.answer_check(node, candidate, now)


def import_ready(node: Node, now: int) -> None:
    """Prepare the next sealed blocks that sync holds, and commit those whose turn it is.

    Not further ahead of the disk than the world wants: what waits to be written is held in memory.
    """
    if node.branch is not None:
        if not node.halted:
            forks.import_ready(node, now)
        return
    while not node.halted and not _is_far_ahead(node) and not _is_crossing(node):
        _look_ahead(node, now)
        candidate = node.ahead_at(node.head.header.height + 1)
        if candidate is None or candidate.waiting_for:
            return
        try:
            if candidate.refused:
                raise Invalid(candidate.refused)
            head = node.head
            seed = chain.seed_of(head.epoch)
            node.engine.check_seal(candidate.block.header, candidate.seal, head.validators, seed)
            chain.execute(node, candidate)
        except Invalid as error:
            _drop_branch(node, candidate, error, now)
            return
        agreement.give(node, agreement.commit(node, candidate, candidate.seal, now), now)


def _is_crossing(node: Node) -> bool:
    """Return whether the head ends the era of the engine in force: the next one goes on (see eras)."""
    header = node.head.header
    return handover.is_last_of_era(node, header) and node.era == header.era


def _is_far_ahead(node: Node) -> bool:
    most = node.config.unwritten_max
    return most > 0 and node.head.header.height - node.written_height >= most


def _look_ahead(node: Node, now: int) -> None:
    """Take the next blocks from sync and have their signatures checked.

    A block is worth that work only once its seal holds, as far as the set that seals it is known already.
    One that consensus works on too is the same candidate: it is verified and executed once.
    """
    head = node.head
    first = head.header.height + 1
    for height in range(first, first + SYNC_AHEAD):
        if era_at(node.config.genesis, height) != era_at(node.config.genesis, first):
            return  # for the next engine to judge
        known = node.ahead_at(height)
        if known is not None:
            if known.block.txs and not known.txs and not known.waiting_for and not known.refused:
                _prepare(node, known, now)  # it came while the engine before was in force
            continue
        taken = node.sync.take(height)
        if taken is None:
            return
        sealed, peer = taken
        header = sealed.block.header
        block_id = block_id_of(header)
        candidate = node.candidates.get(block_id)
        if candidate is None:
            raw = encode(sealed.block)
            candidate = Candidate(block=sealed.block, block_id=block_id, raw=raw, source=peer)
        candidate.seal = sealed.seal
        node.ahead[block_id] = candidate
        try:
            is_known = head.epoch is None or height == first
            if is_known and header.validators_hash == validators_hash_of(head.validators):
                node.engine.check_seal(header, sealed.seal, head.validators, chain.seed_of(head.epoch))
            if not candidate.txs and not candidate.waiting_for:
                chain.prepare(node, candidate)
        except Invalid as error:
            _drop_branch(node, candidate, error, now)
            return


def _prepare(node: Node, candidate: Candidate, now: int) -> None:
    try:
        chain.prepare(node, candidate)
    except Invalid as error:
        _drop_branch(node, candidate, error, now)


def _drop_branch(node: Node, candidate: Candidate, error: Invalid, now: int) -> None:
    """Forget what was fetched from a false block on, and blame who gave it.

    The block itself may be good and its seal alone false: consensus goes on to judge it for itself.
    """
    height = candidate.block.header.height
    chain.report_refused(node, candidate, error)
    node.ahead = {i: c for i, c in node.ahead.items() if c.block.header.height < height}
    peer = node.sync.reject(height, now)
    if peer is not None:
        node.blame.append((peer, error.code, 100))
