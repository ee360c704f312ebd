"""Contracts in the state: who made them, of what, and what can be called."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from chaosnet.base.codec import Record
from chaosnet.base.errors import Broken, Invalid
from chaosnet.base.units import Address
from chaosnet.contracts import values
from chaosnet.contracts.interface import Interface, parse_interface
from chaosnet.crypto.addresses import CONTRACT
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.ledger.context import Reader
from chaosnet.ledger.keys import contract_key, source_key

_KEPT: Final = 128


class ContractRecord(Record, tag=1):
    """What the state says of a contract; never changed."""

    creator: bytes
    """Account that deployed it."""
    height: int
    engine: str
    source_hash: bytes
    interface: bytes
    """Canonical value, as the source declared it."""
    interface_hash: bytes
    load_fuel: int
    """What loading took: each call pays a part of it."""
    rate: int
    """Motes a byte that were locked for this record."""
    is_source_new: bool
    """The source was not here before: its deposit is this deployment's too."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract that can be called."""

    address: bytes
    record: ContractRecord
    interface: Interface


_decode = msgspec.msgpack.Decoder(ContractRecord).decode


def contract_id(genesis_hash: bytes, sender: bytes, nonce: int, action: int) -> Address:
    """Return the address of the contract that an action deploys."""
    place = nonce.to_bytes(8, "big") + action.to_bytes(4, "big")
    return Address(bytes((CONTRACT,)) + tagged_hash(b"contract", genesis_hash + sender + place))


def token_id(genesis_hash: bytes, sender: bytes, place: tuple[int, int, int]) -> bytes:
    """Return the id of a token by the sender of the transaction, its nonce, the action, and a count in it."""
    nonce, action, count = place
    where = nonce.to_bytes(8, "big") + action.to_bytes(4, "big") + count.to_bytes(4, "big")
    return tagged_hash(b"token", genesis_hash + sender + where)


def source_hash_of(source: bytes) -> bytes:
    """Return the name of a source."""
    return tagged_hash(b"source", source)


def interface_hash_of(interface: bytes) -> bytes:
    """Return the name of an interface."""
    return tagged_hash(b"interface", interface)


def find_contract(get: Callable[[bytes], bytes | None], address: bytes) -> Contract | None:
    """Return the contract at an address, or None; raises Broken(`data_damaged`)."""
    value = get(contract_key(address))
    if value is None:
        return None
    return _contract_of(address, value)


def source_of(reader: Reader, record: ContractRecord) -> bytes:
    """Return a contract's source; raises Broken(`data_damaged`)."""
    source = reader.get(source_key(record.source_hash))
    if source is None:
        raise Broken("data_damaged", "a contract has no source")
    return source


@lru_cache(maxsize=_KEPT)
def _contract_of(address: bytes, value: bytes) -> Contract:
    try:
        record = _decode(value)
        return Contract(address, record, parse_interface(values.decode(record.interface)))
    except (msgspec.DecodeError, Invalid) as error:
        raise Broken("data_damaged", f"contract: {error}") from error
