"""SHA-256 with tags, and the Merkle trees over transactions and receipts.

Every hashed struct has its own tag, so that bytes of one kind never count as another (protocol: Hashing,
encoding, identity). Lists are hashed as in RFC 9162, section 2.1; the count of items stands beside the root
in the header. The state tree is another one: see ics23.
"""

from collections.abc import Sequence
from hashlib import sha256

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Hash32

_EMPTY_ROOT = Hash32(sha256(b"").digest())


def tagged_hash(tag: bytes, data: bytes) -> Hash32:
    """Return SHA-256(len(tag) ‖ tag ‖ data); a tag has at most 255 bytes."""
    return Hash32(sha256(bytes((len(tag),)) + tag + data).digest())


def merkle_root(items: Sequence[bytes]) -> Hash32:
    """Return the RFC 9162 tree head of a list; that of the empty list is SHA-256 of nothing."""
    if not items:
        return _EMPTY_ROOT
    level = _leaves(items)
    while len(level) > 1:
        level = _parents(level)
    return Hash32(level[0])


def merkle_proof(items: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the siblings from the leaf up to the root (RFC 9162, 2.1.3.1).

    Raises Invalid(`bad_argument`) when there is no item with this index.
    """
    if not 0 <= index < len(items):
        raise Invalid("bad_argument", f"item {index} of {len(items)}")
    level = _leaves(items)
    proof = []
    while len(level) > 1:
        if index ^ 1 < len(level):
            proof.append(level[index ^ 1])
        level = _parents(level)
        index >>= 1
    return tuple(proof)


def check_merkle_proof(root: bytes, item: bytes, index: int, count: int, proof: Sequence[bytes]) -> None:
    """Raise Invalid(`proof_invalid`) unless `item` is number `index` of the `count` items under `root`.

    The walk is that of RFC 9162, 2.1.3.2: `last` is the index of the last node of the level.
    """
    if not 0 <= index < count:
        raise Invalid("proof_invalid", f"item {index} of {count}")
    last = count - 1
    node = sha256(b"\x00" + item).digest()
    for sibling in proof:
        if last == 0 or len(sibling) != 32:
            raise Invalid("proof_invalid", "path is too long or malformed")
        if index & 1 or index == last:
            node = sha256(b"\x01" + sibling + node).digest()
            while not index & 1 and index:
                # A last node without a sibling went up unchanged.
                index >>= 1
                last >>= 1
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        index >>= 1
        last >>= 1
    if last or node != root:
        raise Invalid("proof_invalid", "path does not lead to the root")


def _leaves(items: Sequence[bytes]) -> list[bytes]:
    return [sha256(b"\x00" + item).digest() for item in items]


def _parents(level: list[bytes]) -> list[bytes]:
    # An odd last node goes up unchanged: the same tree as the RFC's split at the largest power of two.
    pairs = zip(level[::2], level[1::2], strict=False)
    parents = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    if len(level) & 1:
        parents.append(level[-1])
    return parents
