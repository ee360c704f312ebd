import pytest

from chaosnet.base.limits import AMOUNT_MAX, TX_BYTES_MAX
from chaosnet.contracts.ops import LOAD_FUEL_MAX
from chaosnet.contracts.values import VALUE_BYTES_MAX
from chaosnet.model.contract_actions import (
    CONTRACT_BYTES_MAX,
    ApproveToken,
    BurnToken,
    Call,
    ChangeToken,
    ConvertToken,
    Deploy,
    IssueToken,
    SendToken,
)
from chaosnet.model.transaction import (
    Accuse,
    Action,
    Delegate,
    Redelegate,
    Register,
    SetPolicy,
    Transfer,
    Undelegate,
    Unjail,
    Withdraw,
)
from chaosnet.rules.r1_genesis import RULES
from tests.making import Person, body_of, network, signed_by, transfer

ADA, BOB = Person("ada"), Person("bob")
GENESIS = network([(ADA, 100, None)], [ADA])


def test_a_plain_transfer_costs_21_000_whatever_its_numbers() -> None:
    small = transfer(GENESIS, ADA, 0, BOB.address, 1)
    big = {
        "gas_limit": AMOUNT_MAX,
        "gas_price": AMOUNT_MAX,
        "expiry": AMOUNT_MAX,
        "anchor_height": AMOUNT_MAX,
    }
    large = transfer(GENESIS, ADA, AMOUNT_MAX, BOB.address, AMOUNT_MAX, memo="m" * 64, **big)
    assert len(small.raw) < len(large.raw) <= RULES.gas.bytes_free
    assert RULES.gas_of(small) == RULES.gas_of(large) == 21_000
    assert 100_000_000 // 21_000 == 4_761


def test_every_part_has_its_price() -> None:
    gas = RULES.gas
    team = Person("team", keys=3, threshold=2)
    one = Transfer(BOB.address, 1)
    both = signed_by(team, body_of(GENESIS, team, 0, one, one))
    assert RULES.gas_of(both) == gas.tx_base + 2 * gas.per_signature + 2 * gas.transfer + 16 * max(
        0, len(both.raw) - gas.bytes_free
    )
    paid = signed_by(ADA, body_of(GENESIS, ADA, 0, one, payer=BOB.address), payer=BOB)
    assert RULES.gas_of(paid) == 21_000 + gas.per_signature + 16 * (len(paid.raw) - gas.bytes_free)
    rotation = signed_by(ADA, body_of(GENESIS, ADA, 0, SetPolicy(team.policy)))
    assert RULES.gas_of(rotation) == 10_000 + 6_000 + 5_000 + 3 * 500
    accusation = signed_by(ADA, body_of(GENESIS, ADA, 0, Accuse(ADA.double_vote(bytes(32), 1))))
    extra = len(accusation.raw) - gas.bytes_free
    assert extra > 0
    assert RULES.gas_of(accusation) == 10_000 + 6_000 + 25_000 + 16 * extra


@pytest.mark.parametrize(
    "action, gas",
    [
        (Register(bytes(32), b"v" * 32, b"n" * 32, 0), 50_000),
        (Delegate(BOB.address, 1), 30_000),
        (Undelegate(BOB.address, 1), 30_000),
        (Redelegate(BOB.address, ADA.address, 1), 50_000),
        (Withdraw(BOB.address), 20_000),
        (Unjail(), 10_000),
    ],
)
def test_staking_has_prices(action: Action, gas: int) -> None:
    signed = signed_by(ADA, body_of(GENESIS, ADA, 0, action, action))
    assert RULES.gas_of(signed) == 16_000 + 2 * gas + 16 * max(0, len(signed.raw) - RULES.gas.bytes_free)


T, C = bytes(32), b"\x01" + bytes(32)


@pytest.mark.parametrize(
    "action, gas",
    [
        (Deploy("lua/1", b"x", b"\x90", 0, 0), 500_000),
        (Call(C, "m", b"\x90", (), 0), 5_000),
        (SendToken(T, b"", C, 1, 0), 50_000),
        (ApproveToken(T, C, 0, 1, 1, 0), 30_000),
        (BurnToken(T, 1), 30_000),
        (IssueToken(T, C, 1, 0), 50_000),
        (ChangeToken(T, "pause", "", b"", b"", 0, 0), 40_000),
        (ConvertToken(T, 1, 0, 1, 0, False), 60_000),
    ],
)
def test_contracts_and_tokens_have_prices(action: Action, gas: int) -> None:
    signed = signed_by(ADA, body_of(GENESIS, ADA, 0, action))
    assert RULES.gas_of(signed) == 16_000 + gas + 16 * max(0, len(signed.raw) - RULES.gas.bytes_free)


def test_a_deployment_pays_for_loading_at_its_bound() -> None:
    assert LOAD_FUEL_MAX // RULES.gas.fuel_per_gas < RULES.gas.deploy
    room = RULES.gas.bytes_free
    assert CONTRACT_BYTES_MAX + VALUE_BYTES_MAX + 32 * room < TX_BYTES_MAX
