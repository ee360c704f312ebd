import msgspec
import pytest

from chaosnet.base.errors import Broken, InvalidBlock, InvalidTransaction
from chaosnet.base.units import YEAR_MS
from chaosnet.ledger.accounts import NO_ACCOUNT, Account, Lock, decode_account, encode_account
from chaosnet.ledger.apply import Applied, Execution, apply_block, execute_transaction, full_supply
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.genesis import TEAM_LOCK, genesis_hash_of, supply_at
from chaosnet.model.genesis_make import Holders, public_genesis
from chaosnet.model.transaction import Accuse, SetPolicy, SignedTx, Transfer
from tests.making import TIME_MS, Person, body_of, context, network, signed_by, transfer

ADA, BOB, EVE, MAKER = Person("ada"), Person("bob"), Person("eve"), Person("maker")
TEAM, BOARD = Person("team"), Person("board", keys=3, threshold=2)
FUNDS = 1_000_000
HOLDERS = [(ADA, FUNDS, None), (BOB, FUNDS, None), (TEAM, FUNDS, TEAM_LOCK), (BOARD, FUNDS, None)]
GENESIS = network(HOLDERS, [MAKER])
HASH = genesis_hash_of(GENESIS)
STATE = genesis_state(GENESIS)
FEE = 21_000


def account(state: State, person: Person) -> Account:
    value = state.get(account_key(person.address))
    return NO_ACCOUNT if value is None else decode_account(value)


def block(state: State, *txs: SignedTx, height: int = 1, **fields: object) -> Applied:
    return apply_block(state, context(GENESIS, state, height, **fields), txs)


def test_a_transfer_moves_coins_and_pays_the_proposer() -> None:
    signed = transfer(GENESIS, ADA, 0, EVE.address, 300, gas_price=2)
    applied = block(STATE, signed)
    assert account(applied.state, ADA) == Account(1, FUNDS - 300 - 2 * FEE)
    assert account(applied.state, EVE) == Account(0, 300)
    assert account(applied.state, MAKER) == Account(0, 2 * FEE)
    receipt = applied.receipts[0]
    assert (receipt.tx_id, receipt.code, receipt.gas, receipt.fee) == (signed.tx_id, "ok", FEE, 2 * FEE)
    assert applied.gas_used == FEE
    assert applied.supply_delta == 0
    assert not applied.members_changed


def test_changes_and_undo_lead_there_and_back() -> None:
    applied = block(STATE, transfer(GENESIS, ADA, 0, EVE.address, 300))
    assert set(applied.changes) == {account_key(p.address) for p in (ADA, EVE, MAKER)} == set(applied.undo)
    assert STATE.update(applied.changes).root == applied.state.root
    assert applied.state.update(applied.undo).root == STATE.root


def test_an_empty_block_changes_nothing() -> None:
    applied = block(STATE)
    assert applied.state is STATE
    assert applied.changes == {}
    assert applied.receipts == ()


def test_transactions_build_on_each_other() -> None:
    txs = [transfer(GENESIS, ADA, nonce, EVE.address, 100_000) for nonce in range(2)]
    back = transfer(GENESIS, EVE, 0, ADA.address, 50_000)
    applied = block(STATE, *txs, back)
    assert account(applied.state, EVE) == Account(1, 200_000 - 50_000 - FEE)
    assert account(applied.state, ADA) == Account(2, FUNDS - 2 * FEE - 150_000)


def test_the_proposer_may_send_and_receive() -> None:
    state = block(STATE, transfer(GENESIS, ADA, 0, MAKER.address, 500_000)).state
    applied = block(state, transfer(GENESIS, MAKER, 0, BOB.address, 100), height=2)
    assert account(state, MAKER).balance == 500_000 + FEE
    assert account(applied.state, MAKER) == Account(1, 500_000 + FEE - 100)


def test_actions_are_applied_all_or_none() -> None:
    false = Accuse(BOB.double_vote(HASH, height=1))
    body = body_of(GENESIS, ADA, 0, Transfer(EVE.address, 300), SetPolicy(EVE.policy), false)
    applied = block(STATE, signed_by(ADA, body))
    receipt = applied.receipts[0]
    assert receipt.code == "bad_evidence"
    assert receipt.fee == receipt.gas == applied.gas_used > FEE
    assert account(applied.state, ADA) == Account(1, FUNDS - receipt.fee)
    assert account(applied.state, EVE) is NO_ACCOUNT
    assert account(applied.state, MAKER) == Account(0, receipt.fee)
    assert full_supply(applied.state) == supply_at(GENESIS, 1)


def test_a_recorded_offence_fails_the_second_time_and_pays() -> None:
    accuse = Accuse(MAKER.double_vote(HASH, height=1))
    first = block(STATE, signed_by(ADA, body_of(GENESIS, ADA, 0, accuse)))
    second = block(first.state, signed_by(BOB, body_of(GENESIS, BOB, 0, accuse)), height=2)
    assert [first.receipts[0].code, second.receipts[0].code] == ["ok", "evidence_known"]
    assert account(second.state, BOB).nonce == 1
    assert account(second.state, BOB).balance == FUNDS - second.receipts[0].fee


def test_a_transfer_to_oneself_costs_the_fee_only() -> None:
    applied = block(STATE, transfer(GENESIS, ADA, 0, ADA.address, 1_000))
    assert applied.receipts[0].code == "ok"
    assert account(applied.state, ADA) == Account(1, FUNDS - FEE)


def test_a_payer_pays_the_fee_and_keeps_its_nonce() -> None:
    body = body_of(GENESIS, ADA, 0, Transfer(EVE.address, FUNDS), payer=BOB.address)
    applied = block(STATE, signed_by(ADA, body, payer=BOB))
    fee = applied.receipts[0].fee
    assert account(applied.state, ADA) == Account(1, 0)
    assert account(applied.state, BOB) == Account(0, FUNDS - fee)
    assert account(applied.state, EVE) == Account(0, FUNDS)


def test_a_payer_that_spent_all_is_forgotten() -> None:
    body = body_of(GENESIS, ADA, 0, Transfer(BOB.address, 1), payer=EVE.address, gas_limit=30_000)
    gas = context(GENESIS, STATE).rules.gas_of(signed_by(ADA, body, payer=EVE))
    exact = msgspec.structs.replace(body, gas_limit=gas)
    state = STATE.update({account_key(EVE.address): encode_account(Account(balance=gas))})
    overlay = Overlay(state)
    execute_transaction(overlay, signed_by(ADA, exact, payer=EVE), context(GENESIS, state))
    assert overlay.changes().new[account_key(EVE.address)] is None


def test_an_account_of_several_keys_needs_its_threshold() -> None:
    signed = transfer(GENESIS, BOARD, 0, EVE.address, 300)
    applied = block(STATE, signed)
    assert applied.receipts[0].gas == FEE + 6_000 + 16 * max(0, len(signed.raw) - 384)
    assert account(applied.state, EVE).balance == 300
    with pytest.raises(InvalidTransaction) as caught:
        signed_by(BOARD, signed.body, signers=1)
    assert caught.value.code == "threshold_not_met"


def test_after_a_rotation_the_old_key_is_refused() -> None:
    rotated = block(STATE, signed_by(ADA, body_of(GENESIS, ADA, 0, SetPolicy(BOARD.policy))))
    body = body_of(GENESIS, ADA, 1, Transfer(EVE.address, 300))
    with pytest.raises(InvalidBlock) as caught:
        block(rotated.state, signed_by(ADA, body), height=2)
    assert caught.value.code == "bad_policy"
    applied = block(rotated.state, signed_by(BOARD, body), height=2)
    assert account(applied.state, EVE).balance == 300
    # and it can be given back
    back = signed_by(BOARD, body_of(GENESIS, ADA, 2, SetPolicy(ADA.policy)))
    restored = block(applied.state, back, height=3)
    block(restored.state, transfer(GENESIS, ADA, 3, EVE.address, 1), height=4)


def test_the_team_spends_a_fifth_after_two_years() -> None:
    signed = transfer(GENESIS, TEAM, 0, EVE.address, 100_000)
    with pytest.raises(InvalidBlock) as caught:
        block(STATE, signed, parent_time_ms=TIME_MS + 2 * YEAR_MS - 1)
    assert caught.value.code == "locked"
    applied = block(STATE, signed, parent_time_ms=TIME_MS + 2 * YEAR_MS)
    lock = Lock(FUNDS, 200_000, YEAR_MS, 1, 5)
    assert account(applied.state, TEAM) == Account(1, 100_000 - FEE, b"", (lock,))
    assert full_supply(applied.state) == supply_at(GENESIS, 1)


def test_a_block_with_a_transaction_that_may_not_be_there_is_invalid() -> None:
    good = transfer(GENESIS, ADA, 0, EVE.address, 300)
    with pytest.raises(InvalidBlock) as caught:
        block(STATE, good, good)
    assert caught.value.code == "nonce_too_low"
    assert "transaction 1" in caught.value.detail


def test_gas_limits_count_not_gas_used() -> None:
    params = msgspec.structs.replace(GENESIS.params, block_gas_max=199_999)
    txs = [transfer(GENESIS, ADA, nonce, EVE.address, 1, gas_limit=100_000) for nonce in range(2)]
    with pytest.raises(InvalidBlock) as caught:
        block(STATE, *txs, params=params)
    assert caught.value.code == "gas_limit"
    block(STATE, *txs, params=msgspec.structs.replace(params, block_gas_max=200_000))


def test_a_producer_leaves_out_what_does_not_fit() -> None:
    good = transfer(GENESIS, ADA, 0, EVE.address, 300)
    early = transfer(GENESIS, BOB, 1, EVE.address, 300)
    execution = Execution(STATE, context(GENESIS, STATE))
    with pytest.raises(InvalidTransaction):
        execution.add(early)
    assert execution.gas_left == GENESIS.params.block_gas_max
    execution.add(good)
    assert execution.gas_left == GENESIS.params.block_gas_max - 100_000
    with pytest.raises(InvalidTransaction):
        execution.add(good)
    applied = execution.finish()
    assert applied.state.root == block(STATE, good).state.root
    assert applied.receipts == block(STATE, good).receipts


def test_an_account_without_coins_may_act_where_gas_is_free() -> None:
    genesis = network([], [MAKER], gas_price_min=0)
    state = genesis_state(genesis)
    body = body_of(genesis, EVE, 0, SetPolicy(BOARD.policy), gas_price=0)
    applied = apply_block(state, context(genesis, state), [signed_by(EVE, body)])
    assert account(applied.state, EVE).nonce == 1
    assert account(applied.state, MAKER) is NO_ACCOUNT


def test_a_wrong_supply_stops_the_node() -> None:
    execution = Execution(STATE, context(GENESIS, STATE))
    execution._overlay.set_account(EVE.address, Account(balance=1))
    with pytest.raises(Broken) as caught:
        execution.finish()
    assert caught.value.code == "supply_changed"


def test_founding_blocks_mint_every_share_to_the_last_mote() -> None:
    people = [Person(name) for name in ("angel", "ico", "team", "foundation")]
    holders = Holders(*(p.address for p in people))
    members = [MAKER.member(with_vrf=True)]
    genesis = public_genesis("public", TIME_MS, holders, founding_blocks=7, members=members)
    state = genesis_state(genesis)
    assert full_supply(state) == 0
    for height in range(1, 10):
        applied = apply_block(state, context(genesis, state, height, proposer=MAKER.address), [])
        assert applied.supply_delta == supply_at(genesis, height) - supply_at(genesis, height - 1)
        assert full_supply(applied.state) == supply_at(genesis, height)
        assert applied.state.update(applied.undo).root == state.root
        state = applied.state
    amounts = [a.amount for a in genesis.allocations]
    assert full_supply(state) == sum(amounts) == 10_000_000 * 10**8
    assert account(state, people[1]) == Account(balance=amounts[1])
    assert account(state, people[2]) == Account(locks=(Lock(amounts[2], 0, YEAR_MS, 1, 5),))


def test_a_share_smaller_than_the_blocks_is_minted_where_it_is_due() -> None:
    genesis = network([(ADA, 2, TEAM_LOCK), (BOB, 1, None)], [MAKER])
    genesis = msgspec.structs.replace(genesis, founding_blocks=4)
    state = genesis_state(network([], [MAKER]))
    deltas = []
    for height in range(1, 6):
        applied = apply_block(state, context(genesis, state, height), [])
        deltas.append(applied.supply_delta)
        state = applied.state
    assert deltas == [0, 1, 0, 2, 0]
    assert account(state, ADA).locks[0].amount == 2
    assert account(state, BOB).balance == 1
