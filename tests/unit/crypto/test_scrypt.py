"""The hash of pow: what it covers, and that it is RFC 7914 with the documented parameters."""

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from chaosnet.crypto.scrypt import NONCE_MAX, pow_hash


def test_is_scrypt_as_another_library_computes_it() -> None:
    pre_hash = bytes(range(32))
    for nonce in (0, 1, NONCE_MAX):
        other = Scrypt(salt=pre_hash, length=32, n=2048, r=8, p=1)
        wanted = other.derive(pre_hash + nonce.to_bytes(8, "big"))
        assert pow_hash(pre_hash, nonce) == int.from_bytes(wanted, "big")


def test_covers_nonce_and_pre_hash() -> None:
    tries = {pow_hash(pre_hash, nonce) for pre_hash in (bytes(32), b"\x01" * 32) for nonce in (0, 1, 256)}
    assert len(tries) == 6
    assert all(0 <= found < 2**256 for found in tries)
