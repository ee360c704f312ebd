"""The finality gadget of pos and dpos: votes that headers imply (Lisk-BFT, LIP-14).

A header tells its producer's greatest height so far and the greatest prevoted height of its branch. From
these two numbers follow its prevotes (for all blocks since the producer's last one) and its precommits (for
those of them that have two thirds of prevotes by then). Two thirds of precommits make a block final. Who
breaks the rules between two of its headers can be proved guilty (evidence.claims_contradict); as long as less
than a third of the weight does, no two branches finalise different blocks.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.branching import Ballot, BlockVotes, Fact, SetWeights, VoterRecord
from chaosnet.model.block import ValidatorSet
from chaosnet.model.evidence import claims_contradict

ROUNDS: Final = 3
"""A block can gather votes for so many rounds of as many blocks as there are validators (LIP-14)."""
ROUNDS_MAX: Final = 10
"""And for so many at most, where leaders are drawn: before each has had its turn, many have had several."""


class Claim(Fact):
    """What the gadget reads of a header."""

    height: int
    proposer: bytes
    """Operator, a member of the set of this height."""
    max_height_generated: int
    max_height_prevoted: int


class Tip(Fact):
    """What the fork choice reads of a block."""

    block_id: bytes
    parent: bytes
    height: int
    proposer: bytes
    max_height_prevoted: int


def first_ballot(era_height: int) -> Ballot:
    """Return the count at the last block before the era, which is final and so prevoted."""
    return Ballot((), (), (), max_height_prevoted=era_height, final_height=era_height)


def check_claim(ballot: Ballot, claim: Claim) -> None:
    """Raise InvalidBlock(`bad_header`) unless the claim fits the parent's ballot and the last own block."""
    if claim.max_height_prevoted != ballot.max_height_prevoted:
        wanted = ballot.max_height_prevoted
        raise InvalidBlock("bad_header", f"max_height_prevoted {claim.max_height_prevoted}, not {wanted}")
    if claim.max_height_generated < 0:
        raise InvalidBlock("bad_header", "max_height_generated is negative")
    own = next((block for block in reversed(ballot.blocks) if block.proposer == claim.proposer), None)
    if own is not None and claims_contradict(_numbers(own), _numbers(claim)):
        raise InvalidBlock("bad_header", f"contradicts the block of the same proposer at {own.height}")


def after(ballot: Ballot, claim: Claim, validators: ValidatorSet, *, rounds_max: int = ROUNDS) -> Ballot:
    """Return the count after a block whose parent has this ballot; `validators` is the set of its height.

    Precommits are counted before prevotes, so that a header does not precommit what only it completes. Blocks
    that are not final stay in the window for `rounds_max` rounds, the others for ROUNDS.
    """
    ballot = _seated(ballot, claim.height, validators)
    new = BlockVotes(
        claim.height, claim.proposer, claim.max_height_generated, claim.max_height_prevoted, 0, 0
    )
    seats = len(validators.validators)
    window = min(max(ROUNDS * seats, claim.height - ballot.final_height), rounds_max * seats)
    blocks = (*ballot.blocks, new)[-window:]
    ballot = msgspec.structs.replace(ballot, blocks=blocks, sets=_sets_since(ballot.sets, blocks[0].height))
    voter = next((voter for voter in ballot.voters if voter.operator == claim.proposer), None)
    # Who made a block at this height or above it before is on its way back from another branch: no votes.
    if voter is None or claim.max_height_generated >= claim.height:
        return ballot
    return _counted(ballot, claim, voter)


def rank(ballot: Ballot, height: int, slot: int) -> tuple[int, int, int]:
    """Return what orders tips of one tree: the greater is the better branch.

    An honest producer that follows it never makes two blocks that contradict each other.
    """
    return ballot.max_height_prevoted, height, -slot


def relation(head: Tip, other: Tip) -> str:
    """Return how a block that arrives stands to the head (the cases of LIP-14).

    `identical`, `valid` (its child), `double` (the same producer's second child of the same parent), `tie`
    (another producer's: the earlier slot decides), `better` branch or `worse`.
    """
    if other.block_id == head.block_id:
        return "identical"
    if other.parent == head.block_id and other.height == head.height + 1:
        return "valid"
    old, new = (head.max_height_prevoted, head.height), (other.max_height_prevoted, other.height)
    if old == new and other.parent == head.parent:
        return "double" if other.proposer == head.proposer else "tie"
    return "better" if new > old else "worse"


def _counted(ballot: Ballot, claim: Claim, voter: VoterRecord) -> Ballot:
    """Add the votes of the last block of the window."""
    prevote_from = max(voter.active_from, claim.max_height_generated + 1)
    precommit_from = max(voter.active_from, _height_not_prevoted(ballot) + 1, voter.precommitted + 1)
    blocks: list[BlockVotes] = []
    precommitted, prevoted, final = voter.precommitted, ballot.max_height_prevoted, ballot.final_height
    for block, total, weight in _weighed(ballot, claim.proposer):
        prevotes, precommits = block.prevotes, block.precommits
        if block.height >= precommit_from and 3 * prevotes > 2 * total:
            precommits += weight
            precommitted = block.height
        if block.height >= prevote_from:
            prevotes += weight
        if 3 * prevotes > 2 * total:
            prevoted = max(prevoted, block.height)
        if 3 * precommits > 2 * total:
            final = max(final, block.height)
        if (prevotes, precommits) != (block.prevotes, block.precommits):
            block = _with_votes(block, prevotes, precommits)
        blocks.append(block)
    changed = VoterRecord(voter.operator, voter.active_from, precommitted)
    voters = tuple(changed if other is voter else other for other in ballot.voters)
    return Ballot(tuple(blocks), ballot.sets, voters, max_height_prevoted=prevoted, final_height=final)


def _weighed(ballot: Ballot, proposer: bytes) -> Iterator[tuple[BlockVotes, int, int]]:
    """Yield each block with the total of its own set and the proposer's weight in it."""
    sets = [(s.from_height, s.total, dict(s.weights).get(proposer, 0)) for s in ballot.sets]
    position = 0
    for block in ballot.blocks:
        while position + 1 < len(sets) and sets[position + 1][0] <= block.height:
            position += 1
        yield block, sets[position][1], sets[position][2]


def _height_not_prevoted(ballot: Ballot) -> int:
    """Return the greatest height of this branch at which the last block's producer voted for another branch.

    Its blocks are followed backwards as long as each names the one before it on this branch.
    """
    blocks = ballot.blocks
    new = blocks[-1]
    previous = new.max_height_generated
    while previous >= blocks[0].height:
        block = blocks[previous - blocks[0].height]
        if block.proposer != new.proposer or block.max_height_generated >= previous:
            return previous
        previous = block.max_height_generated
    return blocks[0].height - 1


def _seated(ballot: Ballot, height: int, validators: ValidatorSet) -> Ballot:
    """Take over the set of a height. Who was in the set before keeps its record, everybody else begins."""
    weights = tuple((v.operator, v.weight) for v in validators.validators)
    if ballot.sets and ballot.sets[-1].weights == weights:
        return ballot
    known = {voter.operator: voter for voter in ballot.voters}
    voters = tuple(
        known.get(operator) or VoterRecord(operator, height, height - 1) for operator, _ in weights
    )
    sets = (*ballot.sets, SetWeights(height, validators.total, weights))
    return msgspec.structs.replace(ballot, sets=sets, voters=voters)


def _sets_since(sets: tuple[SetWeights, ...], height: int) -> tuple[SetWeights, ...]:
    """Drop the sets that no block from this height on has."""
    following = [later.from_height for later in sets[1:]]
    outdated = sum(from_height <= height for from_height in following)
    return sets[outdated:]


def _numbers(block: BlockVotes | Claim) -> tuple[int, int, int]:
    return block.max_height_generated, block.max_height_prevoted, block.height


def _with_votes(block: BlockVotes, prevotes: int, precommits: int) -> BlockVotes:
    return BlockVotes(block.height, block.proposer, *_numbers(block)[:2], prevotes, precommits)
