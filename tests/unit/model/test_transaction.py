"""Two names of a transaction, its static checks, and what its keys sign."""

import msgspec
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidTransaction
from chaosnet.base.limits import AMOUNT_MAX, MEMO_BYTES_MAX, TX_ACTIONS_MAX, TX_BYTES_MAX
from chaosnet.base.units import PublicKey
from chaosnet.crypto.signing import is_valid, public_key_of, sign
from chaosnet.model.policy import KeyPolicy, Witness, address_of, single_key
from chaosnet.model.transaction import (
    SetPolicy,
    Transaction,
    Transfer,
    TxBody,
    decode_transaction,
    payer_digest_of,
    tx_id_of,
)

SEED, PAYER_SEED = b"s" * 32, b"p" * 32
POLICY = single_key(PublicKey(public_key_of(SEED)))
PAYER_POLICY = single_key(PublicKey(public_key_of(PAYER_SEED)))
BODY = TxBody(
    genesis=b"g" * 32,
    sender=address_of(POLICY),
    nonce=0,
    anchor_height=0,
    anchor_prefix=b"g" * 8,
    expiry=100,
    gas_limit=1_000,
    gas_price=2,
    payer=None,
    memo="",
    actions=(Transfer(to=bytes(33), amount=1),),
)


def signed(body: TxBody) -> Transaction:
    payer = None
    if body.payer is not None:
        payer = Witness(PAYER_POLICY, ((0, sign(PAYER_SEED, payer_digest_of(body))),))
    return Transaction(body, Witness(POLICY, ((0, sign(SEED, tx_id_of(body))),)), payer)


def changed(**fields: object) -> TxBody:
    return msgspec.structs.replace(BODY, **fields)


def refused(tx: Transaction) -> str:
    with pytest.raises(InvalidTransaction) as caught:
        decode_transaction(encode(tx))
    return caught.value.code


def test_round_trip_and_signatures_verify() -> None:
    tx = decode_transaction(encode(signed(BODY)))
    assert tx.body == BODY
    assert tx.cost_max == 2_000
    checks = tx.signature_checks()
    assert len(checks) == 1
    assert all(is_valid(*check) for check in checks)


def test_payer_signs_something_else_than_the_sender() -> None:
    tx = decode_transaction(encode(signed(changed(payer=address_of(PAYER_POLICY)))))
    sender, payer = tx.signature_checks()
    assert is_valid(*sender)
    assert is_valid(*payer)
    assert sender[1] != payer[1]


def test_id_ignores_signatures_and_hash_does_not() -> None:
    good = decode_transaction(encode(signed(BODY)))
    forged = decode_transaction(encode(Transaction(BODY, Witness(POLICY, ((0, bytes(64)),)), None)))
    assert good.tx_id == forged.tx_id
    assert good.tx_hash != forged.tx_hash


def test_id_covers_every_field() -> None:
    other: dict[str, object] = {
        "genesis": b"h" * 32,
        "sender": bytes(33),
        "nonce": 1,
        "anchor_height": 1,
        "anchor_prefix": b"h" * 8,
        "expiry": 101,
        "gas_limit": 1_001,
        "gas_price": 3,
        "payer": address_of(PAYER_POLICY),
        "memo": "x",
        "actions": (Transfer(to=bytes(33), amount=2),),
    }
    assert set(other) == set(TxBody.__struct_fields__)
    assert len({tx_id_of(changed(**{k: v})) for k, v in other.items()} | {tx_id_of(BODY)}) == len(other) + 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"genesis": b"g" * 31}, "bad_argument"),
        ({"anchor_prefix": b""}, "bad_argument"),
        ({"nonce": -1}, "bad_argument"),
        ({"nonce": AMOUNT_MAX + 1}, "bad_argument"),
        ({"anchor_height": -1}, "bad_argument"),
        ({"expiry": 0}, "bad_argument"),
        ({"gas_limit": 0}, "bad_argument"),
        ({"gas_price": -1}, "bad_argument"),
        ({"memo": "é" * (MEMO_BYTES_MAX // 2 + 1)}, "too_large"),
        ({"actions": ()}, "no_actions"),
        ({"actions": (Transfer(bytes(33), 1),) * (TX_ACTIONS_MAX + 1)}, "too_large"),
        ({"sender": bytes(32)}, "bad_address"),
        ({"sender": b"\x01" + bytes(32)}, "bad_address"),
        ({"payer": b"\x01" + bytes(32)}, "bad_address"),
        ({"payer": BODY.sender}, "bad_argument"),
    ],
)
def test_fields_outside_their_bounds(fields: dict[str, object], code: str) -> None:
    assert refused(signed(changed(**fields))) == code


def test_longest_memo_is_allowed() -> None:
    decode_transaction(encode(signed(changed(memo="é" * (MEMO_BYTES_MAX // 2)))))


def test_payer_and_its_witness_come_together() -> None:
    witness = signed(BODY).witness
    assert refused(Transaction(BODY, witness, witness)) == "bad_policy"
    assert refused(Transaction(changed(payer=address_of(PAYER_POLICY)), witness, None)) == "bad_policy"


def test_too_few_signers() -> None:
    two = KeyPolicy(keys=tuple(sorted([*POLICY.keys, *PAYER_POLICY.keys])), threshold=2)
    assert refused(Transaction(BODY, Witness(two, ((0, bytes(64)),)), None)) == "threshold_not_met"


def test_bytes_are_bounded_and_canonical() -> None:
    raw = encode(signed(BODY))
    for data, code in ((raw + b"\x00", "malformed"), (bytes(TX_BYTES_MAX + 1), "too_large")):
        with pytest.raises(InvalidTransaction) as caught:
            decode_transaction(data)
        assert caught.value.code == code


def test_policy_change_is_an_action() -> None:
    body = changed(actions=(SetPolicy(PAYER_POLICY), Transfer(bytes(33), 1)))
    assert decode_transaction(encode(signed(body))).body.actions[0] == SetPolicy(PAYER_POLICY)
