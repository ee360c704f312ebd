"""What an action on contracts and tokens must be before anybody looks at the state."""

from typing import Final, assert_never

from chaosnet.base.errors import Invalid, InvalidTransaction
from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.contracts import values
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.ops import ENGINES
from chaosnet.crypto.addresses import ADDRESS_BYTES, CONTRACT, KEY_ACCOUNT
from chaosnet.ledger.contracts.rights import check_change
from chaosnet.model.contract_actions import (
    CONTRACT_BYTES_MAX,
    COS,
    METHOD_BYTES_MAX,
    SENT_MAX,
    ApproveToken,
    BurnToken,
    Call,
    ChangeToken,
    ContractAction,
    ConvertToken,
    Deploy,
    IssueToken,
    SendToken,
    Sent,
)

_ID_BYTES: Final = 32
_LIST_FIRST: Final = (*range(0x90, 0xA0), 0xDC, 0xDD)
"""What the encoding of a list begins with."""


def check_contract_action(action: ContractAction) -> int:
    """Return the motes that an action can take from its sender, fees apart.

    Raises InvalidTransaction: `bad_argument`, `bad_address`, `too_large`.
    """
    match action:
        case Deploy():
            return _check_deploy(action)
        case Call():
            return _check_call(action)
        case SendToken():
            _check_token(action.token, action.to, action.amount)
            if action.owner:
                _check_address(action.owner)
        case ApproveToken():
            _check_token(action.token, action.spender)
            _check_numbers(action.expected, action.amount, action.expiry)
        case BurnToken():
            _check_token(action.token, amount=action.amount)
            return 0
        case IssueToken():
            _check_token(action.token, action.to, action.amount)
        case ChangeToken():
            _check_change(action)
        case ConvertToken():
            _check_token(action.token, amount=action.amount)
            _check_numbers(action.min_out, action.expiry)
        case _:
            assert_never(action)
    _check_numbers(action.deposit_max)
    return action.deposit_max + _motes_of(action)


def _motes_of(action: ContractAction) -> int:
    """Return the motes that an action on a token gives away."""
    if isinstance(action, ConvertToken) and not action.is_back:
        return action.amount
    return action.amount if isinstance(action, ChangeToken) and action.change == "fund" else 0


def _check_deploy(action: Deploy) -> int:
    if action.engine not in ENGINES:
        raise InvalidTransaction("bad_argument", f"an engine is one of {', '.join(ENGINES)}")
    if not 1 <= len(action.source) <= CONTRACT_BYTES_MAX:
        raise InvalidTransaction("too_large", f"source of 1 to {CONTRACT_BYTES_MAX} bytes")
    try:
        action.source.decode()
    except UnicodeDecodeError as error:
        raise InvalidTransaction("bad_argument", "a source is text in UTF-8") from error
    _check_args(action.args)
    _check_numbers(action.sent, action.deposit_max)
    return action.sent + action.deposit_max


def _check_call(action: Call) -> int:
    if len(action.contract) != ADDRESS_BYTES or action.contract[0] != CONTRACT:
        raise InvalidTransaction("bad_address", "not of a contract")
    if not 1 <= len(action.method.encode()) <= METHOD_BYTES_MAX:
        raise InvalidTransaction("bad_argument", f"a method's name has 1 to {METHOD_BYTES_MAX} bytes")
    _check_args(action.args)
    _check_sent(action.sent)
    _check_numbers(action.deposit_max)
    return action.deposit_max + sum(amount for asset, amount in action.sent if asset == COS)


def _check_sent(sent: Sent) -> None:
    if len(sent) > SENT_MAX:
        raise InvalidTransaction("too_large", f"over {SENT_MAX} assets")
    assets = [asset for asset, _ in sent]
    if assets != sorted(dict.fromkeys(assets)):
        raise InvalidTransaction("bad_argument", "assets stand in ascending order, each once")
    for asset, amount in sent:
        if len(asset) not in (len(COS), _ID_BYTES):
            raise InvalidTransaction("bad_argument", "an asset is COS or the id of a token")
        _check_amount(amount)


def _check_args(args: bytes) -> None:
    try:
        values.decode(args)
    except Invalid as error:
        code = "too_large" if error.code == "too_large" else "bad_argument"
        raise InvalidTransaction(code, f"arguments: {error.detail or error.code}") from error
    if args[0] not in _LIST_FIRST:
        raise InvalidTransaction("bad_argument", "arguments are a list")


def _check_change(action: ChangeToken) -> None:
    _check_token(action.token)
    for address in (action.subject, action.to):
        if address:
            _check_address(address)
    _check_numbers(action.amount)
    try:
        check_change(action)
    except GuestFault as fault:
        raise InvalidTransaction("bad_argument", fault.text) from fault


def _check_token(token: bytes, address: bytes | None = None, amount: int | None = None) -> None:
    if len(token) != _ID_BYTES:
        raise InvalidTransaction("bad_argument", "the id of a token has 32 bytes")
    if address is not None:
        _check_address(address)
    if amount is not None:
        _check_amount(amount)


def _check_address(address: bytes) -> None:
    if len(address) != ADDRESS_BYTES or address[0] not in (KEY_ACCOUNT, CONTRACT):
        raise InvalidTransaction("bad_address")


def _check_amount(amount: int) -> None:
    if not 1 <= amount <= AMOUNT_MAX:
        raise InvalidTransaction("bad_argument", f"amount {amount}")


def _check_numbers(*numbers: int) -> None:
    if not all(0 <= number <= AMOUNT_MAX for number in numbers):
        raise InvalidTransaction("bad_argument", "a number is out of range")
