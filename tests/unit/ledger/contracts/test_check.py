"""The shape of actions on contracts and tokens, before the state is looked at."""

import pytest

from chaosnet.base.errors import InvalidTransaction
from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.contracts.values import encode
from chaosnet.ledger.contracts.check import check_contract_action
from chaosnet.model.contract_actions import (
    CONTRACT_BYTES_MAX,
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

C, A, M = b"\x01" + bytes(32), b"\x00" + bytes(32), b"\x02" + bytes(32)
T = bytes(32)
NONE = b"\x90"


@pytest.mark.parametrize(
    "action, motes",
    [
        (Deploy("lua/1", b"x", NONE, 3, 5), 8),
        (Deploy("js/1", b"x" * CONTRACT_BYTES_MAX, encode([1]), 0, 0), 0),
        (Call(C, "m", NONE, ((b"", 7), (T, 9)), 5), 12),
        (Call(C, "m", encode(list(range(200))), (), 0), 0),
        (SendToken(T, b"", A, 1, 5), 5),
        (SendToken(T, A, C, 1, 5), 5),
        (ApproveToken(T, C, 0, 0, 0, 5), 5),
        (BurnToken(T, AMOUNT_MAX), 0),
        (IssueToken(T, C, 1, 5), 5),
        (ChangeToken(T, "fund", "", b"", b"", 7, 5), 12),
        (ChangeToken(T, "withdraw", "", b"", A, 7, 5), 5),
        (ConvertToken(T, 7, 0, 1, 5, False), 12),
        (ConvertToken(T, 7, 0, 1, 5, True), 5),
    ],
)
def test_what_an_action_can_take_from_its_sender(action: ContractAction, motes: int) -> None:
    assert check_contract_action(action) == motes


@pytest.mark.parametrize(
    "action, code",
    [
        (Deploy("lua/2", b"x", NONE, 0, 0), "bad_argument"),
        (Deploy("lua/1", b"", NONE, 0, 0), "too_large"),
        (Deploy("lua/1", b"-- \xff", NONE, 0, 0), "bad_argument"),
        (Deploy("lua/1", b"x" * (CONTRACT_BYTES_MAX + 1), NONE, 0, 0), "too_large"),
        (Deploy("lua/1", b"x", b"", 0, 0), "bad_argument"),
        (Deploy("lua/1", b"x", b"\x01", 0, 0), "bad_argument"),
        (Deploy("lua/1", b"x", b"\xdc\x00\x00", 0, 0), "bad_argument"),
        (Deploy("lua/1", b"x", NONE, -1, 0), "bad_argument"),
        (Deploy("lua/1", b"x", NONE, 0, AMOUNT_MAX + 1), "bad_argument"),
        (Call(A, "m", NONE, (), 0), "bad_address"),
        (Call(C[:-1], "m", NONE, (), 0), "bad_address"),
        (Call(C, "", NONE, (), 0), "bad_argument"),
        (Call(C, "m" * 65, NONE, (), 0), "bad_argument"),
        (Call(C, "m", encode(["x" * 16_000]) + b"x" * 1_000, (), 0), "too_large"),
        (Call(C, "m", NONE, ((T, 1), (b"", 1)), 0), "bad_argument"),
        (Call(C, "m", NONE, ((T, 1), (T, 1)), 0), "bad_argument"),
        (Call(C, "m", NONE, ((b"short", 1),), 0), "bad_argument"),
        (Call(C, "m", NONE, ((b"", 0),), 0), "bad_argument"),
        (Call(C, "m", NONE, tuple((bytes([i]) * 32, 1) for i in range(9)), 0), "too_large"),
        (SendToken(T, b"", M, 1, 0), "bad_address"),
        (SendToken(T, b"x", A, 1, 0), "bad_address"),
        (SendToken(T[1:], b"", A, 1, 0), "bad_argument"),
        (SendToken(T, b"", A, 0, 0), "bad_argument"),
        (SendToken(T, b"", A, 1, -1), "bad_argument"),
        (ApproveToken(T, M, 0, 0, 0, 0), "bad_address"),
        (ApproveToken(T, A, -1, 0, 0, 0), "bad_argument"),
        (BurnToken(T, AMOUNT_MAX + 1), "bad_argument"),
        (IssueToken(T, M, 1, 0), "bad_address"),
        (ChangeToken(T, "pause", "issue", b"", b"", 0, 0), "bad_argument"),
        (ChangeToken(T, "freeze", "", M, b"", 0, 0), "bad_address"),
        (ChangeToken(T, "fund", "", b"", b"", -1, 0), "bad_argument"),
        (ConvertToken(T, 0, 0, 0, 0, False), "bad_argument"),
        (ConvertToken(T, 1, -1, 0, 0, False), "bad_argument"),
    ],
)
def test_malformed_actions_are_refused(action: ContractAction, code: str) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        check_contract_action(action)
    assert caught.value.code == code
