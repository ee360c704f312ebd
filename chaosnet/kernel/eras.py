"""Which engine is in force in this node, and the change from one to the next."""

from dataclasses import replace

from chaosnet.consensus.idle import Idle
from chaosnet.kernel import agreement, forks, handover, making
from chaosnet.kernel.blocks import Head
from chaosnet.kernel.node import Node
from chaosnet.kernel.tree import Entry, Tree
from chaosnet.model.genesis import engine_at, era_at


def engine_in_force(node: Node) -> str:
    """Return which engine works on the head: the old one until the last block of a branching era is final."""
    header = node.head.header
    if handover.is_last_of_era(node, header) and node.branch_of(header.engine) is not None:
        return header.engine
    return engine_at(node.config.genesis, header.height + 1)


def score_of(node: Node, head: Head) -> tuple[int, ...]:
    """Return what a block's branch counts under the engine in force; the block before an era counts least."""
    if node.branch is None or head.view is None or head.header.engine != node.branch.name:
        return ()
    return node.branch.score(head.view, head.header)


def install(node: Node, name: str) -> None:
    """Put the engine of this name in force on the head; `start` lets it work."""
    header = node.head.header
    is_old = handover.is_last_of_era(node, header) and name == header.engine
    node.era = header.era if is_old else era_at(node.config.genesis, header.height + 1)
    branch = node.branch_of(name)
    node.branch = branch
    node.making = None
    node.tail = b""
    node.candidates.clear()
    node.checks = {ticket: name for ticket, name in node.checks.items() if name in node.ahead}
    if branch is None:
        node.engine = node.engine_of(name)
        node.tree = None
        node.sync.set_floor(None)
        return
    head = node.head
    node.engine = Idle(name)
    entry = Entry(head, None, score_of(node, head))
    node.tree = Tree(root=head.block_id, entries={head.block_id: entry})
    node.sync.set_floor(head.header.height, head.block_id)


def start(node: Node, now: int) -> None:
    """Let the engine in force work."""
    if node.branch is not None:
        forks.retry_waiting(node, now)
        making.plan(node, now)
    else:
        agreement.start(node, now)


def cross_if_due(node: Node, now: int) -> bool:
    """Change to the next engine when the head is the last block of an era and final; return whether."""
    header = node.head.header
    if not handover.is_last_of_era(node, header):
        return False
    if node.era != header.era or (node.branch is not None and not node.tail):
        return False
    if node.branch is not None:
        making.stop(node)
        node.head = replace(node.head, seal=node.tail)
        node.final_height = header.height
    install(node, engine_at(node.config.genesis, header.height + 1))
    start(node, now)
    return True
