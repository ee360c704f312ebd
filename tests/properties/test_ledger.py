"""What holds whatever people do: the supply, determinism, undo, nonces, and the producer's view."""

from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.base.errors import InvalidBlock, InvalidTransaction
from chaosnet.base.units import YEAR_MS
from chaosnet.crypto.ics23 import check_absence, check_existence
from chaosnet.ledger.accounts import NO_ACCOUNT, Account, decode_account, spendable, total
from chaosnet.ledger.apply import Applied, Execution, apply_block, full_supply
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.state import State
from chaosnet.model.genesis import TEAM_LOCK, LockTerms, genesis_hash_of, supply_at
from chaosnet.model.transaction import Accuse, Action, SetPolicy, SignedTx, Transfer
from tests.making import Person, body_of, context, network, signed_by, transfer

PEOPLE = (Person("ada"), Person("bob"), Person("board", keys=3, threshold=2), Person("team"), Person("eve"))
ADA, BOB, BOARD, TEAM, EVE = PEOPLE
FUNDS = 400_000
HOLDERS: list[tuple[Person, int, LockTerms | None]] = [
    (ADA, FUNDS, None),
    (BOB, FUNDS, None),
    (BOARD, FUNDS, None),
    (TEAM, FUNDS, TEAM_LOCK),
    (TEAM, FUNDS, LockTerms(1_000, 0, 4)),
]
GENESIS = network(HOLDERS, [ADA, BOB], block_gas_max=1_000_000)
STATE = genesis_state(GENESIS)

WHO = st.integers(0, len(PEOPLE) - 1)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("transfer"), WHO, st.integers(1, 300_000)),
        st.tuples(st.just("policy"), WHO, st.just(0)),
        st.tuples(st.just("accuse"), WHO, st.integers(1, 4)),
    ),
    min_size=1,
    max_size=3,
)
PLANS = st.lists(
    st.tuples(WHO, ACTIONS, st.none() | WHO, st.integers(1, 3), st.sampled_from([0, 0, 0, 0, 1])), max_size=6
)
Plan = tuple[int, list[tuple[str, int, int]], int | None, int, int]


def account(state: State, person: Person) -> Account:
    value = state.get(account_key(person.address))
    return NO_ACCOUNT if value is None else decode_account(value)


def action_of(kind: str, who: int, number: int) -> Action:
    match kind:
        case "transfer":
            return Transfer(PEOPLE[who].address, number)
        case "policy":
            return SetPolicy(PEOPLE[who].policy)
        case _:
            return Accuse(PEOPLE[who].double_vote(genesis_hash_of(GENESIS), height=number))


def signed_from(plan: Plan, nonces: dict[int, int]) -> SignedTx:
    """Return the planned transaction with the nonce that is due, or sometimes the one after it."""
    who, actions, payer, price, ahead = plan
    sender = PEOPLE[who]
    paid_by = PEOPLE[payer] if payer is not None and payer != who else None
    body = body_of(
        GENESIS,
        sender,
        nonces.get(who, 0) + ahead,
        *(action_of(*action) for action in actions),
        gas_price=price,
        payer=paid_by.address if paid_by else None,
    )
    return signed_by(sender, body, payer=paid_by)


def fill(
    state: State, height: int, plans: list[Plan], nonces: dict[int, int]
) -> tuple[Applied, list[SignedTx]]:
    """Make a block of the planned transactions that may be in it."""
    execution = Execution(state, context(GENESIS, state, height))
    taken = []
    for plan in plans:
        signed = signed_from(plan, nonces)
        try:
            execution.add(signed)
        except InvalidTransaction:
            continue
        taken.append(signed)
        nonces[plan[0]] = nonces.get(plan[0], 0) + 1
    return execution.finish(), taken


@settings(max_examples=80, deadline=None)
@given(st.lists(PLANS, min_size=1, max_size=4))
def test_blocks_keep_the_supply_repeat_exactly_and_can_be_undone(blocks: list[list[Plan]]) -> None:
    state, nonces = STATE, dict[int, int]()
    for height, plans in enumerate(blocks, start=1):
        applied, txs = fill(state, height, plans, nonces)
        assert full_supply(applied.state) == supply_at(GENESIS, height) == 5 * FUNDS
        again = apply_block(state, context(GENESIS, state, height), txs)
        assert again.state.root == applied.state.root
        assert (again.receipts, again.changes, again.undo) == (
            applied.receipts,
            applied.changes,
            applied.undo,
        )
        assert State.of(applied.state.items()).root == applied.state.root
        back = applied.state.update(applied.undo)
        assert (back.root, len(back)) == (state.root, len(state))
        assert applied.gas_used == sum(receipt.gas for receipt in applied.receipts)
        for i, person in enumerate(PEOPLE):
            assert account(applied.state, person).nonce == nonces.get(i, 0)
            assert account(applied.state, person).balance >= 0
        state = applied.state


@settings(max_examples=40, deadline=None)
@given(PLANS)
def test_changed_accounts_are_provable_under_the_new_root_alone(plans: list[Plan]) -> None:
    applied, _ = fill(STATE, 1, plans, {})
    after = applied.state
    for key, value in applied.changes.items():
        proof = after.prove(key)
        if value is None:
            check_absence(after.root, proof, key)
        else:
            check_existence(after.root, proof, key, value)


@settings(max_examples=40, deadline=None)
@given(PLANS, st.data())
def test_a_block_without_one_of_its_transactions_is_another(plans: list[Plan], data: st.DataObject) -> None:
    applied, txs = fill(STATE, 1, plans, {})
    if not txs:
        return
    left_out = data.draw(st.integers(0, len(txs) - 1))
    try:
        other = apply_block(STATE, context(GENESIS, STATE), txs[:left_out] + txs[left_out + 1 :])
    except InvalidBlock:
        return
    assert other.state.root != applied.state.root


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3 * YEAR_MS), st.integers(1, FUNDS)), min_size=1, max_size=8))
def test_the_team_never_spends_ahead_of_its_lock(attempts: list[tuple[int, int]]) -> None:
    genesis = network([(TEAM, FUNDS, TEAM_LOCK), (BOB, FUNDS, None)], [BOB], gas_price_min=0)
    state = genesis_state(genesis)
    now_ms, spent, nonce = genesis.time_ms, 0, 0
    for wait_ms, amount in attempts:
        now_ms += wait_ms
        signed = transfer(genesis, TEAM, nonce, EVE.address, amount, gas_price=0)
        years = (now_ms - genesis.time_ms) // YEAR_MS
        allowed = FUNDS * min(max(years - 1, 0), 5) // 5
        try:
            state = apply_block(state, context(genesis, state, parent_time_ms=now_ms), [signed]).state
        except InvalidBlock as error:
            assert error.code in ("locked", "not_enough")
            assert spent + amount > allowed
            continue
        spent += amount
        nonce += 1
        assert spent <= allowed
        assert years >= 2
        team = account(state, TEAM)
        assert total(team) == FUNDS - spent
        assert spendable(team, genesis.time_ms, now_ms) == allowed - spent
