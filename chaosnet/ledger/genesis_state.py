"""Block 0: the state and the header that a genesis stands for."""

from chaosnet.base.codec import encode
from chaosnet.base.units import EMPTY_HASH
from chaosnet.ledger.accounts import NO_ACCOUNT, Account, credit, credit_locked, encode_account
from chaosnet.ledger.context import encode_rule
from chaosnet.ledger.genesis_check import check_genesis
from chaosnet.ledger.keys import account_key, params_key, rule_key
from chaosnet.ledger.members import member_values
from chaosnet.ledger.state import State
from chaosnet.model.block import tx_root_of, validators_hash_of
from chaosnet.model.genesis import Genesis, genesis_hash_of, validators_of_genesis
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
    return State.of(values.items())


def genesis_header(genesis: Genesis) -> Header:
    """Return the header of block 0, which nobody produced and nothing seals; raises as `genesis_state`."""
    validators_hash = validators_hash_of(validators_of_genesis(genesis))
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
        state_root=genesis_state(genesis).root,
        receipts_root=receipts_root_of(()),
        validators_hash=validators_hash,
        next_validators_hash=validators_hash,
        parent_seal_hash=seal_hash_of(b""),
        gas_used=0,
        proof=GenesisProof(),
    )
