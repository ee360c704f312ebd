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


def _key(room: int, *parts: bytes) -> bytes:
    return bytes((room,)) + b"".join(bytes((len(part),)) + part for part in parts)
