"""The receipts root commits to every field and to the order."""

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.units import EMPTY_HASH
from chaosnet.crypto.hashing import check_merkle_proof, merkle_proof
from chaosnet.model.receipt import (
    NO_OUTCOME,
    Event,
    Outcome,
    Receipt,
    events_root_of,
    receipts_root_of,
    return_hash_of,
)

RECEIPT = Receipt(tx_id=b"t" * 32, code="ok", gas=100, fee=200)


def test_root_covers_every_field() -> None:
    changed: dict[str, object] = {
        "tx_id": b"u" * 32,
        "code": "not_enough",
        "gas": 101,
        "fee": 201,
        "return_hash": b"r" * 32,
        "events_root": b"e" * 32,
    }
    assert set(changed) == set(Receipt.__struct_fields__)
    roots = {receipts_root_of((msgspec.structs.replace(RECEIPT, **{k: v}),)) for k, v in changed.items()}
    assert len(roots | {receipts_root_of((RECEIPT,))}) == len(changed) + 1


def test_root_covers_order_and_count() -> None:
    other = msgspec.structs.replace(RECEIPT, gas=1)
    roots = {
        receipts_root_of(r) for r in ((RECEIPT, other), (other, RECEIPT), (RECEIPT,), (RECEIPT, RECEIPT))
    }
    assert len(roots) == 4
    assert receipts_root_of(()) != EMPTY_HASH


def test_events_and_returns_are_named_by_their_hashes() -> None:
    event = Event(b"\x01" + b"c" * 32, "Added", b"\x91\x01", 0)
    assert events_root_of(()) == EMPTY_HASH
    root = events_root_of((event, msgspec.structs.replace(event, index=1)))
    proof = merkle_proof([encode(event), encode(msgspec.structs.replace(event, index=1))], 0)
    check_merkle_proof(root, encode(event), 0, 2, proof)
    assert return_hash_of("ok", NO_OUTCOME) == EMPTY_HASH
    outcomes = [Outcome(returns=(b"\x01",)), Outcome(returns=(b"\x01", b"\x01")), Outcome(text="no")]
    assert len({return_hash_of("reverted", outcome) for outcome in outcomes} | {EMPTY_HASH}) == 4
    assert return_hash_of("script_error", Outcome(text="no")) == EMPTY_HASH, "such texts are no rule"
    assert encode(event).hex() == "9501" + "c42101" + "63" * 32 + "a54164646564" + "c4029101" + "00"
