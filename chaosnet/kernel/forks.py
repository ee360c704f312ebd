"""The way of a block where the chain can fork: checked on its parent, executed once, put into the tree.

Then the tip that counts most is followed, at the price of undoing what is not final (protocol: Engines).

A block whose parent is not here, or whose time has not come, waits. What is final is never undone.
"""

from dataclasses import replace

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken, Invalid, InvalidMessage, Refused
from chaosnet.consensus.branching import BranchEngine
from chaosnet.kernel import accusing, chain, fencing, handover, making, producer, telling
from chaosnet.kernel import events as ev
from chaosnet.kernel.blocks import Candidate, Head
from chaosnet.kernel.node import Node
from chaosnet.kernel.tree import Entry, Tree
from chaosnet.model.block import SealedBlock, decode_sealed
from chaosnet.model.header import block_id_of
from chaosnet.model.transaction import SignedTx, decode_transaction
from chaosnet.protocol.messages import NewBlock

ORPHANS_MAX = 64
TIMER = "orphans"


def engine_of(node: Node) -> tuple[BranchEngine, Tree]:
    """Return the engine in force and its tree."""
    if node.branch is None or node.tree is None:
        raise Broken("internal", "no branching engine is in force")
    return node.branch, node.tree


def tip(node: Node) -> Entry:
    """Return the block that the next one builds on: the head, or the tail after the last block of an era."""
    return engine_of(node)[1].best()


# ── blocks come ──────────────────────────────────────────────────────────────────────────────────────────


def on_block(node: Node, peer: bytes, message: NewBlock, now: int) -> None:
    """Take a block that a peer pushes; raises InvalidMessage."""
    if node.branch is None or node.tree is None:
        return
    try:
        sealed = decode_sealed(message.block)
    except Invalid as error:
        raise InvalidMessage(error.code, error.detail, penalty=100) from error
    header = sealed.block.header
    if header.genesis != node.genesis_hash:
        raise InvalidMessage("wrong_network", penalty=100)
    node.heard[peer] = now
    node.told[peer] = block_id_of(header)
    fencing.see_pushed(node, header, sealed.seal, now)
    receive(node, candidate_of(sealed, peer), now)


def candidate_of(sealed: SealedBlock, source: bytes) -> Candidate:
    """Return a sealed block on its way."""
    block = sealed.block
    return Candidate(
        block=block, block_id=block_id_of(block.header), raw=encode(block), source=source, seal=sealed.seal
    )


def receive(node: Node, candidate: Candidate, now: int) -> None:
    """Take a block from anywhere; whatever it is, nothing is raised."""
    _, tree = engine_of(node)
    header = candidate.block.header
    known = candidate.block_id in tree.entries or candidate.block_id in node.candidates
    if known or header.era < node.era or header.height <= tree.entries[tree.root].head.header.height:
        return
    if header.parent not in tree.entries or _is_early(node, candidate, now):
        _wait(node, candidate, now)
        return
    if _begins_era(node, candidate, now):
        _wait(node, candidate, now)
        return
    if not tree.make_room(node.head.block_id, header.parent):
        return
    try:
        _check(node, candidate)
        if not candidate.txs and not candidate.waiting_for:
            chain.prepare(node, candidate)
    except Invalid as error:
        _refuse(node, candidate, error, now)
        return
    if candidate.waiting_for:
        node.candidates[candidate.block_id] = candidate
    else:
        _grow(node, candidate, now)


def import_ready(node: Node, now: int) -> None:
    """Put the blocks that sync holds into the tree, in order; one may wait for its signatures at a time."""
    while node.branch is not None and node.tree is not None and not node.tail and not _is_verifying(node):
        found = node.sync.peek_next()
        if found is None:
            return
        candidate = candidate_of(*found)
        height = candidate.block.header.height
        if candidate.block_id in node.tree.entries:
            node.sync.take(height)
            node.sync.advance(height, candidate.block_id)
            continue
        if candidate.block.header.parent not in node.tree.entries or _is_early(node, candidate, now):
            return  # it stays with sync: among the orphans it might have to give way
        node.sync.take(height)
        receive(node, candidate, now)


def _is_verifying(node: Node) -> bool:
    return any(candidate.waiting_for for candidate in node.candidates.values())


def on_block_verified(node: Node, candidate: Candidate, now: int, *, is_good: bool) -> None:
    """The signatures of a block's unknown transactions were checked."""
    candidate.waiting_for = 0
    node.candidates.pop(candidate.block_id, None)
    if not is_good:
        _refuse(node, candidate, Invalid("bad_signature"), now)
    elif candidate.block.header.parent in engine_of(node)[1].entries:
        _grow(node, candidate, now)


def _begins_era(node: Node, candidate: Candidate, now: int) -> bool:
    """Return whether this is the first block of the next era; its tail may end the present one (see eras)."""
    _, tree = engine_of(node)
    parent = tree.entries[candidate.block.header.parent]
    if parent.is_tail or not handover.is_at_end(node, parent):
        return False
    if handover.is_tail(node, candidate.block.header):
        return False
    try:
        handover.check_tail(node, parent.head, candidate.block.parent_seal)
    except Invalid as error:
        chain.refuse(node, candidate, error)
        return True
    if node.head.block_id != parent.head.block_id:
        _move_head(node, parent, now)
    node.tail = candidate.block.parent_seal
    node.ahead[candidate.block_id] = candidate
    tree.set_root(parent.head.block_id)
    return True


def _is_early(node: Node, candidate: Candidate, now: int) -> bool:
    branch, _ = engine_of(node)
    header = candidate.block.header
    return header.engine == branch.name and branch.earliest_ms(header) > now


def _wait(node: Node, candidate: Candidate, now: int) -> None:
    """Keep a block until its parent is here and its time has come; the oldest gives way."""
    while len(node.orphans) >= ORPHANS_MAX:
        del node.orphans[next(iter(node.orphans))]
    node.orphans[candidate.block_id] = candidate
    _wake(node, now)


def _wake(node: Node, now: int) -> None:
    """Come back when the first of what is early is due, however late others are."""
    branch, _ = engine_of(node)
    early = [candidate for candidate in node.orphans.values() if _is_early(node, candidate, now)]
    if early:
        at_ms = min(branch.earliest_ms(candidate.block.header) for candidate in early)
        node.effects.append(ev.SetTimer(TIMER, at_ms))


def retry_waiting(node: Node, now: int) -> None:
    """Look again at what waits: a parent has come, or time has passed."""
    if node.branch is None or node.tree is None:
        return
    ready = [
        candidate
        for candidate in node.orphans.values()
        if candidate.block.header.parent in node.tree.entries and not _is_early(node, candidate, now)
    ]
    for candidate in ready:
        node.orphans.pop(candidate.block_id, None)
        receive(node, candidate, now)
    if node.orphans and node.branch is not None:
        _wake(node, now)


def _refuse(node: Node, candidate: Candidate, error: Invalid, now: int) -> None:
    chain.refuse(node, candidate, error)
    if candidate.source:
        node.blame.append((candidate.source, error.code, 100))
    node.sync.reject(candidate.block.header.height, now)


def _parent_head(node: Node, candidate: Candidate) -> tuple[Head, bool]:
    """Return the parent as this block must see it, and whether this is a tail block."""
    _, tree = engine_of(node)
    head = tree.entries[candidate.block.header.parent].head
    is_tail = handover.is_tail(node, candidate.block.header)
    return (handover.tail_head(head) if is_tail else head), is_tail


def _check(node: Node, candidate: Candidate) -> None:
    """Raise InvalidBlock unless header and seal may follow the parent."""
    branch, _ = engine_of(node)
    header = candidate.block.header
    parent, is_tail = _parent_head(node, candidate)
    if is_tail:
        handover.check_tail_block(node, parent, candidate.block)
        branch.check(header, candidate.seal, handover.tail_facts(node, parent))
        return
    if header.engine != branch.name:
        raise Invalid("bad_header", "engine")
    chain.check_header(node, header, parent)
    branch.check(header, candidate.seal, node.parent_facts(parent))


def _grow(node: Node, candidate: Candidate, now: int) -> None:
    """Execute a block and put it into the tree; then follow the tip that counts most."""
    branch, tree = engine_of(node)
    header = candidate.block.header
    parent, is_tail = _parent_head(node, candidate)
    try:
        if is_tail:
            facts = handover.tail_facts(node, parent)
            view = branch.follow(header, facts)
            head = handover.tail_after(parent, header, candidate, view)
            _keep_tail(node, candidate)
        else:
            facts = node.parent_facts(parent)
            applied = chain.execute(node, candidate, parent)
            view = branch.follow(header, facts)
            state, sealed_by = applied.state, parent.validators
            head = chain.head_of(header, candidate.block_id, candidate.seal, state, sealed_by)
            head = replace(head, view=view, sealed_in=parent.epoch)
    except Invalid as error:
        candidate.applied = None
        _refuse(node, candidate, error, now)
        return
    node.sync.advance(header.height, candidate.block_id)
    entry = Entry(head, candidate, branch.score(view, header), is_tail)
    accusing.look(node, tree, entry)
    tree.add(entry)
    fencing.see_block(node, header, candidate.seal, head.sealed_by, now)
    follow_best(node, now, entry if _ends_era(node, entry) else None)
    retry_waiting(node, now)


def _keep_tail(node: Node, candidate: Candidate) -> None:
    """Make a tail block durable: were it lost by all who signed it, their sign states allow no other."""
    raw = encode(SealedBlock(candidate.block, candidate.seal))
    node.effects.append(ev.PersistCandidate(candidate.block.header.height, candidate.block_id, raw))


def restore_tail(node: Node, now: int) -> None:
    """Take the tail that was here before the start, ascending."""
    if node.tree is None or not handover.is_at_end(node, node.tree.best()):
        return
    for raw in node.reader.tail_blocks():
        try:
            sealed = decode_sealed(raw)
        except Invalid:
            continue  # a candidate of an era before
        receive(node, candidate_of(sealed, b""), now)


def add_own(node: Node, candidate: Candidate, now: int) -> None:
    """Take a sealed block of our own."""
    _grow(node, candidate, now)


# ── the tip that counts most ─────────────────────────────────────────────────────────────────────────────


def _ends_era(node: Node, entry: Entry) -> bool:
    """Return whether a tail makes the last block of its era final, be there others that count more.

    Those who saw it first are in the next era, and sign no more here.
    """
    view = entry.head.view
    era_end = node.config.genesis.schedule[node.era + 1].height - 1 if entry.is_tail else 0
    return entry.is_tail and view is not None and view.final_height >= era_end


def follow_best(node: Node, now: int, ending: Entry | None = None) -> None:
    """Make the best tip the head, or one that ends the era; move finality on, and go on making blocks."""
    _, tree = engine_of(node)
    best = ending or tree.best()
    target = next(entry for entry in tree.path(best.head.block_id) if not entry.is_tail)
    if target.head.block_id != node.head.block_id:
        _move_head(node, target, now)
    if node.pushed != best.head.block_id:
        telling.push(node, best)
    _finalise(node, best)
    making.plan(node, now)


def _move_head(node: Node, target: Entry, now: int) -> None:
    """Extend the canonical chain, after undoing what is not on the way to the new head."""
    _, tree = engine_of(node)
    old = tree.entries[node.head.block_id]
    common = tree.fork_point(old.head.block_id, target.head.block_id)
    undone = tree.above(common, old)
    added = tree.above(common, target)[::-1]
    if undone:
        _roll_back(node, undone, tree.entries[common])
    final_height = _final_height(node, target)
    for entry in added:
        assert entry.candidate is not None  # noqa: S101 - only canonical blocks are without
        if entry.candidate.applied is None:  # it was here before this run
            chain.execute(node, entry.candidate, node.head)
        chain.extend(node, entry.candidate, entry.head, now, final_height=final_height)
    if undone:
        _bring_back(node, undone, added, now)
        new = target.head
        dropped = _dropped(undone, added)
        common_height = tree.entries[common].head.header.height
        node.effects.append(
            ev.Report(
                ev.Reorganised(
                    old_height=old.head.header.height,
                    old_id=old.head.block_id,
                    new_height=new.header.height,
                    new_id=new.block_id,
                    common_height=common_height,
                    dropped=tuple(signed.tx_id for signed in dropped),
                )
            )
        )
    node.sync.set_head(node.head.header.height, node.head.block_id, now)


def _roll_back(node: Node, undone: list[Entry], to: Entry) -> None:
    for entry in undone:
        height = entry.head.header.height
        if entry.candidate is None:
            entry.candidate = _stored(node, height)
        node.ids.pop(height, None)
        node.recent.pop(height, None)
    node.head = to.head
    node.effects.append(ev.RollBack(to.head.header.height))


def _stored(node: Node, height: int) -> Candidate:
    """Return a canonical block that storage holds since before this run, while it does; not executed."""
    raw = node.reader.sealed_at(height)
    if raw is None:
        raise Broken("internal", f"no block at height {height}")
    candidate = candidate_of(decode_sealed(raw), b"")
    candidate.txs = tuple(decode_transaction(tx) for tx in candidate.block.txs)
    return candidate


def _dropped(undone: list[Entry], added: list[Entry]) -> list[SignedTx]:
    """Return the transactions that the new branch does not hold, in their old order."""
    kept = {s.tx_id for e in added if e.candidate is not None for s in e.candidate.txs}
    return [
        signed
        for entry in reversed(undone)
        if entry.candidate is not None
        for signed in entry.candidate.txs
        if signed.tx_id not in kept
    ]


def _bring_back(node: Node, undone: list[Entry], added: list[Entry], now: int) -> None:
    """Let transactions of undone blocks wait again; those that cannot be any more are dropped."""
    dropped = _dropped(undone, added)
    for signed in producer.still_good(node, dropped, now):
        try:
            node.mempool.add(signed, now)
        except Refused:
            continue  # no room: its sender may send it again
    node.gossip.undone([signed.tx_hash for signed in dropped], node.mempool.by_hash)


# ── finality ─────────────────────────────────────────────────────────────────────────────────────────────


def _final_height(node: Node, entry: Entry) -> int:
    """Return the final height that a tip shows, not above the canonical chain."""
    view = entry.head.view
    root = engine_of(node)[1].entries[engine_of(node)[1].root].head.header.height
    return max(root, view.final_height if view is not None else root)


def _finalise(node: Node, best: Entry) -> None:
    """Make final what the best tip shows to be final; end the era when that is its last block."""
    _, tree = engine_of(node)
    height = min(_final_height(node, best), node.head.header.height)
    final = next(e for e in tree.path(best.head.block_id) if e.head.header.height == height and not e.is_tail)
    view = best.head.view
    if handover.is_at_end(node, final) and view is not None and view.final_height >= height:
        node.tail = handover.tail_of(tree, best)
    if final.head.block_id == tree.root:
        return
    tree.set_root(final.head.block_id)
    node.final_height = height
    node.sync.set_floor(height, final.head.block_id)
    node.effects.append(ev.Report(ev.Finalised(height=height, block_id=final.head.block_id)))
