"""Units and identifiers.

Every number on the chain is an integer in one of these units. Names carry the unit; the types keep two
meanings of `int` or `bytes` apart for the type checker and cost nothing at run time.
"""

from typing import Final, NewType

Height = NewType("Height", int)
"""Position of a block; genesis is height 0."""
Round = NewType("Round", int)
"""Attempt to agree within one height, from 0."""
Era = NewType("Era", int)
"""Counts engine hand-overs and break-glass resets, from 0."""
UnixMs = NewType("UnixMs", int)
"""Milliseconds since 1970-01-01 UTC."""
Gas = NewType("Gas", int)
"""Unit of metered work."""
Motes = NewType("Motes", int)
"""Smallest unit of COS."""
Weight = NewType("Weight", int)
"""Voting weight of a key or a validator."""

Hash32 = NewType("Hash32", bytes)
BlockId = NewType("BlockId", bytes)
"""Hash of a header (32 bytes)."""
TxId = NewType("TxId", bytes)
"""Hash of a transaction's body, without signatures (32 bytes)."""
TxHash = NewType("TxHash", bytes)
"""Hash of a transaction's full bytes, signatures included (32 bytes)."""
Address = NewType("Address", bytes)
"""Kind byte and 32-byte hash (33 bytes); shown as bech32m."""
PublicKey = NewType("PublicKey", bytes)
"""Ed25519 public key (32 bytes)."""
Signature = NewType("Signature", bytes)
"""Ed25519 signature (64 bytes)."""
NodeId = NewType("NodeId", bytes)
"""Ed25519 public key of a node's transport certificate (32 bytes)."""

MOTES_PER_COS: Final = 100_000_000
YEAR_MS: Final = 365 * 86_400_000
"""A year of the team lock (protocol: 365 days exactly)."""

EMPTY_HASH: Final = Hash32(bytes(32))
"""Stands for 'nothing here' in header fields and is the root of the empty state tree."""


def format_cos(motes: int) -> str:
    """Return an amount in COS with all eight decimals, for example `12.50000000`."""
    sign = "-" if motes < 0 else ""
    whole, part = divmod(abs(motes), MOTES_PER_COS)
    return f"{sign}{whole}.{part:08d}"


def parse_cos(text: str) -> Motes:
    """Return the motes of a decimal COS amount such as `12.5`.

    Only ASCII digits and one point are accepted; more than eight decimals are an error, never rounded.
    Raises ValueError.
    """
    whole, _, part = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or len(whole) > 12:
        raise ValueError(f"not an amount of COS: {text!r}")
    if part and not (part.isascii() and part.isdigit()):
        raise ValueError(f"not an amount of COS: {text!r}")
    if len(part) > 8 or ("." in text and not part):
        raise ValueError(f"an amount of COS has at most 8 decimals: {text!r}")
    return Motes(int(whole) * MOTES_PER_COS + int((part or "0").ljust(8, "0")))
