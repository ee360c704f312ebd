"""Key policies: which keys, with which weights, speak for an account (protocol: Hashing, encoding, identity).

An address is the hash of the account's *initial* policy; `set_policy` may replace the policy under the same
address. A single key is a policy with one key of weight 1 and threshold 1.
"""

from typing import Final

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import InvalidTransaction
from chaosnet.base.limits import AMOUNT_MAX, POLICY_KEYS_MAX
from chaosnet.base.units import Address, Hash32, PublicKey
from chaosnet.crypto.hashing import tagged_hash

KEY_ACCOUNT: Final = 0
"""Kind byte of an address that is the hash of a key policy."""


class KeyPolicy(Record):
    """At most 16 distinct keys in ascending order, each with a weight, and the weight that must sign."""

    keys: tuple[tuple[bytes, int], ...]
    """(public key, weight) in ascending key order; weights 1 .. 2^63-1."""
    threshold: int
    """Sum of weights that must sign, 1 .. sum of all weights."""


class Witness(Record):
    """Signatures under a policy. The policy travels with them, so they can be verified without the state."""

    policy: KeyPolicy
    signatures: tuple[tuple[int, bytes], ...]
    """(index into the policy's keys, signature) in ascending index order."""


def single_key(public_key: PublicKey) -> KeyPolicy:
    """Return the policy of an ordinary one-key account."""
    return KeyPolicy(keys=((public_key, 1),), threshold=1)


def policy_hash(policy: KeyPolicy) -> Hash32:
    """Return the hash that an account stores, and its address is made of."""
    return tagged_hash(b"policy", encode(policy))


def address_of(policy: KeyPolicy) -> Address:
    """Return the address an account with this initial policy has."""
    return Address(bytes([KEY_ACCOUNT]) + policy_hash(policy))


def check_policy(policy: KeyPolicy) -> None:
    """Raise InvalidTransaction(`bad_policy`) unless the policy is well-formed."""
    keys = policy.keys
    if not 1 <= len(keys) <= POLICY_KEYS_MAX:
        raise InvalidTransaction("bad_policy", f"{len(keys)} keys")
    if len(keys) == 1 and policy.threshold == 1 == keys[0][1] and len(keys[0][0]) == 32:
        return
    previous = b""
    total = 0
    for key, weight in keys:
        if len(key) != 32 or key <= previous:
            raise InvalidTransaction("bad_policy", "keys must be distinct and in ascending order")
        if not 1 <= weight <= AMOUNT_MAX:
            raise InvalidTransaction("bad_policy", f"weight {weight}")
        previous = key
        total += weight
    if not 1 <= policy.threshold <= min(total, AMOUNT_MAX):
        raise InvalidTransaction("bad_policy", f"threshold {policy.threshold} of {total}")


def check_witness(witness: Witness) -> None:
    """Raise InvalidTransaction unless the policy is well-formed and the signers reach its threshold.

    Signatures themselves are verified apart: `bad_policy`, `bad_signature` (shape), `threshold_not_met`.
    """
    policy = witness.policy
    check_policy(policy)
    previous = -1
    weight = 0
    for index, signature in witness.signatures:
        if not previous < index < len(policy.keys) or len(signature) != 64:
            raise InvalidTransaction("bad_signature", "signatures must be in key order, 64 bytes each")
        previous = index
        weight += policy.keys[index][1]
    if weight < policy.threshold:
        raise InvalidTransaction("threshold_not_met", f"{weight} of {policy.threshold}")
