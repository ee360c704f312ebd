"""The way of a transaction into the mempool (protocol: Transactions and fees).

Checked in this order, before anything costs: size, canonical form, anchor, nonce window, balance against the
maximal cost of all its pending ones, price; then signatures, outside the kernel; then it is pending, and told
to the peers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chaosnet.base.errors import ChaosError, Refused
from chaosnet.base.limits import MEMPOOL_PER_SENDER_MAX
from chaosnet.base.units import TxHash
from chaosnet.kernel import agreement
from chaosnet.kernel.chain import context_for
from chaosnet.kernel.events import AskVerify, Reply, Report, SubmitTransactions, TransactionsPending
from chaosnet.kernel.node import Intake, Node
from chaosnet.kernel.outbox import send_all
from chaosnet.ledger.check import amounts_of, check_against_state
from chaosnet.ledger.context import Context
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.transaction import SignedTx, decode_transaction, tx_hash_of
from chaosnet.protocol.messages import GetTxs, TxHashes, Txs


@dataclass(frozen=True, slots=True)
class Batch:
    """What the transactions of one request are checked against."""

    context: Context
    view: Overlay
    reserved: dict[bytes, int]
    """Motes that earlier transactions of the request may cost an account."""

    def hold(self, signed: SignedTx) -> None:
        """Count what one more transaction may cost."""
        sender, payer = signed.body.sender, signed.body.payer or signed.body.sender
        self.reserved[sender] = self.reserved.get(sender, 0) + amounts_of(signed)
        self.reserved[payer] = self.reserved.get(payer, 0) + signed.cost_max


INTAKES_MAX = 256
"""Requests whose signatures may be in verification at once; more are answered `overloaded`."""
VERIFYING_MAX = 40_000
"""Transactions of local clients, and as many of all peers, that may be in verification at once."""
VERIFYING_PER_PEER_MAX = 10_000
"""Of one peer: what bad signatures can cost us before their sender is banned, under a second."""
FAULTS = ("wrong_network", "bad_address", "bad_argument")
"""Codes that no state of any honest node would have let pass, beside those of malformed bytes."""


def _is_busy(node: Node, source: bytes) -> bool:
    """Return whether no more of this source (a peer; empty: local clients) can be verified now."""
    waiting = node.verifying_of
    own = waiting.get(source, 0)
    if len(node.intakes) >= INTAKES_MAX:
        return True
    if not source:
        return own >= VERIFYING_MAX
    return own >= VERIFYING_PER_PEER_MAX or len(node.verifying) - waiting.get(b"", 0) >= VERIFYING_MAX


def on_submit(node: Node, event: SubmitTransactions, now: int) -> None:
    """Take transactions of a local client."""
    if node.halted or _is_busy(node, b""):
        code = node.halted or "overloaded"
        verdicts = tuple((b"", code, "") for _ in event.raws)
        node.effects.append(Reply(event.ticket, verdicts))
        return
    _take(node, [(raw, tx_hash_of(raw)) for raw in event.raws], source=b"", reply=event.ticket, now=now)


def on_txs(node: Node, peer: bytes, message: Txs, now: int) -> None:
    """Take transactions of a peer, unless too much of what it sent was of no use."""
    if node.halted or _is_busy(node, peer) or not node.sessions.is_useful(peer, now):
        return
    hashes = [tx_hash_of(raw) for raw in message.raws]
    node.gossip.on_txs(peer, hashes)
    pending = node.mempool.by_hash
    fresh = [
        (raw, tx_hash)
        for raw, tx_hash in zip(message.raws, hashes, strict=True)
        if tx_hash not in pending and tx_hash not in node.verifying and not node.gossip.is_seen(tx_hash)
    ]
    if fresh:
        _take(node, fresh, source=peer, reply=0, now=now)


def on_hashes(node: Node, peer: bytes, message: TxHashes, now: int) -> None:
    """Ask for announced transactions that are not known."""
    pending = node.mempool.by_hash
    verifying = node.verifying

    def is_known(tx_hash: bytes) -> bool:
        return tx_hash in pending or tx_hash in verifying

    send_all(node, node.gossip.on_hashes(peer, message.hashes, is_known, now))


def on_get(node: Node, peer: bytes, message: GetTxs) -> None:
    """Give transactions that were announced."""
    pending = node.mempool.by_hash

    def lookup(tx_hash: bytes) -> bytes | None:
        entry = pending.get(tx_hash)
        return entry.signed.raw if entry else None

    send_all(node, node.gossip.on_get(peer, message.hashes, lookup))


def _batch(node: Node, now: int) -> Batch:
    head = node.head
    time_ms = max(now, head.header.time_ms + 1)
    context = context_for(node, time_ms=time_ms, proposer=node.config.genesis.treasury)
    return Batch(context, Overlay(head.state), {})


def _take(node: Node, items: Sequence[tuple[bytes, TxHash]], *, source: bytes, reply: int, now: int) -> None:
    """Check what costs nothing, then ask for the signatures."""
    verdicts: list[tuple[bytes, str, str]] = []
    waiting: list[SignedTx] = []
    places: list[int] = []
    batch = _batch(node, now)
    fault = ""
    for raw, tx_hash in items:
        signed: SignedTx | None = None
        try:
            signed = decode_transaction(raw, tx_hash)
            if signed.tx_hash in node.verifying:
                raise Refused("already_known")
            check_admission(node, batch, signed)
        except ChaosError as error:
            verdicts.append((signed.tx_id if signed else b"", error.code, error.detail))
            if signed is None or error.code in FAULTS:
                fault = error.code
            continue
        places.append(len(verdicts))
        verdicts.append((signed.tx_id, "ok", ""))
        waiting.append(signed)
        batch.hold(signed)
        node.verifying.add(signed.tx_hash)
    if source:
        node.sessions.wasted(source, len(verdicts) - len(waiting))
        if fault:
            node.blame.append((source, fault, 20))
    if not waiting:
        if reply:
            node.effects.append(Reply(reply, tuple(verdicts)))
        return
    ticket = node.next_ticket()
    node.intakes[ticket] = Intake(tuple(waiting), source, reply, verdicts, tuple(places))
    node.verifying_of[source] = node.verifying_of.get(source, 0) + len(waiting)
    node.effects.append(AskVerify(ticket, tuple(signed.signature_checks() for signed in waiting)))


def check_admission(node: Node, batch: Batch, signed: SignedTx) -> None:
    """Raise InvalidTransaction or Refused unless the transaction may wait here, signatures apart."""
    body = signed.body
    payer = body.payer or body.sender
    mempool = node.mempool
    pending = {a: mempool.reserved(a) + batch.reserved.get(a, 0) for a in (body.sender, payer)}
    replaced = mempool.replaced_by(signed)
    if replaced is not None:
        pending[body.sender] -= replaced.amount
        old_payer = replaced.signed.body.payer or body.sender
        if old_payer in pending:
            pending[old_payer] -= replaced.fee_max
    check_against_state(
        batch.view,
        signed,
        batch.context,
        nonce_ahead=MEMPOOL_PER_SENDER_MAX - 1,
        sender_pending=pending[body.sender],
        payer_pending=pending[payer],
    )
    mempool.check_room(signed)


def on_verified(node: Node, ticket: int, verdicts: tuple[bool, ...], now: int) -> None:
    """Admit what verified; answer the client or judge the peer.

    All else is checked again: meanwhile blocks came, and others entered that the same coins must pay for.
    """
    intake = node.intakes.pop(ticket)
    source = intake.source
    node.verifying_of[source] -= len(intake.txs)
    if not node.verifying_of[source]:
        del node.verifying_of[source]
    pending: list[bytes] = []
    batch = _batch(node, now)
    for signed, place, is_good in zip(intake.txs, intake.places, verdicts, strict=True):
        node.verifying.discard(signed.tx_hash)
        if not is_good:
            intake.verdicts[place] = (signed.tx_id, "bad_signature", "")
            if source:
                node.blame.append((source, "bad_signature", 100))
            continue
        try:
            check_admission(node, batch, signed)
            node.mempool.add(signed, now)
        except ChaosError as error:
            intake.verdicts[place] = (signed.tx_id, error.code, error.detail)
            continue
        pending.append(signed.tx_id)
        node.gossip.accepted(signed.tx_hash, signed.raw, source or None)
    if intake.reply:
        node.effects.append(Reply(intake.reply, tuple(intake.verdicts)))
    if pending:
        node.effects.append(Report(TransactionsPending(tuple(pending))))
        agreement.tell_work(node, now)
        send_all(node, node.gossip.flush(now))
