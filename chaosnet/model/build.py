"""Making transactions: a body, then signatures one by one, perhaps by people in different places.

A draft travels between the signers of a k-of-n account and its fee payer; each adds signatures, and drafts of
one body are combined. What a draft is for and what each field means is in `transaction` and `policy`.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import InvalidTransaction
from chaosnet.base.units import Address
from chaosnet.crypto.signing import SIGNATURE_BYTES, SigningKey, is_valid
from chaosnet.model.policy import KeyPolicy, Witness, address_of, check_policy, single_key
from chaosnet.model.transaction import (
    Transaction,
    Transfer,
    TxBody,
    check_shape,
    payer_digest_of,
    tx_id_of,
)

TRANSFER_GAS: Final = 21_000
"""Gas limit that covers one transfer with one signature and a memo of up to 100 bytes under rule set 1."""
EXPIRY_BLOCKS: Final = 1_000
"""How far ahead of the head a transaction usually expires."""

Signatures = tuple[tuple[int, bytes], ...]
"""(index into the policy's keys, signature) in ascending index order."""

_SENDERS_KEPT: Final = 16_384


class Draft(Record):
    """A transaction that may still lack signatures."""

    body: TxBody
    policy: KeyPolicy
    """Of the sender."""
    payer_policy: KeyPolicy | None = None
    """Of the separate fee payer, if the body names one."""
    signatures: Signatures = ()
    payer_signatures: Signatures = ()


class Missing(NamedTuple):
    """Signing weight that is still needed."""

    sender: int
    payer: int


def transfer_body(  # noqa: PLR0913 - the fields of a transfer
    *,
    genesis_hash: bytes,
    sender: bytes,
    nonce: int,
    to: bytes,
    amount: int,
    gas_price: int,
    expiry: int,
    anchor: tuple[int, bytes] | None = None,
    gas_limit: int = TRANSFER_GAS,
    memo: str = "",
) -> TxBody:
    """Return the body of a transfer of `amount` motes, paid for by its sender.

    `anchor`: height and first 8 bytes of the id of a recent block; None: the genesis, as off line.
    """
    height, prefix = anchor or (0, genesis_hash[:8])
    actions = (Transfer(to, amount),)
    return TxBody(
        genesis_hash, sender, nonce, height, prefix, expiry, gas_limit, gas_price, None, memo, actions
    )


def signed_transfer(  # noqa: PLR0913 - the fields of a transfer
    seed: bytes,
    *,
    genesis_hash: bytes,
    nonce: int,
    to: bytes,
    amount: int,
    gas_price: int,
    expiry: int = EXPIRY_BLOCKS,
    anchor: tuple[int, bytes] | None = None,
    gas_limit: int = TRANSFER_GAS,
    memo: str = "",
) -> bytes:
    """Return the bytes of a transfer from the one-key account of a seed; see `transfer_body`.

    Costs little more than one signature: what follows from the seed is kept for the latest senders.
    """
    key, policy, sender = _sender_of(seed)
    height, prefix = anchor or (0, genesis_hash[:8])
    actions = (Transfer(to, amount),)
    body = TxBody(
        genesis_hash, sender, nonce, height, prefix, expiry, gas_limit, gas_price, None, memo, actions
    )
    return encode(Transaction(body, Witness(policy, ((0, key.sign(tx_id_of(body))),)), None))


def sign_body(body: TxBody, policy: KeyPolicy, seeds: tuple[bytes, ...]) -> bytes:
    """Return the bytes of a transaction without a separate payer, signed with these seeds.

    Raises InvalidTransaction: `bad_policy`, `threshold_not_met`, or what is wrong with the body.
    """
    draft = unsigned(body, policy)
    for seed in seeds:
        draft = add_signature(draft, seed)
    return complete(draft)


def unsigned(body: TxBody, policy: KeyPolicy, payer_policy: KeyPolicy | None = None) -> Draft:
    """Return a draft without signatures.

    Raises InvalidTransaction(`bad_policy`) for a malformed policy, or a payer without one or the reverse.
    """
    check_policy(policy)
    if (body.payer is None) != (payer_policy is None):
        raise InvalidTransaction("bad_policy", "a payer and its policy come together")
    if payer_policy is not None:
        check_policy(payer_policy)
    return Draft(body, policy, payer_policy)


def add_signature(draft: Draft, seed: bytes) -> Draft:
    """Return the draft signed also with this key, wherever a policy names it: as sender, payer or both.

    Raises InvalidTransaction(`bad_policy`) when no policy does.
    """
    key = SigningKey(seed)
    body = draft.body
    index = _index_of(draft.policy, key.public_key)
    payer_index = -1 if draft.payer_policy is None else _index_of(draft.payer_policy, key.public_key)
    if index < 0 and payer_index < 0:
        raise InvalidTransaction(
            "bad_policy", f"key {key.public_key.hex()} is in no policy of this transaction"
        )
    if index >= 0:
        signatures = _with(draft.signatures, index, key.sign(tx_id_of(body)))
        draft = replace(draft, signatures=signatures)
    if payer_index >= 0:
        signatures = _with(draft.payer_signatures, payer_index, key.sign(payer_digest_of(body)))
        draft = replace(draft, payer_signatures=signatures)
    return draft


def combine(first: Draft, *others: Draft) -> Draft:
    """Return a draft with the signatures of all; each is verified.

    Raises InvalidTransaction: `bad_argument` unless all are of one transaction, `bad_signature`.
    """
    draft = first
    for other in others:
        if (other.body, other.policy, other.payer_policy) != (first.body, first.policy, first.payer_policy):
            raise InvalidTransaction("bad_argument", "not drafts of one transaction under the same policies")
        signatures, payer_signatures = draft.signatures, draft.payer_signatures
        for index, signature in other.signatures:
            signatures = _with(signatures, index, signature)
        for index, signature in other.payer_signatures:
            payer_signatures = _with(payer_signatures, index, signature)
        draft = replace(draft, signatures=signatures, payer_signatures=payer_signatures)
    check_signatures(draft)
    return draft


def check_signatures(draft: Draft) -> None:
    """Raise InvalidTransaction(`bad_signature`) unless every signature is good, each key's once, in order."""
    _check(draft.policy, draft.signatures, tx_id_of(draft.body))
    if draft.payer_policy is not None:
        _check(draft.payer_policy, draft.payer_signatures, payer_digest_of(draft.body))
    elif draft.payer_signatures:
        raise InvalidTransaction("bad_signature", "signatures of a payer that there is not")


def missing(draft: Draft) -> Missing:
    """Return the weight that must still sign; 0 and 0: the draft is complete."""
    payer = draft.payer_policy
    return Missing(
        max(0, draft.policy.threshold - _weight(draft.policy, draft.signatures)),
        0 if payer is None else max(0, payer.threshold - _weight(payer, draft.payer_signatures)),
    )


def complete(draft: Draft) -> bytes:
    """Return the transaction's bytes with the fewest signatures that suffice, since each costs gas.

    Raises InvalidTransaction: `threshold_not_met`, or what is wrong with the body.
    """
    body, payer = draft.body, draft.payer_policy
    witness = Witness(draft.policy, _heaviest(draft.policy, draft.signatures))
    payer_witness = None if payer is None else Witness(payer, _heaviest(payer, draft.payer_signatures))
    tx = Transaction(body, witness, payer_witness)
    check_shape(tx)
    return encode(tx)


def placeholder(draft: Draft) -> bytes:
    """Return bytes as large as the transaction can become, with zeros for signatures: to reckon its gas."""
    body, payer = draft.body, draft.payer_policy
    witness = Witness(draft.policy, _lightest(draft.policy))
    return encode(Transaction(body, witness, None if payer is None else Witness(payer, _lightest(payer))))


@lru_cache(maxsize=_SENDERS_KEPT)
def _sender_of(seed: bytes) -> tuple[SigningKey, KeyPolicy, Address]:
    key = SigningKey(seed)
    policy = single_key(key.public_key)
    return key, policy, address_of(policy)


def _index_of(policy: KeyPolicy, public_key: bytes) -> int:
    return next((i for i, (key, _) in enumerate(policy.keys) if key == public_key), -1)


def _with(signatures: Signatures, index: int, signature: bytes) -> Signatures:
    """Return the signatures with one more; another signature of the same key is refused, not replaced."""
    known = dict(signatures)
    if known.setdefault(index, signature) != signature:
        raise InvalidTransaction("bad_signature", f"two different signatures of key {index}")
    return tuple(sorted(known.items()))


def _check(policy: KeyPolicy, signatures: Signatures, message: bytes) -> None:
    previous = -1
    for index, signature in signatures:
        if not previous < index < len(policy.keys):
            raise InvalidTransaction("bad_signature", "signatures must be in key order")
        previous = index
        if not is_valid(policy.keys[index][0], message, signature):
            raise InvalidTransaction("bad_signature", f"of key {policy.keys[index][0].hex()}")


def _weight(policy: KeyPolicy, signatures: Signatures) -> int:
    return sum(policy.keys[index][1] for index, _ in signatures)


def _heaviest(policy: KeyPolicy, signatures: Signatures) -> Signatures:
    """Return the fewest signatures that reach the threshold, or all when they do not."""
    chosen: list[tuple[int, bytes]] = []
    weight = 0
    for index, signature in sorted(signatures, key=lambda item: (-policy.keys[item[0]][1], item[0])):
        if weight >= policy.threshold:
            break
        chosen.append((index, signature))
        weight += policy.keys[index][1]
    return tuple(sorted(chosen))


def _lightest(policy: KeyPolicy) -> Signatures:
    """Return zeros for as many signatures as can ever be needed: no choice of `_heaviest` has more."""
    weight = 0
    count = 0
    for key_weight in sorted(w for _, w in policy.keys):
        if weight >= policy.threshold:
            break
        weight += key_weight
        count += 1
    return tuple((index, bytes(SIGNATURE_BYTES)) for index in range(count))
