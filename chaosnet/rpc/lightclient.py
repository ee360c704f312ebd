"""Checks a proof reply against nothing but a genesis hash or a pinned block (protocol: Trust).

A reply holds an ICS-23 proof, the header whose state root it leads to, the certificate of that header and the
validator sets between the block the asker trusts and it. Trust starts in one of two ways.

* From the genesis hash: the reply carries the canonical genesis; its validators seal height 1.
* From a pinned (height, block id): either the header of the reply is that block, or the first set change
  carries that very block's header, whose `next_validators_hash` names the set that seals the next block (its
  own seal is not needed and not looked at). The pin is then the only thing trusted: no genesis is needed.

From there each set change moves the trusted set on: its header lies higher than the one before, is sealed by
the trusted set and names the next one. The set reached at last must have sealed the header of the reply.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.crypto.addresses import parse_address
from chaosnet.crypto.hashing import check_merkle_proof
from chaosnet.crypto.ics23 import check_absence, check_existence
from chaosnet.model.block import ValidatorSet, decode_validators, validators_hash_of
from chaosnet.model.certificate import check_sealed
from chaosnet.model.genesis import decode_genesis, genesis_hash_of, validators_of_genesis
from chaosnet.model.header import Header, block_id_of, decode_header
from chaosnet.model.receipt import Event, Receipt
from chaosnet.rpc.schema import AccountProof, EventProof, SetChange, StorageProof
from chaosnet.rpc.schema.values import from_json

Reply = AccountProof | StorageProof | EventProof

ACCOUNT_KEY_PREFIX = bytes((1, 33))
"""Room of the accounts and length of an address: the start of an account's state key (protocol: Hashing)."""

QUORUM_ENGINES = ("pbft", "dbft")
"""Engines whose seal is a commit certificate."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a reply proves: the account's value in the state after this block."""

    account_value: bytes | None
    """Canonical bytes of the account; None: there is no such account."""
    header: Header
    block_id: bytes


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """What a reply proves about an entry of a contract's storage, in the state after this block."""

    value: bytes | None
    """Canonical value; None: there is no such entry."""
    header: Header


@dataclass(frozen=True, slots=True)
class VerifiedEvent:
    """An event that a contract said in this block."""

    event: Event
    tx_id: bytes
    header: Header


@dataclass(frozen=True, slots=True)
class _Trusted:
    """A block whose successor this set seals."""

    genesis: bytes
    height: int
    validators: ValidatorSet


def check_account_proof(
    reply: AccountProof,
    *,
    address: bytes,
    genesis_hash: bytes | None = None,
    pinned: tuple[int, bytes] | None = None,
) -> Verified:
    """Return what the reply proves about `address` (33 bytes), starting from the genesis hash or the pin.

    With a pin the trust starts there, and a genesis hash given besides must be the chain's. Raises
    Invalid(`bad_argument`) without either, and Invalid(`proof_invalid`) for whatever does not verify.
    """
    with whatever_is_wrong():
        header = trusted_header(reply, reply.address, genesis_hash, pinned)
        value = _check_state(reply, header, address)
    return Verified(value, header, block_id_of(header))


def check_storage_proof(
    reply: StorageProof, *, genesis_hash: bytes | None = None, pinned: tuple[int, bytes] | None = None
) -> VerifiedEntry:
    """Return what the reply proves about the entry that it names; trust and errors as in the above."""
    with whatever_is_wrong():
        header = trusted_header(reply, reply.contract, genesis_hash, pinned)
        contract = parse_address(reply.contract.rpartition("1")[0], reply.contract)
        key = b"c/" + contract[1:] + storage_key(from_json(reply.storage_key))
        leaf = _check_value(reply, header, key)
        value = None if leaf is None else bytes(msgspec.msgpack.decode(leaf, type=tuple[int, msgspec.Raw])[1])
    return VerifiedEntry(value, header)


def check_event_proof(
    reply: EventProof, *, genesis_hash: bytes | None = None, pinned: tuple[int, bytes] | None = None
) -> VerifiedEvent:
    """Return the event that the reply proves, and whose it is; trust and errors as in the above."""
    with whatever_is_wrong():
        header = trusted_header(reply, "", genesis_hash, pinned)
        encoded, raw = bytes.fromhex(reply.receipt), bytes.fromhex(reply.event)
        place = reply.position, reply.receipts_count
        check_merkle_proof(header.receipts_root, encoded, *place, _path(reply.receipt_path))
        receipt = msgspec.msgpack.decode(encoded, type=Receipt)
        place = reply.event_index, reply.events_count
        check_merkle_proof(receipt.events_root, raw, *place, _path(reply.event_path))
        event = msgspec.msgpack.decode(raw, type=Event)
    return VerifiedEvent(event, receipt.tx_id, header)


@contextmanager
def whatever_is_wrong() -> Iterator[None]:
    """Turn all that is malformed into Invalid(`proof_invalid`)."""
    try:
        yield
    except (Invalid, ValueError, msgspec.DecodeError) as error:
        if isinstance(error, Invalid) and error.code in ("proof_invalid", "bad_argument"):
            raise
        raise Invalid("proof_invalid", str(error)) from error


def trusted_header(
    reply: Reply, address: str, genesis_hash: bytes | None, pinned: tuple[int, bytes] | None
) -> Header:
    """Return the header of a reply if trust leads to it; `address` is one of its network, or empty."""
    if genesis_hash is None and pinned is None:
        raise Invalid("bad_argument", "nothing to trust: give a genesis hash or a pinned block")
    header = decode_header(bytes.fromhex(reply.header))
    if pinned is not None:
        _follow_from_pin(reply, header, pinned)
    elif genesis_hash is not None:
        trusted = _trusted_genesis(reply, address, genesis_hash)
        _follow(reply.set_changes, reply, header, trusted)
    if genesis_hash is not None and header.genesis != genesis_hash:
        raise Invalid("proof_invalid", "block of another network")
    return header


def storage_key(parts: object) -> bytes:
    """Return the bytes of a storage key: parts that sort like the lists they are of (contracts: State)."""
    encoded = b""
    for part in parts if isinstance(parts, list) else [None]:
        if isinstance(part, str | bytes):
            raw = part if isinstance(part, bytes) else part.encode()
            kind = b"\x03" if isinstance(part, bytes) else b"\x02"
            encoded += kind + raw.replace(b"\x00", b"\x00\xff") + b"\x00"
        elif isinstance(part, int) and not isinstance(part, bool) and -(2**63) <= part < 2**63:
            encoded += b"\x01" + (part + 2**63).to_bytes(8, "big")
        else:
            raise Invalid("proof_invalid", "parts of a key are integers, text and bytes")
    return encoded + b"\x00"


def _path(parts: list[str]) -> list[bytes]:
    return [bytes.fromhex(part) for part in parts]


def _trusted_genesis(reply: Reply, address: str, genesis_hash: bytes) -> _Trusted:
    genesis = decode_genesis(bytes.fromhex(reply.genesis))
    if genesis_hash_of(genesis) != genesis_hash:
        raise Invalid("proof_invalid", "genesis has another hash")
    if address:
        parse_address(genesis.address_prefix, address)
    return _Trusted(genesis_hash, 0, validators_of_genesis(genesis))


def _follow_from_pin(reply: Reply, header: Header, pinned: tuple[int, bytes]) -> None:
    height, block_id = pinned
    if header.height == height:
        if block_id_of(header) != block_id:
            raise Invalid("proof_invalid", "not the pinned block")
        if height:
            _check_block(header, reply.seal, _decoded_set(reply.validators))
        return
    if not reply.set_changes:
        raise Invalid("proof_invalid", "nothing leads from the pinned block to this one")
    first, *others = reply.set_changes
    pin = decode_header(bytes.fromhex(first.header))
    if pin.height != height or block_id_of(pin) != block_id:
        raise Invalid("proof_invalid", "set changes do not start at the pinned block")
    _follow(others, reply, header, _Trusted(pin.genesis, height, _next_set(pin, first)))


def _follow(changes: list[SetChange], reply: Reply, header: Header, trusted: _Trusted) -> None:
    """Go from the trusted block over the set changes to `header`, and check that the last set sealed it."""
    for change in changes:
        step = decode_header(bytes.fromhex(change.header))
        _check_next(step, change.seal, trusted)
        trusted = _Trusted(trusted.genesis, step.height, _next_set(step, change))
    if bytes.fromhex(reply.validators) != encode(trusted.validators):
        raise Invalid("proof_invalid", "not the validators that the set changes lead to")
    _check_next(header, reply.seal, trusted)


def _check_next(header: Header, seal: str, trusted: _Trusted) -> None:
    if header.genesis != trusted.genesis:
        raise Invalid("proof_invalid", "block of another network")
    if header.height <= trusted.height:
        raise Invalid("proof_invalid", f"height {header.height} does not follow {trusted.height}")
    _check_block(header, seal, trusted.validators)


def _check_block(header: Header, seal: str, validators: ValidatorSet) -> None:
    if header.engine not in QUORUM_ENGINES:
        raise Invalid("proof_invalid", f"engine {header.engine} makes no certificates")
    check_sealed(header, bytes.fromhex(seal), validators)


def _next_set(header: Header, change: SetChange) -> ValidatorSet:
    validators = _decoded_set(change.validators)
    if header.next_validators_hash != validators_hash_of(validators):
        raise Invalid("proof_invalid", f"block {header.height} names another next set")
    return validators


def _decoded_set(text: str) -> ValidatorSet:
    return decode_validators(bytes.fromhex(text))


def _check_state(reply: AccountProof, header: Header, address: bytes) -> bytes | None:
    prefix = reply.address.rpartition("1")[0]
    if parse_address(prefix, reply.address) != address:
        raise Invalid("proof_invalid", "proof of another account")
    return _check_value(reply, header, ACCOUNT_KEY_PREFIX + address)


def _check_value(reply: AccountProof | StorageProof, header: Header, key: bytes) -> bytes | None:
    if bytes.fromhex(reply.key) != key:
        raise Invalid("proof_invalid", "another state key")
    proof = bytes.fromhex(reply.proof)
    if reply.value is None:
        check_absence(header.state_root, proof, key)
        return None
    value = bytes.fromhex(reply.value)
    check_existence(header.state_root, proof, key, value)
    return value
