"""Who takes part in a simulated network: keys and genesis, all following from the number of nodes."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from chaosnet.crypto.signing import public_key_of
from chaosnet.model.genesis import OBSERVER, VALIDATOR, Allocation, ChainParams, Genesis, Member
from chaosnet.model.genesis_make import consortium_genesis
from chaosnet.model.policy import KeyPolicy, address_of, single_key
from chaosnet.protocol.messages import PeerAddress

GENESIS_MS: Final = 1_700_000_000_000
PORT: Final = 26_656
ACCOUNT_MOTES: Final = 10**15
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


def genesis_of(validators: int, observers: int, accounts: int, params: dict[str, int]) -> Genesis:
    """Return the genesis of a network; `params` are fields of ChainParams."""
    members = []
    for place in range(validators + observers):
        actor = actor_at(place)
        role = VALIDATOR if place < validators else OBSERVER
        key = actor.consensus_key
        members.append(Member(f"node{place}", actor.operator, role, key, actor.node_key, b""))
    allocations = [
        Allocation(f"account{i}", account_at(i).address, ACCOUNT_MOTES, None) for i in range(accounts)
    ]
    genesis = consortium_genesis("simulated", GENESIS_MS, members, allocations)
    return replace(genesis, params=ChainParams(**params))
