"""What holds whatever delegators and candidates do: coins and shares add up, and every block can be undone.

The books themselves are checked by the chain of `tests.staking` after each block.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.ledger.candidates import CANDIDATES_MAX
from chaosnet.ledger.epochs import epoch_of, upcoming_validators
from chaosnet.ledger.members import next_validators
from chaosnet.model.genesis import STAKING_ENGINES, Genesis, engine_at
from chaosnet.model.transaction import (
    Accuse,
    Action,
    Delegate,
    Redelegate,
    Transfer,
    Undelegate,
    Unjail,
    Withdraw,
)
from tests.making import Person
from tests.staking import Chain, keys_for, staked_network, two_headers

PEOPLE = tuple(Person(name) for name in ("ada", "bob", "eve", "dan"))
BONDS = [(PEOPLE[0], 5_000), (PEOPLE[1], 3_001)]
GENESES = [
    staked_network(
        PEOPLE,
        [(PEOPLE[0], 5_000), (PEOPLE[1], 3_001)],
        engines=engines,
        funds=10**8,
        slash_permille=permille,
    )
    for engines in (((1, "pos"),), ((1, "dpos"), (13, "pbft"), (19, "dbft")))
    for permille in (0, 137, 1_000)
]
WHO = st.integers(0, len(PEOPLE) - 1)
KINDS = ("register", "delegate", "undelegate", "redelegate", "withdraw", "unjail", "accuse", "pay")
ACTS = st.lists(
    st.tuples(WHO, st.sampled_from(KINDS), WHO, WHO, st.sampled_from([1, 2, 7, 900, 1_000, 4_999, 30_000])),
    max_size=5,
)
Act = tuple[int, str, int, int, int]


def action_of(chain: Chain, act: Act) -> Action:
    who, kind, one, other, number = act
    operator, to = PEOPLE[one].address, PEOPLE[other].address
    if operator == to:
        to = PEOPLE[one - 1].address
    match kind:
        case "register":
            return keys_for(
                f"{PEOPLE[who].name}{number}" if number > 1_000 else PEOPLE[who].name, number % 1_001
            )
        case "delegate":
            return Delegate(operator, number)
        case "undelegate":
            worth = chain.stake(PEOPLE[who], PEOPLE[one]).amount
            return Undelegate(operator, max(1, min(number, worth)))
        case "redelegate":
            worth = chain.stake(PEOPLE[who], PEOPLE[one]).amount
            return Redelegate(operator, to, max(1, min(number, worth)))
        case "withdraw":
            return Withdraw(operator)
        case "unjail":
            return Unjail()
        case "accuse":
            return Accuse(two_headers(PEOPLE[one], chain.genesis, max(1, chain.height - number % 14)))
        case _:
            return Transfer(operator, number)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(GENESES),
    st.lists(st.tuples(ACTS, WHO, st.integers(0, 6), st.integers(0, 1)), min_size=4, max_size=14),
)
def test_books_balance_whatever_people_do(
    genesis: Genesis, blocks: list[tuple[list[Act], int, int, int]]
) -> None:
    chain = Chain(genesis)
    for acts, proposer, pause, price in blocks:
        treasury = chain.account_at(chain.genesis.treasury).balance
        signed = [(PEOPLE[act[0]], action_of(chain, act)) for act in acts]
        chain.block(*signed, gas_price=price, proposer=PEOPLE[proposer].address)
        assert chain.account_at(chain.genesis.treasury).balance >= treasury
        chain.until(chain.height + pause)
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
