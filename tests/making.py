"""Keys, networks and transactions for tests: everything follows from short names."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from chaosnet.base.codec import encode
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.ledger.context import Context, params_of, rules_of
from chaosnet.ledger.state import State
from chaosnet.model.evidence import PRECOMMIT, DuplicateVote, Vote, vote_digest_of
from chaosnet.model.genesis import (
    VALIDATOR,
    Allocation,
    Genesis,
    LockTerms,
    Member,
    genesis_hash_of,
)
from chaosnet.model.genesis_make import TREASURY, consortium_genesis
from chaosnet.model.policy import KeyPolicy, Witness, address_of, single_key
from chaosnet.model.transaction import (
    Action,
    SignedTx,
    Transaction,
    Transfer,
    TxBody,
    decode_transaction,
    payer_digest_of,
    tx_id_of,
)

TIME_MS = 1_700_000_000_000
"""Genesis time of the networks made here."""


class Person:
    """Somebody with keys; the address is that of the first policy, whatever is set later."""

    def __init__(self, name: str, keys: int = 1, threshold: int = 1) -> None:
        self.name = name
        seeds = [sha256(f"{name}/{i}".encode()).digest() for i in range(keys)]
        self.seeds: dict[bytes, bytes] = {public_key_of(seed): seed for seed in seeds}
        if keys == 1:
            self.policy = single_key(public_key_of(seeds[0]))
        else:
            self.policy = KeyPolicy(tuple((key, 1) for key in sorted(self.seeds)), threshold)
        self.address = address_of(self.policy)

    def witness(self, message: bytes, signers: int = 0) -> Witness:
        """Return signatures of the first `signers` keys; 0: as many as the threshold, at weight 1."""
        indexes = range(signers or self.policy.threshold)
        keys = self.policy.keys
        return Witness(self.policy, tuple((i, sign(self.seeds[keys[i][0]], message)) for i in indexes))

    def member(self, role: str = VALIDATOR, *, with_vrf: bool = False) -> Member:
        """Return a member whose operator account is this person's."""
        return Member(
            name=self.name,
            operator=self.address,
            role=role,
            consensus_key=public_key_of(self.member_seed("consensus")),
            node_key=public_key_of(self.member_seed("node")),
            vrf_key=public_key_of(self.member_seed("vrf")) if with_vrf else b"",
        )

    def member_seed(self, purpose: str) -> bytes:
        """Return the seed of the consensus or node key."""
        return sha256(f"{self.name}/{purpose}".encode()).digest()

    def vote(self, genesis_hash: bytes, block: bytes, height: int, era: int = 0) -> Vote:
        """Return a precommit in round 0 with this person's consensus key."""
        digest = vote_digest_of(genesis_hash, PRECOMMIT, era, height, 0, block)
        seed = self.member_seed("consensus")
        return Vote(PRECOMMIT, era, height, 0, block, public_key_of(seed), sign(seed, digest))

    def double_vote(self, genesis_hash: bytes, height: int, era: int = 0) -> DuplicateVote:
        """Return proof that this person voted for two blocks."""
        first, second = (self.vote(genesis_hash, bytes([i]) * 32, height, era) for i in (1, 2))
        return DuplicateVote(first, second)


def network(
    people: Sequence[tuple[Person, int, LockTerms | None]],
    validators: Sequence[Person],
    **params: Any,
) -> Genesis:
    """Return a consortium where each person holds so many motes.

    `params` may also hold `schedule`, `bonds`, and `with_vrf` for members with a lottery key.
    """
    with_vrf = params.pop("with_vrf", False)
    return consortium_genesis(
        "test",
        TIME_MS,
        [person.member(with_vrf=with_vrf) for person in validators],
        [Allocation(person.name, person.address, amount, lock) for person, amount, lock in people],
        treasury=TREASURY,
        **params,
    )


def context(genesis: Genesis, state: State, height: int = 1, **fields: Any) -> Context:
    """Return the context of a block one second a height after the genesis, made by the first member."""
    values: dict[str, Any] = {
        "genesis": genesis,
        "genesis_hash": genesis_hash_of(genesis),
        "height": height,
        "era": 0,
        "time_ms": genesis.time_ms + 1000 * height,
        "parent_time_ms": genesis.time_ms + 1000 * (height - 1),
        "proposer": genesis.members[0].operator if genesis.members else genesis.treasury,
        "params": params_of(state),
        "rules": rules_of(state),
        "anchor_ok": lambda height, prefix: prefix == height.to_bytes(8, "big"),
    }
    return Context(**values | fields)


def body_of(genesis: Genesis, sender: Person, nonce: int, *actions: Action, **fields: Any) -> TxBody:
    """Return a body anchored at the genesis with just the right price."""
    values: dict[str, Any] = {
        "genesis": genesis_hash_of(genesis),
        "sender": sender.address,
        "nonce": nonce,
        "anchor_height": 0,
        "anchor_prefix": genesis_hash_of(genesis)[:8],
        "expiry": 1_000,
        "gas_limit": 100_000,
        "gas_price": 1,
        "payer": None,
        "memo": "",
        "actions": actions,
    }
    return TxBody(**values | fields)


def signed_by(sender: Person, body: TxBody, *, payer: Person | None = None, signers: int = 0) -> SignedTx:
    """Return a transaction as a node decodes it."""
    payer_witness = payer.witness(payer_digest_of(body)) if payer else None
    tx = Transaction(body, sender.witness(tx_id_of(body), signers), payer_witness)
    return decode_transaction(encode(tx))


def transfer(genesis: Genesis, sender: Person, nonce: int, to: bytes, amount: int, **fields: Any) -> SignedTx:
    """Return a signed transfer."""
    return signed_by(sender, body_of(genesis, sender, nonce, Transfer(to, amount), **fields))
