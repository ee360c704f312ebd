"""What each action does to the state, contracts and tokens apart.

A failure is an Invalid with the code that the receipt will carry.
"""

from typing import assert_never

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Invalid
from chaosnet.ledger.accounts import Account, credit, debit
from chaosnet.ledger.candidates import find_candidate, register
from chaosnet.ledger.context import Context
from chaosnet.ledger.exits import punish
from chaosnet.ledger.key_owners import operator_of_signer
from chaosnet.ledger.keys import evidence_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.staking import delegate, redelegate, undelegate, unjail, withdraw
from chaosnet.model import evidence as proofs
from chaosnet.model.genesis import STAKING_ENGINES, engine_at
from chaosnet.model.policy import policy_hash
from chaosnet.model.transaction import (
    Accuse,
    Delegate,
    PlainAction,
    Redelegate,
    Register,
    SetPolicy,
    Transfer,
    Undelegate,
    Unjail,
    Withdraw,
)


class Offence(Record, tag=1):
    """Record of a proven double signature; the proof itself is in the transaction."""

    operator: bytes
    """Member or candidate whose key signed twice."""
    accuser: bytes
    """Sender of the accusation."""
    recorded: int
    """Height of the block that records it."""


def apply_action(overlay: Overlay, sender: bytes, action: PlainAction, ctx: Context) -> None:
    """Apply one action of a sender; raises Invalid with the code of the failure."""
    match action:
        case Transfer():
            _transfer(overlay, sender, action, ctx)
        case SetPolicy():
            account = overlay.account(sender)
            new = policy_hash(action.policy)
            overlay.set_account(sender, Account(account.nonce, account.balance, new, account.locks))
        case Accuse():
            _accuse(overlay, sender, action, ctx)
        case Register():
            register(overlay, sender, action, ctx)
        case Delegate():
            delegate(overlay, sender, action, ctx)
        case Undelegate():
            undelegate(overlay, sender, action, ctx)
        case Redelegate():
            redelegate(overlay, sender, action, ctx)
        case Withdraw():
            withdraw(overlay, sender, action, ctx)
        case Unjail():
            unjail(overlay, sender, ctx)
        case _:
            assert_never(action)


def _transfer(overlay: Overlay, sender: bytes, transfer: Transfer, ctx: Context) -> None:
    """Move coins, to oneself too; the funds were checked before the fee was taken."""
    account = overlay.account(sender)
    t0_ms, now_ms = ctx.genesis.time_ms, ctx.parent_time_ms
    overlay.set_account(sender, debit(account, transfer.amount, t0_ms, now_ms))
    overlay.set_account(transfer.to, credit(overlay.account(transfer.to), transfer.amount))


def _accuse(overlay: Overlay, accuser: bytes, accuse: Accuse, ctx: Context) -> None:
    """Record a double signature, and punish it where coins are bonded for that: under the staking engines.

    Raises `bad_evidence` or `evidence_known`.
    """
    signer, era, height = proofs.evidence_key(accuse.evidence)
    if not (1 <= height <= ctx.height and 0 <= era <= ctx.era):
        raise Invalid("bad_evidence", "not of a block of this chain")
    if ctx.height - height >= ctx.params.evidence_age:
        raise Invalid("bad_evidence", "too old")
    operator = operator_of_signer(overlay, signer, ctx.height)
    if operator is None:
        raise Invalid("bad_evidence", "not the key of a member or a candidate")
    key = evidence_key(signer, era, height)
    if overlay.get(key) is not None:
        raise Invalid("evidence_known")
    proofs.check_evidence(ctx.genesis_hash, accuse.evidence)
    overlay.set(key, encode(Offence(operator, accuser, ctx.height)))
    candidate = find_candidate(overlay, operator)
    if candidate is not None and engine_at(ctx.genesis, height) in STAKING_ENGINES:
        punish(overlay, candidate, height, ctx)
