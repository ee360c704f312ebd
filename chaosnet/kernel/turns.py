"""Whose turn it is to make a block, where everybody can know that in advance: for faces."""

from chaosnet.consensus import dpos, slots
from chaosnet.kernel import making
from chaosnet.kernel.node import Node
from chaosnet.model.header import SlotProof


def leader_at(node: Node, now: int) -> bytes:
    """Return the operator whose turn it is: of the round (pbft, dbft) or of the slot (dpos); else nobody."""
    if node.branch is None or node.tree is None:
        state = node.engine.round_state()
        return node.engine.proposer(state.height, state.round)
    if node.branch.name != "dpos":
        return b""
    tip = node.tree.best()
    facts = making.facts_on(node, tip)
    slot = max(1, (now - facts.era_time_ms) // facts.params.slot_ms)
    header = tip.head.header
    if isinstance(header.proof, SlotProof) and header.era == facts.era and slot <= slots.slot_of(header):
        return header.proposer  # the slot is used: the order after this block may be another epoch's
    return dpos.leader_of(facts, slot)
