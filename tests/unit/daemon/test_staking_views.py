"""Who makes the blocks and whose coins stand behind them, as the interface shows it."""

from pathlib import Path

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.kernel import events as ev
from chaosnet.ledger.candidates import candidates_of
from chaosnet.model.transaction import Action, Delegate, Undelegate
from tests.making import Person, body_of, signed_by
from tests.unit.daemon.ring_stage import RingStage
from tests.unit.kernel.ring import RICH, Ring

HALF = RICH // 2


def act(ring: Ring, person: Person, nonce: int, *actions: Action) -> None:
    """Let a person do something; it is in a block within a few slots."""
    body = body_of(ring.genesis, person, nonce, *actions, gas_limit=1_000_000, expiry=500)
    ring.feed(0, ev.SubmitTransactions(7, (signed_by(person, body).raw,)))
    ring.settle()
    ring.pass_ms(12_000)


def test_validators_of_dpos_have_one_vote_each(tmp_path: Path) -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(30_000)
    stage = RingStage(tmp_path, ring)
    found = stage.backend.validators(0, 200)
    head = ring.machines[0].node.head
    assert (found.engine, found.height, found.total_weight, found.next) == (
        "dpos",
        head.header.height,
        "4",
        None,
    )
    assert {v.operator for v in found.validators} == {stage.text(person) for person in ring.people}
    for one in found.validators:
        assert (one.weight, one.weight_ppm, one.bonded) == ("1", 250_000, str(HALF))
        assert one.is_validator
        assert one.is_next
        assert one.is_candidate
        assert not one.is_silent
        assert one.commission_permille == 100
        assert one.name.startswith("validator")
    assert sum(v.is_self for v in found.validators) == 1
    newest = max(v.last_block or 0 for v in found.validators)
    assert newest == head.header.height
    assert found.leader in {v.operator for v in found.validators}
    assert found.leader_name == next(v.name for v in found.validators if v.operator == found.leader)
    assert found.epoch is not None
    assert head.epoch is not None
    assert (found.epoch.number, found.epoch.seed) == (head.epoch.number, head.epoch.seed.hex())
    assert found.epoch.first_height <= head.header.height + 1 <= found.epoch.last_height
    stage.store.close()


def test_slots_that_pass_are_counted_and_who_is_away_is_silent(tmp_path: Path) -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(5_000)
    away = ring.people[3]
    before = RingStage(tmp_path / "a", ring)
    had = {v.operator: v.missed_slots for v in before.backend.validators(0, 9).validators}
    before.store.close()
    ring.down.add(3)
    ring.pass_ms(40_000)
    stage = RingStage(tmp_path / "b", ring)
    rows = {v.operator: v for v in stage.backend.validators(0, 9).validators}
    silent = rows.pop(stage.text(away))
    assert silent.is_silent
    assert silent.missed_slots - had[stage.text(away)] >= 8
    assert not any(v.is_silent for v in rows.values())
    assert all(v.missed_slots - had[o] <= 1 for o, v in rows.items())
    assert (silent.last_block or 0) < min(v.last_block or 0 for v in rows.values())
    stage.store.close()


def test_under_pos_weights_are_coins_and_who_has_most_comes_first(tmp_path: Path) -> None:
    ring = Ring("pos").start()
    act(ring, ring.alice, 0, Delegate(ring.people[2].address, HALF // 2))
    ring.pass_ms(60_000)
    stage = RingStage(tmp_path, ring)
    found = stage.backend.validators(0, 9)
    assert found.leader == "", "who wins a slot nobody knows before"
    first = found.validators[0]
    assert first.operator == stage.text(ring.people[2])
    weights = [int(v.weight) for v in found.validators]
    assert weights == sorted(weights, reverse=True)
    assert int(found.total_weight) == sum(weights) > 4 * HALF
    assert 999_990 <= sum(v.weight_ppm for v in found.validators) <= 1_000_000
    assert [v.is_next for v in found.validators] == [True] * 4
    stage.store.close()


def test_pages_follow_each_other(tmp_path: Path) -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(5_000)
    stage = RingStage(tmp_path, ring)
    whole = [v.operator for v in stage.backend.validators(0, 9).validators]
    first = stage.backend.validators(0, 3)
    assert ([v.operator for v in first.validators], first.next) == (whole[:3], 3)
    rest = stage.backend.validators(3, 3)
    assert ([v.operator for v in rest.validators], rest.next) == (whole[3:], None)
    assert stage.backend.validators(77, 3).validators == []
    stage.store.close()


def test_members_validate_where_nobody_is_elected(tmp_path: Path) -> None:
    ring = Ring("pow").start()
    ring.find(1)
    stage = RingStage(tmp_path, ring)
    found = stage.backend.validators(0, 9)
    assert (found.engine, found.leader, found.epoch) == ("pow", "", None)
    assert [v.weight_ppm for v in found.validators] == [250_000] * 4
    assert not any(v.is_candidate for v in found.validators)
    made = next(v for v in found.validators if v.last_block == 1)
    assert made.operator == stage.text(ring.people[1])
    stage.store.close()


def test_delegations_are_shown_with_what_is_on_its_way_out(tmp_path: Path) -> None:
    ring = Ring("dpos").start()
    one, other = ring.people[0].address, ring.people[1].address
    act(ring, ring.alice, 0, Delegate(one, 1_000_000), Delegate(other, 500_000))
    act(ring, ring.alice, 1, Undelegate(one, 400_000))
    stage = RingStage(tmp_path, ring)
    found = stage.backend.delegations(stage.text(ring.alice))
    assert found.height == ring.machines[0].node.head.header.height
    by_operator = {d.operator: d for d in found.delegations}
    assert set(by_operator) == {stage.text(ring.people[0]), stage.text(ring.people[1])}
    first = by_operator[stage.text(ring.people[0])]
    [part] = first.unbonding
    assert part.amount == "400000"
    assert part.free_height > found.height
    assert found.unbonding == "400000"
    assert int(first.bonded) >= 600_000
    assert first.name == next(m.name for m in ring.genesis.members if m.operator == one)
    assert int(found.bonded) == sum(int(d.bonded) for d in found.delegations)
    operator = stage.backend.delegations(stage.text(ring.people[2]))
    # Nobody else delegates to it: its own bond is all, with the fees of the blocks that it happened to make.
    [all_of_it] = [
        v.bonded for v in stage.backend.validators(0, 9).validators if v.operator == operator.address
    ]
    assert [d.bonded for d in operator.delegations] == [all_of_it]
    assert int(all_of_it) >= HALF
    nobody = stage.backend.delegations(stage.text(Person("nobody")))
    assert (nobody.bonded, nobody.unbonding, nobody.delegations) == ("0", "0", [])
    with pytest.raises(Invalid, match="bad_address"):
        stage.backend.delegations("cos1nonsense")
    stage.store.close()


def test_what_is_bonded_is_what_the_state_says(tmp_path: Path) -> None:
    ring = Ring("dpos").start()
    act(ring, ring.alice, 0, Delegate(ring.people[1].address, 777))
    stage = RingStage(tmp_path, ring)
    said = {v.operator: int(v.bonded) for v in stage.backend.validators(0, 9).validators}
    kept = {c.operator: c.tokens for c in candidates_of(ring.machines[0].node.head.state)}
    assert sum(said.values()) == sum(kept.values()) > 4 * HALF
    stage.store.close()
