"""The two kinds of network, made from what their founders decide (whitepaper section 5, protocol: Team lock).

A consortium starts with its members and allocations. The public network starts with nothing but four shares
of 10,000,000 COS, which the founding blocks of its proof-of-work era bring into being.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from chaosnet.base.units import MOTES_PER_COS, Address
from chaosnet.crypto.addresses import MODULE
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.model.genesis import (
    TEAM_LOCK,
    Allocation,
    Bond,
    ChainParams,
    EngineFrom,
    Genesis,
    LockTerms,
    Member,
)

CONSORTIUM: Final = "consortium"
PUBLIC: Final = "public"
ADDRESS_PREFIX: Final = "cos"
FIRST_RULE: Final = 1

TREASURY: Final = Address(bytes((MODULE,)) + tagged_hash(b"module", b"treasury"))
"""Treasury that belongs to the chain itself: no key can spend it."""

PUBLIC_SHARES: Final[tuple[tuple[str, int, LockTerms | None], ...]] = (
    ("angel", 1_000_000 * MOTES_PER_COS, None),
    ("ico", 6_000_000 * MOTES_PER_COS, None),
    ("team", 1_000_000 * MOTES_PER_COS, TEAM_LOCK),
    ("foundation", 2_000_000 * MOTES_PER_COS, None),
)
"""(name, motes, lock) of all coins there will ever be in the public network: 10, 60, 10 and 20 %."""

POW_FINALITY_DEPTH: Final = 100
"""Blocks behind the head that count as final under proof of work (protocol: Engines)."""


class Holders(NamedTuple):
    """Addresses that receive the four shares of the public network."""

    angel: bytes
    ico: bytes
    team: bytes
    foundation: bytes


def consortium_genesis(  # noqa: PLR0913 - what founders decide
    chain_name: str,
    time_ms: int,
    members: Sequence[Member],
    allocations: Sequence[Allocation],
    *,
    schedule: tuple[EngineFrom, ...] = (EngineFrom(1, "pbft"),),
    bonds: Sequence[Bond] = (),
    treasury: bytes = TREASURY,
    **params: int,
) -> Genesis:
    """Return the genesis of a consortium, with pbft if nothing else; `params` are fields of ChainParams.

    Not checked here: see `check_genesis`.
    """
    return Genesis(
        chain_name=chain_name,
        kind=CONSORTIUM,
        address_prefix=ADDRESS_PREFIX,
        time_ms=time_ms,
        rule=FIRST_RULE,
        params=ChainParams(**params),
        schedule=schedule,
        members=tuple(sorted(members, key=lambda member: member.operator)),
        allocations=tuple(allocations),
        founding_blocks=0,
        treasury=treasury,
        bonds=tuple(sorted(bonds, key=lambda bond: bond.operator)),
    )


def public_genesis(
    chain_name: str,
    time_ms: int,
    holders: Holders,
    founding_blocks: int,
    *,
    members: Sequence[Member] = (),
    treasury: bytes = TREASURY,
    **params: int,
) -> Genesis:
    """Return the genesis of a public network: pow for the founding blocks, pos from the next one on.

    `members` make the pos blocks as long as no candidate has enough coins bonded; at least one is needed. Not
    checked here: see `check_genesis`.
    """
    return Genesis(
        chain_name=chain_name,
        kind=PUBLIC,
        address_prefix=ADDRESS_PREFIX,
        time_ms=time_ms,
        rule=FIRST_RULE,
        params=ChainParams(**{"finality_depth": POW_FINALITY_DEPTH} | params),
        schedule=(EngineFrom(1, "pow"), EngineFrom(founding_blocks + 1, "pos")),
        members=tuple(sorted(members, key=lambda member: member.operator)),
        allocations=tuple(
            Allocation(name, address, amount, lock)
            for address, (name, amount, lock) in zip(holders, PUBLIC_SHARES, strict=True)
        ),
        founding_blocks=founding_blocks,
        treasury=treasury,
    )
