"""Coins on their way out of a candidate's bond, and the punishment that still reaches them.

Coins that left count by spans of heights, not one by one, so that a punishment touches at most some 66
records however many people left. Each span remembers which part of its coins punishments have left over;
everybody who left in it loses the same part. A span is a 64th of the unbonding time or an epoch, whichever is
longer.
"""

from typing import Final

import msgspec
from msgspec.structs import replace

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken, Invalid
from chaosnet.ledger.candidates import Candidate, pay_out, store_candidate
from chaosnet.ledger.context import Context, Reader
from chaosnet.ledger.keys import exit_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.genesis import WEIGHT_LAG_EPOCHS, ChainParams

WHOLE: Final = 10**15
"""`left` of a span that was never punished."""
SPANS: Final = 64


class Exit(Record, tag=1):
    """Coins that left a candidate in one span of heights."""

    tokens: int = 0
    """Motes that are unbonding, less punishments; not those that moved to another candidate."""
    left: int = WHOLE
    """Part that punishments have left over, of WHOLE."""


_decode = msgspec.msgpack.Decoder(Exit).decode


def exit_of(reader: Reader, operator: bytes, first: int) -> Exit:
    """Return the span that starts at a height; raises Broken(`data_damaged`)."""
    value = reader.get(exit_key(operator, first))
    try:
        return Exit() if value is None else _decode(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"exit: {error}") from error


def store_exit(overlay: Overlay, operator: bytes, first: int, span: Exit) -> None:
    """Write a span; one that says nothing is not stored."""
    overlay.set(exit_key(operator, first), None if span == Exit() else encode(span))


def span_blocks(params: ChainParams) -> int:
    """Return how many heights a span has."""
    return max(params.epoch_blocks, -(-params.unbonding_blocks // SPANS))


def opened_exit(overlay: Overlay, candidate: Candidate, ctx: Context) -> tuple[Candidate, int, Exit]:
    """Return the candidate with the present span among its exits, that span's first height, and the span.

    Raises Invalid(`not_matured`) when a punishment took all of the span: who leaves now waits for the next.
    """
    blocks = span_blocks(ctx.params)
    first = ctx.height - ctx.height % blocks
    span = exit_of(overlay, candidate.operator, first)
    if span.left == 0:
        raise Invalid("not_matured", f"leave from height {first + blocks} on")
    if first in candidate.exits:
        return candidate, first, span
    over = ctx.height - blocks - ctx.params.unbonding_blocks
    exits = (*(f for f in candidate.exits if f >= over), first)
    return replace(candidate, exits=exits), first, span


def punish(overlay: Overlay, candidate: Candidate, offence_height: int, ctx: Context) -> int:
    """Take `slash_permille` of a candidate's coins and jail it; return the motes that the treasury got.

    What is bonded now pays, and what left when it could still give weight to the offender, or later.
    """
    permille, blocks = ctx.params.slash_permille, span_blocks(ctx.params)
    since = offence_height - WEIGHT_LAG_EPOCHS * ctx.params.epoch_blocks
    taken = candidate.tokens * permille // 1_000
    bonded = candidate.tokens - taken
    for first in candidate.exits:
        if first + blocks <= since:
            continue
        span = exit_of(overlay, candidate.operator, first)
        cut = span.tokens * permille // 1_000
        left = span.left * (1_000 - permille) // 1_000
        store_exit(overlay, candidate.operator, first, Exit(span.tokens - cut, left))
        taken += cut
    pay_out(overlay, ctx.genesis.treasury, taken)
    punished = replace(
        candidate,
        tokens=bonded,
        is_jailed=True,
        jailed_until=max(candidate.jailed_until, ctx.height + ctx.params.jail_blocks),
    )
    store_candidate(overlay, punished, ctx.params.stake_min)
    return taken
