"""A chain under staking engines for tests, whose books are checked after every block."""

from collections.abc import Sequence
from typing import Any

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.units import EMPTY_HASH
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.ledger.accounts import NO_ACCOUNT, Account, decode_account
from chaosnet.ledger.apply import Applied, apply_block, full_supply
from chaosnet.ledger.candidates import STAKING_POOL, Candidate, candidates_of, find_candidate
from chaosnet.ledger.exits import exit_of
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import CANDIDATE, DELEGATION, EXIT, UNBONDING, account_key
from chaosnet.ledger.staking import Delegation, Stake, Unbonding, delegations_of
from chaosnet.model.evidence import ContradictingHeaders, SignedHeader, header_digest
from chaosnet.model.genesis import (
    Bond,
    EngineFrom,
    Genesis,
    engine_at,
    era_at,
    genesis_hash_of,
    supply_at,
)
from chaosnet.model.header import HEADER_VERSION, Header, SlotProof, block_id_of
from chaosnet.model.transaction import Action, Register, possession_digest
from tests.making import Person, body_of, context, network, signed_by

SHORT = {
    "epoch_blocks": 5,
    "unbonding_blocks": 100,
    "evidence_age": 15,
    "jail_blocks": 10,
    "slash_permille": 100,
    "stake_min": 1_000,
    "trust_period_ms": 1_000,
    "gas_price_min": 0,
}
"""Parameters under which everything happens soon, and fees only where a test asks for them."""


def staked_network(
    people: Sequence[Person],
    bonds: Sequence[tuple[Person, int]],
    *,
    engines: Sequence[tuple[int, str]] = ((1, "dpos"),),
    funds: int = 1_000_000,
    **params: int,
) -> Genesis:
    """Return a network where each person has funds, and those with a bond are members."""
    return network(
        [(person, funds, None) for person in people],
        [person for person, _ in bonds],
        schedule=tuple(EngineFrom(*entry) for entry in engines),
        bonds=[Bond(person.address, amount, 100) for person, amount in bonds if amount],
        with_vrf=True,
        **SHORT | params,
    )


SEEDS: dict[bytes, bytes] = {}
"""Public key -> seed, of all keys handed out by `keys_for`."""


def keys_for(name: str, commission_permille: int = 0) -> Register:
    """Return a registration with keys that follow from a name; `proven` signs it."""
    seeds = [Person(name).member_seed(purpose) for purpose in ("consensus", "vrf", "node")]
    SEEDS.update({public_key_of(seed): seed for seed in seeds})
    consensus, vrf, node = map(public_key_of, seeds)
    return Register(consensus, vrf, node, commission_permille)


def proven(genesis_hash: bytes, operator: bytes, register: Register) -> Register:
    """Return a registration with the signatures of its keys."""
    digest = possession_digest(genesis_hash, operator, register)
    keys = (register.consensus_key, register.vrf_key, register.node_key)
    consensus, vrf, node = (sign(SEEDS[key], digest) if key else b"" for key in keys)
    return msgspec.structs.replace(register, proofs=(consensus, vrf, node))


def two_headers(signer: Person, genesis: Genesis, height: int) -> ContradictingHeaders:
    """Return proof that a person made two blocks for one height."""
    seed = signer.member_seed("consensus")
    signed = []
    for fill in (b"1", b"2"):
        header = Header(
            version=HEADER_VERSION,
            genesis=genesis_hash_of(genesis),
            era=era_at(genesis, height),
            height=height,
            parent=fill * 32,
            time_ms=1,
            proposer=signer.address,
            rule=1,
            engine=engine_at(genesis, height),
            tx_root=EMPTY_HASH,
            tx_count=0,
            state_root=EMPTY_HASH,
            receipts_root=EMPTY_HASH,
            validators_hash=EMPTY_HASH,
            next_validators_hash=EMPTY_HASH,
            parent_seal_hash=EMPTY_HASH,
            gas_used=0,
            proof=SlotProof(height, bytes(16), 0, 0),
        )
        signed.append(SignedHeader(header, public_key_of(seed), sign(seed, header_digest(header))))
    return ContradictingHeaders(*sorted(signed, key=lambda s: block_id_of(s.header)))


class Chain:
    """A chain that grows block by block."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.state = genesis_state(genesis)
        self.height = 0
        self.last: Applied | None = None

    def block(self, *acts: tuple[Person, Action], gas_price: int = 0, **fields: Any) -> list[str]:
        """Add a block with one transaction for each act; return the codes of the receipts."""
        self.height += 1
        nonces: dict[bytes, int] = {}
        txs = []
        for person, action in acts:
            nonce = nonces.get(person.address, self.account(person).nonce)
            nonces[person.address] = nonce + 1
            if isinstance(action, Register) and not any(action.proofs):
                action = proven(genesis_hash_of(self.genesis), person.address, action)
            values: dict[str, Any] = {"gas_price": gas_price, "expiry": self.height + 1}
            txs.append(signed_by(person, body_of(self.genesis, person, nonce, action, **values)))
        values = {
            "engine": engine_at(self.genesis, self.height),
            "era": era_at(self.genesis, self.height),
        }
        ctx = context(self.genesis, self.state, self.height, **values | fields)
        applied = apply_block(self.state, ctx, txs)
        assert applied.state.update(applied.undo).root == self.state.root
        self.state, self.last = applied.state, applied
        check_books(self)
        return [receipt.code for receipt in applied.receipts]

    def until(self, height: int) -> None:
        """Add empty blocks."""
        while self.height < height:
            self.block()

    def account(self, person: Person) -> Account:
        """Return a person's account."""
        return self.account_at(person.address)

    def account_at(self, address: bytes) -> Account:
        """Return an account."""
        value = self.state.get(account_key(address))
        return NO_ACCOUNT if value is None else decode_account(value)

    def candidate(self, person: Person) -> Candidate:
        """Return a person's candidature."""
        candidate = find_candidate(self.state, person.address)
        assert candidate is not None
        return candidate

    def stake(self, person: Person, operator: Person) -> Stake:
        """Return what a person has with a candidate."""
        stakes = [s for s in delegations_of(self.state, person.address) if s.operator == operator.address]
        return stakes[0] if stakes else Stake(operator.address, 0, ())


def check_books(chain: Chain) -> None:
    """Assert that coins and shares add up, and that all who leave could be paid."""
    state = chain.state
    assert full_supply(state) == supply_at(chain.genesis, chain.height)
    pool = decode_account(state.get(account_key(STAKING_POOL)) or encode(NO_ACCOUNT))
    shares: dict[bytes, int] = {}
    for key, value in state.scan(bytes((DELEGATION,))):
        delegation = msgspec.msgpack.decode(value, type=Delegation)
        assert 0 <= sum(moved.shares for moved in delegation.moved) <= delegation.shares
        shares[key[-33:]] = shares.get(key[-33:], 0) + delegation.shares
    due: dict[bytes, int] = {}
    for key, value in state.scan(bytes((UNBONDING,))):
        for part in msgspec.msgpack.decode(value, type=Unbonding).parts:
            left = exit_of(state, key[-33:], part.first).left
            place = key[-33:] + part.first.to_bytes(8, "big")
            due[place] = due.get(place, 0) + part.amount * left // part.left
    held = 0
    listed = []
    for _, value in state.scan(bytes((CANDIDATE,))):
        candidate = msgspec.msgpack.decode(value, type=Candidate)
        assert candidate.tokens >= 0
        assert candidate.shares == shares.pop(candidate.operator, 0)
        assert candidate.shares or not candidate.tokens
        listed += [candidate] if candidate.is_listed else []
        held += candidate.tokens
    assert not shares
    assert candidates_of(state) == tuple(sorted(listed, key=lambda c: c.operator))
    for key, _ in state.scan(bytes((EXIT,))):
        first = key[-8:]
        span = exit_of(state, key[2:35], int.from_bytes(first, "big"))
        assert span.tokens >= due.pop(key[2:35] + first, 0)
        held += span.tokens
    assert not any(due.values())
    assert held == pool.balance
