"""What must hold in every simulated network, looked at after every step.

One chain of final blocks, none of them undone; supply as the genesis says, also in blocks that are undone
later; the same block has the same results on all nodes; nobody honest signs twice, or what it has not
recorded first, or is banned by another honest node. A node that says it is in doubt about its chain is not
held to it. Progress is judged at the end (world.py).
"""

from dataclasses import dataclass
from hashlib import sha256

from chaosnet.base.codec import encode
from chaosnet.kernel import events as ev
from chaosnet.kernel.node import Node
from chaosnet.ledger.accounts import decode_account, total
from chaosnet.ledger.apply import full_supply
from chaosnet.ledger.keys import ACCOUNT_PREFIX
from chaosnet.model.evidence import PRECOMMIT, Proposal, Signable, SignedHeader, Vote, are_contradicting
from chaosnet.model.genesis import Genesis, supply_at
from chaosnet.model.header import block_id_of
from chaosnet.protocol.messages import Propose, Votes
from chaosnet.sim.disk import Recorded, recorded_of
from chaosnet.sim.host import Host
from chaosnet.sim.network import SPEECH, read_message, tag_of
from chaosnet.sim.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    at_ms: int
    code: str
    detail: str

    def __str__(self) -> str:
        return f"{self.code} at {self.at_ms} ms: {self.detail}"


@dataclass(frozen=True, slots=True)
class Committed:
    """The one final block of a height, as the first honest node had it to which it was final."""

    block_id: bytes
    place: int
    at_us: int
    tx_ids: tuple[bytes, ...]
    round: int


class Checkers:
    """Watches all honest hosts of a world. Also `host.Watch`."""

    def __init__(self, schedule: Schedule, genesis: Genesis) -> None:
        self._schedule = schedule
        self._genesis = genesis
        self.violations: list[Violation] = []
        self.chain: dict[int, Committed] = {}
        """Height -> final block, without gaps."""
        self.height = 0
        """Of the newest final block."""
        self.head_height = 0
        """Greatest height that any honest node had."""
        self._results: dict[bytes, tuple[bytes, dict[bytes, bytes | None]]] = {}
        """Block id -> digest of the receipts and changes, as its first honest executor had them."""
        self.doubted: dict[int, bool] = {}
        """Places of nodes that say they are untrusted."""
        self.finals: dict[int, int] = {}
        """Place -> height up to which its chain is final."""
        self._headers: dict[bytes, dict[bytes, SignedHeader]] = {}
        """Key -> block id -> header that an honest host signed."""
        self.reorganisations = 0
        self.reorganised_max = 0
        """Most blocks undone at once."""
        self.included: dict[bytes, int] = {}
        """Transaction id -> height."""
        self.signed: dict[tuple[bytes, int, int, int, int], tuple[bytes, int]] = {}
        """(key, era, height, round, kind) -> what an honest host said there."""
        self._spoken: set[bytes] = set()
        """Payloads looked at already; only asked, never iterated."""
        self._told: dict[int, tuple[int, bytes]] = {}
        """Place -> highest (height, block id) it reported as durable."""
        self.honest: dict[bytes, int] = {}
        """Node key -> place, of honest hosts."""
        self.honest_keys: frozenset[bytes] = frozenset()
        """Consensus keys of honest hosts."""
        self.is_peaceful = True
        """Whether honest nodes have no reason to ban each other: links neither lose nor double messages."""
        self.round_max = 0
        self.penalties: dict[str, int] = {}
        """Code -> how often an honest node held something against another honest one."""

    def violate(self, code: str, detail: str) -> None:
        """Note a broken promise."""
        self.violations.append(Violation(self._schedule.now_us // 1_000, code, detail))

    # ── host.Watch ───────────────────────────────────────────────────────────────────────────────────────

    def wrote(self, host: Host, write: ev.PersistBlock) -> None:
        """A block has one result, and its supply is right; what is final at once is judged as such."""
        if host.is_byzantine:
            return
        receipts = sha256(encode(write.receipts)).digest()
        result = receipts, write.changes
        known = self._results.setdefault(write.block_id, result)
        if known is result:
            minted = supply_at(self._genesis, write.height) - supply_at(self._genesis, write.height - 1)
            delta = _motes(write.changes) - _motes(write.undo) - minted
            if delta:
                self.violate("supply", f"block {write.height} changes it by {delta} motes")
        elif known != result:
            self.violate("diverged", f"height {write.height}: node{host.place} executed something else")
        if host.place in self.doubted:
            return
        self.head_height = max(self.head_height, write.height)
        if write.height <= self.final_of(host):
            self._compare(host, write)
        final_height = write.height if write.final_height < 0 else min(write.final_height, write.height)
        self._finalised(host, final_height, write)

    def rolled_back(self, host: Host, height: int) -> None:
        """Nothing final is undone."""
        if host.is_byzantine:
            return
        if height < self.final_of(host):
            self.violate("undone", f"node{host.place} goes back to {height}, {self.final_of(host)} is final")
        self._told[host.place] = (height, host.disk.block_id_at(height) or b"")

    def final_of(self, host: Host) -> int:
        """Return up to which height a host's chain is final."""
        return self.finals.get(host.place, 0)

    def _finalised(self, host: Host, height: int, write: ev.PersistBlock | None = None) -> None:
        """A host's chain is final up to a height: all have the same there, but who says it is in doubt."""
        if host.place in self.doubted:
            return
        known = self.final_of(host)
        for at in range(known + 1, height + 1):
            block = write if write is not None and at == write.height else host.disk.blocks.get(at)
            if block is None:
                self.violate("unpersisted", f"{at} is final on node{host.place} before it is durable")
                return
            if at in self.chain:
                self._compare(host, block)
            else:
                self._extend(host, block)
        self.finals[host.place] = max(known, height)

    def _compare(self, host: Host, write: ev.PersistBlock) -> None:
        first = self.chain[write.height]
        if first.block_id != write.block_id:
            self.violate(
                "fork",
                f"height {write.height}: {first.block_id.hex()[:8]} on node{first.place}, "
                f"{write.block_id.hex()[:8]} on node{host.place}",
            )

    def _extend(self, host: Host, write: ev.PersistBlock) -> None:
        height = write.height
        if height != self.height + 1:
            self.violate("gap", f"node{host.place} commits {height}, nobody has {self.height + 1}")
        self.height = height
        round_ = getattr(write.header.proof, "round", 0)
        self.chain[height] = Committed(
            write.block_id, host.place, self._schedule.now_us, write.tx_ids, round_
        )
        for tx_id in write.tx_ids:
            if tx_id in self.included:
                self.violate("twice", f"transaction {tx_id.hex()[:8]} at {self.included[tx_id]} and {height}")
            self.included[tx_id] = height

    def sealed(self, host: Host, message: Signable) -> None:
        """No honest key makes two headers for one slot, or two that contradict each other (LIP-14)."""
        if host.is_byzantine or not isinstance(message, SignedHeader):
            return
        header = message.header
        block_id = block_id_of(header)
        before = self._headers.setdefault(message.signer, {})
        for other_id, other in before.items():
            is_other = other_id != block_id and other.header.era == header.era
            if is_other and (
                getattr(other.header.proof, "slot", 0) == getattr(header.proof, "slot", 0)
                or are_contradicting(other.header, header)
            ):
                self.violate(
                    "double_sign", f"node{host.place}: header {header.height} after {other.header.height}"
                )
        before[block_id] = message
        if host.is_follower or host.disk.journal is None:
            self.violate("unfenced", f"node{host.place} signs header {header.height} without sign state")
        elif recorded_of(message) not in host.disk.journal.recorded:
            self.violate("unrecorded", f"node{host.place} signs header {header.height}, which is not durable")

    def sent(self, host: Host, payload: bytes) -> None:
        """What an honest key signs is recorded first, and never twice."""
        if tag_of(payload) not in SPEECH or payload in self._spoken:
            return
        self._spoken.add(payload)
        for message in _speech(payload):
            if message.signer == host.actor.consensus_key:
                self._said(host, message)

    def _said(self, host: Host, message: Proposal | Vote) -> None:
        recorded = recorded_of(message)
        (era, height, round_, kind), block_id, pol_round = recorded
        place = (message.signer, era, height, round_, kind)
        before = self.signed.get(place)
        if before == (block_id, pol_round):
            return
        self.signed[place] = (block_id, pol_round)
        if before is not None:
            self.violate("double_sign", f"node{host.place}: {_say(recorded)}, before {before[0].hex()[:8]}")
        journal = host.disk.journal
        if host.is_follower or journal is None:
            self.violate("unfenced", f"node{host.place} signs without sign state: {_say(recorded)}")
        elif recorded not in journal.recorded:
            self.violate("unrecorded", f"node{host.place} says what is not durable: {_say(recorded)}")
        others = host.disk.unkept | (journal.brought if journal is not None else frozenset())
        is_kept = host.disk.keeps(height, block_id) or recorded in others
        if kind == PRECOMMIT and block_id and not is_kept:
            self.violate("unkept", f"node{host.place} locks on a block it did not keep: {_say(recorded)}")

    def reported(self, host: Host, fact: ev.ReportFact) -> None:
        """A reported head is durable; honest nodes hold nothing against each other."""
        if host.is_byzantine:
            return
        match fact:
            case ev.HeadMoved(height=height, block_id=block_id):
                if host.disk.block_id_at(height) != block_id:
                    self.violate("unpersisted", f"node{host.place} reports {height} before it is durable")
                self._told[host.place] = (height, block_id)
            case ev.Finalised(height=height, block_id=block_id):
                if host.disk.block_id_at(height) != block_id:
                    self.violate("unpersisted", f"{height} is final on node{host.place} before it is durable")
                else:
                    self._finalised(host, height)
            case ev.Reorganised(old_height=old_height, common_height=common_height):
                self.reorganisations += 1
                self.reorganised_max = max(self.reorganised_max, old_height - common_height)
            case ev.RoundMoved(round=round_):
                self.round_max = max(self.round_max, round_)
            case ev.PeerNote(peer=peer, what="banned" | "penalised" as what, code=code):
                self._judged(host, peer, what, code)
            case ev.TrustJudged(is_trusted=is_trusted):
                self.doubted.pop(host.place, None)
                if not is_trusted:
                    self.doubted[host.place] = True
            case ev.DoubleSign(signer=signer, height=height):
                if signer in self.honest_keys:
                    self.violate(
                        "accused", f"node{host.place} has proof against {signer.hex()[:8]}, {height}"
                    )

    def _judged(self, host: Host, peer: bytes, what: str, code: str) -> None:
        place = self.honest.get(peer)
        if place is None or place in self.doubted or host.place in self.doubted:
            return
        self.penalties[code] = self.penalties.get(code, 0) + 1
        if what == "banned" and self.is_peaceful:
            self.violate("banned", f"node{host.place} bans the honest node{place}: {code}")

    def started(self, host: Host, node: Node) -> None:
        """No restart undoes what was reported."""
        self.doubted.pop(host.place, None)
        if host.is_byzantine:
            return
        height, block_id = self._told.get(host.place, (0, b""))
        if height and host.disk.block_id_at(height) != block_id:
            self.violate("undone", f"node{host.place} restarts at {node.head.header.height}, had {height}")

    def failed(self, host: Host, error: Exception) -> None:
        """A kernel does not fail, whatever it is fed."""
        self.violate("failed", f"node{host.place}: {type(error).__name__}: {error}")

    def forget(self, place: int) -> None:
        """The operator wiped a data directory."""
        self._told.pop(place, None)
        self.finals.pop(place, None)

    def newest(self) -> tuple[int, bytes]:
        """Return height and id of the newest final block."""
        return self.height, self.chain[self.height].block_id

    # ── at the end ───────────────────────────────────────────────────────────────────────────────────────

    def check_whole(self, host: Host) -> None:
        """Add up all accounts of a host, and compare its head with the chain."""
        node = host.node
        if node is None or host.is_byzantine:
            return
        height = node.head.header.height
        if full_supply(node.head.state) != supply_at(self._genesis, height):
            self.violate("supply", f"node{host.place} at height {height}")
        if node.head.state.root != node.head.header.state_root:
            self.violate("diverged", f"node{host.place}: state root at height {height}")


def _speech(payload: bytes) -> tuple[Proposal | Vote, ...]:
    match read_message(payload):
        case Votes(votes=votes):
            return votes
        case Propose(proposal=proposal):
            return (proposal,)
    return ()


def _motes(items: dict[bytes, bytes | None]) -> int:
    return sum(
        total(decode_account(value))
        for key, value in items.items()
        if value is not None and key.startswith(ACCOUNT_PREFIX)
    )


def _say(recorded: Recorded) -> str:
    (era, height, round_, kind), block_id, _ = recorded
    name = ("proposal", "prevote", "precommit")[kind]
    return f"{name} {era}/{height}/{round_} for {block_id.hex()[:8] or 'nil'}"
