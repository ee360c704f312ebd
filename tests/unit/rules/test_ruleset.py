from dataclasses import FrozenInstanceError, replace

import pytest

from chaosnet.model.transaction import SignedTx
from chaosnet.rules.r1_genesis import RULES
from chaosnet.rules.ruleset import GasPrices
from tests.making import Person, network, transfer

ADA = Person("ada")
SIGNED = transfer(network([(ADA, 1, None)], [ADA]), ADA, 0, ADA.address, 1)


def test_a_rule_set_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        RULES.number = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        RULES.gas.transfer = 0  # type: ignore[misc]


def test_a_later_version_replaces_numbers_and_functions() -> None:
    cheaper = replace(RULES, number=2, gas=replace(RULES.gas, tx_base=0))
    assert cheaper.gas_of(SIGNED) == RULES.gas_of(SIGNED) - 10_000

    def flat(gas: GasPrices, signed: SignedTx) -> int:
        return gas.transfer

    assert replace(RULES, number=3, intrinsic_gas=flat).gas_of(SIGNED) == 5_000
