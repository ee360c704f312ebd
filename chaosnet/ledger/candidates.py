"""Candidates: operators that stand for election as validators, and the coins bonded to each.

Bonded coins are held by the account of the chain itself, STAKING_POOL, so the accounts still add up to the
supply. A candidate has `tokens` motes, owned in `shares`: fees and punishments change tokens only.
"""

from bisect import bisect_left
from typing import Final

import msgspec
from msgspec.structs import replace

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken, Invalid
from chaosnet.base.units import Address
from chaosnet.crypto.addresses import MODULE
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.signing import is_valid
from chaosnet.ledger.accounts import credit, debit
from chaosnet.ledger.context import Context, Reader
from chaosnet.ledger.key_owners import (
    CONSENSUS,
    NODE,
    VRF,
    KeyOwner,
    claim_key,
    find_owner,
    forget_key,
    keys_of_member,
    retire_key,
)
from chaosnet.ledger.keys import candidate_key, candidates_key
from chaosnet.ledger.members import find_member
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.transaction import Register, possession_digest

STAKING_POOL: Final = Address(bytes((MODULE,)) + tagged_hash(b"module", b"staking"))
"""Account that holds all bonded and unbonding coins: no key can spend it."""

CANDIDATES_MAX: Final = 1_024
"""Candidates with at least stake_min that are listed; who is not listed cannot be elected."""
LEAST_KEPT: Final = 16
FORMER_KEYS_MAX: Final = 16
"""Punishable former consensus keys of one candidate."""


class FormerKey(Record):
    """A consensus key that a candidate used before."""

    key: bytes
    until: int
    """Last height at which it can be accused."""


class Candidate(Record, tag=1):
    """An operator that stands for election."""

    operator: bytes
    consensus_key: bytes
    vrf_key: bytes
    node_key: bytes
    commission_permille: int
    tokens: int = 0
    """Motes bonded to it."""
    shares: int = 0
    """Sum of the shares of all delegations; 0 exactly when nobody has any."""
    is_jailed: bool = False
    """Punished: not elected until the operator asks back."""
    jailed_until: int = 0
    """Height from which it may ask."""
    is_listed: bool = False
    former_keys: tuple[FormerKey, ...] = ()
    exits: tuple[int, ...] = ()
    """First heights of the spans in which coins left it that can still be punished; see `exits`."""


class CandidateList(Record, tag=1):
    """Who can be elected."""

    operators: tuple[bytes, ...] = ()
    """In ascending order."""
    least: tuple[bytes, ...] = ()
    """Of a full list: who had the fewest coins at the epoch's start, or took a last place since then. Who has
    the fewest of these gives way to more coins.
    """


_decode = msgspec.msgpack.Decoder(Candidate).decode
_decode_list = msgspec.msgpack.Decoder(CandidateList).decode


def find_candidate(reader: Reader, operator: bytes) -> Candidate | None:
    """Return the candidate with this operator account, or None; raises Broken(`data_damaged`)."""
    value = reader.get(candidate_key(operator))
    try:
        return None if value is None else _decode(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"candidate: {error}") from error


def known_candidate(reader: Reader, operator: bytes) -> Candidate:
    """Return the candidate with this operator account; raises Invalid(`not_a_candidate`)."""
    candidate = find_candidate(reader, operator)
    if candidate is None:
        raise Invalid("not_a_candidate")
    return candidate


def candidates_of(reader: Reader) -> tuple[Candidate, ...]:
    """Return all listed candidates, jailed ones too, in ascending operator order."""
    found = (find_candidate(reader, operator) for operator in _list_of(reader).operators)
    return tuple(candidate for candidate in found if candidate is not None)


def store_candidate(overlay: Overlay, candidate: Candidate, stake_min: int) -> None:
    """Write a candidate's record, and list it exactly while it has enough coins and there is a place."""
    wants = candidate.tokens >= stake_min
    if candidate.is_listed and not wants:
        overlay.set(candidates_key(), encode(_without(_list_of(overlay), candidate.operator)))
        candidate = replace(candidate, is_listed=False)
    elif wants and not candidate.is_listed:
        known = _with_room(overlay, _list_of(overlay), candidate.tokens)
        if len(known.operators) < CANDIDATES_MAX:
            overlay.set(candidates_key(), encode(_with(known, candidate.operator)))
            candidate = replace(candidate, is_listed=True)
    overlay.set(candidate_key(candidate.operator), encode(candidate))


def rank_list(overlay: Overlay) -> None:
    """Note who has the fewest coins when the list is full: once an epoch, since it reads all of them."""
    known = _list_of(overlay)
    least: tuple[bytes, ...] = ()
    if len(known.operators) >= CANDIDATES_MAX:
        ranked = sorted(candidates_of(overlay), key=lambda c: (c.tokens, c.operator))
        least = tuple(c.operator for c in ranked[:LEAST_KEPT])
    if least != known.least:
        overlay.set(candidates_key(), encode(CandidateList(known.operators, least)))


def register(overlay: Overlay, operator: bytes, action: Register, ctx: Context) -> None:
    """Make an account a candidate, or change a candidate's keys and commission from the next set on.

    Raises Invalid: `key_taken`, `key_unproven`, `too_large` for too many rotations within the age of
    evidence.
    """
    before = find_candidate(overlay, operator)
    _check_possession(overlay, operator, action, ctx)
    new = {action.consensus_key: CONSENSUS, action.node_key: NODE}
    if action.vrf_key:
        new[action.vrf_key] = VRF
    for key, purpose in new.items():
        claim_key(overlay, key, KeyOwner(operator, purpose), ctx.height)
    fresh = Candidate(
        operator, action.consensus_key, action.vrf_key, action.node_key, action.commission_permille
    )
    if before is None:
        store_candidate(overlay, fresh, ctx.params.stake_min)
        return
    former = _retired(overlay, before, new, ctx)
    if len(former) > FORMER_KEYS_MAX:
        raise Invalid("too_large", "too many former keys that can still be punished")
    changed = replace(
        before,
        consensus_key=fresh.consensus_key,
        vrf_key=fresh.vrf_key,
        node_key=fresh.node_key,
        commission_permille=fresh.commission_permille,
        former_keys=former,
    )
    store_candidate(overlay, changed, ctx.params.stake_min)


def _check_possession(overlay: Overlay, operator: bytes, action: Register, ctx: Context) -> None:
    """Raise Invalid(`key_unproven`) unless each key that is not the operator's yet has signed."""
    digest = possession_digest(ctx.genesis_hash, operator, action)
    keys = ((action.consensus_key, CONSENSUS), (action.vrf_key, VRF), (action.node_key, NODE))
    for (key, purpose), proof in zip(keys, action.proofs, strict=True):
        if not key or (not proof and find_owner(overlay, key) == KeyOwner(operator, purpose)):
            continue
        if not is_valid(key, digest, proof):
            raise Invalid("key_unproven")


def pay_in(overlay: Overlay, source: bytes, motes: int, ctx: Context) -> None:
    """Move coins from an account into the pool; the funds were checked before the fee was taken."""
    account = overlay.account(source)
    overlay.set_account(source, debit(account, motes, ctx.genesis.time_ms, ctx.parent_time_ms))
    overlay.set_account(STAKING_POOL, credit(overlay.account(STAKING_POOL), motes))


def pay_out(overlay: Overlay, to: bytes, motes: int) -> None:
    """Move coins from the pool to an account."""
    if motes:
        overlay.set_account(STAKING_POOL, debit(overlay.account(STAKING_POOL), motes, 0, 0))
        overlay.set_account(to, credit(overlay.account(to), motes))


def _retired(
    overlay: Overlay, before: Candidate, new: dict[bytes, int], ctx: Context
) -> tuple[FormerKey, ...]:
    """Take the keys that are not used any more out of use; return the punishable ones.

    Keys of the same operator's membership stay its own: it may be elected by them again.
    """
    former = []
    for old in before.former_keys:
        if old.until < ctx.height:
            forget_key(overlay, old.key)
        else:
            former.append(old)
    member = find_member(overlay, before.operator)
    kept = dict(keys_of_member(member)) if member else {}
    pairs = ((before.consensus_key, CONSENSUS), (before.vrf_key, VRF), (before.node_key, NODE))
    for key, purpose in pairs:
        if key and key not in new and key not in kept:
            until = retire_key(overlay, key, KeyOwner(before.operator, purpose), ctx)
            if until:
                former.append(FormerKey(key, until))
    return tuple(former)


def _with_room(overlay: Overlay, known: CandidateList, tokens: int) -> CandidateList:
    """Unlist who has the fewest coins among the least of a full list, if somebody brings more."""
    if len(known.operators) < CANDIDATES_MAX or not known.least:
        return known
    least = min((known_candidate(overlay, o) for o in known.least), key=lambda c: (c.tokens, c.operator))
    if least.tokens >= tokens:
        return known
    overlay.set(candidate_key(least.operator), encode(replace(least, is_listed=False)))
    return _without(known, least.operator)


def _without(known: CandidateList, operator: bytes) -> CandidateList:
    """Return the list without an operator that may be in it."""
    return CandidateList(
        tuple(o for o in known.operators if o != operator), tuple(o for o in known.least if o != operator)
    )


def _with(known: CandidateList, operator: bytes) -> CandidateList:
    """Return the list with one more operator.

    Who takes the last place gives way like the one before: else a few cheap candidates that take each other's
    places would use up the least of an epoch, and nobody could come in before the next.
    """
    at = bisect_left(known.operators, operator)
    operators = (*known.operators[:at], operator, *known.operators[at:])
    is_least = len(operators) >= CANDIDATES_MAX and len(known.least) < LEAST_KEPT
    return CandidateList(operators, (*known.least, operator) if is_least else known.least)


def _list_of(reader: Reader) -> CandidateList:
    value = reader.get(candidates_key())
    try:
        return CandidateList() if value is None else _decode_list(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"candidates: {error}") from error
