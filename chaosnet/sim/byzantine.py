"""Members that lie. Each runs the real kernel and bends what it sends; its key signs whatever it likes.

Traits: `equivocate` tells one half of the network one thing and the other half another, in agreement with all
other byzantine members; `flipflop` votes at random for all it hears of; `withhold` is silent at random;
`lie_height` claims blocks it does not have; `lie_blocks` serves damaged blocks; `garbage` sends what is no
message; `forge_votes` votes in others' names; `replay` sends old messages again; `twin` is an operator who
runs one key twice. The traits that propose invalid blocks are in `forgery`, those for chains that fork in
`strategies`.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from msgspec.structs import replace

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Invalid
from chaosnet.crypto.signing import sign
from chaosnet.kernel import events as ev
from chaosnet.kernel.chain import candidate_from
from chaosnet.model.evidence import (
    NIL,
    PRECOMMIT,
    PREVOTE,
    Proposal,
    Vote,
    proposal_digest,
    vote_digest,
)
from chaosnet.protocol import messages as msg
from chaosnet.protocol.messages import encode_message
from chaosnet.sim.cast import Actor, actor_at
from chaosnet.sim.forgery import FORGERIES, forge, second_block
from chaosnet.sim.host import Host
from chaosnet.sim.network import SPEECH, TAG_OF, read_message, tag_of
from chaosnet.sim.scenario import Byzantine
from chaosnet.sim.strategies import STRATEGIES, EveryBranch, HoldBack, Selfish

TRAITS: Final = (
    "equivocate",
    "flipflop",
    "withhold",
    "lie_height",
    "lie_blocks",
    "garbage",
    "forge_votes",
    "replay",
    "twin",
    *FORGERIES,
    *STRATEGIES,
)
STATUS, BODIES, HEADERS = (TAG_OF[kind] for kind in (msg.Status, msg.Bodies, msg.Headers))
KEPT: Final = 200
"""Old messages a replayer keeps."""

Sends = Iterable[tuple[bytes, bytes]]


class Part(Protocol):
    """One trait of one host."""

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Return what is sent instead."""
        ...

    def see(self, host: Host, event: ev.Event) -> None:
        """See an event before the kernel does."""


def draw_traits(spec: Byzantine, dice: Dice) -> tuple[str, ...]:
    """Return the traits of one member; raises Invalid(`bad_config`) for an unknown one."""
    unknown = [name for name in spec.traits if name not in TRAITS]
    if unknown:
        raise Invalid("bad_config", f"no such trait: {unknown[0]}")
    if spec.is_each_whole or not spec.traits:
        return spec.traits
    drawn = tuple(name for name in spec.traits if dice.chance(1, 2))
    return drawn or (dice.pick(spec.traits),)


def make_twin(actor: Actor, place: int) -> Actor:
    """Return another machine with the same consensus key."""
    other = actor_at(place)
    return Actor(
        place=place,
        operator=actor.operator,
        consensus_seed=actor.consensus_seed,
        consensus_key=actor.consensus_key,
        node_key=other.node_key,
        host=other.host,
    )


class Parts:
    """All traits of one host, one after the other. Also `host.Trait`."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts

    def on_send(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Let each trait change what the one before made."""
        sends: list[tuple[bytes, bytes]] = [(peer, payload)]
        for part in self._parts:
            sends = [new for to, old in sends for new in part.change(host, to, old)]
        return sends

    def on_event(self, host: Host, event: ev.Event) -> None:
        """Show each trait what happens."""
        for part in self._parts:
            part.see(host, event)


class Cabal:
    """All byzantine members of a world: they know each other."""

    def __init__(self, hosts: list[Host], genesis_hash: bytes, dice: Dice) -> None:
        self._hosts = hosts
        self._genesis_hash = genesis_hash
        self.dice = dice
        self.members: list[Host] = []

    def corrupt(self, host: Host, names: tuple[str, ...]) -> None:
        """Make a host byzantine."""
        makers: dict[str, Callable[[], Part]] = {
            "equivocate": lambda: Equivocate(self),
            "flipflop": lambda: FlipFlop(self),
            "withhold": lambda: Withhold(self),
            "lie_height": lambda: LieHeight(self),
            "lie_blocks": lambda: LieBlocks(self),
            "garbage": lambda: Garbage(self),
            "forge_votes": lambda: ForgeVotes(self),
            "replay": lambda: Replay(self),
            "selfish": lambda: Selfish(self._hosts),
            "hold_back": lambda: HoldBack(self.dice),
            "every_branch": lambda: EveryBranch(self._hosts),
        }
        parts = [makers[name]() for name in names if name in makers]
        parts += [Forger(self, name) for name in names if name in FORGERIES]
        host.trait = Parts(parts)
        self.members.append(host)

    def sides(self) -> tuple[list[Host], list[Host]]:
        """Return the honest hosts in two halves, by place."""
        honest = [host for host in self._hosts if not host.is_byzantine]
        return honest[::2], honest[1::2]

    def vote(self, host: Host, kind: int, proposal: Proposal, block_id: bytes) -> bytes:
        """Return a message with a vote of a member, in the round of a proposal."""
        p = proposal
        unsigned = Vote(kind, p.era, p.height, p.round, block_id, host.actor.consensus_key, b"")
        digest = vote_digest(self._genesis_hash, unsigned)
        vote = replace(unsigned, signature=sign(host.actor.consensus_seed, digest))
        return encode_message(msg.Votes(votes=(vote,)))

    def propose(self, host: Host, proposal: Proposal, block_id: bytes, block: bytes) -> bytes:
        """Return a message with another block in place of a proposed one."""
        unsigned = replace(proposal, block_id=block_id, pol_round=-1, signature=b"")
        digest = proposal_digest(self._genesis_hash, unsigned)
        signed = replace(unsigned, signature=sign(host.actor.consensus_seed, digest))
        return encode_message(msg.Propose(proposal=signed, block=block))

    @staticmethod
    def send(host: Host, targets: list[Host], payload: bytes) -> None:
        """Send past the kernel."""
        for target in targets:
            if target is not host:
                host.wiring.network.send(host, target.node_key, payload)


def own_proposal(host: Host, payload: bytes) -> msg.Propose | None:
    """Return the host's own proposal that a payload carries."""
    if tag_of(payload) != TAG_OF[msg.Propose]:
        return None
    message = read_message(payload)
    if isinstance(message, msg.Propose) and message.proposal.signer == host.actor.consensus_key:
        return message
    return None


class Plain:
    """A part that changes nothing: the base of all others."""

    def __init__(self, cabal: Cabal) -> None:
        self.cabal = cabal
        self.dice = cabal.dice

    def change(self, _host: Host, peer: bytes, payload: bytes) -> Sends:
        """Return what is sent instead."""
        return ((peer, payload),)

    def see(self, host: Host, event: ev.Event) -> None:
        """See an event before the kernel does."""


class Equivocate(Plain):
    """Two blocks in one round, each for one half, and the votes of all members for both at once."""

    def __init__(self, cabal: Cabal) -> None:
        super().__init__(cabal)
        self._done: set[tuple[int, int]] = set()

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Replace the own proposal and all votes of its round."""
        message = own_proposal(host, payload)
        if message is None:
            return ((peer, payload),)
        proposal = message.proposal
        place = (proposal.height, proposal.round)
        if place in self._done:
            return ()
        self._done.add(place)
        node = host.node
        other = second_block(node, proposal) if node is not None and message.block else None
        if other is None:
            return ((peer, payload),)
        first, second = self.cabal.sides()
        self.cabal.send(host, first, payload)
        self.cabal.send(host, second, self.cabal.propose(host, proposal, other.block_id, other.raw))
        for member in self.cabal.members:
            if member.is_up:
                for kind in (PREVOTE, PRECOMMIT):
                    self.cabal.send(member, first, self.cabal.vote(member, kind, proposal, proposal.block_id))
                    self.cabal.send(member, second, self.cabal.vote(member, kind, proposal, other.block_id))
        return ()


class FlipFlop(Plain):
    """Votes for whatever is proposed, and for nothing, to changing parts of the network, at once."""

    def see(self, host: Host, event: ev.Event) -> None:
        """Vote on every proposal that comes."""
        if not isinstance(event, ev.Received) or tag_of(event.payload) != TAG_OF[msg.Propose]:
            return
        message = read_message(event.payload)
        if not isinstance(message, msg.Propose):
            return
        proposal = message.proposal
        for side in self.cabal.sides():
            for kind in (PREVOTE, PRECOMMIT):
                choice = self.dice.below(4)
                if choice < 3:
                    block_id = proposal.block_id if choice < 2 else NIL
                    self.cabal.send(host, side, self.cabal.vote(host, kind, proposal, block_id))


class Withhold(Plain):
    """Says nothing at times: to some, or to all for a round."""

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Drop half of the proposals and votes."""
        if tag_of(payload) in SPEECH and self.dice.chance(1, 2):
            return ()
        return ((peer, payload),)


class LieHeight(Plain):
    """Claims a height it does not have, and any round."""

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Change a status, at times."""
        if tag_of(payload) != STATUS or not self.dice.chance(2, 3):
            return ((peer, payload),)
        status = read_message(payload)
        if isinstance(status, msg.Status):
            height = max(0, status.height + self.dice.pick((-3, -1, 1, 2, 5, 1_000, 2**40)))
            round_ = max(0, status.round + self.dice.pick((-1, 0, 1, 1_000)))
            head = self.dice.u64().to_bytes(32, "big")
            full = b"\xff" * self.dice.below(3)
            changed = replace(status, height=height, head=head, round=round_, prevotes=full, precommits=full)
            payload = encode_message(changed)
        return ((peer, payload),)


class LieBlocks(Plain):
    """Answers requests for blocks with damaged ones, with none, or not at all."""

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Damage an answer."""
        if tag_of(payload) not in (BODIES, HEADERS):
            return ((peer, payload),)
        choice = self.dice.below(4)
        message = read_message(payload)
        if choice == 0:
            return ()
        if choice == 1 and isinstance(message, msg.Bodies):
            return ((peer, encode_message(msg.Bodies(message.first, ()))),)
        if choice == 2 and isinstance(message, msg.Bodies) and message.blocks:
            blocks = (spoil(self.dice, message.blocks[0]), *message.blocks[1:])
            return ((peer, encode_message(msg.Bodies(message.first, blocks))),)
        if choice == 2 and isinstance(message, msg.Headers) and message.headers:
            first = message.headers[0]
            headers = (replace(first, header=spoil(self.dice, first.header)), *message.headers[1:])
            return ((peer, encode_message(msg.Headers(message.first, headers))),)
        return ((peer, payload),)


class Garbage(Plain):
    """Sends noise, cut and changed messages now and then; rarely enough to be let in again."""

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Damage one message in fifty, or add noise."""
        if not self.dice.chance(1, 50):
            return ((peer, payload),)
        choice = self.dice.below(4)
        if choice == 0:
            noise = b"".join(self.dice.u64().to_bytes(8, "big") for _ in range(self.dice.between(1, 40)))
            return ((peer, payload), (peer, noise))
        if choice == 1:
            return ((peer, payload[: self.dice.between(1, len(payload))]),)
        if choice == 2:
            return ((peer, payload + b"\x00"),)
        return ((peer, spoil(self.dice, payload)),)


class ForgeVotes(Plain):
    """Changes whose vote it is, or for what, and keeps the signature; also of votes it passes on."""

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Add a false copy to one in twenty."""
        if tag_of(payload) != TAG_OF[msg.Votes] or not self.dice.chance(1, 20):
            return ((peer, payload),)
        message = read_message(payload)
        if not isinstance(message, msg.Votes) or not message.votes:
            return ((peer, payload),)
        vote = message.votes[0]
        if self.dice.chance(1, 2):
            false = replace(vote, signer=self.dice.pick(self.cabal.sides()[0]).actor.consensus_key)
        else:
            false = replace(vote, round=vote.round + self.dice.below(1_000))
        return ((peer, payload), (peer, encode_message(msg.Votes(votes=(false,)))))


class Replay(Plain):
    """Sends old messages again: its own and what others sent it."""

    def __init__(self, cabal: Cabal) -> None:
        super().__init__(cabal)
        self._kept: list[bytes] = []

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Add an old message to one in ten."""
        self._keep(payload)
        if self.dice.chance(1, 10):
            return ((peer, payload), (peer, self.dice.pick(self._kept)))
        return ((peer, payload),)

    def see(self, host: Host, event: ev.Event) -> None:
        """Keep votes and proposals of others."""
        if isinstance(event, ev.Received):
            self._keep(event.payload)

    def _keep(self, payload: bytes) -> None:
        if tag_of(payload) in SPEECH or not self._kept:
            if len(self._kept) >= KEPT:
                self._kept[self.dice.below(KEPT)] = payload
            else:
                self._kept.append(payload)


class Forger(Plain):
    """Proposes blocks that break one rule, and votes for them."""

    def __init__(self, cabal: Cabal, name: str) -> None:
        super().__init__(cabal)
        self._name = name
        self._forged: dict[tuple[int, int], bytes] = {}

    def change(self, host: Host, peer: bytes, payload: bytes) -> Sends:
        """Replace the own proposal."""
        message = own_proposal(host, payload)
        if message is None or not message.block:
            return ((peer, payload),)
        proposal = message.proposal
        place = (proposal.height, proposal.round)
        if place not in self._forged:
            try:
                block = candidate_from(message.block, source=b"").block
            except Invalid:
                return ((peer, payload),)
            forged = forge(self._name, block, self.dice)
            if forged is None:
                return ((peer, payload),)
            block_id, raw = forged
            self._forged[place] = self.cabal.propose(host, proposal, block_id, raw)
            everybody = [target for side in self.cabal.sides() for target in side]
            for kind in (PREVOTE, PRECOMMIT):
                self.cabal.send(host, everybody, self.cabal.vote(host, kind, proposal, block_id))
        return ((peer, self._forged[place]),)


def spoil(dice: Dice, data: bytes) -> bytes:
    """Return the bytes with one of them changed."""
    place = dice.below(len(data))
    return data[:place] + bytes((data[place] ^ dice.between(1, 255),)) + data[place + 1 :]
