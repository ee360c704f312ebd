"""pow: whoever finds a nonce makes the next block; the branch with the most work counts (protocol: Engines).

Difficulty follows ASERT from the last block before the era; a block is final `finality_depth` blocks down,
which stands against a quarter of the hash rate.
"""

from collections.abc import Callable
from typing import Final

from msgspec import structs

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken, InvalidBlock
from chaosnet.base.units import Hash32
from chaosnet.consensus.asert import Anchor, Pace, next_bits, target_of, work_of
from chaosnet.consensus.branching import Parent, Turn, View, Work
from chaosnet.consensus.engine import Finality
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.scrypt import NONCE_MAX, pow_hash
from chaosnet.model.header import Header, PowProof

FUTURE_MS: Final = 15_000
"""A block this far ahead of the local clock waits; its time is its miner's word."""

_CLAIM_MAX: Final = 2**256 - 1


class Pow:
    """Functions of the engine; without state."""

    name = "pow"
    finality = Finality.DEPTH

    def __init__(self, hash_function: Callable[[bytes, int], int] = pow_hash) -> None:
        """`hash_function` takes a pre-hash and a nonce; a simulator may use a cheaper one."""
        self._hash = hash_function

    def check(self, header: Header, seal: bytes, parent: Parent) -> None:
        """Raise InvalidBlock(`bad_header` | `bad_seal`) unless bits are ASERT's and the nonce meets them."""
        proof = header.proof
        if not isinstance(proof, PowProof):
            raise InvalidBlock("bad_header", "not a proof of pow")
        if seal:
            raise InvalidBlock("bad_seal", "a block of pow has none")
        wanted = bits_after(parent)
        if proof.bits != wanted:
            raise InvalidBlock("bad_header", f"bits {proof.bits:#x}, not {wanted:#x}")
        if not 0 <= proof.nonce <= NONCE_MAX:
            raise InvalidBlock("bad_header", "nonce")
        if self._hash(pre_hash_of(header), proof.nonce) > target_of(wanted):
            raise InvalidBlock("bad_seal", "the nonce misses the target")

    def follow(self, header: Header, parent: Parent) -> Work:
        """Return the work of the branch with this block, and what it makes final."""
        if not isinstance(header.proof, PowProof):
            raise Broken("internal", "not a block of pow")
        total = work_of(header.proof.bits)
        if parent.view is not None:
            total += _total(parent.view)
        final_height = max(parent.era_height, header.height - parent.params.finality_depth)
        return Work(total.to_bytes((total.bit_length() + 7) // 8, "big"), final_height)

    def score(self, view: View, header: Header) -> tuple[int, ...]:
        """Return the total work: of equals the first seen wins, whatever the header."""
        return (_total(view),)

    def claim(self, score: tuple[int, ...]) -> int:
        """Return the total work."""
        return min(score[0], _CLAIM_MAX)

    def earliest_ms(self, header: Header) -> int:
        """Return 15 s before the block's own time."""
        return header.time_ms - FUTURE_MS

    def next_turn(self, parent: Parent, own_operator: bytes, after_ms: int) -> Turn | None:
        """Return a turn at once: everybody may mine."""
        return Turn(at_ms=after_ms + 1, slot=0, question=b"")

    def proof(self, parent: Parent, turn: Turn, answer: bytes, max_height_generated: int) -> PowProof:
        """Return the proof with nonce 0, which the miner replaces."""
        return PowProof(bits=bits_after(parent), nonce=0)

    def puzzle(self, header: Header) -> tuple[bytes, int]:
        """Return (pre-hash, target); raises Invalid(`bad_argument`) for bits that are no target."""
        if not isinstance(header.proof, PowProof):
            raise Broken("internal", "not a block of pow")
        return pre_hash_of(header), target_of(header.proof.bits)

    def entropy(self, header: Header) -> bytes:
        """Return nothing: there are no epochs."""
        return b""

    def missed(self, header: Header, parent: Parent) -> tuple[tuple[bytes, int], ...]:
        """Return nothing: there are no leaders."""
        return ()


def pre_hash_of(header: Header) -> Hash32:
    """Return what the nonce is tried on: the hash of the header with nonce 0."""
    if not isinstance(header.proof, PowProof):
        raise Broken("internal", "not a block of pow")
    bare = structs.replace(header, proof=PowProof(bits=header.proof.bits, nonce=0))
    return tagged_hash(b"pow", encode(bare))


def bits_after(parent: Parent) -> int:
    """Return the compact target of the block after this one; times count in whole seconds."""
    params = parent.params
    anchor = Anchor(parent.era_height, _whole_seconds(parent.era_time_ms), params.pow_bits)
    pace = Pace(params.pow_target_ms, params.pow_half_life_ms, params.pow_bits)
    return next_bits(anchor, pace, parent.header.height, _whole_seconds(parent.header.time_ms))


def _whole_seconds(time_ms: int) -> int:
    return time_ms - time_ms % 1000


def _total(view: View) -> int:
    if not isinstance(view, Work):
        raise Broken("internal", "not a view of pow")
    return int.from_bytes(view.total, "big")
