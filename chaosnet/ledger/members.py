"""Members of the network in the state, and the validator set they make.

Under rule set 1 members are those of the genesis; the set is derived from the state all the same. While a
staking engine rules, the set is the elected one of the epoch.
"""

from typing import Final

import msgspec

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken
from chaosnet.ledger.context import Reader
from chaosnet.ledger.key_owners import owner_values
from chaosnet.ledger.keys import ACTIVE, MEMBER, MEMBERS, active_key, member_key, members_key
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.genesis import VALIDATOR, Member

_ROOMS: Final = (MEMBER, MEMBERS, ACTIVE)


class MemberList(Record, tag=1):
    """Which member records there are."""

    operators: tuple[bytes, ...]
    """In ascending order."""


_decode_list = msgspec.msgpack.Decoder(MemberList).decode
_decode_member = msgspec.msgpack.Decoder(Member).decode
_decode_set = msgspec.msgpack.Decoder(ValidatorSet).decode


def members_of(reader: Reader) -> tuple[Member, ...]:
    """Return all members in ascending operator order; raises Broken(`data_damaged`)."""
    try:
        operators = _decode_list(reader.get(members_key()) or b"").operators
        return tuple(_decode_member(reader.get(member_key(operator)) or b"") for operator in operators)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"members: {error}") from error


def find_member(reader: Reader, operator: bytes) -> Member | None:
    """Return the member with this operator account, or None; raises Broken(`data_damaged`)."""
    value = reader.get(member_key(operator))
    try:
        return None if value is None else _decode_member(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"member: {error}") from error


def next_validators(reader: Reader) -> ValidatorSet:
    """Return the set that seals the block after this state; raises Broken(`data_damaged`).

    The elected set where there is one, else every validator member with weight 1.
    """
    active = reader.get(active_key())
    if active is not None:
        return decode_set(active)
    return ValidatorSet(
        tuple(Validator(m.operator, m.consensus_key, 1) for m in members_of(reader) if m.role == VALIDATOR)
    )


def decode_set(value: bytes) -> ValidatorSet:
    """Return the validator set of a state value; raises Broken(`data_damaged`)."""
    try:
        return _decode_set(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"validators: {error}") from error


def member_values(members: tuple[Member, ...]) -> dict[bytes, bytes]:
    """Return the state's keys and values for these members, which are in ascending operator order."""
    values = {member_key(member.operator): encode(member) for member in members} | owner_values(members)
    values[members_key()] = encode(MemberList(tuple(member.operator for member in members)))
    return values


def is_member_key(key: bytes) -> bool:
    """Return whether a change of this state key can change the validator set."""
    return key[0] in _ROOMS
