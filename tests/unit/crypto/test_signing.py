"""The Ed25519 rule on all published edge cases, and against a second implementation of it."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.crypto.signing import SigningKey, is_valid, public_key_of, sign
from tests.vectors import vectors_json

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493

Triple = tuple[bytes, bytes, bytes]

# RFC 8032, 7.1, tests 1 to 3: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


def small_order_encodings() -> frozenset[bytes]:
    """The 14 encodings, canonical or not, of the eight points whose order divides 8."""
    order_8 = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ]
    ys = [0, 1, P - 1, *(int.from_bytes(bytes.fromhex(y), "little") for y in order_8)]
    fitting = [y for first in ys for y in (first, first + P) if y < 2**255]
    return frozenset((y | sign_bit << 255).to_bytes(32, "little") for y in fitting for sign_bit in (0, 1))


SMALL_ORDER = small_order_encodings()


def is_canonical(point: bytes) -> bool:
    return int.from_bytes(point, "little") & (2**255 - 1) < P


def is_valid_slowly(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """OpenSSL, which is cofactorless but lenient, behind a filter for what it should not see."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    points = (public_key, signature[:32])
    if any(point in SMALL_ORDER or not is_canonical(point) for point in points):
        return False
    if int.from_bytes(signature[32:], "little") >= L:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def cctv() -> list[Triple]:
    return [
        (bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))
        for case in vectors_json("ed25519/cctv.json")
    ]


def speccheck() -> list[Triple]:
    return [
        (bytes.fromhex(c["pub_key"]), bytes.fromhex(c["message"]), bytes.fromhex(c["signature"]))
        for c in vectors_json("ed25519/speccheck.json")
    ]


def wycheproof() -> list[tuple[Triple, bool]]:
    return [
        (
            (
                bytes.fromhex(group["publicKey"]["pk"]),
                bytes.fromhex(test["msg"]),
                bytes.fromhex(test["sig"]),
            ),
            test["result"] == "valid",
        )
        for group in vectors_json("ed25519/wycheproof.json")["testGroups"]
        for test in group["tests"]
    ]


def test_there_are_14_small_order_encodings() -> None:
    assert len(SMALL_ORDER) == 14


@pytest.mark.parametrize("seed, public_key, message, signature", RFC_8032)
def test_rfc_8032(seed: str, public_key: str, message: str, signature: str) -> None:
    assert public_key_of(bytes.fromhex(seed)).hex() == public_key
    assert sign(bytes.fromhex(seed), bytes.fromhex(message)).hex() == signature
    assert is_valid(bytes.fromhex(public_key), bytes.fromhex(message), bytes.fromhex(signature))


def test_cctv_accepts_43_of_914_in_both_implementations() -> None:
    cases = cctv()
    bitmap = [is_valid(*case) for case in cases]
    assert (len(bitmap), sum(bitmap)) == (914, 43)
    assert bitmap == [is_valid_slowly(*case) for case in cases]


def test_speccheck_accepts_only_case_3_in_both_implementations() -> None:
    cases = speccheck()
    assert [index for index, case in enumerate(cases) if is_valid(*case)] == [3]
    assert [index for index, case in enumerate(cases) if is_valid_slowly(*case)] == [3]
    assert len(cases) == 12


def test_wycheproof_all_151_as_published() -> None:
    cases = wycheproof()
    assert len(cases) == 151
    assert [is_valid(*case) for case, _ in cases] == [wanted for _, wanted in cases]
    assert [is_valid_slowly(*case) for case, _ in cases] == [wanted for _, wanted in cases]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_signs_as_openssl_does(seed: bytes, message: bytes) -> None:
    other = Ed25519PrivateKey.from_private_bytes(seed)
    assert public_key_of(seed) == other.public_key().public_bytes_raw()
    assert sign(seed, message) == other.sign(message)


@given(st.binary(min_size=1, max_size=80), st.data())
def test_any_flipped_bit_invalidates(message: bytes, data: st.DataObject) -> None:
    seed = bytes(32)
    key, signature = public_key_of(seed), sign(seed, message)
    joined = key + message + signature
    bit = data.draw(st.integers(0, len(joined) * 8 - 1))
    flipped = bytearray(joined)
    flipped[bit >> 3] ^= 1 << (bit & 7)
    changed = bytes(flipped)
    assert is_valid(key, message, signature)
    assert not is_valid(changed[:32], changed[32:-64], changed[-64:])


@given(st.binary(max_size=70), st.binary(max_size=8), st.binary(max_size=130))
def test_never_raises(public_key: bytes, message: bytes, signature: bytes) -> None:
    assert is_valid(public_key, message, signature) == is_valid_slowly(public_key, message, signature)


def test_lengths_are_exact() -> None:
    seed = bytes(range(32))
    key, signature = public_key_of(seed), sign(seed, b"m")
    assert is_valid(key, b"m", signature)
    assert not is_valid(key + b"\x00", b"m", signature)
    assert not is_valid(key[:31], b"m", signature)
    # Bytes must not move between signature and message.
    assert not is_valid(key, b"", signature + b"m")
    assert not is_valid(key, signature[63:] + b"m", signature[:63])


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(size: int) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        public_key_of(bytes(size))
    with pytest.raises(Invalid, match="bad_argument"):
        sign(bytes(size), b"")


def test_signing_key_signs_as_its_seed_does() -> None:
    seed = bytes(range(32))
    key = SigningKey(seed)
    assert key.public_key == public_key_of(seed)
    assert key.sign(b"message") == sign(seed, b"message")
    with pytest.raises(Invalid):
        SigningKey(seed[:31])
