"""The quorum core of the voting engines (pbft, dbft): thresholds, verified signatures, counted votes.

Decides which messages of one height are kept and what they add up to; decides nothing about what to vote.
Bounded whatever the members send: rounds far behind are dropped, and of the rounds ahead only each member's
two highest are kept. Weights are compared as integers: a quorum is 3 x yes > 2 x total (protocol: Hashing,
encoding, identity), and one honest member is among any 3 x weight > total.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from chaosnet.base.errors import Broken
from chaosnet.crypto.signing import is_valid
from chaosnet.model.block import Certificate, ValidatorSet
from chaosnet.model.certificate import is_quorum
from chaosnet.model.evidence import (
    NIL,
    PREVOTE,
    DuplicateProposal,
    DuplicateVote,
    Evidence,
    Proposal,
    Vote,
    proposal_digest,
    vote_digest,
)

ROUND_MAX: Final = 2**31
PAST_ROUNDS: Final = 16
"""Rounds behind the current one that are kept beside those named as still needed."""
FUTURE_ROUNDS: Final = 2
"""Rounds ahead of the current one that are kept of each validator: its highest."""
VERIFIED_MAX: Final = 16_384


def is_one_honest(weight: int, total: int) -> bool:
    """Return whether this much weight has an honest member in it: the paper's f + 1."""
    return 3 * weight > total


class Verifier:
    """Verifies signatures of one network and remembers the good ones, so that none is verified twice."""

    def __init__(self, genesis: bytes) -> None:
        self._genesis = genesis
        self._good: dict[tuple[bytes, bytes, bytes], None] = {}

    def is_valid(self, key: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether the signature holds; remembers the last VERIFIED_MAX good ones."""
        entry = (key, digest, signature)
        if entry in self._good:
            return True
        if not is_valid(key, digest, signature):
            return False
        if len(self._good) >= VERIFIED_MAX:
            del self._good[next(iter(self._good))]
        self._good[entry] = None
        return True

    def is_genuine(self, message: Proposal | Vote) -> bool:
        """Return whether the message carries its signer's signature."""
        if isinstance(message, Vote):
            digest = vote_digest(self._genesis, message)
        else:
            digest = proposal_digest(self._genesis, message)
        return self.is_valid(message.signer, digest, message.signature)


class Tally:
    """Votes of one kind in one round.

    A validator's first vote counts. A second one for another block counts for that block too, but only once
    more than a third of the weight backs the block: another node may have counted that vote, and a proof of
    lock built with it must be believed here, or the two would never agree again.
    """

    def __init__(self, weights: Sequence[int], total: int) -> None:
        self._weights = weights
        self._total = total
        self._weight_of: dict[bytes, int] = {}
        self.first: dict[int, Vote] = {}
        self.of_block: dict[bytes, dict[int, Vote]] = {}
        self.weight = 0
        """Of all that have voted, for whatever."""

    def is_wanted(self, index: int, block_id: bytes) -> bool:
        """Return whether this validator's vote for the block would count."""
        return index not in self.first or self.is_backed(block_id)

    def is_backed(self, block_id: bytes) -> bool:
        """Return whether an honest member has voted for the block."""
        return is_one_honest(self._weight_of.get(block_id, 0), self._total)

    def put(self, index: int, vote: Vote) -> None:
        """Count a vote that is wanted and not yet held."""
        if index not in self.first:
            self.first[index] = vote
            self.weight += self._weights[index]
        self.of_block.setdefault(vote.block_id, {})[index] = vote
        self._weight_of[vote.block_id] = self._weight_of.get(vote.block_id, 0) + self._weights[index]

    def remove(self, index: int) -> None:
        """Forget whatever this validator said."""
        if self.first.pop(index, None) is not None:
            self.weight -= self._weights[index]
        for block_id in list(self.of_block):
            if self.of_block[block_id].pop(index, None) is not None:
                self._weight_of[block_id] -= self._weights[index]
                if not self.of_block[block_id]:
                    del self.of_block[block_id], self._weight_of[block_id]

    def has_quorum(self, block_id: bytes) -> bool:
        """Return whether the block (or NIL) has more than two thirds."""
        return is_quorum(self._weight_of.get(block_id, 0), self._total)

    def has_quorum_of_any(self) -> bool:
        """Return whether more than two thirds have voted for whatever."""
        return is_quorum(self.weight, self._total)

    def winner(self) -> bytes:
        """Return the block that has more than two thirds, or NIL."""
        if not self.has_quorum_of_any():
            return NIL
        for block_id in self._weight_of:
            if block_id != NIL and self.has_quorum(block_id):
                return block_id
        return NIL

    def is_lost(self) -> bool:
        """Return whether a quorum has voted and no block can win with the votes still to come."""
        best = max((w for block_id, w in self._weight_of.items() if block_id != NIL), default=0)
        return self.has_quorum_of_any() and not is_quorum(best + self._total - self.weight, self._total)

    def bitmap(self) -> int:
        """Return a number whose bit i says that validator i has voted."""
        return sum(1 << index for index in self.first)


class Heard:
    """All that was said in one round."""

    def __init__(self, weights: Sequence[int], total: int) -> None:
        self.proposals: list[Proposal] = []
        """The first is the one to vote on; others only show that their signer contradicts itself."""
        self.prevotes = Tally(weights, total)
        self.precommits = Tally(weights, total)

    def tally(self, kind: int) -> Tally:
        """Return the votes of a kind."""
        return self.prevotes if kind == PREVOTE else self.precommits

    def earlier(self, index: int, message: Proposal | Vote) -> list[Proposal] | list[Vote]:
        """Return what the same validator said in the same place."""
        if isinstance(message, Proposal):
            return [p for p in self.proposals if p.signer == message.signer]
        return [votes[index] for votes in self.tally(message.kind).of_block.values() if index in votes]

    def is_wanted(self, index: int, message: Proposal | Vote) -> bool:
        """Return whether the message would count: of proposals two, and then only blocks that others back."""
        if isinstance(message, Vote):
            return self.tally(message.kind).is_wanted(index, message.block_id)
        block_id = message.block_id
        is_backed = self.prevotes.is_backed(block_id) or self.precommits.is_backed(block_id)
        return len(self.proposals) < 2 or (is_backed and all(p.block_id != block_id for p in self.proposals))

    def put(self, index: int, message: Proposal | Vote) -> None:
        """Count a message that is wanted and new."""
        if isinstance(message, Proposal):
            self.proposals.append(message)
        else:
            self.tally(message.kind).put(index, message)

    def remove(self, index: int, key: bytes) -> None:
        """Forget whatever this validator said."""
        self.proposals = [p for p in self.proposals if p.signer != key]
        self.prevotes.remove(index)
        self.precommits.remove(index)

    def is_empty(self) -> bool:
        """Return whether nothing is left."""
        return not (self.proposals or self.prevotes.first or self.precommits.first)


class Outcome(msgspec.Struct, frozen=True):
    """What became of a message."""

    is_new: bool
    """It counts and is worth acting on."""
    evidence: Evidence | None
    """Its signer contradicted itself; given once per signer and height."""


NOTHING: Final = Outcome(is_new=False, evidence=None)


class VoteKeeper:
    """What the validators said at one height, verified and bounded."""

    def __init__(self, verifier: Verifier, validators: ValidatorSet, *, era: int, height: int) -> None:
        members = validators.validators
        self._verifier = verifier
        self._place = (era, height)
        self._index = {v.key: i for i, v in enumerate(members)}
        self._weights = [v.weight for v in members]
        self._total = validators.total
        self._rounds: dict[int, Heard] = {}
        self._nothing = Heard(self._weights, self._total)
        self._future: list[list[int]] = [[] for _ in members]
        """Rounds ahead of the current one that are kept of each validator, ascending."""
        self._latest = [-1] * len(members)
        """Highest round each validator has spoken in."""
        self._accused: set[int] = set()
        self._round = 0
        self._pinned: tuple[int, ...] = ()

    def add(self, message: Proposal | Vote) -> Outcome:
        """Verify and count a message. Whether a proposal is its signer's turn is for the caller to check."""
        is_wanted, accuses = self._use_of(message)
        if not (is_wanted or accuses is not None) or not self._verifier.is_genuine(message):
            return NOTHING
        index = self._index[message.signer]
        if is_wanted:
            self._put(index, message)
        if accuses is None:
            return Outcome(is_new=True, evidence=None)
        self._accused.add(index)
        return Outcome(is_new=is_wanted, evidence=evidence_of(accuses, message))

    def wants(self, message: Proposal | Vote) -> bool:
        """Return whether the message, if genuine, would count or prove a contradiction; verifies nothing."""
        is_wanted, accuses = self._use_of(message)
        return is_wanted or accuses is not None

    def _use_of(self, message: Proposal | Vote) -> tuple[bool, Proposal | Vote | None]:
        """Return whether a message would count, and what it contradicts of a signer not yet accused."""
        index = self._index.get(message.signer, -1)
        if index < 0 or (message.era, message.height) != self._place or not self._has_room(index, message):
            return False, None
        heard = self.at(message.round)
        earlier = heard.earlier(index, message)
        if any(_content(e) == _content(message) for e in earlier):
            return False, None
        is_accusing = bool(earlier) and index not in self._accused
        return heard.is_wanted(index, message), earlier[0] if is_accusing else None

    def at(self, round_: int) -> Heard:
        """Return what was said in a round; not to be changed."""
        return self._rounds.get(round_, self._nothing)

    def enter(self, round_: int, pinned: tuple[int, ...]) -> None:
        """Make this the current round; forget rounds far behind, but those that are pinned."""
        self._round, self._pinned = round_, pinned
        for old in [r for r in self._rounds if r < round_ - PAST_ROUNDS and r not in pinned]:
            del self._rounds[old]
        self._future = [[r for r in rounds if r > round_] for rounds in self._future]

    def rounds(self) -> Iterator[tuple[int, Heard]]:
        """Yield what is known, by ascending round."""
        for round_ in sorted(self._rounds):
            yield round_, self._rounds[round_]

    def skip_round(self) -> int:
        """Return the highest round that an honest member has reached, or the current one if none is ahead."""
        if max(self._latest) > self._round:
            weight = 0
            pairs = sorted(zip(self._latest, self._weights, strict=True), reverse=True)
            for latest, own in pairs:
                weight += own
                if latest <= self._round:
                    break
                if is_one_honest(weight, self._total):
                    return latest
        return self._round

    def has_quorum_passed(self, round_: int, kind: int) -> bool:
        """Return whether more than two thirds have voted so in a round, or spoken later.

        Whoever is further on has voted here too, even if that vote is lost: after a crash a node says only
        what it has signed last. Without this, nodes that crash in different rounds wait for each other.
        """
        heard = self.at(round_)
        spoken = {*heard.precommits.first, *(heard.prevotes.first if kind == PREVOTE else ())}
        members = enumerate(zip(self._weights, self._latest, strict=True))
        weight = sum(own for index, (own, latest) in members if latest > round_ or index in spoken)
        return is_quorum(weight, self._total)

    def certificate(self, round_: int, block_id: bytes) -> Certificate:
        """Return the seal that the precommits counted make."""
        votes = self.at(round_).precommits.of_block[block_id]
        signers = tuple(sorted(votes))
        signatures = tuple(votes[i].signature for i in signers)
        return Certificate(*self._place, round_, block_id, signers, signatures)

    def _has_room(self, index: int, message: Proposal | Vote) -> bool:
        round_ = message.round
        if not 0 <= round_ < ROUND_MAX:
            return False
        if round_ <= self._round:
            return round_ >= self._round - PAST_ROUNDS or round_ in self._pinned
        future = self._future[index]
        return round_ in future or len(future) < FUTURE_ROUNDS or round_ > future[0]

    def _put(self, index: int, message: Proposal | Vote) -> None:
        round_, future = message.round, self._future[index]
        if round_ > self._round and round_ not in future:
            future.append(round_)
            future.sort()
            if len(future) > FUTURE_ROUNDS:
                self._forget(future.pop(0), index, message.signer)
        if round_ not in self._rounds:
            self._rounds[round_] = Heard(self._weights, self._total)
        self._rounds[round_].put(index, message)
        self._latest[index] = max(self._latest[index], round_)

    def _forget(self, round_: int, index: int, key: bytes) -> None:
        heard = self._rounds[round_]
        heard.remove(index, key)
        if heard.is_empty():
            del self._rounds[round_]


def evidence_of(one: Proposal | Vote, other: Proposal | Vote) -> Evidence:
    """Return two contradicting messages as evidence: the lower block id first."""
    first, second = sorted((one, other), key=_content)
    if isinstance(first, Vote) and isinstance(second, Vote):
        return DuplicateVote(first, second)
    if isinstance(first, Proposal) and isinstance(second, Proposal):
        return DuplicateProposal(first, second)
    raise Broken("internal", "a vote and a proposal cannot contradict each other")


def _content(message: Proposal | Vote) -> tuple[bytes, int]:
    return message.block_id, message.pol_round if isinstance(message, Proposal) else 0
