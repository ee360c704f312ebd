"""Who takes part in a simulated network: keys and genesis, all following from the number of nodes."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from chaosnet.base.errors import Invalid
from chaosnet.crypto.signing import public_key_of
from chaosnet.model.genesis import (
    OBSERVER,
    STAKING_ENGINES,
    VALIDATOR,
    Allocation,
    Bond,
    ChainParams,
    EngineFrom,
    Genesis,
    Member,
)
from chaosnet.model.genesis_make import Holders, consortium_genesis, public_genesis
from chaosnet.model.policy import KeyPolicy, address_of, single_key
from chaosnet.protocol.messages import PeerAddress

GENESIS_MS: Final = 1_700_000_000_000
PORT: Final = 26_656
ACCOUNT_MOTES: Final = 10**15
STAKE_MOTES: Final = 10**11
"""Bonded for a member of whom the scenario says nothing else; it has a hundred times that."""
SHORT_TRUST: Final = {"trust_period_ms": 3_600_000}
"""Less than unbonding takes with the shortest slots."""
SHARED_KEYS: Final = 3
"""Keys of a shared account, any two of which may sign: its transactions have several valid forms."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The keys of one node."""

    place: int
    operator: bytes
    consensus_seed: bytes
    consensus_key: bytes
    node_key: bytes
    host: str

    @property
    def vrf_seed(self) -> bytes:
        """Of the key that draws lots under pos."""
        return sha256(b"lottery" + self.consensus_seed).digest()

    @property
    def address(self) -> PeerAddress:
        """Where it listens."""
        return PeerAddress(node_id=self.node_key, host=self.host, port=PORT)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with coins."""

    seeds: tuple[bytes, ...]
    """In the order of the policy's keys."""
    policy: KeyPolicy
    address: bytes


def seed_of(text: str) -> bytes:
    """Return 32 bytes that follow from a name."""
    return sha256(text.encode()).digest()


@lru_cache(maxsize=128)
def actor_at(place: int) -> Actor:
    """Return the keys of the node at a place."""
    consensus = seed_of(f"consensus {place}")
    return Actor(
        place=place,
        operator=address_of(single_key(public_key_of(seed_of(f"operator {place}")))),
        consensus_seed=consensus,
        consensus_key=public_key_of(consensus),
        node_key=public_key_of(seed_of(f"node {place}")),
        host=f"10.0.{place // 250}.{place % 250 + 1}",
    )


@lru_cache(maxsize=128)
def account_at(index: int) -> Account:
    """Return an account: every third one is shared by several keys."""
    if index % 3 != 2:
        seed = seed_of(f"account {index}")
        policy = single_key(public_key_of(seed))
        return Account((seed,), policy, address_of(policy))
    seeds = sorted((seed_of(f"account {index}/{i}") for i in range(SHARED_KEYS)), key=public_key_of)
    policy = KeyPolicy(tuple((public_key_of(seed), 1) for seed in seeds), 2)
    return Account(tuple(seeds), policy, address_of(policy))


def schedule_of(text: str) -> tuple[EngineFrom, ...]:
    """Return the schedule of a text like `pow:20,pos`: an engine, and the last height it rules.

    Raises Invalid(`bad_config`).
    """
    entries, height = [], 1
    for part in text.split(","):
        engine, _, until = part.partition(":")
        entries.append(EngineFrom(height, engine))
        if until and not until.isdigit():
            raise Invalid("bad_config", f"schedule: {part}")
        height = int(until) + 1 if until else height
    return tuple(entries)


def members_of(validators: int, observers: int, *, with_vrf: bool) -> list[Member]:
    """Return the members of a network."""
    members = []
    for place in range(validators + observers):
        actor = actor_at(place)
        role = VALIDATOR if place < validators else OBSERVER
        lots = public_key_of(actor.vrf_seed) if with_vrf else b""
        members.append(
            Member(f"node{place}", actor.operator, role, actor.consensus_key, actor.node_key, lots)
        )
    return members


def genesis_of(
    validators: int,
    observers: int,
    accounts: int,
    params: dict[str, int],
    *,
    schedule: str = "pbft",
    stakes: tuple[int, ...] = (),
) -> Genesis:
    """Return the genesis of a network; `params` are fields of ChainParams, `stakes` the members' motes."""
    entries = schedule_of(schedule)
    engines = [entry.engine for entry in entries]
    allocations = [
        Allocation(f"account{i}", account_at(i).address, ACCOUNT_MOTES, None) for i in range(accounts)
    ]
    bonds = []
    if any(engine in STAKING_ENGINES for engine in engines):
        for place in range(validators):
            stake = stakes[place] if place < len(stakes) else STAKE_MOTES
            operator = actor_at(place).operator
            allocations.append(Allocation(f"node{place}", operator, 100 * STAKE_MOTES, None))
            bonds += [Bond(operator, stake, 100)] if stake else []
    members = members_of(validators, observers, with_vrf="pos" in engines)
    genesis = consortium_genesis("simulated", GENESIS_MS, members, allocations, bonds=bonds, schedule=entries)
    return replace(genesis, params=ChainParams(**(SHORT_TRUST | params)))


def founding_of(validators: int, observers: int, blocks: int, params: dict[str, int]) -> Genesis:
    """Return the genesis of a public network: the first accounts receive the four shares."""
    members = members_of(validators, observers, with_vrf=True)
    holders = Holders(*(account_at(i).address for i in range(4)))
    genesis = public_genesis("simulated", GENESIS_MS, holders, blocks, members=members)
    return replace(genesis, params=ChainParams(**(SHORT_TRUST | params)))
