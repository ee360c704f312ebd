"""The order of the leaders in a round: shuffled by the epoch's seed (LIP-3, as Lisk orders its delegates)."""

from collections.abc import Sequence
from hashlib import sha256


def shuffled(operators: Sequence[bytes], seed: bytes) -> tuple[bytes, ...]:
    """Return the operators in the order of SHA-256(seed ‖ operator), the same whatever order they come in.

    The hash is untagged, as in the published vectors; its input is no struct that is hashed anywhere else.
    """
    return tuple(sorted(operators, key=lambda operator: (sha256(seed + operator).digest(), operator)))
