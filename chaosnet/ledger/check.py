"""Whether a transaction may be in the next block, as far as that needs the state but no signature.

The order is that of the protocol (Transactions and fees): everything here is decided before a signature is
verified. Size, canonical form and shape were checked when the bytes were decoded.
"""

from chaosnet.base.errors import InvalidTransaction
from chaosnet.base.limits import AMOUNT_MAX, ANCHOR_AGE_MAX, EXPIRY_AHEAD_MAX
from chaosnet.ledger.accounts import Account, spendable, total
from chaosnet.ledger.context import Context
from chaosnet.ledger.contracts.check import check_contract_action
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.model.policy import check_policy, policy_hash
from chaosnet.model.transaction import (
    Accuse,
    Action,
    Delegate,
    Redelegate,
    Register,
    SetPolicy,
    SignedTx,
    Transfer,
    TxBody,
    Undelegate,
    Unjail,
    Withdraw,
    check_account_address,
)


def check_against_state(
    view: Overlay,
    signed: SignedTx,
    ctx: Context,
    *,
    nonce_ahead: int = 0,
    sender_pending: int = 0,
    payer_pending: int = 0,
) -> int:
    """Return the transaction's intrinsic gas; raise InvalidTransaction unless it may be in this block.

    The mempool allows nonces up to `nonce_ahead` above the account's, and counts what pending ones may take
    from the sender (amounts, and fees where there is no payer) and from the payer, in motes.

    Codes in order: `wrong_network`, `no_contracts`, `bad_anchor`, `expired`, `expiry_too_far`, `bad_policy`,
    `nonce_too_low`, `nonce_too_high`, `gas_limit`, `not_enough` or `locked` for the fee, `bad_address`,
    `bad_argument`, `bad_policy`, `too_large`, `not_enough` or `locked` for all, `price_too_low`.
    """
    body = signed.body
    if body.genesis != ctx.genesis_hash:
        raise InvalidTransaction("wrong_network")
    if ctx.machine is None and any(isinstance(action, Deploy | Call) for action in body.actions):
        raise InvalidTransaction("no_contracts")
    _check_heights(body, ctx)
    sender = view.account(body.sender)
    _check_policy(body.sender, sender, signed.policy_hash)
    payer = None
    if body.payer is not None and signed.tx.payer_witness is not None:
        payer = view.account(body.payer)
        _check_policy(body.payer, payer, policy_hash(signed.tx.payer_witness.policy))
    if body.nonce < sender.nonce:
        raise InvalidTransaction("nonce_too_low", f"{body.nonce}, the next is {sender.nonce}")
    if body.nonce > sender.nonce + nonce_ahead:
        raise InvalidTransaction("nonce_too_high", f"{body.nonce}, the next is {sender.nonce}")
    gas = ctx.rules.gas_of(signed)
    if not gas <= body.gas_limit <= ctx.params.block_gas_max:
        raise InvalidTransaction(
            "gas_limit", f"{body.gas_limit}, needs {gas}, at most {ctx.params.block_gas_max}"
        )
    if payer is None:
        _check_funds(sender, signed.cost_max + sender_pending, ctx)
    else:
        _check_funds(payer, signed.cost_max + payer_pending, ctx)
    amounts = amounts_of(signed)  # looks at all that the actions hold: only for who can pay the fee
    _check_funds(sender, amounts + sender_pending + (signed.cost_max if payer is None else 0), ctx)
    if body.gas_price < ctx.params.gas_price_min:
        raise InvalidTransaction("price_too_low", f"{body.gas_price}, at least {ctx.params.gas_price_min}")
    return gas


def amounts_of(signed: SignedTx) -> int:
    """Return the same as `check_actions` of a transaction, looking at it only once."""
    if signed.amounts is None:
        signed.amounts = check_actions(signed.body.actions)
    return signed.amounts


def check_actions(actions: tuple[Action, ...]) -> int:
    """Return the motes that transfers, new bonds, calls and deposits can take from the sender.

    Raises InvalidTransaction unless every action is well-formed. Coins can go to key accounts only: nothing
    else can spend them under rule set 1.
    """
    return sum(_check_action(action) for action in actions)


def _check_action(action: Action) -> int:
    """Return the motes that an action takes from the sender; raise InvalidTransaction if it is malformed."""
    match action:
        case Transfer():
            check_account_address(action.to)
            _check_amount(action.amount)
            return action.amount
        case Delegate():
            check_account_address(action.operator)
            _check_amount(action.amount)
            return action.amount
        case Undelegate() | Redelegate():
            check_account_address(action.operator)
            _check_amount(action.amount)
            if isinstance(action, Redelegate):
                check_account_address(action.to)
                if action.to == action.operator:
                    raise InvalidTransaction("bad_argument", "moving coins to where they are")
        case Withdraw():
            check_account_address(action.operator)
        case SetPolicy():
            check_policy(action.policy)
        case Register():
            _check_register(action)
        case Accuse() | Unjail():
            pass
        case _:
            return check_contract_action(action)
    return 0


def _check_amount(motes: int) -> None:
    if not 1 <= motes <= AMOUNT_MAX:
        raise InvalidTransaction("bad_argument", f"amount {motes}")


def _check_register(register: Register) -> None:
    """Raise `bad_argument` unless keys have 32 bytes and one purpose each, and the commission is a part."""
    keys = [key for key in (register.consensus_key, register.node_key, register.vrf_key) if key]
    lengths = len(register.consensus_key), len(register.node_key), len(register.vrf_key)
    if lengths not in ((32, 32, 32), (32, 32, 0)):
        raise InvalidTransaction("bad_argument", "a key has 32 bytes")
    if any(len(proof) not in (0, 64) for proof in register.proofs):
        raise InvalidTransaction("bad_argument", "a signature has 64 bytes")
    if len(dict.fromkeys(keys)) != len(keys):
        raise InvalidTransaction("bad_argument", "every key has one purpose")
    if not 0 <= register.commission_permille <= 1_000:
        raise InvalidTransaction("bad_argument", f"commission {register.commission_permille} permille")


def _check_heights(body: TxBody, ctx: Context) -> None:
    """Raise `bad_anchor`, `expired` or `expiry_too_far`."""
    anchor = body.anchor_height
    if anchor == 0:
        # offline signing: the genesis itself is an anchor of any age
        is_known = body.anchor_prefix == ctx.genesis_hash[:8]
    else:
        is_known = ctx.height - ANCHOR_AGE_MAX <= anchor < ctx.height and ctx.anchor_ok(
            anchor, body.anchor_prefix
        )
    if not is_known:
        raise InvalidTransaction("bad_anchor", f"height {anchor}")
    if body.expiry < ctx.height:
        raise InvalidTransaction("expired", f"height {body.expiry}, now {ctx.height}")
    if body.expiry > ctx.height + EXPIRY_AHEAD_MAX:
        raise InvalidTransaction("expiry_too_far", f"height {body.expiry}, now {ctx.height}")


def _check_policy(address: bytes, account: Account, shown: bytes) -> None:
    """Raise `bad_policy` unless this policy speaks for the account: the one set last, or else the initial."""
    if shown != (account.policy_hash or address[1:]):
        raise InvalidTransaction("bad_policy", "not the key policy of the account")


def _check_funds(account: Account, motes: int, ctx: Context) -> None:
    """Raise `not_enough` or `locked` unless the account can spend so much."""
    free = spendable(account, ctx.genesis.time_ms, ctx.parent_time_ms)
    if motes > free:
        code = "locked" if motes <= total(account) else "not_enough"
        raise InvalidTransaction(code, f"needs {motes} motes, {free} can be spent")
