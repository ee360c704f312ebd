"""Verifiable random function of the slot lottery: ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, 5.5).

Who holds the seed can prove one output `beta` for an input `alpha` and no other; everybody checks the proof
with the public key. Stricter than the RFC where it leaves a choice: key and gamma must be canonical encodings
of points of the prime-order group, and s is below the group's order, so that nobody can make a second proof
of the same output by adding a torsion point or the order.
"""

from functools import lru_cache
from hashlib import sha512
from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_sub,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)
from nacl.exceptions import RuntimeError as SodiumError

from chaosnet.base.errors import Invalid
from chaosnet.crypto.signing import PUBLIC_KEY_BYTES, public_key_of

PROOF_BYTES: Final = 80
OUTPUT_BYTES: Final = 64

_PROOFS_KEPT: Final = 2_048
"""A proof is looked at when its block comes, when branches are compared, and for the seed of an epoch."""

_SUITE: Final = b"\x03"
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_FIELD: Final = 2**255 - 19


def prove(seed: bytes, alpha: bytes) -> bytes:
    """Return the 80-byte proof for an input; deterministic.

    Raises Invalid(`bad_argument`) when the seed is not 32 bytes long. Time depends on the input, which is
    public, not on the seed.
    """
    public_key = public_key_of(seed)
    expanded = sha512(seed).digest()
    secret = int.from_bytes(expanded[:32], "little") & ((1 << 254) - 8) | 1 << 254
    point = _point_of(public_key, alpha)
    gamma = _times(secret, point)
    nonce = int.from_bytes(sha512(expanded[32:] + point).digest(), "little") % _ORDER
    challenge = _challenge(public_key, point, gamma, _times_base(nonce), _times(nonce, point))
    answer = (nonce + int.from_bytes(challenge, "little") * secret) % _ORDER
    return gamma + challenge + answer.to_bytes(32, "little")


@lru_cache(maxsize=_PROOFS_KEPT)
def verify(public_key: bytes, alpha: bytes, proof: bytes) -> bytes | None:
    """Return the 64-byte output that the proof proves; None when it proves nothing. Never raises.

    About 0.5 ms the first time.
    """
    if len(public_key) != PUBLIC_KEY_BYTES or len(proof) != PROOF_BYTES:
        return None
    gamma, challenge, answer = proof[:32], proof[32:48], int.from_bytes(proof[48:], "little")
    if not (
        answer < _ORDER
        and crypto_core_ed25519_is_valid_point(public_key)
        and crypto_core_ed25519_is_valid_point(gamma)
    ):
        return None
    factor = int.from_bytes(challenge, "little")
    try:
        point = _point_of(public_key, alpha)
        first = crypto_core_ed25519_sub(_times_base(answer), _times(factor, public_key))
        second = crypto_core_ed25519_sub(_times(answer, point), _times(factor, gamma))
    except (SodiumError, Invalid):  # a zero factor or answer, which no prover ever draws
        return None
    if _challenge(public_key, point, gamma, first, second) != challenge:
        return None
    return _output_of(gamma)


@lru_cache(maxsize=_PROOFS_KEPT)
def beta_of(proof: bytes) -> bytes:
    """Return the output of a proof that `verify` let pass; raises Invalid(`malformed`) for what is none."""
    if len(proof) != PROOF_BYTES or not crypto_core_ed25519_is_valid_point(proof[:32]):
        raise Invalid("malformed", "not a proof of the lottery")
    return _output_of(proof[:32])


def _point_of(public_key: bytes, alpha: bytes) -> bytes:
    """Hash to the curve by try and increment (5.4.1.1); each try succeeds with a chance of one half."""
    for counter in range(256):
        text = _SUITE + b"\x01" + public_key + alpha + bytes((counter, 0))
        candidate = sha512(text).digest()[:32]
        if int.from_bytes(candidate, "little") % (1 << 255) >= _FIELD:
            continue
        try:
            point = _times_cofactor(candidate)
        except SodiumError:  # not on the curve
            continue
        if crypto_core_ed25519_is_valid_point(point):  # refuses the neutral element only
            return point
    raise Invalid("malformed", "no point for this input")  # one input in 2^256


def _challenge(*points: bytes) -> bytes:
    return sha512(_SUITE + b"\x02" + b"".join(points) + b"\x00").digest()[:16]


def _output_of(gamma: bytes) -> bytes:
    return sha512(_SUITE + b"\x03" + _times_cofactor(gamma) + b"\x00").digest()


def _times_cofactor(point: bytes) -> bytes:
    for _ in range(3):
        point = crypto_core_ed25519_add(point, point)
    return point


def _times(scalar: int, point: bytes) -> bytes:
    return crypto_scalarmult_ed25519_noclamp((scalar % _ORDER).to_bytes(32, "little"), point)


def _times_base(scalar: int) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp((scalar % _ORDER).to_bytes(32, "little"))
