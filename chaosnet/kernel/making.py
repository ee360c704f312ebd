"""Making blocks where the chain can fork: a turn, the answer of a secret, then the nonce or the signature.

One block is on its way at a time, on the tip that counts most; a better tip ends it.
"""

from msgspec import structs

from chaosnet.base.errors import Broken
from chaosnet.consensus.branching import Ballot, Parent, Turn
from chaosnet.consensus.engine import AskSignature as SignatureRequest
from chaosnet.kernel import events as ev
from chaosnet.kernel import handover, producer
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.node import Making, Node
from chaosnet.kernel.tree import Entry
from chaosnet.ledger.epochs import last_reveal
from chaosnet.model.evidence import SignedHeader
from chaosnet.model.header import PowProof, Proof

TIMER = "turn"
RENEW = "renew"
RENEW_MS = 2_000
"""A miner takes new transactions up after this pause."""


def plan(node: Node, now: int, after_ms: int = 0) -> None:
    """Look for this node's next turn on the best tip, unless it waits for one there already."""
    if node.branch is None or node.tree is None:
        return
    tip = node.tree.best()
    making = node.making
    if making is not None and making.parent == tip.head.block_id and not after_ms:
        return
    stop(node)
    operator = own_operator(node)
    if not operator or node.halted or not node.is_trusted:
        return
    if node.sync.is_syncing(now) or node.tail or _is_alone(node):
        return
    turn = node.branch.next_turn(facts_on(node, tip), operator, max(after_ms, now - 1))
    if turn is not None:
        node.making = Making(node.next_ticket(), tip.head.block_id, turn)
        node.effects.append(ev.SetTimer(TIMER, max(now, turn.at_ms)))


def _is_alone(node: Node) -> bool:
    """Return whether a miner knows of others and has heard none since its start.

    Blocks it made now would be of no use, and, once final to itself alone, keep it apart for good.
    """
    if node.branch is None or node.branch.name != "pow":
        return False
    return bool(node.config.bootstrap) and not node.heard


def stop(node: Node) -> None:
    """Give up the block on its way."""
    if node.making is not None and node.branch is not None and node.branch.name == "pow":
        node.effects.append(ev.Rest())
    node.making = None


def own_operator(node: Node) -> bytes:
    """Return whom this node makes blocks for: its member under pow, its validator under pos and dpos."""
    if node.branch is not None and node.branch.name == "pow":
        return node.config.miner
    if node.tree is None:
        return b""
    tip = node.tree.best()
    return node.own_operator(facts_on(node, tip).validators)


def facts_on(node: Node, tip: Entry) -> Parent:
    """Return what the engine may know of the tip."""
    if handover.is_at_end(node, tip):
        return handover.tail_facts(node, handover.tail_head(tip.head))
    return node.parent_facts(tip.head)


def on_timer(node: Node, now: int) -> None:
    """A turn has come: ask the key holder, or begin to build."""
    making = node.making
    if making is None or node.branch is None or making.candidate is not None:
        return
    if now < making.turn.at_ms:
        node.effects.append(ev.SetTimer(TIMER, making.turn.at_ms))
        return
    kind = {"pos": "lottery", "dpos": "reveal"}.get(node.branch.name, "")
    if not kind:
        _build(node, making, b"", now)
        return
    question = making.turn.question
    if kind == "reveal":
        last = last_reveal(_tip(node).head.state, own_operator(node))
        question = last.reveal if last is not None else b""
    node.effects.append(ev.AskAnswer(making.ticket, kind, question))


def on_answer(node: Node, event: ev.Answered, now: int) -> None:
    """The key holder answered: build the block, or look for the next turn."""
    making = node.making
    if making is None or making.ticket != event.ticket:
        return
    if event.answer:
        _build(node, making, event.answer, now)
    else:
        plan(node, now, after_ms=making.turn.at_ms)


def _tip(node: Node) -> Entry:
    if node.tree is None or node.making is None:
        raise Broken("internal", "no block is on its way")
    return node.tree.entries[node.making.parent]


def _build(node: Node, making: Making, answer: bytes, now: int) -> None:
    branch, tip = node.branch, _tip(node)
    if branch is None:
        return
    facts = facts_on(node, tip)
    proof = branch.proof(facts, making.turn, answer, _generated(node, facts, making.turn.proposer))
    if proof is None:
        plan(node, now, after_ms=making.turn.at_ms)
        return
    making.candidate = candidate = _draft(node, tip, proof, making.turn, now)
    header = candidate.block.header
    if isinstance(header.proof, PowProof):
        _mine(node, making, now)
        return
    key = node.config.consensus_key or b""
    unsigned = SignedHeader(header=header, signer=key, signature=b"")
    node.effects.append(ev.AskSignature(SignatureRequest(unsigned, 0, -1, b"")))


def _generated(node: Node, facts: Parent, proposer: bytes) -> int:
    """Return the greatest height at which this operator has made a block in the era, as far as known here.

    Blocks of the branch count too: a key that was just taken into use has not signed them. And as the sign
    state may be an old copy, it could have made any block that there was when this process began.
    """
    own = node.generated[1] if node.generated[0] == facts.era else 0
    blocks = facts.view.blocks if isinstance(facts.view, Ballot) else ()
    seen = [max(block.height, block.max_height_generated) for block in blocks if block.proposer == proposer]
    return max(own, facts.era_height, node.fence.caught_up_at, *seen)


def _draft(node: Node, tip: Entry, proof: Proof, turn: Turn, now: int) -> Candidate:
    time_ms = turn.at_ms if turn.slot else max(now, tip.head.header.time_ms + 1)
    operator = own_operator(node)
    if handover.is_at_end(node, tip):
        return handover.tail_candidate(node, tip.head, proof, time_ms=time_ms, proposer=operator)
    return producer.build_on(node, tip.head, proof, time_ms=time_ms, proposer=operator, now=now)


# ── pow ──────────────────────────────────────────────────────────────────────────────────────────────────


def _mine(node: Node, making: Making, now: int) -> None:
    candidate, miner = making.candidate, node.branch
    if candidate is None or miner is None:
        return
    pre_hash, target = miner.puzzle(candidate.block.header)
    node.effects.append(ev.Mine(making.ticket, pre_hash, target))
    node.effects.append(ev.SetTimer(RENEW, now + RENEW_MS))


def renew(node: Node, now: int) -> None:
    """Take up transactions that came since the miner began."""
    making = node.making
    if making is None or making.candidate is None or node.branch is None or node.branch.name != "pow":
        return
    if len(node.mempool) > len(making.candidate.txs):
        plan(node, now, after_ms=now - 1)
    else:
        node.effects.append(ev.SetTimer(RENEW, now + RENEW_MS))


def on_mined(node: Node, event: ev.Mined) -> Candidate | None:
    """Return the block of our own that a nonce completes."""
    making = node.making
    if making is None or making.candidate is None or making.ticket != event.ticket:
        return None
    candidate = making.candidate
    header = candidate.block.header
    if not isinstance(header.proof, PowProof):
        return None
    node.making = None
    proof = PowProof(bits=header.proof.bits, nonce=event.nonce)
    return producer.recoded(candidate, structs.replace(header, proof=proof))


# ── pos and dpos ─────────────────────────────────────────────────────────────────────────────────────────


def on_signature(node: Node, event: ev.SignatureMade, now: int) -> Candidate | None:
    """Return the sealed block of our own; look for the next turn when the sign state refused."""
    making, signed = node.making, event.message
    if isinstance(signed, SignedHeader):  # whatever becomes of it: the next header must account for it
        era, greatest = node.generated
        header = signed.header
        node.generated = (header.era, max(greatest, header.height) if era == header.era else header.height)
    if making is None or making.candidate is None or not isinstance(event.unsigned, SignedHeader):
        return None
    if event.unsigned.header != making.candidate.block.header:
        return None
    if not isinstance(signed, SignedHeader):
        plan(node, now, after_ms=making.turn.at_ms)
        return None
    candidate = making.candidate
    candidate.seal = signed.signature
    node.making = None
    return candidate
