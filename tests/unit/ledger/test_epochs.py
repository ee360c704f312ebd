from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from chaosnet.base.errors import Broken
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.reveals import Revealed, combined, seed_of, start_of
from chaosnet.ledger.epochs import (
    epoch_of,
    missed_of,
    seed_of_outputs,
    seed_of_reveals,
    staked_members,
    upcoming_validators,
)
from chaosnet.ledger.genesis_state import genesis_header
from chaosnet.ledger.keys import active_key, epoch_key, seed_key, upcoming_key
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.state import State
from chaosnet.model.block import validators_hash_of
from chaosnet.model.epoch import Epoch
from chaosnet.model.genesis import genesis_hash_of, validators_of_genesis
from chaosnet.model.genesis_make import Holders, public_genesis
from chaosnet.model.transaction import Accuse, Delegate, Unjail
from tests.making import Person
from tests.staking import SHORT, Chain, keys_for, staked_network, two_headers

ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")
GENESIS = staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 20_000)])
POS = staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 20_000)], engines=((1, "pos"),))


def weights(chain: Chain) -> dict[str, int]:
    names: dict[bytes, str] = {person.address: person.name for person in (ADA, BOB, EVE)}
    return {names[v.operator]: v.weight for v in next_validators(chain.state).validators}


def epoch(chain: Chain) -> Epoch:
    found = epoch_of(chain.state)
    assert found is not None
    return found


def test_the_genesis_opens_the_first_epoch() -> None:
    for genesis in (GENESIS, POS):
        start = Chain(genesis)
        place = genesis_hash_of(genesis) + bytes(8) + genesis.time_ms.to_bytes(8, "big")
        assert epoch(start) == Epoch(0, 0, genesis.time_ms, 0, 1, tagged_hash(b"first-seed", place))
        assert upcoming_validators(start.state) == next_validators(start.state)
        header = genesis_header(genesis)
        assert header.next_validators_hash == validators_hash_of(next_validators(start.state))
    assert weights(Chain(GENESIS)) == {"ada": 1, "bob": 1}
    assert weights(Chain(POS)) == {"ada": 10_000, "bob": 20_000}


def test_stake_counts_one_epoch_after_the_one_that_saw_it() -> None:
    c = Chain(POS)
    c.block((EVE, keys_for("eve")), (EVE, Delegate(EVE.address, 5_000)), (EVE, Delegate(ADA.address, 1)))
    c.until(5)
    assert weights(c) == {"ada": 10_000, "bob": 20_000}
    assert epoch(c).number == 1
    assert epoch(c).first_height == 6
    c.until(9)
    assert weights(c) == {"ada": 10_000, "bob": 20_000}
    assert c.last
    assert not c.last.members_changed
    c.until(10)
    assert weights(c) == {"ada": 10_001, "bob": 20_000, "eve": 5_000}
    assert [v.operator for v in next_validators(c.state).validators] == sorted(
        (ADA.address, BOB.address, EVE.address)
    )
    members = {m.operator: m for m in staked_members(c.state)}
    assert members[EVE.address].node_key == keys_for("eve").node_key
    assert (members[ADA.address].name, members[EVE.address].name) == ("ada", "")


def test_the_punished_leave_and_come_back_by_epochs() -> None:
    c = Chain(GENESIS)
    c.block((EVE, Accuse(two_headers(ADA, GENESIS, 1))))
    c.until(9)
    assert weights(c) == {"ada": 1, "bob": 1}
    c.until(10)
    assert weights(c) == {"bob": 1}
    c.block((ADA, Unjail()))
    c.until(19)
    assert weights(c) == {"bob": 1}
    c.until(20)
    assert weights(c) == {"ada": 1, "bob": 1}


def test_the_greatest_are_elected_and_under_pos_those_with_a_lottery_key() -> None:
    people = [ADA, BOB, EVE]
    for engine, wanted in (("pos", {"ada": 30_000}), ("dpos", {"bob": 1})):
        c = Chain(staked_network(people, [(ADA, 30_000)], engines=((1, engine),), validators_max=1))
        without_vrf = replace(keys_for("bob"), vrf_key=b"")
        c.block((BOB, without_vrf), (BOB, Delegate(BOB.address, 40_000)))
        c.until(10)
        assert weights(c) == wanted


def test_without_candidates_the_members_seal() -> None:
    c = Chain(staked_network([ADA, BOB], [(ADA, 0), (BOB, 0)], engines=((1, "pos"),)))
    c.until(12)
    assert weights(c) == {"ada": 1, "bob": 1}
    assert all(v.vrf_key for v in next_validators(c.state).validators)
    assert [m.name for m in staked_members(c.state)] == [m.name for m in c.genesis.members]


def test_eras_open_and_close_with_the_schedule() -> None:
    engines = ((1, "pbft"), (4, "dbft"), (11, "pos"), (14, "pbft"))
    genesis = staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 20_000)], engines=engines)
    c = Chain(genesis)
    assert epoch_of(c.state) is None
    assert staked_members(c.state) == ()
    assert next_validators(c.state) == validators_of_genesis(genesis)
    c.until(3)
    assert (epoch(c).era, epoch(c).era_height, epoch(c).first_height) == (1, 3, 4)
    assert epoch(c).era_time_ms == genesis.time_ms + 3_000
    c.until(10)
    assert (epoch(c).era, epoch(c).number, epoch(c).first_height) == (2, 0, 11)
    assert weights(c) == {"ada": 10_000, "bob": 20_000}
    c.until(13)
    assert [c.state.get(key()) for key in (epoch_key, active_key, upcoming_key, seed_key)] == [None] * 4
    assert next_validators(c.state) == validators_of_genesis(genesis)
    assert c.candidate(ADA).tokens == 10_000


def test_pos_gathers_the_first_two_thirds_of_an_epoch() -> None:
    c = Chain(POS)
    gathered = epoch(c).seed
    for height in range(1, 6):
        beta = bytes([height]) * 64
        c.block(entropy=beta)
        if height <= 4:
            gathered = tagged_hash(b"seed-entropy", gathered + beta)
    assert epoch(c).seed == seed_of_outputs(gathered, 1)


def test_reveals_count_when_they_continue_an_onion() -> None:
    c = Chain(GENESIS)
    last = b"x" * 16
    layers = [last]
    for _ in range(3):
        layers.insert(0, sha256(layers[0]).digest()[:16])
    wrong = b"w" * 16
    reveals = (
        (ADA, layers[0]),  # a first one could be chosen
        (BOB, wrong),
        (ADA, layers[1]),
        (BOB, b"v" * 16),
        (ADA, layers[3]),  # a layer is missing
    )
    for proposer, reveal in reveals:
        c.block(entropy=reveal, proposer=proposer.address)
    assert epoch(c).seed == seed_of_reveals(layers[1], 6)
    blocks = [Revealed(i + 1, who.address, reveal) for i, (who, reveal) in enumerate(reveals)]
    published_rule = seed_of(blocks, 1, 5, round_length=5)
    assert combined(start_of(6), layers[1]) == published_rule, "the state gathers what LIP-22 says"
    c.block(entropy=b"short", proposer=ADA.address)


def test_unused_slots_are_counted_and_cost_nothing() -> None:
    c = Chain(GENESIS)
    c.block(missed=((ADA.address, 2),))
    c.block(missed=((ADA.address, 1), (BOB.address, 4)))
    assert [missed_of(c.state, p.address) for p in (ADA, BOB, EVE)] == [3, 4, 0]
    assert c.candidate(ADA).tokens == 10_000


def test_damaged_records_stop_the_node() -> None:
    with pytest.raises(Broken):
        epoch_of(State.of([(epoch_key(), b"\xff")]))


def test_the_public_network_goes_over_to_bonds_of_the_founding_era_or_to_members() -> None:
    holders = Holders(*(person.address for person in (ADA, BOB, EVE, EVE)))
    params: dict[str, Any] = SHORT | {"gas_price_min": 1}
    seal = ADA.member(with_vrf=True)
    for bonds, wanted in ((True, {"bob": 10**6}), (False, {"ada": 1})):
        c = Chain(public_genesis("public", GENESIS.time_ms, holders, 6, members=(seal,), **params))
        c.until(3)
        if bonds:
            acts = (BOB, keys_for("bob")), (BOB, Delegate(BOB.address, 10**6))
            assert c.block(*acts, gas_price=1) == ["ok", "ok"]
        c.until(6)
        assert weights(c) == wanted
        assert (epoch(c).era, epoch(c).first_height) == (1, 7)
        c.until(12)
        assert weights(c) == wanted
