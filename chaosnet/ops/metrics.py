"""Prometheus metrics of a node: one table, pulled from the status and from reported facts.

Names begin with `chaosnet_`, units are base units (`_seconds`, `_bytes`), counters end in `_total`, heights
are gauges. Served on the operator listener only.
"""

from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector

from chaosnet.kernel import events as ev

GAUGES: Final[dict[str, str]] = {
    "height": "Height of the head",
    "final_height": "Height up to which no block can be undone",
    "best_height": "Highest height a peer claims",
    "head_time_seconds": "Unix time of the head",
    "peers": "Connected peers",
    "mempool_transactions": "Pending transactions",
    "mempool_bytes": "Bytes of pending transactions",
    "round": "Round of the present height",
    "era": "Number of the era, which counts the engines that ruled, from 0",
    "validators": "Validators in the present set",
    "validators_needed": "Validators that must take part",
    "validators_silent": "Validators not heard for five seconds",
    "is_validator": "1 when this node signs",
    "is_healthy": "1 when nothing is wrong",
    "is_ready": "1 when synced and taking part",
    "trusted": "1 when something vouches for the chain; 0: pin a block",
    "clock_offset_seconds": "Median of the peers' clocks minus this node's",
    "chain_bytes": "Bytes of the chain on disk",
    "disk_free_bytes": "Bytes free where the chain is",
    "start_time_seconds": "Unix time of the start",
}

BLOCK_INTERVAL_BUCKETS: Final = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Reading:
    """Present values of the gauges."""

    values: dict[str, float]
    name: str
    chain_name: str
    genesis: str
    software: str
    engine: str
    rule: int
    health_code: str


class NodeMetrics:
    """The metrics of one node."""

    def __init__(self, *, reorg_warn_depth: int = 6) -> None:
        """`reorg_warn_depth`: blocks undone at once that count as many."""
        self._reorg_warn_depth = reorg_warn_depth
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._gauges = {
            name: Gauge(f"chaosnet_{name}", text, registry=self._registry) for name, text in GAUGES.items()
        }
        self._info = Gauge(
            "chaosnet_node_info",
            "Identity of this node; always 1",
            ("name", "chain_name", "genesis", "software", "engine", "rule"),
            registry=self._registry,
        )
        self._unhealthy = Gauge(
            "chaosnet_unhealthy", "1 for the code of what is wrong now", ("code",), registry=self._registry
        )
        self._blocks = Counter("chaosnet_blocks", "Blocks committed", registry=self._registry)
        self._proposed = Counter(
            "chaosnet_blocks_proposed", "Committed blocks this node proposed", registry=self._registry
        )
        self._txs = Counter("chaosnet_transactions", "Transactions committed", registry=self._registry)
        self._gas = Counter("chaosnet_gas_used", "Gas of committed transactions", registry=self._registry)
        self._refused = Counter(
            "chaosnet_blocks_refused", "Blocks that broke a rule", ("code",), registry=self._registry
        )
        self._rounds = Counter(
            "chaosnet_rounds_failed", "Rounds above 0 that had to be entered", registry=self._registry
        )
        self._add_reorganisations()
        self._double_signs = Counter(
            "chaosnet_double_signs", "Proofs of double signatures found", registry=self._registry
        )
        self._peers = Counter(
            "chaosnet_peer_events",
            "Peers admitted, refused, penalised, banned, closed",
            ("what", "code"),
            registry=self._registry,
        )
        self._interval = Histogram(
            "chaosnet_block_interval_seconds",
            "Time between blocks",
            buckets=BLOCK_INTERVAL_BUCKETS,
            registry=self._registry,
        )
        self._last_time_ms = 0

    def _add_reorganisations(self) -> None:
        self._reorganisations = Counter(
            "chaosnet_reorganisations", "Changes to another branch", registry=self._registry
        )
        self._deep = Counter(
            "chaosnet_reorganisations_deep",
            "Changes to another branch at least node.reorg_warn_depth deep",
            registry=self._registry,
        )
        self._deepest = Gauge(
            "chaosnet_reorganisation_depth_max",
            "Most blocks undone at once since the start",
            registry=self._registry,
        )
        self._depth_max = 0
        self._undone = Counter(
            "chaosnet_blocks_undone", "Blocks undone by changes to another branch", registry=self._registry
        )

    def on_report(self, fact: ev.ReportFact) -> None:
        """Count a fact."""
        match fact:
            case ev.HeadMoved():
                self._blocks.inc()
                self._proposed.inc(1 if fact.ours else 0)
                self._txs.inc(fact.header.tx_count)
                self._gas.inc(fact.header.gas_used)
                if 0 < self._last_time_ms < fact.header.time_ms:  # not so where another branch begins
                    self._interval.observe((fact.header.time_ms - self._last_time_ms) / 1_000)
                self._last_time_ms = fact.header.time_ms
            case ev.Reorganised():
                depth = fact.old_height - fact.common_height
                self._reorganisations.inc()
                self._deep.inc(1 if depth >= self._reorg_warn_depth else 0)
                self._undone.inc(depth)
                self._depth_max = max(self._depth_max, depth)
                self._deepest.set(self._depth_max)
            case ev.RoundMoved(round=round_, step="propose"):
                self._rounds.inc(1 if round_ else 0)
            case ev.BlockRefused(code=code):
                self._refused.labels(code).inc()
            case ev.PeerNote(what=what, code=code):
                self._peers.labels(what, code).inc()
            case ev.DoubleSign():
                self._double_signs.inc()
            case _:
                pass

    def text(self, reading: Reading) -> bytes:
        """Return the metrics page."""
        for name, gauge in self._gauges.items():
            gauge.set(reading.values.get(name, 0))
        self._info.clear()
        self._info.labels(
            reading.name,
            reading.chain_name,
            reading.genesis,
            reading.software,
            reading.engine,
            str(reading.rule),
        ).set(1)
        self._unhealthy.clear()
        if reading.health_code:
            self._unhealthy.labels(reading.health_code).set(1)
        return generate_latest(self._registry)
