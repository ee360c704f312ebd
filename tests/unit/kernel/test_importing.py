"""Sealed blocks from sync: in order, once, and judged by their seals before they cost anything."""

import dataclasses

from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.kernel import events as ev
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.boot import plain_apply
from chaosnet.ledger.apply import Applied
from chaosnet.model.block import Certificate, SealedBlock
from chaosnet.model.evidence import PRECOMMIT, PREVOTE
from chaosnet.model.header import block_id_of
from chaosnet.model.transaction import SignedTx
from chaosnet.protocol.messages import Bodies, GetBodies, GetHeaders, Headers, SealedHeader, Votes
from tests.unit.kernel.harness import Bench, closed, facts, of, sent


class Late:
    """A node that is behind, and the chain it lacks."""

    def __init__(self, blocks: int, *, txs: int = 0) -> None:
        ahead = Bench(me=None).start()
        ahead.join_all()
        self.chain: list[Candidate] = []
        nonce = 0
        for _ in range(blocks):
            ahead.advance(200)
            made = [ahead.tx("alice", nonce + i) for i in range(txs)]
            nonce += txs
            candidate = ahead.candidate(made)
            ahead.say(ahead.node_of(ahead.turn()), ahead.proposal(candidate))
            ahead.say(ahead.node_of(1), ahead.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
            self.chain.append(candidate)
        assert ahead.node.head.header.height == blocks
        self.ahead = ahead
        self.bench = Bench().start()
        self.bench.now = ahead.now
        self.peer = self.bench.join(1, height=blocks)
        self.other = self.bench.join(2, height=blocks)

    def sealed(self, height: int) -> bytes:
        return self.ahead.chain.sealed_at(height) or b""

    def headers(self, asked: GetHeaders) -> Headers:
        found = [self.ahead.chain.header_at(h) for h in range(asked.first, asked.first + asked.count)]
        return Headers(asked.first, tuple(SealedHeader(*pair) for pair in found if pair))

    def bodies(self, asked: GetBodies) -> Bodies:
        found = [self.sealed(height) for height in range(asked.first, asked.first + asked.count)]
        return Bodies(asked.first, tuple(raw for raw in found if raw))

    def serve(self, effects: list[ev.Effect]) -> None:
        """Answer requests until there are no more."""
        while effects:
            following: list[ev.Effect] = []
            for effect in of(effects, ev.SendMessage):
                for asked in sent([effect], GetHeaders):
                    following += self.bench.say(effect.peer, self.headers(asked))
                for wanted in sent([effect], GetBodies):
                    following += self.bench.say(effect.peer, self.bodies(wanted))
            effects = following

    def asked_bodies(self, effects: list[ev.Effect]) -> tuple[bytes, GetBodies]:
        """Answer requests for headers; return the first request for bodies."""
        while True:
            following: list[ev.Effect] = []
            for effect in of(effects, ev.SendMessage):
                for wanted in sent([effect], GetBodies):
                    return effect.peer, wanted
                for asked in sent([effect], GetHeaders):
                    following += self.bench.say(effect.peer, self.headers(asked))
            assert following, "no bodies were asked for"
            effects = following


def test_a_node_that_is_late_gets_the_chain_in_order() -> None:
    late = Late(6, txs=3)
    bench = late.bench
    late.serve(bench.log)
    assert bench.node.head.block_id == late.ahead.node.head.block_id
    assert bench.node.head.state.root == late.ahead.node.head.state.root
    written = [block.height for block in of(bench.log, ev.PersistBlock)]
    assert written == [1, 2, 3, 4, 5, 6]
    assert bench.node.ahead == {}
    assert bench.node.checks == {}


def test_each_synced_block_is_durable_before_it_is_reported() -> None:
    late = Late(4)
    late.serve(late.bench.log)
    order = [
        ("write" if isinstance(effect, ev.PersistBlock) else "report", height)
        for effect in late.bench.log
        for height in [
            effect.height
            if isinstance(effect, ev.PersistBlock)
            else next((f.height for f in facts([effect], ev.HeadMoved)), 0)
        ]
        if height
    ]
    assert order == [(what, height) for height in (1, 2, 3, 4) for what in ("write", "report")]


def test_a_false_seal_costs_its_giver_everything_and_us_no_signature_check() -> None:
    late = Late(6, txs=3)
    bench = late.bench
    peer, asked = late.asked_bodies(bench.log)
    false = [
        encode(SealedBlock(late.chain[i].block, bench.seal(late.chain[(i + 1) % 6])))
        for i in range(asked.count)
    ]
    effects = bench.feed(ev.Received(peer, encode(Bodies(asked.first, tuple(false)))))
    assert of(effects, ev.AskVerify) == []
    assert closed(effects) == [(peer, "bad_seal")]
    assert bench.node.head.header.height == 0
    late.serve(effects)
    late.serve(bench.advance(1_000))
    assert bench.node.head.header.height == 6, "another peer gives the true one"


def test_too_few_signatures_are_no_seal() -> None:
    late = Late(6)
    bench = late.bench
    peer, asked = late.asked_bodies(bench.log)
    candidate = late.chain[0]
    votes = [bench.vote(i, PRECOMMIT, candidate.block_id, height=1).signature for i in (0, 1)]
    seal = encode(Certificate(0, 1, 0, candidate.block_id, (0, 1), tuple(votes)))
    false = encode(SealedBlock(candidate.block, seal))
    effects = bench.say(peer, Bodies(asked.first, (false, *late.bodies(asked).blocks[1:])))
    assert [fact.code for fact in facts(effects, ev.BlockRefused)] == ["bad_seal"]
    assert of(effects, ev.PersistBlock) == []


def one_behind(txs: int = 1) -> tuple[Late, Candidate, bytes, GetBodies]:
    """Return a node that works on height 1, asked its peer for that block, and holds the proposal."""
    late = Late(1, txs=txs)
    bench = late.bench
    candidate = late.chain[0]
    effects = bench.advance(200)
    bench.now += 600  # the grace in which consensus brings it by itself
    effects += bench.say(late.peer, bench.status(height=1))
    effects += bench.say(late.other, bench.status(height=1))
    peer, asked = next((e.peer, m) for e in of(bench.log, ev.SendMessage) for m in sent([e], GetBodies))
    return late, candidate, peer, asked


def test_a_block_that_consensus_and_sync_both_work_on_is_verified_and_executed_once() -> None:
    late, candidate, peer, asked = one_behind()
    bench = late.bench
    executed: list[bytes] = []

    def apply(parent: object, context: object, txs: tuple[SignedTx, ...], block_id: bytes) -> Applied:
        executed.append(block_id)
        return plain_apply(parent, context, txs, block_id)  # type: ignore[arg-type]

    bench.node.apply = apply
    proposal = bench.proposal(candidate)
    effects = bench.feed(ev.Received(late.other, encode(proposal)))
    effects += bench.feed(ev.Received(peer, encode(late.bodies(asked))))
    assert len(of(effects, ev.AskVerify)) == 1
    effects += bench.answer()
    assert bench.node.head.block_id == candidate.block_id
    assert executed == [candidate.block_id]
    assert len(of(effects, ev.PersistBlock)) == 1


def test_sync_first_then_the_proposal_of_the_same_block() -> None:
    late, candidate, peer, asked = one_behind()
    bench = late.bench
    effects = bench.feed(ev.Received(peer, encode(late.bodies(asked))))
    effects += bench.feed(ev.Received(late.other, encode(bench.proposal(candidate))))
    assert len(of(effects, ev.AskVerify)) == 1
    bench.answer()
    assert bench.node.head.block_id == candidate.block_id
    assert bench.node.checks == {}


def test_a_false_seal_does_not_spoil_the_block_for_consensus() -> None:
    late, candidate, peer, asked = one_behind()
    bench = late.bench
    bench.node.fence.has_caught_up = True
    false = encode(SealedBlock(candidate.block, b"no seal"))
    bench.say(peer, Bodies(asked.first, (false,)))
    effects = bench.say(late.other, bench.proposal(candidate))
    ours = [v for m in sent(effects, Votes) for v in m.votes if v.signer == bench.key_of(0)]
    assert {(v.kind, v.block_id) for v in ours} == {(PREVOTE, candidate.block_id)}


def test_a_sealed_block_that_consensus_commits_first_is_not_kept_for_ever() -> None:
    late, candidate, peer, asked = one_behind()
    bench = late.bench
    bench.feed(ev.Received(peer, encode(late.bodies(asked))))  # waits for its signatures
    assert list(bench.node.ahead) == [candidate.block_id]
    verify = bench.asked.pop()
    bench.asked.clear()
    bench.run(ev.SubmitTransactions(1, tuple(candidate.block.txs)))
    bench.node.ahead[candidate.block_id].waiting_for = 0  # as if consensus had verified it first
    bench.say(late.other, bench.proposal(candidate))
    bench.say(late.other, bench.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
    assert bench.node.head.block_id == candidate.block_id
    assert bench.node.ahead == {}
    assert bench.node.checks == {}
    assert isinstance(verify, ev.AskVerify)
    assert bench.feed(ev.Verified(verify.ticket, (True,))) == []


def test_a_halted_node_imports_nothing() -> None:
    late = Late(3)
    late.bench.feed(ev.DiskLow(1))
    late.serve(late.bench.log)
    assert late.bench.node.head.header.height == 0


def test_a_header_that_lies_about_its_state_is_refused() -> None:
    """All members seal it, so nobody can repair it: this node must not follow."""
    late = Late(1)
    bench = late.bench
    header = replace(late.chain[0].block.header, state_root=bytes(32))
    block = replace(late.chain[0].block, header=header)
    false = Candidate(block=block, block_id=block_id_of(header), raw=encode(block), source=b"")
    bench.now += 600
    bench.say(late.peer, bench.status(height=1))
    bench.say(late.other, bench.status(height=1))
    peer, asked = next((e.peer, m) for e in of(bench.log, ev.SendMessage) for m in sent([e], GetBodies))
    effects = bench.say(peer, Bodies(asked.first, (bench.sealed(false),)))
    assert [fact.code for fact in facts(effects, ev.BlockRefused)] == ["bad_root"]
    assert bench.node.head.header.height == 0


def test_sync_stays_within_reach_of_the_disk() -> None:
    """What is committed and not yet written is held in memory: a slow disk must not fill it."""
    late = Late(12)
    bench = late.bench
    bench.node.config = dataclasses.replace(bench.node.config, unwritten_max=3)
    late.serve(bench.log)
    assert bench.node.head.header.height == 3
    late.serve(bench.run(ev.Written(2)))
    assert bench.node.head.header.height == 5
    while bench.node.head.header.height < 12:
        late.serve(bench.run(ev.Written(bench.node.head.header.height)))
    assert bench.node.head.block_id == late.ahead.node.head.block_id
