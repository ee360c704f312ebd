"""A signed text is bound to its key, network and wording, and is nothing else."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Hash32, Signature
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.signed_message import check_message, message_digest, sign_message
from chaosnet.crypto.signing import is_valid, public_key_of, sign

SEED = bytes(range(32))
KEY = public_key_of(SEED)
NETWORK = Hash32(b"\x01" * 32)
OTHER_TAGS = [b"tx", b"tx-payer", b"tx-full", b"vote", b"proposal", b"header", b"seal", b"policy", b"genesis"]


def test_the_digest_is_fixed() -> None:
    wanted = sha256(b"\x0esigned-message" + NETWORK + "Grüße".encode()).digest()
    assert message_digest(NETWORK, "Grüße") == wanted


@given(st.text())
def test_a_signature_holds_for_its_text_only(text: str) -> None:
    signature = sign_message(SEED, NETWORK, text)
    check_message(KEY, NETWORK, text, signature)
    for key, network, other in (
        (KEY, NETWORK, text + " "),
        (KEY, Hash32(bytes(32)), text),
        (public_key_of(bytes(32)), NETWORK, text),
    ):
        with pytest.raises(Invalid, match="bad_signature"):
            check_message(key, network, other, signature)
    with pytest.raises(Invalid, match="bad_signature"):
        check_message(KEY, NETWORK, text, Signature(signature[:63]))


@pytest.mark.parametrize("tag", OTHER_TAGS)
def test_no_text_signs_anything_else(tag: bytes) -> None:
    text = "pay"
    signature = sign_message(SEED, NETWORK, text)
    digest = tagged_hash(tag, NETWORK + text.encode())
    assert not is_valid(KEY, digest, signature)
    with pytest.raises(Invalid, match="bad_signature"):
        check_message(KEY, NETWORK, text, sign(SEED, digest))


@pytest.mark.parametrize("text", ["", "a\n", "a", "\u00e9", "e\u0301"])
def test_the_wording_is_exact(text: str) -> None:
    others = {"", "a\n", "a", "\u00e9", "e\u0301"} - {text}
    assert message_digest(NETWORK, text) not in {message_digest(NETWORK, other) for other in others}


@pytest.mark.parametrize("network, text", [(bytes(31), "a"), (bytes(33), "a"), (bytes(32), "\ud800")])
def test_what_cannot_be_signed_is_refused(network: bytes, text: str) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        sign_message(SEED, Hash32(network), text)
