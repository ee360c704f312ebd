"""A node that was away for too long says so, takes no part, and is brought back by a pin alone."""

from dataclasses import replace

import pytest

from chaosnet.base.errors import Refused
from chaosnet.kernel import events as ev
from chaosnet.kernel import trusting
from chaosnet.kernel.health import health_of
from tests.unit.kernel.harness import Bench, Effects, facts, of
from tests.unit.kernel.ring import Ring

PERIOD = 60_000
PARAMS = {"trust_period_ms": PERIOD, "idle_interval_ms": 1_000}
NOWHERE = bytes(32)


def away(**config: object) -> Bench:
    """Return a validator that starts for the first time when its network is older than the trust period."""
    bench = Bench(params=PARAMS, **config)  # type: ignore[arg-type]
    bench.now += 2 * PERIOD
    return bench


def id_at(bench: Bench, height: int) -> bytes:
    return bench.node.block_id_at(height) or b""


def restart(bench: Bench, pinned: tuple[int, bytes] | None = None) -> Effects:
    """Start again, with this pin; return what it does first, and then among its peers."""
    bench.config = replace(bench.config, pinned=pinned)
    before = len(bench.log)
    bench.restart()
    bench.join_all()
    bench.advance(5_000)
    return bench.log[before:]


def is_signing(effects: Effects) -> bool:
    return any(not asked.request.is_seen for asked in of(effects, ev.AskSignature))


def test_a_young_chain_is_trusted_and_nothing_is_said_or_kept() -> None:
    bench = Bench(params=PARAMS)
    effects = bench.run(ev.Started())
    assert bench.node.is_trusted
    assert trusting.word(bench.node) == "genesis"
    assert not of(effects, ev.PersistTrust)
    assert not facts(effects, ev.TrustJudged)


def test_a_newcomer_to_an_old_network_is_in_doubt_and_signs_nothing() -> None:
    bench = away()
    effects = bench.run(ev.Started())
    assert isinstance(effects[0], ev.PersistTrust), "before anything that may follow from it"
    (judged,) = facts(effects, ev.TrustJudged)
    assert not judged.is_trusted
    assert f"0:{id_at(bench, 0).hex()}" in judged.detail
    bench.join_all()
    assert not is_signing(bench.advance(20_000))
    view = health_of(bench.node, bench.now)
    assert (view.is_healthy, view.code, view.phase) == (False, "untrusted", "running")
    assert "UNTRUSTED" in view.reason
    assert "--trust" in view.reason
    assert trusting.word(bench.node) == "untrusted"


def test_a_restart_cures_nothing_whatever_came_meanwhile() -> None:
    bench = away().start()
    bench.join_all()
    bench.grow(3)
    assert bench.node.head.header.height == 3
    effects = restart(bench)
    assert not bench.node.is_trusted
    assert bench.node.trust.doubt == 0
    assert not is_signing(effects)
    assert f"3:{id_at(bench, 3).hex()}" in health_of(bench.node, bench.now).reason


def test_a_pin_on_a_young_block_of_the_chain_lifts_the_doubt_for_good() -> None:
    bench = away().start()
    bench.join_all()
    bench.grow(3)
    effects = restart(bench, (2, id_at(bench, 2)))
    assert trusting.word(bench.node) == "pinned"
    assert is_signing(effects)
    restart(bench)
    assert trusting.word(bench.node) == "genesis"


def test_a_pin_on_an_old_block_moves_the_doubt_and_does_not_lift_it() -> None:
    bench = away().start()
    bench.join_all()
    bench.grow(2)
    bench.now += 2 * PERIOD
    bench.join_all()
    bench.grow(1)
    restart(bench, (2, id_at(bench, 2)))
    assert bench.node.trust.doubt == 2
    restart(bench, (3, id_at(bench, 3)))
    assert bench.node.is_trusted


def test_a_pin_ahead_is_judged_when_its_block_is_here() -> None:
    other = away().start()
    other.join_all()
    other.grow(2)
    bench = away(pinned=(2, id_at(other, 2))).start()
    bench.join_all()
    bench.grow(1)
    assert not bench.node.is_trusted
    assert "not reached yet" in health_of(bench.node, bench.now).reason
    before = len(bench.log)
    bench.grow(1)
    effects = bench.log[before:] + bench.advance(5_000)
    assert bench.node.is_trusted
    assert facts(effects, ev.TrustJudged) == [ev.TrustJudged(is_trusted=True, detail="")]
    kept = [effect for effect in effects if isinstance(effect, ev.PersistBlock | ev.PersistTrust)]
    assert [type(effect) for effect in kept[:2]] == [ev.PersistBlock, ev.PersistTrust]
    assert is_signing(effects)


def test_a_network_that_stood_still_goes_on_from_the_block_that_its_operators_pin() -> None:
    bench = Bench(params=PARAMS).start()
    bench.join_all()
    bench.grow(2)
    bench.now += 2 * PERIOD
    restart(bench)
    assert not bench.node.is_trusted
    assert "stood still" in health_of(bench.node, bench.now).reason
    restart(bench, (1, id_at(bench, 1)))
    assert not bench.node.is_trusted, "that is not where it stands"
    assert is_signing(restart(bench, (2, id_at(bench, 2))))
    assert bench.node.is_trusted


def test_another_chain_than_the_pinned_one_is_refused_at_the_start() -> None:
    bench = away().start()
    bench.join_all()
    bench.grow(2)
    with pytest.raises(Refused) as error:
        restart(bench, (1, NOWHERE))
    assert error.value.code == "untrusted"
    assert "chaosnet node reset" in error.value.detail


def test_a_block_in_place_of_the_pinned_one_is_refused_and_the_operator_told() -> None:
    bench = away(pinned=(2, NOWHERE)).start()
    bench.join_all()
    bench.grow(1)
    candidate = bench.candidate()
    bench.say(bench.node_of(bench.turn()), bench.proposal(candidate))
    assert bench.node.head.header.height == 1
    assert bench.node.is_pin_contradicted
    assert "chaosnet node reset" in health_of(bench.node, bench.now).reason


def test_a_chain_in_doubt_cannot_prolong_the_trust_period() -> None:
    bench = away().start()
    params = bench.node.head.params
    longer = replace(bench.node.head, params=type(params)(trust_period_ms=10**12))
    bench.node.head = longer
    trusting.start(bench.node, bench.now)
    assert not bench.node.is_trusted


@pytest.mark.parametrize("engine", ["pow", "pos", "dpos", "dbft"])
def test_no_engine_makes_blocks_in_doubt_and_all_go_on_once_pinned(engine: str) -> None:
    ring = Ring(engine, trust_period_ms=PERIOD)
    ring.now += 2 * PERIOD
    ring.start()
    ring.pass_ms(20_000)
    assert ring.heights() == [0, 0, 0, 0]
    assert not any(machine.signed or machine.mine for machine in ring.machines)
    for place, machine in enumerate(ring.machines):
        pin = (0, machine.node.block_id_at(0) or b"")
        machine.config = replace(machine.config, pinned=pin)
        ring.restart(place)
    if engine == "pow":
        ring.find(0)
    else:
        ring.pass_ms(60_000, until=lambda: min(ring.heights()) >= 2)
    assert min(ring.heights()) >= 1
