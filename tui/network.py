"""What is known of a network: its nodes side by side, recent blocks, waiting transactions, the event log.

No I/O and no clock: whoever asks the nodes writes the answers in here together with the time by this
machine's clock. All of it is bounded.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Final

from chaosnet.rpc import schema
from tui.agreement import CONTRADICTIONS, Comparison, Standing, Verdict, compare, majority_genesis, wanted
from tui.forks import Forks, Reorg, reorganisation_of
from tui.journal import Journal
from tui.plain import plain

IMMEDIATE: Final = "immediate"
"""Finality of engines whose chain never forks."""
MARKS_MAX: Final = 256
"""Heights remembered of each node."""
BLOCKS_MAX: Final = 500
PENDING_MAX: Final = 1_000
LEVELS_MAX: Final = 240
"""Mempool sizes remembered of each node, one an answer."""
DRAINED_MS: Final = 3_000
"""Transactions seen earlier than this are gone when every mempool is empty."""
RATE_MS: Final = 60_000
INTERVALS: Final = 20
"""Blocks whose median stands in for what a node does not tell."""


@dataclass(frozen=True, slots=True)
class Target:
    """A node to watch."""

    name: str
    """Shown until the node tells its own."""
    url: str


@dataclass(slots=True)
class NodeView:
    """One node, as its last answer or silence shows it. Times are by this machine's clock."""

    target: Target
    status: schema.Status | None = None
    """Last answer, however old."""
    is_reachable: bool | None = None
    """None: not asked yet."""
    since_ms: int = 0
    """It answers, or does not answer, since then."""
    answered_ms: int | None = None
    error: str = ""
    """Why it cannot be reached."""
    round_trip_ms: int = 0
    unhealthy_since_ms: int | None = None
    contradicts_since_ms: int | None = None
    """Its chain is not the majority's since then."""
    ids: dict[int, str] = field(default_factory=dict)
    roots: dict[int, str] = field(default_factory=dict)
    pool: deque[int] = field(default_factory=lambda: deque(maxlen=LEVELS_MAX))

    @property
    def name(self) -> str:
        """Its own name once known."""
        return plain(self.status.name if self.status is not None else self.target.name)

    @property
    def live(self) -> schema.Status | None:
        """The last answer, if the node still answers."""
        return self.status if self.is_reachable else None

    def to_local(self, time_ms: int) -> int:
        """Return one of the node's times by this machine's clock."""
        if self.status is None or self.answered_ms is None:
            return time_ms
        return time_ms - self.status.now_ms + self.answered_ms

    def mark(self, height: int, block_id: str, state_root: str) -> None:
        """Remember its block at a height; another one than before replaces all above it."""
        if self.ids.get(height, block_id) != block_id:
            self.forget_above(height - 1)
        self.ids[height] = block_id
        if state_root:
            self.roots[height] = state_root
        while len(self.ids) > MARKS_MAX:
            oldest = next(iter(self.ids))
            del self.ids[oldest]
            self.roots.pop(oldest, None)

    def forget_above(self, height: int) -> None:
        """Drop what was remembered above a height."""
        for gone in [h for h in self.ids if h > height]:
            del self.ids[gone]
            self.roots.pop(gone, None)


@dataclass(slots=True)
class PendingTx:
    """A transaction that the stream told of."""

    id: str
    seen_ms: int
    height: int | None = None
    """Block that took it."""


class Network:
    """All nodes, and the chain that the first reachable one tells of."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.nodes = [NodeView(target) for target in targets]
        self.blocks: dict[int, schema.BlockSummary] = {}
        self.pending: dict[str, PendingTx] = {}
        self.journal = Journal()
        self.source: int | None = None
        """Node whose event stream is read."""
        self.is_streaming = False
        self.validators: schema.ValidatorList | None = None
        """As last asked for; with all its pages."""
        self.validators_problem = ""
        """Why the last question for them was in vain."""
        self.forks = Forks()
        self.now_ms = 0
        """When the last answer or event came."""
        self.version = 0
        """Rises with every change."""
        self._genesis = ""
        self._tips = (-1, Comparison(None, ()))

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────

    def answered(self, index: int, status: schema.Status, now_ms: int, round_trip_ms: int = 0) -> None:
        """Take a node's answer."""
        self.version += 1
        self.now_ms = now_ms
        node = self.nodes[index]
        before = node.status
        if node.is_reachable is False:
            self.journal.add(now_ms, "good", "reachable", status.name)
        if before is not None and before.genesis == status.genesis:
            self.journal.add_changes(now_ms, before, status)
        elif before is not None:
            node.forget_above(-1)
        if not (self.is_streaming and index == self.source):
            self.forks.note(index, before, status)
        if not node.is_reachable:
            node.since_ms = now_ms
        node.status, node.is_reachable, node.error = status, True, ""
        node.answered_ms, node.round_trip_ms = now_ms, round_trip_ms
        if status.consensus.finality == IMMEDIATE:
            node.forget_above(status.height)
        else:  # what was not final may have been undone since
            node.forget_above(min(before.final_height, status.final_height) if before is not None else -1)
            node.mark(status.final_height, status.final_id, "")
        node.mark(status.height, status.tip, status.state_root)
        node.pool.append(status.mempool_txs)
        self._watch_health(node, status, now_ms)
        self._watch_genesis()
        self._watch_pools(now_ms)
        self._watch_chains(now_ms)

    @staticmethod
    def _watch_health(node: NodeView, status: schema.Status, now_ms: int) -> None:
        health = status.health
        if health.is_healthy:
            node.unhealthy_since_ms = None
        elif health.since_ms is not None:
            node.unhealthy_since_ms = node.to_local(health.since_ms)
        elif node.unhealthy_since_ms is None:
            node.unhealthy_since_ms = now_ms

    def _watch_genesis(self) -> None:
        """Forget the blocks when the network has become another one, for example a devnet made anew."""
        genesis = majority_genesis(self.standings())
        if self._genesis and genesis != self._genesis:
            self.blocks.clear()
            self.pending.clear()
            self.forks.clear()
            self.validators = None
        self._genesis = genesis

    def _watch_pools(self, now_ms: int) -> None:
        """Forget waiting transactions that no mempool holds any more."""
        if any(live.mempool_txs for node in self.nodes if (live := node.live) is not None):
            return
        gone = [t.id for t in self.pending.values() if t.height is None and t.seen_ms < now_ms - DRAINED_MS]
        for tx_id in gone:
            del self.pending[tx_id]

    def _watch_chains(self, now_ms: int) -> None:
        """Write down when a node's chain begins and ceases to contradict the others."""
        comparison = self.tips()
        for node, verdict in zip(self.nodes, comparison.verdicts, strict=True):
            if verdict in CONTRADICTIONS and node.contradicts_since_ms is None:
                node.contradicts_since_ms = now_ms
                height = comparison.height or 0
                self.journal.add(now_ms, "bad", f"chain_{verdict.value}", node.name, height=height)
            elif verdict is Verdict.AGREES and node.contradicts_since_ms is not None:
                node.contradicts_since_ms = None
                self.journal.add(now_ms, "good", "chain_agrees", node.name)

    def lost(self, index: int, error: str, now_ms: int) -> None:
        """Take note that a node does not answer; `error` is a code and what it means."""
        self.version += 1
        self.now_ms = now_ms
        node = self.nodes[index]
        node.error = error
        if node.is_reachable is not False:
            node.is_reachable = False
            node.since_ms = now_ms if node.answered_ms is None else node.answered_ms
            self.journal.add(now_ms, "bad", "unreachable", node.name, reason=error)

    def note_block(self, index: int, block: schema.BlockSummary) -> None:
        """Take a node's block at some height, asked for to compare nodes."""
        self.version += 1
        self.nodes[index].mark(block.height, block.id, block.state_root)

    def take_blocks(self, index: int, blocks: Sequence[schema.BlockSummary]) -> None:
        """Take blocks that were read, in any order."""
        self.version += 1
        for block in blocks:
            self._hold(block)
        for block in sorted(blocks, key=lambda b: b.height):
            self.nodes[index].mark(block.height, block.id, block.state_root)

    def take_event(self, index: int, event: schema.StreamEvent, now_ms: int) -> None:
        """Take an event of the stream."""
        self.version += 1
        self.now_ms = now_ms
        match event:
            case schema.BlockEvent(block=block, tx_ids=tx_ids):
                self._hold(block)
                self.nodes[index].mark(block.height, block.id, block.state_root)
                self.journal.add_block(now_ms, block)
                for tx_id in tx_ids:
                    if (waiting := self.pending.get(tx_id)) is not None:
                        waiting.height = block.height
            case schema.PendingEvent(tx_ids=tx_ids):
                for tx_id in tx_ids[-PENDING_MAX:]:
                    self.pending.setdefault(tx_id, PendingTx(tx_id, now_ms))
                while len(self.pending) > PENDING_MAX:
                    del self.pending[next(iter(self.pending))]
            case schema.ReorgEvent():
                self._take_reorg(index, event, now_ms)
            case schema.RoundEvent(height=height, round=round):
                self.journal.add_round(now_ms, height, round)
            case _:
                pass

    def _take_reorg(self, index: int, event: schema.ReorgEvent, now_ms: int) -> None:
        facts = reorganisation_of(event, max(self.blocks, default=event.common_height), now_ms)
        for gone in [h for h in self.blocks if h > facts.common_height]:
            del self.blocks[gone]
        self.nodes[index].forget_above(facts.common_height)
        for tx_id in facts.dropped:
            if (waiting := self.pending.get(tx_id)) is not None:
                waiting.height = None
        reorg = Reorg(index, now_ms, facts)
        self.forks.keep(reorg)
        self.journal.add_reorg(now_ms, self.nodes[index].name, facts, reorg.key)

    # ── asked for now and then ───────────────────────────────────────────────────────────────────────────

    def take_validators(self, found: schema.ValidatorList) -> None:
        """Take the list of validators, with all its pages."""
        self.version += 1
        self.validators, self.validators_problem = found, ""

    def take_tree(self, index: int, tree: schema.Tree) -> None:
        """Take a node's tree of blocks, and the reorganisations it tells of."""
        self.version += 1
        for reorg in self.forks.take_tree(index, tree, self.nodes[index].to_local):
            self.journal.add_reorg(self.now_ms, self.nodes[index].name, reorg.facts, reorg.key)

    def miss_tree(self, index: int, problem: str) -> None:
        """Take note that a node does not show its tree; that it changed branches is told all the same."""
        self.version += 1
        self.forks.problems[index] = problem
        node = self.nodes[index]
        if (count := self.forks.restless.pop(index, 0)) and node.status is not None:
            height = node.status.height
            self.journal.add(self.now_ms, "warn", "branches", node.name, n=count, height=height)

    def _hold(self, block: schema.BlockSummary) -> None:
        self.blocks[block.height] = block
        if len(self.blocks) > BLOCKS_MAX:
            del self.blocks[min(self.blocks)]

    # ── what follows from them ───────────────────────────────────────────────────────────────────────────

    def standings(self, *, by_root: bool = False) -> list[Standing | None]:
        """Return what is known of the nodes' chains, by block id or by state root."""
        return [
            Standing(live.genesis, live.height, node.roots if by_root else node.ids, _final_of(live))
            if (live := node.live) is not None
            else None
            for node in self.nodes
        ]

    def tips(self) -> Comparison:
        """Return how the nodes' blocks compare."""
        version, tips = self._tips
        if version != self.version:
            tips = compare(self.standings())
            self._tips = (self.version, tips)
        return tips

    def silent_since_ms(self, node: NodeView) -> int:
        """Return since when a node does not answer; for one that never did, when others heard it last."""
        if node.answered_ms is not None:
            return node.since_ms
        heard = [
            other.to_local(member.last_heard_ms)
            for other in self.nodes
            if other.live is not None
            for member in other.live.members
            if member.name == node.target.name and member.last_heard_ms is not None
        ]
        return min(max(heard, default=node.since_ms), node.since_ms)

    def state_roots(self) -> Comparison:
        """Return how the nodes' state roots compare."""
        return compare(self.standings(by_root=True))

    def wanted(self, index: int) -> list[int]:
        """Return heights at which this node's block must be known for a comparison."""
        return wanted(self.standings(), index)

    def best(self) -> NodeView | None:
        """Return the reachable node with the highest head; without one, the last known."""
        known = [node for node in self.nodes if node.status is not None]
        return max(
            known, key=lambda n: (bool(n.is_reachable), n.status.height if n.status else 0), default=None
        )

    def is_forking(self) -> bool:
        """Return whether the chain can fork under the engine in force."""
        best = self.best()
        return best is not None and best.status is not None and _final_of(best.status) is not None

    def tip_key(self) -> tuple[str, int]:
        """Return what changes with every block: the newest block's id, and how many nodes answer."""
        best = self.best()
        tip = best.status.tip if best is not None and best.status is not None else ""
        return tip, sum(bool(node.is_reachable) for node in self.nodes)

    def lacks_validators(self) -> bool:
        """Return whether the list of validators is not known, or is of an epoch or engine that has ended."""
        best, found = self.best(), self.validators
        if best is None or best.status is None or self.validators_problem:
            return False
        if found is None or found.engine != best.status.consensus.engine:
            return True
        return found.epoch is not None and best.status.height > found.epoch.last_height

    def final_height(self) -> int | None:
        """Return the height of the newest block that any answering node holds final."""
        return max((node.live.final_height for node in self.nodes if node.live is not None), default=None)

    def recent(self, count: int) -> list[schema.BlockSummary]:
        """Return the newest blocks, newest first."""
        return [self.blocks[height] for height in sorted(self.blocks, reverse=True)[:count]]

    def intervals_ms(self, count: int) -> list[int]:
        """Return the times between the last blocks, oldest first."""
        newest = self.recent(count + 1)
        pairs = pairwise(newest)
        return [b.time_ms - a.time_ms for b, a in pairs if b.height == a.height + 1 and a.height > 0][::-1]

    def interval_of(self, node: NodeView) -> int | None:
        """Return a node's median between blocks while transactions wait; before there is one, the chain's."""
        told_ms = node.status.block_interval_ms if node.status is not None else None
        return told_ms if told_ms is not None else self.median_interval_ms(INTERVALS)

    def median_interval_ms(self, count: int) -> int | None:
        """Return the median time between the last blocks."""
        intervals = self.intervals_ms(count)
        return int(median(intervals)) if intervals else None

    def tx_counts(self, count: int) -> list[int]:
        """Return the transactions of the last blocks, oldest first."""
        return [block.tx_count for block in self.recent(count)][::-1]

    def txs_per_minute(self, now_ms: int) -> int:
        """Return the transactions of the blocks of the last minute."""
        return sum(b.tx_count for b in self.blocks.values() if b.time_ms > now_ms - RATE_MS)


def _final_of(status: schema.Status) -> int | None:
    """Return the height up to which a node's blocks stay; None: all do."""
    return None if status.consensus.finality == IMMEDIATE else status.final_height
