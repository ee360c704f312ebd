"""Agreement on one block: one height of Tendermint (arXiv 1807.04938, Algorithm 1).

Every rule names its lines of the paper. Departures, all inside what the paper's proofs allow:
- Round 0 waits in step `wait` until there is something to agree on (protocol: Engines).
- A vote counts when the sign state has recorded it; a refused signature leaves the place empty.
- A round that no block can win any more is left at once instead of by its timer (L34, L47).
- A block counts as proposed once any proposal has brought it; L36 and L49 do not ask for that of their round.
- Who has spoken in a later round counts among the two thirds of L34 and L47: its vote may be lost.
- A round is skipped when members with more than a third of the weight have reached it or a higher one (L55).
"""

from typing import Final

from chaosnet.base.codec import encode
from chaosnet.consensus.engine import (
    Accused,
    Asked,
    AskSignature,
    BlockSealed,
    BuildCandidate,
    CandidateBuilt,
    CandidateChecked,
    CheckCandidate,
    KeepCandidate,
    Resume,
    RoundEntered,
    Say,
    SetTimer,
    Signed,
    TimerFired,
)
from chaosnet.consensus.quorum import Heard, Verifier, VoteKeeper
from chaosnet.consensus.terms import Terms
from chaosnet.model.evidence import NIL, PRECOMMIT, PREVOTE, PROPOSAL, Proposal, Vote

STEPS: Final = ("wait", "propose", "prevote", "precommit", "commit")
IN_WAIT, IN_PROPOSE, IN_PREVOTE, IN_PRECOMMIT, IN_COMMIT = range(5)
STEP_AFTER: Final = {PROPOSAL: IN_PROPOSE, PREVOTE: IN_PREVOTE, PRECOMMIT: IN_PRECOMMIT}
"""Step of a validator whose latest signature is of this kind."""

CHECKED_MAX: Final = 8
"""Blocks whose verdict is remembered, and which the owner must keep for so long."""
WANTED_MAX: Final = 6
"""Verdicts needed at once; beside them there is room for the block locked on and the valid one."""


class Agreement:
    """The state of one height. Methods add to `asked`, which the owner empties."""

    def __init__(self, terms: Terms, verifier: Verifier, now: int) -> None:
        self.asked: list[Asked] = []
        self.keeper = VoteKeeper(verifier, terms.validators, era=terms.era, height=terms.height)
        self.round = 0
        self.step = IN_WAIT
        self.locked_round, self.locked_block = -1, NIL
        self.valid_round, self.valid_block = -1, NIL
        self._terms = terms
        self._begin_ms = now + terms.params.block_interval_ms_min
        self._may_begin = False
        self._checked: dict[bytes, CandidateChecked | None] = {}
        """Verdicts by block id; None while the answer is out."""
        self._built: CandidateBuilt | None = None
        self._proposed_ms = now
        """When the current round's proposal came, or the round began if that was later."""
        self._done: set[str] = set()
        """What is asked for only once a round: timers, a block, a signature on a proposal."""
        self._rules = (
            self._decide,
            self._skip_round,
            self._begin,
            self._check_blocks,
            self._propose,
            self._prevote,
            self._note_valid,
            self._precommit,
            self._next_round,
            self._wait_for_votes,
        )

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────

    def start(self, now: int, resume: Resume | None) -> None:
        """Take up this height, where the sign state says this key has left it."""
        if resume is not None and resume.era == self._terms.era:
            self._resume(resume, now)
        if self.step == IN_WAIT:
            self._set_timer("idle", now + self._terms.params.idle_interval_ms)
            self._enter(IN_WAIT)
        self.run(now)

    def on_work(self, now: int) -> None:
        """There is something to make a block of."""
        self._may_begin = True
        self.run(now)

    def on_message(self, message: Proposal | Vote, now: int) -> None:
        """A validator has spoken."""
        if self._take(message, now):
            self.run(now)

    def on_built(self, given: CandidateBuilt, now: int) -> None:
        """The block of this node's own is there."""
        if (given.height, given.round) == (self._terms.height, self.round):
            self._built = given
            verdict = CandidateChecked(given.block_id, True, given.time_ms, given.round)
            self._remember(given.block_id, verdict)
            self.run(now)

    def on_checked(self, given: CandidateChecked, now: int) -> None:
        """A block was executed."""
        if given.block_id in self._checked:
            self._checked[given.block_id] = given
            self.run(now)

    def on_signed(self, given: Signed, now: int) -> None:
        """The sign state has recorded a message of this node, or refused it."""
        message = given.message
        if message is not None and (message.era, message.height) == (self._terms.era, self._terms.height):
            self.asked.append(Say(message))
            self._take(message, now)
            self.run(now)

    def on_timer(self, given: TimerFired, now: int) -> None:
        """A timer has come due."""
        if (given.height, given.round) != (self._terms.height, self.round) or self.step == IN_COMMIT:
            return
        match given.name:
            case "idle":
                self._may_begin = True
            case "interval":
                self._begin_ms = min(self._begin_ms, now)
            case "propose" if self.step == IN_PROPOSE:  # L57
                self._vote(PREVOTE, NIL)
            case "prevote" if self.step == IN_PREVOTE:  # L61
                self._vote(PRECOMMIT, NIL)
            case "precommit" if not self._heard.precommits.winner():  # L65
                self._start_round(self.round + 1, now)
        self.run(now)

    def remembers(self, block_id: bytes) -> bool:
        """Return whether a verdict on a block is held or awaited."""
        return block_id in self._checked

    def run(self, now: int) -> None:
        """Apply the rules until none applies."""
        while self.step != IN_COMMIT and any(rule(now) for rule in self._rules):
            pass

    # ── the rules: each returns whether it moved, so that all are asked again ────────────────────────────

    def _decide(self, now: int) -> bool:
        """L49: a quorum of precommits of any round, and the block is here and valid."""
        for round_, heard in self.keeper.rounds():
            block_id = heard.precommits.winner()
            if block_id and self._is_valid(block_id):
                self._enter(IN_COMMIT)
                seal = encode(self.keeper.certificate(round_, block_id))
                self.asked.append(BlockSealed(block_id=block_id, seal=seal))
                return True
        return False

    def _skip_round(self, now: int) -> bool:
        """L55: an honest member is in a higher round."""
        round_ = self.keeper.skip_round()
        if round_ > self.round:
            self._start_round(round_, now)
            return True
        return False

    def _begin(self, now: int) -> bool:
        """L10, but not before the least pause since the head, nor without a reason."""
        if self.step != IN_WAIT or not self._may_begin:
            return False
        if now < self._begin_ms:
            if self._is_first("interval"):
                self._set_timer("interval", self._begin_ms)
            return False
        self._start_round(0, now)
        return True

    def _check_blocks(self, now: int) -> bool:
        """Have the blocks executed that a vote may depend on: proposed in this round, or with a quorum."""
        wanted = [p.block_id for p in self._heard.proposals]
        proposed: set[bytes] = set()
        for _, heard in reversed(list(self.keeper.rounds())):
            wanted += heard.precommits.winner(), heard.prevotes.winner()
            proposed.update(p.block_id for p in heard.proposals)
        for block_id in [b for b in dict.fromkeys(wanted) if b in proposed][:WANTED_MAX]:
            if block_id not in self._checked:
                self._ask_check(block_id)
        return False

    def _propose(self, now: int) -> bool:
        """L14-L19: the valid block again if there is one, else a new one."""
        key = self._terms.own_key
        if self.step != IN_PROPOSE or not key or self._terms.turn(self.round) != key:
            return False
        if self.valid_block:
            if self._is_valid(self.valid_block):
                self._ask_proposal(self.valid_round, self.valid_block)
        elif self._built is not None:
            self._ask_proposal(-1, self._built.block_id)
        elif self._is_first("build"):
            self.asked.append(BuildCandidate(height=self._terms.height, round=self.round))
        return False

    def _prevote(self, now: int) -> bool:
        """L22-L27: a new block; L28-L33: one that the prevotes of an earlier round justify."""
        if self.step != IN_PROPOSE or not self._heard.proposals:
            return False
        proposal = self._heard.proposals[0]
        block_id, justified = proposal.block_id, proposal.pol_round
        checked = self._checked.get(block_id)
        if checked is None:
            return False
        if justified < 0:  # L22; the block's own round must be this one, so that its time is judged
            is_right = checked.proposal_round == self.round and self._terms.is_timely(
                self.round, time_ms=checked.time_ms, now=self._proposed_ms
            )
            may_vote = is_right and self.locked_block in (NIL, block_id)
        elif self.keeper.at(justified).prevotes.has_quorum(block_id):  # L28
            is_right = checked.proposal_round <= justified
            may_vote = is_right and (self.locked_round <= justified or self.locked_block == block_id)
        else:
            return False
        self._vote(PREVOTE, block_id if may_vote and checked.is_valid else NIL)
        return True

    def _note_valid(self, now: int) -> bool:
        """L42-L43: the newest block that two thirds have prevoted is the one to propose again."""
        limit = self.round if self.step >= IN_PREVOTE else self.round - 1
        before = self.valid_round
        for round_, heard in self.keeper.rounds():
            block_id = heard.prevotes.winner()
            if self.valid_round < round_ <= limit and block_id and self._is_valid(block_id):
                self.valid_round, self.valid_block = round_, block_id
        return self.valid_round != before

    def _precommit(self, now: int) -> bool:
        """L36-L41: lock on what two thirds have prevoted; L44-L46: nil once no block can get there."""
        if self.step != IN_PREVOTE:
            return False
        prevotes = self._heard.prevotes
        block_id = prevotes.winner()
        if block_id and self._is_valid(block_id):
            if self._terms.own_key:  # also when locked on it before: the data may have been lost since
                self.asked.append(KeepCandidate(block_id))
            self.locked_round, self.locked_block = self.round, block_id
            votes = prevotes.of_block[block_id].values()
            self._vote(PRECOMMIT, block_id, proof=tuple((v.signer, v.signature) for v in votes))
        elif prevotes.is_lost():
            self._vote(PRECOMMIT, NIL)
        else:
            return False
        return True

    def _next_round(self, now: int) -> bool:
        """L65, early: no block can win this round any more."""
        if self.step == IN_WAIT or not self._heard.precommits.is_lost():
            return False
        self._start_round(self.round + 1, now)
        return True

    def _wait_for_votes(self, now: int) -> bool:
        """L34, L47: two thirds have voted, or gone on, but not for one block; give the others a moment.

        Not with a quorum of precommits for a block that is not here: a peer sends it with its certificate.
        """
        heard = self._heard
        at_ms = now + self._terms.vote_wait_ms(self.round)
        passed = self.keeper.has_quorum_passed
        if self.step == IN_PREVOTE and passed(self.round, PREVOTE) and self._is_first("prevote"):
            self._set_timer("prevote", at_ms)
        is_undecided = passed(self.round, PRECOMMIT) and not heard.precommits.winner()
        if self.step != IN_WAIT and is_undecided and self._is_first("precommit"):
            self._set_timer("precommit", at_ms)
        return False

    # ── what the rules are made of ───────────────────────────────────────────────────────────────────────

    @property
    def _heard(self) -> Heard:
        return self.keeper.at(self.round)

    def _resume(self, resume: Resume, now: int) -> None:
        own = [m for m in resume.own if (m.era, m.height) == (self._terms.era, self._terms.height)]
        if not own:
            return
        if resume.locked_height == self._terms.height and resume.locked_block:
            self.locked_round, self.locked_block = resume.locked_round, resume.locked_block
            self.valid_round, self.valid_block = resume.locked_round, resume.locked_block
            self._ask_check(resume.locked_block)
        round_, kind = max((m.round, m.kind if isinstance(m, Vote) else PROPOSAL) for m in own)
        self._start_round(round_, now)
        lock = (resume.era, resume.locked_height, resume.locked_round, resume.locked_block)
        for key, signature in resume.proof:
            self._take(Vote(PREVOTE, *lock, key, signature), now)
        for message in own:
            if isinstance(message, Proposal):
                if message.round == round_:
                    self._done.update(("build", "proposal"))
                if message.block_id != self.locked_block:
                    continue  # the block was not kept, so it may be lost; whoever has it will send both
            self._take(message, now)
            self.asked.append(Say(message))
        self._enter(STEP_AFTER[kind])

    def _start_round(self, round_: int, now: int) -> None:
        """L11-L13, L20-L21; the proposer waits for itself too, since its block or signature may fail."""
        if round_ != self.round:
            self._proposed_ms = now
        self.round = round_
        self._built = None
        self._done.clear()
        self._pin_rounds()
        self._enter(IN_PROPOSE)
        self._set_timer("propose", now + self._terms.propose_wait_ms(round_))

    def _take(self, message: Proposal | Vote, now: int) -> bool:
        """Count a message; return whether it is new."""
        if isinstance(message, Proposal):
            is_proper = message.block_id != NIL and -1 <= message.pol_round < message.round
            if not is_proper or message.signer != self._terms.turn(message.round):
                return False
        outcome = self.keeper.add(message)
        if outcome.evidence is not None:
            self.asked.append(Accused(outcome.evidence))
        if not outcome.is_new:
            return False
        if message.signer != self._terms.own_key:
            self._may_begin = True
        if isinstance(message, Proposal):
            self._take_proposal(message, now)
        return True

    def _take_proposal(self, proposal: Proposal, now: int) -> None:
        if proposal.round == self.round:
            self._pin_rounds()
            if len(self._heard.proposals) == 1:
                self._proposed_ms = now
        block_id = proposal.block_id
        if block_id in self._checked:
            checked = self._checked[block_id]
            # The owner may not have had the block when it was asked, after a restart even one locked on.
            if checked is None or (block_id == self.locked_block and not checked.is_valid):
                del self._checked[block_id]

    def _pin_rounds(self) -> None:
        """Keep the votes of the rounds that justify a lock, the next proposal or this round's."""
        justified = (p.pol_round for p in self.keeper.at(self.round).proposals)
        self.keeper.enter(self.round, (self.locked_round, self.valid_round, *justified))

    def _ask_check(self, block_id: bytes) -> None:
        self._remember(block_id, None)
        self.asked.append(CheckCandidate(block_id))

    def _remember(self, block_id: bytes, verdict: CandidateChecked | None) -> None:
        """Keep a verdict as the latest one; the oldest gives way."""
        self._checked.pop(block_id, None)
        if len(self._checked) >= CHECKED_MAX:
            old = next(b for b in self._checked if b not in (self.locked_block, self.valid_block))
            del self._checked[old]
        self._checked[block_id] = verdict

    def _ask_proposal(self, justified: int, block_id: bytes) -> None:
        if self._is_first("proposal"):
            t = self._terms
            self._ask_signature(Proposal(t.era, t.height, self.round, justified, block_id, t.own_key, b""))

    def _vote(self, kind: int, block_id: bytes, proof: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self._enter(STEP_AFTER[kind])
        t = self._terms
        if t.own_key:
            self._ask_signature(Vote(kind, t.era, t.height, self.round, block_id, t.own_key, b""), proof)

    def _ask_signature(self, unsigned: Proposal | Vote, proof: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        lock = (self._terms.height if self.locked_block else 0, self.locked_round, self.locked_block)
        self.asked.append(AskSignature(unsigned, *lock, proof))

    def _enter(self, step: int) -> None:
        self.step = step
        self.asked.append(RoundEntered(height=self._terms.height, round=self.round, step=STEPS[step]))

    def _set_timer(self, name: str, at_ms: int) -> None:
        self.asked.append(SetTimer(name=name, height=self._terms.height, round=self.round, at_ms=at_ms))

    def _is_first(self, what: str) -> bool:
        """Return True once a round."""
        if what in self._done:
            return False
        self._done.add(what)
        return True

    def _is_valid(self, block_id: bytes) -> bool:
        checked = self._checked.get(block_id)
        return checked is not None and checked.is_valid
