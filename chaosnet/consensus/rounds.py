"""What pbft and dbft share: agreement with immediate finality, one height after the other.

Decides what seals a block and which messages a peer lacks; how one height is agreed on is in `tendermint`.
The three phases of PBFT in Tendermint's form (arXiv 1807.04938). Whose turn it is, each engine says itself.
"""

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.engine import (
    Asked,
    CandidateBuilt,
    CandidateChecked,
    Finality,
    Given,
    HeadChanged,
    PeerSaid,
    Resume,
    RoundState,
    Signed,
    TimerFired,
    WorkWaiting,
)
from chaosnet.consensus.quorum import Heard, Verifier
from chaosnet.consensus.tendermint import STEPS, Agreement
from chaosnet.consensus.terms import Terms
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.certificate import check_sealed
from chaosnet.model.evidence import PRECOMMIT, PREVOTE, PROPOSAL, Proposal, Vote
from chaosnet.model.header import Header, QuorumProof, RoundProof


class Rounds:
    """The engine of one node; a subclass gives it a name, a proof and an order of proposers."""

    name: str
    finality = Finality.IMMEDIATE
    proof: type[QuorumProof | RoundProof]

    def turn(self, validators: ValidatorSet, seed: bytes, height: int, round_: int) -> Validator:
        """Return whose turn it is; `seed` is the epoch's, empty where there are none."""
        raise NotImplementedError

    def __init__(
        self,
        genesis: bytes,
        own_key: bytes | None,
        resume: Resume | None,
        verifier: Verifier | None = None,
    ) -> None:
        """`own_key` is the consensus key, None for an observer; `resume` comes from the sign state.

        Simulated nodes may share a `verifier`.
        """
        self._genesis = genesis
        self._verifier = verifier or Verifier(genesis)
        self._own_key = own_key or b""
        self._resume = resume
        self._head: HeadChanged | None = None
        self._agreement: Agreement | None = None
        self._early: dict[tuple[bytes, int], Proposal | Vote] = {}
        """Of the next height: the latest message by signer and kind."""

    def check_seal(self, header: Header, seal: bytes, validators: ValidatorSet, seed: bytes = b"") -> None:
        """Raise InvalidBlock unless the members' certificate seals this block and it was its proposer's turn.

        Codes: `bad_header`, `bad_proposer`, `bad_seal`, or why the seal cannot be decoded.
        """
        proof = header.proof
        if header.genesis != self._genesis or header.engine != self.name:
            raise InvalidBlock("bad_header", "network or engine")
        if not isinstance(proof, self.proof) or proof.round < 0:
            raise InvalidBlock("bad_header", "proof")
        if header.proposer != self.turn(validators, seed, header.height, proof.round).operator:
            raise InvalidBlock("bad_proposer")
        certificate = check_sealed(header, seal, validators, self._verifier.is_valid)
        if certificate.round < proof.round:
            raise InvalidBlock("bad_seal", "sealed in a round before the one it was proposed in")

    def weight(self, header: Header) -> int:
        """Return 1: under immediate finality there is one branch, and height orders it."""
        return 1

    def proposer(self, height: int, round_: int) -> bytes:
        """Return the operator whose turn it is in the current set; empty before the first head."""
        head = self._head
        return self.turn(head.validators, head.seed, height, round_).operator if head else b""

    def step(self, given: Given, now: int) -> list[Asked]:
        """Take one event; return what to do, in order. Whatever peers send, it does not raise."""
        if isinstance(given, HeadChanged):
            return self._move(given, now)
        agreement = self._agreement
        if agreement is None:
            return []
        match given:
            case WorkWaiting():
                agreement.on_work(now)
            case CandidateBuilt():
                agreement.on_built(given, now)
            case CandidateChecked():
                agreement.on_checked(given, now)
            case PeerSaid(message=message):
                agreement.on_message(message, now)
                self._keep_early(message)
            case TimerFired():
                agreement.on_timer(given, now)
            case Signed():
                agreement.on_signed(given, now)
        return _emptied(agreement)

    def wants(self, message: Proposal | Vote) -> bool:
        """Return whether the message, if genuine, would count here or at the next height."""
        agreement = self._agreement
        return self._is_early(message) or (agreement is not None and agreement.keeper.wants(message))

    def is_genuine(self, message: Proposal | Vote) -> bool:
        """Return whether its signer signed the message; a good signature is verified once."""
        return self._verifier.is_genuine(message)

    def remembers(self, block_id: bytes) -> bool:
        """Return whether a verdict on this block is held or awaited."""
        return self._agreement is not None and self._agreement.remembers(block_id)

    def round_state(self) -> RoundState:
        """Return where this node stands, with the votes it holds of its round."""
        agreement, head = self._agreement, self._head
        if agreement is None or head is None:
            return RoundState(0, 0, 0, STEPS[0], has_proposal=False, prevotes=0, precommits=0)
        heard = agreement.keeper.at(agreement.round)
        return RoundState(
            era=head.era,
            height=head.header.height + 1,
            round=agreement.round,
            step=STEPS[agreement.step],
            has_proposal=bool(heard.proposals),
            prevotes=heard.prevotes.bitmap(),
            precommits=heard.precommits.bitmap(),
        )

    def votes_behind(self, proposal: Proposal) -> tuple[Vote, ...]:
        """Return the prevotes that justify a proposal of a block once more; empty for a new block (L28)."""
        agreement = self._agreement
        if agreement is None or proposal.pol_round < 0:
            return ()
        return tuple(_votes_for(agreement.keeper.at(proposal.pol_round), PREVOTE, proposal.block_id))

    def missing_for(self, theirs: RoundState, limit: int) -> list[Proposal | Vote]:
        """Return what brings a peer at the same height on, the most urgent first; to send twice is harmless.

        Nodes that lost contact for however long so meet in one round again: each gives what the others lack
        of their round, and of its own if that is higher.
        """
        agreement, ours = self._agreement, self.round_state()
        if agreement is None or (theirs.era, theirs.height) != (ours.era, ours.height):
            return []
        keeper = agreement.keeper
        there = keeper.at(theirs.round)
        found: list[Proposal | Vote] = [] if theirs.has_proposal else list(there.proposals[:1])
        found += [v for i, v in there.prevotes.first.items() if not theirs.prevotes >> i & 1]
        found += [v for i, v in there.precommits.first.items() if not theirs.precommits >> i & 1]
        if theirs.step in STEPS[:2]:
            for proposal in there.proposals[:1]:
                found += self.votes_behind(proposal)
        for _, heard in keeper.rounds():  # L49: decided, though the block is not here yet
            found += _votes_for(heard, PRECOMMIT, heard.precommits.winner())
        if theirs.round < ours.round:  # L55
            here = keeper.at(ours.round)
            found += [*here.proposals[:1], *here.prevotes.first.values(), *here.precommits.first.values()]
        return list({m.signature: m for m in found}.values())[:limit]

    def _move(self, head: HeadChanged, now: int) -> list[Asked]:
        before = self._head
        self._head = head
        if before is not None and (before.era, before.block_id) == (head.era, head.block_id):
            return self.step(WorkWaiting(), now) if head.work_waiting else []
        height, validators = head.header.height + 1, head.validators
        terms = Terms(
            era=head.era,
            height=height,
            validators=validators,
            params=head.params,
            own_key=self._own_key if validators.index_of_key(self._own_key) >= 0 else b"",
            turn=lambda round_: self.turn(validators, head.seed, height, round_).key,
        )
        agreement = self._agreement = Agreement(terms, self._verifier, now)
        agreement.start(now, self._resume)
        if head.work_waiting:
            agreement.on_work(now)
        early, self._early = list(self._early.values()), {}
        for message in early:
            agreement.on_message(message, now)
        return _emptied(agreement)

    def _keep_early(self, message: Proposal | Vote) -> None:
        """Keep a message of the next height."""
        if self._is_early(message) and self._verifier.is_genuine(message):
            self._early[_place_of(message)] = message

    def _is_early(self, message: Proposal | Vote) -> bool:
        """Return whether a message of the next height is worth keeping; its signer must be a member now."""
        head = self._head
        if head is None or (message.era, message.height) != (head.era, head.header.height + 2):
            return False
        held = self._early.get(_place_of(message))
        if held is not None and held.round >= message.round:
            return False
        return head.validators.index_of_key(message.signer) >= 0


def _emptied(agreement: Agreement) -> list[Asked]:
    asked, agreement.asked = agreement.asked, []
    return asked


def _place_of(message: Proposal | Vote) -> tuple[bytes, int]:
    return message.signer, message.kind if isinstance(message, Vote) else PROPOSAL


def _votes_for(heard: Heard, kind: int, block_id: bytes) -> list[Vote]:
    return list(heard.tally(kind).of_block.get(block_id, {}).values()) if block_id else []
