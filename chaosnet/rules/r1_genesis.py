"""Rule set 1: the rules every network starts with.

All actions but deployments and calls have a fixed price: without those a transaction uses exactly its
intrinsic gas, whether it succeeds or not. What a contract uses comes on top, as fuel (contracts/ops.py).
A plain transfer costs 21,000: 4,761 of them fill a block of 100,000,000 gas. The other prices keep a full
block of anything below half a second of one core.
"""

from typing import Final, assert_never

from chaosnet.model.contract_actions import (
    ApproveToken,
    BurnToken,
    Call,
    ChangeToken,
    ContractAction,
    ConvertToken,
    Deploy,
    IssueToken,
    SendToken,
)
from chaosnet.model.transaction import (
    Accuse,
    Action,
    Delegate,
    Redelegate,
    Register,
    SetPolicy,
    SignedTx,
    Transfer,
    Undelegate,
    Unjail,
    Withdraw,
)
from chaosnet.rules.ruleset import GasPrices, RuleSet


def intrinsic_gas(gas: GasPrices, signed: SignedTx) -> int:
    """Return the gas of a transaction's bytes, signatures and actions."""
    tx = signed.tx
    signatures = len(tx.witness.signatures)
    if tx.payer_witness is not None:
        signatures += len(tx.payer_witness.signatures)
    used = gas.tx_base + signatures * gas.per_signature
    extra_bytes = len(signed.raw) - gas.bytes_free
    if extra_bytes > 0:
        used += extra_bytes * gas.per_byte
    return used + sum(action_gas(gas, action) for action in tx.body.actions)


def action_gas(gas: GasPrices, action: Action) -> int:
    """Return the gas of one action, whatever it finds in the state."""
    match action:
        case Transfer():
            return gas.transfer
        case SetPolicy():
            return gas.set_policy + gas.policy_key * len(action.policy.keys)
        case Accuse():
            return gas.accuse
        case Register():
            return gas.register
        case Delegate():
            return gas.delegate
        case Undelegate():
            return gas.undelegate
        case Redelegate():
            return gas.redelegate
        case Withdraw():
            return gas.withdraw
        case Unjail():
            return gas.unjail
        case _:
            return contract_action_gas(gas, action)


def contract_action_gas(gas: GasPrices, action: ContractAction) -> int:
    """Return the gas that an action on contracts or tokens needs before anything runs."""
    match action:
        case Deploy():
            return gas.deploy
        case Call():
            return gas.call
        case SendToken():
            return gas.send_token
        case ApproveToken():
            return gas.approve_token
        case BurnToken():
            return gas.burn_token
        case IssueToken():
            return gas.issue_token
        case ChangeToken():
            return gas.change_token
        case ConvertToken():
            return gas.convert_token
        case _:
            assert_never(action)


RULES: Final = RuleSet(
    number=1,
    gas=GasPrices(
        tx_base=10_000,
        bytes_free=384,
        per_byte=16,
        per_signature=6_000,
        transfer=5_000,
        set_policy=5_000,
        policy_key=500,
        accuse=25_000,
        register=50_000,
        delegate=30_000,
        undelegate=30_000,
        redelegate=50_000,
        withdraw=20_000,
        unjail=10_000,
        deploy=500_000,
        call=5_000,
        send_token=50_000,
        approve_token=30_000,
        burn_token=30_000,
        issue_token=50_000,
        change_token=40_000,
        convert_token=60_000,
        fuel_per_gas=50,
    ),
    intrinsic_gas=intrinsic_gas,
)
