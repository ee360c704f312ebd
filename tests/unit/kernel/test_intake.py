"""The way into the mempool: the order of checks, what is answered, who is blamed, how much work it costs."""

import pytest
from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.crypto.signing import sign
from chaosnet.kernel import events as ev
from chaosnet.kernel import intake
from chaosnet.model.evidence import PRECOMMIT
from chaosnet.model.policy import Witness
from chaosnet.model.transaction import SetPolicy, SignedTx, Transaction, decode_transaction
from chaosnet.protocol.messages import GetTxs, TxHashes, Txs, encode_message
from chaosnet.protocol.rates import USELESS_BURST
from tests.making import Person, body_of, signed_by, transfer
from tests.unit.kernel.harness import RICH, Bench, closed, facts, of, sent


def started(**config: object) -> Bench:
    bench = Bench(**config).start()  # type: ignore[arg-type]
    bench.join_all()
    return bench


def bad_signature(tx: SignedTx) -> SignedTx:
    """Return the same body with a signature of another key."""
    false = Witness(tx.tx.witness.policy, ((0, sign(bytes(32), tx.tx_id)),))
    return decode_transaction(encode(Transaction(tx.body, false, None)))


def txs(*signed: SignedTx | bytes) -> Txs:
    return Txs(tuple(tx if isinstance(tx, bytes) else tx.raw for tx in signed))


# ── what is checked, and in which order ──────────────────────────────────────────────────────────────────


def test_each_check_has_its_code() -> None:
    bench = started()
    alice = bench.people["alice"]
    poor = transfer(bench.genesis, Person("poor"), 0, alice.address, 1)
    elsewhere = signed_by(alice, replace(bench.tx("alice", 0).body, genesis=bytes(32)))
    assert bench.submit(
        b"garbage",
        elsewhere,
        bench.tx("alice", 0, anchor_height=7),
        bench.tx("alice", 0, expiry=0x7FFF_FFFF),
        bench.tx("alice", 64),
        bench.tx("alice", 0, gas_limit=1),
        bench.tx("alice", 0, amount=RICH),
        poor,
        bench.tx("alice", 0, gas_price=0),
        bad_signature(bench.tx("alice", 0)),
        bench.tx("alice", 0),
        bench.tx("alice", 0),
    ) == [
        "malformed",
        "wrong_network",
        "bad_anchor",
        "expiry_too_far",
        "nonce_too_high",
        "gas_limit",
        "not_enough",
        "not_enough",
        "price_too_low",
        "bad_signature",
        "ok",
        "already_known",
    ]


# Each breaks the rule of its place and all that come later: the earliest is named.
FAULTS: list[tuple[str, dict[str, int]]] = [
    ("bad_anchor", {"anchor_height": 7}),
    ("expiry_too_far", {"expiry": 0x7FFF_FFFF}),
    ("nonce_too_high", {"nonce": 99}),
    ("gas_limit", {"gas_limit": 10**12}),
    ("not_enough", {"amount": 10 * RICH}),
    ("price_too_low", {"gas_price": 0}),
]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_the_first_broken_rule_is_named_and_no_signature_verified(first: int) -> None:
    bench = started()
    fields = {name: value for _, faults in FAULTS[first:] for name, value in faults.items()}
    nonce = fields.pop("nonce", 0)
    raw = bad_signature(bench.tx("alice", nonce, **fields)).raw  # type: ignore[arg-type]
    effects = bench.feed(ev.SubmitTransactions(1, (raw,)))
    (reply,) = of(effects, ev.Reply)
    assert reply.verdicts[0][1] == FAULTS[first][0]
    assert of(effects, ev.AskVerify) == []


def test_the_balance_covers_all_that_is_pending() -> None:
    bench = started()
    fee = 100_000
    half = RICH // 2
    assert bench.submit(bench.tx("alice", 0, amount=half), bench.tx("alice", 1, amount=half)) == [
        "ok",
        "not_enough",
    ]
    assert bench.submit(bench.tx("alice", 1, amount=half - 2 * fee)) == ["ok"]
    assert bench.submit(bench.tx("alice", 2, amount=1)) == ["not_enough"]


def test_a_replacement_may_use_what_the_replaced_one_had_reserved() -> None:
    bench = started()
    assert bench.submit(bench.tx("alice", 0, amount=RICH - 100_000)) == ["ok"]
    assert bench.submit(bench.tx("alice", 0, amount=RICH - 200_000, gas_price=2)) == ["ok"]
    assert len(bench.node.mempool) == 1


def test_two_requests_verified_at_once_cannot_spend_the_same_coins() -> None:
    bench = started()
    for nonce in (0, 1):
        bench.feed(ev.SubmitTransactions(nonce + 1, (bench.tx("alice", nonce, amount=RICH // 2 + 1).raw,)))
    codes = [reply.verdicts[0][1] for reply in of(bench.answer(), ev.Reply)]
    assert codes == ["ok", "not_enough"]
    assert bench.node.mempool.reserved(bench.people["alice"].address) <= RICH


def test_what_a_block_outdated_during_verification_does_not_enter() -> None:
    bench = started()
    alice = bench.people["alice"]
    change = signed_by(alice, body_of(bench.genesis, alice, 0, SetPolicy(bench.people["bob"].policy)))
    bench.advance(200)
    bench.feed(ev.SubmitTransactions(1, (bench.tx("alice", 0).raw, bench.tx("alice", 1).raw)))
    asked, bench.asked = bench.asked, []
    candidate = bench.candidate([change])
    bench.say(bench.node_of(1), bench.proposal(candidate))
    bench.say(bench.node_of(1), bench.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
    assert bench.node.head.header.height == 1
    bench.asked = asked
    (reply,) = of(bench.answer(), ev.Reply)
    assert [code for _, code, _ in reply.verdicts] == ["bad_policy", "bad_policy"]
    assert len(bench.node.mempool) == 0


def test_the_last_expiry_is_the_next_block() -> None:
    bench = started()
    bench.advance(200)
    bench.grow()
    assert bench.submit(bench.tx("alice", 0, expiry=1), bench.tx("alice", 0, expiry=2)) == ["expired", "ok"]


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────


def test_one_answer_a_request_with_a_verdict_in_each_place() -> None:
    bench = started()
    good, bad = bench.tx("alice", 0), bad_signature(bench.tx("bob", 0))
    effects = bench.run(ev.SubmitTransactions(42, (bad.raw, b"", good.raw)))
    (reply,) = of(effects, ev.Reply)
    assert reply.ticket == 42
    assert [(tx_id, code) for tx_id, code, _ in reply.verdicts] == [
        (bad.tx_id, "bad_signature"),
        (b"", "malformed"),
        (good.tx_id, "ok"),
    ]
    assert [fact.tx_ids for fact in facts(effects, ev.TransactionsPending)] == [(good.tx_id,)]


def test_an_empty_request_is_answered() -> None:
    bench = started()
    assert of(bench.feed(ev.SubmitTransactions(3, ())), ev.Reply) == [ev.Reply(3, ())]


def test_the_client_is_answered_before_the_network_hears() -> None:
    bench = started()
    effects = bench.run(ev.SubmitTransactions(1, (bench.tx("alice", 0).raw,)))
    kinds = [type(effect) for effect in effects]
    assert kinds.index(ev.Reply) < kinds.index(ev.SendMessage)
    assert len(sent(effects, Txs)) == 3


def test_too_many_requests_at_once_are_told_so() -> None:
    bench = started()
    for ticket in range(intake.INTAKES_MAX):
        name = ("alice", "bob", "carol")[ticket % 3]
        nonce = ticket // 3
        raw = bench.tx(name, min(nonce, 63), amount=1 + ticket).raw
        assert of(bench.feed(ev.SubmitTransactions(ticket + 1, (raw,))), ev.Reply) == []
    (reply,) = of(bench.feed(ev.SubmitTransactions(999, (bench.tx("alice", 0, amount=7_777).raw,))), ev.Reply)
    assert reply.verdicts == ((b"", "overloaded", ""),)
    bench.answer()
    assert bench.node.intakes == {}
    assert bench.node.verifying == set()
    assert bench.node.verifying_of == {}


# ── peers ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bad_signature_bans_its_sender_and_marks_nothing() -> None:
    bench = started()
    liar = bench.join("liar")
    good = bench.tx("alice", 0)
    effects = bench.say(liar, txs(bad_signature(good)))
    assert closed(effects) == [(liar, "bad_signature")]
    assert bench.node.book.is_banned(liar, "", bench.now)
    assert bench.submit(good) == ["ok"], "the true signature is as good as before"


def test_malformed_bytes_are_a_fault_each_message_once() -> None:
    bench = started()
    peer = bench.join("peer")
    notes = [fact for _ in range(6) for fact in facts(bench.say(peer, txs(b"x", b"y")), ev.PeerNote)]
    assert [note.what for note in notes if note.what != "closed"] == ["penalised"] * 4 + ["banned"]


def test_a_shape_that_no_honest_node_relays_is_a_fault_too() -> None:
    bench = started()
    peer = bench.join("peer")
    tx = bench.tx("alice", 0)
    unsigned = encode(Transaction(tx.body, Witness(tx.tx.witness.policy, ()), None))
    notes = facts(bench.say(peer, txs(unsigned)), ev.PeerNote)
    assert [(note.what, note.code) for note in notes] == [("penalised", "threshold_not_met")]


def test_what_became_invalid_on_its_way_is_no_fault() -> None:
    bench = started()
    peer = bench.join("peer")
    bench.advance(200)
    used = bench.tx("alice", 0)
    candidate = bench.candidate([used])
    bench.say(bench.node_of(1), bench.proposal(candidate))
    bench.say(bench.node_of(1), bench.votes([1, 2, 3], PRECOMMIT, candidate.block_id))
    rival = bench.tx("alice", 0, amount=9)
    late = [
        used,
        rival,
        bench.tx("bob", 99),
        bench.tx("bob", 0, anchor_height=5),
        bench.tx("bob", 0, amount=2 * RICH),
    ]
    assert facts(bench.say(peer, txs(*late)), ev.PeerNote) == []


def test_a_peers_transaction_is_announced_not_sent_back() -> None:
    bench = started()
    effects = bench.say(bench.node_of(1), txs(bench.tx("alice", 0)))
    effects += bench.advance(300)
    assert sent(effects, Txs) == []
    assert sent(effects, TxHashes, bench.node_of(1)) == []
    assert len(sent(effects, TxHashes, bench.node_of(2))) == 1


def test_an_announced_transaction_is_asked_for_once_and_given_on_request() -> None:
    bench = started()
    tx = bench.tx("alice", 0)
    assert sent(bench.say(bench.node_of(1), TxHashes((tx.tx_hash,))), GetTxs) == [GetTxs((tx.tx_hash,))]
    assert sent(bench.say(bench.node_of(2), TxHashes((tx.tx_hash,))), GetTxs) == []
    bench.say(bench.node_of(1), txs(tx))
    asker = bench.join("asker")
    assert sent(bench.say(asker, GetTxs((tx.tx_hash, bytes(32)))), Txs, asker) == [txs(tx)]


def test_one_peer_cannot_fill_the_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "VERIFYING_PER_PEER_MAX", 4)
    bench = started()
    flood = bench.join("flood")
    asked = 0
    for nonce in range(20):
        raw = encode_message(txs(bad_signature(bench.tx("alice", nonce))))
        asked += sum(len(e.items) for e in of(bench.feed(ev.Received(flood, raw)), ev.AskVerify))
    assert asked == 4
    other = bench.feed(ev.Received(bench.node_of(1), encode_message(txs(bench.tx("bob", 0)))))
    assert len(of(other, ev.AskVerify)) == 1
    bench.answer()
    assert bench.node.verifying_of == {}


def test_all_peers_together_cannot_either_and_local_clients_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "VERIFYING_MAX", 6)
    bench = started()
    peers = [bench.join(f"flood{i}") for i in range(10)]
    asked = 0
    for i, peer in enumerate(peers):
        raw = encode_message(txs(bad_signature(bench.tx("alice", i))))
        asked += len(of(bench.feed(ev.Received(peer, raw)), ev.AskVerify))
    assert asked == 6
    assert len(of(bench.feed(ev.SubmitTransactions(1, (bench.tx("bob", 0).raw,))), ev.AskVerify)) == 1


def test_a_peer_whose_transactions_are_of_no_use_is_not_listened_to_for_a_while() -> None:
    bench = started()
    peer = bench.join("peer")
    useless = [bench.tx("alice", 64 + i % 9, amount=1 + i).raw for i in range(500)]
    for _ in range(USELESS_BURST // 500):
        bench.say(peer, Txs(tuple(useless)))
    assert bench.say(peer, txs(bench.tx("bob", 0))) == []
    assert len(bench.node.mempool) == 0
    assert facts(bench.log, ev.PeerNote)[-1].what == "admitted", "it may be ahead of us: no fault"
    bench.now += 2_000
    bench.say(peer, txs(bench.tx("bob", 0)))
    assert len(bench.node.mempool) == 1


def test_a_halted_node_takes_nothing() -> None:
    bench = started()
    bench.feed(ev.DiskLow(5))
    assert bench.submit(bench.tx("alice", 0)) == ["disk_full"]
    assert bench.say(bench.node_of(1), txs(bench.tx("alice", 0))) == []
