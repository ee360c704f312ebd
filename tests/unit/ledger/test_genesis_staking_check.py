from typing import Any

import msgspec
import pytest

from chaosnet.base.errors import Invalid
from chaosnet.ledger.genesis_check import check_genesis
from chaosnet.model.genesis import OBSERVER, TEAM_LOCK, Bond, ChainParams, EngineFrom, Genesis
from chaosnet.model.genesis_make import Holders, public_genesis
from tests.making import TIME_MS, Person, network

ADA, BOB = Person("ada"), Person("bob")
OTHERS = network([(ADA, 1_000, None)], [ADA, BOB])
HOLDERS = Holders(*(Person(name).address for name in "abcd"))
FOUNDERS = (Person("ada").member(with_vrf=True),)
PUBLIC = public_genesis("public", TIME_MS, HOLDERS, founding_blocks=10, members=FOUNDERS)


def fault(genesis: Genesis, **fields: Any) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        check_genesis(msgspec.structs.replace(genesis, **fields))
    return caught.value.code, caught.value.detail.partition(":")[0]


STAKED = network(
    [(ADA, 1_000, None), (BOB, 500, TEAM_LOCK), (BOB, 10, None)],
    [ADA, BOB],
    schedule=(EngineFrom(1, "dpos"), EngineFrom(50, "pos")),
    bonds=[Bond(ADA.address, 1_000, 1_000), Bond(BOB.address, 10, 0)],
    with_vrf=True,
)


def bonds(**fields: Any) -> tuple[Bond, ...]:
    return tuple(
        msgspec.structs.replace(bond, **fields) if bond.operator == BOB.address else bond
        for bond in STAKED.bonds
    )


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"bonds": STAKED.bonds[::-1]}, "bonds"),
        ({"bonds": STAKED.bonds[:1] * 2}, "bonds"),
        ({"bonds": (Bond(Person("eve").address, 1, 0),)}, "bonds.operator"),
        ({"bonds": bonds(amount=11)}, "bonds.amount"),
        ({"bonds": bonds(amount=0)}, "bonds.amount"),
        ({"bonds": bonds(commission_permille=1_001)}, "bonds.commission_permille"),
        ({"bonds": bonds(commission_permille=-1)}, "bonds.commission_permille"),
        ({"params": ChainParams(evidence_age=1_000_000)}, "params.unbonding_blocks"),
        ({"params": ChainParams(evidence_age=1_000_000 - 1_600)}, "params.unbonding_blocks"),
        ({"params": ChainParams(slot_ms=1_000)}, "params.trust_period_ms"),
        ({"members": OTHERS.members}, "members.vrf_key"),
    ],
)
def test_staking_engines_get_what_they_need(fields: dict[str, Any], field: str) -> None:
    check_genesis(STAKED)
    assert fault(STAKED, **fields) == ("bad_argument", field)


def test_coins_stay_until_they_give_no_weight_and_evidence_is_over() -> None:
    check_genesis(msgspec.structs.replace(STAKED, params=ChainParams(evidence_age=1_000_000 - 1_601)))


def test_observers_cannot_be_bonded_and_nobody_before_the_coins() -> None:
    observers = tuple(msgspec.structs.replace(m, role=OBSERVER) for m in STAKED.members[:1])
    assert fault(STAKED, members=observers + STAKED.members[1:])[1] == "bonds.operator"
    assert fault(PUBLIC, bonds=STAKED.bonds)[1] == "bonds"


def test_without_staking_the_delays_are_free() -> None:
    check_genesis(msgspec.structs.replace(OTHERS, params=ChainParams(evidence_age=1_000_000)))


def test_somebody_must_be_able_to_make_the_first_block_of_every_era() -> None:
    assert fault(PUBLIC, members=())[1] == "members"
    observer = msgspec.structs.replace(FOUNDERS[0], role=OBSERVER)
    assert fault(PUBLIC, members=(observer,))[1] == "members"
    check_genesis(PUBLIC)
