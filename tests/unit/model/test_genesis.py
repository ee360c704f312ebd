"""What a network starts from: its identity, its first validators, its supply over time."""

import msgspec
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.base.units import MOTES_PER_COS
from chaosnet.model.genesis import (
    OBSERVER,
    TEAM_LOCK,
    VALIDATOR,
    Allocation,
    Bond,
    ChainParams,
    EngineFrom,
    Genesis,
    Member,
    decode_genesis,
    engine_at,
    genesis_hash_of,
    supply_at,
    validators_of_genesis,
)


def member(number: int, role: str = VALIDATOR) -> Member:
    key = bytes([number]) * 32
    return Member(f"node{number}", bytes([0, number]) + bytes(31), role, key, key, b"")


GENESIS = Genesis(
    chain_name="test",
    kind="consortium",
    address_prefix="cos",
    time_ms=1_000,
    rule=1,
    params=ChainParams(),
    schedule=(EngineFrom(0, "pow"), EngineFrom(100, "pos"), EngineFrom(200, "pbft")),
    members=(member(1), member(2, OBSERVER), member(3)),
    allocations=(
        Allocation("one", bytes(33), 10, None),
        Allocation("team", bytes(33), 7, TEAM_LOCK),
    ),
    founding_blocks=0,
    treasury=bytes(33),
)


def test_hash_covers_every_field() -> None:
    changed: dict[str, object] = {
        "chain_name": "other",
        "kind": "public",
        "address_prefix": "xyz",
        "time_ms": 1_001,
        "rule": 2,
        "params": ChainParams(gas_price_min=2),
        "schedule": (EngineFrom(0, "pbft"),),
        "members": (member(1),),
        "allocations": (),
        "founding_blocks": 1,
        "treasury": b"t" * 33,
        "bonds": (Bond(bytes(33), 1, 0),),
    }
    assert set(changed) == set(Genesis.__struct_fields__)
    hashes = {genesis_hash_of(msgspec.structs.replace(GENESIS, **{k: v})) for k, v in changed.items()}
    assert len(hashes | {genesis_hash_of(GENESIS)}) == len(changed) + 1


def test_bytes_round_trip_and_nothing_else_decodes() -> None:
    assert decode_genesis(encode(GENESIS)) == GENESIS
    with pytest.raises(Invalid):
        decode_genesis(encode(GENESIS) + b"\x00")


def test_validators_vote_and_observers_do_not() -> None:
    validators = validators_of_genesis(GENESIS).validators
    assert [v.operator for v in validators] == [member(1).operator, member(3).operator]
    assert {v.weight for v in validators} == {1}


@pytest.mark.parametrize(
    ("height", "engine"),
    [(0, "pow"), (99, "pow"), (100, "pos"), (199, "pos"), (200, "pbft"), (10**9, "pbft")],
)
def test_schedule_names_the_engine(height: int, engine: str) -> None:
    assert engine_at(GENESIS, height) == engine


def test_supply_is_there_at_once_without_founding_blocks() -> None:
    assert supply_at(GENESIS, 0) == supply_at(GENESIS, 10**6) == 17


def test_founding_blocks_mint_all_of_it_and_no_more() -> None:
    public = msgspec.structs.replace(GENESIS, founding_blocks=3)
    assert [supply_at(public, height) for height in range(5)] == [0, 5, 10, 17, 17]


def test_whole_supply_is_exact_in_javascript() -> None:
    assert 10_000_000 * MOTES_PER_COS < 2**53
