from typing import Any

import msgspec
import pytest

from chaosnet.base.errors import Broken, Invalid
from chaosnet.crypto.addresses import CONTRACT
from chaosnet.ledger.genesis_check import PARAM_BOUNDS, SUPPLY_MAX, check_genesis
from chaosnet.model.genesis import (
    OBSERVER,
    TEAM_LOCK,
    Allocation,
    ChainParams,
    EngineFrom,
    Genesis,
    LockTerms,
    Member,
)
from chaosnet.model.genesis_make import PUBLIC_SHARES, Holders, public_genesis
from tests.making import TIME_MS, Person, network

ADA, BOB = Person("ada"), Person("bob")
CONSORTIUM = network([(ADA, 1_000, None), (BOB, 500, TEAM_LOCK)], [ADA, BOB])
HOLDERS = Holders(*(Person(name).address for name in "abcd"))
FOUNDERS = (ADA.member(with_vrf=True),)
PUBLIC = public_genesis("public", TIME_MS, HOLDERS, founding_blocks=1_000, members=FOUNDERS)


def fault(genesis: Genesis, **fields: Any) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        check_genesis(msgspec.structs.replace(genesis, **fields))
    return caught.value.code, caught.value.detail.partition(":")[0]


def with_member(**fields: Any) -> tuple[Member, ...]:
    return (msgspec.structs.replace(CONSORTIUM.members[0], **fields), CONSORTIUM.members[1])


def allocation(**fields: Any) -> tuple[Allocation, ...]:
    return (msgspec.structs.replace(CONSORTIUM.allocations[0], **fields),)


def test_both_kinds_are_good() -> None:
    check_genesis(CONSORTIUM)
    check_genesis(PUBLIC)
    check_genesis(network([], [ADA], gas_price_min=0))


def test_the_public_network_has_ten_million_coins_in_four_shares() -> None:
    amounts = {name: amount for name, amount, _ in PUBLIC_SHARES}
    assert sum(amounts.values()) == 10_000_000 * 10**8
    assert {name: amount * 100 // sum(amounts.values()) for name, amount in amounts.items()} == {
        "angel": 10,
        "ico": 60,
        "team": 10,
        "foundation": 20,
    }
    assert [name for name, _, lock in PUBLIC_SHARES if lock is not None] == ["team"]
    assert PUBLIC.allocations[2].lock == TEAM_LOCK == LockTerms(365 * 86_400_000, 1, 5)
    assert PUBLIC.schedule == (EngineFrom(1, "pow"), EngineFrom(1_001, "pos"))


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"chain_name": ""}, "chain_name"),
        ({"chain_name": "a" * 65}, "chain_name"),
        ({"chain_name": "链" * 22}, "chain_name"),
        ({"chain_name": "a\nb"}, "chain_name"),
        ({"chain_name": "a\x7f"}, "chain_name"),
        ({"address_prefix": ""}, "address_prefix"),
        ({"address_prefix": "Cos"}, "address_prefix"),
        ({"address_prefix": "c1"}, "address_prefix"),
        ({"address_prefix": "a" * 17}, "address_prefix"),
        ({"time_ms": 0}, "time_ms"),
        ({"time_ms": 10**15}, "time_ms"),
        ({"kind": "private"}, "kind is consortium or public"),
        ({"founding_blocks": 5}, "founding_blocks"),
        ({"schedule": ()}, "schedule"),
        ({"schedule": (EngineFrom(2, "pbft"),)}, "schedule"),
        ({"schedule": (EngineFrom(1, "pbft"), EngineFrom(1, "pos"))}, "schedule"),
        ({"schedule": (EngineFrom(1, "pbft"), EngineFrom(9, "pbft"))}, "schedule"),
        ({"schedule": (EngineFrom(1, "pbft"), EngineFrom(9, "pos"), EngineFrom(8, "pbft"))}, "schedule"),
        ({"schedule": (EngineFrom(1, "pbft"), EngineFrom(2**63, "pos"))}, "schedule.height"),
        ({"members": ()}, "members"),
        ({"members": CONSORTIUM.members[::-1]}, "members"),
        ({"members": (CONSORTIUM.members[0],) * 2}, "members"),
        ({"members": with_member(name="")}, "members.name"),
        ({"members": with_member(role="boss")}, "members.role"),
        ({"members": with_member(consensus_key=bytes(31))}, "members"),
        ({"members": with_member(node_key=b"")}, "members"),
        ({"members": with_member(vrf_key=bytes(31))}, "members"),
        ({"members": with_member(consensus_key=CONSORTIUM.members[1].consensus_key)}, "members"),
        ({"members": with_member(node_key=CONSORTIUM.members[1].consensus_key)}, "members"),
        ({"members": with_member(vrf_key=CONSORTIUM.members[0].node_key)}, "members"),
        ({"members": (msgspec.structs.replace(CONSORTIUM.members[0], role=OBSERVER),)}, "members"),
        ({"allocations": allocation(name="")}, "allocations.name"),
        ({"allocations": allocation(amount=0)}, "allocations.amount"),
        ({"allocations": allocation(amount=SUPPLY_MAX + 1)}, "allocations.amount"),
        ({"allocations": allocation(amount=SUPPLY_MAX) + CONSORTIUM.allocations}, "allocations"),
        ({"allocations": allocation(lock=LockTerms(0, 1, 5))}, "lock.period_ms"),
        ({"allocations": allocation(lock=LockTerms(1, -1, 5))}, "lock.cliff"),
        ({"allocations": allocation(lock=LockTerms(1, 1, 0))}, "lock.steps"),
    ],
)
def test_what_is_out_of_bounds_is_named(fields: dict[str, Any], field: str) -> None:
    assert fault(CONSORTIUM, **fields) == ("bad_argument", field)


def test_addresses_are_key_accounts() -> None:
    contract = bytes((CONTRACT,)) + bytes(32)
    for address in (contract, b"", ADA.address[:-1]):
        assert fault(CONSORTIUM, treasury=address) == ("bad_address", "treasury")
        assert fault(CONSORTIUM, allocations=allocation(address=address))[0] == "bad_address"
        assert fault(CONSORTIUM, members=with_member(operator=address))[0] == "bad_address"
    assert fault(CONSORTIUM, allocations=allocation(address=CONSORTIUM.treasury))[0] == "bad_address"
    check_genesis(msgspec.structs.replace(CONSORTIUM, treasury=ADA.address))


def test_unknown_engines_and_rules() -> None:
    assert fault(CONSORTIUM, schedule=(EngineFrom(1, "raft"),)) == ("engine_unknown", "raft")
    with pytest.raises(Broken) as caught:
        check_genesis(msgspec.structs.replace(CONSORTIUM, rule=2))
    assert caught.value.code == "rule_unknown"


def test_every_parameter_has_bounds_that_hold_its_default() -> None:
    assert tuple(PARAM_BOUNDS) == ChainParams.__struct_fields__
    for name, (low, high) in PARAM_BOUNDS.items():
        for value in (low - 1, high + 1):
            params = msgspec.structs.replace(CONSORTIUM.params, **{name: value})
            assert fault(CONSORTIUM, params=params) == ("bad_argument", f"params.{name}")
    equal = msgspec.structs.replace(CONSORTIUM.params, admission_numerator=2)
    assert fault(CONSORTIUM, params=equal)[1] == "params.admission_numerator"


@pytest.mark.parametrize("bits", [0x20000000, 0x20007FFF, 0x1F800000, 0x20FFFFFF])
def test_targets_have_one_form(bits: int) -> None:
    assert fault(CONSORTIUM, params=ChainParams(pow_bits=bits))[1] == "params.pow_bits"


def test_counts_are_bounded() -> None:
    people = [Person(f"member-{i}").member() for i in range(257)]
    members = tuple(sorted(people, key=lambda member: member.operator))
    assert fault(CONSORTIUM, members=members) == ("too_large", "members")
    locks = tuple(Allocation("a", ADA.address, 1, LockTerms(1, 1, steps)) for steps in range(1, 18))
    check_genesis(msgspec.structs.replace(CONSORTIUM, allocations=locks[:16] * 2))
    assert fault(CONSORTIUM, allocations=locks)[0] == "too_large"
    many = tuple(Allocation("n" * 64, ADA.address, 1, None) for _ in range(45_000))
    assert fault(CONSORTIUM, allocations=many)[0] == "too_large"


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"allocations": PUBLIC.allocations[:3]}, "allocations"),
        ({"allocations": PUBLIC.allocations[::-1]}, "allocations"),
        (
            {"allocations": tuple(msgspec.structs.replace(a, lock=None) for a in PUBLIC.allocations)},
            "allocations",
        ),
        ({"founding_blocks": 0}, "founding_blocks"),
        ({"founding_blocks": 999}, "schedule"),
        ({"schedule": (EngineFrom(1, "pbft"),)}, "schedule"),
        ({"params": ChainParams(gas_price_min=0)}, "params.gas_price_min"),
    ],
)
def test_the_public_network_keeps_the_whitepapers_promise(fields: dict[str, Any], field: str) -> None:
    assert fault(PUBLIC, **fields) == ("bad_argument", field)
