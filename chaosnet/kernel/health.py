"""What is wrong with this node or its network, in one word for programs and one sentence for people."""

from dataclasses import dataclass

from chaosnet.consensus.engine import Finality
from chaosnet.kernel import trusting
from chaosnet.kernel.node import Node
from chaosnet.ledger.candidates import find_candidate

STALL_INTERVALS = 3
"""Idle intervals without a block after which the chain counts as stalled."""
SYNC_LAG = 2
"""Blocks behind the best peer from which a node counts as syncing."""
ROUNDS_TO_FINAL = 6
"""Rounds of slots after which a block should be final; every second slot has a winner under pos."""
SILENT_MS = 5_000
"""A validator without a vote or status for this long is silent."""


@dataclass(frozen=True, slots=True)
class HealthView:
    """See rpc.schema.Health."""

    is_healthy: bool
    phase: str
    code: str
    reason: str
    since_ms: int | None
    progress: int


def silent_validators(node: Node, now: int) -> list[bytes]:
    """Return the operators of validators that are not this node and were not heard for a while."""
    node_of = validator_nodes(node)
    silent = []
    for validator in node.head.validators.validators:
        node_id = node_of.get(validator.operator, b"")
        if node_id == node.config.node_id or validator.key == node.config.consensus_key:
            continue
        heard = max(node.heard.get(validator.key, 0), node.heard.get(node_id, 0), node.started_ms)
        if heard + SILENT_MS < now:
            silent.append(validator.operator)
    return silent


def validator_nodes(node: Node) -> dict[bytes, bytes]:
    """Return operator -> node key of the validators, as far as their nodes are known."""
    head = node.head
    node_of = {m.operator: m.node_key for m in head.members}
    if head.epoch is not None:  # who was elected need not be a member, nor use its member's node
        elected = (find_candidate(head.state, v.operator) for v in head.validators.validators)
        node_of |= {candidate.operator: candidate.node_key for candidate in elected if candidate is not None}
    voters = (validator.operator for validator in head.validators.validators)
    return {operator: node_of[operator] for operator in voters if operator in node_of}


def needed(node: Node) -> int:
    """Return how many validators of equal weight must take part: the least n with 3n > 2 x total."""
    total = len(node.head.validators.validators)
    return 2 * total // 3 + 1


def watch_quorum(node: Node, now: int) -> None:
    """Remember since when too few validators are heard.

    A node without a vote may know them through others only: as long as blocks come, or become final where
    they are not at once, they are there.
    """
    head = node.head
    if node.branch is not None and node.branch.finality is Finality.DEPTH:
        node.quorum_lost_ms = None
        return
    present = len(head.validators.validators) - len(silent_validators(node, now))
    is_moving = now - _agreed_ms(node) <= _longest_agreement_ms(node) + SILENT_MS
    if present >= needed(node) or (is_moving and not node.own_operator(head.validators)):
        node.quorum_lost_ms = None
    elif node.quorum_lost_ms is None:
        node.quorum_lost_ms = now


def _agreed_ms(node: Node) -> int:
    """Return when the newest final block was made, as far as it is known."""
    if node.tree is None:
        return node.head_ms
    return node.tree.entries[node.tree.root].head.header.time_ms


def _longest_agreement_ms(node: Node) -> int:
    """Return after what time a block is final at the latest while more than two thirds take part.

    Under the finality gadget that takes each of them two blocks, and slots of the others are lost.
    """
    head = node.head
    if node.branch is None:
        return head.params.idle_interval_ms
    return ROUNDS_TO_FINAL * len(head.validators.validators) * head.params.slot_ms


def best_height(node: Node) -> int:
    """Return the greatest height that can be believed, at least our own.

    Anybody may claim any height. With validators connected only their claims count, and of these the greatest
    that more than a third of all make or pass; a node that knows none takes what sync goes by.
    """
    total = len(node.head.validators.validators)
    claims = sorted(
        node.sessions.info(node_key).height
        for node_key in validator_nodes(node).values()
        if node.sessions.is_ready(node_key)
    )
    if not claims:
        return node.sync.progress()[1]
    liars = (total - 1) // 3
    return max(node.head.header.height, claims[-1 - min(liars, len(claims) - 1)])


def longest_pause_ms(node: Node) -> int:
    """Return how long no block may come before the chain counts as stalled."""
    params = node.head.params
    if node.branch is None:
        return STALL_INTERVALS * params.idle_interval_ms + params.timeout_ms_max
    if node.branch.finality is Finality.DEPTH:  # one interval in 22,000 is longer than ten times the mean
        return 10 * params.pow_target_ms + params.timeout_ms_max
    return 30 * params.slot_ms + params.timeout_ms_max


def health_of(node: Node, now: int) -> HealthView:
    """Judge the node as of now."""
    head = node.head.header
    if node.halted:
        return HealthView(False, "halted", node.halted, f"stopped: {node.halted}", None, 100)
    best = best_height(node)
    is_behind = best > head.height + SYNC_LAG
    percent = head.height * 100 // best if is_behind else 100
    if not node.is_trusted:  # before the rest: what it holds of the network may be made up
        phase = "syncing" if is_behind else "running"
        return HealthView(False, phase, trusting.CODE, trusting.reason(node, now), node.started_ms, percent)
    total = len(node.head.validators.validators)
    silent = len(silent_validators(node, now))
    if node.quorum_lost_ms is not None and total - silent < needed(node):
        reason = f"{silent} of {total} members silent, {needed(node)} needed"
        code = "quorum_lost"
        if node.branch is not None:
            code, reason = "finality_lost", f"{reason}: blocks are made, none becomes final"
        return HealthView(False, "running", code, reason, node.quorum_lost_ms, 100)
    if is_behind:
        reason = f"syncing: block {head.height} of {best}"
        return HealthView(False, "syncing", "syncing", reason, None, percent)
    others = len(node.head.validators.validators) > 1 or not node.config.consensus_key
    if others and not node.sessions.ready():
        return HealthView(False, "running", "no_peers", "not connected to any node", None, 100)
    quiet = now - node.head_ms
    if quiet > longest_pause_ms(node):
        reason = f"no block for {quiet // 1_000} s"
        return HealthView(False, "running", "stalled", reason, node.head_ms, 100)
    return HealthView(True, "running", "", "", None, 100)
