"""The way of a transaction into the mempool (protocol: Transactions and fees).

Checked in this order, before anything costs: size, canonical form, anchor, nonce window, balance against the
maximal cost of all its pending ones, price; then signatures, outside the kernel; then it is pending, and told
to the peers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chaosnet.base.errors import ChaosError, InvalidTransaction, Refused
from chaosnet.base.limits import MEMPOOL_PER_SENDER_MAX
from chaosnet.base.units import TxHash
from chaosnet.kernel import agreement
from chaosnet.kernel.chain import context_for
from chaosnet.kernel.events import AskVerify, Reply, Report, SubmitTransactions, TransactionsPending
from chaosnet.kernel.mempool import amount_of, nonces_in
from chaosnet.kernel.node import Intake, Node
from chaosnet.kernel.outbox import send_all
from chaosnet.ledger.check import check_against_state
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


INTAKES_MAX = 256
"""Requests whose signatures may be in verification at once; more are answered `overloaded`."""


def on_submit(node: Node, event: SubmitTransactions, now: int) -> None:
    """Take transactions of a local client."""
    if node.halted or len(node.intakes) >= INTAKES_MAX:
        code = node.halted or "overloaded"
        verdicts = tuple((b"", code, "") for _ in event.raws)
        node.effects.append(Reply(event.ticket, verdicts))
        return
    _take(node, [(raw, tx_hash_of(raw)) for raw in event.raws], source=b"", reply=event.ticket, now=now)


def on_txs(node: Node, peer: bytes, message: Txs, now: int) -> None:
    """Take transactions of a peer."""
    hashes = [tx_hash_of(raw) for raw in message.raws]
    node.gossip.on_txs(peer, hashes)
    pending = node.mempool.by_hash
    fresh = [
        (raw, tx_hash)
        for raw, tx_hash in zip(message.raws, hashes, strict=True)
        if tx_hash not in pending and tx_hash not in node.verifying and not node.gossip.is_seen(tx_hash)
    ]
    if fresh and not node.halted and len(node.intakes) < INTAKES_MAX:
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


def _take(node: Node, items: Sequence[tuple[bytes, TxHash]], *, source: bytes, reply: int, now: int) -> None:
    """Check what costs nothing, then ask for the signatures."""
    verdicts: list[tuple[bytes, str, str]] = []
    waiting: list[SignedTx] = []
    places: list[int] = []
    head = node.head
    time_ms = max(now, head.header.time_ms + 1)
    context = context_for(node, time_ms=time_ms, proposer=node.config.genesis.treasury)
    batch = Batch(context, Overlay(head.state), {})
    for raw, tx_hash in items:
        signed: SignedTx | None = None
        try:
            signed = decode_transaction(raw, tx_hash)
            if signed.tx_hash in node.verifying:
                raise Refused("already_known")
            check_admission(node, batch, signed)
        except ChaosError as error:
            verdicts.append((signed.tx_id if signed else b"", error.code, error.detail))
            continue
        places.append(len(verdicts))
        verdicts.append((signed.tx_id, "ok", ""))
        waiting.append(signed)
        node.verifying.add(signed.tx_hash)
    if source:
        _blame_bad(node, source, verdicts)
    if not waiting:
        if reply:
            node.effects.append(Reply(reply, tuple(verdicts)))
        return
    ticket = node.next_ticket()
    node.intakes[ticket] = Intake(tuple(waiting), source, reply, verdicts, tuple(places))
    node.effects.append(AskVerify(ticket, tuple(signed.signature_checks() for signed in waiting)))


def _blame_bad(node: Node, source: bytes, verdicts: list[tuple[bytes, str, str]]) -> None:
    """A peer that relays what no honest node would have accepted is penalised."""
    for _, code, _ in verdicts:
        if code in ("malformed", "not_canonical", "too_large", "wrong_network", "bad_address"):
            node.blame.append((source, code, 20))
            return


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
    batch.reserved[body.sender] = batch.reserved.get(body.sender, 0) + amount_of(signed)
    batch.reserved[payer] = batch.reserved.get(payer, 0) + signed.cost_max


def on_verified(node: Node, ticket: int, verdicts: tuple[bool, ...], now: int) -> None:
    """Admit what verified; answer the client or judge the peer."""
    intake = node.intakes.pop(ticket)
    pending: list[bytes] = []
    nonce_of = nonces_in(node.head.state)
    for signed, place, is_good in zip(intake.txs, intake.places, verdicts, strict=True):
        node.verifying.discard(signed.tx_hash)
        if not is_good:
            intake.verdicts[place] = (signed.tx_id, "bad_signature", "")
            if intake.source:
                node.blame.append((intake.source, "bad_signature", 100))
            continue
        try:
            if signed.body.nonce < nonce_of(signed.body.sender):
                raise InvalidTransaction("nonce_too_low")
            node.mempool.add(signed, now)
        except ChaosError as error:
            intake.verdicts[place] = (signed.tx_id, error.code, error.detail)
            continue
        pending.append(signed.tx_id)
        node.gossip.accepted(signed.tx_hash, signed.raw, intake.source or None)
    if intake.reply:
        node.effects.append(Reply(intake.reply, tuple(intake.verdicts)))
    if pending:
        node.effects.append(Report(TransactionsPending(tuple(pending))))
        agreement.tell_work(node, now)
        send_all(node, node.gossip.flush(now))
