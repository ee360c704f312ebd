"""Making a node: from genesis, from what is stored, and not from what is wrong."""

import pytest
from msgspec.structs import replace

from chaosnet.base.errors import Broken, Refused
from chaosnet.kernel import events as ev
from chaosnet.kernel.boot import Stored, check_stored, engine_for, genesis_stored, make_node
from chaosnet.ledger.keys import account_key
from chaosnet.model.evidence import PREVOTE
from chaosnet.model.genesis import EngineFrom
from chaosnet.model.header import block_id_of
from chaosnet.protocol.messages import Votes
from tests.unit.kernel.harness import Bench, of, sent


def test_a_new_chain_begins_with_its_genesis_block() -> None:
    bench = Bench()
    head = bench.node.head
    assert head.header.height == 0
    assert head.block_id == block_id_of(head.header)
    assert head.header.state_root == head.state.root
    assert [v.operator for v in head.validators.validators] == [p.address for p in bench.validators]
    assert head.rules.number == 1


def test_a_stored_chain_goes_on_where_it_stood() -> None:
    bench = Bench().start()
    bench.join_all()
    bench.advance(200)
    bench.grow(3)
    head = bench.node.head
    bench.restart()
    assert (bench.node.head.block_id, bench.node.head.state.root) == (head.block_id, head.state.root)
    assert bench.node.written_height == 3
    bench.join_all()
    bench.advance(200)
    bench.grow()
    assert bench.node.head.header.height == 4


def test_a_node_that_voted_says_the_same_after_a_restart() -> None:
    bench = Bench().start()
    bench.join_all()
    bench.advance(200)
    candidate = bench.candidate()
    voted = sent(bench.say(bench.node_of(1), bench.proposal(candidate)), Votes)[0].votes[0]
    assert (voted.kind, voted.block_id) == (PREVOTE, candidate.block_id)
    bench.restart()
    one = bench.join(1)
    rival = bench.candidate(later_ms=7)
    effects = bench.say(one, bench.proposal(rival)) + bench.advance(1_000)
    again = [v for m in sent(effects, Votes) for v in m.votes if v.signer == bench.key_of(0)]
    assert {v.block_id for v in again if (v.kind, v.round) == (PREVOTE, 0)} <= {candidate.block_id}
    assert bench.signs.prevote == voted


def test_a_locked_node_finds_its_block_on_disk_after_a_restart() -> None:
    bench = Bench().start()
    bench.join_all()
    bench.advance(200)
    candidate = bench.candidate([bench.tx("alice", 0)])
    bench.say(bench.node_of(1), bench.proposal(candidate))
    bench.say(bench.node_of(1), bench.votes([1, 2], PREVOTE, candidate.block_id))
    assert list(bench.chain.kept) == [candidate.block_id]
    bench.restart()
    one = bench.join(1)
    assert candidate.block_id in bench.node.candidates
    bench.say(one, bench.votes([1, 2, 3], 2, candidate.block_id))
    assert bench.node.head.block_id == candidate.block_id


def test_a_wrong_state_is_never_started_from() -> None:
    bench = Bench()
    stored = genesis_stored(bench.genesis)
    alice = account_key(bench.people["alice"].address)
    poorer = stored.state.update({alice: None})
    with pytest.raises(Broken) as error:
        check_stored(bench.genesis, Stored(stored.header, b"", poorer, stored.sealed_by))
    assert error.value.code == "data_damaged"
    header = replace(stored.header, state_root=poorer.root)
    with pytest.raises(Broken) as error:
        check_stored(bench.genesis, Stored(header, b"", poorer, stored.sealed_by))
    assert error.value.code == "supply_changed"
    header = replace(stored.header, next_validators_hash=bytes(32))
    with pytest.raises(Broken) as error:
        check_stored(bench.genesis, Stored(header, b"", stored.state, stored.sealed_by))
    assert error.value.code == "data_damaged"


def test_an_engine_of_a_later_release_is_named() -> None:
    genesis = replace(Bench().genesis, schedule=(EngineFrom(1, "pbft"), EngineFrom(5, "poa")))
    assert engine_for(genesis, 4, None, None).name == "pbft"
    with pytest.raises(Refused) as error:
        engine_for(genesis, 5, None, None)
    assert error.value.code == "engine_unknown"
    assert "poa engine from height 5" in error.value.detail


def test_nothing_happens_before_the_start() -> None:
    bench = Bench()
    assert bench.node.effects == []
    assert of(bench.run(ev.Started()), ev.SetTimer)


def test_the_same_seed_gives_the_same_node() -> None:
    logs = []
    for _ in range(2):
        bench = Bench().start()
        bench.join_all()
        bench.submit(bench.tx("alice", 0))
        bench.advance(3_000)
        bench.grow()
        logs.append(bench.log)
    assert logs[0] == logs[1]


def test_execution_and_verification_may_be_shared() -> None:
    bench = Bench()
    calls: list[bytes] = []

    def apply(*arguments: object) -> None:
        calls.append(arguments[3])  # type: ignore[arg-type]

    node = make_node(bench.config, genesis_stored(bench.genesis), bench.chain, apply=apply)  # type: ignore[arg-type]
    node.apply(node.head.state, None, (), b"id")  # type: ignore[arg-type]
    assert calls == [b"id"]
