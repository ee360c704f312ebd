"""What each action does to the state. A failure is an Invalid with the code that the receipt will carry."""

from typing import assert_never

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Invalid
from chaosnet.ledger.accounts import Account, credit, debit
from chaosnet.ledger.context import Context
from chaosnet.ledger.keys import evidence_key
from chaosnet.ledger.members import member_with_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model import evidence as proofs
from chaosnet.model.policy import policy_hash
from chaosnet.model.transaction import Accuse, Action, SetPolicy, Transfer


class Offence(Record, tag=1):
    """Record of a proven double signature; the proof itself is in the transaction."""

    operator: bytes
    """Member whose key signed twice."""
    accuser: bytes
    """Sender of the accusation."""
    recorded: int
    """Height of the block that records it."""


def apply_action(overlay: Overlay, sender: bytes, action: Action, ctx: Context) -> None:
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
        case _:
            assert_never(action)


def _transfer(overlay: Overlay, sender: bytes, transfer: Transfer, ctx: Context) -> None:
    """Move coins, to oneself too; the funds were checked before the fee was taken."""
    account = overlay.account(sender)
    t0_ms, now_ms = ctx.genesis.time_ms, ctx.parent_time_ms
    overlay.set_account(sender, debit(account, transfer.amount, t0_ms, now_ms))
    overlay.set_account(transfer.to, credit(overlay.account(transfer.to), transfer.amount))


def _accuse(overlay: Overlay, accuser: bytes, accuse: Accuse, ctx: Context) -> None:
    """Record a double signature of a present member; raises `bad_evidence` or `evidence_known`."""
    signer, era, height = proofs.evidence_key(accuse.evidence)
    if not (1 <= height <= ctx.height and 0 <= era <= ctx.era):
        raise Invalid("bad_evidence", "not of a block of this chain")
    if ctx.height - height >= ctx.params.evidence_age:
        raise Invalid("bad_evidence", "too old")
    member = member_with_key(overlay, signer)
    if member is None:
        raise Invalid("bad_evidence", "not the key of a member")
    key = evidence_key(signer, era, height)
    if overlay.get(key) is not None:
        raise Invalid("evidence_known")
    proofs.check_evidence(ctx.genesis_hash, accuse.evidence)
    overlay.set(key, encode(Offence(member.operator, accuser, ctx.height)))
