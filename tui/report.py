"""The same facts once, for scripts: a plain table, or JSON."""

import io

import msgspec
from rich.console import Console
from rich.table import Table

from tui.agreement import Comparison
from tui.network import Network
from tui.plain import plain
from tui.show import (
    LEVEL_MARKS,
    MARKS,
    NOTHING,
    error_of,
    interval,
    number,
    reason_of,
    short,
    signed_ms,
    since,
    trouble_of,
)
from tui.trouble import presence_of, troubles_of
from tui.words import Words

WIDTH = 200
"""Columns of the plain table: a pipe has no width."""


def report_table(network: Network, now_ms: int, words: Words) -> str:
    """Return the facts as text: one line on the network, its troubles, one line a node."""
    tips, roots = network.tips(), network.state_roots()
    columns = ("node", "height", "tip", "root", "peers", "pool", "interval", "round", "clock", "health")
    table = Table(*(words(f"col_{name}") for name in columns), box=None, pad_edge=False)
    for index in range(len(network.nodes)):
        table.add_row(*map(plain, _row(network, index, (tips, roots), now_ms=now_ms, words=words)))
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, color_system=None, markup=False, highlight=False, emoji=False)
    best = network.best()
    if best is not None and best.status is not None:
        status = best.status
        agreeing = sum(verdict == "agrees" for verdict in tips.verdicts)
        text = (
            words("tips_unknown")
            if tips.height is None
            else words("tips_agree", n=agreeing, height=tips.height)
        )
        if tips.is_bad and tips.height is not None:
            text = words("tips_differ", height=tips.height)
        values = {
            "chain": status.chain_name,
            "genesis": status.genesis[:16],
            "engine": status.consensus.engine,
        }
        console.print(plain(words("report_network", **values, tips=f"{words('fact_tips')}: {text}")))
    for trouble in troubles_of(network):
        console.print(f"{LEVEL_MARKS[trouble.level]} {trouble_of(trouble, now_ms, words)}")
    console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _row(
    network: Network, index: int, compared: tuple[Comparison, Comparison], *, now_ms: int, words: Words
) -> list[str]:
    """Return the cells of one node."""
    node = network.nodes[index]
    status = node.live
    if status is None:
        tail = since(network.silent_since_ms(node), now_ms, words)
        text = f"✗ {words('unreachable')} {tail} · {error_of(node.error, words)}"
        return [node.name, *([NOTHING] * 8), text]
    tips, roots = compared
    health = f"{'✓' if status.health.is_healthy else '✗'} {reason_of(status.health, words)}"
    return [
        node.name,
        number(status.height),
        f"{MARKS[tips.verdicts[index]]} {short(status.tip)}",
        f"{MARKS[roots.verdicts[index]]} {short(status.state_root)}",
        number(status.peers),
        number(status.mempool_txs),
        interval(network.interval_of(node)),
        f"{status.consensus.round} {words.known(f'step_{status.consensus.step}', status.consensus.step)}",
        signed_ms(status.clock_offset_ms),
        f"{health} {since(node.unhealthy_since_ms, now_ms, words)}".rstrip(),
    ]


def report_json(network: Network, now_ms: int, words: Words) -> str:
    """Return the facts as one JSON object."""
    tips, roots = network.tips(), network.state_roots()
    presence = presence_of(network)
    troubles = [
        {
            "level": trouble.level,
            "kind": trouble.kind,
            "text": trouble_of(trouble, now_ms, words),
            "since_ms": trouble.since_ms,
        }
        for trouble in troubles_of(network)
    ]
    document = {
        "now_ms": now_ms,
        "troubles": troubles,
        "compared_at": tips.height,
        "validators": presence.validators if presence else None,
        "validators_needed": presence.needed if presence else None,
        "validators_silent": list(presence.silent) if presence else None,
        "block_interval_ms": network.median_interval_ms(100),
        "nodes": [
            {
                "name": node.name,
                "url": node.target.url,
                "is_reachable": bool(node.is_reachable),
                "since_ms": node.since_ms if node.is_reachable else network.silent_since_ms(node),
                "error": node.error,
                "tip_verdict": tips.verdicts[index].value,
                "state_root_verdict": roots.verdicts[index].value,
                "status": node.live,
            }
            for index, node in enumerate(network.nodes)
        ],
    }
    return msgspec.json.encode(document).decode()
