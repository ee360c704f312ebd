"""Block 0: the state and the header that a genesis stands for."""

from chaosnet.base.codec import encode
from chaosnet.base.units import EMPTY_HASH
from chaosnet.ledger.accounts import NO_ACCOUNT, Account, credit, credit_locked, debit, encode_account
from chaosnet.ledger.candidates import STAKING_POOL, Candidate
from chaosnet.ledger.context import encode_rule
from chaosnet.ledger.epochs import turn
from chaosnet.ledger.genesis_check import check_genesis
from chaosnet.ledger.keys import account_key, params_key, rule_key
from chaosnet.ledger.members import member_values, next_validators
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.staking import first_bond
from chaosnet.ledger.state import State
from chaosnet.model.block import tx_root_of, validators_hash_of
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.header import (
    HEADER_VERSION,
    GenesisProof,
    Header,
    seal_hash_of,
)
from chaosnet.model.receipt import receipts_root_of

__all__ = ["check_genesis", "genesis_header", "genesis_state"]


def genesis_state(genesis: Genesis) -> State:
    """Return the state at height 0: members, parameters, and the allocations unless blocks mint them later.

    With bonds the operators are candidates; a staking engine that rules from height 1 has its first epoch.

    Raises what `check_genesis` raises.
    """
    check_genesis(genesis)
    values = member_values(genesis.members)
    values[params_key()] = encode(genesis.params)
    values[rule_key()] = encode_rule(genesis.rule)
    if genesis.founding_blocks == 0:
        accounts: dict[bytes, Account] = {}
        for allocation in genesis.allocations:
            account = accounts.get(allocation.address, NO_ACCOUNT)
            accounts[allocation.address] = (
                credit(account, allocation.amount)
                if allocation.lock is None
                else credit_locked(account, allocation.amount, allocation.lock)
            )
        values |= {account_key(address): encode_account(account) for address, account in accounts.items()}
    state = State.of(values.items())
    overlay = Overlay(state)
    _bond(overlay, genesis)
    turn(overlay, genesis, genesis.params, height=0, time_ms=genesis.time_ms)
    return state.update(overlay.changes().new)


def _bond(overlay: Overlay, genesis: Genesis) -> None:
    """Make the operators of all bonds candidates with the keys of their membership."""
    members = {member.operator: member for member in genesis.members}
    for bond in genesis.bonds:
        member = members[bond.operator]
        account = overlay.account(bond.operator)
        overlay.set_account(bond.operator, debit(account, bond.amount, genesis.time_ms, genesis.time_ms))
        overlay.set_account(STAKING_POOL, credit(overlay.account(STAKING_POOL), bond.amount))
        candidate = Candidate(
            bond.operator,
            member.consensus_key,
            member.vrf_key,
            member.node_key,
            bond.commission_permille,
            tokens=bond.amount,
            shares=bond.amount,
        )
        first_bond(overlay, candidate, genesis.params.stake_min)


def genesis_header(genesis: Genesis) -> Header:
    """Return the header of block 0, which nobody produced and nothing seals; raises as `genesis_state`."""
    state = genesis_state(genesis)
    validators_hash = validators_hash_of(next_validators(state))
    return Header(
        version=HEADER_VERSION,
        genesis=genesis_hash_of(genesis),
        era=0,
        height=0,
        parent=EMPTY_HASH,
        time_ms=genesis.time_ms,
        proposer=genesis.treasury,
        rule=genesis.rule,
        engine="genesis",
        tx_root=tx_root_of(()),
        tx_count=0,
        state_root=state.root,
        receipts_root=receipts_root_of(()),
        validators_hash=validators_hash,
        next_validators_hash=validators_hash,
        parent_seal_hash=seal_hash_of(b""),
        gas_used=0,
        proof=GenesisProof(),
    )
