"""What calls, storage, events and tokens do to state, receipts and gas: never changes within a rule set.

The contract is a Python function, so this says nothing of engines: only of the ledger around them.
"""

import json
from pathlib import Path
from typing import Any

from chaosnet.contracts import ops
from chaosnet.contracts.values import encode
from chaosnet.ledger.apply import apply_block
from chaosnet.ledger.contracts.records import contract_id, token_id
from chaosnet.model.contract_actions import (
    ApproveToken,
    BurnToken,
    Call,
    ChangeToken,
    ConvertToken,
    Deploy,
    IssueToken,
    SendToken,
)
from chaosnet.model.receipt import receipts_root_of
from tests.fake_machine import ADA, BOB, EVE, Api, Bench, FakeContract, FakeMachine, Revert
from tests.making import Person, body_of, signed_by

FILE = Path(__file__).parent / "contracts.json"


def start(api: Api, n: int) -> None:
    api.set(["count"], n)


def work(api: Api, options: Any) -> str:
    for i in range(3):
        api.set(["log", i, "text", b"\x00"], {"b": [i, None, True], "a": b"bytes"})
    api.set(["log", 1, "text", b"\x00"], None)
    api.emit("Worked", api.ctx()["caller"], api.scan(["log"]))
    return str(api.op(ops.ISSUE, None, api.ctx()["origin"], 1_000, options))


def fail(api: Api) -> None:
    api.set(["count"], 0)
    raise Revert("as asked")


CONTRACT = FakeContract(
    {"init": start, "work": work, "fail": fail},
    {
        "init": {"args": ["n int"], "kind": "payable"},
        "events": {"Worked": ["by address", "log list"]},
        "permissions": {"issue": True},
        "methods": {
            "work": {"kind": "payable", "args": ["options map"], "returns": "text"},
            "fail": {"kind": "write"},
        },
    },
)


def block() -> dict[str, Any]:
    """Return what one block with every kind of action on contracts and tokens does."""
    bench = Bench(FakeMachine(contract=CONTRACT))
    contract, token = contract_id(bench.hash, ADA.address, 0, 0), token_id(bench.hash, ADA.address, (1, 0, 0))
    ada = bench.text(ADA.address)
    options: dict[str, Any] = {"symbol": "GOLD", "decimals": 2, "issue": ada, "pause": ada}
    options["reserve"] = {"motes": 3, "tokens": 2, "fee": 25}
    deposit = 10**7
    plans: list[tuple[Person, int, list[Any]]] = [
        (ADA, 0, [Deploy("lua/1", b"contract", encode([5]), 9, deposit)]),
        (ADA, 1, [Call(contract, "work", encode([options]), ((b"", 7),), deposit)]),
        (BOB, 0, [Call(contract, "fail", b"\x90", (), deposit)]),
        (BOB, 1, [Call(contract, "gone", b"\x90", (), deposit)]),
        (ADA, 2, [SendToken(token, b"", BOB.address, 300, deposit), BurnToken(token, 100)]),
        (BOB, 2, [ApproveToken(token, EVE.address, 0, 50, 9, deposit)]),
        (EVE, 0, [SendToken(token, BOB.address, contract, 20, deposit)]),
        (ADA, 3, [IssueToken(token, EVE.address, 5, deposit), ConvertToken(token, 91, 1, 9, deposit, False)]),
        (ADA, 4, [ChangeToken(token, "pause", "", b"", b"", 0, 0)]),
        (BOB, 3, [SendToken(token, b"", ADA.address, 1, deposit)]),
    ]
    txs = [
        signed_by(person, body_of(bench.genesis, person, nonce, *actions, gas_limit=3_000_000))
        for person, nonce, actions in plans
    ]
    applied = apply_block(bench.state, bench.ctx, txs)
    return {
        "codes": [receipt.code for receipt in applied.receipts],
        "gas": [receipt.gas for receipt in applied.receipts],
        "receipts_root": receipts_root_of(applied.receipts).hex(),
        "state_root": applied.state.root.hex(),
        "bytes": [len(signed.raw) for signed in txs],
    }


def test_a_block_does_what_it_always_did() -> None:
    assert block() == json.loads(FILE.read_text())
