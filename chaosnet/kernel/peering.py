"""Links to other nodes: greeting, status, addresses, dialling, penalties."""

from chaosnet.base.errors import InvalidMessage
from chaosnet.consensus.engine import RoundState
from chaosnet.kernel import agreement, importing, making, telling
from chaosnet.kernel import events as ev
from chaosnet.kernel.node import Node
from chaosnet.kernel.outbox import send, send_all
from chaosnet.model.evidence import Proposal, Vote
from chaosnet.model.header import Header
from chaosnet.protocol.messages import (
    GetPeers,
    Goodbye,
    Hello,
    PeerAddress,
    Peers,
    Propose,
    Status,
    Votes,
)

STATUS_MS = 1_000
PEERS_MS = 500
GET_PEERS_MS = 60_000
MISSING_MAX = 256
"""Votes sent at once to a peer that lacks them."""
REPAIR_MS = 900
"""Least pause between two repairs of one peer at one height: its status is small, our block is large."""
HALTED = "halted"
"""Step that a node names in its status when it takes part no more."""


def on_connected(node: Node, event: ev.Connected, now: int) -> None:
    """A transport is open: greet, unless the key is banned."""
    if node.book.is_banned(event.peer, event.host, now):
        close(node, event.peer, "banned")
        return
    node.sessions.opened(event.peer, event.outbound, event.host, event.port, now)
    if event.outbound:
        address = PeerAddress(node_id=event.peer, host=event.host, port=event.port)
        node.book.connected(event.peer, address, True, now)
    head = node.head.header
    send(node, event.peer, node.sessions.hello(head.era, head.height, node.head.block_id, now))


def on_disconnected(node: Node, event: ev.Disconnected, now: int) -> None:
    """A transport is closed."""
    _forget(node, event.peer, event.reason)
    node.sessions.closed(event.peer)
    node.book.closed(event.peer, now)


def _forget(node: Node, peer: bytes, code: str) -> None:
    """Take nothing from a peer any more, and expect nothing of it."""
    if node.sessions.is_ready(peer):
        node.effects.append(ev.Report(ev.PeerNote(peer, "closed", code)))
    node.sessions.closing(peer)
    node.gossip.peer_left(peer)
    node.sync.peer_left(peer)
    node.linked.pop(peer, None)
    node.repaired.pop(peer, None)
    node.told.pop(peer, None)
    node.tail_given.pop(peer, None)
    if all(member.node_key != peer for member in node.head.members):
        node.heard.pop(peer, None)


def on_hello(node: Node, peer: bytes, hello: Hello, now: int) -> None:
    """Admit a peer, or raise InvalidMessage."""
    if node.config.members_only and peer not in {m.node_key for m in node.head.members}:
        raise InvalidMessage("not_a_member", penalty=0)
    node.sessions.on_hello(peer, hello, now)
    info = node.sessions.info(peer)
    if not info.outbound and hello.listen_port:
        address = PeerAddress(node_id=peer, host=info.host, port=hello.listen_port)
        node.book.connected(peer, address, False, now)
    node.gossip.peer_joined(peer)
    send_all(node, node.gossip.offer(peer, list(node.mempool.by_hash)))
    node.effects.append(ev.Report(ev.PeerNote(peer, "admitted", "ok")))
    node.sync.on_status(peer, hello.height, now)
    telling.give_side_blocks(node, peer)
    send(node, peer, status_of(node, now))
    send(node, peer, GetPeers())
    sync_on(node, now)


def status_of(node: Node, now: int) -> Status:
    """Return what this node tells its peers every second."""
    head = node.head
    state = node.engine.round_state()
    return Status(
        era=node.era,
        height=head.header.height,
        head=head.block_id,
        time_ms=now,
        round=state.round,
        step=HALTED if node.halted else state.step,
        has_proposal=state.has_proposal and not node.unheld,
        prevotes=bitmap_bytes(state.prevotes),
        precommits=bitmap_bytes(state.precommits),
        linked=bitmap_bytes(linked_validators(node)),
        claim=bitmap_bytes(telling.own_claim(node)),
    )


def bitmap_bytes(bitmap: int) -> bytes:
    """Return a bitmap as big-endian bytes without leading zeros."""
    return bitmap.to_bytes((bitmap.bit_length() + 7) // 8, "big")


def linked_validators(node: Node) -> int:
    """Return the bitmap of validators whose nodes this one is, or is connected to."""
    node_of = {m.operator: m.node_key for m in node.head.members}
    bitmap = 0
    for position, validator in enumerate(node.head.validators.validators):
        node_id = node_of.get(validator.operator, b"")
        if node_id == node.config.node_id or node.sessions.is_ready(node_id):
            bitmap |= 1 << position
    return bitmap


def on_status(node: Node, peer: bytes, status: Status, now: int) -> None:
    """Note where a peer stands, give what it lacks, fetch what we lack."""
    node.sessions.on_status(peer, status, now)
    node.linked[peer] = int.from_bytes(status.linked, "big")
    node.sync.on_status(peer, telling.height_claimed(node, peer, status, now), now)
    if status.step != HALTED:
        node.heard[peer] = now
    if status.step != HALTED and _may_repair(node, peer, status, now):
        theirs = RoundState(
            era=status.era,
            height=status.height + 1,
            round=status.round,
            step=status.step,
            has_proposal=status.has_proposal,
            prevotes=int.from_bytes(status.prevotes, "big"),
            precommits=int.from_bytes(status.precommits, "big"),
        )
        give_missing(node, peer, theirs)
    sync_on(node, now)


def _may_repair(node: Node, peer: bytes, status: Status, now: int) -> bool:
    """Return whether a peer stands at our height and was not given what it lacks just before."""
    head: Header = node.head.header
    if node.branch is not None or (status.era, status.height) != (node.era, head.height):
        return False
    height, at_ms = node.repaired.get(peer, (-1, 0))
    if height == head.height and now - at_ms < REPAIR_MS:
        return False
    node.repaired[peer] = (head.height, now)
    return True


def give_missing(node: Node, peer: bytes, theirs: RoundState) -> None:
    """Send a peer at our height the votes and the proposals it lacks.

    Votes first: they bring it to the round whose block it then takes.
    """
    missing = node.engine.missing_for(theirs, MISSING_MAX)
    votes = tuple(message for message in missing if isinstance(message, Vote))
    if votes:
        send(node, peer, Votes(votes=votes))
    for proposal in missing:
        if isinstance(proposal, Proposal):
            candidate = agreement.find_candidate(node, proposal.block_id)
            if candidate is not None:
                send(node, peer, Propose(proposal=proposal, block=candidate.raw))


def sync_on(node: Node, now: int) -> None:
    """Commit what sync delivered and ask for more."""
    importing.import_ready(node, now)
    send_all(node, node.sync.requests(now))
    node.blame.extend(node.sync.faults())


def broadcast_status(node: Node, now: int) -> None:
    """Tell every peer where this node stands."""
    status = status_of(node, now)
    send_all(node, ((peer, status) for peer in node.sessions.ready()))


def on_status_timer(node: Node, now: int) -> None:
    """Every second: status to all, stalled requests again, a turn to make a block if none was to be had."""
    broadcast_status(node, now)
    sync_on(node, now)
    making.plan(node, now)
    node.effects.append(ev.SetTimer("status", now + STATUS_MS))


def on_peers_timer(node: Node, now: int) -> None:
    """Twice a second: close the silent, dial the missing, flush announcements."""
    for peer in node.sessions.expired(now):
        close(node, peer, "timeout")
    wanted = [m.node_key for m in node.head.members if m.node_key != node.config.node_id]
    connected = node.sessions.peers()
    for address in node.book.dials(now, connected, wanted, node.config.peer_slots):
        node.effects.append(ev.Dial(address.host, address.port, address.node_id))
    node.effects.append(ev.SetTimer("peers", now + PEERS_MS))


def on_gossip_timer(node: Node, now: int) -> None:
    """Announcements and repeated requests are due."""
    node.gossip_ms = 0
    send_all(node, node.gossip.flush(now))


def schedule_gossip(node: Node, now: int) -> None:
    """Set the timer for the next announcement, when it comes earlier than the one set."""
    due = node.gossip.due_ms()
    if due is not None and (not node.gossip_ms or due < node.gossip_ms):
        node.gossip_ms = max(due, now + 1)
        node.effects.append(ev.SetTimer("gossip", node.gossip_ms))


def on_get_peers_timer(node: Node, now: int) -> None:
    """Every minute: ask one peer for addresses."""
    ready = node.sessions.ready()
    if ready:
        send(node, node.dice.pick(ready), GetPeers())
    node.effects.append(ev.SetTimer("get_peers", now + GET_PEERS_MS))


def on_peers(node: Node, peer: bytes, message: Peers, now: int) -> None:
    """Learn addresses."""
    node.book.learned(message.addresses, node.sessions.info(peer).host, now)


def close(node: Node, peer: bytes, code: str) -> None:
    """Say why, then close; what the peer has sent meanwhile is not looked at."""
    send(node, peer, Goodbye(code=code))
    drop(node, peer, code)


def drop(node: Node, peer: bytes, code: str) -> None:
    """Close without a word."""
    _forget(node, peer, code)
    node.effects.append(ev.ClosePeer(peer, code))


def penalise(node: Node, peer: bytes, code: str, points: int, now: int) -> None:
    """Count a peer's fault; ban and close it when the sum is reached."""
    if not node.sessions.is_open(peer):
        return
    host = node.sessions.info(peer).host
    is_banned = node.book.penalise(peer, host, points, now)
    what = "banned" if is_banned else "penalised"
    node.effects.append(ev.Report(ev.PeerNote(peer, what, code)))
    if is_banned or not node.sessions.is_ready(peer):
        close(node, peer, code)
