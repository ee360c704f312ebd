"""Accounts of a developer's chain: their keys follow from their numbers, so everybody knows them."""

from dataclasses import dataclass
from hashlib import sha256

from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import public_key_of
from chaosnet.model.genesis_make import ADDRESS_PREFIX
from chaosnet.model.policy import KeyPolicy, address_of, single_key

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")


@dataclass(frozen=True, slots=True)
class DevAccount:
    """A funded account; never use its key anywhere else."""

    name: str
    seed: bytes
    """Private key (32 bytes)."""
    policy: KeyPolicy
    address: bytes
    text: str
    """The address as people and contracts see it."""


def dev_account(name: str) -> DevAccount:
    """Return the account of a name: the same one in each process."""
    seed = sha256(b"chaosnet developer's account " + name.encode()).digest()
    policy = single_key(public_key_of(seed))
    address = address_of(policy)
    return DevAccount(name, seed, policy, address, format_address(ADDRESS_PREFIX, address))
