"""Whether a genesis may start a network: bounds, order, and what its kind promises (whitepaper section 5).

What its staking engines need is judged in `genesis_staking_check`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.base.limits import AMOUNT_MAX, VALIDATORS_MAX
from chaosnet.crypto.addresses import KEY_ACCOUNT, MODULE, is_address
from chaosnet.ledger.genesis_staking_check import check_bonds, check_staking
from chaosnet.model.genesis import (
    ENGINES_KNOWN,
    GENESIS_BYTES_MAX,
    OBSERVER,
    VALIDATOR,
    ChainParams,
    EngineFrom,
    Genesis,
    LockTerms,
    Member,
)
from chaosnet.model.genesis_make import CONSORTIUM, PUBLIC, PUBLIC_SHARES
from chaosnet.rules.registry import rules_at

SUPPLY_MAX: Final = 2**53 - 1
"""Motes: so that JavaScript holds every balance exactly."""
TIME_MS_MAX: Final = 253_402_300_799_999
"""End of the year 9999."""
NAME_BYTES_MAX: Final = 64
PREFIX_LENGTH_MAX: Final = 16
MEMBERS_MAX: Final = 1_024
LOCKS_MAX: Final = 16
"""Different lock terms of one address."""

PARAM_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "block_gas_max": (1_000_000, AMOUNT_MAX),
    "gas_price_min": (0, AMOUNT_MAX),
    "block_interval_ms_min": (0, 3_600_000),
    "idle_interval_ms": (100, 86_400_000),
    "propose_timeout_ms": (10, 600_000),
    "vote_timeout_ms": (10, 600_000),
    "timeout_step_ms": (1, 600_000),
    "timeout_ms_max": (10, 3_600_000),
    "clock_drift_ms": (1, 60_000),
    "evidence_age": (1, AMOUNT_MAX),
    "finality_depth": (0, 1_000_000),
    "slot_ms": (100, 600_000),
    "epoch_blocks": (3, 100_000),
    "validators_max": (1, 101),
    "stake_min": (1, SUPPLY_MAX),
    "unbonding_blocks": (2, 10**12),
    "slash_permille": (0, 1_000),
    "jail_blocks": (0, 10**12),
    "pow_target_ms": (10, 86_400_000),
    "pow_half_life_ms": (1_000, 31_536_000_000),
    "pow_bits": (0x0300_8000, 0x207F_FFFF),
    "handover_depth": (1, 10_000),
    "trust_period_ms": (1_000, TIME_MS_MAX),
    "admission_numerator": (1, 1_000_000),
    "admission_denominator": (1, 1_000_000),
    "motes_per_state_byte": (0, 10**12),
    "deploy_members_only": (0, 1),
}
"""Least and greatest value of each field of ChainParams."""


def check_genesis(genesis: Genesis) -> None:
    """Raise Invalid unless the genesis may start a network; Broken(`rule_unknown`) for rules not known here.

    Codes: `bad_argument`, `bad_address`, `engine_unknown`, `too_large`.
    """
    rules_at(genesis.rule)
    _check_name(genesis.chain_name, "chain_name")
    _check_prefix(genesis.address_prefix)
    _check_range(genesis.time_ms, "time_ms", 1, TIME_MS_MAX)
    _check_params(genesis.params)
    _check_schedule(genesis.schedule)
    _check_members(genesis.members)
    _check_allocations(genesis)
    check_staking(genesis)
    check_bonds(genesis)
    if not (is_address(genesis.treasury) and genesis.treasury[0] in (KEY_ACCOUNT, MODULE)):
        raise Invalid("bad_address", "treasury")
    match genesis.kind:
        case "consortium":
            _check_consortium(genesis)
        case "public":
            _check_public(genesis)
        case _:
            raise Invalid("bad_argument", f"kind is {CONSORTIUM} or {PUBLIC}")
    if len(encode(genesis)) > GENESIS_BYTES_MAX:
        raise Invalid("too_large", f"at most {GENESIS_BYTES_MAX} bytes in canonical form")


def _check_consortium(genesis: Genesis) -> None:
    if not any(member.role == VALIDATOR for member in genesis.members):
        raise Invalid("bad_argument", "members: a consortium needs a validator")
    if genesis.founding_blocks != 0:
        raise Invalid("bad_argument", "founding_blocks: a consortium has its allocations at once")


def _check_public(genesis: Genesis) -> None:
    """The whole supply is mined into the four shares by pow; pos takes over in the next block."""
    shares = tuple((a.name, a.amount, a.lock) for a in genesis.allocations)
    if shares != PUBLIC_SHARES:
        raise Invalid("bad_argument", "allocations: not the four shares of 10,000,000 COS")
    _check_range(genesis.founding_blocks, "founding_blocks", 1, AMOUNT_MAX - 1)
    if genesis.schedule != (EngineFrom(1, "pow"), EngineFrom(genesis.founding_blocks + 1, "pos")):
        raise Invalid("bad_argument", "schedule: pow for the founding blocks, then pos")
    if genesis.params.gas_price_min < 1:
        raise Invalid("bad_argument", "params.gas_price_min: at least 1 in public")


def _check_params(params: ChainParams) -> None:
    for name, (low, high) in PARAM_BOUNDS.items():
        _check_range(getattr(params, name), f"params.{name}", low, high)
    if params.admission_numerator >= params.admission_denominator:
        raise Invalid("bad_argument", "params.admission_numerator: nothing could ever pass")
    if not 0x8000 <= params.pow_bits & 0xFF_FFFF <= 0x7F_FFFF:
        raise Invalid("bad_argument", "params.pow_bits: not the shortest form of a positive target")


def _check_schedule(schedule: tuple[EngineFrom, ...]) -> None:
    if not schedule or schedule[0].height != 1:
        raise Invalid("bad_argument", "schedule: begins at height 1")
    for entry in schedule:
        if entry.engine not in ENGINES_KNOWN:
            raise Invalid("engine_unknown", entry.engine)
        _check_range(entry.height, "schedule.height", 1, AMOUNT_MAX)
    for before, entry in pairwise(schedule):
        if before.height >= entry.height or before.engine == entry.engine:
            raise Invalid("bad_argument", "schedule: another engine at each greater height")


def _check_members(members: tuple[Member, ...]) -> None:
    if len(members) > MEMBERS_MAX or sum(m.role == VALIDATOR for m in members) > VALIDATORS_MAX:
        raise Invalid("too_large", "members")
    for member in members:
        _check_name(member.name, "members.name")
        _check_key_account(member.operator, "members.operator")
        if member.role not in (VALIDATOR, OBSERVER):
            raise Invalid("bad_argument", f"members.role: {VALIDATOR} or {OBSERVER}")
        lengths = len(member.consensus_key), len(member.node_key), len(member.vrf_key)
        if lengths not in ((32, 32, 32), (32, 32, 0)):
            raise Invalid("bad_argument", "members: a key has 32 bytes")
    operators = [member.operator for member in members]
    if operators != sorted(operators) or not _are_distinct(operators):
        raise Invalid("bad_argument", "members: in ascending operator order, each once")
    if not _are_distinct([key for m in members for key in (m.consensus_key, m.node_key, m.vrf_key) if key]):
        raise Invalid("bad_argument", "members: every key has one member and one purpose")


def _check_allocations(genesis: Genesis) -> None:
    terms: dict[bytes, list[LockTerms]] = {}
    for allocation in genesis.allocations:
        _check_name(allocation.name, "allocations.name")
        _check_key_account(allocation.address, "allocations.address")
        _check_range(allocation.amount, "allocations.amount", 1, SUPPLY_MAX)
        lock = allocation.lock
        if lock is None:
            continue
        _check_range(lock.period_ms, "lock.period_ms", 1, TIME_MS_MAX)
        _check_range(lock.cliff, "lock.cliff", 0, 1_000)
        _check_range(lock.steps, "lock.steps", 1, 10_000)
        own = terms.setdefault(allocation.address, [])
        if lock not in own:
            own.append(lock)
        if len(own) > LOCKS_MAX:
            raise Invalid("too_large", f"allocations: over {LOCKS_MAX} locks of one address")
    if sum(allocation.amount for allocation in genesis.allocations) > SUPPLY_MAX:
        raise Invalid("bad_argument", f"allocations: over {SUPPLY_MAX} motes in all")


def _check_name(name: str, field: str) -> None:
    if not 1 <= len(name.encode()) <= NAME_BYTES_MAX or any(char < " " or char == "\x7f" for char in name):
        raise Invalid("bad_argument", f"{field}: 1 to {NAME_BYTES_MAX} bytes without control characters")


def _check_prefix(prefix: str) -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    if not 1 <= len(prefix) <= PREFIX_LENGTH_MAX or any(char not in alphabet for char in prefix):
        raise Invalid("bad_argument", f"address_prefix: 1 to {PREFIX_LENGTH_MAX} small letters")


def _check_key_account(address: bytes, field: str) -> None:
    if not (is_address(address) and address[0] == KEY_ACCOUNT):
        raise Invalid("bad_address", f"{field}: not the address of a key account")


def _check_range(value: int, field: str, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Invalid("bad_argument", f"{field}: {low} to {high}")


def _are_distinct(items: Sequence[bytes]) -> bool:
    return len(dict.fromkeys(items)) == len(items)
