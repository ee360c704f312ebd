"""The engine's place in the node: what it is told, what is passed on and kept, what a halted node does."""

import pytest
from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.consensus.tendermint import CHECKED_MAX
from chaosnet.kernel import events as ev
from chaosnet.kernel.agreement import CANDIDATES_MAX, REMIND_MS, ROUNDS_AHEAD
from chaosnet.kernel.health import silent_validators
from chaosnet.model.evidence import PRECOMMIT, PREVOTE
from chaosnet.model.transaction import SetPolicy, Transaction, decode_transaction
from chaosnet.protocol.messages import Propose, Status, Txs, Votes, decode_message, encode_message
from tests.making import Person, body_of, signed_by
from tests.unit.kernel.harness import Bench, closed, facts, of, sent


def followed(**config: object) -> Bench:
    """Return validator 0 of 4 with the other validators connected."""
    bench = Bench(**config).start()  # type: ignore[arg-type]
    bench.join_all()
    bench.advance(200)  # the least pause after a head is over
    return bench


# ── order of effects ─────────────────────────────────────────────────────────────────────────────────────


def test_a_block_is_durable_before_anything_speaks_of_it() -> None:
    bench = followed()
    bench.run(ev.SubmitTransactions(1, (bench.tx("alice", 0).raw,)))
    candidate = bench.candidate([bench.tx("alice", 0)])
    bench.say(bench.node_of(1), bench.proposal(candidate))
    bench.say(bench.node_of(1), bench.votes([1, 2, 3], PREVOTE, candidate.block_id))
    effects = bench.say(bench.node_of(1), bench.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
    kinds = [type(effect) for effect in effects]
    written = kinds.index(ev.PersistBlock)
    moved = next(i for i, e in enumerate(effects) if e in of(effects, ev.Report) and facts([e], ev.HeadMoved))
    told = [i for i, e in enumerate(effects) if any(s.height == 1 for s in sent([e], Status))]
    assert written < moved < min(told)
    assert len(told) == 3
    assert sent(effects[:written], Status) == []


def test_a_block_is_kept_before_the_precommit_that_locks_on_it() -> None:
    bench = followed()
    candidate = bench.candidate()
    bench.say(bench.node_of(1), bench.proposal(candidate))
    effects = bench.feed(_received(bench, bench.votes([1, 2, 3], PREVOTE, candidate.block_id)))
    kept = next(i for i, e in enumerate(effects) if isinstance(e, ev.PersistCandidate))
    asked = next(
        i
        for i, e in enumerate(effects)
        if isinstance(e, ev.AskSignature) and getattr(e.request.unsigned, "kind", 0) == PRECOMMIT
    )
    assert kept < asked
    assert effects[kept] == ev.PersistCandidate(1, candidate.block_id, candidate.raw)


def test_a_vote_is_sent_only_once_it_is_signed() -> None:
    bench = followed()
    candidate = bench.candidate()
    before = bench.feed(_received(bench, bench.proposal(candidate)))
    assert of(before, ev.AskSignature)
    assert sent(before, Votes) == []
    after = bench.answer()
    assert {v.signer for m in sent(after, Votes) for v in m.votes} == {bench.key_of(0)}
    assert len(sent(after, Votes)) == 3


def _received(bench: Bench, message: Propose | Votes, place: int = 1) -> ev.Received:
    return ev.Received(bench.node_of(place), encode_message(message))


# ── votes of others ──────────────────────────────────────────────────────────────────────────────────────


def forged(bench: Bench, place: int = 3) -> Votes:
    """Return a vote that claims to be a validator's, with somebody else's signature."""
    return Votes((replace(bench.vote(place, PREVOTE), signature=bench.vote(1, PREVOTE).signature),))


def test_a_forged_vote_is_not_passed_on_and_its_sender_is_banned() -> None:
    bench = followed()
    liar, other = bench.join("liar"), bench.join("other")
    effects = bench.say(liar, forged(bench))
    assert closed(effects) == [(liar, "bad_signature")]
    assert sent(effects, Votes, other) == []
    assert bench.node.book.is_banned(liar, "", bench.now)


def test_a_forged_vote_makes_nobody_heard() -> None:
    bench = Bench().start()
    liar = bench.join("liar")
    bench.now += 6_000
    silent = silent_validators(bench.node, bench.now)
    assert len(silent) == 3
    bench.say(liar, forged(bench))
    assert silent_validators(bench.node, bench.now) == silent


def test_a_genuine_vote_is_passed_on_once_to_those_without_a_link_to_its_signer() -> None:
    bench = followed()
    near, far = bench.join("near"), bench.join("far")
    bench.say(near, bench.status(linked=bytes([0b1000])))
    vote = bench.votes([3], PREVOTE)
    effects = bench.say(bench.node_of(3), vote)
    assert sent(effects, Votes, far) == [vote]
    assert sent(effects, Votes, near) == []
    assert sent(effects, Votes, bench.node_of(3)) == []
    assert sent(bench.say(bench.node_of(2), vote), Votes) == []


def test_one_who_signs_everything_is_passed_on_twice_and_proven() -> None:
    bench = followed()
    far = bench.join("far")
    effects: list[ev.Effect] = []
    for i in range(1, 40):
        effects += bench.say(bench.node_of(3), bench.votes([3], PREVOTE, bytes([i]) * 32))
    assert len(sent(effects, Votes, far)) == 2
    assert len(of(effects, ev.PersistEvidence)) == 1
    assert [fact.signer for fact in facts(effects, ev.DoubleSign)] == [bench.key_of(3)]


def test_votes_of_far_rounds_are_not_passed_on() -> None:
    bench = followed()
    far = bench.join("far")
    near_round = bench.votes([3], PREVOTE, round_=ROUNDS_AHEAD)
    far_round = bench.votes([3], PREVOTE, round_=ROUNDS_AHEAD + 1)
    assert sent(bench.say(bench.node_of(3), near_round), Votes, far) == [near_round]
    assert sent(bench.say(bench.node_of(3), far_round), Votes, far) == []


def test_votes_of_old_heights_are_no_fault() -> None:
    bench = followed()
    old = bench.votes([1, 2, 3], PRECOMMIT)
    bench.grow(2)
    effects = bench.say(bench.node_of(2), old)
    assert facts(effects, ev.PeerNote) == []
    assert effects == []


def test_strangers_names_are_not_remembered_as_heard() -> None:
    bench = followed()
    known = len(bench.node.heard)
    stranger = bench.join("stranger")
    for name in range(50):
        proposal = bench.proposal(bench.candidate()).proposal
        unknown = replace(proposal, signer=bytes([name]) * 32)
        bench.say(stranger, Propose(unknown, b""))
        bench.say(bench.join(f"guest{name}"), bench.status())
        bench.run(ev.Disconnected(bench.join(f"guest{name}"), "connection"))
    bench.run(ev.Disconnected(stranger, "connection"))
    assert len(bench.node.heard) == known


# ── proposals ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_forged_proposal_costs_its_sender_the_connection() -> None:
    bench = followed()
    liar, other = bench.join("liar"), bench.join("other")
    genuine = bench.proposal(bench.candidate())
    false = Propose(replace(genuine.proposal, signature=bytes(64)), genuine.block)
    effects = bench.say(liar, false)
    assert closed(effects) == [(liar, "bad_signature")]
    assert sent(effects, Propose, other) == []
    assert bench.node.candidates == {}


def test_another_block_than_the_proposed_one_is_a_fault() -> None:
    bench = followed()
    genuine, other = bench.proposal(bench.candidate()), bench.candidate(later_ms=5)
    effects = bench.say(bench.node_of(2), Propose(genuine.proposal, other.raw))
    assert [fact.code for fact in facts(effects, ev.PeerNote)] == ["bad_header"]
    assert bench.node.candidates == {}


def test_blocks_of_far_rounds_are_not_taken() -> None:
    bench = followed()
    far = bench.join("far")
    for round_ in range(ROUNDS_AHEAD, ROUNDS_AHEAD + 40):
        block = bench.candidate(round_=round_, later_ms=round_)
        effects = bench.say(bench.node_of(1), bench.proposal(block, round_))
        assert len(sent(effects, Propose, far)) == (round_ == ROUNDS_AHEAD)
    assert len(bench.node.candidates) == 1


def test_the_same_proposal_again_costs_nothing() -> None:
    bench = followed()
    message = bench.proposal(bench.candidate([bench.tx("alice", 0)]))
    assert of(bench.say(bench.node_of(1), message), ev.AskVerify)
    assert bench.say(bench.node_of(2), message) == []
    assert bench.say(bench.node_of(1), message) == []


def test_altered_signatures_of_a_known_transaction_make_the_block_invalid() -> None:
    """The transaction is known and good by its id; the bytes in the block are not."""
    bench = followed()
    good = bench.tx("alice", 0)
    assert bench.submit(good) == ["ok"]

    stolen = Person("bob").witness(good.tx_id)
    witness = type(stolen)(good.tx.witness.policy, stolen.signatures)
    altered = decode_transaction(encode(Transaction(good.body, witness, None)))
    assert altered.tx_id == good.tx_id
    assert altered.tx_hash != good.tx_hash
    effects = bench.say(bench.node_of(1), bench.proposal(bench.candidate([altered])))
    assert [fact.code for fact in facts(effects, ev.BlockRefused)] == ["bad_signature"]
    assert [v.block_id for m in sent(effects, Votes, bench.node_of(1)) for v in m.votes] == [b""]
    assert good.tx_hash in bench.node.mempool.by_hash


def test_blocks_of_failed_rounds_do_not_pile_up() -> None:
    """Two of four are silent for half an hour; each round brings a new block."""
    bench = followed()
    bench.submit(bench.tx("alice", 0))
    for round_ in range(60):
        proposer = bench.turn(round_)
        if proposer != 0:
            block = bench.candidate(round_=round_, later_ms=round_)
            bench.say(bench.node_of(proposer), bench.proposal(block, round_))
        assert len(bench.node.candidates) <= CANDIDATES_MAX + CHECKED_MAX
        bench.advance(16_000)
        bench.say(bench.node_of(1), bench.votes([1, 2], PREVOTE, round_=round_ + 1))
    assert bench.node.round_state().round >= 59
    assert len(bench.node.candidates) >= CANDIDATES_MAX


def test_a_block_that_had_to_give_way_is_taken_when_it_comes_again() -> None:
    """A byzantine proposer of later rounds floods; then the good block of the present round is needed."""
    bench = followed()
    late = bench.proposal(bench.candidate(round_=1), 1)
    bench.say(bench.node_of(2), late)
    for round_ in (5, 9, 13):
        for twin in (0, 1):
            flood = bench.candidate(round_=round_, later_ms=round_ + twin)
            bench.say(bench.node_of(2), bench.proposal(flood, round_))
    assert late.proposal.block_id not in bench.node.candidates
    bench.say(bench.node_of(3), bench.votes([2, 3], PREVOTE, late.proposal.block_id, round_=1))
    assert bench.node.round_state().round == 1
    # It counts as not proposed here, so that peers send it again.
    assert not next(iter(sent(bench.advance(1_000), Status))).has_proposal
    effects = bench.say(bench.node_of(3), late)
    votes = [v.block_id for m in sent(effects, Votes, bench.node_of(1)) for v in m.votes]
    assert late.proposal.block_id in votes


# ── work ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_proposer_with_work_proposes_after_the_least_pause() -> None:
    bench = followed()
    bench.grow(3)  # the next turn is ours
    assert bench.turn() == 0
    bench.submit(bench.tx("alice", 0))
    effects = bench.advance(200)
    (proposed,) = {m.proposal.block_id for m in sent(effects, Propose)}
    assert bench.node.candidates[proposed].block.header.tx_count == 1


def test_a_block_proposed_again_comes_with_the_prevotes_that_justify_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = followed()
    bench.grow(3)
    behind = tuple(bench.vote(i, PREVOTE, b"b" * 32) for i in (1, 2, 3))
    monkeypatch.setattr(bench.node.engine, "votes_behind", lambda _: behind)
    told = [e.payload for e in of(bench.advance(11_000), ev.SendMessage) if e.peer == bench.node_of(1)]
    said = [m for m in map(decode_message, told) if isinstance(m, Propose | Votes)]
    first = next(i for i, m in enumerate(said) if isinstance(m, Propose))
    assert said[first + 1] == Votes(behind)


def test_without_work_nothing_is_proposed_before_the_idle_interval() -> None:
    bench = followed()
    bench.grow(3)
    assert sent(bench.advance(9_900), Propose) == []
    assert sent(bench.advance(300), Propose) != []


def test_work_that_comes_later_wakes_the_engine_once() -> None:
    bench = followed()
    bench.grow(3)
    bench.advance(1_000)
    assert not bench.node.work_told
    assert bench.submit(bench.tx("alice", 1)) == ["ok"]  # a gap: nothing to include yet
    assert not bench.node.work_told
    bench.submit(bench.tx("alice", 0))
    assert bench.node.work_told


def fail_rounds(bench: Bench, ms: int) -> None:
    """Let rounds fail, two a second."""
    for _ in range(ms // 500):
        bench.advance(500)
        bench.say(bench.node_of(1), bench.votes([1, 2, 3], PRECOMMIT, round_=bench.node.round_state().round))


def test_what_waits_too_long_is_sent_to_the_proposer_again_and_then_waits_anew() -> None:
    bench = followed()
    bench.submit(bench.tx("alice", 0))
    bench.advance(200)
    bench.log.clear()
    fail_rounds(bench, 2 * REMIND_MS + 500)
    assert len(sent(bench.log, Txs)) == 2


def test_what_no_block_can_hold_any_more_is_dropped_not_sent_for_ever() -> None:
    """The sender changed its keys: not even followers, who build no blocks, keep what the old ones signed."""
    bench = followed(me=None)

    alice, bob = bench.people["alice"], bench.people["bob"]
    change = signed_by(alice, body_of(bench.genesis, alice, 0, SetPolicy(bob.policy)))
    later = [bench.tx("alice", nonce) for nonce in range(1, 5)]
    assert bench.submit(change, *later) == ["ok"] * 5
    candidate = bench.candidate([change])
    bench.say(bench.node_of(1), bench.proposal(candidate))
    bench.say(bench.node_of(1), bench.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
    assert bench.node.head.header.tx_count == 1
    assert len(bench.node.mempool) == 4
    fail_rounds(bench, REMIND_MS + 500)
    assert len(bench.node.mempool) == 0
    assert bench.node.mempool.reserved(alice.address) == 0


# ── a halted node ────────────────────────────────────────────────────────────────────────────────────────


def test_a_halted_node_takes_no_part() -> None:
    bench = followed()
    candidate = bench.candidate([bench.tx("alice", 0)])
    asked = of(bench.feed(_received(bench, bench.proposal(candidate))), ev.AskVerify)
    assert asked
    halted = bench.feed(ev.DiskLow(1_000))
    assert [fact.code for fact in facts(halted, ev.Halted)] == ["disk_full"]
    effects = bench.answer()  # the signatures it asked about before
    effects += bench.say(bench.node_of(1), bench.votes([1, 2, 3], PREVOTE, candidate.block_id))
    effects += bench.say(bench.node_of(1), bench.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
    effects += bench.advance(30_000)
    assert of(effects, ev.AskSignature) == []
    assert of(effects, ev.PersistBlock) == []
    assert sent(effects, Votes) == []
    assert bench.submit(bench.tx("bob", 0)) == ["disk_full"]


def test_a_halted_node_does_not_count_as_present() -> None:
    bench, halted = followed(), followed(me=2)
    halted.feed(ev.DiskLow(1_000))
    status = next(iter(sent(halted.advance(1_000), Status)))
    bench.now += 6_000
    for place in (1, 2, 3):
        bench.say(bench.node_of(place), status if place == 2 else bench.status())
    assert silent_validators(bench.node, bench.now) == [bench.validators[2].address]
