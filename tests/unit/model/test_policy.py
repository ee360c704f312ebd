"""Which policies are well-formed, and whose signatures reach their threshold."""

import pytest

from chaosnet.base.errors import InvalidTransaction
from chaosnet.base.limits import AMOUNT_MAX, POLICY_KEYS_MAX
from chaosnet.base.units import PublicKey
from chaosnet.model.policy import KeyPolicy, Witness, address_of, check_policy, check_witness, single_key

A, B, C = (bytes([i]) * 32 for i in (1, 2, 3))
SIGNATURE = bytes(64)
TWO_OF_THREE = KeyPolicy(keys=((A, 1), (B, 1), (C, 1)), threshold=2)


def refused(witness: Witness) -> str:
    with pytest.raises(InvalidTransaction) as caught:
        check_witness(witness)
    return caught.value.code


@pytest.mark.parametrize(
    "policy",
    [
        single_key(PublicKey(A)),
        TWO_OF_THREE,
        KeyPolicy(keys=((A, 3), (B, 1)), threshold=4),
        KeyPolicy(keys=tuple((bytes([i]) * 32, 1) for i in range(POLICY_KEYS_MAX)), threshold=1),
    ],
)
def test_well_formed(policy: KeyPolicy) -> None:
    check_policy(policy)


@pytest.mark.parametrize(
    "policy",
    [
        KeyPolicy(keys=(), threshold=0),
        KeyPolicy(keys=tuple((bytes([i]) * 32, 1) for i in range(POLICY_KEYS_MAX + 1)), threshold=1),
        KeyPolicy(keys=((B, 1), (A, 1)), threshold=1),
        KeyPolicy(keys=((A, 1), (A, 1)), threshold=1),
        KeyPolicy(keys=((A[:31], 1),), threshold=1),
        KeyPolicy(keys=((A, 0),), threshold=1),
        KeyPolicy(keys=((A, -1), (B, 3)), threshold=1),
        KeyPolicy(keys=((A, AMOUNT_MAX + 1),), threshold=1),
        KeyPolicy(keys=((A, 1),), threshold=0),
        KeyPolicy(keys=((A, 1), (B, 1)), threshold=3),
        KeyPolicy(keys=((A, AMOUNT_MAX), (B, 1)), threshold=AMOUNT_MAX + 1),
    ],
)
def test_malformed(policy: KeyPolicy) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        check_policy(policy)
    assert caught.value.code == "bad_policy"


def test_threshold_counts_weights() -> None:
    check_witness(Witness(TWO_OF_THREE, ((0, SIGNATURE), (2, SIGNATURE))))
    assert refused(Witness(TWO_OF_THREE, ((1, SIGNATURE),))) == "threshold_not_met"
    assert refused(Witness(TWO_OF_THREE, ())) == "threshold_not_met"


@pytest.mark.parametrize(
    "signatures",
    [
        ((0, SIGNATURE), (0, SIGNATURE)),
        ((1, SIGNATURE), (0, SIGNATURE)),
        ((-1, SIGNATURE), (1, SIGNATURE)),
        ((0, SIGNATURE), (3, SIGNATURE)),
        ((0, SIGNATURE), (1, SIGNATURE[:63])),
    ],
)
def test_one_key_never_counts_twice(signatures: tuple[tuple[int, bytes], ...]) -> None:
    assert refused(Witness(TWO_OF_THREE, signatures)) == "bad_signature"


def test_address_is_of_the_whole_policy() -> None:
    policies = [
        TWO_OF_THREE,
        KeyPolicy(TWO_OF_THREE.keys, 3),
        single_key(PublicKey(A)),
        single_key(PublicKey(B)),
    ]
    addresses = {address_of(policy) for policy in policies}
    assert len(addresses) == len(policies)
    assert all(len(address) == 33 and address[0] == 0 for address in addresses)
