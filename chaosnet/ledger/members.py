"""Members of the network in the state, and the validator set they make.

Under rule set 1 members are those of the genesis; the set is derived from the state all the same.
"""

from typing import Final

import msgspec

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken
from chaosnet.ledger.context import Reader
from chaosnet.ledger.keys import MEMBER, MEMBERS, member_key, members_key
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.genesis import VALIDATOR, Member

_ROOMS: Final = (MEMBER, MEMBERS)


class MemberList(Record, tag=1):
    """Which member records there are."""

    operators: tuple[bytes, ...]
    """In ascending order."""


_decode_list = msgspec.msgpack.Decoder(MemberList).decode
_decode_member = msgspec.msgpack.Decoder(Member).decode


def members_of(reader: Reader) -> tuple[Member, ...]:
    """Return all members in ascending operator order; raises Broken(`data_damaged`)."""
    try:
        operators = _decode_list(reader.get(members_key()) or b"").operators
        return tuple(_decode_member(reader.get(member_key(operator)) or b"") for operator in operators)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"members: {error}") from error


def member_with_key(reader: Reader, consensus_key: bytes) -> Member | None:
    """Return the member that signs with this consensus key."""
    return next((m for m in members_of(reader) if m.consensus_key == consensus_key), None)


def next_validators(reader: Reader) -> ValidatorSet:
    """Return the set that seals the block after this state: every validator member has weight 1."""
    return ValidatorSet(
        tuple(Validator(m.operator, m.consensus_key, 1) for m in members_of(reader) if m.role == VALIDATOR)
    )


def member_values(members: tuple[Member, ...]) -> dict[bytes, bytes]:
    """Return the state's keys and values for these members, which are in ascending operator order."""
    values = {member_key(member.operator): encode(member) for member in members}
    values[members_key()] = encode(MemberList(tuple(member.operator for member in members)))
    return values


def is_member_key(key: bytes) -> bool:
    """Return whether a change of this state key can change the validator set."""
    return key[0] in _ROOMS
