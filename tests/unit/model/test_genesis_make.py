from chaosnet.crypto.addresses import MODULE, is_address
from chaosnet.model.genesis import ChainParams, EngineFrom, supply_at
from chaosnet.model.genesis_make import TREASURY, Holders, consortium_genesis, public_genesis
from tests.making import TIME_MS, Person

ADA, BOB = Person("ada"), Person("bob")
HOLDERS = Holders(*(Person(name).address for name in ("angel", "ico", "team", "foundation")))


def test_a_consortium_runs_pbft_with_its_members_in_order() -> None:
    members = [ADA.member(), BOB.member()]
    genesis = consortium_genesis("c", TIME_MS, members, [], gas_price_min=0)
    assert genesis == consortium_genesis("c", TIME_MS, members[::-1], [], gas_price_min=0)
    assert genesis.schedule == (EngineFrom(1, "pbft"),)
    assert genesis.params == ChainParams(gas_price_min=0)
    assert genesis.treasury == TREASURY


def test_the_public_network_mines_its_shares() -> None:
    genesis = public_genesis("p", TIME_MS, HOLDERS, 3, treasury=ADA.address)
    assert [a.address for a in genesis.allocations] == list(HOLDERS)
    assert [supply_at(genesis, height) for height in (0, 3, 4)] == [0, 10**15, 10**15]
    assert 0 < supply_at(genesis, 1) < supply_at(genesis, 2) < 10**15
    assert genesis.params.finality_depth == 100
    assert genesis.treasury == ADA.address


def test_no_key_owns_the_treasury() -> None:
    assert is_address(TREASURY)
    assert TREASURY[0] == MODULE
