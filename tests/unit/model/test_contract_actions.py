"""The bytes of actions on contracts and tokens never change."""

import pytest

from chaosnet.base.codec import encode
from chaosnet.model.contract_actions import (
    COS,
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

T, A = b"t" * 32, b"\x01" + b"a" * 32
ID, ADDRESS = "c420" + "74" * 32, "c42101" + "61" * 32


@pytest.mark.parametrize(
    "action, expected",
    [
        (Deploy("lua/1", b"x", b"\x90", 0, 5), "960aa56c75612f31" + "c40178" + "c40190" + "0005"),
        (
            Call(A, "m", b"\x90", ((COS, 1), (T, 2)), 5),
            f"960b{ADDRESS}a16dc40190" + "92" + "92c40001" + f"92{ID}02" + "05",
        ),
        (SendToken(T, b"", A, 1, 5), f"960c{ID}c400{ADDRESS}0105"),
        (ApproveToken(T, A, 1, 2, 3, 5), f"970d{ID}{ADDRESS}01020305"),
        (BurnToken(T, 1), f"930e{ID}01"),
        (IssueToken(T, A, 1, 5), f"950f{ID}{ADDRESS}0105"),
        (ChangeToken(T, "pause", "", b"", b"", 0, 5), f"9810{ID}a57061757365a0c400c4000005"),
        (ConvertToken(T, 1, 2, 3, 5, True), f"9711{ID}01020305c3"),
    ],
)
def test_bytes(action: ContractAction, expected: str) -> None:
    assert encode(action).hex() == expected
