"""A few kernels of a chain that can fork, wired to each other by hand: nothing is lost unless a test cuts it.

The disk is a list of blocks, the miner is told when it finds, secrets answer at once.
"""

from collections import deque
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.consensus.engine import Resume
from chaosnet.crypto import vrf
from chaosnet.crypto.signing import is_valid, public_key_of, sign
from chaosnet.kernel import events as ev
from chaosnet.kernel.boot import Stored, genesis_stored, make_node, restore_branch
from chaosnet.kernel.node import Node, NodeConfig
from chaosnet.kernel.step import step
from chaosnet.model.block import SealedBlock, decode_block
from chaosnet.model.evidence import Proposal, SignedHeader, Vote, header_digest, proposal_digest, vote_digest
from chaosnet.model.genesis import Bond, EngineFrom, Genesis, genesis_hash_of
from chaosnet.model.header import block_id_of
from tests.making import TIME_MS, Person, network

START_MS = TIME_MS + 60_000
RICH = 10**12
LAYERS = 200


def cheap_work(pre_hash: bytes, nonce: int) -> int:
    """Stand in for scrypt."""
    return int.from_bytes(sha256(pre_hash + nonce.to_bytes(8, "big")).digest(), "big")


def layer_below(seed: bytes, last: bytes) -> bytes:
    """Return the layer of a short hash onion under `last`; the outermost when it is empty."""
    layers = [sha256(b"onion" + seed).digest()[:16]]
    for _ in range(LAYERS):
        layers.append(sha256(layers[-1]).digest()[:16])
    return layers[layers.index(last) - 1] if last in layers else layers[-1]


class Disk:
    """What one node has made durable: implements ChainReader."""

    def __init__(self, first: Stored) -> None:
        self.first = first
        self.blocks: list[ev.PersistBlock] = []
        self.rolled_back: list[int] = []
        self.kept: list[ev.PersistCandidate] = []

    def put(self, write: ev.PersistBlock | ev.RollBack) -> None:
        if isinstance(write, ev.RollBack):
            assert write.height >= self.final_height, "what is final is undone"
            self.rolled_back.append(len(self.blocks) - write.height)
            del self.blocks[write.height :]
            return
        assert write.height == len(self.blocks) + 1
        assert write.header.parent == self.block_id_at(len(self.blocks))
        self.blocks.append(write)

    @property
    def final_height(self) -> int:
        return max((block.final_height for block in self.blocks), default=0)

    def block_id_at(self, height: int) -> bytes | None:
        if height == 0:
            return block_id_of(self.first.header)
        return self.blocks[height - 1].block_id if 0 < height <= len(self.blocks) else None

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        if height == 0:
            return encode(self.first.header), b""
        if not 0 < height <= len(self.blocks):
            return None
        block = self.blocks[height - 1]
        return encode(block.header), block.seal

    def sealed_at(self, height: int) -> bytes | None:
        if not 0 < height <= len(self.blocks):
            return None
        block = self.blocks[height - 1]
        return encode(SealedBlock(decode_block(block.block), block.seal))

    def candidate(self, block_id: bytes) -> bytes | None:
        return None

    def tail_blocks(self) -> list[bytes]:
        return [kept.block for kept in self.kept]

    def has_transaction(self, tx_id: bytes) -> bool:
        return any(tx_id in block.tx_ids for block in self.blocks)


class Machine:
    """One node with its disk and its keys."""

    def __init__(self, genesis: Genesis, person: Person | None, name: str) -> None:
        self.person = person
        self.seed = person.member_seed("consensus") if person else b""
        self.vrf_seed = person.member_seed("vrf") if person else b""
        node_id = (
            public_key_of(person.member_seed("node"))
            if person
            else public_key_of(sha256(name.encode()).digest())
        )
        self.config = NodeConfig(
            genesis=genesis,
            node_id=node_id,
            seed=name.encode(),
            consensus_key=public_key_of(self.seed) if person else None,
            miner=person.address if person else b"",
            work_hash=cheap_work,
        )
        self.disk = Disk(genesis_stored(genesis))
        self.timers: dict[str, int] = {}
        self.mine: ev.Mine | None = None
        self.reports: list[ev.ReportFact] = []
        self.signed: list[Any] = []
        self.node: Node = make_node(self.config, self.disk.first, self.disk)

    @property
    def id(self) -> bytes:
        return self.config.node_id


class Ring:
    """All machines and one clock."""

    def __init__(
        self, engines: str, count: int = 4, *, spare: int = 0, with_bonds: bool = True, **params: int
    ) -> None:
        """`engines` is like "pow:5,pos"."""
        people = sorted((Person(f"validator{i}") for i in range(count)), key=lambda p: p.address)
        alice = Person("alice")
        schedule, height = [], 1
        for entry in engines.split(","):
            name, _, until = entry.partition(":")
            schedule.append(EngineFrom(height, name))
            height = int(until) + 1 if until else height
        staking = with_bonds and any(e.engine in ("pos", "dpos", "dbft") for e in schedule)
        fast = {"slot_ms": 1_000, "epoch_blocks": 10, "pow_target_ms": 1_000, "pow_bits": 0x207FFFFF}
        fast |= {"finality_depth": 6, "handover_depth": 3, "trust_period_ms": 86_400_000}
        self.genesis = network(
            [(person, RICH, None) for person in [alice, *people]],
            people,
            schedule=tuple(schedule),
            bonds=[Bond(person.address, RICH // 2, 100) for person in people] if staking else [],
            with_vrf=True,
            **(fast | params),
        )
        self.hash = genesis_hash_of(self.genesis)
        self.alice = alice
        self.people = people
        self.machines = [Machine(self.genesis, person, f"m{i}") for i, person in enumerate(people)]
        self.machines += [Machine(self.genesis, None, f"spare{i}") for i in range(spare)]
        self.now = START_MS
        self.cut: Callable[[int, int], bool] = lambda *_: False
        self.queue: deque[tuple[int, ev.Event]] = deque()
        self.down: set[int] = set()

    def start(self, places: list[int] | None = None) -> "Ring":
        for place in places if places is not None else range(len(self.machines)):
            self.feed(place, ev.Started())
        for a in range(len(self.machines)):
            for b in range(a):
                if a not in self.down and b not in self.down:
                    self.connect(a, b)
        self.settle()
        return self

    def connect(self, a: int, b: int) -> None:
        for one, other, outbound in ((a, b, True), (b, a, False)):
            self.queue.append((one, ev.Connected(self.machines[other].id, outbound, f"10.0.0.{other}", 1)))

    def heal(self) -> None:
        """End all cuts; links that were lost meanwhile are there again."""
        self.cut = lambda *_: False
        for a, one in enumerate(self.machines):
            for b, other in enumerate(self.machines[:a]):
                self.queue.append((a, ev.Disconnected(other.id, "cut")))
                self.queue.append((b, ev.Disconnected(one.id, "cut")))
                self.connect(a, b)
        self.settle()

    def place_of(self, node_id: bytes) -> int:
        return next(i for i, machine in enumerate(self.machines) if machine.id == node_id)

    def feed(self, place: int, event: ev.Event) -> None:
        machine = self.machines[place]
        for effect in step(machine.node, event, self.now):
            self._perform(place, machine, effect)

    def _perform(self, place: int, machine: Machine, effect: ev.Effect) -> None:
        match effect:
            case ev.SendMessage(peer=peer, payload=payload):
                other = self.place_of(peer)
                if other not in self.down and not self.cut(place, other):
                    self.queue.append((other, ev.Received(machine.id, payload)))
            case ev.PersistBlock() | ev.RollBack():
                machine.disk.put(effect)
                if isinstance(effect, ev.PersistBlock):
                    self.queue.append((place, ev.Written(effect.height)))
            case ev.PersistCandidate():
                machine.disk.kept.append(effect)
            case ev.AskVerify(ticket=ticket, items=items):
                verdicts = tuple(all(is_valid(*check) for check in item) for item in items)
                self.queue.append((place, ev.Verified(ticket, verdicts)))
            case ev.AskSignature(request=request):
                self.queue.append(
                    (place, ev.SignatureMade(request.unsigned, self._sign(machine, request.unsigned)))
                )
            case ev.AskAnswer(ticket=ticket, kind=kind, question=question):
                lottery = kind == "lottery"
                answer = (
                    vrf.prove(machine.vrf_seed, question) if lottery else layer_below(machine.seed, question)
                )
                self.queue.append((place, ev.Answered(ticket, answer)))
            case ev.SetTimer(name=name, at_ms=at_ms):
                machine.timers[name] = at_ms
            case ev.Mine():
                machine.mine = effect
            case ev.Rest():
                machine.mine = None
            case ev.Report(fact=fact):
                machine.reports.append(fact)
            case _:
                pass

    def _sign(self, machine: Machine, unsigned: Any) -> Any:
        if isinstance(unsigned, SignedHeader):
            digest = header_digest(unsigned.header)
        elif isinstance(unsigned, Vote):
            digest = vote_digest(self.hash, unsigned)
        else:
            assert isinstance(unsigned, Proposal)
            digest = proposal_digest(self.hash, unsigned)
        signed = replace(unsigned, signature=sign(machine.seed, digest))
        machine.signed.append(signed)
        return signed

    def settle(self) -> None:
        """Deliver all that is under way."""
        budget = 200_000
        while self.queue:
            place, event = self.queue.popleft()
            if place not in self.down:
                self.feed(place, event)
            budget -= 1
            assert budget, "they never come to rest"

    def find(self, place: int) -> None:
        """Let a miner find its nonce."""
        self.pass_ms(700)
        mine = self.machines[place].mine
        assert mine is not None, "it does not mine"
        nonce = next(n for n in range(10**6) if cheap_work(mine.pre_hash, n) <= mine.target)
        self.feed(place, ev.Mined(mine.ticket, nonce))
        self.settle()

    def pass_ms(self, ms: int, until: Callable[[], bool] = lambda: False) -> None:
        """Fire timers in order for a while."""
        end = self.now + ms
        while not until():
            due = [
                (at_ms, place, name)
                for place, machine in enumerate(self.machines)
                if place not in self.down
                for name, at_ms in machine.timers.items()
            ]
            if not due or min(due)[0] > end:
                self.now = end
                return
            at_ms, place, name = min(due)
            self.now = max(self.now, at_ms)
            del self.machines[place].timers[name]
            self.feed(place, ev.TimerFired(name))
            self.settle()

    def restart(self, place: int, resume: Resume | None = None) -> None:
        """Come back with what is durable."""
        machine = self.machines[place]
        disk = machine.disk
        machine.timers, machine.mine = {}, None
        if disk.blocks:
            state = machine.disk.first.state
            for block in disk.blocks:
                state = state.update(block.changes)
            last = disk.blocks[-1]
            sealed_by = machine.node.head.sealed_by
            stored = Stored(last.header, last.seal, state, sealed_by, disk.final_height, last.view)
        else:
            stored = disk.first
        machine.node = make_node(machine.config, stored, disk, resume=resume)
        undo = {block.height: block.undo for block in disk.blocks}
        views = {block.height: block.view for block in disk.blocks}
        restore_branch(machine.node, undo.get, views.get)
        self.down.discard(place)
        self.feed(place, ev.Started())
        for other in range(len(self.machines)):
            if other != place and other not in self.down:
                self.queue.append((other, ev.Disconnected(machine.id, "restart")))
                self.connect(place, other)
        self.settle()

    def heights(self) -> list[int]:
        return [machine.node.head.header.height for machine in self.machines]

    def finals(self) -> list[int]:
        return [machine.node.final_height for machine in self.machines]

    def agreed(self) -> bool:
        up = [m.node.head.block_id for i, m in enumerate(self.machines) if i not in self.down]
        return len(set(up)) == 1
