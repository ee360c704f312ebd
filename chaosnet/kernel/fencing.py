"""The fence around the key: what the kernel asks to be signed goes through here.

Engines do not know of it. A request that may not be signed yet waits, in its order; for a block of our own
the turn passes. What may be signed is judged in `consensus.fence`, and again by the sign state.
"""

from chaosnet.consensus.engine import AskSignature
from chaosnet.consensus.fence import own_signature
from chaosnet.kernel import events as ev
from chaosnet.kernel import making
from chaosnet.kernel.health import best_height, validator_nodes
from chaosnet.kernel.node import Node
from chaosnet.model.block import ValidatorSet, validators_hash_of
from chaosnet.model.evidence import Signable, SignedHeader
from chaosnet.model.header import Header, SlotProof, StakeProof, decode_header
from chaosnet.protocol.messages import Message, Propose, Votes

CODE = "fenced"
LOOK_BACK = 64
"""Blocks before the head whose seals are looked at when the node starts."""
HEARD_MIN = 2
"""Other validators to hear from before the first signature, as far as there are so many."""
SETTLE_MS = 1_000
"""Where the chain can fork, they tell of side blocks within this time."""


def before(node: Node, event: ev.Event, now: int) -> None:
    """Look at an event before the rest of the kernel does."""
    match event:
        case ev.Started():
            node.fence.start(now)
            _look_back(node, now)
        case ev.SignatureMade(message=message) if message is not None:
            node.fence.note(message)
        case ev.TimerFired():
            node.fence.watch(now, can_hear=_can_hear(node))
        case _:
            pass


def guard(node: Node, now: int) -> None:
    """Look at what the kernel asks for at the end of a step: let pass or withhold signatures."""
    asked, node.effects = node.effects, []
    for effect in asked:
        if isinstance(effect, ev.AskSignature) and not effect.request.is_seen:
            _guard_one(node, effect.request, now)
            continue
        node.effects.append(effect)
        if node.branch is not None or not isinstance(effect, ev.PersistBlock):
            continue
        if (known := node.recent.get(effect.height)) is not None:
            see_block(node, effect.header, effect.seal, known.sealed_by, now)
    if may_sign(node, now):
        _release(node)


def may_sign(node: Node, now: int) -> bool:
    """Return whether a signature may be asked for now.

    The key is ours alone, the chain is trusted, and we have caught up once.

    A node that is behind signs what has been decided; if its sign state is an old copy, for a second time.
    """
    fence = node.fence
    if node.halted or not node.is_trusted or fence.is_stopped or fence.is_listening:
        return False
    height = node.head.header.height
    if not fence.has_caught_up and _knows_the_network(node, now) and best_height(node) <= height:
        fence.catch_up(height)
    return fence.has_caught_up


def hear(node: Node, message: Message, now: int) -> None:
    """Look for signatures of our own key in what a peer says."""
    match message:
        case Votes(votes=votes):
            heard: tuple[Signable, ...] = votes
        case Propose(proposal=proposal):
            heard = (proposal,)
        case _:
            return
    key = node.config.consensus_key
    for one in heard:
        if one.signer == key and node.fence.is_foreign(one):
            _stop(node, one, now)


def see_block(node: Node, header: Header, seal: bytes, validators: ValidatorSet, now: int) -> None:
    """Look for a signature of our own key on a verified block, whose set is `validators`."""
    fence = node.fence
    fence.on_block(header.time_ms)
    own = own_signature(header, seal, validators, node.config.consensus_key or b"")
    if own is not None and fence.is_foreign(own, is_verified=True):
        _yield_to(node, own, header, now)


def see_pushed(node: Node, header: Header, seal: bytes, now: int) -> None:
    """Look for an old signature of our own key on a block that a peer pushes; its parent may never come.

    One made since this process began is judged only on a branch that is followed: else old keys stop others.
    """
    if isinstance(header.proof, StakeProof | SlotProof) and node.fence.is_history(header.time_ms):
        own = own_signature(header, seal, node.head.validators, node.config.consensus_key or b"")
        if own is not None and node.fence.is_foreign(own):
            _yield_to(node, own, header, now)


def _yield_to(node: Node, own: Signable, header: Header, now: int) -> None:
    """Sign nothing up to a block that was made before; stop at one that is made elsewhere now."""
    fence = node.fence
    if fence.is_history(header.time_ms):
        node.effects.append(ev.AskSignature(fence.yield_to(own, now)))
    else:
        _stop(node, own, now)


def _guard_one(node: Node, request: AskSignature, now: int) -> None:
    if may_sign(node, now):
        _release(node)
        node.effects.append(ev.AskSignature(request))
    elif isinstance(request.unsigned, SignedHeader):
        making.on_signature(node, ev.SignatureMade(request.unsigned, None), now)
    else:
        node.fence.withhold(request)


def _release(node: Node) -> None:
    """Ask for what was withheld, as far as it is of the height in hand."""
    for request in node.fence.release():
        unsigned = request.unsigned
        if not isinstance(unsigned, SignedHeader) and unsigned.height == node.head.header.height + 1:
            node.effects.append(ev.AskSignature(request))


def _stop(node: Node, message: Signable, now: int) -> None:
    """Take no part any more: the key is in use elsewhere. The next start listens first."""
    if node.fence.is_stopped:
        return
    node.effects.append(ev.AskSignature(node.fence.yield_to(message, now)))
    node.fence.stop()
    node.halted = CODE
    place = message.header if isinstance(message, SignedHeader) else message
    detail = f"own key signs elsewhere: height {place.height}, era {place.era}"
    node.effects.append(ev.Report(ev.Halted(CODE, detail)))


def _can_hear(node: Node) -> bool:
    """Return whether another user of the key would be heard: through any validator, if there are others."""
    others = _others(node)
    return not others or any(node.sessions.is_ready(other) for other in others)


def _knows_the_network(node: Node, now: int) -> bool:
    """Return whether others have told how far the network is: several, since one may be behind itself."""
    others = _others(node)
    heard = sum(node.sessions.is_ready(other) for other in others)
    settle_ms = SETTLE_MS if node.branch is not None else 0
    is_heard = heard >= min(HEARD_MIN, len(others))
    return not others or node.fence.has_heard_enough(now, is_heard=is_heard, settle_ms=settle_ms)


def _others(node: Node) -> list[bytes]:
    """Return the node keys of the other validators."""
    own = node.own_operator(node.head.validators)
    return [node_key for operator, node_key in validator_nodes(node).items() if operator != own]


def _look_back(node: Node, now: int) -> None:
    """Sign nothing below what the newest blocks say this key has signed."""
    head = node.head
    header, seal = head.header, head.seal
    hash_of_set = validators_hash_of(head.sealed_by)
    for _ in range(LOOK_BACK):
        if header.height == 0 or header.validators_hash != hash_of_set:
            return
        if own_signature(header, seal, head.sealed_by, node.config.consensus_key or b"") is not None:
            see_block(node, header, seal, head.sealed_by, now)
            return
        found = node.reader.header_at(header.height - 1)
        if found is None:
            return
        header, seal = decode_header(found[0]), found[1]
