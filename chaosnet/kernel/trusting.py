"""Trust in this node: judged when it starts, and again when its chain reaches the pinned block.

A node in doubt follows, serves and says so; it signs and mines nothing (see `fencing` and `making`).
"""

from chaosnet.base.codec import encode
from chaosnet.kernel import events as ev
from chaosnet.kernel.node import Node
from chaosnet.kernel.trust import Point, Trust, judge, note_pin

CODE = "untrusted"
UNITS = ((86_400_000, "days"), (3_600_000, "hours"), (60_000, "minutes"), (1_000, "seconds"))


def start(node: Node, now: int) -> None:
    """Judge by the local clock; what was in doubt before stays so until a pin vouches for it."""
    before = node.trust
    node.trust = note_pin(before, node.config.pinned, node.final_height, now)
    node.trust = _judged(node, now)
    _keep(node, before)
    if not node.is_trusted:
        _tell(node, now)


def watch(node: Node, now: int) -> bool:
    """Judge again when the pinned block is final here; return whether the chain is trusted from now on."""
    pinned, before = node.config.pinned, node.trust
    if node.is_trusted or pinned is None or not before.doubt < pinned[0] <= node.final_height:
        return False
    node.trust = _judged(node, now)
    _keep(node, before)
    _tell(node, now)
    return node.is_trusted


def word(node: Node) -> str:
    """Return where trust comes from: `genesis`, `pinned` or `untrusted`."""
    if not node.is_trusted:
        return CODE
    return "genesis" if node.config.pinned is None else "pinned"


def reason(node: Node, now: int) -> str:
    """Return why the chain is not trusted, and what the operator can do about it."""
    final = node.final_height
    ours = f"{final}:{(node.block_id_at(final) or b'').hex()}"
    period_ms = _period_ms(node)
    last = _point(node, node.trust.doubt)
    why = (
        f"UNTRUSTED: nothing vouches for what follows block {last.height}, "
        f"{_span(now - last.time_ms)} old; the trust period is {_span(period_ms)}"
    )
    pinned = node.config.pinned
    if pinned is not None and node.is_pin_contradicted:
        return (
            f"{why}. Peers have another block at the pinned height {pinned[0]}: if this node gets no "
            "further, what it holds is false: `chaosnet node reset`, then start (keys and sign state stay)"
        )
    if pinned is not None and pinned[0] > final:
        return f"{why}. The pinned block {pinned[0]} is not reached yet"
    where = "with `--trust height:id` or as `[trust] pinned`, and restart"
    if now - _point(node, final).time_ms <= period_ms:
        return f"{why}. The newest final block is {ours}: if operators you trust have it, pin it {where}"
    return (
        f"{why}. Ask operators you trust for a newer final block and pin it {where}; "
        f"only if the whole network has stood still since, and all have {ours}, pin that"
    )


def _judged(node: Node, now: int) -> Trust:
    doubt, pinned = node.trust.doubt, node.config.pinned
    known = _point(node, node.final_height if node.is_trusted else doubt)
    is_here = pinned is not None and pinned[0] <= node.final_height
    at_pin = _point(node, pinned[0]) if pinned is not None and is_here else None
    return judge(node.trust, known, at_pin, now=now, period_ms=_period_ms(node))


def _period_ms(node: Node) -> int:
    """Return the trust period: a chain that is in doubt cannot prolong it."""
    return min(node.config.genesis.params.trust_period_ms, node.head.params.trust_period_ms)


def _point(node: Node, height: int) -> Point:
    return Point(height, node.ancestor_header(node.head, height).time_ms)


def _keep(node: Node, before: Trust) -> None:
    """Make a change durable before anything that follows it: no restart cures doubt."""
    if node.trust != before:
        node.effects.append(ev.PersistTrust(encode(node.trust)))


def _tell(node: Node, now: int) -> None:
    detail = "" if node.is_trusted else reason(node, now)
    node.effects.append(ev.Report(ev.TrustJudged(is_trusted=node.is_trusted, detail=detail)))


def _span(ms: int) -> str:
    size, name = next((unit for unit in UNITS if ms >= 2 * unit[0]), UNITS[-1])
    return f"{ms // size} {name}"
