"""One kernel on a bench: peers with real keys, a chain in memory, all it asks for on record.

`feed` gives one event and returns its effects as they came; `run` also answers what the kernel asks of the
world (signatures verified, messages signed) and returns everything that followed. Time moves by `advance`.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, TypeVar

from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.base.units import MOTES_PER_COS
from chaosnet.consensus.engine import Resume
from chaosnet.consensus.signstate import SignState, resume_of, sign_request
from chaosnet.crypto.signing import is_valid, public_key_of, sign
from chaosnet.kernel import events as ev
from chaosnet.kernel import producer
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.boot import Stored, genesis_stored, make_node
from chaosnet.kernel.node import Node, NodeConfig
from chaosnet.kernel.step import step
from chaosnet.model.block import Certificate, SealedBlock, decode_block
from chaosnet.model.evidence import NIL, PRECOMMIT, Proposal, Signable, Vote, proposal_digest, vote_digest
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.header import Header, QuorumProof, block_id_of
from chaosnet.model.transaction import SignedTx
from chaosnet.protocol import messages as msg
from chaosnet.protocol.messages import Message, decode_message, encode_message
from tests.making import TIME_MS, Person, network, transfer

RICH = 1_000 * MOTES_PER_COS
START_MS = TIME_MS + 60_000
PORT = 26_700

M = TypeVar("M", bound=Message)
E = TypeVar("E", bound=ev.Effect)
Effects = list[ev.Effect]
Write = ev.PersistBlock | ev.PersistCandidate | ev.PersistEvidence | ev.PersistTrust


class MemoryChain:
    """What a disk would hold: implements ChainReader."""

    def __init__(self, genesis_id: bytes, first: Header | None = None) -> None:
        self.first = first
        self.trust = b""
        self.blocks: dict[int, ev.PersistBlock] = {}
        self.kept: dict[bytes, bytes] = {}
        self.reads = 0
        self._genesis_id = genesis_id

    def put(self, write: Write) -> None:
        if isinstance(write, ev.PersistBlock):
            self.blocks[write.height] = write
        elif isinstance(write, ev.PersistCandidate):
            self.kept[write.block_id] = write.block
        elif isinstance(write, ev.PersistTrust):
            self.trust = write.trust

    def block_id_at(self, height: int) -> bytes | None:
        self.reads += 1
        if height == 0:
            return self._genesis_id
        return self.blocks[height].block_id if height in self.blocks else None

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        self.reads += 1
        if height == 0 and self.first is not None:
            return encode(self.first), b""
        block = self.blocks.get(height)
        return (encode(block.header), block.seal) if block else None

    def sealed_at(self, height: int) -> bytes | None:
        self.reads += 1
        block = self.blocks.get(height)
        return encode(SealedBlock(decode_block(block.block), block.seal)) if block else None

    def candidate(self, block_id: bytes) -> bytes | None:
        self.reads += 1
        return self.kept.get(block_id)

    def tail_blocks(self) -> list[bytes]:
        return list(self.kept.values())

    def has_transaction(self, tx_id: bytes) -> bool:
        return any(tx_id in block.tx_ids for block in self.blocks.values())


def peer_id(name: str) -> bytes:
    return public_key_of(sha256(f"peer {name}".encode()).digest())


class Bench:
    """A node under test among `validators`; it is the one at place `me`, or a follower when `me` is None.

    Places are those of the validator set, which is also the order of turns.
    """

    def __init__(
        self, validators: int = 4, me: int | None = 0, *, params: dict[str, int] | None = None, **config: Any
    ) -> None:
        self.people = {name: Person(name) for name in ("alice", "bob", "carol")}
        members = [Person(f"validator{i}") for i in range(validators)]
        self.validators = sorted(members, key=lambda person: person.address)
        self.genesis: Genesis = network(
            [(person, RICH, None) for person in self.people.values()], members, **(params or {})
        )
        self.genesis_hash = genesis_hash_of(self.genesis)
        mine = self.validators[me] if me is not None else None
        self.me = me
        self.node_id = public_key_of(mine.member_seed("node")) if mine else peer_id("me")
        self._seed = mine.member_seed("consensus") if mine else b""
        self.config = NodeConfig(
            genesis=self.genesis,
            node_id=self.node_id,
            seed=b"bench",
            consensus_key=public_key_of(self._seed) if mine else None,
            listen_port=PORT,
            **config,
        )
        first = genesis_stored(self.genesis)
        self.chain = MemoryChain(block_id_of(first.header), first.header)
        self.signs = SignState()
        self.now = START_MS
        self.log: Effects = []
        self.asked: list[ev.AskVerify | ev.AskSignature] = []
        self.timers: dict[str, int] = {}
        self.are_silent = False
        """Whether peers say nothing by themselves."""
        self.node: Node = make_node(self.config, first, self.chain)

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> "Bench":
        self.run(ev.Started())
        return self

    def restart(self) -> "Bench":
        """Come back with what is durable."""
        node = self.node
        head = node.head
        stored = Stored(head.header, head.seal, head.state, head.sealed_by, trust=self.chain.trust)
        resume: Resume | None = resume_of(self.signs) if self.me is not None else None
        self.asked, self.timers = [], {}
        self.node = make_node(self.config, stored, self.chain, resume=resume)
        return self.start()

    def feed(self, event: ev.Event) -> Effects:
        """Give one event; return its effects, with the questions among them unanswered."""
        effects = step(self.node, event, self.now)
        self.log += effects
        for effect in effects:
            match effect:
                case ev.PersistBlock() | ev.PersistCandidate() | ev.PersistEvidence() | ev.PersistTrust():
                    self.chain.put(effect)
                case ev.SetTimer(name=name, at_ms=at_ms):
                    self.timers[name] = at_ms
                case ev.AskVerify() | ev.AskSignature():
                    self.asked.append(effect)
                case _:
                    pass
        return effects

    def answer(self) -> Effects:
        """Answer what the kernel has asked, and what it asks then, until it asks no more."""
        effects: Effects = []
        while self.asked:
            asked = self.asked.pop(0)
            if isinstance(asked, ev.AskVerify):
                verdicts = tuple(all(is_valid(*check) for check in item) for item in asked.items)
                effects += self.feed(ev.Verified(asked.ticket, verdicts))
            else:
                effects += self.feed(ev.SignatureMade(asked.request.unsigned, self.sign(asked)))
        return effects

    def sign(self, asked: ev.AskSignature) -> Signable | None:
        """Ask the sign state of the node under test."""
        self.signs, _, message = sign_request(
            self.signs, asked.request, self.genesis_hash, lambda digest: sign(self._seed, digest)
        )
        return message

    def run(self, event: ev.Event) -> Effects:
        return self.feed(event) + self.answer()

    def advance(self, ms: int) -> Effects:
        """Let time pass; timers fire when they are due, and no peer is silent so long that it is lost."""
        effects: Effects = []
        end = self.now + ms
        while self.timers:
            name = min(self.timers, key=lambda name: self.timers[name])
            if self.timers[name] > end:
                break
            self.now = max(self.now, self.timers.pop(name))
            if name == "peers" and not self.are_silent:
                for peer in self.node.sessions.ready():
                    self.say(peer, msg.TxHashes(()))
            effects += self.run(ev.TimerFired(name))
        self.now = end
        return effects

    # ── peers ────────────────────────────────────────────────────────────────────────────────────────────

    def node_of(self, place: int) -> bytes:
        """Return the node id of a validator."""
        return public_key_of(self.validators[place].member_seed("node"))

    def key_of(self, place: int) -> bytes:
        """Return the consensus key of a validator."""
        return public_key_of(self.validators[place].member_seed("consensus"))

    def hello(self, **fields: Any) -> msg.Hello:
        head = self.node.head
        values: dict[str, Any] = {
            "version": msg.PROTOCOL_VERSION,
            "genesis": self.genesis_hash,
            "rules": (1,),
            "software": "test",
            "listen_port": 0,
            "era": 0,
            "height": head.header.height,
            "head": head.block_id,
            "time_ms": self.now,
        }
        return msg.Hello(**values | fields)

    def join(self, peer: int | str, *, host: str = "", **fields: Any) -> bytes:
        """Connect a validator by its place, or a stranger by its name, and greet; return its id."""
        node_id = self.node_of(peer) if isinstance(peer, int) else peer_id(peer)
        host = host or f"10.0.0.{sum(node_id) % 250 + 1}"
        self.run(ev.Connected(node_id, outbound=False, host=host, port=40_000))
        self.say(node_id, self.hello(**fields))
        return node_id

    def join_all(self) -> list[bytes]:
        """Connect all other validators."""
        return [self.join(place) for place in range(len(self.validators)) if place != self.me]

    def say(self, peer: bytes, message: Message) -> Effects:
        """Let a peer send a message, and answer what follows."""
        return self.run(ev.Received(peer, encode_message(message)))

    def status(self, **fields: Any) -> msg.Status:
        """Return the status of a peer at the height of the node under test."""
        head = self.node.head
        values: dict[str, Any] = {
            "era": 0,
            "height": head.header.height,
            "head": head.block_id,
            "time_ms": self.now,
            "round": 0,
            "step": "wait",
            "has_proposal": False,
            "prevotes": b"",
            "precommits": b"",
            "linked": b"",
        }
        return msg.Status(**values | fields)

    # ── transactions ─────────────────────────────────────────────────────────────────────────────────────

    def tx(self, sender: str, nonce: int, to: str = "bob", amount: int = 5, **fields: Any) -> SignedTx:
        return transfer(self.genesis, self.people[sender], nonce, self.people[to].address, amount, **fields)

    def submit(self, *txs: SignedTx | bytes) -> list[str]:
        """Hand in transactions as a local client; return the code of each."""
        raws = tuple(tx if isinstance(tx, bytes) else tx.raw for tx in txs)
        (reply,) = of(self.run(ev.SubmitTransactions(7, raws)), ev.Reply)
        return [code for _, code, _ in reply.verdicts]

    # ── blocks and votes of others ───────────────────────────────────────────────────────────────────────

    def candidate(
        self, txs: Sequence[SignedTx] = (), *, round_: int = 0, on: Node | None = None, later_ms: int = 0
    ) -> Candidate:
        """Return what the proposer of this round would build on the head (of `on`)."""
        base = (on or self.node).head
        stored = Stored(base.header, base.seal, base.state, base.sealed_by)
        maker = make_node(NodeConfig(self.genesis, peer_id("maker"), b"maker"), stored, self.chain)
        for tx in txs:
            maker.mempool.add(tx, 0)
        proposer = self.turn(round_, height=base.header.height + 1)
        operator = self.validators[proposer].address
        return producer.build(
            maker, QuorumProof(round=round_), operator, max(self.now, base.header.time_ms + 1) + later_ms
        )

    def turn(self, round_: int = 0, *, height: int | None = None) -> int:
        """Return the place whose turn it is."""
        at = height if height is not None else self.node.head.header.height + 1
        return (at + round_) % len(self.validators)

    def proposal(self, candidate: Candidate, round_: int = 0, pol_round: int = -1) -> msg.Propose:
        header = candidate.block.header
        signer = self.validators[self.turn(round_, height=header.height)]
        seed = signer.member_seed("consensus")
        unsigned = Proposal(0, header.height, round_, pol_round, candidate.block_id, public_key_of(seed), b"")
        signed = replace(unsigned, signature=sign(seed, proposal_digest(self.genesis_hash, unsigned)))
        return msg.Propose(proposal=signed, block=candidate.raw)

    def vote(
        self, place: int, kind: int, block_id: bytes = NIL, *, round_: int = 0, height: int | None = None
    ) -> Vote:
        seed = self.validators[place].member_seed("consensus")
        at = height if height is not None else self.node.head.header.height + 1
        unsigned = Vote(kind, 0, at, round_, block_id, public_key_of(seed), b"")
        return replace(unsigned, signature=sign(seed, vote_digest(self.genesis_hash, unsigned)))

    def votes(self, places: Iterable[int], kind: int, block_id: bytes = NIL, *, round_: int = 0) -> msg.Votes:
        return msg.Votes(tuple(self.vote(place, kind, block_id, round_=round_) for place in places))

    def seal(self, candidate: Candidate, *, round_: int = 0) -> bytes:
        """Return the certificate of all validators."""
        height = candidate.block.header.height
        places = range(len(self.validators))
        votes = [
            self.vote(i, PRECOMMIT, candidate.block_id, round_=round_, height=height).signature
            for i in places
        ]
        return encode(Certificate(0, height, round_, candidate.block_id, tuple(places), tuple(votes)))

    def sealed(self, candidate: Candidate) -> bytes:
        """Return the block as sync carries it."""
        return encode(SealedBlock(candidate.block, self.seal(candidate)))

    def grow(self, blocks: int = 1) -> None:
        """Commit empty blocks as the other validators agree on them; they must be connected."""
        for _ in range(blocks):
            round_ = 1 if self.turn() == self.me else 0
            candidate = self.candidate(round_=round_)
            others = [i for i in range(len(self.validators)) if i != self.me]
            self.say(self.node_of(others[0]), self.proposal(candidate, round_))
            self.say(
                self.node_of(others[0]), self.votes(others, PRECOMMIT, candidate.block_id, round_=round_)
            )


def of(effects: Iterable[ev.Effect], kind: type[E]) -> list[E]:
    """Return the effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def facts(effects: Iterable[ev.Effect], kind: type[Any]) -> list[Any]:
    """Return the reported facts of one kind."""
    return [effect.fact for effect in of(effects, ev.Report) if isinstance(effect.fact, kind)]


def sent(effects: Iterable[ev.Effect], kind: type[M], peer: bytes | None = None) -> list[M]:
    """Return the messages of one kind that go to a peer, or to all."""
    found = [
        decode_message(effect.payload)
        for effect in of(effects, ev.SendMessage)
        if peer in (None, effect.peer)
    ]
    return [message for message in found if isinstance(message, kind)]


def closed(effects: Iterable[ev.Effect]) -> list[tuple[bytes, str]]:
    """Return who is disconnected, and why."""
    return [(effect.peer, effect.reason) for effect in of(effects, ev.ClosePeer)]
