"""Who takes part, and what is wrong with the network as a whole: what the red line at the top says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from chaosnet.rpc.schema import ConsensusStatus, Status
from tui.agreement import Verdict
from tui.forks import REORGS_MAX
from tui.network import Network, NodeView

SETTLED_MS: Final = 6_000
"""A node that just started has not had the time to miss anyone."""
SILENT_REASON: Final = re.compile(r"(\d{1,4}) of (\d{1,4}) members silent, (\d{1,4}) needed")
VALIDATOR: Final = "validator"
UNTRUSTED: Final = "untrusted"
NEWS_MS: Final = 600_000
"""A deep reorganisation is in the banner for so long."""
NETWORK_CODES: Final = ("quorum_lost", "finality_lost", "stalled")
"""Health codes that speak of the network rather than of the node."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Which validators take part, as the node sees it that hears most of them."""

    validators: int
    needed: int
    silent: tuple[str, ...]
    observer: NodeView

    @property
    def present(self) -> int:
        """Validators that are heard."""
        return self.validators - len(self.silent)

    @property
    def spare(self) -> int:
        """Validators that may still fail."""
        return self.present - self.needed


@dataclass(frozen=True, slots=True)
class Trouble:
    """One line of the banner; `kind` names the message `trouble_<kind>`."""

    level: str
    """`bad`: the network does not work or contradicts itself; `warn`: it works, but less safely."""
    kind: str
    values: dict[str, object] = field(default_factory=dict)
    since_ms: int | None = None


def presence_of(network: Network) -> Presence | None:
    """Return who takes part; None when no node answers."""
    views = [(node, live) for node in network.nodes if (live := node.live) is not None]
    settled = [(node, live) for node, live in views if live.now_ms - live.started_ms >= SETTLED_MS]
    witnesses = settled or views
    unheard = {live.name: _unheard_by(live) for _, live in witnesses}
    found = [
        Presence(
            live.consensus.validators,
            needed_of(live.consensus),
            tuple(
                member.name
                for member in live.members
                if member.role == VALIDATOR
                and not member.is_self
                and (member.is_silent or live.name in unheard.get(member.name, ()))
            ),
            node,
        )
        for node, live in witnesses
    ]
    return max(found, key=lambda p: p.present, default=None)


def needed_of(state: ConsensusStatus) -> int:
    """Return how many must take part for the chain to go on and become final; of miners one is enough."""
    return 1 if state.finality == "depth" else state.needed


def _unheard_by(live: Status) -> frozenset[str]:
    """Return whom a node does not hear; hearing someone who does not hear oneself is no taking part."""
    return frozenset(member.name for member in live.members if member.is_silent and not member.is_self)


def troubles_of(network: Network) -> list[Trouble]:
    """Return what is wrong, the worst first."""
    down = [node for node in network.nodes if node.is_reachable is False]
    if down and len(down) == len(network.nodes):
        return [Trouble("bad", "no_node", {"n": len(down)}, max(node.since_ms for node in down))]
    tips = network.tips()
    found = [*_contradictions(network, tips.verdicts)]
    presence = presence_of(network)
    health = presence.observer.status.health if presence and presence.observer.status else None
    blocked = presence is not None and health is not None and health.code in NETWORK_CODES
    if presence is not None and health is not None and blocked:
        found.append(_standstill(presence, health.code, health.reason))
    elif presence is not None and presence.silent and presence.spare <= 0:
        values: dict[str, object] = {"silent": ", ".join(presence.silent), "needed": presence.needed}
        values |= {"n": len(presence.silent), "total": presence.validators}
        kind = "no_spare_final" if network.is_forking() and presence.needed > 1 else "no_spare"
        found.append(Trouble("warn", kind, values))
    if down:
        names = ", ".join(node.name for node in down)
        since_ms = min(network.silent_since_ms(node) for node in down)
        found.append(Trouble("warn", "unreachable", {"n": len(down), "nodes": names}, since_ms))
    for node in network.nodes:
        live = node.live
        if (
            live is not None
            and not live.health.is_healthy
            and not (blocked and live.health.code in NETWORK_CODES)
        ):
            if live.health.code == UNTRUSTED and live.trust == UNTRUSTED:
                continue
            values = {"node": node.name, "health": live.health}
            found.append(Trouble("warn", "unhealthy", values, node.unhealthy_since_ms))
    found += [*_untrusted(network), *_deep_reorgs(network), *_jailed(network)]
    return sorted(found, key=lambda trouble: trouble.level != "bad")


def _untrusted(network: Network) -> list[Trouble]:
    """Return nodes whose history nothing trusted links to: what they show may be made up."""
    names = [node.name for node in network.nodes if node.live is not None and node.live.trust == UNTRUSTED]
    return [Trouble("bad", "untrusted", {"n": len(names), "nodes": ", ".join(names)})] if names else []


def _deep_reorgs(network: Network) -> list[Trouble]:
    """Return the deepest reorganisation that is news, and which nodes had a deep one."""
    found = [
        reorg
        for reorg in network.forks.newest(REORGS_MAX)
        if reorg.facts.is_deep and network.now_ms - reorg.time_ms < NEWS_MS
    ]
    if not found:
        return []
    deepest = max(found, key=lambda reorg: reorg.facts.depth)
    names = [network.nodes[index].name for index in sorted({reorg.node for reorg in found})]
    values: dict[str, object] = {
        "nodes": ", ".join(names),
        "n": deepest.facts.depth,
        "height": deepest.facts.common_height,
        "dropped": deepest.facts.dropped_total,
    }
    return [Trouble("warn", "deep_reorg", values, deepest.time_ms)]


def _jailed(network: Network) -> list[Trouble]:
    """Return validators of the nodes watched that are jailed."""
    live = [node.live for node in network.nodes if node.live is not None]
    own = {member.operator for status in live for member in status.members if member.is_self}
    rows = network.validators.validators if network.validators is not None else []
    names = [row.name or row.operator for row in rows if row.is_jailed and row.operator in own]
    return [Trouble("warn", "jailed", {"n": len(names), "nodes": ", ".join(names)})] if names else []


def _contradictions(network: Network, verdicts: Sequence[Verdict]) -> list[Trouble]:
    """Return nodes that hold another chain than the majority, or belong to another one."""
    found = []
    for kind, verdict in (
        ("split", Verdict.SPLIT),
        ("differs", Verdict.DIFFERS),
        ("foreign", Verdict.FOREIGN),
    ):
        nodes = [node for node, v in zip(network.nodes, verdicts, strict=True) if v is verdict]
        if nodes:
            height = network.tips().height or 0
            names = ", ".join(node.name for node in nodes)
            since = [n.contradicts_since_ms for n in nodes if n.contradicts_since_ms is not None]
            values: dict[str, object] = {"nodes": names, "n": len(nodes), "height": height}
            found.append(Trouble("bad", kind, values, min(since, default=None)))
    return found


def _standstill(presence: Presence, code: str, reason: str) -> Trouble:
    since_ms = presence.observer.unhealthy_since_ms
    if match := SILENT_REASON.match(reason):
        silent, total, needed = (int(part) for part in match.groups())
        names = ", ".join(presence.silent)
        values: dict[str, object] = {"n": silent, "total": total, "needed": needed, "names": names}
        kind = "finality_lost" if code == "finality_lost" else "halted"
        return Trouble("bad", kind, values, since_ms)
    return Trouble("bad", code, {"reason": reason}, since_ms)
