from hashlib import sha256

import msgspec

from chaosnet.model.action_fields import KINDS, arguments_of, contract_action_fields, contract_action_line
from chaosnet.model.contract_actions import Call, ChangeToken, ContractAction, Deploy, SendToken

CONTRACT = b"\x01" + bytes(32)


def name(address: bytes) -> str:
    return f"<{address[0]}>"


def test_every_action_has_its_word() -> None:
    assert set(KINDS) == set(ContractAction.__args__)


def test_fields_for_people() -> None:
    args = msgspec.msgpack.encode([1, b"\x02", {"a": [b""]}])
    call = Call(CONTRACT, "add", args, ((b"", 5), (b"t" * 32, 7)), 9)
    assert contract_action_fields(call, name) == {
        "kind": "call",
        "contract": "<1>",
        "method": "add",
        "args": [1, "0x02", {"a": ["0x"]}],
        "sent": {"COS": "5", "74" * 32: "7"},
        "deposit_max": "9",
    }
    deploy = contract_action_fields(Deploy("lua/1", b"code", b"\x90", 0, 9), name)
    assert deploy["source_bytes"] == 4
    assert deploy["source_sha256"] == sha256(b"code").hexdigest()
    assert deploy["sent"] == {}
    assert contract_action_fields(Deploy("lua/1", b"code", b"\x90", 3, 9), name)["sent"] == {"COS": "3"}
    assert contract_action_fields(SendToken(bytes(32), b"", CONTRACT, 1, 0), name)["owner"] == ""


def test_one_line() -> None:
    pause = ChangeToken(b"t" * 32, "pause", "", b"", b"", 0, 0)
    assert contract_action_line(pause, name) == (
        f"change token: token {'74' * 32}, change pause, amount 0, deposit_max 0"
    )


def test_what_does_not_decode_is_shown_in_hex() -> None:
    assert arguments_of(b"\xc1") == "0xc1"
