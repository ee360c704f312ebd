"""Delegation: bonding coins to a candidate, moving them, taking them out.

All rounding is in favour of those who stay. Coins taken out are free after `unbonding_blocks`, longer than
evidence counts. Coins moved to another candidate work there at once, but what the first one did can still
cost them until that time is over: each such part remembers where it came from, and loses its share when it is
next touched (exits tells how much). It may not be moved again before.
"""

from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken, Invalid
from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.ledger.candidates import (
    Candidate,
    known_candidate,
    pay_in,
    pay_out,
    store_candidate,
)
from chaosnet.ledger.context import Context, Reader
from chaosnet.ledger.exits import Exit, exit_of, opened_exit, store_exit
from chaosnet.ledger.keys import delegation_key, delegator_key, unbonding_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.transaction import Delegate, Redelegate, Undelegate, Withdraw

DELEGATIONS_MAX: Final = 64
"""Candidates that one account may have coins with."""
PARTS_MAX: Final = 16
"""Parts of one account's coins with one candidate that wait, or came from elsewhere."""


class Origin(Record):
    """Where coins came from that can still be punished for what happened there."""

    operator: bytes
    first: int
    """First height of the span in which they left."""
    left: int
    """What the span had left then; see `exits`."""


class Moved(Record):
    """Shares of a delegation whose coins came from another candidate."""

    shares: int
    matures: int
    """Height from which the origin does not matter any more."""
    origin: Origin


class Delegation(Record, tag=1):
    """What an account has with a candidate."""

    shares: int = 0
    """All of them, moved ones included."""
    moved: tuple[Moved, ...] = ()


class Part(Record):
    """Coins taken out at one time."""

    amount: int
    """Motes when they were taken out; punishments make them worth less."""
    matures: int
    """Height from which they are free."""
    first: int
    """First height of the span in which they left."""
    left: int
    """What the span had left then."""
    origin: Origin | None
    """If they had been moved here before."""


class Unbonding(Record, tag=1):
    """Coins of one account on their way out of one candidate's bond, in order of time."""

    parts: tuple[Part, ...] = ()


class Delegator(Record, tag=1):
    """Which candidates hold coins of an account."""

    operators: tuple[bytes, ...] = ()
    """In ascending order."""


class Stake(NamedTuple):
    """What an account has with one candidate, punishments counted."""

    operator: bytes
    amount: int
    """Motes that its shares are worth."""
    unbonding: tuple[tuple[int, int], ...]
    """(motes, height from which they are free)."""


_decode_delegation = msgspec.msgpack.Decoder(Delegation).decode
_decode_unbonding = msgspec.msgpack.Decoder(Unbonding).decode
_decode_delegator = msgspec.msgpack.Decoder(Delegator).decode


def delegations_of(reader: Reader, delegator: bytes) -> tuple[Stake, ...]:
    """Return what an account has bonded or unbonding, in ascending operator order."""
    stakes = []
    for operator in _delegator(reader, delegator).operators:
        candidate = known_candidate(reader, operator)
        settled, delegation, _ = _settled(reader, candidate, _delegation(reader, delegator, operator), 0)
        parts = tuple(
            (_due(reader, operator, part)[0], part.matures)
            for part in _unbonding(reader, delegator, operator).parts
        )
        stakes.append(Stake(operator, _worth(settled, delegation.shares), parts))
    return tuple(stakes)


def delegate(overlay: Overlay, sender: bytes, action: Delegate, ctx: Context) -> None:
    """Bond coins; raises Invalid: `not_a_candidate`, `bad_argument`, `too_large`."""
    candidate = known_candidate(overlay, action.operator)
    pay_in(overlay, sender, action.amount, ctx)
    candidate, shares = _issued(candidate, action.amount)
    before = _delegation(overlay, sender, action.operator)
    after = Delegation(before.shares + shares, before.moved)
    _store(overlay, sender, candidate, after, ctx)


def undelegate(overlay: Overlay, sender: bytes, action: Undelegate, ctx: Context) -> None:
    """Take coins out; raises Invalid: `not_a_candidate`, `not_bonded`, `not_matured`, `too_large`."""
    candidate, delegation = _touched(overlay, sender, action.operator, ctx)
    candidate, shares, amount = _redeemed(candidate, delegation.shares, action.amount)
    candidate, first, span = opened_exit(overlay, candidate, ctx)
    delegation, pieces = _carved(delegation, shares, amount)
    matures = ctx.height + ctx.params.unbonding_blocks
    parts = _unbonding(overlay, sender, action.operator).parts + tuple(
        Part(motes, matures, first, span.left, origin) for motes, origin in pieces
    )
    if len(parts) > PARTS_MAX:
        raise Invalid("too_large", "withdraw what is free, or wait")
    store_exit(overlay, action.operator, first, Exit(span.tokens + amount, span.left))
    overlay.set(unbonding_key(sender, action.operator), encode(Unbonding(parts)))
    _store(overlay, sender, candidate, delegation, ctx)


def redelegate(overlay: Overlay, sender: bytes, action: Redelegate, ctx: Context) -> None:
    """Move coins to another candidate; raises as `undelegate`, and `bad_argument` as `delegate`."""
    source, given = _touched(overlay, sender, action.operator, ctx)
    if given.moved:
        raise Invalid("not_matured", "coins that were moved here lately stay")
    source, shares, amount = _redeemed(source, given.shares, action.amount)
    source, first, span = opened_exit(overlay, source, ctx)
    _store(overlay, sender, source, Delegation(given.shares - shares), ctx)
    target, received = _touched(overlay, sender, action.to, ctx)
    target, issued = _issued(target, amount)
    matures = ctx.height + ctx.params.unbonding_blocks
    moved = (*received.moved, Moved(issued, matures, Origin(action.operator, first, span.left)))
    if len(moved) > PARTS_MAX:
        raise Invalid("too_large", "too many moves within the unbonding time")
    _store(overlay, sender, target, Delegation(received.shares + issued, moved), ctx)


def withdraw(overlay: Overlay, sender: bytes, action: Withdraw, ctx: Context) -> None:
    """Receive what is free; raises Invalid: `not_a_candidate`, `not_matured` when nothing is."""
    candidate = known_candidate(overlay, action.operator)
    parts = _unbonding(overlay, sender, action.operator).parts
    free = [part for part in parts if part.matures <= ctx.height]
    if not free:
        raise Invalid("not_matured" if parts else "not_bonded")
    for part in free:
        received, forfeited = _due(overlay, action.operator, part)
        span = exit_of(overlay, action.operator, part.first)
        store_exit(
            overlay,
            action.operator,
            part.first,
            Exit(span.tokens - received - forfeited, span.left),
        )
        pay_out(overlay, sender, received)
        pay_out(overlay, ctx.genesis.treasury, forfeited)
    waiting = tuple(part for part in parts if part.matures > ctx.height)
    value = encode(Unbonding(waiting)) if waiting else None
    overlay.set(unbonding_key(sender, action.operator), value)
    _store(overlay, sender, candidate, _delegation(overlay, sender, action.operator), ctx)


def unjail(overlay: Overlay, sender: bytes, ctx: Context) -> None:
    """Let a punished candidate stand again; raises Invalid: `not_a_candidate`, `not_jailed`, `jailed`."""
    candidate = known_candidate(overlay, sender)
    if not candidate.is_jailed:
        raise Invalid("not_jailed")
    if ctx.height < candidate.jailed_until:
        raise Invalid("jailed", f"until height {candidate.jailed_until}")
    store_candidate(overlay, replace(candidate, is_jailed=False), ctx.params.stake_min)


def first_bond(overlay: Overlay, candidate: Candidate, stake_min: int) -> None:
    """Store a candidate of the genesis, whose coins are all its own."""
    operator = candidate.operator
    store_candidate(overlay, candidate, stake_min)
    overlay.set(delegation_key(operator, operator), encode(Delegation(candidate.shares)))
    overlay.set(delegator_key(operator), encode(Delegator((operator,))))


def _worth(candidate: Candidate, shares: int) -> int:
    """Return the motes that shares are worth."""
    return candidate.tokens * shares // candidate.shares if candidate.shares else 0


def _issued(candidate: Candidate, motes: int) -> tuple[Candidate, int]:
    """Return the candidate with so many motes more, and the shares for them.

    Raises Invalid(`bad_argument`) when punishments took all that the old shares were worth, or when a share
    is worth so much that rounding would cost the newcomer more than a thousandth.
    """
    if candidate.shares and not candidate.tokens:
        raise Invalid("bad_argument", "the shares of this candidate are worth nothing")
    shares = motes * candidate.shares // candidate.tokens if candidate.shares else motes
    after = replace(candidate, tokens=candidate.tokens + motes, shares=candidate.shares + shares)
    if motes - _worth(after, shares) > 1 + motes // 1_000:
        raise Invalid("bad_argument", "too few coins for a share of this candidate")
    if after.shares > AMOUNT_MAX:
        raise Invalid("bad_argument", "too many shares")
    return after, shares


def _redeemed(candidate: Candidate, held: int, motes: int) -> tuple[Candidate, int, int]:
    """Return the candidate after so many motes left it, the shares that are gone and the motes.

    Raises Invalid(`not_bonded`) when the shares held are not worth so much.
    """
    worth = _worth(candidate, held)
    if motes > worth:
        raise Invalid("not_bonded")
    shares = held if motes == worth else -(-motes * candidate.shares // candidate.tokens)
    if shares >= held:
        shares, motes = held, worth
    after = replace(candidate, tokens=candidate.tokens - motes, shares=candidate.shares - shares)
    return after, shares, motes


def _carved(
    delegation: Delegation, shares: int, motes: int
) -> tuple[Delegation, list[tuple[int, Origin | None]]]:
    """Return what is left of a delegation, and (motes, origin) of the shares that leave: own ones first."""
    own = min(shares, delegation.shares - sum(moved.shares for moved in delegation.moved))
    pieces: list[tuple[int, Origin | None]] = []
    kept: list[Moved] = []
    missing = shares - own
    for moved in delegation.moved:
        taken = min(missing, moved.shares)
        missing -= taken
        if taken:
            pieces.append((motes * taken // shares, moved.origin))
        if taken < moved.shares:
            kept.append(replace(moved, shares=moved.shares - taken))
    rest = motes - sum(amount for amount, _ in pieces)
    if own:
        pieces.append((rest, None))
    elif rest:
        pieces[-1] = (pieces[-1][0] + rest, pieces[-1][1])
    return Delegation(delegation.shares - shares, tuple(kept)), pieces


def _settled(
    reader: Reader, candidate: Candidate, delegation: Delegation, height: int
) -> tuple[Candidate, Delegation, int]:
    """Return both after punishments of the candidates that moved coins came from, and the motes these cost.

    Parts that have matured at the height lose their origin.
    """
    lost = 0
    shares = delegation.shares
    kept = []
    for moved in delegation.moved:
        origin = moved.origin
        left = exit_of(reader, origin.operator, origin.first).left
        gone = moved.shares - moved.shares * left // origin.left
        motes = _worth(candidate, gone)
        candidate = replace(candidate, tokens=candidate.tokens - motes, shares=candidate.shares - gone)
        lost += motes
        shares -= gone
        if moved.matures > height and moved.shares > gone:
            kept.append(Moved(moved.shares - gone, moved.matures, replace(origin, left=left)))
    return candidate, Delegation(shares, tuple(kept)), lost


def _due(reader: Reader, operator: bytes, part: Part) -> tuple[int, int]:
    """Return the motes that a part is worth to its owner, and those it forfeits for what its origin did."""
    motes = part.amount * exit_of(reader, operator, part.first).left // part.left
    if part.origin is None:
        return motes, 0
    left = exit_of(reader, part.origin.operator, part.origin.first).left
    received = motes * left // part.origin.left
    return received, motes - received


def _touched(
    overlay: Overlay, delegator: bytes, operator: bytes, ctx: Context
) -> tuple[Candidate, Delegation]:
    """Return a candidate and a delegation with all punishments paid; the caller stores both."""
    candidate = known_candidate(overlay, operator)
    delegation = _delegation(overlay, delegator, operator)
    candidate, delegation, lost = _settled(overlay, candidate, delegation, ctx.height)
    pay_out(overlay, ctx.genesis.treasury, lost)
    return candidate, delegation


def _store(
    overlay: Overlay, delegator: bytes, candidate: Candidate, delegation: Delegation, ctx: Context
) -> None:
    """Write a candidate, a delegation, and whether the delegator has anything there."""
    operator = candidate.operator
    store_candidate(overlay, candidate, ctx.params.stake_min)
    value = encode(delegation) if delegation.shares else None
    overlay.set(delegation_key(delegator, operator), value)
    is_there = value is not None or overlay.get(unbonding_key(delegator, operator)) is not None
    known = _delegator(overlay, delegator).operators
    if is_there == (operator in known):
        return
    operators = tuple(sorted((*known, operator))) if is_there else tuple(o for o in known if o != operator)
    if len(operators) > DELEGATIONS_MAX:
        raise Invalid("too_large", f"coins with at most {DELEGATIONS_MAX} candidates")
    overlay.set(delegator_key(delegator), encode(Delegator(operators)) if operators else None)


def _delegation(reader: Reader, delegator: bytes, operator: bytes) -> Delegation:
    value = reader.get(delegation_key(delegator, operator))
    try:
        return Delegation() if value is None else _decode_delegation(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"delegation: {error}") from error


def _unbonding(reader: Reader, delegator: bytes, operator: bytes) -> Unbonding:
    value = reader.get(unbonding_key(delegator, operator))
    try:
        return Unbonding() if value is None else _decode_unbonding(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"unbonding: {error}") from error


def _delegator(reader: Reader, delegator: bytes) -> Delegator:
    value = reader.get(delegator_key(delegator))
    try:
        return Delegator() if value is None else _decode_delegator(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"delegator: {error}") from error
