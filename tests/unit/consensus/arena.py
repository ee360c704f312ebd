"""A small network in virtual time: pbft engines with a kernel made of dictionaries, real seals and fences.

Every message may be late, lost or overtaken; nodes crash between any two effects and come back with what was
durable; members may be byzantine. After each commit the arena compares: one block a height.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from chaosnet.base.dice import Dice
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
    RoundState,
    Say,
    SetTimer,
    Signed,
    TimerFired,
)
from chaosnet.consensus.pbft import Pbft
from chaosnet.consensus.signstate import SignState, encode_journal, replay, resume_of, sign_request
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.block import validators_hash_of
from chaosnet.model.evidence import (
    NIL,
    Proposal,
    SignedHeader,
    Vote,
    check_evidence,
    proposal_digest,
    vote_digest,
)
from chaosnet.model.genesis import ChainParams
from chaosnet.model.header import Header, QuorumProof, block_id_of
from tests.unit.consensus.desk import GENESIS, NAMES, header_at, seed_of, validators_of

PARAMS = ChainParams(block_interval_ms_min=200, idle_interval_ms=1_000)
Sealed = tuple[Header, bytes]


class Crash(Exception):
    """The node stops here; whatever it would have done next is lost."""


@dataclass
class Member:
    """One node: what is durable, and what a crash takes away."""

    index: int
    is_byzantine: bool = False
    chain: list[Sealed] = field(default_factory=lambda: [(replace(header_at(0), time_ms=1), b"")])
    kept: dict[bytes, Header] = field(default_factory=dict)
    journal: bytes = b""
    is_up: bool = False
    life: int = 0
    crash_in: int = -1
    """Effects until it crashes; negative: it does not."""

    def __post_init__(self) -> None:
        self.seed = seed_of(NAMES[self.index])
        self.key = public_key_of(self.seed)
        self.journal = encode_journal(SignState(), genesis=GENESIS, key=self.key)
        self.state = SignState()
        self.engine = Pbft(GENESIS, self.key, None)
        self.candidates: dict[bytes, Header] = {}
        self.timers: dict[str, int] = {}
        self.accused: set[bytes] = set()
        self.twins: dict[bytes, bytes] = {}
        """Of a byzantine member: the block it proposed to the others in place of this one."""

    @property
    def height(self) -> int:
        return len(self.chain) - 1

    def boot(self) -> None:
        """Start from what is durable."""
        self.state, _ = replay(self.journal, genesis=GENESIS, key=self.key)
        self.engine = Pbft(GENESIS, self.key, resume_of(self.state))
        self.candidates = dict(self.kept)
        self.timers = {}
        self.is_up = True
        self.life += 1


class Arena:
    """The network: a heap of what happens next, and dice."""

    def __init__(self, size: int, seed: str, *, byzantine: int = -1) -> None:
        self.dice = Dice(seed.encode())
        self.now = 1_000_000
        self.members = [Member(i, is_byzantine=i == byzantine) for i in range(size)]
        self.validators = validators_of([1] * size)
        self.set_hash = validators_hash_of(self.validators)
        self.decided: dict[int, bytes] = {}
        self.has_fences = True
        self.loss_percent = 0
        self.cut: set[tuple[int, int]] = set()
        """Links, from and to, that lose everything."""
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    @property
    def honest(self) -> list[Member]:
        return [m for m in self.members if not m.is_byzantine]

    def all_at(self, height: int) -> Callable[[], bool]:
        """Return the condition that every honest node has reached a height."""
        return lambda: all(m.height >= height for m in self.honest)

    def start(self, *indexes: int) -> None:
        """Boot these nodes."""
        for index in indexes:
            member = self.members[index]
            member.boot()
            self.give(member, self.head_of(member))
            self.tick(member, member.life)

    def stop(self, *indexes: int) -> None:
        """Crash these nodes."""
        for index in indexes:
            self.members[index].is_up = False

    def run(self, until: Callable[[], bool], within_ms: int) -> bool:
        """Let things happen until the condition holds; return whether it did in time."""
        end = self.now + within_ms
        while not until():
            if not self._queue or self._queue[0][0] > end:
                self.now = end
                return until()
            at, _, action = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            action()
        return True

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.now + delay_ms, self._count, action))

    # ── the wire ─────────────────────────────────────────────────────────────────────────────────────────

    def send(self, source: Member, target: Member, deliver: Callable[[], None]) -> None:
        """Deliver later, or never."""
        if (source.index, target.index) in self.cut or self.dice.below(100) < self.loss_percent:
            return
        self.later(self.dice.between(2, 60), lambda: deliver() if target.is_up else None)

    def tell(self, source: Member, target: Member, message: Proposal | Vote) -> None:
        """Send a message, a proposal with its block."""
        block = source.candidates.get(message.block_id)
        if isinstance(message, Proposal) and block is None:
            return

        def deliver() -> None:
            if isinstance(message, Proposal) and block is not None:
                target.candidates[message.block_id] = block
            self.give(target, PeerSaid(message))

        self.send(source, target, deliver)

    def tick(self, member: Member, life: int) -> None:
        """Tell everybody where this node stands, every second."""
        if not member.is_up or member.life != life:
            return
        for other in self.members:
            if other is not member:
                self.send_status(member, other)
        self.later(1_000, lambda: self.tick(member, life))

    def send_status(self, member: Member, other: Member) -> None:
        theirs = member.engine.round_state()
        self.send(member, other, lambda: self.on_status(other, member, theirs))

    def on_status(self, member: Member, sender: Member, theirs: RoundState) -> None:
        if 0 < theirs.height <= member.height:
            sealed = member.chain[theirs.height]
            self.send(member, sender, lambda: self.on_block(sender, sealed))
        for message in member.engine.missing_for(theirs, 100):
            self.tell(member, sender, message)

    def on_block(self, member: Member, sealed: Sealed) -> None:
        header, seal = sealed
        if header.height == member.height + 1:
            member.engine.check_seal(header, seal, self.validators)
            self.commit(member, header, seal)

    # ── the kernel ───────────────────────────────────────────────────────────────────────────────────────

    def head_of(self, member: Member) -> HeadChanged:
        header = member.chain[-1][0]
        is_waiting = self.dice.chance(1, 2)
        return HeadChanged(header, block_id_of(header), 0, self.validators, PARAMS, work_waiting=is_waiting)

    def commit(self, member: Member, header: Header, seal: bytes) -> None:
        block_id = block_id_of(header)
        if not member.is_byzantine:
            assert self.decided.setdefault(header.height, block_id) == block_id, "two blocks for one height"
        member.chain.append((header, seal))
        member.kept.clear()
        self.give(member, self.head_of(member))

    def give(self, member: Member, given: Given) -> None:
        """Step the engine and do what it asks, unless the node crashes meanwhile."""
        waiting = [given]
        try:
            while waiting and member.is_up:
                for asked in member.engine.step(waiting.pop(0), self.now):
                    if member.crash_in == 0:
                        raise Crash
                    member.crash_in -= 1
                    self.do(member, asked, waiting)
        except Crash:
            member.crash_in = -1
            member.is_up = False
            self.later(self.dice.between(10, 5_000), lambda: self.start(member.index))

    def do(self, member: Member, asked: Asked, waiting: list[Given]) -> None:
        match asked:
            case BuildCandidate(round=round_):
                header = self.build(member, round_)
                waiting.append(CandidateBuilt(header.height, round_, block_id_of(header), header.time_ms))
            case CheckCandidate(block_id=block_id):
                life = member.life
                self.later(self.dice.between(0, 30), lambda: self.check(member, life, block_id))
            case KeepCandidate(block_id=block_id):
                member.kept[block_id] = member.candidates[block_id]
            case AskSignature():
                self.sign(member, asked, waiting)
            case Say(message=message):
                for other in self.members:
                    if other is not member and not member.is_byzantine:
                        self.tell(member, other, message)
            case SetTimer(at_ms=at_ms):
                self.set_timer(member, asked, at_ms - self.now)
            case BlockSealed(block_id=block_id, seal=seal):
                header = member.candidates[block_id]
                member.engine.check_seal(header, seal, self.validators)
                self.commit(member, header, seal)
            case Accused(evidence=evidence):
                check_evidence(GENESIS, evidence)
                signer = evidence.first.signer
                assert self.members[self.validators.index_of_key(signer)].is_byzantine, "an honest node"
                member.accused.add(signer)

    def build(self, member: Member, round_: int, gas_used: int = 0) -> Header:
        parent = member.chain[-1][0]
        header = replace(
            parent,
            height=parent.height + 1,
            parent=block_id_of(parent),
            time_ms=max(self.now, parent.time_ms + 1),
            proposer=member.engine.proposer(parent.height + 1, round_),
            validators_hash=self.set_hash,
            next_validators_hash=self.set_hash,
            parent_seal_hash=EMPTY_HASH,
            gas_used=gas_used,
            proof=QuorumProof(round_),
        )
        member.candidates[block_id_of(header)] = header
        return header

    def check(self, member: Member, life: int, block_id: bytes) -> None:
        header = member.candidates.get(block_id)
        if header is None or member.life != life or not member.is_up:
            return
        round_ = header.proof.round if isinstance(header.proof, QuorumProof) else 0
        is_valid = header.parent == block_id_of(
            member.chain[-1][0]
        ) and header.proposer == member.engine.proposer(header.height, round_)
        self.give(member, CandidateChecked(block_id, is_valid, header.time_ms, round_))

    def set_timer(self, member: Member, timer: SetTimer, delay_ms: int) -> None:
        life = member.life
        self._count += 1
        token = member.timers[timer.name] = self._count

        def fire() -> None:
            if member.is_up and member.life == life and member.timers.get(timer.name) == token:
                self.give(member, TimerFired(timer.name, timer.height, timer.round))

        self.later(delay_ms, fire)

    def sign(self, member: Member, request: AskSignature, waiting: list[Given]) -> None:
        unsigned = request.unsigned
        assert not isinstance(unsigned, SignedHeader)
        if member.is_byzantine:
            self.sign_twice(member, unsigned, waiting)
            return
        if not self.has_fences:
            waiting.append(Signed(unsigned, signed(member.seed, unsigned)))
            return
        member.state, entry, message = sign_request(
            member.state, request, GENESIS, lambda digest: sign(member.seed, digest)
        )
        if entry is not None:
            member.journal += entry
        if member.crash_in == 0:
            raise Crash
        assert not isinstance(message, SignedHeader)
        waiting.append(Signed(unsigned, message))

    def sign_twice(self, member: Member, unsigned: Proposal | Vote, waiting: list[Given]) -> None:
        """Tell one thing to the even, another to the odd, now and then either, and to some nothing."""
        first = unsigned.block_id
        if isinstance(unsigned, Proposal):
            second: bytes = block_id_of(self.build(member, unsigned.round, gas_used=self.dice.below(99)))
            member.twins[first] = second
        else:
            second = member.twins.get(first) or self.dice.pick((NIL, *member.candidates))
        versions = [signed(member.seed, replace(unsigned, block_id=block)) for block in (first, second)]
        waiting.append(Signed(unsigned, versions[0]))
        for target in self.members:
            if target is member or self.dice.chance(1, 8):
                continue
            side = target.index % 2 if self.dice.chance(3, 4) else self.dice.below(2)
            self.tell(member, target, versions[side])


def signed(seed: bytes, unsigned: Proposal | Vote) -> Proposal | Vote:
    """Return the message with its signature, fence or no fence."""
    if isinstance(unsigned, Vote):
        return replace(unsigned, signature=sign(seed, vote_digest(GENESIS, unsigned)))
    return replace(unsigned, signature=sign(seed, proposal_digest(GENESIS, unsigned)))
