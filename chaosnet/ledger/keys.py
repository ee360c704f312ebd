"""Keys of the state: one room byte, then parts with their length before them (protocol: Hashing).

All keys of one room have the same number of parts, so no key is a prefix of another. Only the storage of
contracts is different: see `entry_key`.
"""

from typing import Final

ACCOUNT: Final = 1
"""Room of the accounts: the only values that hold coins."""
MEMBER: Final = 2
PARAMS: Final = 3
RULE: Final = 4
EVIDENCE: Final = 5
MEMBERS: Final = 6
EPOCH: Final = 7
ACTIVE: Final = 8
UPCOMING: Final = 9
SEED: Final = 10
REVEAL: Final = 11
MISSED: Final = 12
CANDIDATE: Final = 13
CANDIDATES: Final = 14
KEY_OWNER: Final = 15
EXIT: Final = 16
DELEGATION: Final = 17
UNBONDING: Final = 18
DELEGATOR: Final = 19
CONTRACT: Final = 20
SOURCE: Final = 21
TOKEN: Final = 22
HOLDING: Final = 23
ALLOWANCE: Final = 24
FROZEN: Final = 25
ENTRY: Final = ord("c")
"""Room of the contracts' storage: the only one whose keys are kept in order."""

_ACCOUNT_KEY: Final = bytes((ACCOUNT, 33))
ACCOUNT_PREFIX: Final = bytes((ACCOUNT,))
_CONTRACT_START: Final = bytes((CONTRACT, 33))
_SOURCE_START: Final = bytes((SOURCE, 32))
_ENTRY_START: Final = b"c/"


def account_key(address: bytes) -> bytes:
    """Return where the account of a 33-byte address is."""
    return _ACCOUNT_KEY + address


def address_of_key(key: bytes) -> bytes:
    """Return the address in an account key."""
    return key[2:]


def member_key(operator: bytes) -> bytes:
    """Return where the record of the member with this operator account is."""
    return _key(MEMBER, operator)


def members_key() -> bytes:
    """Return where the operators of all members are listed."""
    return _key(MEMBERS)


def params_key() -> bytes:
    """Return where the chain's parameters are."""
    return _key(PARAMS)


def rule_key() -> bytes:
    """Return where the number of the rule set in force is."""
    return _key(RULE)


def evidence_key(signer: bytes, era: int, height: int) -> bytes:
    """Return where a violation is recorded: one for each consensus key, era and height."""
    return _key(EVIDENCE, signer, era.to_bytes(8, "big"), height.to_bytes(8, "big"))


def epoch_key() -> bytes:
    """Return where the epoch in force is, while a staking engine rules."""
    return _key(EPOCH)


def active_key() -> bytes:
    """Return where the validator set of the epoch in force is."""
    return _key(ACTIVE)


def upcoming_key() -> bytes:
    """Return where the validator set of the next epoch is."""
    return _key(UPCOMING)


def seed_key() -> bytes:
    """Return where the entropy of the epoch's blocks is gathered."""
    return _key(SEED)


def reveal_key(operator: bytes) -> bytes:
    """Return where the last reveal of a producer under dpos and dbft is."""
    return _key(REVEAL, operator)


def missed_key(operator: bytes) -> bytes:
    """Return where the slots that a producer did not use are counted."""
    return _key(MISSED, operator)


def candidate_key(operator: bytes) -> bytes:
    """Return where the record of the candidate with this operator account is."""
    return _key(CANDIDATE, operator)


def candidates_key() -> bytes:
    """Return where the operators of all candidates with enough coins are listed."""
    return _key(CANDIDATES)


def key_owner_key(public_key: bytes) -> bytes:
    """Return where the operator that a candidate's key belongs to is."""
    return _key(KEY_OWNER, public_key)


def exit_key(operator: bytes, first_height: int) -> bytes:
    """Return where the coins are that left a candidate in a span of heights."""
    return _key(EXIT, operator, first_height.to_bytes(8, "big"))


def delegation_key(delegator: bytes, operator: bytes) -> bytes:
    """Return where a delegator's shares of a candidate are."""
    return _key(DELEGATION, delegator, operator)


def unbonding_key(delegator: bytes, operator: bytes) -> bytes:
    """Return where the coins are that a delegator waits for after taking them from a candidate."""
    return _key(UNBONDING, delegator, operator)


def delegator_key(delegator: bytes) -> bytes:
    """Return where the candidates are listed that hold coins of a delegator."""
    return _key(DELEGATOR, delegator)


def contract_key(contract: bytes) -> bytes:
    """Return where the record of the contract with this address is."""
    return _CONTRACT_START + contract


def source_key(source_hash: bytes) -> bytes:
    """Return where a contract's source is, once however many contracts have it."""
    return _SOURCE_START + source_hash


def token_key(token: bytes) -> bytes:
    """Return where the record of the token with this id is."""
    return _key(TOKEN, token)


def holding_key(token: bytes, holder: bytes) -> bytes:
    """Return where it says how much of a token an address holds."""
    return _key(HOLDING, token, holder)


def allowance_key(token: bytes, owner: bytes, spender: bytes) -> bytes:
    """Return where it says how much of an owner's token a spender may take."""
    return _key(ALLOWANCE, token, owner, spender)


def frozen_key(token: bytes, holder: bytes) -> bytes:
    """Return where it says that an address may not move a token."""
    return _key(FROZEN, token, holder)


def entry_prefix(contract: bytes) -> bytes:
    """Return what the keys of a contract's whole storage begin with: `c/` and the id in its address."""
    return _ENTRY_START + contract[1:]


def entry_key(contract: bytes, key: bytes) -> bytes:
    """Return where an entry of a contract's storage is, by its encoded key (contracts/keys.py)."""
    return _ENTRY_START + contract[1:] + key


def _key(room: int, *parts: bytes) -> bytes:
    return bytes((room,)) + b"".join([bytes((len(part),)) + part for part in parts])
