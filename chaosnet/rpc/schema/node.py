"""The node itself: status, health, peers."""

from typing import dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every JSON object of the interface."""


class Problem(Shape):
    """RFC 9457 problem document; `code` is a stable word of `chaosnet.base.errors.CODES`."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""


class MemberStatus(Shape):
    """One member of the network as this node sees it."""

    name: str
    operator: str
    role: str
    is_self: bool
    is_connected: bool
    is_silent: bool = False
    """No vote and no status for five seconds."""
    last_heard_ms: int | None = None
    """Unix time of its last vote or status; None: never."""


class ConsensusStatus(Shape):
    """Where agreement on the next block stands."""

    engine: str
    finality: str
    """`immediate` | `gadget` | `depth`."""
    era: int
    height: int
    """Being agreed on."""
    round: int
    step: str
    """`wait` | `propose` | `prevote` | `precommit` | `commit`."""
    proposer: str
    validators: int
    needed: int
    """Validators that must take part."""
    is_validator: bool
    """This node's key is in the current set."""
    weight: str = ""
    """What the chain up to the head counts: work (pow), or the greatest height prevoted (pos, dpos)."""
    next_engine: str = ""
    """Engine that the schedule names after this one, or empty."""
    handover_height: int | None = None
    """Last block of the engine in force; the next one rules from the height after it."""
    is_handing_over: bool = False
    """The last block of the engine in force is made and not yet final: transactions wait meanwhile."""
    reorganisations: int = 0
    """Since this node started."""


class Health(Shape):
    """Alive, and what is wrong if anything. `reason` is for people; `code` for programs."""

    is_healthy: bool
    phase: str
    """`starting` | `syncing` | `running` | `halted` | `stopping`."""
    code: str = ""
    """Empty, or `quorum_lost` | `finality_lost` | `syncing` | `stalled` | `no_peers` | `untrusted`.

    Or an error code.
    """
    reason: str = ""
    """For example: 2 of 4 members silent, 3 needed."""
    since_ms: int | None = None
    """Unix time since when."""
    progress: int = 100
    """Percent of start-up or sync done."""


class Status(Shape):
    """Everything a dashboard needs of one node."""

    name: str
    software: str
    chain_name: str
    genesis: str
    address_prefix: str
    node_id: str
    rule: int
    rules_known: list[int]
    height: int
    """Of the head."""
    tip: str
    """Block id of the head."""
    state_root: str
    tip_time_ms: int
    final_height: int
    final_id: str
    now_ms: int
    started_ms: int
    peers: int
    clock_offset_ms: int | None
    """Median of the peers' clocks minus this node's."""
    mempool_txs: int
    mempool_bytes: int
    best_height: int
    """Highest height a peer claims."""
    trust: str
    """`genesis` | `pinned` | `untrusted`."""
    submit: str
    """`public` | `admin` | `off`."""
    consensus: ConsensusStatus
    health: Health
    members: list[MemberStatus] = []
    block_interval_ms: int | None = None
    """Median of the last intervals between blocks that had transactions waiting; None: too few."""
    txs_total: int = 0


class Peer(Shape):
    """One connection; addresses appear on the operator listener only."""

    node_id: str
    member: str
    """Name in the membership, or empty."""
    is_outbound: bool
    height: int
    round: int
    offset_ms: int
    software: str
    since_ms: int
    address: str = ""


class PeerList(Shape):
    """Connections of this node."""

    peers: list[Peer]
