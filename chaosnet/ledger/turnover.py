"""How much of a validator set may change at once: less than a third of the weight (protocol: Blocks).

Then two sets in a row always share more than two thirds, so whoever trusts one can check the next. Validators
that were punished leave at once and do not count: the measure is what is left of the set without them. The
first set of an era is not bound by the one before it.

Where the elections stand still, stakes reach them in 4 steps, and as many seats as before in 6. A set of 101
that shrinks to one needs 13: the bound is a share of a set that gets smaller each time. WEIGHT_LAG_EPOCHS
covers that. Sets of up to three seats must break the bound: one seat is a third of them.
"""

from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from chaosnet.model.block import ValidatorSet

UNIT: Final = 10**12
"""Weight of a whole set on its way to another one, where weights are stakes."""
STEP_PERMILLE: Final = 333
"""Of the weight that changes in such a step."""


def next_set(before: ValidatorSet, target: ValidatorSet, punished: Collection[bytes]) -> ValidatorSet:
    """Return the set after `before` on the way to `target`: the target itself where the bound allows it.

    `punished` are operators that leave at once, unless nobody else is there. Never empty unless both are.
    """
    kept = ValidatorSet(tuple(v for v in before.validators if v.operator not in punished))
    if not target.validators:
        return kept if kept.validators else before
    if not kept.validators or is_bounded(kept, target):
        return target
    are_equal = all(v.weight == 1 for v in (*kept.validators, *target.validators))
    return _by_seats(kept, target) if are_equal else _by_weight(kept, target)


def is_bounded(before: ValidatorSet, after: ValidatorSet) -> bool:
    """Return whether those who lose weight lose less than a third of all."""
    lost, whole = _lost(before, after)
    return 3 * lost < whole


def _lost(before: ValidatorSet, after: ValidatorSet) -> tuple[int, int]:
    """Return the part of the weight that goes to others, as numerator and denominator."""
    total, new_total = before.total, after.total
    weights = {v.operator: v.weight for v in after.validators}
    lost = sum(max(0, v.weight * new_total - weights.get(v.operator, 0) * total) for v in before.validators)
    return lost, total * new_total


def _by_seats(before: ValidatorSet, target: ValidatorSet) -> ValidatorSet:
    """Exchange, remove and add members of one vote each as long as the bound allows; one at least.

    Who leaves is exchanged as long as others wait to join: then most can leave in one step. Both sets are in
    operator order, so who goes first does not depend on anything else.
    """
    wanted = {v.operator: v for v in target.validators}
    seats = {v.operator: wanted.get(v.operator, v) for v in before.validators}
    leavers = [v.operator for v in before.validators if v.operator not in wanted]
    joiners = [v for v in target.validators if v.operator not in seats]
    found = ValidatorSet(tuple(seats.values()))
    for i in range(max(len(leavers), len(joiners))):
        if i < len(leavers):
            del seats[leavers[i]]
        if i < len(joiners):
            seats[joiners[i].operator] = joiners[i]
        changed = ValidatorSet(tuple(seats[operator] for operator in sorted(seats)))
        if i and not is_bounded(before, changed):
            break
        found = changed
    return found


def _by_weight(before: ValidatorSet, target: ValidatorSet) -> ValidatorSet:
    """Go the same part of the way from each share of the weight to the wanted one, in parts of UNIT.

    Rounding is downwards; shares below one part are not in the set before it reaches the target.
    """
    total, new_total = before.total, target.total
    old = {v.operator: v for v in before.validators}
    new = {v.operator: v for v in target.validators}
    lost, _ = _lost(before, target)
    found = []
    for operator in sorted(dict.fromkeys((*old, *new))):
        had = old[operator].weight if operator in old else 0
        gets = new[operator].weight if operator in new else 0
        moved = UNIT * STEP_PERMILLE * (gets * total - had * new_total) // (1_000 * lost)
        weight = UNIT * had // total + moved
        if weight > 0:
            validator = new[operator] if operator in new else old[operator]
            found.append(replace(validator, weight=weight))
    return ValidatorSet(tuple(found))
