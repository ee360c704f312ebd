"""Texts that people sign to show who they are; never a transaction, a vote or a header.

What is signed is a hash under a tag of its own, bound to the network (protocol: everything signed covers a
purpose tag and the genesis hash). So a text somebody asks you to sign cannot move coins, whatever it says,
and a signature made for a test network says nothing on another.
"""

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Hash32, PublicKey, Signature
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.signing import is_valid, sign

_TAG = b"signed-message"


def message_digest(genesis_hash: Hash32, text: str) -> Hash32:
    """Return what is signed for a text: its UTF-8 bytes exactly as given, also spaces and line ends.

    Raises Invalid(`bad_argument`) for a genesis hash of another length or text that UTF-8 cannot hold.
    """
    if len(genesis_hash) != 32:
        raise Invalid("bad_argument", f"a genesis hash has 32 bytes, not {len(genesis_hash)}")
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise Invalid("bad_argument", f"text is not Unicode at {error.start}") from None
    return tagged_hash(_TAG, genesis_hash + data)


def sign_message(seed: bytes, genesis_hash: Hash32, text: str) -> Signature:
    """Return the signature of a text; raise Invalid(`bad_argument`)."""
    return sign(seed, message_digest(genesis_hash, text))


def check_message(public_key: PublicKey, genesis_hash: Hash32, text: str, signature: Signature) -> None:
    """Raise Invalid(`bad_signature`) unless the key signed this text for this network."""
    if not is_valid(public_key, message_digest(genesis_hash, text), signature):
        raise Invalid("bad_signature", "not signed by this key, on this network, with exactly this text")
