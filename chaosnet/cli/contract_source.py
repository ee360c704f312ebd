"""A contract on disk, loaded in the engine that the chain runs: what it declares and what loading costs."""

import queue
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from chaosnet.base.errors import Invalid, Refused
from chaosnet.contracts import values
from chaosnet.contracts.faults import FAULTS, GuestFault
from chaosnet.contracts.interface import Interface, parse_interface
from chaosnet.contracts.machine import METHOD_INTERFACE, Ended, Machine, Meter
from chaosnet.contracts.ops import LOAD_FUEL_MAX
from chaosnet.contracts.values import Value
from chaosnet.daemon.machines import load_machine, start_thread
from chaosnet.devchain.bundle import Bundle, bundle
from chaosnet.model.genesis_make import FIRST_RULE

T = TypeVar("T")

_NO_ARGS = values.encode([])


@dataclass(frozen=True, slots=True)
class Loaded:
    """A contract that the engine has taken."""

    bundle: Bundle
    declared: dict[str, Value]
    """The interface as the source declares it."""
    interface: Interface
    load_fuel: int
    interface_fuel: int
    """Fuel that answering its interface took: a deployment pays it."""


def load_contract(path: Path) -> Loaded:
    """Bundle and load a contract; raises Invalid, or Refused with the code of a fault and file and line."""
    made = bundle(path)
    return with_machine(lambda machine: loaded(machine, made))


def loaded(machine: Machine, made: Bundle) -> Loaded:
    """Load a source; raises as `load_contract`."""
    try:
        image = machine.prepare(made.engine, made.source)
        ended = machine.call(image, METHOD_INTERFACE, _NO_ARGS, LOAD_FUEL_MAX, _refuse)
    except GuestFault as fault:
        raise _refused(made, fault.code, fault.text) from fault
    if ended.kind != "returned":
        raise _refused(made, ended.code, ended.text)
    try:
        declared = _declared(ended)
        interface = parse_interface(declared)
    except Invalid as error:
        raise _refused(made, "bad_interface", error.detail or error.code) from error
    return Loaded(made, declared, interface, image.load_fuel, ended.fuel_used)


def with_machine(task: Callable[[Machine], T]) -> T:
    """Run a task with a machine, in a thread with the stack that it needs; raises what the task raises."""
    results: queue.SimpleQueue[tuple[list[T], Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(([task(load_machine(FIRST_RULE))], None))
        except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
            results.put(([], error))

    thread = start_thread(run, "machine")
    found, error = results.get()
    thread.join()
    if error is not None:
        raise error
    return found[0]


def _declared(ended: Ended) -> dict[str, Value]:
    found = values.decode(ended.value)
    if not isinstance(found, dict):
        raise Invalid("bad_interface", "not a map")
    return found


def _refused(made: Bundle, code: str, text: str) -> Refused:
    return Refused(code, f"{made.files[-1]}: {made.explained(text) or FAULTS[code]}")


def _refuse(_op: int, _payload: bytes, _meter: Meter) -> bytes | None:
    """Answer nothing while a contract says what it is."""
    raise GuestFault("static", "while the interface is read")
