"""What members try where the chain can fork, all with the real kernel behind them.

`selfish` mines in secret and publishes only as much as it takes to undo the work of others (Eyal and Sirer);
`hold_back` gives its blocks late, or to some only; `every_branch` seals a block on every branch it knows of
whenever it is its turn, owns up to none of them, and tells each half of the network something else.
"""

from chaosnet.base.codec import encode
from chaosnet.base.dice import Dice
from chaosnet.base.errors import ChaosError, Invalid
from chaosnet.consensus.branching import Turn
from chaosnet.crypto.signing import sign
from chaosnet.kernel import events as ev
from chaosnet.kernel import handover, making, producer
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.node import Node
from chaosnet.kernel.tree import Entry
from chaosnet.ledger.epochs import last_reveal
from chaosnet.model.block import SealedBlock, decode_sealed
from chaosnet.model.evidence import SignedHeader, header_digest
from chaosnet.model.header import Header
from chaosnet.protocol import messages as msg
from chaosnet.protocol.messages import encode_message
from chaosnet.sim import secrets
from chaosnet.sim.host import Host
from chaosnet.sim.network import TAG_OF, read_message, tag_of

STRATEGIES = ("selfish", "hold_back", "every_branch")
NEW_BLOCK, STATUS = TAG_OF[msg.NewBlock], TAG_OF[msg.Status]
TIPS_MAX = 4
"""Branches that are fed at once."""

Sends = tuple[tuple[bytes, bytes], ...]


def pushed_header(payload: bytes) -> Header | None:
    """Return the header of the block that a message pushes."""
    message = read_message(payload) if tag_of(payload) == NEW_BLOCK else None
    if not isinstance(message, msg.NewBlock):
        return None
    try:
        return decode_sealed(message.block).block.header
    except Invalid:
        return None


class Selfish:
    """Keeps its blocks to itself while it leads."""

    def __init__(self, hosts: list[Host]) -> None:
        self._hosts = hosts
        self._hidden: dict[int, bytes] = {}
        """Height -> message with the block."""
        self._shown = 0

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Hide own blocks, and a head that nobody knows."""
        header = pushed_header(payload)
        if header is not None and header.proposer == host.actor.operator and header.height > self._shown:
            self._hidden[header.height] = payload
            return ()
        if self._hidden and tag_of(payload) == STATUS:
            return ()
        return ((peer, payload),)

    def see(self, host: Host, event: ev.Event) -> None:
        """Answer the block of somebody else with as many of our own as it takes."""
        header = pushed_header(event.payload) if isinstance(event, ev.Received) else None
        if header is None or not self._hidden:
            return
        lead = max(self._hidden) - header.height
        for height in sorted(self._hidden):
            if lead < 0:
                del self._hidden[height]  # others were faster
            elif lead <= 1 or height <= header.height:
                self._show(host, height)

    def _show(self, host: Host, height: int) -> None:
        payload = self._hidden.pop(height)
        self._shown = max(self._shown, height)
        for other in self._hosts:
            if other is not host:
                host.wiring.network.send(host, other.node_key, payload)


class HoldBack:
    """Gives its own blocks to half of its peers; the others hear of them later, or from them."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Drop own blocks at random."""
        header = pushed_header(payload)
        is_own = header is not None and header.proposer == host.actor.operator
        return () if is_own and self._dice.chance(1, 2) else ((peer, payload),)

    def see(self, host: Host, event: ev.Event) -> None:
        """Nothing is done."""


class EveryBranch:
    """Has nothing at stake: more blocks in its slot, on all branches and beside its own."""

    def __init__(self, hosts: list[Host]) -> None:
        self._hosts = hosts

    def change(self, _host: Host, peer: bytes, payload: bytes) -> Sends:
        """Its own block goes its way too."""
        return ((peer, payload),)

    def see(self, host: Host, event: ev.Event) -> None:
        """When a block of our own is signed, make others for the same slot."""
        node = host.node
        if not isinstance(event, ev.SignatureMade) or not isinstance(event.message, SignedHeader):
            return
        if node is None or node.tree is None:
            return
        own = event.message.header
        parent = node.tree.entries.get(own.parent)
        tips = [entry for entry in node.tree.tips() if entry is not parent][:TIPS_MAX]
        honest = [other for other in self._hosts if not other.is_byzantine]
        for number, entry in enumerate([*tips, *([parent] if parent is not None else [])]):
            try:
                candidate = sealable(host, node, entry, own.time_ms)
            except ChaosError:
                continue
            if candidate is None:
                continue
            seal = sign(host.actor.consensus_seed, header_digest(candidate.block.header))
            payload = encode_message(msg.NewBlock(block=encode(SealedBlock(candidate.block, seal))))
            for other in honest[number % 2 :: 2]:
                host.wiring.network.send(host, other.node_key, payload)


def sealable(host: Host, node: Node, entry: Entry, time_ms: int) -> Candidate | None:
    """Return a block on any branch for the slot at this time, which denies all blocks made before."""
    branch, operator = node.branch, host.actor.operator
    facts = making.facts_on(node, entry)
    if branch is None or handover.is_at_end(node, entry):
        return None
    turn = branch.next_turn(facts, operator, time_ms - 1)
    if turn is None or turn.at_ms != time_ms:
        return None
    proof = branch.proof(facts, turn, _answer(host, branch.name, turn, entry), facts.era_height)
    if proof is None:
        return None
    return producer.build_on(node, entry.head, proof, time_ms=time_ms, proposer=operator, now=time_ms)


def _answer(host: Host, engine: str, turn: Turn, entry: Entry) -> bytes:
    if engine == "pos":
        return secrets.answer_of(host.actor, ev.AskAnswer(0, "lottery", turn.question))
    last = last_reveal(entry.head.state, host.actor.operator)
    question = last.reveal if last is not None else b""
    return secrets.answer_of(host.actor, ev.AskAnswer(0, "reveal", question))
