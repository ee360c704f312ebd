"""Lines of nodes, blocks and transactions, as several screens show them."""

from collections.abc import Sequence
from typing import Final

from chaosnet.rpc.schema import BlockSummary, ConsensusStatus, Status, TransactionSummary
from tui.agreement import Comparison, Verdict
from tui.desk import Desk
from tui.network import NodeView
from tui.plain import plain
from tui.show import (
    MARKS,
    NOTHING,
    VERDICT_LEVELS,
    clock,
    cos,
    ends,
    error_of,
    interval,
    number,
    reason_of,
    short,
    signed_ms,
    since,
    size,
    span,
)
from tui.widgets.columns import Column
from tui.widgets.live_table import Cell, Row
from tui.words import Words

OFFSET_WARN_MS: Final = 1_000
"""A clock further off than this is marked."""


def node_columns(words: Words, *, is_narrow: bool, is_well: bool, with_final: bool) -> list[Column]:
    """Return the columns of the list of nodes; what is wrong needs room.

    `with_final`: the chain can fork, so that how far final blocks lag matters, and there are no rounds.
    """
    health = 10 if is_well else 26 if is_narrow else 42
    return [
        Column("node", words("col_node"), 9 if is_narrow else 14),
        Column("height", words("col_height"), 8 if is_narrow else 11, is_right=True),
        *([Column("final", words("col_final"), 6, is_right=True)] if with_final else []),
        Column("tip", words("col_tip"), 8),
        Column("root", words("col_root"), 5 if is_narrow else 8),
        Column("peers", words("col_peers"), 5, is_right=True),
        Column("pool", words("col_pool"), 6, is_right=True, rank=2),
        Column("interval", words("col_interval"), 8, is_right=True, rank=3),
        *([] if with_final else [Column("round", words("col_round"), 10 if is_narrow else 12, rank=1)]),
        Column("clock", words("col_clock"), 8, is_right=True, rank=4),
        Column("trip", words("col_trip"), 6, is_right=True, rank=5),
        Column("health", words("col_health"), health, is_flexible=True),
    ]


def node_row(
    desk: Desk, index: int, tips: Comparison, roots: Comparison, *, is_narrow: bool, with_final: bool
) -> Row:
    """Return the line of one node."""
    node, palette = desk.network.nodes[index], desk.palette
    mark = "●" if node.is_reachable else "○"
    key = f"node:{index}"
    status = node.status
    style = "" if node.is_reachable else palette.dim
    name = (f"{mark} {node.name}", palette.of("good") if node.is_reachable else palette.of("bad"))
    if status is None:
        cells = [name] + [("", "")] * 9 + [_reachability(desk, node, is_short=True)]
        return Row(key, cells, copy=node.target.url)
    state = status.consensus
    is_behind = node.is_reachable and status.height < status.best_height - 1
    cells = [
        name,
        (number(status.height), palette.warn if is_behind else style),
        *([(_final_lag(status), style)] if with_final else []),
        _compared(desk, tips.verdicts[index], short(status.tip, 6)),
        _compared(desk, roots.verdicts[index], "" if is_narrow else short(status.state_root, 6)),
        (number(status.peers), style if status.peers or state.validators == 1 else palette.warn),
        (number(status.mempool_txs), style),
        (interval(desk.network.interval_of(node)), style),
        *([] if with_final else [_round(desk, state, style)]),
        _offset(desk, status.clock_offset_ms, style),
        (interval(node.round_trip_ms), style),
        _reachability(desk, node, is_short=True),
    ]
    if not node.is_reachable:  # what it said last is no news
        first = 5 if with_final else 4
        cells[first:-1] = [(text, palette.dim) for text, _ in cells[first:-1]]
    return Row(key, cells, copy=status.tip)


def _round(desk: Desk, state: ConsensusStatus, style: str) -> Cell:
    text = f"{state.round} {desk.words.known(f'step_{state.step}', state.step)}"
    return text, desk.palette.warn if state.round else style


def _final_lag(status: Status) -> str:
    """Return how far the final block is below the head."""
    lag = status.height - status.final_height
    return f"−{lag:,}" if lag > 0 else "✓"


def _compared(desk: Desk, verdict: Verdict, text: str) -> Cell:
    return f"{MARKS[verdict]} {text}", desk.palette.of(VERDICT_LEVELS[verdict])


def _offset(desk: Desk, offset_ms: int | None, style: str) -> Cell:
    is_far = offset_ms is not None and abs(offset_ms) > OFFSET_WARN_MS
    return f"{'! ' if is_far else ''}{signed_ms(offset_ms)}", desk.palette.warn if is_far else style


def _reachability(desk: Desk, node: NodeView, *, is_short: bool = False) -> Cell:
    """Return health, or that the node does not answer; each with since when, in short for how long."""
    words, palette, now_ms = desk.words, desk.palette, desk.now_ms()
    if node.is_reachable is None:
        return words("asking"), palette.dim

    def tail(since_ms: int | None) -> str:
        if is_short and since_ms is not None:
            return span(now_ms - since_ms)
        return since(since_ms, now_ms, words)

    if node.live is None:
        return f"✗ {words('unreachable')} {tail(desk.network.silent_since_ms(node))}", palette.bad
    health = node.live.health
    text = reason_of(health, words)
    if health.is_healthy:
        return f"✓ {text}", palette.good
    level = "warn" if health.phase in ("starting", "syncing") else "bad"
    sign = "!" if level == "warn" else "✗"
    progress = f" {health.progress}%" if health.progress < 100 else ""
    return f"{sign} {text}{progress} {tail(node.unhealthy_since_ms)}", palette.of(level)


def node_line(desk: Desk, node: NodeView) -> str:
    """Return one line with all there is to say of a node."""
    words = desk.words
    parts = [node.name, node.target.url]
    if node.live is None:
        text, _ = _reachability(desk, node)
        parts += [text, error_of(node.error, words)]
    else:
        live = node.live
        text, _ = _reachability(desk, node)
        behind = live.best_height - live.height
        parts += [text, words("detail_best", n=behind) if behind > 1 else ""]
        parts += [words("detail_engine", engine=live.consensus.engine, era=live.consensus.era)]
        parts += [words("detail_up", span=span(live.now_ms - live.started_ms)), live.software]
        parts += ["" if live.consensus.is_validator else words("detail_observer")]
        parts += [f"{words('col_clock')} {signed_ms(live.clock_offset_ms)}"]
        parts += [words("detail_trust", trust=live.trust) if live.trust != "genesis" else ""]
    return plain(" · ".join(filter(None, parts)))


def block_columns(words: Words, *, with_final: bool) -> list[Column]:
    """Return the columns of a list of blocks."""
    return [
        Column("height", words("col_height"), 9, is_right=True),
        Column("time", words("col_time"), 8),
        Column("txs", words("col_txs"), 5, is_right=True),
        *([Column("final", words("col_final"), 5, rank=1)] if with_final else []),
        Column("proposer", words("col_proposer"), 11),
        Column("engine", words("col_engine"), 6, rank=6),
        Column("late", words("col_late"), 5, is_right=True, rank=4),
        Column("size", words("col_size"), 9, is_right=True, rank=3),
        Column("gas", words("col_gas"), 10, is_right=True, rank=5),
        Column("interval", words("col_interval"), 8, is_right=True, rank=2),
        Column("id", words("col_block_id"), 8, is_flexible=True, rank=1),
    ]


def block_rows(desk: Desk, blocks: Sequence[BlockSummary]) -> list[Row]:
    """Return the lines of blocks, newest first."""
    now_ms, warn = desk.now_ms(), desk.palette.warn
    with_final, final = desk.network.is_forking(), desk.network.final_height() or 0
    rows = []
    for i, block in enumerate(blocks):
        parent = blocks[i + 1] if i + 1 < len(blocks) else None
        is_next = parent is not None and parent.height == block.height - 1 and parent.height > 0
        passed_ms = block.time_ms - parent.time_ms if parent is not None and is_next else None
        late = "! " if block.round else ""
        cells = [
            (number(block.height), ""),
            (clock(block.time_ms, now_ms)[-8:], "dim"),
            (number(block.tx_count), "bold" if block.tx_count else "dim"),
            *([_finality(desk, block, final)] if with_final else []),
            (block.proposer_name or ends(block.proposer, 11), ""),
            (block.engine, "dim"),
            (f"{late}{block.round}", warn if block.round else "dim"),
            (size(block.size_bytes), "dim"),
            (number(block.gas_used), "dim"),
            (interval(passed_ms), "dim"),
            (block.id, "dim"),
        ]
        rows.append(Row(f"block:{block.height}", cells, copy=block.id))
    return rows


def _finality(desk: Desk, block: BlockSummary, final: int) -> Cell:
    is_final = block.is_final or block.height <= final
    return ("✓", desk.palette.good) if is_final else ("·", "dim")


def tx_columns(words: Words, *, with_block: bool) -> list[Column]:
    """Return the columns of a list of transactions."""
    place = [
        Column("block", words("col_block"), 9, is_right=True),
        Column("time", words("col_time"), 19, rank=3),
    ]
    return [
        *(place if with_block else []),
        Column("id", words("col_tx"), 11),
        Column("kind", words("col_kind"), 12, rank=2),
        Column("from", words("col_from"), 13, is_flexible=True),
        Column("to", words("col_to"), 13, is_flexible=True),
        Column("amount", words("col_amount"), 20, is_right=True),
        Column("fee", words("col_fee"), 10, is_right=True, rank=4),
        Column("code", words("col_code"), 8, rank=1),
    ]


def tx_rows(
    desk: Desk, transactions: Sequence[TransactionSummary], *, with_block: bool, of: str = ""
) -> list[Row]:
    """Return the lines of transactions; `of`: an account that amounts leave (−) or reach (+)."""
    palette = desk.palette
    rows = []
    for tx in transactions:
        is_ok = tx.code == "ok"
        sign = "" if not of or tx.sender == tx.to else "−" if tx.sender == of else "+"
        time = clock(tx.time_ms, tx.time_ms + 2 * 86_400_000) if tx.time_ms else NOTHING
        cells = [
            *([(number(tx.height), ""), (time, "dim")] if with_block else []),
            (short(tx.id), palette.accent),
            (", ".join(dict.fromkeys(tx.actions)), ""),
            (tx.sender, ""),
            (tx.to or NOTHING, ""),
            (f"{sign}{cos(tx.amount, decimals=8)}", palette.good if sign == "+" else ""),
            (cos(tx.fee), "dim"),
            (f"{'✓' if is_ok else '✗'} {tx.code}", palette.good if is_ok else palette.bad),
        ]
        rows.append(Row(f"transaction:{tx.id}", cells))
    return rows


def field_columns(label_width: int) -> list[Column]:
    """Return the two columns of a list of fields."""
    return [Column("label", "", label_width), Column("value", "", 20, is_flexible=True)]


def field_row(label: str, value: str, *, style: str = "", link: str = "") -> Row:
    """Return one field; `link`, as `kind:key`, is what opening it shows."""
    shown = f"{label} →" if link else label
    return Row(f"field {label}", [(shown, "dim"), (value, style)], opens=link, copy=value)
