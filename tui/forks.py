"""Where nodes' chains parted: the tree of blocks that each told of, and the branches it left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from chaosnet.rpc.schema import Reorganisation, ReorgEvent, Status, Tree, TreeBlock

REORGS_MAX: Final = 64
"""Reorganisations remembered, of all nodes together."""


@dataclass(frozen=True, slots=True)
class Reorg:
    """A node left a branch for another."""

    node: int
    time_ms: int
    """By this machine's clock."""
    facts: Reorganisation

    @property
    def key(self) -> str:
        """Names it among all."""
        return f"{self.node}/{self.facts.old_id}/{self.facts.new_id}"


def reorganisation_of(event: ReorgEvent, top: int, now_ms: int) -> Reorganisation:
    """Return what an event of the stream tells; `top` is the height before it, which old nodes leave out."""
    old_height = event.old_height or top
    return Reorganisation(
        at_ms=now_ms,
        common_height=event.common_height,
        old_height=old_height,
        old_id=event.old_id,
        new_height=event.new_height,
        new_id=event.new_id,
        depth=event.depth or max(old_height - event.common_height, 0),
        is_deep=event.is_deep,
        dropped=event.dropped,
        dropped_total=len(event.dropped),
    )


@dataclass(slots=True)
class Forks:
    """Trees and reorganisations of all nodes, by the position of the node."""

    trees: dict[int, Tree] = field(default_factory=dict)
    """As last asked for."""
    problems: dict[int, str] = field(default_factory=dict)
    """Why the last question for a tree was in vain."""
    reorgs: dict[str, Reorg] = field(default_factory=dict)
    """By key; the oldest first."""
    restless: dict[int, int] = field(default_factory=dict)
    """How often nodes changed branches since their tree was asked for; 0: before they were watched."""

    def clear(self) -> None:
        """Forget everything."""
        self.trees.clear()
        self.problems.clear()
        self.reorgs.clear()
        self.restless.clear()

    def note(self, node: int, before: Status | None, after: Status) -> None:
        """Take note that a node changed branches between two answers, or before it was watched."""
        count = after.consensus.reorganisations
        if before is None:
            if count:
                self.restless.setdefault(node, 0)
            return
        known = before.consensus.reorganisations if before.started_ms == after.started_ms else 0
        if count > known:
            self.restless[node] = self.restless.get(node, 0) + count - known

    def take_tree(self, node: int, tree: Tree, to_local: Callable[[int], int]) -> list[Reorg]:
        """Take a node's tree, and return which reorganisations are news; `to_local` makes its times ours."""
        self.trees[node] = tree
        self.problems.pop(node, None)
        news = self.restless.pop(node, 0)
        found = []
        for facts in reversed(tree.reorganisations):
            reorg = Reorg(node, to_local(facts.at_ms), facts)
            if (known := self.reorgs.get(reorg.key)) is not None:
                self.reorgs[reorg.key] = Reorg(node, known.time_ms, facts)
            else:
                self.keep(reorg)
                found.append(reorg)
        return found[-news:] if news else []

    def keep(self, reorg: Reorg) -> None:
        """Remember a reorganisation."""
        self.reorgs.pop(reorg.key, None)
        self.reorgs[reorg.key] = reorg
        while len(self.reorgs) > REORGS_MAX:
            del self.reorgs[next(iter(self.reorgs))]

    def block(self, block_id: str) -> TreeBlock | None:
        """Return a block that is in any tree."""
        blocks = (block for tree in self.trees.values() for block in tree.blocks)
        return next((block for block in blocks if block.id == block_id), None)

    def newest(self, count: int, node: int | None = None) -> list[Reorg]:
        """Return the last reorganisations, of one node or of all, newest first."""
        found = [reorg for reorg in self.reorgs.values() if node is None or reorg.node == node]
        return sorted(found, key=lambda reorg: reorg.time_ms, reverse=True)[:count]
