"""The whole node: one event in, effects out, in the order they must be performed."""

from typing import assert_never

from chaosnet.base.errors import InvalidMessage
from chaosnet.base.limits import ADDRESSES_PER_MESSAGE_MAX, HELLO_BYTES_MAX
from chaosnet.kernel import agreement, eras, fencing, forks, importing, intake, making, peering, trusting
from chaosnet.kernel import events as ev
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.health import watch_quorum
from chaosnet.kernel.node import Node
from chaosnet.kernel.outbox import send
from chaosnet.protocol import messages as msg
from chaosnet.protocol.messages import Message, decode_message


def step(node: Node, event: ev.Event, now: int) -> list[ev.Effect]:
    """Feed one event to the node; return what the world must do, in order.

    Same node, same event, same now: same effects, byte for byte. Bad input from outside raises nothing;
    Broken means an invariant of our own failed: the process must stop before it writes.
    """
    height = node.head.header.height
    fencing.before(node, event, now)
    _dispatch(node, event, now)
    if not node.halted and eras.cross_if_due(node, now):
        peering.sync_on(node, now)
    if trusting.watch(node, now):
        making.plan(node, now)
    if node.head.header.height != height:
        peering.broadcast_status(node, now)
    for peer, code, points in node.blame:
        peering.penalise(node, peer, code, points, now)
    node.blame.clear()
    if isinstance(event, ev.TimerFired):  # at least twice a second
        watch_quorum(node, now)
    peering.schedule_gossip(node, now)
    fencing.guard(node, now)
    effects = node.effects
    node.effects = []
    return effects


def _dispatch(node: Node, event: ev.Event, now: int) -> None:
    match event:
        case ev.Received(peer=peer, payload=payload):
            _received(node, peer, payload, now)
        case ev.Verified(ticket=ticket, verdicts=verdicts):
            if ticket in node.intakes:
                intake.on_verified(node, ticket, verdicts, now)
            elif ticket in node.checks:
                importing.on_block_verified(node, ticket, is_good=all(verdicts), now=now)
        case ev.SubmitTransactions():
            intake.on_submit(node, event, now)
        case ev.SignatureMade():
            if not node.halted:
                agreement.on_signature(node, event, now)
                _add_own(node, making.on_signature(node, event, now), now)
        case ev.Answered():
            making.on_answer(node, event, now)
            if event.ticket in node.reveals and not node.halted:
                agreement.on_answer(node, event, now)
        case ev.Mined():
            _add_own(node, making.on_mined(node, event), now)
        case ev.Written(height=height):
            node.written_height = height
            peering.sync_on(node, now)
        case ev.TimerFired(name=name):
            _timer(node, name, now)
        case ev.Connected():
            peering.on_connected(node, event, now)
        case ev.Disconnected():
            peering.on_disconnected(node, event, now)
        case ev.DialFailed(host=host, port=port, reason=reason):
            node.book.dial_failed(host, port, now, reason)
        case ev.DialOrder(host=host, port=port):
            node.effects.append(ev.Dial(host, port, b""))
        case ev.Started():
            _start(node, now)
        case ev.DiskLow(free_bytes=free):
            node.halted = "disk_full"
            node.effects.append(ev.Report(ev.Halted("disk_full", f"{free} bytes free")))
        case _:
            assert_never(event)


def _add_own(node: Node, candidate: Candidate | None, now: int) -> None:
    if candidate is not None:
        forks.add_own(node, candidate, now)


def _start(node: Node, now: int) -> None:
    node.started_ms = node.head_ms = now
    node.sync.set_head(node.head.header.height, node.head.block_id, now)
    trusting.start(node, now)
    forks.restore_tail(node, now)
    eras.start(node, now)
    peering.on_peers_timer(node, now)
    peering.on_status_timer(node, now)
    node.effects.append(ev.SetTimer("get_peers", now + peering.GET_PEERS_MS))


def _timer(node: Node, name: str, now: int) -> None:
    if name.startswith(agreement.TIMER):
        if not node.halted:
            agreement.on_timer(node, name.removeprefix(agreement.TIMER), now)
    elif name == "status":
        peering.on_status_timer(node, now)
    elif name == "peers":
        peering.on_peers_timer(node, now)
    elif name == "gossip":
        peering.on_gossip_timer(node, now)
    elif name == making.TIMER:
        making.on_timer(node, now)
    elif name == making.RENEW:
        making.renew(node, now)
    elif name == forks.TIMER:
        forks.retry_waiting(node, now)
    elif name == "get_peers":
        peering.on_get_peers_timer(node, now)


def _received(node: Node, peer: bytes, payload: bytes, now: int) -> None:
    if not node.sessions.is_open(peer):
        return
    try:
        if len(payload) > HELLO_BYTES_MAX and not node.sessions.is_ready(peer):
            raise InvalidMessage("too_large", "before the greeting", penalty=100)
        message = decode_message(payload)
        node.sessions.charge(peer, message, len(payload), now)
        if not node.sessions.is_ready(peer) and not isinstance(message, msg.Hello | msg.Goodbye):
            raise InvalidMessage("unexpected", "before the greeting", penalty=100)
        _message(node, peer, message, now)
    except InvalidMessage as error:
        if error.code == "not_a_member":
            peering.close(node, peer, error.code)
        else:
            peering.penalise(node, peer, error.code, error.penalty, now)


def _message(node: Node, peer: bytes, message: Message, now: int) -> None:
    fencing.hear(node, message, now)
    match message:
        case msg.Votes():
            if not node.halted:
                agreement.on_votes(node, peer, message, now)
        case msg.Propose():
            if not node.halted:
                agreement.on_proposal(node, peer, message, now)
        case msg.Txs():
            intake.on_txs(node, peer, message, now)
        case msg.TxHashes():
            intake.on_hashes(node, peer, message, now)
        case msg.GetTxs():
            intake.on_get(node, peer, message)
        case msg.Status():
            peering.on_status(node, peer, message, now)
        case msg.Hello():
            peering.on_hello(node, peer, message, now)
        case msg.GetPeers():
            send(node, peer, msg.Peers(addresses=node.book.sample(ADDRESSES_PER_MESSAGE_MAX)))
        case msg.Peers():
            peering.on_peers(node, peer, message, now)
        case msg.NewBlock():
            if not node.halted:
                forks.on_block(node, peer, message, now)
        case msg.GetHeaders() | msg.GetBodies():
            answer = node.server.answer(message, node.reader, now)
            if answer is not None:
                send(node, peer, answer)
        case msg.Headers():
            node.sync.on_headers(peer, message, now)
            peering.sync_on(node, now)
        case msg.Bodies():
            node.sync.on_bodies(peer, message, now)
            peering.sync_on(node, now)
        case msg.Goodbye():
            peering.drop(node, peer, "goodbye")
        case _:
            assert_never(message)
