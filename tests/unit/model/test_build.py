"""Transactions are made so that a node accepts them, and drafts travel between signers without harm."""

from hashlib import sha256

import pytest
from msgspec.structs import replace

from chaosnet.base.errors import InvalidTransaction
from chaosnet.crypto.signing import is_valid, public_key_of
from chaosnet.model import build
from chaosnet.model.policy import KeyPolicy, address_of, single_key
from chaosnet.model.transaction import TxBody, decode_transaction
from chaosnet.rules.registry import rules_at

GENESIS = sha256(b"genesis").digest()
SEEDS = tuple(sha256(bytes([i])).digest() for i in range(4))
TO = bytes(address_of(single_key(public_key_of(SEEDS[3]))))


def policy_of(weights: tuple[int, ...], threshold: int) -> KeyPolicy:
    """Return a policy whose i-th *seed* has the i-th weight; keys are in their own order."""
    return KeyPolicy(
        tuple(sorted((public_key_of(s), w) for s, w in zip(SEEDS, weights, strict=False))), threshold
    )


def body_from(sender: bytes, *, payer: bytes | None = None) -> TxBody:
    body = build.transfer_body(
        genesis_hash=GENESIS, sender=sender, nonce=3, to=TO, amount=5, gas_price=2, expiry=100
    )
    return replace(body, payer=payer)


def all_signatures_hold(raw: bytes) -> bool:
    return all(is_valid(*check) for check in decode_transaction(raw).signature_checks())


def test_signed_transfer_is_what_the_long_way_makes() -> None:
    policy = single_key(public_key_of(SEEDS[0]))
    body = build.transfer_body(
        genesis_hash=GENESIS,
        sender=address_of(policy),
        nonce=7,
        to=TO,
        amount=9,
        gas_price=1,
        expiry=50,
        anchor=(12, b"12345678"),
        memo="rent",
    )
    raw = build.signed_transfer(
        SEEDS[0],
        genesis_hash=GENESIS,
        nonce=7,
        to=TO,
        amount=9,
        gas_price=1,
        expiry=50,
        anchor=(12, b"12345678"),
        memo="rent",
    )
    assert raw == build.sign_body(body, policy, SEEDS[:1])
    assert all_signatures_hold(raw)


def test_without_anchor_the_genesis_is_it() -> None:
    body = body_from(TO)
    assert (body.anchor_height, body.anchor_prefix) == (0, GENESIS[:8])


def test_default_gas_limit_covers_a_transfer_with_a_memo_under_rule_set_1() -> None:
    raw = build.signed_transfer(
        SEEDS[0],
        genesis_hash=GENESIS,
        nonce=2**31,
        to=TO,
        amount=2**62,
        gas_price=2**40,
        expiry=2**40,
        anchor=(2**40, b"12345678"),
        memo="m" * 100,
    )
    signed = decode_transaction(raw)
    assert rules_at(1).gas_of(signed) <= signed.body.gas_limit


def test_two_of_three_sign_apart_and_combine() -> None:
    policy = policy_of((1, 1, 1), 2)
    draft = build.unsigned(body_from(address_of(policy)), policy)
    assert build.missing(draft) == (2, 0)
    with pytest.raises(InvalidTransaction, match="threshold_not_met"):
        build.complete(draft)
    first, second = (build.add_signature(draft, seed) for seed in SEEDS[1:3])
    assert build.missing(first) == (1, 0)
    both = build.combine(first, second)
    assert build.missing(both) == (0, 0)
    assert both == build.combine(second, first) == build.add_signature(first, SEEDS[2])
    assert all_signatures_hold(build.complete(both))


def test_no_more_signatures_than_needed_are_paid_for() -> None:
    policy = policy_of((1, 5, 1), 5)
    draft = build.unsigned(body_from(address_of(policy)), policy)
    for seed in SEEDS[:3]:
        draft = build.add_signature(draft, seed)
    signed = decode_transaction(build.complete(draft))
    assert len(draft.signatures) == 3
    assert [policy.keys[i][1] for i, _ in signed.tx.witness.signatures] == [5]


@pytest.mark.parametrize(
    ("weights", "threshold", "most"),
    [((1,), 1, 1), ((1, 1, 1), 2, 2), ((1, 5, 1), 5, 3), ((3, 3, 2), 5, 2), ((1, 1, 4), 4, 3)],
)
def test_placeholder_is_as_large_as_any_choice_of_signers_can_make_it(
    weights: tuple[int, ...], threshold: int, most: int
) -> None:
    policy = policy_of(weights, threshold)
    draft = build.unsigned(body_from(address_of(policy)), policy)
    signed = decode_transaction(build.placeholder(draft))
    assert len(signed.tx.witness.signatures) == most
    for seed in SEEDS[: len(weights)]:
        draft = build.add_signature(draft, seed)
        if build.missing(draft) == (0, 0):
            assert len(build.complete(draft)) <= len(signed.raw)


def test_payer_signs_its_own_message() -> None:
    sender, payer = (single_key(public_key_of(seed)) for seed in SEEDS[:2])
    body = body_from(address_of(sender), payer=address_of(payer))
    draft = build.unsigned(body, sender, payer)
    assert build.missing(draft) == (1, 1)
    draft = build.add_signature(build.add_signature(draft, SEEDS[1]), SEEDS[0])
    assert draft.signatures[0][1] != draft.payer_signatures[0][1]
    raw = build.complete(draft)
    assert all_signatures_hold(raw)
    assert len(build.placeholder(draft)) == len(raw)


def test_key_in_both_policies_signs_for_both() -> None:
    sender, payer = policy_of((1, 1), 1), policy_of((1, 1, 1), 1)
    body = body_from(address_of(sender), payer=address_of(payer))
    draft = build.add_signature(build.unsigned(body, sender, payer), SEEDS[0])
    assert all_signatures_hold(build.complete(draft))


def test_foreign_key_cannot_sign() -> None:
    policy = policy_of((1, 1), 1)
    draft = build.unsigned(body_from(address_of(policy)), policy)
    with pytest.raises(InvalidTransaction, match="in no policy"):
        build.add_signature(draft, SEEDS[3])


def test_payer_and_its_policy_come_together() -> None:
    policy = policy_of((1,), 1)
    with pytest.raises(InvalidTransaction, match="come together"):
        build.unsigned(body_from(TO), policy, policy)
    with pytest.raises(InvalidTransaction, match="come together"):
        build.unsigned(body_from(TO, payer=TO), policy)


def test_combine_refuses_another_transaction() -> None:
    policy = policy_of((1, 1), 2)
    draft = build.unsigned(body_from(address_of(policy)), policy)
    other = build.unsigned(replace(draft.body, nonce=4), policy)
    with pytest.raises(InvalidTransaction, match="not drafts of one transaction"):
        build.combine(draft, other)


def test_combine_refuses_bad_signatures() -> None:
    policy = policy_of((1, 1), 2)
    draft = build.unsigned(body_from(address_of(policy)), policy)
    signed = build.add_signature(draft, SEEDS[0])
    [(index, good)] = signed.signatures
    forged = replace(draft, signatures=((index, bytes(64)),))
    with pytest.raises(InvalidTransaction, match="bad_signature"):
        build.combine(draft, forged)
    with pytest.raises(InvalidTransaction, match="two different"):
        build.combine(signed, forged)
    with pytest.raises(InvalidTransaction, match="key order"):
        build.check_signatures(replace(draft, signatures=((index, good), (index, good))))
    with pytest.raises(InvalidTransaction, match="key order"):
        build.check_signatures(replace(draft, signatures=((-1, good),)))
    with pytest.raises(InvalidTransaction, match="that there is not"):
        build.check_signatures(replace(draft, payer_signatures=((0, good),)))
