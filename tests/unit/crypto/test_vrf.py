"""The slot lottery's function: the published examples, and that nothing else counts as a proof."""

import re
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_add

from chaosnet.base.errors import Invalid
from chaosnet.crypto.signing import public_key_of
from chaosnet.crypto.vrf import OUTPUT_BYTES, PROOF_BYTES, beta_of, prove, verify
from tests.vectors import vectors

SEED = sha256(b"lottery").digest()
KEY = public_key_of(SEED)
ORDER = 2**252 + 27742317777372353535851937790883648493
NEUTRAL = b"\x01" + bytes(31)
TORSION = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
"""A point of order eight."""


def published() -> list[dict[str, bytes]]:
    """Return the examples of appendix B.3, whose hex runs over several lines."""
    text = vectors("crypto/vrf.txt").read_text(encoding="utf-8")
    text = text.split("B.3.  ECVRF-EDWARDS25519-SHA512-TAI")[2].split("B.4.  ECVRF")[0]
    text = re.sub(r"\n\n+Goldberg.*\n+\f?.*August 2022\n+", "\n", text)
    found = []
    for example in re.split(r"Example 1[678]:", text)[1:]:
        fields = dict(re.findall(r"\b(SK|PK|pi|beta|alpha) =\s+((?:[0-9a-f]+\s+)+|\(the empty)", example))
        assert len(fields) == 5, fields
        fields["alpha"] = "" if fields["alpha"].startswith("(") else fields["alpha"]
        found.append({name: bytes.fromhex("".join(value.split())) for name, value in fields.items()})
    return found


def test_published_examples() -> None:
    examples = published()
    assert len(examples) == 3
    for example in examples:
        assert public_key_of(example["SK"]) == example["PK"]
        assert prove(example["SK"], example["alpha"]) == example["pi"]
        assert verify(example["PK"], example["alpha"], example["pi"]) == example["beta"]
        assert beta_of(example["pi"]) == example["beta"]


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_a_proof_verifies_for_its_key_and_input_only(seed: bytes, alpha: bytes) -> None:
    proof, key = prove(seed, alpha), public_key_of(seed)
    beta = verify(key, alpha, proof)
    assert len(proof) == PROOF_BYTES
    assert beta is not None
    assert len(beta) == OUTPUT_BYTES
    assert beta == beta_of(proof)
    assert verify(key, alpha + b"x", proof) is None
    assert verify(KEY, alpha, proof) is None or key == KEY


@settings(max_examples=60, deadline=None)
@given(st.integers(0, PROOF_BYTES * 8 - 1))
def test_any_changed_bit_is_refused(bit: int) -> None:
    proof = int.from_bytes(prove(SEED, b"slot"), "big") ^ 1 << bit
    assert verify(KEY, b"slot", proof.to_bytes(PROOF_BYTES, "big")) is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=100))
def test_no_bytes_make_it_raise(key: bytes, alpha: bytes, proof: bytes) -> None:
    assert verify(key, alpha, proof) is None
    assert verify(key[:32].ljust(32, b"\x00"), alpha, proof[:80].ljust(80, b"\x00")) is None
    assert verify(KEY, alpha, proof[:80].ljust(80, b"\x00")) is None


@pytest.mark.parametrize(
    "point",
    [
        bytes(32),  # of order four
        NEUTRAL,
        TORSION,
        (2**255 - 19).to_bytes(32, "little"),  # zero, not canonical
        (2**255 - 18).to_bytes(32, "little"),  # neutral, not canonical
        b"\x02" + bytes(31),  # not on the curve
        b"\xff" * 32,
    ],
)
def test_bad_points_are_no_key_and_no_gamma(point: bytes) -> None:
    proof = prove(SEED, b"slot")
    assert verify(point, b"slot", proof) is None
    assert verify(KEY, b"slot", point + proof[32:]) is None
    with pytest.raises(Invalid, match="malformed"):
        beta_of(point + proof[32:])


def test_an_answer_above_the_order_is_no_second_proof() -> None:
    proof = prove(SEED, b"slot")
    answer = int.from_bytes(proof[48:], "little")
    for other in (answer + ORDER, 0, 2**256 - 1):
        assert verify(KEY, b"slot", proof[:48] + other.to_bytes(32, "little")) is None


def test_a_torsion_point_makes_no_second_proof() -> None:
    proof = prove(SEED, b"slot")
    moved = crypto_core_ed25519_add(proof[:32], TORSION)
    assert moved != proof[:32]
    assert verify(KEY, b"slot", moved + proof[32:]) is None


def test_wrong_lengths_are_refused() -> None:
    proof = prove(SEED, b"slot")
    assert verify(KEY, b"slot", proof + b"\x00") is None
    assert verify(KEY[:31], b"slot", proof) is None
    with pytest.raises(Invalid, match="malformed"):
        beta_of(proof[:79])
    with pytest.raises(Invalid, match="bad_argument"):
        prove(SEED[:31], b"slot")
