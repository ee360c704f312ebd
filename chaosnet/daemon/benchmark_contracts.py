"""Benchmarks of contracts in this process: on the real ledger, host and engines, without network and disk.

The yardstick is a token that keeps its own accounts: two balances changed and an event for each transfer.
Times are processor time, which others on the machine disturb least. Compare figures of one run only.
"""

import statistics
import time
from collections.abc import Callable
from typing import Final

import msgspec

from chaosnet.contracts import values
from chaosnet.contracts.machine import Ended, HostCall, Image, Machine, Meter
from chaosnet.daemon.benchmark_profile import RATIO_MAX, ProfileRow, profile_of
from chaosnet.daemon.benchmark_programs import NASTY, SOURCES, nasty_source
from chaosnet.daemon.benchmark_rig import (
    CALL_GAS,
    DEPOSIT_MAX,
    LANGUAGES,
    ContractScale,
    Rig,
    addresses_of,
    check_ok,
    make_rig,
    on_large_stack,
    transfers,
)
from chaosnet.daemon.loadgen import Sender
from chaosnet.daemon.machines import load_machine
from chaosnet.ledger.contracts.books import Books
from chaosnet.ledger.contracts.frames import Run, call_contract
from chaosnet.ledger.contracts.host import host_of
from chaosnet.ledger.contracts.requests import Request, Result
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.contract_actions import Call
from chaosnet.model.receipt import Receipt
from chaosnet.model.transaction import Transfer

IN_TURN: Final = 250
"""Calls of different contracts in one block."""
FUEL: Final = 10**9

Note = Callable[[str], None]


class ContractFigures(msgspec.Struct, omit_defaults=True):
    """What contracts cost on this machine; by language where it differs."""

    stages_us: dict[str, dict[str, float]] = {}
    """Microseconds a token transfer: `machine` alone with a host that does nothing, with the real `host`, as
    a `transaction`, and with its share of the `block` and the state root."""
    native_us: float = 0
    """Microseconds of a native transfer, with its share of the block."""
    native_call_ratio: dict[str, float] = {}
    profile: dict[str, list[ProfileRow]] = {}
    """Of calls that cost more than twice a native transfer."""
    token_ns_per_gas: dict[str, float] = {}
    round_robin_ratio: dict[str, float] = {}
    """Time per gas of many different contracts in turn, against the token."""
    dirty_memory_ms: dict[str, float] = {}
    """A call that writes to all memory it can get, and the call after it."""
    nasty_ratio: dict[str, float] = {}
    """Time per gas of each program that is meant to be slow, against the token of its language."""
    worst_program: str = ""
    worst_program_ratio: float = 0
    erc20_py_evm_per_s: float = 0
    """The same transfer in py-evm, for comparison with the stage `host`; 0: see the notes."""
    erc20_anvil_per_s: float = 0
    """The same through anvil, from submission to a mined block, for comparison with one validator."""
    notes: list[str] = []
    """What is left out here, and why."""


def run_contracts(scale: ContractScale, note: Note) -> ContractFigures:
    """Measure everything in a thread with the stack that contracts need; raises what it raises."""
    return on_large_stack(lambda: measure_contracts(load_machine(1), scale, note))


def measure_contracts(machine: Machine, scale: ContractScale, note: Note) -> ContractFigures:
    """Measure everything; to be called where the stack is large enough for contracts."""
    found = ContractFigures()
    note(f"contracts: {scale.accounts:,} accounts")
    rig = make_rig(machine, scale)
    native = statistics.median(measure_native(rig, scale) for _ in range(scale.runs))
    found.native_us = round(native * 1e6, 2)
    for language in LANGUAGES:
        note(f"contracts in {language}: token")
        token = rig.deploy(LANGUAGES[language], SOURCES[language])
        rig.fill(token, scale.accounts)
        stages, per_gas = measure_token(rig, token, scale)
        found.stages_us[language] = {name: round(seconds * 1e6, 2) for name, seconds in stages.items()}
        ratio = found.native_call_ratio[language] = round(stages["block"] / native, 1)
        if ratio > RATIO_MAX:
            found.profile[language] = profile_of(language, scale.accounts, scale.calls)
        found.token_ns_per_gas[language] = round(per_gas * 1e9, 2)
        note(f"contracts in {language}: {scale.contracts:,} in turn")
        in_turn = measure_in_turn(rig, language, scale)
        found.round_robin_ratio[language] = round(in_turn / per_gas, 2)
        note(f"contracts in {language}: programs that are meant to be slow")
        for name in NASTY[language]:
            ratio, seconds = measure_nasty(rig, language, name, token, scale)
            found.nasty_ratio[f"{language} {name}"] = round(ratio, 2)
            if name == "memory":
                found.dirty_memory_ms[language] = round(seconds * 1e3, 2)
    found.worst_program = max(found.nasty_ratio, key=lambda name: found.nasty_ratio[name])
    found.worst_program_ratio = found.nasty_ratio[found.worst_program]
    return found


def measure_native(rig: Rig, scale: ContractScale) -> float:
    """Return seconds of a native transfer with its share of the block."""
    peers = addresses_of(rig.senders, scale.accounts)
    txs = []
    for i in range(scale.calls):
        to = peers[(i * 7_919 + 1) % len(peers)]
        txs.append(rig.tx(rig.senders[i % len(rig.senders)], Transfer(to=to, amount=1), 21_000))
    receipts, _, seconds = rig.block(txs)
    check_ok(receipts)
    return seconds / len(txs)


def measure_token(rig: Rig, token: bytes, scale: ContractScale) -> tuple[dict[str, float], float]:
    """Return seconds a transfer by stage, and seconds a gas of whole transactions in a block."""
    runs = [_token_once(rig, token, scale) for _ in range(scale.runs)]
    stages = {name: statistics.median(run[0][name] for run in runs) for name in runs[0][0]}
    return stages, statistics.median(run[1] for run in runs)


def _token_once(rig: Rig, token: bytes, scale: ContractScale) -> tuple[dict[str, float], float]:
    given, callers, txs = transfers(rig, token, scale)
    stages = {"machine": _machine_alone(rig, token, given), "host": _with_host(rig, token, given, callers)}
    receipts, inside, whole = rig.block(txs)
    check_ok(receipts)
    stages["transaction"], stages["block"] = inside / len(txs), whole / len(txs)
    return stages, _per_gas(receipts, whole)


class _Listening:
    """Stands before a machine, and remembers what was called, asked and answered."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.prepare = machine.prepare
        self.calls: list[tuple[Image, str, bytes, bytes]] = []
        self.answers: dict[tuple[int, bytes], bytes | None] = {}

    def call(
        self, image: Image, method: str, args: bytes, fuel: int, host: HostCall, ctx: bytes = b""
    ) -> Ended:
        def answer(op: int, payload: bytes, meter: Meter) -> bytes | None:
            found = self.answers[op, payload] = host(op, payload, meter)
            return found

        self.calls.append((image, method, args, ctx))
        return self._machine.call(image, method, args, fuel, answer, ctx)


def _machine_alone(rig: Rig, token: bytes, given: list[bytes]) -> float:
    """Return seconds a call with a host that knows each answer already."""
    overlay = Overlay(rig.state)
    run = Run(Books(overlay, rig.ctx), rig.machine, rig.senders[0].address, 0)
    listening = _Listening(rig.machine)
    run.machine = listening
    _check_result(call_contract(run, Request(token, "send", given[0], run.origin), FUEL, host_of))
    image, method, args, ctx = listening.calls[0]
    answers = listening.answers

    def known(op: int, payload: bytes, _meter: Meter) -> bytes | None:
        return answers[op, payload]

    begin = time.process_time()
    for _ in given:
        ended = rig.machine.call(image, method, args, FUEL, known, ctx)
    seconds = time.process_time() - begin
    if ended.kind != "returned":
        raise RuntimeError(f"{ended.code} {ended.text}")
    return seconds / len(given)


def _with_host(rig: Rig, token: bytes, given: list[bytes], callers: list[Sender]) -> float:
    """Return seconds a call on the real books, without a transaction around it."""
    overlay = Overlay(rig.state)
    calls = [
        (
            Run(Books(overlay, rig.ctx), rig.machine, sender.address, 0),
            Request(token, "send", args, sender.address),
        )
        for args, sender in zip(given, callers, strict=True)
    ]
    begin = time.process_time()
    for run, request in calls:
        result = call_contract(run, request, FUEL, host_of)
        overlay.keep()
    seconds = time.process_time() - begin
    _check_result(result)
    return seconds / len(given)


def measure_in_turn(rig: Rig, language: str, scale: ContractScale) -> float:
    """Return seconds a gas when every call is of another contract, with other bytes."""
    made = []
    for number in range(scale.contracts):
        mark = f"{'--' if language == 'lua' else '//'} {number}\n"
        made.append(rig.deploy(LANGUAGES[language], mark + SOURCES[language]))
    spent, gas = 0.0, 0
    for first in range(0, len(made), IN_TURN):
        txs = []
        for i, contract in enumerate(made[first : first + IN_TURN]):
            to = rig.senders[(first + i) % len(rig.senders)]
            args = values.encode([rig.text(to.address), 1])
            call = Call(contract, "send", args, (), DEPOSIT_MAX)
            txs.append(rig.tx(rig.senders[0], call, 10 * CALL_GAS))
        receipts, _, seconds = rig.block(txs)
        check_ok(receipts)
        spent += seconds
        gas += sum(receipt.gas for receipt in receipts)
    return spent / gas


def measure_nasty(
    rig: Rig, language: str, name: str, token: bytes, scale: ContractScale
) -> tuple[float, float]:
    """Return a slow program's time per gas against the token's, and the seconds of it.

    The restore after it is part of that; it may end in any way. Each time the token runs beside it, so that
    both meet the same machine.
    """
    contract = rig.deploy(LANGUAGES[language], nasty_source(language, name))
    call, rest = (Call(contract, method, values.encode([]), (), DEPOSIT_MAX) for method in ("run", "rest"))
    ratios, times = [], []
    for _ in range(3):
        limits = ((call, scale.nasty_gas), (rest, CALL_GAS))
        receipts, _, seconds = rig.block([rig.tx(rig.senders[1], action, gas) for action, gas in limits])
        times.append(seconds)
        _, _, txs = transfers(rig, token, scale)
        ratios.append(_per_gas(receipts, seconds) / _per_gas(*rig.block(txs)[::2]))
    return statistics.median(ratios), min(times)


def _per_gas(receipts: list[Receipt], seconds: float) -> float:
    return seconds / sum(receipt.gas for receipt in receipts)


def _check_result(result: Result) -> None:
    if result.code != "ok":
        raise RuntimeError(f"a call ended with {result.code} {result.text}")
