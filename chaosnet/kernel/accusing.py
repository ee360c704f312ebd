"""Proof against producers of pos and dpos: two headers of which an honest one signs only one (LIP-14).

Each block that comes into the tree is held against the others of its producer there. What is final stays
final whoever else turns up, so nothing below the root is looked at.
"""

from chaosnet.kernel import events as ev
from chaosnet.kernel.blocks import Head
from chaosnet.kernel.node import Node
from chaosnet.kernel.tree import Entry, Tree
from chaosnet.model.evidence import ContradictingHeaders, SignedHeader, are_contradicting
from chaosnet.model.header import SlotProof, StakeProof


def look(node: Node, tree: Tree, new: Entry) -> None:
    """Keep proof, and say so, when a block contradicts another of its producer; once until the root moves."""
    header = new.head.header
    if not isinstance(header.proof, SlotProof | StakeProof) or header.proposer in tree.accused:
        return
    for entry in tree.entries.values():
        other = entry.head.header
        if (other.proposer, other.era, other.engine) != (header.proposer, header.era, header.engine):
            continue
        signer = _signer(new.head)
        if not signer or signer != _signer(entry.head) or not are_contradicting(header, other):
            continue
        first, second = sorted((new.head, entry.head), key=lambda head: head.block_id)
        evidence = ContradictingHeaders(
            SignedHeader(first.header, signer, first.seal), SignedHeader(second.header, signer, second.seal)
        )
        tree.accused[header.proposer] = None
        node.effects.append(ev.PersistEvidence(evidence))
        node.effects.append(ev.Report(ev.DoubleSign(signer, first.header.height)))
        return


def _signer(head: Head) -> bytes:
    """Return the consensus key that sealed a verified block; empty when its set is not known here."""
    return next((v.key for v in head.sealed_by.validators if v.operator == head.header.proposer), b"")
