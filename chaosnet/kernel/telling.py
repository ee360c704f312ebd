"""What peers hear of our branch where the chain can fork, and what we take from their claims."""

from typing import TypeVar

from chaosnet.base.codec import encode
from chaosnet.kernel import handover
from chaosnet.kernel.node import Node
from chaosnet.kernel.outbox import send_all
from chaosnet.kernel.tree import Entry
from chaosnet.model.block import SealedBlock
from chaosnet.protocol.messages import NewBlock, Status

T = TypeVar("T")
TAIL_PUSHED_MAX = 40
"""Tail blocks given to one peer at once."""
TAIL_GIVEN_MS = 4_000
"""Pause before more of a tail. A peer takes 50 blocks a second, and 200 that a broken line held back."""

SIDE_BLOCKS_MAX = 16
"""Blocks beside the canonical chain that a new peer is given: the newest."""


def push(node: Node, entry: Entry) -> None:
    """Give a new tip to every peer that is not known to have it."""
    node.pushed = entry.head.block_id
    candidate = entry.candidate
    if candidate is None:
        return
    sealed = encode(SealedBlock(candidate.block, entry.head.seal))
    message = NewBlock(block=sealed)
    block_id = candidate.block_id
    peers = [peer for peer in node.sessions.ready() if peer != candidate.source]
    send_all(node, [(peer, message) for peer in peers if node.told.get(peer) != block_id])


def own_claim(node: Node) -> int:
    """Return the score of our tip as peers compare it; 0 where the chain cannot fork."""
    if node.branch is None or node.tree is None:
        return 0
    score = node.tree.best().score
    return node.branch.claim(score) if score else 0


def height_claimed(node: Node, peer: bytes, status: Status, now: int) -> int:
    """Return up to which height a peer has blocks that we lack; give it our tip if it lacks that.

    A head that is in the tree is no news. One that counts more without being higher is fetched from the final
    block on.
    """
    if status.era < node.era and status.height == node.head.header.height:
        give_tail(node, peer, now)
    if node.branch is None or node.tree is None:
        return status.height
    node.told[peer] = status.head
    nothing = node.tree.entries[node.tree.root].head.header.height
    if status.era != node.era:  # what other engines claim does not compare
        return status.height if status.era > node.era else min(status.height, nothing)
    claim = int.from_bytes(status.claim, "big")
    ours = own_claim(node)
    if claim < ours and status.height >= node.head.header.height:
        push_to(node, peer, now)
    if status.head in node.tree.entries:
        return min(status.height, nothing)
    if claim > ours and status.height <= node.head.header.height:
        node.sync.begin_below()
    return status.height if claim > ours else min(status.height, nothing)


def push_to(node: Node, peer: bytes, now: int) -> None:
    """Give our best tip to one peer; of a tail, which nobody can fetch, any part."""
    if node.tree is None:
        return
    path = list(node.tree.path(node.tree.best().head.block_id))
    tail = [entry for entry in path if entry.is_tail]
    if tail and not _may_give(node, peer, now):
        return
    given = reversed(_some_of(node, tail) or path[:1])
    blocks = [SealedBlock(e.candidate.block, e.head.seal) for e in given if e.candidate is not None]
    send_all(node, [(peer, NewBlock(block=encode(block))) for block in blocks])


def give_side_blocks(node: Node, peer: bytes) -> None:
    """Give a new peer what no sync brings: its own may be among it, and its sign state an old copy."""
    if node.tree is None or node.branch is None or node.branch.name == "pow":
        return
    canonical = {entry.head.block_id for entry in node.tree.path(node.head.block_id)}
    beside = [
        (e.head.header.time_ms, block_id, encode(SealedBlock(e.candidate.block, e.head.seal)))
        for block_id, e in node.tree.entries.items()
        if block_id not in canonical and e.candidate is not None
    ]
    newest = sorted(beside)[-SIDE_BLOCKS_MAX:]
    send_all(node, [(peer, NewBlock(block=block)) for _, _, block in newest])


def give_tail(node: Node, peer: bytes, now: int) -> None:
    """Give what ended the era to a peer at our height that is still in it."""
    blocks = handover.tail_blocks(node, node.head)
    if not blocks or not _may_give(node, peer, now):
        return
    tail = _some_of(node, blocks)
    send_all(node, [(peer, NewBlock(block=encode(block))) for block in tail])


def _may_give(node: Node, peer: bytes, now: int) -> bool:
    """Return whether a peer was given nothing of a tail of late."""
    if now - node.tail_given.get(peer, now - TAIL_GIVEN_MS) < TAIL_GIVEN_MS:
        return False
    node.tail_given[peer] = now
    return True


def _some_of(node: Node, items: list[T]) -> list[T]:
    """Return as many neighbours as a peer takes at once, drawn."""
    first = node.dice.below(max(1, len(items) - TAIL_PUSHED_MAX + 1))
    return items[first : first + TAIL_PUSHED_MAX]
