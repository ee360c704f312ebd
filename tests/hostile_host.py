"""Requests of a guest that somebody took over: nearly valid ones, and what no engine would send."""

import datetime as dt
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

from chaosnet.base.dice import Dice
from chaosnet.contracts import ops
from chaosnet.contracts.values import Value
from chaosnet.model.contract_actions import COS
from tests.fake_machine import ADA, BOB, Api, Bench, FakeContract, FakeMachine

_encode = msgspec.msgpack.Encoder().encode

DEEP: list[Any] = []
for _ in range(30):
    DEEP = [DEEP]
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)),
    *(0.0, 1.5, float("nan"), float("inf"), [1.5], ["a", 2.0], {"right": 1.5}, {1.5: 1}),
    *("", "x" * 200, "\x00", "own", "COS", "any", "ed25519", "sha256", "freeze", b"", b"\x00\xff" * 20),
    *([], [[]], [None], [True], DEEP, list(range(40)), {}, {"a": 1}, {1: 2}, {b"k": 1}, {"to": True}),
    *({"symbol": 7}, {"symbol": "TOK", "name": 1.5}, {"symbol": "TOK", "reserve": [1]}),
    *(msgspec.msgpack.Ext(1, b"x"), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
]
BYTES: list[bytes] = [
    *(b"", b"\xc1", b"\xa3\xed\xa0\x80", b"\x91", b"\x92\xc0\xc0\xc0", b"\x91" * 2_000),
    *(b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"),
    *(b"\x82\xa1a\x01\xa1a\x02", b"\x91\xcb\x7f\xf8" + bytes(6)),
]
PERMISSIONS: dict[str, Value] = {"transfer": "any", "call": "any", "issue": True}


class Hall(Bench):
    """Two contracts that may do everything; one sends what it is told, byte by byte."""

    def __init__(self) -> None:
        methods: dict[str, Value] = {
            "run": {"kind": "payable", "args": [], "returns": "any"},
            "look": {"kind": "view", "args": [], "returns": "any"},
        }
        interface: dict[str, Value] = {
            "permissions": PERMISSIONS,
            "events": {"Said": ["who address", "much int"]},
            "methods": methods,
        }
        self.request: tuple[int, bytes] = (0, b"")
        hostile = FakeContract({"run": self._send, "look": self._send}, interface)
        other = FakeContract({"run": lambda *_: None, "look": lambda *_: None}, interface)
        super().__init__(FakeMachine(hostile=hostile, other=other))
        self.hostile, self.other = self.deploy("hostile"), self.deploy("other")
        self.request = (ops.ISSUE, _encode([None, self.text(self.hostile), 10**6, {"symbol": "TOK"}]))
        self.asset = self.value(self.hostile, "run", sent=((COS, 10**9),))

    def _send(self, api: Api) -> Value:
        raw = api.raw(*self.request)
        return None if raw is None else msgspec.msgpack.decode(raw)

    def send(self, op: int, raw: bytes, *, is_static: bool = False) -> tuple[str, str, int]:
        """Return code, text and gas of a call that makes one request; a host that fails raises."""
        self.request = (op, raw)
        receipt, outcome = self.call(self.hostile, "look" if is_static else "run", gas=300_000)
        return receipt.code, outcome.text, receipt.gas

    def right_ones(self) -> list[tuple[int, list[Any]]]:
        """Return requests that succeed, or fail for what the state says."""
        me, you, ada, bob = (self.text(a) for a in (self.hostile, self.other, ADA.address, BOB.address))
        new = {"symbol": "NEW", "name": "n", "decimals": 2, "max": 10**9, "issue": ada, "freeze": me}
        reserve = {"motes": 1, "tokens": 2, "fee": 0, "withdraw": me}
        return [
            (ops.GET, [["balances", ada]]),
            (ops.SET, [["balances", 1, b"x"], {"a": [1, "b", None]}]),
            (ops.SET, [["balances", ada], None]),
            (ops.SCAN, [["balances"], None, 10]),
            (ops.SCAN, [["balances"], ["balances", 1], 1_000]),
            (ops.EMIT, ["Said", [ada, 7]]),
            (ops.TRANSFER, [ada, "COS", 5]),
            (ops.TRANSFER, [ada, self.asset, 5]),
            (ops.CALL, [you, "run", [None], None, None, False, False]),
            (ops.CALL, [you, "run", [1], {self.asset: 5}, 10**6, False, True]),
            (ops.TRANSFER_AND_CALL, [you, self.asset, 2, "run", []]),
            (ops.BALANCE, [ada, self.asset]),
            (ops.HASH, ["sha256", b"data"]),
            (ops.VERIFY, ["ed25519", bytes(32), b"message", bytes(64)]),
            (ops.GAS_LEFT, []),
            (ops.ISSUE, [None, ada, 5, new]),
            (ops.ISSUE, [None, ada, 0, new | {"reserve": reserve}]),
            (ops.ISSUE, [self.asset, ada, 5, None]),
            (ops.BURN, [self.asset, 1]),
            (ops.APPROVE, [self.asset, bob, 0, 5, 100]),
            (ops.TRANSFER_FROM, [self.asset, ada, bob, 1]),
            (ops.ALLOWANCE, [self.asset, ada, bob]),
            (ops.TOKEN, [self.asset]),
            (ops.RIGHTS, [self.asset, "hand_on", {"right": "issue", "to": me}]),
            (ops.RIGHTS, [self.asset, "clawback", {"subject": ada, "to": bob, "amount": 1}]),
            (ops.CONVERT, ["COS", 5, self.asset, 1, 100]),
            (ops.PRINT, ["text"]),
            (99, [1]),
        ]


def spoiled(dice: Dice, given: list[Any]) -> bytes:
    """Return a request with one place of it, on some level, replaced; or other bytes altogether."""
    draw = dice.below(10)
    if draw == 0:
        return dice.pick(BYTES)
    if draw == 1:
        return _encode(dice.pick(ODD))
    copy = list(given)
    if draw == 2:
        copy.append(dice.pick(ODD))
    elif copy:
        place = dice.below(len(copy))
        inner = copy[place]
        if draw < 6 and isinstance(inner, list | dict) and inner:
            copy[place] = _spoiled_inside(dice, inner)
        else:
            copy[place] = dice.pick(ODD)
    raw = bytearray(_encode(copy))
    if draw == 3:
        raw[dice.below(len(raw))] = dice.below(256)
    return bytes(raw)


def _spoiled_inside(dice: Dice, inner: list[Any] | dict[Any, Any]) -> Any:
    if isinstance(inner, list):
        place = dice.below(len(inner))
        return [*inner[:place], dice.pick(ODD), *inner[place + 1 :]]
    if dice.chance(1, 3):
        return inner | {dice.pick([1, b"k", "unknown", 1.5, None, True]): 1}
    return inner | {dice.pick(list(inner)): dice.pick(ODD)}


def outcomes(seed: str, count: int) -> Iterator[tuple[str, str, int]]:
    """Yield what becomes of so many requests, drawn from a seed."""
    dice, hall = Dice(seed.encode()), Hall()
    right = hall.right_ones()
    for op, given in right:
        yield hall.send(op, _encode(given))
    for _ in range(count):
        op, given = dice.pick(right)
        yield hall.send(op, spoiled(dice, given), is_static=dice.chance(1, 10))


def digest(seed: str, count: int) -> str:
    """Return a hash over all outcomes."""
    found = sha256()
    for outcome in outcomes(seed, count):
        found.update(repr(outcome).encode())
    return found.hexdigest()
