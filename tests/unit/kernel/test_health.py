"""What is wrong, in one word and one sentence."""

import dataclasses

import pytest
from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.kernel import events as ev
from chaosnet.kernel.health import SILENT_MS, HealthView, best_height, health_of, needed, silent_validators
from chaosnet.ledger.candidates import find_candidate
from chaosnet.ledger.keys import candidate_key
from chaosnet.protocol.messages import TxHashes
from tests.unit.kernel.harness import Bench
from tests.unit.kernel.ring import Ring


def health(bench: Bench) -> HealthView:
    return health_of(bench.node, bench.now)


def told(bench: Bench) -> tuple[str, str]:
    view = health(bench)
    return view.code, view.reason


def pass_time(bench: Bench, ms: int, *, alive: tuple[int, ...]) -> None:
    """Let time pass while these validators report every second."""
    for _ in range(ms // 1_000):
        for place in alive:
            bench.say(bench.node_of(place), bench.status())
        bench.advance(1_000)


def well(**config: object) -> Bench:
    bench = Bench(**config).start()  # type: ignore[arg-type]
    bench.join_all()
    return bench


def test_a_node_among_its_peers_is_well() -> None:
    bench = well()
    pass_time(bench, 3_000, alive=(1, 2, 3))
    assert health(bench) == HealthView(True, "running", "", "", None, 100)


@pytest.mark.parametrize(
    ("validators", "expected"), [(1, 1), (2, 2), (3, 3), (4, 3), (6, 5), (7, 5), (10, 7)]
)
def test_more_than_two_thirds_are_needed(validators: int, expected: int) -> None:
    assert needed(Bench(validators).node) == expected


def test_two_of_four_silent_is_said_in_these_words_and_since_when() -> None:
    bench = well()
    bench.are_silent = True
    pass_time(bench, 4_000, alive=(1, 2, 3))
    begin = bench.now
    pass_time(bench, 9_000, alive=(1,))
    view = health(bench)
    assert (view.is_healthy, view.phase, view.code) == (False, "running", "quorum_lost")
    assert view.reason == "2 of 4 members silent, 3 needed"
    assert view.since_ms is not None
    assert begin < view.since_ms <= begin + SILENT_MS + 1_000
    since = view.since_ms
    pass_time(bench, 20_000, alive=(1,))
    assert health(bench).since_ms == since, "it does not begin anew"
    bench.run(ev.Disconnected(bench.node_of(2), "timeout"))
    bench.join(2)
    pass_time(bench, 1_000, alive=(1, 2))
    assert bench.node.quorum_lost_ms is None


def test_between_two_ticks_it_never_says_too_many_are_silent_when_none_is() -> None:
    bench = well()
    bench.are_silent = True
    pass_time(bench, 12_000, alive=(1,))
    assert told(bench)[0] == "quorum_lost"
    for place in (2, 3):
        bench.node.heard[bench.node_of(place)] = bench.now
    assert bench.node.quorum_lost_ms is not None, "nothing has looked since"
    assert told(bench)[0] != "quorum_lost"


def test_one_of_four_silent_is_no_trouble() -> None:
    bench = well()
    bench.are_silent = True
    pass_time(bench, 8_000, alive=(1, 2))
    assert told(bench) == ("", "")
    assert silent_validators(bench.node, bench.now) == [bench.validators[3].address]


def test_at_the_start_nobody_is_silent_yet() -> None:
    bench = Bench().start()
    assert silent_validators(bench.node, bench.now) == []
    bench.advance(SILENT_MS + 1_000)
    assert told(bench) == ("quorum_lost", "3 of 4 members silent, 3 needed")


def test_a_single_validator_needs_nobody() -> None:
    bench = Bench(validators=1).start()
    bench.advance(8_000)
    assert told(bench) == ("", "")


def test_a_follower_without_peers_says_so() -> None:
    bench = Bench(me=None).start()
    bench.advance(2_000)
    assert told(bench) == ("no_peers", "not connected to any node")


def test_a_follower_knows_the_quorum_by_its_blocks() -> None:
    """It has one peer, which is no validator; blocks come all the same."""
    bench = Bench(me=None).start()
    bench.join("relay")
    bench.are_silent = True
    for _ in range(4):
        bench.say(bench.join("relay"), TxHashes(()))
        bench.advance(6_000)
        bench.join(0)
        bench.grow()
        bench.run(ev.Disconnected(bench.node_of(0), "connection"))
        bench.node.heard.clear()
        bench.advance(600)
        assert told(bench)[0] != "quorum_lost"
    bench.advance(10_000 + SILENT_MS + 1_000)
    assert told(bench) == ("quorum_lost", "4 of 4 members silent, 3 needed")


def test_a_node_that_is_behind_says_how_far() -> None:
    bench = well()
    bench.advance(200)
    bench.grow(2)
    for place in (1, 2, 3):
        bench.say(bench.node_of(place), bench.status(height=8))
    view = health(bench)
    assert (view.phase, view.code, view.reason) == ("syncing", "syncing", "syncing: block 2 of 8")
    assert view.progress == 25


def test_a_strangers_claim_is_not_believed() -> None:
    bench = well()
    bench.say(bench.join("liar"), bench.status(height=10**9))
    bench.say(bench.node_of(3), bench.status(height=10**9))
    assert best_height(bench.node) == 0
    assert told(bench) == ("", "")


def test_a_chain_without_blocks_is_stalled_even_if_all_are_there() -> None:
    bench = well()
    bench.are_silent = True
    begin = bench.now
    pass_time(bench, 37_000, alive=(1, 2, 3))
    view = health(bench)
    assert (view.code, view.reason, view.since_ms) == ("stalled", "no block for 37 s", begin)


def test_a_halted_node_says_why() -> None:
    bench = well()
    bench.feed(ev.DiskLow(7))
    view = health(bench)
    assert (view.is_healthy, view.phase, view.code, view.reason) == (
        False,
        "halted",
        "disk_full",
        "stopped: disk_full",
    )


def test_a_follower_knows_the_quorum_by_what_becomes_final() -> None:
    """It hears one validator only; as long as finality moves on, the others are there."""
    ring = Ring("dpos", spare=1).start()
    ring.pass_ms(10_000)
    follower = ring.machines[4]
    for machine in ring.machines[1:4]:
        ring.feed(4, ev.Disconnected(machine.id, "gone"))
        follower.node.heard.pop(machine.id, None)
    ring.cut = lambda a, b: 4 in (a, b) and 0 not in (a, b)
    ring.pass_ms(30_000)
    assert len(silent_validators(follower.node, ring.now)) == 3
    assert follower.node.quorum_lost_ms is None
    ring.down |= {2, 3}
    ring.pass_ms(60_000)
    assert follower.node.quorum_lost_ms is not None
    assert health_of(follower.node, ring.now).code == "finality_lost"


def test_who_was_elected_is_heard_by_its_own_node() -> None:
    """A validator may run another node than its membership names."""
    ring = Ring("dpos").start()
    ring.pass_ms(5_000)
    node, person = ring.machines[0].node, ring.people[1]
    other_node = b"another node" + bytes(20)
    assert silent_validators(node, ring.now) == []
    candidate = find_candidate(node.head.state, person.address)
    assert candidate is not None
    changed = replace(candidate, node_key=other_node)
    state = node.head.state.update({candidate_key(person.address): encode(changed)})
    node.head = dataclasses.replace(node.head, state=state)
    node.started_ms = 0
    assert silent_validators(node, ring.now) == [person.address]
    node.heard[other_node] = ring.now
    assert silent_validators(node, ring.now) == []
