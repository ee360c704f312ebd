"""Ed25519 under one exact rule: cofactorless, canonical, no small-order points.

Libraries differ on edge cases, so the rule is consensus: a signature is valid only if A and R are canonical
encodings of points that are not of small order, S < L, and R equals [S]B - [k]A without the cofactor
(RFC 8032, 5.1.7, made strict). libsodium decides so natively; the tests compare it with a second
implementation. Batch verification cannot give the same answers and is not used.
"""

from typing import Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from chaosnet.base.errors import Invalid
from chaosnet.base.units import PublicKey, Signature

SEED_BYTES: Final = 32
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


class SigningKey:
    """A seed unfolded once, for who signs many times: `sign` derives the key each time, at twice the cost."""

    __slots__ = ("_secret", "public_key")

    def __init__(self, seed: bytes) -> None:
        public_key, self._secret = _key_pair(seed)
        self.public_key = PublicKey(public_key)

    def sign(self, message: bytes) -> Signature:
        """Return the same signature as `sign` with this seed."""
        return Signature(crypto_sign(message, self._secret)[:SIGNATURE_BYTES])


def public_key_of(seed: bytes) -> PublicKey:
    """Return the public key of a 32-byte seed; raise Invalid(`bad_argument`) for another length."""
    return PublicKey(_key_pair(seed)[0])


def sign(seed: bytes, message: bytes) -> Signature:
    """Return the signature of `message`: deterministic (RFC 8032), so no randomness is drawn.

    Raises Invalid(`bad_argument`) when the seed is not 32 bytes long.
    """
    return Signature(crypto_sign(message, _key_pair(seed)[1])[:SIGNATURE_BYTES])


def is_valid(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether the signature holds under the rule above, for bytes of any length; never raises.

    About 45 us; the interpreter's lock is released meanwhile, so threads verify in parallel.
    """
    # The binding hands the key to C without looking at its length.
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def _key_pair(seed: bytes) -> tuple[bytes, bytes]:
    if len(seed) != SEED_BYTES:
        raise Invalid("bad_argument", f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
    return crypto_sign_seed_keypair(seed)
