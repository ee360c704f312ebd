from typing import Any

import msgspec
import pytest

from chaosnet.base.errors import InvalidTransaction
from chaosnet.base.limits import AMOUNT_MAX, ANCHOR_AGE_MAX, EXPIRY_AHEAD_MAX
from chaosnet.base.units import YEAR_MS
from chaosnet.ledger.accounts import Account, encode_account
from chaosnet.ledger.check import check_actions, check_against_state
from chaosnet.ledger.context import Context
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.genesis import TEAM_LOCK
from chaosnet.model.genesis_make import TREASURY
from chaosnet.model.policy import KeyPolicy, policy_hash
from chaosnet.model.transaction import (
    Action,
    Delegate,
    Redelegate,
    Register,
    SetPolicy,
    SignedTx,
    Transfer,
    Undelegate,
    Unjail,
    Withdraw,
)
from tests.making import Person, body_of, context, network, signed_by, transfer

ADA, BOB, EVE, TEAM = Person("ada"), Person("bob"), Person("eve"), Person("team")
FUNDS = 1_000_000
GENESIS = network([(ADA, FUNDS, None), (BOB, FUNDS, None), (TEAM, FUNDS, TEAM_LOCK)], [ADA])
STATE = genesis_state(GENESIS).update(
    {account_key(ADA.address): encode_account(Account(nonce=3, balance=FUNDS))}
)
VIEW = Overlay(STATE)


def refusal(signed: SignedTx, ctx: Context, view: Overlay = VIEW, **pending: int) -> str:
    with pytest.raises(InvalidTransaction) as caught:
        check_against_state(view, signed, ctx, **pending)
    return caught.value.code


def check(height: int = 1, **fields: Any) -> int:
    ctx = context(GENESIS, STATE, height)
    return check_against_state(VIEW, transfer(GENESIS, ADA, 3, BOB.address, 1, **fields), ctx)


def refused(height: int = 1, nonce: int = 3, **fields: Any) -> str:
    ctx = context(GENESIS, STATE, height)
    return refusal(transfer(GENESIS, ADA, nonce, BOB.address, 1, **fields), ctx)


def test_a_good_transfer_needs_its_intrinsic_gas() -> None:
    assert check() == 21_000
    assert VIEW.changes().new == {}


def test_a_transaction_of_another_network() -> None:
    body = msgspec.structs.replace(body_of(GENESIS, ADA, 3, Transfer(BOB.address, 1)), genesis=bytes(32))
    assert refusal(signed_by(ADA, body), context(GENESIS, STATE)) == "wrong_network"


def test_the_genesis_is_an_anchor_of_any_age() -> None:
    assert check(height=1_000) == 21_000
    assert check(height=10**6, expiry=10**6) == 21_000
    assert refused(anchor_prefix=bytes(8)) == "bad_anchor"


def test_an_anchor_is_a_recent_ancestor() -> None:
    height = 2 * ANCHOR_AGE_MAX

    def anchored(at: int, prefix: int | None = None) -> dict[str, Any]:
        known = at if prefix is None else prefix
        return {
            "height": height,
            "expiry": height,
            "anchor_height": at,
            "anchor_prefix": known.to_bytes(8, "big"),
        }

    assert check(**anchored(height - 1)) == 21_000
    assert check(**anchored(height - ANCHOR_AGE_MAX)) == 21_000
    assert refused(**anchored(height - ANCHOR_AGE_MAX - 1)) == "bad_anchor"
    assert refused(**anchored(height)) == "bad_anchor"
    assert refused(**anchored(height + 1)) == "bad_anchor"
    assert refused(**anchored(height - 1, prefix=7)) == "bad_anchor"


def test_expiry_is_the_last_height() -> None:
    assert check(height=50, expiry=50) == 21_000
    assert refused(height=51, expiry=50) == "expired"
    assert check(height=50, expiry=50 + EXPIRY_AHEAD_MAX) == 21_000
    assert refused(height=50, expiry=51 + EXPIRY_AHEAD_MAX) == "expiry_too_far"


def test_the_initial_policy_is_the_one_in_the_address() -> None:
    body = body_of(GENESIS, ADA, 3, Transfer(BOB.address, 1))
    assert refusal(signed_by(EVE, body), context(GENESIS, STATE)) == "bad_policy"


def test_a_policy_that_was_set_replaces_the_initial_one() -> None:
    account = Account(3, FUNDS, policy_hash(EVE.policy))
    view = Overlay(STATE.update({account_key(ADA.address): encode_account(account)}))
    body = body_of(GENESIS, ADA, 3, Transfer(BOB.address, 1))
    ctx = context(GENESIS, STATE)
    assert check_against_state(view, signed_by(EVE, body), ctx) == 21_000
    assert refusal(signed_by(ADA, body), ctx, view) == "bad_policy"


def test_the_payers_policy_must_be_its_own() -> None:
    body = body_of(GENESIS, ADA, 3, Transfer(BOB.address, 1), payer=BOB.address)
    ctx = context(GENESIS, STATE)
    assert check_against_state(VIEW, signed_by(ADA, body, payer=BOB), ctx) > 21_000
    assert refusal(signed_by(ADA, body, payer=EVE), ctx) == "bad_policy"


def test_nonces_are_exact_in_a_block_and_ahead_in_the_mempool() -> None:
    ctx = context(GENESIS, STATE)
    assert refused(nonce=2) == "nonce_too_low"
    assert refused(nonce=4) == "nonce_too_high"
    ahead = transfer(GENESIS, ADA, 5, BOB.address, 1)
    assert check_against_state(VIEW, ahead, ctx, nonce_ahead=2) == 21_000
    assert refusal(ahead, ctx, nonce_ahead=1) == "nonce_too_high"
    assert refusal(transfer(GENESIS, ADA, 2, BOB.address, 1), ctx, nonce_ahead=2) == "nonce_too_low"


def test_the_gas_limit_covers_the_need_and_fits_a_block() -> None:
    assert check(gas_limit=21_000) == 21_000
    assert refused(gas_limit=20_999) == "gas_limit"
    ctx = context(GENESIS, STATE, params=msgspec.structs.replace(GENESIS.params, block_gas_max=50_000))
    assert (
        check_against_state(VIEW, transfer(GENESIS, ADA, 3, BOB.address, 1, gas_limit=50_000), ctx) == 21_000
    )
    assert refusal(transfer(GENESIS, ADA, 3, BOB.address, 1, gas_limit=50_001), ctx) == "gas_limit"


def test_the_greatest_cost_must_be_held() -> None:
    ctx = context(GENESIS, STATE)
    most = FUNDS - 100_000
    assert check_against_state(VIEW, transfer(GENESIS, ADA, 3, BOB.address, most), ctx) == 21_000
    assert refusal(transfer(GENESIS, ADA, 3, BOB.address, most + 1), ctx) == "not_enough"
    several = body_of(GENESIS, ADA, 3, Transfer(BOB.address, most), Transfer(ADA.address, 1))
    assert refusal(signed_by(ADA, several), ctx) == "not_enough"
    assert refused(gas_price=11) == "not_enough"
    assert check(gas_price=9) == 21_000


def test_the_mempool_counts_what_is_pending() -> None:
    ctx = context(GENESIS, STATE)
    signed = transfer(GENESIS, ADA, 3, BOB.address, 1)
    room = FUNDS - 100_000 - 1
    assert check_against_state(VIEW, signed, ctx, sender_pending=room) == 21_000
    assert refusal(signed, ctx, sender_pending=room + 1) == "not_enough"
    body = body_of(GENESIS, ADA, 3, Transfer(EVE.address, FUNDS), payer=BOB.address)
    paid = signed_by(ADA, body, payer=BOB)
    assert check_against_state(VIEW, paid, ctx, payer_pending=FUNDS - 100_000) > 21_000
    assert refusal(paid, ctx, payer_pending=FUNDS - 100_000 + 1) == "not_enough"
    assert refusal(paid, ctx, sender_pending=1) == "not_enough"


def test_a_payer_holds_the_fee_and_the_sender_the_amounts() -> None:
    ctx = context(GENESIS, STATE)
    poor = Person("poor")
    body = body_of(GENESIS, ADA, 3, Transfer(BOB.address, 1), payer=poor.address)
    assert refusal(signed_by(ADA, body, payer=poor), ctx) == "not_enough"
    body = body_of(GENESIS, poor, 0, Transfer(BOB.address, 1), payer=BOB.address)
    assert refusal(signed_by(poor, body, payer=BOB), ctx) == "not_enough"
    body = body_of(GENESIS, poor, 0, SetPolicy(EVE.policy), payer=BOB.address)
    assert check_against_state(VIEW, signed_by(poor, body, payer=BOB), ctx) > 0


def test_locked_coins_count_when_they_are_released() -> None:
    signed = transfer(GENESIS, TEAM, 0, BOB.address, 100_000)
    early = context(GENESIS, STATE, parent_time_ms=GENESIS.time_ms + 2 * YEAR_MS - 1)
    assert refusal(signed, early) == "locked"
    late = context(GENESIS, STATE, parent_time_ms=GENESIS.time_ms + 2 * YEAR_MS)
    assert check_against_state(VIEW, signed, late) == 21_000
    assert refusal(transfer(GENESIS, TEAM, 0, BOB.address, FUNDS), late) == "not_enough"


def test_the_price_has_a_floor() -> None:
    assert refused(gas_price=0) == "price_too_low"
    free = context(GENESIS, STATE, params=msgspec.structs.replace(GENESIS.params, gas_price_min=0))
    signed = transfer(GENESIS, ADA, 3, BOB.address, FUNDS, gas_price=0)
    assert check_against_state(VIEW, signed, free) == 21_000


def test_who_cannot_pay_the_fee_has_no_action_looked_at() -> None:
    poor = Person("poor")
    signed = signed_by(poor, body_of(GENESIS, poor, 0, Transfer(BOB.address, 0)))
    assert refusal(signed, context(GENESIS, STATE)) == "not_enough"
    assert signed.amounts is None


def test_the_first_fault_in_the_protocols_order_is_named() -> None:
    faults: list[tuple[str, dict[str, Any]]] = [
        ("wrong_network", {"genesis": bytes(32)}),
        ("bad_anchor", {"anchor_height": 5}),
        ("expired", {"expiry": 1}),
        ("nonce_too_high", {"nonce": 4}),
        ("gas_limit", {"gas_limit": 1}),
        ("not_enough", {"actions": (Transfer(BOB.address, FUNDS + 1),)}),
        ("price_too_low", {"gas_price": 0}),
    ]
    ctx = context(GENESIS, STATE, 2)
    while faults:
        fields = {name: value for _, fault in faults for name, value in fault.items()}
        body = msgspec.structs.replace(body_of(GENESIS, ADA, 3, Transfer(BOB.address, 1)), **fields)
        assert refusal(signed_by(ADA, body), ctx) == faults[0][0]
        faults.pop(0)


@pytest.mark.parametrize(
    "action, code",
    [
        (Transfer(BOB.address, 0), "bad_argument"),
        (Transfer(BOB.address, -1), "bad_argument"),
        (Transfer(BOB.address, AMOUNT_MAX + 1), "bad_argument"),
        (Transfer(TREASURY, 1), "bad_address"),
        (Transfer(BOB.address[:-1], 1), "bad_address"),
        (SetPolicy(KeyPolicy((), 1)), "bad_policy"),
        (SetPolicy(KeyPolicy(((b"k" * 32, 1),), 2)), "bad_policy"),
    ],
)
def test_a_malformed_action_is_never_in_a_block(action: Transfer | SetPolicy, code: str) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        check_actions((Transfer(BOB.address, 1), action))
    assert caught.value.code == code
    signed = signed_by(ADA, body_of(GENESIS, ADA, 3, action))
    assert refusal(signed, context(GENESIS, STATE)) == code


KEYS = [bytes([fill]) * 32 for fill in range(3)]


def test_new_bonds_count_like_transfers() -> None:
    actions = (
        Transfer(BOB.address, 1),
        Delegate(BOB.address, 20),
        Undelegate(BOB.address, 300),
        Redelegate(BOB.address, ADA.address, 4_000),
        Withdraw(BOB.address),
        Unjail(),
        Register(KEYS[0], KEYS[1], KEYS[2], 1_000),
        Register(KEYS[0], b"", KEYS[2], 0),
    )
    assert check_actions(actions) == 21
    signed = signed_by(ADA, body_of(GENESIS, ADA, 3, Delegate(BOB.address, FUNDS)))
    assert refusal(signed, context(GENESIS, STATE)) == "not_enough"


@pytest.mark.parametrize(
    "action, code",
    [
        (Delegate(TREASURY, 1), "bad_address"),
        (Undelegate(b"", 1), "bad_address"),
        (Redelegate(BOB.address, TREASURY, 1), "bad_address"),
        (Redelegate(BOB.address, BOB.address, 1), "bad_argument"),
        (Withdraw(TREASURY), "bad_address"),
        (Delegate(BOB.address, 0), "bad_argument"),
        (Undelegate(BOB.address, -1), "bad_argument"),
        (Redelegate(BOB.address, ADA.address, AMOUNT_MAX + 1), "bad_argument"),
        (Register(KEYS[0], KEYS[1], KEYS[0], 0), "bad_argument"),
        (Register(KEYS[0], b"short", KEYS[2], 0), "bad_argument"),
        (Register(b"", KEYS[1], KEYS[2], 0), "bad_argument"),
        (Register(KEYS[0], KEYS[1], KEYS[2], 1_001), "bad_argument"),
        (Register(KEYS[0], KEYS[1], KEYS[2], -1), "bad_argument"),
    ],
)
def test_malformed_staking_is_refused(action: Action, code: str) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        check_actions((action,))
    assert caught.value.code == code
