"""Do the nodes hold the same chain? Compared at the newest height that is known of all of them.

Answers of several nodes are never of one moment, and a chain under load is some blocks further on at each
answer; so what a node said of earlier heights is kept, and a node that skipped the common height is asked for
it (`wanted`). A node far behind is compared at its own height with one that agrees with the majority. Ids
name whole chains: two nodes with the same block at a height agree on everything below.

Where the chain can fork, newest blocks may differ for a while and nothing is wrong: only final ones
contradict each other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LAG: Final = 50
"""A node so many blocks behind the highest one is compared apart from the others."""


class Verdict(StrEnum):
    """How a node stands to the others."""

    AGREES = "agrees"
    DIFFERS = "differs"
    """The majority holds another block at the same height."""
    SPLIT = "split"
    """No block has a majority."""
    ALONE = "alone"
    """No other node to compare with."""
    UNKNOWN = "unknown"
    """Not known yet, or the node does not answer."""
    FOREIGN = "foreign"
    """Another genesis than the majority's."""
    BRANCH = "branch"
    """Another block than others where none is final yet."""


CONTRADICTIONS: Final = (Verdict.DIFFERS, Verdict.SPLIT, Verdict.FOREIGN)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one node's chain; None stands in for a node that does not answer."""

    genesis: str
    height: int
    marks: Mapping[int, str]
    """Block id (or state root) by height."""
    final: int | None = None
    """Height of its newest final block; None: all are."""

    def settled(self) -> "Standing":
        """Return the part that is final."""
        if self.final is None or self.final >= self.height:
            return self
        marks = {height: mark for height, mark in self.marks.items() if height <= self.final}
        return Standing(self.genesis, self.final, marks)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Verdicts in the order of the nodes, and the height they hold for (None: nothing was compared)."""

    height: int | None
    verdicts: tuple[Verdict, ...]

    @property
    def is_bad(self) -> bool:
        """Return whether two nodes contradict each other."""
        return any(v in (Verdict.DIFFERS, Verdict.SPLIT) for v in self.verdicts)


def majority_genesis(nodes: Sequence[Standing | None]) -> str:
    """Return the genesis that most nodes have; the first one's among equals; empty when no node answers."""
    counts = Counter(node.genesis for node in nodes if node is not None)
    return counts.most_common(1)[0][0] if counts else ""


def _near(nodes: Sequence[Standing | None], genesis: str) -> list[int]:
    ours = [i for i, node in enumerate(nodes) if node is not None and node.genesis == genesis]
    best = max((node.height for i in ours if (node := nodes[i]) is not None), default=0)
    return [i for i in ours if (node := nodes[i]) is not None and node.height >= best - LAG]


def compare(nodes: Sequence[Standing | None]) -> Comparison:
    """Return how each node stands to the others: by the newest blocks, and by the final ones."""
    newest = _compare(nodes)
    settled = _settled(nodes)
    if settled == list(nodes):
        return newest
    final = _compare(settled)
    if final.is_bad:
        return final
    forked = (Verdict.DIFFERS, Verdict.SPLIT)
    return Comparison(newest.height, tuple(Verdict.BRANCH if v in forked else v for v in newest.verdicts))


def _settled(nodes: Sequence[Standing | None]) -> list[Standing | None]:
    return [node and node.settled() for node in nodes]


def _compare(nodes: Sequence[Standing | None]) -> Comparison:
    genesis = majority_genesis(nodes)
    near = _near(nodes, genesis)
    height = _common_height(nodes, near)
    votes = Counter(mark for i in near if (mark := _mark(nodes[i], height)))
    ranked = votes.most_common(2)
    is_split = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
    majority = ranked[0][0] if ranked and not is_split else ""
    leaders = [i for i in near if majority and _mark(nodes[i], height) == majority]
    answering = sum(node is not None for node in nodes)
    verdicts = [Verdict.UNKNOWN] * len(nodes)
    for i, node in enumerate(nodes):
        if node is None:
            continue
        if node.genesis != genesis:
            verdicts[i] = Verdict.FOREIGN
        elif answering == 1:
            verdicts[i] = Verdict.ALONE
        elif i not in near:
            marks = (_mark(nodes[leader], node.height) for leader in leaders)
            verdicts[i] = _judge(_mark(node, node.height), next(filter(None, marks), ""))
        elif votes.total() > 1 and (mark := _mark(node, height)):
            verdicts[i] = Verdict.SPLIT if is_split else _judge(mark, majority)
    if len(near) == 1 and Verdict.AGREES in verdicts:
        verdicts[near[0]] = Verdict.AGREES
    return Comparison(height if votes.total() > 1 else None, tuple(verdicts))


def _judge(mark: str, reference: str) -> Verdict:
    if not mark or not reference:
        return Verdict.UNKNOWN
    return Verdict.AGREES if mark == reference else Verdict.DIFFERS


def _mark(node: Standing | None, height: int | None) -> str:
    return node.marks.get(height, "") if node is not None and height is not None else ""


def _common_height(nodes: Sequence[Standing | None], near: Sequence[int]) -> int | None:
    """Return the newest height that most of these nodes, and at least two if there are two, are known at."""
    counts = Counter(height for i in near if (node := nodes[i]) is not None for height in node.marks)
    most = max(counts.values(), default=0)
    if most < min(2, len(near)):
        return None
    return max((height for height, count in counts.items() if count == most), default=None)


def wanted(nodes: Sequence[Standing | None], index: int) -> list[int]:
    """Return the heights that a node should be asked for, so that the next comparison is complete."""
    return list(dict.fromkeys([*_wanted(nodes, index), *_wanted(_settled(nodes), index)]))


def _wanted(nodes: Sequence[Standing | None], index: int) -> list[int]:
    node = nodes[index]
    near = _near(nodes, majority_genesis(nodes))
    if node is None or index not in near:
        return []
    heights = [min(n.height for i in near if (n := nodes[i]) is not None)]
    heights += [n.height for i, n in enumerate(nodes) if n is not None and i not in near]
    return [height for height in heights if height <= node.height and height not in node.marks]
