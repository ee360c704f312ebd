"""What the JavaScript client must make of the same input, byte for byte; and its own tests, by Node.js.

`clients/js/test/vectors.json` is written here (`make golden`) and read there: the two cannot drift apart.
"""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chaosnet.base.codec import encode
from chaosnet.base.units import Address, Hash32
from chaosnet.contracts import values
from chaosnet.contracts.values import Value
from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.hashing import merkle_proof, merkle_root
from chaosnet.crypto.signed_message import sign_message
from chaosnet.crypto.signing import public_key_of
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model import build
from chaosnet.model.contract_actions import ApproveToken, BurnToken, Call, Deploy, SendToken
from chaosnet.model.header import Header, QuorumProof, block_id_of
from chaosnet.model.policy import address_of, single_key
from chaosnet.model.receipt import Event, Receipt, events_root_of
from chaosnet.model.transaction import Action, Transfer, TxBody, tx_id_of
from chaosnet.rpc.schema.values import to_json

PACKAGE = Path(__file__).resolve().parents[2] / "clients" / "js"
FILE = PACKAGE / "test" / "vectors.json"

SEED, OTHER = bytes(range(32)), bytes(range(1, 33))
GENESIS, TIP, TOKEN = Hash32(bytes([7]) * 32), bytes([9]) * 32, bytes([3]) * 32
EDGES = (0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**63 - 1)
BELOW = (-1, -32, -33, -128, -129, -32_768, -32_769, -(2**31), -(2**31) - 1, -(2**53), -(2**63))
VALUES: list[Value] = [
    None,
    True,
    False,
    [*EDGES, *BELOW],
    ["", "a" * 31, "b" * 32, "c" * 255, "d" * 256, "é一🙂", "\x00"],
    [b"", b"\x00\xff", bytes(255), bytes(256)],
    [],
    list(range(15)),
    list(range(16)),
    {},
    {"b": 1, "a": [2, {"z": None}], "": False, "aa": b"x"},
    {"\ue000": 1, "🙂": 2, "é": 3},
    {"$int": "1"},
    {"$a": 1, "b": {"$bytes": 2}},
    {"__proto__": 1, "constructor": 2},
    {str(i): i for i in range(16)},
]


def address(seed: bytes) -> Address:
    return address_of(single_key(public_key_of(seed)))


def actions() -> dict[str, Action]:
    contract = contract_id(GENESIS, address(SEED), 4, 0)
    args = values.encode(["text", 7, b"\x01"])
    sent = ((b"", 3), (TOKEN, 2**63 - 1))
    return {
        "transfer": Transfer(address(OTHER), 150_000_000),
        "deploy": Deploy("js/1", "contract({ api: 1 }) // é".encode(), args, 5, 10**9),
        "call": Call(contract, "add", args, sent, 10**10),
        "send_token": SendToken(TOKEN, b"", address(OTHER), 12, 400),
        "take_token": SendToken(TOKEN, address(OTHER), address(SEED), 12, 400),
        "approve_token": ApproveToken(TOKEN, address(OTHER), 1, 2, 3_000, 4),
        "burn_token": BurnToken(TOKEN, 65_536),
    }


def transaction(*acts: Action, height: int, memo: str) -> dict[str, str]:
    body = TxBody(
        genesis=GENESIS,
        sender=address(SEED),
        nonce=300,
        anchor_height=height,
        anchor_prefix=TIP[:8] if height else GENESIS[:8],
        expiry=70_000,
        gas_limit=21_000,
        gas_price=0,
        payer=None,
        memo=memo,
        actions=acts,
    )
    raw = build.sign_body(body, single_key(public_key_of(SEED)), (SEED,))
    return {"id": tx_id_of(body).hex(), "raw": raw.hex()}


def proof() -> dict[str, Any]:
    """Return what a node would show of the third of five events in the sixth of seven receipts."""
    contract = contract_id(GENESIS, address(SEED), 4, 0)
    events = tuple(Event(contract, "Added", values.encode([i, "text"]), i) for i in range(5))
    told = encode(Receipt(TIP, "ok", 9, 9, events_root=events_root_of(events)))
    receipts = [encode(Receipt(bytes([i]) * 32, "ok", i, i)) for i in range(5)] + [told, b"last"]
    header = Header(
        version=1,
        genesis=GENESIS,
        era=0,
        height=2**33,
        parent=TIP,
        time_ms=1_700_000_000_000,
        proposer=address(OTHER),
        rule=1,
        engine="pbft",
        tx_root=TIP,
        tx_count=7,
        state_root=TIP,
        receipts_root=merkle_root(receipts),
        validators_hash=TIP,
        next_validators_hash=TIP,
        parent_seal_hash=TIP,
        gas_used=0,
        proof=QuorumProof(0),
    )
    encoded = [encode(event) for event in events]
    return {
        "block_id": block_id_of(header).hex(),
        "event": encoded[2].hex(),
        "event_index": 2,
        "events_count": 5,
        "event_path": [node.hex() for node in merkle_proof(encoded, 2)],
        "receipt": told.hex(),
        "position": 5,
        "receipts_count": 7,
        "receipt_path": [node.hex() for node in merkle_proof(receipts, 5)],
        "header": encode(header).hex(),
    }


def block() -> dict[str, Any]:
    made = actions()
    contract = contract_id(GENESIS, address(SEED), 4, 0)
    return {
        "values": [[to_json(value), values.encode(value).hex()] for value in VALUES],
        "key": {
            "seed": SEED.hex(),
            "public_key": public_key_of(SEED).hex(),
            "address": format_address("cos", address(SEED)),
            "other": format_address("cos", address(OTHER)),
            "message": sign_message(SEED, GENESIS, "who, é?").hex(),
        },
        "contract": format_address("cos", contract),
        "actions": {name: encode(action).hex() for name, action in made.items()},
        "on_a_block": transaction(*made.values(), height=69_000, memo="é"),
        "off_line": transaction(made["transfer"], height=0, memo=""),
        "proof": proof(),
    }


def test_the_vectors_are_what_this_chain_makes() -> None:
    assert json.loads(FILE.read_text()) == block()


def test_each_boundary_of_a_length_is_there() -> None:
    assert all(one < other for one, other in pairwise(EDGES))
    assert {2**7 - 1, 2**8 - 1, 2**16 - 1, 2**32 - 1, 2**63 - 1} <= set(EDGES)


def test_the_client_makes_the_same() -> None:
    if not shutil.which("node"):
        pytest.skip("node is not installed: the JavaScript client is not tested")
    if not (PACKAGE / "node_modules" / "@noble" / "curves").exists():
        pytest.skip(
            "npm packages of clients/js are not installed (npm ci): the JavaScript client is not tested"
        )
    done = subprocess.run(
        ["node", "--test"], cwd=PACKAGE, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert "# pass 0" not in done.stdout
