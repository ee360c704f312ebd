"""ICS-23 proofs over the state tree: what a client checks a balance with, against nothing but a root.

Only the specification's SmtSpec is spoken: leaf = SHA-256(00 ‖ SHA-256(key) ‖ SHA-256(value)), inner node =
SHA-256(01 ‖ left ‖ right), an empty subtree is 32 zero bytes, at most 256 levels, keys are ordered by hash.
A proof is a protobuf CommitmentProof; each has one encoding here (fields in ascending order, shortest
lengths, defaults left out, as every public encoder writes it) and any other is refused.

The specification has no proof for an empty tree. Ours is one of absence with no neighbour, and it holds for
the empty root alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

from chaosnet.base.errors import Invalid
from chaosnet.base.units import EMPTY_HASH

PROOF_BYTES_MAX: Final = 64 * 1024
"""A longer proof is refused unread."""
DEPTH_MAX: Final = 256
"""Levels between root and leaf: one for each bit of the key's hash."""

Path: TypeAlias = Sequence[tuple[bool, bytes]]
"""From the root down: (the node is the right child, hash of its sibling)."""

_EXIST, _NONEXIST = 1, 2
_KEY, _VALUE, _LEAF, _STEP = 1, 2, 3, 4
_LEFT, _RIGHT = 2, 3
# LeafOp: hash, prehash_key and prehash_value SHA-256, length NO_PREFIX (the default), prefix 00.
_LEAF_OP = bytes.fromhex("0801 1001 1801 2a0100")
# InnerOp: hash SHA-256, then prefix 01 and the sibling as suffix, or both as prefix.
_STEP_OF_LEFT_CHILD = bytes.fromhex("0801 120101 1a20")
_STEP_OF_RIGHT_CHILD = bytes.fromhex("0801 122101")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A leaf and its way to the root."""

    key: bytes
    value: bytes
    path: Path


def encode_existence(key: bytes, value: bytes, path: Path) -> bytes:
    """Return the proof that `value` stands under `key`; neither may be empty."""
    return _field(_EXIST, _encode_leaf(Neighbour(key, value, path)))


def encode_nonexistence(key: bytes, left: Neighbour | None, right: Neighbour | None) -> bytes:
    """Return the proof that nothing stands under `key`.

    `left` and `right` are the leaves whose hashed keys come just before and just after it; None at either end
    of the tree, and both in an empty one.
    """
    parts = [_field(_KEY, key)]
    if left is not None:
        parts.append(_field(_LEFT, _encode_leaf(left)))
    if right is not None:
        parts.append(_field(_RIGHT, _encode_leaf(right)))
    return _field(_NONEXIST, b"".join(parts))


def check_existence(root: bytes, proof: bytes, key: bytes, value: bytes) -> None:
    """Raise Invalid(`proof_invalid`) unless the proof shows `value` under `key` in the tree of this root."""
    leaf = _decode_leaf(_decode_proof(proof, _EXIST))
    if (leaf.key, leaf.value) != (key, value):
        raise _invalid("it speaks of another key or value")
    _check_root(leaf, root)


def check_absence(root: bytes, proof: bytes, key: bytes) -> None:
    """Raise Invalid(`proof_invalid`) unless the proof shows that `key` is not in the tree of this root."""
    claimed, left, right = _decode_nonexistence(_decode_proof(proof, _NONEXIST))
    # Some public encoders put the hash of the key there.
    if not key or claimed not in (key, sha256(key).digest()):
        raise _invalid("it speaks of another key")
    place = sha256(key).digest()
    if left is not None:
        _check_root(left, root)
        if sha256(left.key).digest() >= place:
            raise _invalid("left neighbour does not come before the key")
    if right is not None:
        _check_root(right, root)
        if sha256(right.key).digest() <= place:
            raise _invalid("right neighbour does not come after the key")
    if left is not None and right is not None:
        is_gap = _are_adjacent(left.path, right.path)
    elif left is not None:
        is_gap = _is_outermost(left.path, right=True)
    elif right is not None:
        is_gap = _is_outermost(right.path, right=False)
    else:
        is_gap = root == EMPTY_HASH
    if not is_gap:
        raise _invalid("there may be a leaf between the neighbours")


def _check_root(leaf: Neighbour, root: bytes) -> None:
    node = sha256(b"\x00" + sha256(leaf.key).digest() + sha256(leaf.value).digest()).digest()
    for is_right, sibling in reversed(leaf.path):
        pair = sibling + node if is_right else node + sibling
        node = sha256(b"\x01" + pair).digest()
    if node != root:
        raise _invalid("it does not lead to the root")


def _is_outermost(path: Path, *, right: bool) -> bool:
    """Return whether nothing lies further right (or left) of the leaf than the leaf itself."""
    return all(is_right == right or sibling == EMPTY_HASH for is_right, sibling in path)


def _are_adjacent(left: Path, right: Path) -> bool:
    """Return whether both leaves hang below one node, each the last of its side towards the other."""
    fork = 0
    while fork < min(len(left), len(right)) and left[fork] == right[fork]:
        fork += 1
    if fork == min(len(left), len(right)) or left[fork][0] or not right[fork][0]:
        return False
    return _is_outermost(left[fork + 1 :], right=True) and _is_outermost(right[fork + 1 :], right=False)


def _encode_leaf(leaf: Neighbour) -> bytes:
    if not leaf.key or not leaf.value:
        raise Invalid("bad_argument", "ICS-23 knows no empty keys or values")
    parts = [_field(_KEY, leaf.key), _field(_VALUE, leaf.value), _field(_LEAF, _LEAF_OP)]
    for is_right, sibling in reversed(leaf.path):
        parts.append(_field(_STEP, (_STEP_OF_RIGHT_CHILD if is_right else _STEP_OF_LEFT_CHILD) + sibling))
    return b"".join(parts)


def _decode_proof(proof: bytes, kind: int) -> bytes:
    if len(proof) > PROOF_BYTES_MAX:
        raise _invalid(f"{len(proof)} bytes, at most {PROOF_BYTES_MAX}")
    fields = _fields(proof)
    if len(fields) != 1 or fields[0][0] != kind:
        raise _invalid("not the kind of proof asked for")
    return fields[0][1]


def _decode_nonexistence(data: bytes) -> tuple[bytes, Neighbour | None, Neighbour | None]:
    fields = _fields(data)
    numbers = [number for number, _ in fields]
    if numbers not in ([_KEY], [_KEY, _LEFT], [_KEY, _RIGHT], [_KEY, _LEFT, _RIGHT]):
        raise _invalid("not a proof of absence")
    found = dict(fields)
    left = _decode_leaf(found[_LEFT]) if _LEFT in found else None
    right = _decode_leaf(found[_RIGHT]) if _RIGHT in found else None
    return found[_KEY], left, right


def _decode_leaf(data: bytes) -> Neighbour:
    fields = _fields(data)
    if [number for number, _ in fields[:3]] != [_KEY, _VALUE, _LEAF] or len(fields) > 3 + DEPTH_MAX:
        raise _invalid("not a proof of existence")
    (_, key), (_, value), (_, leaf_op) = fields[:3]
    if not key or not value or leaf_op != _LEAF_OP:
        raise _invalid("leaf is not one of this tree")
    path = tuple(_decode_step(number, content) for number, content in reversed(fields[3:]))
    return Neighbour(key, value, path)


def _decode_step(number: int, content: bytes) -> tuple[bool, bytes]:
    if number == _STEP:
        if content.startswith(_STEP_OF_LEFT_CHILD) and len(content) == len(_STEP_OF_LEFT_CHILD) + 32:
            return False, content[-32:]
        if content.startswith(_STEP_OF_RIGHT_CHILD) and len(content) == len(_STEP_OF_RIGHT_CHILD) + 32:
            return True, content[-32:]
    raise _invalid("a step is not one of this tree")


def _field(number: int, content: bytes) -> bytes:
    """Return a protobuf field of wire type 2; its number is below 16."""
    size = len(content)
    length = bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes((number << 3 | 2,)) + bytes(length) + content


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    """Return (number, content) of a message that has fields of wire type 2 only."""
    found = []
    position = 0
    while position < len(data):
        key = data[position]
        if key & 0x87 != 2:
            raise _invalid("unexpected field")
        position += 1
        size = shift = 0
        while True:
            # Three bytes hold any length up to the bound; a last byte of zero would be a longer spelling.
            if position == len(data) or shift > 14:
                raise _invalid("bad length")
            byte = data[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if (byte == 0 and shift > 7) or position + size > len(data):
            raise _invalid("bad length")
        found.append((key >> 3, data[position : position + size]))
        position += size
    return found


def _invalid(detail: str) -> Invalid:
    return Invalid("proof_invalid", detail)
