"""The engine's place in the node: what it asks is done here, and what it must know is given here."""

from typing import assert_never

from chaosnet.base.errors import Invalid, InvalidMessage
from chaosnet.consensus.engine import (
    Accused,
    AskSignature,
    BlockSealed,
    BuildCandidate,
    CandidateBuilt,
    CandidateChecked,
    CheckCandidate,
    Given,
    HeadChanged,
    KeepCandidate,
    PeerSaid,
    RoundEntered,
    Say,
    SetTimer,
    Signed,
    TimerFired,
    WorkWaiting,
)
from chaosnet.consensus.engine import Asked as AskedByEngine
from chaosnet.kernel import chain, producer
from chaosnet.kernel import events as ev
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.mempool import nonces_in
from chaosnet.kernel.node import Node
from chaosnet.kernel.outbox import send, send_all
from chaosnet.ledger.epochs import last_reveal
from chaosnet.model.evidence import Proposal, SignedHeader, Vote, evidence_key
from chaosnet.model.genesis import engine_at, era_at
from chaosnet.model.header import QuorumProof, RoundProof
from chaosnet.protocol.messages import Propose, Votes

TIMER = "engine:"
CANDIDATES_MAX = 4
"""Proposed blocks kept beside those that the engine remembers."""
ROUNDS_AHEAD = 16
"""Blocks of rounds further ahead are not taken and votes not passed on: else one member could make work for
all, round after round. Whoever is there gives them to those who ask by their status.
"""
REMIND_MS = 3_000
REMIND_TXS = 500


def start(node: Node, now: int) -> None:
    """Tell the engine where the chain stands."""
    give(node, _head_changed(node), now)


def give(node: Node, given: Given, now: int) -> None:
    """Feed the engine and do what it asks, until it asks no more; a halted node takes no part."""
    if node.halted:
        return
    queue: list[Given] = [given]
    while queue and not is_over(node):
        for asked in node.engine.step(queue.pop(0), now):
            queue.extend(_do(node, asked, now))


def is_over(node: Node) -> bool:
    """Return whether the engine has done its last block: the next one is another engine's."""
    header = node.head.header
    return header.height > 0 and engine_at(node.config.genesis, header.height + 1) != node.engine.name


def _do(node: Node, asked: AskedByEngine, now: int) -> list[Given]:
    """Do one thing the engine asked; return what it must be told at once."""
    match asked:
        case BuildCandidate(height=height, round=round_):
            return _build(node, height, round_, now)
        case CheckCandidate():
            return _check(node, asked)
        case Say(message=message):
            _say(node, message)
        case SetTimer(name=name, height=height, round=round_, at_ms=at_ms):
            node.engine_timers[name] = (height, round_)
            node.effects.append(ev.SetTimer(TIMER + name, at_ms))
        case AskSignature():
            node.effects.append(ev.AskSignature(asked))
        case KeepCandidate(block_id=block_id):
            candidate = node.candidates[block_id]
            node.effects.append(ev.PersistCandidate(candidate.block.header.height, block_id, candidate.raw))
        case BlockSealed(block_id=block_id, seal=seal):
            return [commit(node, node.candidates[block_id], seal, now)]
        case Accused(evidence=evidence):
            signer, _, height = evidence_key(evidence)
            node.effects.append(ev.PersistEvidence(evidence))
            node.effects.append(ev.Report(ev.DoubleSign(signer, height)))
        case RoundEntered(height=height, round=round_, step=step):
            if step == "propose":
                remind_proposer(node, round_, now)
            node.effects.append(ev.Report(ev.RoundMoved(height, round_, step)))
        case _:
            assert_never(asked)
    return []


def _build(node: Node, height: int, round_: int, now: int) -> list[Given]:
    if height != node.head.header.height + 1:
        return []
    if node.engine.name == "dbft":
        ticket = node.next_ticket()
        node.reveals = {ticket: (height, round_)}
        last = last_reveal(node.head.state, node.engine.proposer(height, round_))
        node.effects.append(ev.AskAnswer(ticket, "reveal", last.reveal if last is not None else b""))
        return []
    return _built(node, QuorumProof(round=round_), now)


def on_answer(node: Node, event: ev.Answered, now: int) -> None:
    """Build the block that waited for the next layer of this key's hash onion."""
    height, round_ = node.reveals.pop(event.ticket, (0, 0))
    if height == node.head.header.height + 1:
        for given in _built(node, RoundProof(round=round_, reveal=event.answer), now):
            give(node, given, now)


def _built(node: Node, proof: QuorumProof | RoundProof, now: int) -> list[Given]:
    height, round_ = node.head.header.height + 1, proof.round
    candidate = producer.build(node, proof, node.engine.proposer(height, round_), now)
    _keep(node, candidate)
    time_ms = candidate.block.header.time_ms
    return [CandidateBuilt(height=height, round=round_, block_id=candidate.block_id, time_ms=time_ms)]


def _check(node: Node, asked: CheckCandidate) -> list[Given]:
    candidate = find_candidate(node, asked.block_id)
    if candidate is None:
        node.unheld[asked.block_id] = asked
        return []
    node.unheld.pop(asked.block_id, None)
    candidate.asked = asked
    if candidate.refused or candidate.applied is not None:
        return [_verdict(candidate)]
    try:
        chain.check_header(node, candidate.block.header)
        if not candidate.txs and not candidate.waiting_for:
            chain.prepare(node, candidate)
    except Invalid as error:
        chain.refuse(node, candidate, error)
        return [_verdict(candidate)]
    return [] if candidate.waiting_for else _executed(node, candidate)


def _executed(node: Node, candidate: Candidate) -> list[Given]:
    try:
        chain.execute(node, candidate)
        header = candidate.block.header
        proof = header.proof
        turn = proof.round if isinstance(proof, QuorumProof | RoundProof) else 0
        if header.proposer != node.engine.proposer(header.height, turn):
            raise Invalid("bad_proposer")
    except Invalid as error:
        candidate.applied = None
        chain.refuse(node, candidate, error)
    return [_verdict(candidate)]


def _verdict(candidate: Candidate) -> CandidateChecked:
    header = candidate.block.header
    proof = header.proof
    return CandidateChecked(
        block_id=candidate.block_id,
        is_valid=candidate.applied is not None,
        time_ms=header.time_ms,
        proposal_round=proof.round if isinstance(proof, QuorumProof | RoundProof) else 0,
    )


def answer_check(node: Node, candidate: Candidate, now: int) -> None:
    """Tell the engine what became of a block it asked about, once its signatures are checked."""
    if candidate.asked is not None and candidate.block_id in node.candidates:
        for given in [_verdict(candidate)] if candidate.refused else _executed(node, candidate):
            give(node, given, now)


def commit(node: Node, candidate: Candidate, seal: bytes, now: int) -> HeadChanged:
    """Make a sealed block the head; return what the engine must be told of it."""
    chain.commit(node, candidate, seal, now)
    node.sync.set_head(node.head.header.height, node.head.block_id, now)
    return _head_changed(node)


def _head_changed(node: Node) -> HeadChanged:
    head = node.head
    waiting = has_work(node)
    node.work_told = waiting
    return HeadChanged(
        header=head.header,
        block_id=head.block_id,
        era=era_at(node.config.genesis, head.header.height + 1),
        validators=head.validators,
        params=head.params,
        work_waiting=waiting,
        seed=head.epoch.seed if head.epoch is not None else b"",
    )


def has_work(node: Node) -> bool:
    """Return whether some pending transaction could be in the next block."""
    return len(node.mempool) > 0 and node.mempool.has_includable(nonces_in(node.head.state))


def tell_work(node: Node, now: int) -> None:
    """Tell the engine, once per head, that transactions wait."""
    if not node.work_told and not node.halted and has_work(node):
        node.work_told = True
        give(node, WorkWaiting(), now)


def remind_proposer(node: Node, round_: int, now: int) -> None:
    """Send transactions that have waited for long to the proposer: it may have missed their first push.

    What waits because no block could hold it any more is dropped instead.
    """
    operator = node.engine.proposer(node.head.header.height + 1, round_)
    node_of = {m.operator: m.node_key for m in node.head.members}
    waiting = node.mempool.take_waiting(now - REMIND_MS, REMIND_TXS, now)
    items = [(signed.tx_hash, signed.raw) for signed in producer.still_good(node, waiting, now)]
    send_all(node, node.gossip.push_to(node_of.get(operator, b""), items, again=True))


def find_candidate(node: Node, block_id: bytes) -> Candidate | None:
    """Return a candidate of the height after the head, from memory or kept on disk."""
    known = node.candidates.get(block_id)
    if known is not None:
        return known
    known = node.ahead.get(block_id)
    if known is None:
        raw = node.reader.candidate(block_id)
        known = chain.candidate_from(raw, source=b"") if raw is not None else None
    if known is None or known.block.header.parent != node.head.block_id:
        return None
    _keep(node, known)
    return known


def _keep(node: Node, candidate: Candidate) -> None:
    """Keep a block for the height after the head; the oldest that the engine does not remember gives way."""
    spare = [block_id for block_id in node.candidates if not node.engine.remembers(block_id)]
    for block_id in spare[: max(0, len(spare) + 1 - CANDIDATES_MAX)]:
        del node.candidates[block_id]
    node.candidates[candidate.block_id] = candidate


# ── messages of the engine ───────────────────────────────────────────────────────────────────────────────


def _say(node: Node, message: Proposal | Vote) -> None:
    for peer in node.sessions.ready():
        _send_engine_message(node, peer, message)


def _send_engine_message(node: Node, peer: bytes, message: Proposal | Vote) -> None:
    if isinstance(message, Vote):
        send(node, peer, Votes(votes=(message,)))
        return
    candidate = find_candidate(node, message.block_id)
    if candidate is not None:
        send(node, peer, Propose(proposal=message, block=candidate.raw))
        votes = node.engine.votes_behind(message)
        if votes:  # now: they count only in the round of a proposal that needs them, once theirs is long past
            send(node, peer, Votes(votes=votes))


def on_proposal(node: Node, peer: bytes, message: Propose, now: int) -> None:
    """Take a proposal with its block; raises InvalidMessage when one of the two is not what it says."""
    proposal = message.proposal
    head = node.head.header
    if proposal.height != head.height + 1 or proposal.era != era_at(node.config.genesis, proposal.height):
        return
    position = node.head.validators.index_of_key(proposal.signer)
    if position < 0:
        return
    turn = node.engine.proposer(proposal.height, proposal.round)
    if node.head.validators.validators[position].operator != turn:
        raise InvalidMessage("bad_proposer", penalty=10)
    if not -1 <= proposal.pol_round < proposal.round:
        raise InvalidMessage("malformed", "justified by no earlier round", penalty=100)
    is_new = node.engine.wants(proposal) and not _is_far(node, proposal)
    if not is_new and proposal.block_id not in node.unheld:
        return
    if not node.engine.is_genuine(proposal):
        raise InvalidMessage("bad_signature", "proposal", penalty=100)
    if proposal.block_id not in node.candidates and not _take_block(node, peer, message):
        return
    node.heard[proposal.signer] = now
    if is_new:
        _relay(node, peer, proposal)
        give(node, PeerSaid(proposal), now)
    asked = node.unheld.get(proposal.block_id)
    for answer in _check(node, asked) if asked is not None else ():
        give(node, answer, now)


def _take_block(node: Node, peer: bytes, message: Propose) -> bool:
    """Keep the block of a proposal; return False when it does not come with it."""
    if not message.block or message.proposal.block_id in node.ahead:
        return find_candidate(node, message.proposal.block_id) is not None
    try:
        candidate = chain.candidate_from(message.block, source=peer)
    except Invalid as error:
        raise InvalidMessage(error.code, error.detail, penalty=50) from error
    if candidate.block_id != message.proposal.block_id:
        raise InvalidMessage("bad_header", "block is not the proposed one", penalty=50)
    _keep(node, candidate)
    return True


def on_votes(node: Node, peer: bytes, message: Votes, now: int) -> None:
    """Take votes of this height or the next; raises InvalidMessage for one its signer did not sign.

    Only what counts is verified, and only what is genuine is passed on: honest peers send no other.
    """
    for vote in message.votes:
        if not node.engine.wants(vote):
            continue
        if not node.engine.is_genuine(vote):
            raise InvalidMessage("bad_signature", "vote", penalty=100)
        node.heard[vote.signer] = now
        _relay(node, peer, vote)
        give(node, PeerSaid(vote), now)


def _is_far(node: Node, message: Proposal | Vote) -> bool:
    return message.round > node.engine.round_state().round + ROUNDS_AHEAD


def _relay(node: Node, source: bytes, message: Proposal | Vote) -> None:
    """Pass a message on to peers that have no link to its signer: direct links are the fast path."""
    if _is_far(node, message):
        return
    position = node.head.validators.index_of_key(message.signer)
    for peer in node.sessions.ready():
        if peer != source and not node.linked.get(peer, 0) >> position & 1:
            _send_engine_message(node, peer, message)


# ── answers of the world ─────────────────────────────────────────────────────────────────────────────────


def on_signature(node: Node, event: ev.SignatureMade, now: int) -> None:
    """Hand a signed message, or the refusal, to the engine."""
    if not isinstance(event.unsigned, SignedHeader) and not isinstance(event.message, SignedHeader):
        give(node, Signed(unsigned=event.unsigned, message=event.message), now)


def on_timer(node: Node, name: str, now: int) -> None:
    """Hand a timer to the engine."""
    height, round_ = node.engine_timers.pop(name, (0, 0))
    if height == node.head.header.height + 1:
        give(node, TimerFired(name=name, height=height, round=round_), now)
