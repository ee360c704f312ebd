"""Whether a commit certificate seals a block: a pure judgement that engines and light clients share.

More than two thirds of the weight of the block's own validator set must have signed the precommit for it:
3 x signed > 2 x total (protocol: Hashing, encoding, identity). All precommits for one block in one round sign
identical bytes, so one digest serves all signers.
"""

from collections.abc import Callable

from chaosnet.base.errors import InvalidBlock
from chaosnet.crypto.signing import is_valid
from chaosnet.model.block import (
    Certificate,
    ValidatorSet,
    decode_certificate,
    validators_hash_of,
)
from chaosnet.model.evidence import PRECOMMIT, vote_digest_of
from chaosnet.model.header import Header, block_id_of

Verify = Callable[[bytes, bytes, bytes], bool]
"""Judges (public key, digest, signature); engines give one that remembers what it has verified."""


def is_quorum(signed: int, total: int) -> bool:
    """Return whether this much weight of `total` is more than two thirds."""
    return 3 * signed > 2 * total


def check_sealed(
    header: Header, seal: bytes, validators: ValidatorSet, verify: Verify = is_valid
) -> Certificate:
    """Return the certificate in `seal` if it makes the block final under this set.

    Raises InvalidBlock: `bad_header` when the header names another set, `bad_seal`, or why the seal cannot be
    decoded.
    """
    if header.validators_hash != validators_hash_of(validators):
        raise InvalidBlock("bad_header", "validators")
    certificate = decode_certificate(seal)
    about = (certificate.era, certificate.height, certificate.block_id)
    if about != (header.era, header.height, block_id_of(header)):
        raise InvalidBlock("bad_seal", "certificate is about another block")
    check_certificate(header.genesis, certificate, validators, verify)
    return certificate


def check_certificate(
    genesis: bytes, certificate: Certificate, validators: ValidatorSet, verify: Verify = is_valid
) -> None:
    """Raise InvalidBlock(`bad_seal`) unless more than two thirds of the weight signed, each signature good.

    Costs one signature check a signer; shape and weight are judged first, for nothing.
    """
    signers, signatures = certificate.signers, certificate.signatures
    members = validators.validators
    if len(signers) != len(signatures):
        raise InvalidBlock("bad_seal", "signers and signatures differ in number")
    previous = -1
    signed = 0
    for index in signers:
        if not previous < index < len(members):
            raise InvalidBlock("bad_seal", "signers must be distinct members in ascending order")
        previous = index
        signed += members[index].weight
    if not is_quorum(signed, validators.total):
        raise InvalidBlock("bad_seal", f"{signed} of {validators.total} signed")
    digest = vote_digest_of(
        genesis, PRECOMMIT, certificate.era, certificate.height, certificate.round, certificate.block_id
    )
    for index, signature in zip(signers, signatures, strict=True):
        if not verify(members[index].key, digest, signature):
            raise InvalidBlock("bad_seal", f"signature of validator {index}")
