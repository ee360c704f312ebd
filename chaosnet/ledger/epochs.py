"""Eras and epochs of elected validators: when a set, its order and its seed change.

The set and the seed of epoch e+1 are known when e+1 starts: candidates, coins and keys count as they were at
the start of e, entropy is that of the blocks of e (protocol: pos, dpos). Every block ends with `end_block`.
"""

import msgspec

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.reveals import REVEAL_BYTES, Revealed, combined, is_valid_reveal, start_of
from chaosnet.ledger.candidates import candidates_of, find_candidate, rank_list
from chaosnet.ledger.context import Context, Reader
from chaosnet.ledger.keys import (
    active_key,
    epoch_key,
    missed_key,
    reveal_key,
    seed_key,
    upcoming_key,
)
from chaosnet.ledger.members import decode_set, members_of
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.turnover import next_set
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.epoch import Epoch
from chaosnet.model.genesis import (
    STAKING_ENGINES,
    VALIDATOR,
    ChainParams,
    Genesis,
    Member,
    engine_at,
    era_at,
    genesis_hash_of,
)


class Entropy(Record, tag=1):
    """What the blocks of an epoch have added so far."""

    gathered: bytes
    """pos: 32 bytes, a running hash. dpos, dbft: 16 bytes, the valid reveals combined with exclusive or."""


_decode_epoch = msgspec.msgpack.Decoder(Epoch).decode
_decode_revealed = msgspec.msgpack.Decoder(Revealed).decode
_decode_entropy = msgspec.msgpack.Decoder(Entropy).decode


def epoch_of(reader: Reader) -> Epoch | None:
    """Return the epoch of the next block; None while no staking engine rules.

    Raises Broken(`data_damaged`).
    """
    value = reader.get(epoch_key())
    try:
        return None if value is None else _decode_epoch(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"epoch: {error}") from error


def upcoming_validators(reader: Reader) -> ValidatorSet | None:
    """Return the set of the next epoch; None while no staking engine rules."""
    value = reader.get(upcoming_key())
    return None if value is None else decode_set(value)


def staked_members(reader: Reader) -> tuple[Member, ...]:
    """Return the elected validators in force with their keys, in operator order; empty when there are none.

    The name is that of the member with the same operator account, else empty.
    """
    value = reader.get(active_key())
    if value is None:
        return ()
    members = {member.operator: member for member in members_of(reader)}
    found = []
    for validator in decode_set(value).validators:
        member = members.get(validator.operator)
        candidate = find_candidate(reader, validator.operator)
        node_key = candidate.node_key if candidate else member.node_key if member else b""
        name = member.name if member else ""
        found.append(Member(name, validator.operator, VALIDATOR, validator.key, node_key, validator.vrf_key))
    return tuple(found)


def missed_of(reader: Reader, operator: bytes) -> int:
    """Return the slots that a producer has let pass since the chain began."""
    return int.from_bytes(reader.get(missed_key(operator)) or b"", "big")


def snapshot(reader: Reader, engine: str, params: ChainParams) -> ValidatorSet:
    """Return the set that the present candidates would make.

    The `validators_max` candidates with the most coins, of those with at least `stake_min` that are not
    jailed; where none is, the validator members with weight 1. Empty when there are no members either.
    """
    is_pos = engine == "pos"
    chosen = [
        c
        for c in candidates_of(reader)
        if not c.is_jailed and c.tokens >= params.stake_min and (c.vrf_key or not is_pos)
    ]
    chosen.sort(key=lambda c: (-c.tokens, c.operator))
    elected = [
        Validator(c.operator, c.consensus_key, c.tokens if is_pos else 1, c.vrf_key)
        for c in chosen[: params.validators_max]
    ]
    if not elected:
        members = [m for m in members_of(reader) if m.role == VALIDATOR]
        elected = [
            Validator(m.operator, m.consensus_key, 1, m.vrf_key) for m in members[: params.validators_max]
        ]
    return ValidatorSet(tuple(sorted(elected, key=lambda v: v.operator)))


def seed_of_reveals(gathered: bytes, first_height: int) -> bytes:
    """Return the seed that the valid reveals of an epoch's blocks make for the epoch that starts here."""
    return tagged_hash(b"seed-reveals", combined(start_of(first_height), gathered))


def seed_of_outputs(gathered: bytes, number: int) -> bytes:
    """Return the seed that the VRF outputs of an epoch make for the one with this number."""
    return tagged_hash(b"seed", gathered + number.to_bytes(8, "big"))


def end_block(overlay: Overlay, ctx: Context) -> None:
    """Count what the block brings, and turn epoch and era for the next one."""
    if ctx.engine in STAKING_ENGINES:
        for operator, slots in ctx.missed:
            count = missed_of(overlay, operator) + slots
            overlay.set(missed_key(operator), count.to_bytes(8, "big"))
        _gather(overlay, ctx)
    turn(overlay, ctx.genesis, ctx.params, height=ctx.height, time_ms=ctx.time_ms)


def turn(overlay: Overlay, genesis: Genesis, params: ChainParams, *, height: int, time_ms: int) -> None:
    """Open, continue or close an era of elected validators after the block at a height; 0: the genesis."""
    engine = engine_at(genesis, height + 1)
    epoch = epoch_of(overlay)
    if engine not in STAKING_ENGINES:
        if epoch is not None:
            for key in (epoch_key(), active_key(), upcoming_key(), seed_key()):
                overlay.set(key, None)
        return
    if height == 0 or engine_at(genesis, height) != engine or epoch is None:
        era = era_at(genesis, height + 1)
        place = genesis_hash_of(genesis) + era.to_bytes(8, "big") + time_ms.to_bytes(8, "big")
        elected = snapshot(overlay, engine, params)
        epoch = Epoch(era, height, time_ms, 0, height + 1, tagged_hash(b"first-seed", place))
        _start(overlay, engine, epoch, elected, elected)
    elif height + 1 == epoch.first_height + params.epoch_blocks:
        _next(overlay, engine, epoch, params)


def _next(overlay: Overlay, engine: str, epoch: Epoch, params: ChainParams) -> None:
    """Start the next epoch: the upcoming set rules, the present candidates make the one after it."""
    active = upcoming_validators(overlay)
    if active is None:
        raise Broken("data_damaged", "an epoch without an upcoming set")
    rank_list(overlay)
    upcoming = next_set(active, snapshot(overlay, engine, params), _punished(overlay, active))
    first_height = epoch.first_height + params.epoch_blocks
    number = epoch.number + 1
    gathered = _entropy(overlay)
    seed = seed_of_outputs(gathered, number) if engine == "pos" else seed_of_reveals(gathered, first_height)
    _start(
        overlay,
        engine,
        Epoch(epoch.era, epoch.era_height, epoch.era_time_ms, number, first_height, seed),
        active,
        upcoming,
    )


def _punished(reader: Reader, validators: ValidatorSet) -> tuple[bytes, ...]:
    """Return the operators of a set that are jailed."""
    found = (find_candidate(reader, validator.operator) for validator in validators.validators)
    return tuple(candidate.operator for candidate in found if candidate is not None and candidate.is_jailed)


def _start(overlay: Overlay, engine: str, epoch: Epoch, active: ValidatorSet, upcoming: ValidatorSet) -> None:
    overlay.set(epoch_key(), encode(epoch))
    overlay.set(active_key(), encode(active))
    overlay.set(upcoming_key(), encode(upcoming))
    gathered = epoch.seed if engine == "pos" else bytes(REVEAL_BYTES)
    overlay.set(seed_key(), encode(Entropy(gathered)))


def _entropy(reader: Reader) -> bytes:
    try:
        return _decode_entropy(reader.get(seed_key()) or b"").gathered
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"entropy: {error}") from error


def _gather(overlay: Overlay, ctx: Context) -> None:
    """Add the block's entropy to what the epoch has.

    pos takes the first two thirds of an epoch, so that the last leaders cannot choose among seeds. A reveal
    counts when it hashes to its producer's one before, of this epoch or the last (LIP-22, reveals.seed_of).
    """
    epoch = epoch_of(overlay)
    if epoch is None or not ctx.entropy:
        return
    gathered = _entropy(overlay)
    if ctx.engine == "pos":
        if 3 * (ctx.height - epoch.first_height) < 2 * ctx.params.epoch_blocks:
            output = tagged_hash(b"seed-entropy", gathered + ctx.entropy)
            overlay.set(seed_key(), encode(Entropy(output)))
        return
    if len(ctx.entropy) != REVEAL_BYTES:
        return
    last = last_reveal(overlay, ctx.proposer)
    overlay.set(reveal_key(ctx.proposer), encode(Revealed(ctx.height, ctx.proposer, ctx.entropy)))
    is_fresh = last is not None and last.height >= epoch.first_height - ctx.params.epoch_blocks
    if last is not None and is_fresh and is_valid_reveal(last.reveal, ctx.entropy):
        overlay.set(seed_key(), encode(Entropy(combined(gathered, ctx.entropy))))


def last_reveal(reader: Reader, operator: bytes) -> Revealed | None:
    """Return what an operator revealed last; raises Broken(`data_damaged`)."""
    value = reader.get(reveal_key(operator))
    try:
        return None if value is None else _decode_revealed(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"reveal: {error}") from error
