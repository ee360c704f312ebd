import msgspec
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.base.units import EMPTY_HASH, YEAR_MS
from chaosnet.ledger.accounts import Account, Lock, decode_account
from chaosnet.ledger.apply import full_supply
from chaosnet.ledger.context import params_of, rules_of
from chaosnet.ledger.genesis_state import check_genesis, genesis_header, genesis_state
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.members import members_of, next_validators
from chaosnet.model.block import validators_hash_of
from chaosnet.model.genesis import (
    TEAM_LOCK,
    Allocation,
    Genesis,
    LockTerms,
    genesis_hash_of,
    supply_at,
    validators_of_genesis,
)
from chaosnet.model.genesis_make import Holders, public_genesis
from chaosnet.model.header import GenesisProof, block_id_of, decode_header
from tests.making import TIME_MS, Person, network

ADA, BOB = Person("ada"), Person("bob")
GENESIS = network([(ADA, 1_000, None), (BOB, 500, TEAM_LOCK)], [ADA, BOB], evidence_age=50)
HOLDERS = Holders(*(Person(name).address for name in "abcd"))
FOUNDERS = (Person("ada").member(with_vrf=True),)
PUBLIC = public_genesis("public", TIME_MS, HOLDERS, founding_blocks=10, members=FOUNDERS)


def test_a_consortium_holds_its_allocations_at_once() -> None:
    state = genesis_state(GENESIS)
    locked = Account(locks=(Lock(500, 0, YEAR_MS, 1, 5),))
    assert decode_account(state.get(account_key(ADA.address)) or b"") == Account(balance=1_000)
    assert decode_account(state.get(account_key(BOB.address)) or b"") == locked
    assert full_supply(state) == supply_at(GENESIS, 0) == 1_500


def test_allocations_of_one_address_add_up() -> None:
    other = LockTerms(1_000, 0, 2)
    allocations = tuple(
        Allocation(str(i), ADA.address, 10**i, lock)
        for i, lock in enumerate((None, TEAM_LOCK, None, other, TEAM_LOCK))
    )
    state = genesis_state(msgspec.structs.replace(GENESIS, allocations=allocations))
    locks = (Lock(10_010, 0, YEAR_MS, 1, 5), Lock(1_000, 0, 1_000, 0, 2))
    assert decode_account(state.get(account_key(ADA.address)) or b"") == Account(balance=101, locks=locks)


def test_the_public_network_starts_with_no_coin() -> None:
    assert full_supply(genesis_state(PUBLIC)) == supply_at(PUBLIC, 0) == 0


def test_settings_and_members_are_in_the_state() -> None:
    state = genesis_state(GENESIS)
    assert params_of(state) == GENESIS.params
    assert rules_of(state).number == GENESIS.rule
    assert members_of(state) == GENESIS.members
    assert next_validators(state) == validators_of_genesis(GENESIS)
    assert next_validators(genesis_state(PUBLIC)) == validators_of_genesis(PUBLIC)


@pytest.mark.parametrize("genesis", [GENESIS, PUBLIC])
def test_the_header_of_block_0_commits_to_all_of_it(genesis: Genesis) -> None:
    header = genesis_header(genesis)
    assert header.genesis == genesis_hash_of(genesis)
    assert header.state_root == genesis_state(genesis).root
    assert (header.height, header.era, header.parent, header.time_ms) == (0, 0, EMPTY_HASH, TIME_MS)
    expected = validators_hash_of(validators_of_genesis(genesis))
    assert header.validators_hash == header.next_validators_hash == expected
    assert (header.proof, header.engine, header.rule) == (GenesisProof(), "genesis", 1)
    assert decode_header(encode(header)) == header


def test_networks_that_differ_have_other_blocks_0() -> None:
    renamed = msgspec.structs.replace(GENESIS, chain_name="other")
    assert genesis_state(renamed).root == genesis_state(GENESIS).root
    assert block_id_of(genesis_header(renamed)) != block_id_of(genesis_header(GENESIS))


def test_no_state_is_made_of_a_bad_genesis() -> None:
    bad = msgspec.structs.replace(GENESIS, members=())
    for use in (check_genesis, genesis_state, genesis_header):
        with pytest.raises(Invalid):
            use(bad)
