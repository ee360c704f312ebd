"""The hash of pow: scrypt with the nonce in the password (RFC 7914; protocol: Engines, pow)."""

from hashlib import scrypt
from typing import Final

NONCE_MAX: Final = 2**64 - 1

_N: Final = 2048
_R: Final = 8
_P: Final = 1
_MEMORY_BYTES: Final = 4 * 1024 * 1024
"""Bound handed to OpenSSL; these parameters need 128 x N x R = 2 MiB and a little more."""


def pow_hash(pre_hash: bytes, nonce: int) -> int:
    """Return the hash of one try as a number below 2^256: at most the target is a block.

    `pre_hash` is the 32-byte hash of the header without its nonce; the nonce is from 0 to NONCE_MAX. About
    3.3 ms and 2 MiB; the interpreter's lock is released meanwhile.
    """
    password = pre_hash + nonce.to_bytes(8, "big")
    digest = scrypt(password, salt=pre_hash, n=_N, r=_R, p=_P, maxmem=_MEMORY_BYTES, dklen=32)
    return int.from_bytes(digest, "big")
