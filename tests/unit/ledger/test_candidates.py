import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chaosnet import compiled
from chaosnet.ledger import candidates
from chaosnet.ledger.candidates import (
    CANDIDATES_MAX,
    FORMER_KEYS_MAX,
    LEAST_KEPT,
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


class CountingOverlay(Overlay):
    """Counts what is read."""

    reads = 0

    def get(self, key: bytes) -> bytes | None:
        self.reads += 1
        return super().get(key)


def operator_of(number: int) -> bytes:
    return bytes([0]) + number.to_bytes(32, "big")


def bond(overlay: Overlay, number: int, tokens: int) -> bool:
    """Let a candidate have so many coins, 10 are needed; return whether it is listed."""
    operator = operator_of(number)
    keys = operator[1:]
    before = find_candidate(overlay, operator) or Candidate(operator, keys, b"", keys, 0)
    store_candidate(overlay, replace(before, tokens=tokens, shares=tokens), 10)
    after = find_candidate(overlay, operator)
    assert after is not None
    return after.is_listed


def coins(overlay: Overlay) -> list[int]:
    return [c.tokens for c in candidates_of(overlay)]


def test_a_full_list_makes_room_for_more_coins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "CANDIDATES_MAX", 2)
    overlay = Overlay(State.empty())
    bond(overlay, 1, 20)
    bond(overlay, 2, 30)
    assert not bond(overlay, 3, 25), "before the next epoch only who came last gives way"
    rank_list(overlay)
    assert not bond(overlay, 3, 20)
    assert bond(overlay, 3, 21)
    assert coins(overlay) == [30, 21]
    assert not bond(overlay, 2, 9)
    assert bond(overlay, 1, 10)
    assert coins(overlay) == [10, 21]


def full(overlay: Overlay, size: int) -> None:
    """Fill the list with the cheapest candidates, and begin an epoch."""
    for number in range(size):
        assert bond(overlay, number, 10)
    rank_list(overlay)


def test_cheap_candidates_cannot_use_up_the_places_that_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "CANDIDATES_MAX", 20)
    overlay = Overlay(State.empty())
    full(overlay, 20)
    for number in range(3 * LEAST_KEPT):
        assert bond(overlay, 100 + number, 11 + number // LEAST_KEPT)
    assert bond(overlay, 1_000, 50)
    for number in range(20):  # leave, and let another one have the place
        bond(overlay, 132 + number % LEAST_KEPT, 1)
        bond(overlay, 200 + number, 10)
    assert bond(overlay, 1_001, 50)


def test_more_coins_for_one_of_the_least_do_not_close_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "CANDIDATES_MAX", 20)
    overlay = Overlay(State.empty())
    full(overlay, 20)
    for number in range(LEAST_KEPT - 1):
        assert bond(overlay, number, 1_000)
    assert bond(overlay, 100, 50)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 40)), max_size=80), st.integers(1, 6))
def test_the_list_stays_as_it_must_be(acts: list[tuple[int, int]], epoch: int) -> None:
    """Whatever candidates do, who has more coins than all others has a place within an epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "CANDIDATES_MAX", 5)
        patch.setattr(candidates, "LEAST_KEPT", 2)
        overlay = Overlay(State.empty())
        for turn, (number, tokens) in enumerate(acts):
            bond(overlay, number, tokens)
            if turn % epoch == 0:
                rank_list(overlay)
            known = candidates._list_of(overlay)
            assert list(known.operators) == sorted(dict.fromkeys(known.operators))
            assert len(known.operators) <= 5
            assert len(known.least) <= 2
            assert not [o for o in known.least if o not in known.operators]
            found = [find_candidate(overlay, operator_of(n)) for n in range(12)]
            assert [c.operator for c in found if c is not None and c.is_listed] == list(known.operators)
            assert all(c.tokens >= 10 for c in found if c is not None and c.is_listed)
        rank_list(overlay)
        assert bond(overlay, 12, 41)


@pytest.mark.skipif(compiled.is_in_use(), reason="counts reads of the overlay, which Python's can tell")
def test_a_full_list_costs_few_reads_but_once_an_epoch() -> None:
    overlay = Overlay(State.empty())
    full(overlay, CANDIDATES_MAX)
    base = State.empty().update(overlay.changes().new)
    tries = CountingOverlay(base)
    assert not bond(tries, 5_000, 10)
    assert tries.reads <= LEAST_KEPT + 8
    tries = CountingOverlay(base)
    assert bond(tries, 5_000, 11)
    assert tries.reads <= LEAST_KEPT + 8
    ranked = CountingOverlay(base)
    rank_list(ranked)
    assert ranked.reads <= CANDIDATES_MAX + 2
