"""One pbft engine on a desk: transcripts feed it and state, line by line, all it says.

A transcript is plain text. `me b of 4` names the validators a, b, c, d; the heights are such that a proposes
in round 0, b in round 1 and so on. A line `< ...` is an input; the lines `> ...` after it are exactly what
the engine then does; checks and steps are not shown. Blocks are words: `bad...` is invalid, `late...` carries
a time far off, `gone...` is not held here, `own0` is the one built here in round 0.
"""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from chaosnet.base.units import EMPTY_HASH
from chaosnet.consensus.engine import (
    Accused,
    Asked,
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
    Resume,
    RoundState,
    Say,
    SetTimer,
    Signed,
    TimerFired,
    WorkWaiting,
)
from chaosnet.consensus.pbft import Pbft
from chaosnet.consensus.signstate import SignState, resume_of, sign_request
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.block import Validator, ValidatorSet, decode_certificate
from chaosnet.model.evidence import (
    NIL,
    PRECOMMIT,
    PREVOTE,
    Proposal,
    SignedHeader,
    Vote,
    check_evidence,
    proposal_digest,
    vote_digest,
)
from chaosnet.model.genesis import ChainParams
from chaosnet.model.header import Header, QuorumProof

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts" / "pbft"
GENESIS = b"g" * 32
NAMES = "abcdefg"
SAID = re.compile(r"(\w) (proposes|prevotes|precommits) (\w+) in (\d+)(?: after (\d+))?")
KINDS = {"prevotes": PREVOTE, "precommits": PRECOMMIT}
FAR_OFF_MS = 59_000


def seed_of(name: str) -> bytes:
    return sha256(name.encode()).digest()


def validators_of(weights: list[int]) -> ValidatorSet:
    return ValidatorSet(
        tuple(
            Validator(bytes([0, i]) * 16 + b".", public_key_of(seed_of(NAMES[i])), weight)
            for i, weight in enumerate(weights)
        )
    )


def header_at(height: int) -> Header:
    return Header(
        version=1,
        genesis=GENESIS,
        era=0,
        height=height,
        parent=EMPTY_HASH,
        time_ms=0,
        proposer=bytes(33),
        rule=1,
        engine="pbft",
        tx_root=EMPTY_HASH,
        tx_count=0,
        state_root=EMPTY_HASH,
        receipts_root=EMPTY_HASH,
        validators_hash=EMPTY_HASH,
        next_validators_hash=EMPTY_HASH,
        parent_seal_hash=EMPTY_HASH,
        gas_used=0,
        proof=QuorumProof(0),
    )


@dataclass
class Desk:
    """An engine, its sign state, and everything it has done, in words."""

    me: str
    weights: list[int]
    now: int = 1_000_000
    said: list[str] = field(default_factory=list)
    timers: dict[str, SetTimer] = field(default_factory=dict)
    state: SignState = field(default_factory=SignState)
    kept: list[bytes] = field(default_factory=list)
    asked_checks: list[bytes] = field(default_factory=list)
    waiting: list[Given] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.height = len(self.weights) * 5
        self.validators = validators_of(self.weights)
        self.ids: dict[bytes, str] = {NIL: "nil"}
        self.first_round: dict[bytes, int] = {}
        self.held: list[bytes] = []
        self.restart()

    def restart(self) -> None:
        """Start the engine from what the sign state kept."""
        resume: Resume | None = resume_of(self.state)
        self.engine = Pbft(GENESIS, public_key_of(seed_of(self.me)), resume)
        self.timers.clear()
        self.held = list(self.kept)

    def head(self, height: int | None = None) -> None:
        """Give the head whose next height is the one of the transcript."""
        height = self.height if height is None else height
        self.height = height
        block = sha256(str(height).encode()).digest()
        params = ChainParams()
        header = header_at(height - 1)
        self.give(HeadChanged(header, block, 0, self.validators, params, work_waiting=False))

    def id_of(self, name: str) -> bytes:
        block_id = NIL if name == "nil" else sha256(name.encode()).digest()
        self.ids[block_id] = name
        return block_id

    def message(self, text: str) -> Proposal | Vote:
        """Return the signed message that `c prevotes B in 0` speaks of."""
        match = SAID.fullmatch(text)
        assert match, text
        who, what, block, round_, justified = match.groups()
        block_id, key, at = self.id_of(block), public_key_of(seed_of(who)), int(round_)
        if what == "proposes":
            proposal = Proposal(0, self.height, at, int(justified or -1), block_id, key, b"")
            return replace(proposal, signature=sign(seed_of(who), proposal_digest(GENESIS, proposal)))
        vote = Vote(KINDS[what], 0, self.height, at, block_id, key, b"")
        return replace(vote, signature=sign(seed_of(who), vote_digest(GENESIS, vote)))

    def hear(self, text: str) -> None:
        """Let a validator say something."""
        message = self.message(text)
        if isinstance(message, Proposal):
            first = message.round if message.pol_round < 0 else message.pol_round
            self.first_round.setdefault(message.block_id, first)
            if not self.ids[message.block_id].startswith("gone"):
                self.held.append(message.block_id)
        self.give(PeerSaid(message))

    def fire(self, name: str) -> None:
        """Move the clock to a timer and let it fire."""
        timer = self.timers.pop(name)
        self.now = max(self.now, timer.at_ms)
        self.give(TimerFired(name, timer.height, timer.round))

    def input(self, line: str) -> None:
        """Do one input line."""
        match line.split():
            case ["head"]:
                self.head()
            case ["head", height]:
                self.head(int(height))
            case ["work"]:
                self.give(WorkWaiting())
            case ["fire", name]:
                self.fire(name)
            case ["wait", ms]:
                self.now += int(ms)
            case ["restart"]:
                self.restart()
                self.head()
            case ["peer", round_, step]:
                theirs = RoundState(
                    0, self.height, int(round_), step, has_proposal=False, prevotes=0, precommits=0
                )
                self.said += [self.words(m, "send ") for m in self.engine.missing_for(theirs, 100)]
            case _:
                self.hear(line)

    def give(self, given: Given) -> None:
        """Step the engine, and answer what it asks as a kernel does."""
        self.waiting.append(given)
        while self.waiting:
            for asked in self.engine.step(self.waiting.pop(0), self.now):
                self.do(asked)

    def do(self, asked: Asked) -> None:
        match asked:
            case BuildCandidate(height=height, round=round_):
                block_id = self.id_of(f"own{round_}")
                self.first_round[block_id] = round_
                self.held.append(block_id)
                self.said.append(f"build in {round_}")
                self.waiting.append(CandidateBuilt(height, round_, block_id, self.now))
            case CheckCandidate(block_id=block_id):
                self.asked_checks.append(block_id)
                if block_id in self.held:
                    self.waiting.append(self.verdict(block_id))
            case AskSignature():
                self.state, _, message = sign_request(
                    self.state, asked, GENESIS, lambda digest: sign(seed_of(self.me), digest)
                )
                assert not isinstance(asked.unsigned, SignedHeader)
                assert not isinstance(message, SignedHeader)
                if message is None:
                    self.said.append(self.words(asked.unsigned, "refused "))
                self.waiting.append(Signed(asked.unsigned, message))
            case KeepCandidate(block_id=block_id):
                self.kept.append(block_id)
                self.said.append(f"keep {self.ids[block_id]}")
            case SetTimer(name=name, at_ms=at_ms):
                self.timers[name] = asked
                self.said.append(f"timer {name} {at_ms - self.now}")
            case Say(message=message):
                self.said.append(self.words(message, ""))
            case BlockSealed(block_id=block_id, seal=seal):
                certificate = decode_certificate(seal)
                signers = "".join(NAMES[i] for i in certificate.signers)
                self.said.append(f"sealed {self.ids[block_id]} in {certificate.round} by {signers}")
            case Accused(evidence=evidence):
                check_evidence(GENESIS, evidence)
                self.said.append(f"accuse {self.name_of(evidence.first.signer)}")

    def verdict(self, block_id: bytes) -> CandidateChecked:
        name = self.ids[block_id]
        time_ms = self.now + (FAR_OFF_MS if name.startswith("late") else 0)
        round_ = self.first_round.get(block_id, 0)
        return CandidateChecked(block_id, not name.startswith("bad"), time_ms, round_)

    def name_of(self, key: bytes) -> str:
        return NAMES[self.validators.index_of_key(key)]

    def words(self, message: Proposal | Vote, before: str) -> str:
        block = self.ids[message.block_id]
        who = self.name_of(message.signer)
        signer = "" if who == self.me else f"{who} "
        if isinstance(message, Vote):
            kind = "prevote" if message.kind == PREVOTE else "precommit"
            return f"{before}{signer}{kind} {block} in {message.round}"
        after = f" after {message.pol_round}" if message.pol_round >= 0 else ""
        return f"{before}{signer}propose {block} in {message.round}{after}"


def play(text: str) -> Desk:
    """Play a transcript; fails at the first input whose outputs differ."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    first = re.fullmatch(r"me (\w) of (\d+)", lines[0])
    assert first, lines[0]
    desk = Desk(first[1], [1] * int(first[2]))
    expected: list[str] = []
    done = "start"
    for line in [*lines[1:], "<"]:
        if line.startswith(">"):
            expected.append(line[1:].strip())
            continue
        assert desk.said == expected, f"after {done!r} it does {desk.said}"
        desk.said.clear()
        expected = []
        done = line[1:].strip()
        if done:
            desk.input(done)
    return desk
