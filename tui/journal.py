"""What happened, newest last, bounded. Blocks are kept apart, so that they push out nothing else."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from chaosnet.rpc.schema import BlockSummary, Reorganisation, Status

EVENTS_MAX: Final = 300
BLOCK_LINES_MAX: Final = 100
JOIN_MS: Final = 1_000
"""Blocks that come closer together than this share a line."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line; `kind` names the message `event_<kind>`, filled in with `values`."""

    order: int
    time_ms: int
    level: str
    """`good` | `warn` | `bad` | `plain` | `block`."""
    kind: str
    node: str
    values: dict[str, object] = field(default_factory=dict)


class _Run(NamedTuple):
    """Blocks on one line."""

    first: int
    last: int
    txs: int


class Journal:
    """The event log."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._blocks: deque[Event] = deque(maxlen=BLOCK_LINES_MAX)
        self._order = 0
        self._round = (-1, -1)
        self._run = _Run(0, -1, 0)

    def add(self, time_ms: int, level: str, kind: str, node: str = "", **values: object) -> None:
        """Write a line."""
        self._order += 1
        self._events.append(Event(self._order, time_ms, level, kind, node, values))

    def add_block(self, time_ms: int, block: BlockSummary) -> None:
        """Write a block, on the line of the one before it when that is fresh and nothing else happened."""
        run = self._run
        joins = (
            bool(self._blocks)
            and self._blocks[-1].order == self._order
            and time_ms - self._blocks[-1].time_ms < JOIN_MS
            and block.height == run.last + 1
            and block.round == 0
        )
        if joins:
            run = _Run(run.first, block.height, run.txs + block.tx_count)
            time_ms = self._blocks.pop().time_ms
        else:
            run = _Run(block.height, block.height, block.tx_count)
            self._order += 1
        self._run = run
        values: dict[str, object] = {
            "first": run.first,
            "last": run.last,
            "blocks": run.last - run.first + 1,
            "n": run.txs,
            "proposer": block.proposer_name,
            "round": block.round,
        }
        kind = "blocks" if run.last > run.first else "block_late" if block.round else "block"
        level = "warn" if block.round else "block"
        self._blocks.append(Event(self._order, time_ms, level, kind, "", values))

    def add_round(self, time_ms: int, height: int, round: int) -> None:
        """Write that a height needs another round, once each."""
        if round > 0 and (height, round) != self._round:
            self._round = (height, round)
            self.add(time_ms, "warn", "round", height=height, round=round)

    def add_reorg(self, time_ms: int, node: str, facts: Reorganisation, key: str) -> None:
        """Write that a node left a branch for another; `key` names the reorganisation."""
        values: dict[str, object] = {
            "n": facts.depth,
            "height": facts.common_height,
            "old": facts.old_height,
            "new": facts.new_height,
            "dropped": facts.dropped_total,
            "reorg": key,
        }
        level, kind = ("bad", "reorg_deep") if facts.is_deep else ("warn", "reorg")
        self.add(time_ms, level, kind, node, **values)

    def add_changes(self, time_ms: int, before: Status, after: Status) -> None:
        """Write what changed between two answers of one node."""
        node = after.name
        if before.started_ms != after.started_ms:
            self.add(time_ms, "warn", "restarted", node)
            return
        was, now = before.health, after.health
        if (was.is_healthy, was.code, was.phase) != (now.is_healthy, now.code, now.phase):
            if now.is_healthy:
                self.add(time_ms, "good", "healthy", node)
            else:
                self.add(time_ms, "bad", "unhealthy", node, health=now)
        self._add_engine(time_ms, before, after)
        connected = {member.operator for member in before.members if member.is_connected}
        changed = 0
        for member in after.members:
            if member.is_self or member.is_connected == (member.operator in connected):
                continue
            changed += 1 if member.is_connected else -1
            kind, level = ("peer_back", "good") if member.is_connected else ("peer_lost", "warn")
            self.add(time_ms, level, kind, node, peer=member.name)
        if after.peers < before.peers + min(changed, 0):
            self.add(time_ms, "warn", "peers_fewer", node, before=before.peers, after=after.peers)

    def _add_engine(self, time_ms: int, before: Status, after: Status) -> None:
        """Write that one engine gives way to the next."""
        was, now = before.consensus, after.consensus
        if (was.era, was.engine) != (now.era, now.engine):
            self.add(time_ms, "good", "engine", after.name, engine=now.engine, before=was.engine, era=now.era)
        elif now.is_handing_over and not was.is_handing_over:
            values: dict[str, object] = {"engine": now.engine, "following": now.next_engine}
            self.add(time_ms, "warn", "handing_over", after.name, height=now.handover_height or 0, **values)
        if before.trust != after.trust and after.trust == "untrusted":
            self.add(time_ms, "bad", "untrusted", after.name)

    def newest(self, count: int, *, with_blocks: bool = True) -> list[Event]:
        """Return the newest lines, newest first."""
        return list(islice(self._merged(with_blocks=with_blocks), count))

    def _merged(self, *, with_blocks: bool) -> Iterator[Event]:
        events = list(self._events)
        blocks = list(self._blocks) if with_blocks else []
        while events or blocks:
            from_blocks = not events or (bool(blocks) and blocks[-1].order > events[-1].order)
            yield (blocks if from_blocks else events).pop()
