import pytest
from msgspec.structs import replace

from chaosnet.ledger import candidates
from chaosnet.ledger.candidates import (
    FORMER_KEYS_MAX,
    Candidate,
    candidates_of,
    find_candidate,
    rank_list,
    store_candidate,
)
from chaosnet.ledger.key_owners import find_owner, punishable_blocks
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.model.transaction import Accuse, Delegate, Undelegate
from tests.making import Person
from tests.staking import Chain, keys_for, proven, staked_network, two_headers

ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")
GENESIS = staked_network([ADA, BOB, EVE], [(ADA, 10_000), (BOB, 20_000)])


def listed(chain: Chain) -> list[bytes]:
    return [candidate.operator for candidate in candidates_of(chain.state)]


def test_who_registers_is_listed_with_enough_coins() -> None:
    c = Chain(GENESIS)
    assert c.block((EVE, keys_for("eve", 50)), (EVE, Delegate(EVE.address, 999))) == ["ok", "ok"]
    assert EVE.address not in listed(c)
    c.block((EVE, Delegate(EVE.address, 1)))
    assert listed(c) == sorted([ADA.address, BOB.address, EVE.address])
    c.block((EVE, Undelegate(EVE.address, 1)))
    assert EVE.address not in listed(c)
    assert c.candidate(EVE).commission_permille == 50


def test_keys_belong_to_one_operator() -> None:
    c = Chain(GENESIS)
    assert (
        c.block((EVE, keys_for("ada")), (EVE, replace(keys_for("eve"), node_key=ADA.member().node_key)))
        == ["key_taken"] * 2
    )
    assert find_candidate(c.state, EVE.address) is None
    assert c.block((EVE, keys_for("eve")), (BOB, keys_for("eve"))) == ["ok", "key_taken"]


def test_new_keys_sign_that_they_are_the_operators() -> None:
    c = Chain(GENESIS)
    genesis_hash = genesis_hash_of(GENESIS)
    mine = proven(genesis_hash, EVE.address, keys_for("eve"))
    for position in range(3):
        for wrong in (b"", proven(genesis_hash, BOB.address, keys_for("eve")).proofs[position], bytes(64)):
            proofs = [*mine.proofs]
            proofs[position] = wrong
            assert c.block((EVE, replace(mine, proofs=tuple(proofs)))) == ["key_unproven"]
    elsewhere = proven(bytes(32), EVE.address, keys_for("eve"))
    assert c.block((EVE, elsewhere), (BOB, mine)) == ["key_unproven"] * 2, "another network, somebody else"
    assert c.block((EVE, mine)) == ["ok"]
    other = proven(genesis_hash, EVE.address, replace(mine, node_key=keys_for("eve 2").node_key))
    change = replace(other, proofs=(b"", b"", other.proofs[2]), commission_permille=7)
    assert c.block((EVE, change)) == ["ok"], "only the new key has to sign"
    assert c.candidate(EVE).commission_permille == 7


def test_rotated_keys_stay_punishable() -> None:
    c = Chain(staked_network([ADA, BOB, EVE], [(ADA, 10_000)]))
    c.block((EVE, keys_for("eve")), (EVE, Delegate(EVE.address, 5_000)))
    assert c.block((EVE, keys_for("eve 2"))) == ["ok"]
    assert [former.key for former in c.candidate(EVE).former_keys] == [keys_for("eve").consensus_key]
    assert find_owner(c.state, keys_for("eve").node_key) is None
    assert c.block((BOB, keys_for("eve"))) == ["key_taken"]
    assert c.block((ADA, Accuse(two_headers(EVE, c.genesis, 3)))) == ["ok"]
    assert c.candidate(EVE).tokens == 4_500
    c.until(1 + punishable_blocks(c.genesis.params) + 2)
    assert c.block((EVE, keys_for("eve 3"))) == ["ok"]
    assert [former.key for former in c.candidate(EVE).former_keys] == [keys_for("eve 2").consensus_key]
    assert c.block((BOB, keys_for("eve"))) == ["ok"]


def test_a_members_own_keys_stay_its_own() -> None:
    c = Chain(GENESIS)
    assert c.block((ADA, keys_for("ada 2")), (EVE, keys_for("ada"))) == ["ok", "key_taken"]
    assert c.block((ADA, keys_for("ada"))) == ["ok"]
    assert c.candidate(ADA).former_keys[0].key == keys_for("ada 2").consensus_key


def test_rotation_is_bounded() -> None:
    c = Chain(GENESIS)
    codes = c.block(*((EVE, keys_for(f"eve {i}")) for i in range(FORMER_KEYS_MAX + 2)))
    assert codes == ["ok"] * (FORMER_KEYS_MAX + 1) + ["too_large"]


def test_a_full_list_makes_room_for_more_coins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "CANDIDATES_MAX", 2)
    overlay = Overlay(State.empty())

    def add(fill: int, tokens: int) -> None:
        keys = bytes([fill]) * 32
        store_candidate(overlay, Candidate(bytes([0]) + keys, keys, b"", keys, 0, tokens, tokens), 10)

    add(1, 30)
    add(2, 20)
    add(3, 90)
    assert [c.tokens for c in candidates_of(overlay)] == [30, 20]
    rank_list(overlay)
    add(3, 20)
    assert [c.tokens for c in candidates_of(overlay)] == [30, 20]
    add(3, 21)
    assert [c.tokens for c in candidates_of(overlay)] == [30, 21]
    add(1, 9)
    rank_list(overlay)
    add(2, 10)
    assert [c.tokens for c in candidates_of(overlay)] == [10, 21]
