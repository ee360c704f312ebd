"""The kernel asks for no signature that the fence forbids, and stops when its key signs elsewhere."""

import pytest
from msgspec.structs import replace

from chaosnet.consensus.engine import Resume
from chaosnet.consensus.signstate import NOWHERE, SignState, marked, position_of
from chaosnet.consensus.slots import claim_of
from chaosnet.kernel import events as ev
from chaosnet.kernel import fencing
from chaosnet.kernel.health import health_of
from chaosnet.model.evidence import PRECOMMIT, PREVOTE, SignedHeader, Vote
from chaosnet.protocol.messages import Votes
from tests.unit.kernel.harness import Bench, Effects, facts, of, sent
from tests.unit.kernel.ring import Ring


def listening(blocks: int = 3) -> Bench:
    """Return a node whose sign state was just imported."""
    bench = Bench(params={"idle_interval_ms": 1_000}, fence_listen_blocks=blocks)
    bench.signs = marked(SignState(), is_listening=True)[0]
    bench.restart()
    bench.join_all()
    return bench


def asked(effects: Effects) -> list[ev.AskSignature]:
    return of(effects, ev.AskSignature)


def own_votes(bench: Bench, effects: Effects) -> list[Vote]:
    return [v for m in sent(effects, Votes) for v in m.votes if v.signer == bench.key_of(0)]


def test_a_vote_of_our_own_from_elsewhere_stops_the_node_for_good() -> None:
    bench = Bench().start()
    bench.join_all()
    foreign = bench.vote(0, PREVOTE, b"b" * 32, round_=3)
    effects = bench.say(bench.node_of(1), Votes((foreign,)))
    (halted,) = facts(effects, ev.Halted)
    assert halted.code == bench.node.halted == "fenced"
    (seen,) = asked(effects)
    assert seen.request.is_seen
    assert bench.signs.position == position_of(foreign)
    assert bench.signs.is_listening
    assert health_of(bench.node, bench.now).code == "fenced"
    assert asked(bench.advance(20_000)) == []


def test_a_forged_vote_of_our_own_costs_only_its_giver() -> None:
    bench = Bench().start()
    bench.join_all()
    forged = replace(bench.vote(0, PREVOTE, b"b" * 32), signature=b"f" * 64)
    bench.say(bench.node_of(1), Votes((forged,)))
    assert not bench.node.halted


def test_our_own_votes_echoed_are_ours() -> None:
    bench = Bench(params={"idle_interval_ms": 1_000}).start()
    bench.join_all()
    said = own_votes(bench, bench.advance(4_000))
    assert said
    bench.say(bench.node_of(1), Votes((said[0],)))
    bench.restart()
    bench.join_all()
    bench.say(bench.node_of(1), Votes((said[0],)))
    assert not bench.node.halted


def test_while_it_listens_it_signs_nothing_and_then_it_does() -> None:
    bench = listening()
    for _ in range(3):
        assert asked(bench.advance(4_000)) == []
        bench.grow()
    assert own_votes(bench, bench.advance(4_000))
    assert not bench.signs.is_listening


def test_where_no_block_comes_it_signs_after_a_while_what_waited() -> None:
    bench = listening()
    assert asked(bench.advance(50_000)) == []
    effects = bench.advance(12_000)
    assert own_votes(bench, effects)
    places = [position_of(request.request.unsigned) for request in asked(effects)]
    assert places == sorted(places)


def test_a_node_that_others_are_ahead_of_signs_nothing() -> None:
    bench = Bench(params={"idle_interval_ms": 1_000}).start()
    for place in (1, 2, 3):
        bench.join(place, height=5)
    assert asked(bench.advance(4_000)) == []


def test_before_it_heard_two_others_it_signs_nothing_for_a_while() -> None:
    bench = Bench(params={"idle_interval_ms": 1_000}).start()
    bench.advance(4_000)
    bench.join(1)
    bench.advance(4_000)
    assert bench.signs.position == NOWHERE
    bench.join(2)
    bench.advance(1_000)
    assert bench.signs.position > NOWHERE
    alone = Bench(params={"idle_interval_ms": 1_000}).start()
    assert asked(alone.advance(59_000)) == []
    assert asked(alone.advance(2_000))


def test_after_a_start_a_header_owns_up_to_all_that_the_key_may_have_made() -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(20_000)
    ring.restart(0)  # without its sign state
    machine, head = ring.machines[0], ring.heights()[0]
    ring.pass_ms(20_000)
    made = [m.header for m in machine.signed if isinstance(m, SignedHeader) and m.header.height > head]
    claimed = [claim_of(header).max_height_generated for header in made]
    assert claimed[0] >= head
    assert claimed[1:] == [header.height for header in made[:-1]]
    assert made[0].time_ms >= machine.node.started_ms + fencing.SETTLE_MS


def test_an_old_sign_state_is_raised_to_what_the_newest_blocks_say() -> None:
    bench = Bench(params={"idle_interval_ms": 1_000}).start()
    bench.join_all()
    bench.advance(100)
    old = bench.signs
    candidate = bench.candidate()
    bench.say(bench.node_of(1), bench.proposal(candidate))
    bench.say(bench.node_of(1), bench.votes([1, 2], PREVOTE, candidate.block_id))
    bench.say(bench.node_of(1), bench.votes([1, 2], PRECOMMIT, candidate.block_id))
    assert bench.node.head.header.height == 1, "sealed with our precommit"
    bench.signs = old
    bench.now += 60_000
    bench.restart()
    assert bench.signs.position == (0, 1, 0, PRECOMMIT)
    assert bench.node.fence.is_listening
    assert not bench.node.halted


def test_a_listening_node_lets_its_slots_pass_and_then_makes_blocks() -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(8_000)
    machine, since = ring.machines[0], ring.now
    ring.restart(0, Resume(0, 0, -1, b"", (), is_listening=True))

    def made() -> list[SignedHeader]:
        return [m for m in machine.signed if isinstance(m, SignedHeader) and m.header.time_ms > since]

    ring.pass_ms(60_000, until=lambda: not machine.node.fence.is_listening)
    assert not machine.node.fence.is_listening
    assert ring.now - since >= 10_000
    assert made() == []
    ring.pass_ms(20_000, until=lambda: bool(made()))
    assert made()
    assert not machine.node.halted


def test_a_header_of_our_own_from_elsewhere_stops_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(4_000)
    machine = ring.machines[0]
    monkeypatch.setattr(machine.node.fence, "note", lambda _: None)  # as if another process had signed it
    ring.pass_ms(20_000, until=lambda: bool(machine.node.halted))
    assert machine.node.halted == "fenced"
