"""Named values in a line, and those of the engine in force that several screens show."""

from typing import NamedTuple

from rich.text import Text

from chaosnet.rpc.schema import Status
from tui.desk import Desk
from tui.plain import plain
from tui.show import number, progress, short_weight, span


class Fact(NamedTuple):
    """A named value."""

    name: str
    value: str
    style: str = ""
    rank: int = 0
    """Those of the highest rank give way first when there is no room; 0 always stays."""


def line_of(facts: list[Fact], width: int) -> Text:
    """Return named values in one line; those of the highest rank give way when there is no room."""
    line = Text(" ")
    for i, fact in enumerate(facts):
        if i:
            line.append(" · ", "dim")
        if fact.name:
            line.append(f"{fact.name} ", "dim")
        line.append(plain(fact.value), fact.style)
    rank = max((fact.rank for fact in facts), default=0)
    if line.cell_len > width and rank:
        return line_of([fact for fact in facts if fact.rank < rank], width)
    return line


def engine_facts(desk: Desk, status: Status) -> list[Fact]:
    """Return engine, era and finality, who leads, how far the epoch is, and what comes after."""
    words, state = desk.words, status.consensus
    finality = words.known(f"finality_{state.finality}", state.finality)
    facts = [
        Fact(words("fact_engine"), state.engine, "bold"),
        Fact(words("fact_era"), number(state.era), rank=1),
        Fact("", finality),
        *handover_facts(desk, status),
        *leader_of(desk),
        *epoch_fact(desk),
    ]
    if state.weight:
        facts.append(Fact(words("fact_weight"), short_weight(state.weight), rank=4))
    return facts


def handover_facts(desk: Desk, status: Status) -> list[Fact]:
    """Return how far the next engine is away, or that the present one is handing over."""
    words, state = desk.words, status.consensus
    if state.handover_height is None:
        return []
    values = {"engine": state.next_engine, "height": state.handover_height}
    if state.is_handing_over:
        return [Fact("", words("handing_over_to", **values), f"reverse {desk.palette.warn}")]
    left = max(state.handover_height - status.height, 0)
    facts = [Fact(words("fact_next"), words("countdown", n=left, **values), desk.palette.accent)]
    median_ms = desk.network.median_interval_ms(100)
    if median_ms:
        facts.append(Fact("", words("countdown_time", span=span(left * median_ms)), "dim", rank=2))
    return facts


def leader_of(desk: Desk) -> list[Fact]:
    """Return whose turn it is, where that is known before the block is there."""
    network, words = desk.network, desk.words
    best = network.best()
    state = best.status.consensus if best is not None and best.status is not None else None
    found = network.validators
    name = state.proposer if state is not None else ""
    if not name and found is not None and state is not None and found.engine == state.engine:
        name = found.leader_name or found.leader[:16]
    return [Fact(words("fact_leader"), name, rank=2)] if name else []


def epoch_fact(desk: Desk) -> list[Fact]:
    """Return how many blocks of the epoch are made."""
    network, words = desk.network, desk.words
    best = network.best()
    epoch = network.validators.epoch if network.validators is not None else None
    if epoch is None or best is None or best.status is None:
        return []
    height, total = best.status.height, epoch.last_height - epoch.first_height + 1
    if not epoch.first_height - 1 <= height <= epoch.last_height:
        return []
    done = height - epoch.first_height + 1
    bar = progress(done, total, 8)
    text = words("epoch_progress", number=epoch.number, bar=bar, done=done, total=total)
    return [Fact(words("fact_epoch"), text, rank=3)]
