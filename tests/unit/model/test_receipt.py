"""The receipts root commits to every field and to the order."""

import msgspec

from chaosnet.base.units import EMPTY_HASH
from chaosnet.model.receipt import Receipt, receipts_root_of

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
