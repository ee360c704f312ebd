"""What holds whatever delegators and candidates do: coins and shares add up, and every block can be undone.

The books themselves are checked by the chain of `tests.staking` after each block.
"""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.base.units import Address
from chaosnet.ledger.candidates import CANDIDATES_MAX
from chaosnet.ledger.epochs import epoch_of, upcoming_validators
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.staking import delegations_of
from chaosnet.model.genesis import STAKING_ENGINES, Genesis, engine_at
from chaosnet.model.transaction import (
    Accuse,
    Action,
    Delegate,
    Redelegate,
    Undelegate,
    Unjail,
    Withdraw,
)
from tests.making import Person
from tests.staking import Chain, keys_for, staked_network, two_headers

PEOPLE = tuple(Person(name) for name in ("ada", "bob", "eve", "dan"))
BONDS = [(PEOPLE[0], 5_000_000), (PEOPLE[1], 3_000_001)]
GENESES = [
    staked_network(
        PEOPLE,
        BONDS,
        engines=engines,
        funds=10**10,
        stake_min=10**6,
        epoch_blocks=3,
        evidence_age=8,
        unbonding_blocks=57,
        slash_permille=permille,
    )
    for engines in (((1, "pos"),), ((1, "dpos"), (13, "pbft"), (19, "dbft")))
    for permille in (0, 137, 1_000)
]
NAMES = {person.address: person for person in PEOPLE}
AMOUNTS = (1, 7, 99_999, 1_000_000, 4_999_999, 30_000_001)


def action_of(chain: Chain, who: Person, dice: Random) -> Action:
    """Return something a person could do; sometimes it makes no sense."""
    operator = dice.choice(PEOPLE[:3])
    stakes = [stake for stake in delegations_of(chain.state, who.address) if dice.random() < 0.9]
    if stakes:
        operator = NAMES[Address(dice.choice(stakes).operator)]
    amount = min(dice.choice(AMOUNTS), max(1, chain.stake(who, operator).amount))
    match dice.choice(("register", "delegate", "delegate", "leave", "leave", "move", "withdraw", "other")):
        case "register":
            name = f"{who.name} {chain.height}" if dice.random() < 0.3 else who.name
            return keys_for(name, dice.randint(0, 1_000))
        case "delegate":
            return Delegate(dice.choice(PEOPLE[:3]).address, dice.choice(AMOUNTS))
        case "leave":
            return Undelegate(operator.address, amount)
        case "move":
            others = [person for person in PEOPLE[:3] if person != operator]
            return Redelegate(operator.address, dice.choice(others).address, amount)
        case "withdraw":
            return Withdraw(operator.address)
    if dice.random() < 0.5:
        return Unjail()
    return Accuse(two_headers(operator, chain.genesis, max(1, chain.height - dice.randint(0, 14))))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(GENESES), st.integers(0, 2**32 - 1))
def test_books_balance_whatever_people_do(genesis: Genesis, seed: int) -> None:
    dice = Random(seed)
    chain = Chain(genesis)
    for _ in range(90):
        treasury = chain.account_at(chain.genesis.treasury).balance
        people = [dice.choice(PEOPLE) for _ in range(dice.randint(0, 4))]
        acts = [(person, action_of(chain, person, dice)) for person in people]
        chain.block(*acts, gas_price=dice.randint(0, 1), proposer=dice.choice(PEOPLE).address)
        assert chain.account_at(chain.genesis.treasury).balance >= treasury
        check_sets(chain)


def check_sets(chain: Chain) -> None:
    """Assert that sets are never empty, in order, and those of the engine that is next."""
    rules = engine_at(chain.genesis, chain.height + 1)
    epoch = epoch_of(chain.state)
    assert (epoch is not None) == (rules in STAKING_ENGINES)
    sets = [next_validators(chain.state), upcoming_validators(chain.state)]
    assert (sets[1] is not None) == (epoch is not None)
    for validators in sets:
        if validators is None:
            continue
        operators = [v.operator for v in validators.validators]
        assert operators
        assert operators == sorted(dict.fromkeys(operators))
        assert all(v.weight > 0 for v in validators.validators)
        assert len(operators) <= CANDIDATES_MAX
    if epoch is not None:
        length = chain.genesis.params.epoch_blocks
        assert epoch.first_height <= chain.height + 1 < epoch.first_height + length
        assert epoch.first_height == epoch.era_height + 1 + epoch.number * length
