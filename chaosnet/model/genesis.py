"""Genesis: the parsed start of a network (protocol: Hashing; whitepaper section 5).

The genesis hash is the hash of the canonical bytes of this struct, whatever the file looked like.
"""

from typing import Final

from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.units import YEAR_MS, Hash32
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.model.block import Validator, ValidatorSet

VALIDATOR: Final = "validator"
OBSERVER: Final = "observer"

GENESIS_BYTES_MAX: Final = 4 * 1024 * 1024
"""Canonical bytes of the largest genesis a light client reads."""

ENGINES_KNOWN: Final = ("pbft", "pow", "pos", "dpos", "dbft")
"""Names a schedule may use; a release says which of them it can run."""
STAKING_ENGINES: Final = ("pos", "dpos", "dbft")
"""Engines whose validators are elected by bonded coins, one set an epoch."""


class ChainParams(Record, tag=1):
    """On-chain numbers; later changed by vote only."""

    block_gas_max: int = 100_000_000
    """Sum of the gas limits in one block."""
    gas_price_min: int = 1
    """Motes per gas; 0 allowed in a consortium."""
    block_interval_ms_min: int = 100
    """Least pause between two blocks."""
    idle_interval_ms: int = 10_000
    """An empty block is made only after this much silence."""
    propose_timeout_ms: int = 1_000
    """Wait for a proposal in round 0."""
    vote_timeout_ms: int = 500
    """Wait for the missing votes once two thirds have voted, in round 0."""
    timeout_step_ms: int = 500
    """Both waits grow by this each round."""
    timeout_ms_max: int = 5_000
    """Both waits never exceed this."""
    clock_drift_ms: int = 2_000
    """A fresh proposal further from a voter's clock is prevoted nil; doubles per round up to 60,000."""
    evidence_age: int = 100_000
    """Blocks for which a double signature can be punished."""
    finality_depth: int = 0
    """Blocks behind the head that count as final; 0 for engines with immediate finality."""
    slot_ms: int = 2_000
    """Length of a slot under pos and dpos."""
    epoch_blocks: int = 100
    """Blocks for which a validator set of pos, dpos and dbft is fixed; a round of delegates."""
    validators_max: int = 101
    """Active validators under pos, dpos and dbft."""
    stake_min: int = 100_000_000
    """Motes that a validator must have bonded to be active."""
    unbonding_blocks: int = 1_000_000
    """Blocks until unbonded coins are free; more than evidence_age and WEIGHT_LAG_EPOCHS epochs."""
    slash_permille: int = 50
    """Part of the bonded coins that a proven double signature costs."""
    jail_blocks: int = 10_000
    """Blocks a punished validator must wait before it may unjail itself."""
    pow_target_ms: int = 60_000
    """Interval between blocks that ASERT aims at."""
    pow_half_life_ms: int = 3_600_000
    """ASERT doubles or halves the difficulty when the chain is this much ahead or behind."""
    pow_bits: int = 0x2000FFFF
    """Target of the first pow block of an era in Bitcoin's compact form; also the easiest one ever."""
    handover_depth: int = 100
    """Tail headers that make the last block of a pow era final."""
    trust_period_ms: int = 14 * 86_400_000
    """A node that was away longer needs a trusted block; less than the time of unbonding."""
    admission_numerator: int = 1
    """A vote on membership passes when yes x denominator > members x numerator."""
    admission_denominator: int = 2
    motes_per_state_byte: int = 1_000
    """Deposit for each byte of an entry of a contract or token, returned when it is freed; 0 in a consortium
    that wants none."""
    deploy_members_only: int = 0
    """1: only operators of members may deploy contracts; 0: everybody may."""


WEIGHT_LAG_EPOCHS: Final = 16
"""Epochs after which coins that left a bond give no weight any more: a set counts coins as of the start of
the epoch before, and a set of at most 101 follows a standing election in up to 13 steps of one epoch each
(ledger.turnover). That makes 14; the rest is for elections that change meanwhile.
"""


class LockTerms(Record):
    """Release of a time-locked amount in equal steps.

    Released at time t: amount x clamp(floor((t - t0) / period) - cliff, 0, steps) / steps, rounded down,
    where t0 is the genesis time and t the parent block's time. The team lock is period = one year,
    cliff = 1, steps = 5: nothing for two years, then 20 % a year.
    """

    period_ms: int
    cliff: int
    steps: int


TEAM_LOCK: Final = LockTerms(period_ms=YEAR_MS, cliff=1, steps=5)


class Allocation(Record):
    """Coins that somebody holds from the start, or receives over the founding blocks."""

    name: str
    address: bytes
    amount: int
    """Motes."""
    lock: LockTerms | None


class Member(Record):
    """A member of the network. Identity is its operator account; the keys can be rotated."""

    name: str
    operator: bytes
    """Address of the operator account."""
    role: str
    """`validator` (counts in quorum and admission) or `observer`."""
    consensus_key: bytes
    """Ed25519 key that signs proposals and votes."""
    node_key: bytes
    """Ed25519 key of the transport certificate."""
    vrf_key: bytes
    """Key for leader election under pos; empty elsewhere."""


class Bond(Record):
    """Coins of an operator's allocation that are bonded to it from the start."""

    operator: bytes
    amount: int
    """Motes; part of the operator's allocations, which must cover it unlocked."""
    commission_permille: int


class EngineFrom(Record):
    """One entry of the schedule: this engine rules from this height on."""

    height: int
    engine: str


class Genesis(Record, tag=1):
    """Everything a network starts from."""

    chain_name: str
    """For display only; the hash is the identity."""
    kind: str
    """`consortium` or `public`."""
    address_prefix: str
    """Human-readable part of bech32m addresses."""
    time_ms: int
    rule: int
    """Rule set in force from height 1."""
    params: ChainParams
    schedule: tuple[EngineFrom, ...]
    members: tuple[Member, ...]
    """In ascending operator order."""
    allocations: tuple[Allocation, ...]
    """In the order of the file."""
    founding_blocks: int
    """0: allocations are there at genesis. n: each of the blocks 1..n mints the n-th part of every one."""
    treasury: bytes
    """Account that receives slashed and forfeited coins."""
    bonds: tuple[Bond, ...] = ()
    """In ascending operator order; the operators are validators of `members`. Empty with founding blocks."""


_decoder: Decoder[Genesis] = Decoder(Genesis, GENESIS_BYTES_MAX)


def genesis_hash_of(genesis: Genesis) -> Hash32:
    """Return the identity of a network."""
    return tagged_hash(b"genesis", encode(genesis))


def decode_genesis(data: bytes) -> Genesis:
    """Decode canonical bytes; raises Invalid(`too_large` | `malformed` | `not_canonical`)."""
    return _decoder.decode(data)


def validators_of_genesis(genesis: Genesis) -> ValidatorSet:
    """Return the set that seals height 1: all validators in operator order, one vote each."""
    members = sorted((m for m in genesis.members if m.role == VALIDATOR), key=lambda m: m.operator)
    return ValidatorSet(tuple(Validator(m.operator, m.consensus_key, weight=1) for m in members))


def supply_at(genesis: Genesis, height: int) -> int:
    """Return the exact sum of all balances, in motes, after the block at this height."""
    blocks = genesis.founding_blocks
    if blocks == 0 or height >= blocks:
        return sum(a.amount for a in genesis.allocations)
    return sum(a.amount * height // blocks for a in genesis.allocations)


def era_at(genesis: Genesis, height: int) -> int:
    """Return the era of a height: it rises with each entry of the schedule after the first."""
    return max(0, sum(entry.height <= height for entry in genesis.schedule) - 1)


def last_height_of(genesis: Genesis, era: int) -> int | None:
    """Return the height of the last block of an era; None for the last era."""
    following = genesis.schedule[era + 1 :]
    return following[0].height - 1 if following else None


def engine_at(genesis: Genesis, height: int) -> str:
    """Return the name of the engine that rules at a height."""
    name = genesis.schedule[0].engine
    for entry in genesis.schedule:
        if entry.height <= height:
            name = entry.engine
    return name
