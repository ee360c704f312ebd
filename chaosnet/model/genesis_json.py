"""The genesis file: JSON that people write and read, and the Genesis it stands for.

The reading is strict, since two people who read one file must get one network: unknown, missing and repeated
fields are refused, amounts are decimal COS in strings, keys hex, addresses bech32m. The values themselves are
judged by `check_genesis`.
"""

import json
from typing import Annotated, Any, Final

import msgspec

from chaosnet.base.errors import Invalid
from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.base.units import Address, format_cos, parse_cos
from chaosnet.crypto.addresses import format_address, parse_address
from chaosnet.model.genesis import (
    GENESIS_BYTES_MAX,
    Allocation,
    Bond,
    ChainParams,
    EngineFrom,
    Genesis,
    LockTerms,
    Member,
)

TEXT_LENGTH_MAX: Final = 4 * GENESIS_BYTES_MAX
_PARAMS: Final = ChainParams.__struct_fields__
_Number = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX)]


class _Fields(msgspec.Struct, forbid_unknown_fields=True):
    """Base of the file's objects."""


class _Engine(_Fields):
    height: _Number
    engine: str


class _Member(_Fields):
    name: str
    operator: str
    role: str
    consensus_key: str
    node_key: str
    vrf_key: str = ""


class _Lock(_Fields):
    period_ms: _Number
    cliff: _Number
    steps: _Number


class _Allocation(_Fields):
    name: str
    address: str
    amount: str
    lock: _Lock | None = None


class _Bond(_Fields):
    operator: str
    amount: str
    commission_permille: _Number


class _File(_Fields):
    chain_name: str
    kind: str
    address_prefix: str
    time_ms: _Number
    rule: _Number
    params: dict[str, _Number]
    schedule: tuple[_Engine, ...]
    members: tuple[_Member, ...]
    allocations: tuple[_Allocation, ...]
    founding_blocks: _Number
    treasury: str
    bonds: tuple[_Bond, ...] = ()
    time: str | None = None
    """For readers: must say the same as `time_ms`."""


def parse_genesis(text: str) -> Genesis:
    """Return the genesis that a file describes.

    Raises Invalid with the path of the fault: `too_large`, `malformed`, `bad_argument`, `bad_address`.
    """
    file = _read(text)
    if file.time is not None and file.time != format_time(file.time_ms):
        raise Invalid("bad_argument", f"$.time: time_ms is {format_time(file.time_ms)}")
    prefix = file.address_prefix
    return Genesis(
        chain_name=file.chain_name,
        kind=file.kind,
        address_prefix=prefix,
        time_ms=file.time_ms,
        rule=file.rule,
        params=_params(file.params),
        schedule=tuple(EngineFrom(entry.height, entry.engine) for entry in file.schedule),
        members=tuple(_member(prefix, m, f"$.members[{i}]") for i, m in enumerate(file.members)),
        allocations=tuple(
            _allocation(prefix, a, f"$.allocations[{i}]") for i, a in enumerate(file.allocations)
        ),
        founding_blocks=file.founding_blocks,
        treasury=_address(prefix, file.treasury, "$.treasury"),
        bonds=tuple(_bond(prefix, bond, f"$.bonds[{i}]") for i, bond in enumerate(file.bonds)),
    )


def format_genesis(genesis: Genesis) -> str:
    """Return the file of a genesis; `parse_genesis` gives the same genesis back."""
    prefix = genesis.address_prefix
    content: dict[str, object] = {
        "chain_name": genesis.chain_name,
        "kind": genesis.kind,
        "address_prefix": prefix,
        "time_ms": genesis.time_ms,
        "time": format_time(genesis.time_ms),
        "rule": genesis.rule,
        "params": msgspec.structs.asdict(genesis.params),
        "schedule": [msgspec.structs.asdict(entry) for entry in genesis.schedule],
        "members": [_member_fields(prefix, member) for member in genesis.members],
        "allocations": [_allocation_fields(prefix, allocation) for allocation in genesis.allocations],
        "founding_blocks": genesis.founding_blocks,
        "treasury": format_address(prefix, Address(genesis.treasury)),
    }
    if genesis.bonds:
        content["bonds"] = [_bond_fields(prefix, bond) for bond in genesis.bonds]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def format_time(unix_ms: int) -> str:
    """Return a time as ISO 8601 in UTC, for example `2026-11-22T17:00:00.000Z`.

    Years are counted from March, so that the leap day is the last of its year; a cycle of the Gregorian
    calendar has 400 years or 146,097 days.
    """
    seconds, ms = divmod(unix_ms, 1000)
    days, seconds = divmod(seconds, 86_400)
    cycle, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += 400 * cycle + (month >= 10)
    month = month - 9 if month >= 10 else month + 3
    date = f"{year:04d}-{month:02d}-{day + 1:02d}"
    return f"{date}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}Z"


def _read(text: str) -> _File:
    if len(text) > TEXT_LENGTH_MAX:
        raise Invalid("too_large", f"{len(text)} characters, at most {TEXT_LENGTH_MAX}")
    try:
        json.loads(text, object_pairs_hook=_unique)
        return msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Invalid("malformed", f"genesis file: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; of a repeated field, readers and parsers would take different values."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"field `{name}` stands there twice")
        fields[name] = value
    return fields


def _params(values: dict[str, int]) -> ChainParams:
    """All must be given: a default that changes with the release would change the network's identity."""
    for name in values:
        if name not in _PARAMS:
            raise Invalid("malformed", f"genesis file: unknown field `{name}` - at `$.params`")
    for name in _PARAMS:
        if name not in values:
            raise Invalid("malformed", f"genesis file: missing field `{name}` - at `$.params`")
    return ChainParams(**values)


def _member(prefix: str, member: _Member, path: str) -> Member:
    return Member(
        name=member.name,
        operator=_address(prefix, member.operator, f"{path}.operator"),
        role=member.role,
        consensus_key=_bytes(member.consensus_key, f"{path}.consensus_key"),
        node_key=_bytes(member.node_key, f"{path}.node_key"),
        vrf_key=_bytes(member.vrf_key, f"{path}.vrf_key"),
    )


def _allocation(prefix: str, allocation: _Allocation, path: str) -> Allocation:
    lock = allocation.lock
    return Allocation(
        name=allocation.name,
        address=_address(prefix, allocation.address, f"{path}.address"),
        amount=_amount(allocation.amount, f"{path}.amount"),
        lock=None if lock is None else LockTerms(lock.period_ms, lock.cliff, lock.steps),
    )


def _bond(prefix: str, bond: _Bond, path: str) -> Bond:
    return Bond(
        operator=_address(prefix, bond.operator, f"{path}.operator"),
        amount=_amount(bond.amount, f"{path}.amount"),
        commission_permille=bond.commission_permille,
    )


def _amount(text: str, path: str) -> int:
    try:
        return parse_cos(text)
    except ValueError as error:
        raise Invalid("bad_argument", f"{path}: {error}") from error


def _address(prefix: str, text: str, path: str) -> bytes:
    try:
        return parse_address(prefix, text)
    except Invalid as error:
        raise Invalid(error.code, f"{path}: {error.detail}") from error


def _bytes(text: str, path: str) -> bytes:
    """Return the bytes of lower-case hex without spaces."""
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise Invalid("bad_argument", f"{path}: {error}") from error
    if data.hex() != text:
        raise Invalid("bad_argument", f"{path}: lower-case hex digits only")
    return data


def _member_fields(prefix: str, member: Member) -> dict[str, str]:
    fields = {
        "name": member.name,
        "operator": format_address(prefix, Address(member.operator)),
        "role": member.role,
        "consensus_key": member.consensus_key.hex(),
        "node_key": member.node_key.hex(),
    }
    return fields | ({"vrf_key": member.vrf_key.hex()} if member.vrf_key else {})


def _allocation_fields(prefix: str, allocation: Allocation) -> dict[str, object]:
    fields: dict[str, object] = {
        "name": allocation.name,
        "address": format_address(prefix, Address(allocation.address)),
        "amount": format_cos(allocation.amount),
    }
    return fields | ({"lock": msgspec.structs.asdict(allocation.lock)} if allocation.lock else {})


def _bond_fields(prefix: str, bond: Bond) -> dict[str, object]:
    return {
        "operator": format_address(prefix, Address(bond.operator)),
        "amount": format_cos(bond.amount),
        "commission_permille": bond.commission_permille,
    }
