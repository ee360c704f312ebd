"""The same facts once, for scripts: plain tables, or JSON."""

import io

import msgspec
from rich.console import Console
from rich.table import Table

from chaosnet.rpc.schema import Status
from tui.agreement import Comparison, Verdict
from tui.branches import branch_count
from tui.network import IMMEDIATE, Network
from tui.plain import plain
from tui.show import (
    LEVEL_MARKS,
    MARKS,
    NOTHING,
    clock,
    cos,
    error_of,
    interval,
    number,
    permille,
    reason_of,
    share,
    short,
    signed_ms,
    since,
    trouble_of,
)
from tui.trouble import presence_of, troubles_of
from tui.words import Words

WIDTH = 200
"""Columns of the plain table: a pipe has no width."""
REORG_LINES = 5


def report_table(network: Network, now_ms: int, words: Words) -> str:
    """Return the facts as text: the network, its engine, its troubles, one line a node, one a validator."""
    tips, roots = network.tips(), network.state_roots()
    columns = (
        "node",
        "height",
        "final",
        "tip",
        "root",
        "peers",
        "pool",
        "interval",
        "round",
        "clock",
        "health",
    )
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
        if Verdict.BRANCH in tips.verdicts:
            text = words("tips_branch", height=tips.height)
        if tips.is_bad and tips.height is not None:
            text = words("tips_differ", height=tips.height)
        values = {"chain": status.chain_name, "genesis": status.genesis[:16]}
        console.print(plain(words("report_network", **values, tips=f"{words('fact_tips')}: {text}")))
        console.print(plain(_engine_line(network, status, words)))
    for trouble in troubles_of(network):
        console.print(f"{LEVEL_MARKS[trouble.level]} {trouble_of(trouble, now_ms, words)}")
    console.print(table)
    _print_validators(console, network, words)
    for line in _tree_lines(network, words):
        console.print(plain(line))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _engine_line(network: Network, status: Status, words: Words) -> str:
    """Return engine, era, finality, who leads, and how far the epoch and the next engine are."""
    state = status.consensus
    final = words("final_lag", height=status.final_height, n=max(status.height - status.final_height, 0))
    finality = words.known(f"finality_{state.finality}", state.finality)
    parts = [words("report_chain", engine=state.engine, era=state.era, finality=finality, final=final)]
    found = network.validators
    epoch = found.epoch if found is not None else None
    if leader := state.proposer or (found.leader_name or found.leader if found is not None else ""):
        parts.append(f"{words('fact_leader')} {leader}")
    if epoch is not None:
        done, total = status.height - epoch.first_height + 1, epoch.last_height - epoch.first_height + 1
        parts.append(f"{words('fact_epoch')} {epoch.number} {done}/{total}")
    if state.weight:
        parts.append(f"{words('fact_weight')} {state.weight}")
    if state.handover_height is not None:
        left = max(state.handover_height - status.height, 0)
        key = "handing_over_to" if state.is_handing_over else "countdown"
        parts.append(words(key, n=left, engine=state.next_engine, height=state.handover_height))
    return " · ".join(parts)


def _print_validators(console: Console, network: Network, words: Words) -> None:
    """Print a line for each validator and candidate; or why they are not known."""
    if network.validators_problem:
        console.print(plain(f"! {words('members')}: {network.validators_problem}"))
    rows = network.validators.validators if network.validators is not None else []
    if not rows:
        return
    columns = ("member", "share", "bonded", "commission", "missed", "state", "silent", "last", "operator")
    table = Table(*(words(f"col_{name}") for name in columns), box=None, pad_edge=False)
    for row in rows:
        state = "candidate" if row.is_candidate else ""
        state = "in_set" if row.is_validator else "next" if row.is_next else state
        state = "jailed" if row.is_jailed else state
        cells = [
            row.name or NOTHING,
            share(row.weight_ppm),
            cos(row.bonded),
            permille(row.commission_permille),
            number(row.missed_slots),
            words(f"validator_{state}") if state else NOTHING,
            words("yes" if row.is_silent else "no"),
            number(row.last_block),
            row.operator,
        ]
        table.add_row(*map(plain, cells))
    console.print()
    console.print(table)


def _tree_lines(network: Network, words: Words) -> list[str]:
    """Return how the branches stand at the node that was asked, and its last reorganisations."""
    lines = []
    for index, problem in network.forks.problems.items():
        lines.append(f"! {words('tree_title', node=network.nodes[index].name)}: {problem}")
    for index, tree in network.forks.trees.items():
        live = network.nodes[index].live
        if live is None or tree.finality == IMMEDIATE:
            continue
        values = {"node": network.nodes[index].name, "blocks": max(len(tree.blocks) + tree.left_out - 1, 0)}
        values |= {"branches": branch_count(tree), "reorgs": live.consensus.reorganisations}
        lines += ["", words("report_tree", **values)]
        for reorg in network.forks.newest(REORG_LINES, index):
            facts = reorg.facts
            shown = {"n": facts.depth, "height": facts.common_height, "dropped": facts.dropped_total}
            shown |= {"old": facts.old_height, "new": facts.new_height}
            sign = LEVEL_MARKS["bad" if facts.is_deep else "warn"]
            lines.append(
                f"{sign} {words('report_reorg', time=clock(reorg.time_ms, network.now_ms), **shown)}"
            )
    return lines


def _row(
    network: Network, index: int, compared: tuple[Comparison, Comparison], *, now_ms: int, words: Words
) -> list[str]:
    """Return the cells of one node."""
    node = network.nodes[index]
    status = node.live
    if status is None:
        tail = since(network.silent_since_ms(node), now_ms, words)
        text = f"✗ {words('unreachable')} {tail} · {error_of(node.error, words)}"
        return [node.name, *([NOTHING] * 9), text]
    tips, roots = compared
    health = f"{'✓' if status.health.is_healthy else '✗'} {reason_of(status.health, words)}"
    return [
        node.name,
        number(status.height),
        number(status.final_height),
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
        "validator_list": network.validators,
        "validator_list_error": network.validators_problem,
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
                "tree": network.forks.trees.get(index),
                "tree_error": network.forks.problems.get(index, ""),
            }
            for index, node in enumerate(network.nodes)
        ],
    }
    return msgspec.json.encode(document).decode()
