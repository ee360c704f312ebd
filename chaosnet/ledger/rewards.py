"""Rewards: the fees of a block, nothing else, since no coin is ever issued (protocol: Transactions and fees).

Under staking engines the operator keeps its commission and the rest raises what the shares of its delegators
are worth. Under the others the proposer's operator account receives each fee as it is paid.
"""

from msgspec.structs import replace

from chaosnet.ledger.candidates import STAKING_POOL, find_candidate, pay_out, store_candidate
from chaosnet.ledger.context import Context
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.genesis import STAKING_ENGINES


def fee_account(ctx: Context) -> bytes:
    """Return the account that fees go to while the block is executed."""
    return STAKING_POOL if ctx.engine in STAKING_ENGINES else ctx.proposer


def share_fees(overlay: Overlay, ctx: Context, fees: int) -> None:
    """Divide a block's fees, in motes, that `fee_account` has received.

    A proposer without bonded coins keeps all of them.
    """
    if fees == 0 or ctx.engine not in STAKING_ENGINES:
        return
    candidate = find_candidate(overlay, ctx.proposer)
    if candidate is None or candidate.tokens == 0:
        pay_out(overlay, ctx.proposer, fees)
        return
    commission = fees * candidate.commission_permille // 1_000
    pay_out(overlay, ctx.proposer, commission)
    raised = replace(candidate, tokens=candidate.tokens + fees - commission)
    store_candidate(overlay, raised, ctx.params.stake_min)
