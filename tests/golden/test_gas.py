"""What everything costs in gas: never changes within a rule set (contracts: Engines and rule sets, State).

`fuel`: of small programs, and of loading them. `gas`: of one transaction for each operation of the host, in
both languages, and for each native action; what a method costs beside its operation is that of `empty`.
"""

import json
from pathlib import Path
from typing import Any

from chaosnet.contracts import ops
from chaosnet.contracts.values import decode, encode
from chaosnet.ledger.contracts import host
from chaosnet.ledger.contracts.records import contract_id
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
from chaosnet.model.transaction import Action, Transfer
from tests.fake_machine import ADA, BOB, Bench
from tests.golden.gas_contracts import PROGRAMS, SOURCES
from tests.machines import ENGINES, FakeHost, machine, on_big_stack
from tests.unit.contracts.test_wasm import one_method

FILE = Path(__file__).parent / "gas.json"
DEPOSIT = 10**9

OPERATIONS = {
    "get": ops.GET,
    "set": ops.SET,
    "page": ops.SCAN,
    "emit": ops.EMIT,
    "transfer": ops.TRANSFER,
    "call": ops.CALL,
    "balance": ops.BALANCE,
    "sha256": ops.HASH,
    "verify": ops.VERIFY,
    "gas_left": ops.GAS_LEFT,
    "transfer_and_call": ops.TRANSFER_AND_CALL,
    "issue": ops.ISSUE,
    "burn": ops.BURN,
    "approve": ops.APPROVE,
    "transfer_from": ops.TRANSFER_FROM,
    "allowance": ops.ALLOWANCE,
    "info": ops.TOKEN,
    "rights": ops.RIGHTS,
    "convert": ops.CONVERT,
    "print": ops.PRINT,
}
"""Method that measures an operation."""


def fuel() -> dict[str, dict[str, list[int]]]:
    """Return the fuel of each program: loading it, running it."""
    found: dict[str, dict[str, list[int]]] = {}
    for engine, programs in PROGRAMS.items():
        found[engine] = {}
        for name, body in programs.items():
            image = machine().prepare(engine, one_method(engine, body).encode())
            ended = machine().call(image, "run", b"\x90", 50_000_000, FakeHost())
            assert ended.kind == "returned", f"{name}: {ended.text}"
            found[engine][name] = [image.load_fuel, ended.fuel_used]
    return found


class Till:
    """Runs one transaction after the other on one chain, and notes what each costs."""

    def __init__(self, engine: str) -> None:
        self.bench = Bench(machine())
        self.gas: dict[str, int] = {}
        self.contract, self.other = (contract_id(self.bench.hash, ADA.address, i, 0) for i in (0, 1))
        source = SOURCES[engine].encode()
        self.act("deploy", Deploy(engine, source, encode([5]), 1_000, DEPOSIT))
        self.act("deploy the same source", Deploy(engine, source, encode([5]), 0, DEPOSIT))

    def act(self, name: str, action: Action, code: str = "ok") -> Any:
        receipt, outcome = self.bench.run(ADA, action)
        assert receipt.code == code, f"{name}: {receipt.code} {outcome.text}"
        self.gas[name] = receipt.gas
        return decode(outcome.returns[0]) if outcome.returns else None

    def call(self, method: str, *args: Any, code: str = "ok") -> Any:
        return self.act(method, Call(self.contract, method, encode(list(args)), (), DEPOSIT), code)


def gas(engine: str) -> dict[str, int]:
    """Return the gas of a transaction with each operation, and with each native action."""
    till = Till(engine)
    other, bob = till.bench.text(till.other), till.bench.text(BOB.address)
    for method in ("empty", "view", "get", "set", "add", "put", "push", "page", "each", "delete", "emit"):
        till.call(method)
    till.call("arguments", 1, "two", [3, [4]], {"five": b"6"})
    for method in ("balance", "sha256", "sha512", "verify", "ctx", "gas_left", "print"):
        till.call(method)
    till.call("refuse", code="reverted")
    till.call("transfer", bob)
    for method in ("call", "static_call", "try_call", "transfer_and_call"):
        till.call(method, other)
    token = till.call("create")
    for method in ("issue", "burn", "info", "convert"):
        till.call(method, token)
    for method in ("send", "approve", "allowance"):
        till.call(method, token, bob)
    for name, action in _native(bytes.fromhex(token), till.contract).items():
        till.act(name, action)
        if name == "approve token":
            till.call("transfer_from", token)
            till.call("rights", token)
    return till.gas


def _native(token: bytes, contract: bytes) -> dict[str, Action]:
    return {
        "transfer coins": Transfer(BOB.address, 5),
        "approve token": ApproveToken(token, contract, 0, 50, 9, DEPOSIT),
        "send token": SendToken(token, b"", BOB.address, 10, DEPOSIT),
        "burn token": BurnToken(token, 1),
        "issue token": IssueToken(token, BOB.address, 5, DEPOSIT),
        "convert into token": ConvertToken(token, 90, 1, 9, DEPOSIT, False),
        "convert from token": ConvertToken(token, 10, 1, 9, DEPOSIT, True),
        "pause token": ChangeToken(token, "pause", "", b"", b"", 0, 0),
    }


def block() -> dict[str, Any]:
    """Return what the golden file holds."""
    return on_big_stack(lambda: {"fuel": fuel(), "gas": {engine: gas(engine) for engine in ENGINES}})


def test_gas_is_what_it_always_was() -> None:
    assert block() == json.loads(FILE.read_text())


def test_every_operation_is_measured() -> None:
    golden = json.loads(FILE.read_text())
    assert set(OPERATIONS.values()) == set(host._WORKS)
    for engine in ENGINES:
        assert OPERATIONS.keys() <= golden["gas"][engine].keys()
        costs = golden["gas"][engine]
        assert all(costs[name] > costs["empty"] for name in OPERATIONS), "an operation is never free"
