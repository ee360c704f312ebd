"""From one engine to the next (protocol: Hand-over).

The last block S of an era is final at once under pbft and dbft. Under the others the old producers append
empty tail headers on S until the old rule makes S final; these are no blocks of the chain. The first block of
the new era follows S and carries the tail, or the certificate, as the seal of its parent.
"""

from dataclasses import replace

from msgspec import structs

from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.errors import Invalid, InvalidBlock
from chaosnet.consensus.branching import Parent, View
from chaosnet.kernel.blocks import Candidate, Head
from chaosnet.kernel.node import Node
from chaosnet.kernel.tree import Entry, Tree
from chaosnet.model.block import SEAL_BYTES_MAX, Block, SealedBlock, tx_root_of, validators_hash_of
from chaosnet.model.genesis import era_at
from chaosnet.model.header import HEADER_VERSION, Header, Proof, block_id_of, seal_hash_of
from chaosnet.model.receipt import receipts_root_of


class Tail(Record, tag=1):
    """Headers that make the last block of an era final, each with its seal, in ascending height."""

    headers: tuple[tuple[Header, bytes], ...]


_decoder: Decoder[Tail] = Decoder(Tail, SEAL_BYTES_MAX)


def is_last_of_era(node: Node, header: Header) -> bool:
    """Return whether another engine rules from the next height on."""
    return header.height > 0 and era_at(node.config.genesis, header.height + 1) != header.era


def is_at_end(node: Node, entry: Entry) -> bool:
    """Return whether the engine in force can only append to a tail here."""
    return entry.is_tail or (is_last_of_era(node, entry.head.header) and entry.head.header.era == node.era)


def is_tail(node: Node, header: Header) -> bool:
    """Return whether a header stands above the last block of its era."""
    return header.height > 0 and era_at(node.config.genesis, header.height) > header.era >= 0


def tail_head(head: Head) -> Head:
    """Return a block as its tail sees it: the set that sealed it goes on."""
    return replace(head, validators=head.sealed_by, epoch=head.sealed_in)


def tail_facts(node: Node, parent: Head) -> Parent:
    """Return what the old engine may know of the last block of its era, or of a tail block."""
    era = parent.header.era
    era_height = node.config.genesis.schedule[era].height - 1
    return Parent(
        header=parent.header,
        block_id=parent.block_id,
        era=era,
        era_height=era_height,
        era_time_ms=node.ancestor_header(parent, era_height).time_ms,
        validators=parent.validators,
        params=structs.replace(parent.params, finality_depth=parent.params.handover_depth),
        epoch=parent.epoch,
        view=parent.view,
        ancestor=lambda at: node.ancestor_header(parent, at),
    )


def check_tail_header(node: Node, parent: Head, header: Header) -> None:
    """Raise InvalidBlock unless a header is empty and follows the last block of an era, or its tail."""
    hash_of_set = validators_hash_of(parent.sealed_by)
    expected = structs.replace(
        header,
        version=HEADER_VERSION,
        genesis=node.genesis_hash,
        era=parent.header.era,
        height=parent.header.height + 1,
        parent=parent.block_id,
        rule=parent.header.rule,
        tx_root=tx_root_of(()),
        tx_count=0,
        engine=parent.header.engine,
        state_root=parent.header.state_root,
        receipts_root=receipts_root_of(()),
        validators_hash=hash_of_set,
        next_validators_hash=hash_of_set,
        parent_seal_hash=seal_hash_of(b""),
        gas_used=0,
    )
    if header.time_ms <= parent.header.time_ms or header != expected:
        raise InvalidBlock("bad_header", "tail")


def check_tail_block(node: Node, parent: Head, block: Block) -> None:
    """Raise InvalidBlock unless a block may stand in a tail."""
    check_tail_header(node, parent, block.header)
    if block.txs or block.parent_seal:
        raise InvalidBlock("bad_header", "tail blocks are empty")


def tail_candidate(node: Node, head: Head, proof: Proof, *, time_ms: int, proposer: bytes) -> Candidate:
    """Return an empty block of our own that goes on with a tail."""
    parent = tail_head(head)
    hash_of_set = validators_hash_of(parent.sealed_by)
    header = Header(
        version=HEADER_VERSION,
        genesis=node.genesis_hash,
        era=parent.header.era,
        height=parent.header.height + 1,
        parent=parent.block_id,
        time_ms=time_ms,
        proposer=proposer,
        rule=parent.header.rule,
        tx_root=tx_root_of(()),
        tx_count=0,
        engine=parent.header.engine,
        state_root=parent.header.state_root,
        receipts_root=receipts_root_of(()),
        validators_hash=hash_of_set,
        next_validators_hash=hash_of_set,
        parent_seal_hash=seal_hash_of(b""),
        gas_used=0,
        proof=proof,
    )
    block = Block(header=header, parent_seal=b"", txs=())
    return Candidate(block=block, block_id=block_id_of(header), raw=encode(block), source=b"")


def tail_after(parent: Head, header: Header, candidate: Candidate, view: View) -> Head:
    """Return a tail block as the next one sees it: the state stays."""
    return replace(
        tail_head(parent), header=header, block_id=candidate.block_id, seal=candidate.seal, view=view
    )


def tail_of(tree: Tree, best: Entry) -> bytes:
    """Return the encoded tail from the last block of an era up to a tip."""
    headers = [(e.head.header, e.head.seal) for e in tree.path(best.head.block_id) if e.is_tail]
    return encode(Tail(tuple(reversed(headers))))


def tail_blocks(node: Node, head: Head) -> list[SealedBlock]:
    """Return the blocks of the tail that ended an era with this block, ascending; none for others."""
    if not is_last_of_era(node, head.header) or node.branch_of(head.header.engine) is None:
        return []
    try:
        tail = _decoder.decode(head.seal)
    except Invalid:
        return []  # not final here yet
    return [SealedBlock(Block(header, b"", ()), seal) for header, seal in tail.headers]


def check_tail(node: Node, head: Head, seal: bytes) -> None:
    """Raise InvalidBlock unless this seal makes the last block of an era final by the era's own rule."""
    old = head.header.engine
    if seal and seal == node.head.seal and head.block_id == node.head.block_id and head.header.era < node.era:
        return  # what ended the era here
    branch = node.branch_of(old)
    if branch is None:
        seed = head.sealed_in.seed if head.sealed_in is not None else b""
        node.engine_of(old).check_seal(head.header, seal, head.sealed_by, seed)
        return
    try:
        tail = _decoder.decode(seal)
    except Invalid as error:
        raise InvalidBlock("bad_seal", f"tail: {error.code}") from error
    at = tail_head(head)
    for header, signature in tail.headers:
        check_tail_header(node, at, header)
        facts = tail_facts(node, at)
        branch.check(header, signature, facts)
        at = replace(
            at, header=header, block_id=block_id_of(header), seal=signature, view=branch.follow(header, facts)
        )
    if at.view is None or at.view.final_height < head.header.height:
        raise InvalidBlock("bad_seal", "the tail does not make the last block of the era final")
