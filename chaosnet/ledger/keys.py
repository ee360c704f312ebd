"""Keys of the state: one room byte, then parts with their length before them (protocol: Hashing).

All keys of one room have the same number of parts, so no key is a prefix of another.
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

_ACCOUNT_KEY: Final = bytes((ACCOUNT, 33))
ACCOUNT_PREFIX: Final = bytes((ACCOUNT,))


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


def _key(room: int, *parts: bytes) -> bytes:
    return bytes((room,)) + b"".join(bytes((len(part),)) + part for part in parts)
