"""Sets that follow the elections step by step; names are single letters or numbers of two digits."""

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.ledger.members import next_validators
from chaosnet.ledger.turnover import UNIT, is_bounded, next_set
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.genesis import WEIGHT_LAG_EPOCHS
from chaosnet.model.transaction import Accuse, Delegate, Undelegate
from tests.making import Person
from tests.staking import SHORT, Chain, keys_for, staked_network, two_headers

STEPS_MAX = 14
"""From one set of at most 101 to any other."""
NEEDS_ONE = 3
"""Seats of a set in which one seat is a third or more."""
EPOCH = SHORT["epoch_blocks"]

NAMES = st.integers(0, 150)
STAKES = st.dictionaries(NAMES, st.integers(2, 10**15), min_size=1, max_size=101)
SEATS = st.sets(NAMES, min_size=1, max_size=101).map(lambda names: dict.fromkeys(names, 1))


def made(weights: Mapping[int, int], keys: bytes = b"") -> ValidatorSet:
    found = []
    for name, weight in sorted(weights.items()):
        operator = name.to_bytes(33, "big")
        found.append(Validator(operator, keys + b"key" + operator, weight, keys + b"vrf" + operator))
    return ValidatorSet(tuple(found))


def operators(validators: ValidatorSet) -> set[bytes]:
    return {v.operator for v in validators.validators}


def way(before: ValidatorSet, target: ValidatorSet) -> list[ValidatorSet]:
    """Return the sets from `before` to a target that stands still, both included."""
    found = [before]
    while found[-1] != target:
        assert len(found) <= STEPS_MAX, "it never gets there"
        found.append(next_set(found[-1], target, ()))
    return found


def check_order(found: ValidatorSet) -> None:
    names = [v.operator for v in found.validators]
    assert names
    assert names == sorted(dict.fromkeys(names))


@settings(max_examples=60, deadline=None)
@given(STAKES, STAKES)
def test_stakes_move_by_less_than_a_third_and_arrive_in_four_steps(
    old: dict[int, int], new: dict[int, int]
) -> None:
    before, target = made(old), made(new, b"new")
    sets = way(before, target)
    assert len(sets) - 1 <= 4
    for i, found in enumerate(sets[1:]):
        check_order(found)
        assert is_bounded(sets[i], found)
        assert all(v.weight > 0 for v in found.validators)
        assert found == target or found.total <= UNIT


@settings(max_examples=60, deadline=None)
@given(SEATS, SEATS)
def test_seats_move_by_less_than_a_third_and_leavers_are_gone_before_punishments_forget(
    old: dict[int, int], new: dict[int, int]
) -> None:
    check_seats(made(old), made(new, b"new"))


@pytest.mark.parametrize("size", range(1, 102))
def test_seats_of_every_size(size: int) -> None:
    strangers = made(dict.fromkeys(range(size, 2 * size), 1))
    assert check_seats(made(dict.fromkeys(range(size), 1)), strangers) <= 6
    one = made({0: 1})
    all_of_them = made(dict.fromkeys(range(size), 1))
    assert check_seats(all_of_them, one) <= 13
    check_seats(one, all_of_them)


def check_seats(before: ValidatorSet, target: ValidatorSet) -> int:
    """Assert what holds on the way; return the steps after which those who leave have left."""
    sets = way(before, target)
    for i, found in enumerate(sets[1:]):
        check_order(found)
        assert all(v.weight == 1 for v in found.validators)
        assert is_bounded(sets[i], found) or len(sets[i].validators) <= NEEDS_ONE
        assert is_bounded(sets[i], found) or len(operators(sets[i]) - operators(found)) <= 1
    leaving = operators(before) - operators(target)
    steps = next(i for i, found in enumerate(sets) if not leaving & operators(found))
    # the first of the steps is made one epoch after the coins left
    assert steps + 1 <= WEIGHT_LAG_EPOCHS
    return steps


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.tuples(STAKES, STAKES), st.tuples(SEATS, SEATS)), st.data())
def test_the_punished_leave_at_once_and_do_not_count(
    pair: tuple[dict[int, int], dict[int, int]], data: st.DataObject
) -> None:
    before = made(pair[0])
    punished = data.draw(st.sets(st.sampled_from([v.operator for v in before.validators])))
    target = made({n: w for n, w in pair[1].items() if n.to_bytes(33, "big") not in punished}, b"new")
    found = next_set(before, target, punished)
    check_order(found)
    kept = ValidatorSet(tuple(v for v in before.validators if v.operator not in punished))
    if not kept.validators:
        assert found == (target if target.validators else before)
    else:
        assert not operators(found) & punished
        tiny = all(v.weight == 1 for v in kept.validators) and len(kept.validators) <= NEEDS_ONE
        assert tiny or not target.validators or is_bounded(kept, found)


@settings(max_examples=30, deadline=None)
@given(STAKES, STAKES, st.integers(0, 2**32))
def test_the_order_of_what_it_is_given_does_not_matter(
    old: dict[int, int], new: dict[int, int], seed: int
) -> None:
    """Members of a set are in operator order; the bound itself and who is punished come in any."""
    before, target = made(old), made(new)
    mixed = list(before.validators)
    Random(seed).shuffle(mixed)
    assert is_bounded(ValidatorSet(tuple(mixed)), target) == is_bounded(before, target)
    names = [v.operator for v in mixed[: len(mixed) // 2]]
    assert next_set(before, target, names) == next_set(before, target, names[::-1])


@pytest.mark.parametrize("weights", [dict.fromkeys(range(5), 1), {1: 10, 2: 20, 3: 30, 4: 40}])
def test_keys_change_at_once_for_those_who_stay(weights: dict[int, int]) -> None:
    before, target = made(weights), made({n + 2: w for n, w in weights.items()}, b"new")
    first = next_set(before, target, ())
    assert first != target
    keys = {v.operator: (v.key, v.vrf_key) for v in target.validators}
    stayers = [v for v in first.validators if v.operator in keys]
    assert len(stayers) >= 2
    assert all((v.key, v.vrf_key) == keys[v.operator] for v in stayers)


def test_less_than_a_third_moves_in_one_step() -> None:
    before = made({1: 100, 2: 100, 3: 100})
    just_less = made({1: 100, 2: 100, 3: 1, 4: 99})
    assert next_set(before, just_less, ()) == just_less
    a_third = made({1: 100, 2: 100, 4: 100})
    assert next_set(before, a_third, ()) != a_third
    grown = made({1: 1_000, 2: 1_000, 3: 1_000})
    assert next_set(before, grown, ()) == grown, "shares count, not coins"


def test_nobody_is_better_than_an_empty_set() -> None:
    nobody, before = made({}), made({1: 1, 2: 1})
    one, two = (v.operator for v in before.validators)
    assert next_set(before, nobody, ()) == before
    assert next_set(before, nobody, [one]) == made({2: 1})
    assert next_set(before, nobody, [one, two]) == before
    assert next_set(nobody, nobody, ()) == nobody


def shares(chain: Chain, person: Person) -> int:
    """Return a person's part of the set of the next block, in permille."""
    found = next_validators(chain.state)
    return 1_000 * sum(v.weight for v in found.validators if v.operator == person.address) // found.total


ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")


def test_a_newcomer_with_nearly_all_coins_gets_its_weight_step_by_step() -> None:
    bonds = [(ADA, 10_000), (BOB, 20_000)]
    c = Chain(staked_network([ADA, BOB, EVE], bonds, engines=((1, "pos"),), funds=10**7))
    c.block((EVE, keys_for("eve")), (EVE, Delegate(EVE.address, 3_000_000)))
    found = []
    for number in range(1, 7):
        c.until(number * EPOCH)
        found.append(shares(c, EVE))
    assert found == [0, 333, 666, 990, 990, 990]


def test_coins_that_left_give_less_weight_from_epoch_to_epoch_and_the_punished_none() -> None:
    bonds = [(ADA, 900_000), (BOB, 20_000)]
    c = Chain(staked_network([ADA, BOB, EVE], bonds, engines=((1, "pos"),)))
    c.block((ADA, Undelegate(ADA.address, 899_000)))
    c.until(2 * EPOCH)
    first = shares(c, ADA)
    assert 640 <= first <= 646
    c.until(3 * EPOCH)
    assert shares(c, ADA) == first - 333
    punished = Chain(c.genesis)
    punished.block((ADA, Undelegate(ADA.address, 890_000)), (BOB, Accuse(two_headers(ADA, c.genesis, 1))))
    punished.until(2 * EPOCH)
    assert shares(punished, ADA) == 0


def test_four_delegates_are_replaced_one_by_one() -> None:
    old, new = [Person(f"old {i}") for i in range(4)], [Person(f"new {i}") for i in range(4)]
    c = Chain(staked_network([*old, *new], [(p, 5_000) for p in old], funds=10**6, validators_max=4))
    c.block(*((p, act) for p in new for act in (keys_for(p.name), Delegate(p.address, 500_000))))
    addresses = {p.address for p in new}
    found = []
    for number in range(1, 7):
        c.until(number * EPOCH)
        members = operators(next_validators(c.state))
        assert len(members) == 4
        found.append(len(members & addresses))
    assert found == [0, 1, 2, 3, 4, 4]
