"""The machine of contracts in tests: one a process, in one thread with a large stack, compiled once."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from chaosnet.contracts.machine import Ended, HostCall
from chaosnet.contracts.values import Value, decode, encode
from chaosnet.contracts.wasm import WasmMachine
from chaosnet.daemon.engine_cache import EngineCache
from chaosnet.daemon.machines import read_engines, start_thread

T = TypeVar("T")
FUEL = 50_000_000
ENGINES = ("lua/1", "js/1")

_CACHE = Path(__file__).parent.parent / ".pytest_cache/engines"


@cache
def _work() -> "queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]]":
    work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()

    def loop() -> None:
        while True:
            task, future = work.get()
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001 - handed to whoever asked
                future.set_exception(error)

    start_thread(loop, "machine")
    return work


def on_big_stack(task: Callable[[], T]) -> T:
    """Run a task in the thread that contracts need, and return what it returns."""
    if threading.current_thread().name == "machine":
        return task()
    future: Future[T] = Future()
    _work().put((task, future))
    return future.result()


@cache
def machine() -> WasmMachine:
    """Return this process's machine; what it compiled is kept for the next process."""
    return new_machine()


def new_machine() -> WasmMachine:
    """Return a machine for another thread."""
    modules, preludes = read_engines(1)
    return WasmMachine(modules, preludes, compiled=EngineCache(_CACHE, modules))


def call(
    engine: str,
    source: str,
    method: str,
    *args: Value,
    host: HostCall | None = None,
    fuel: int = FUEL,
) -> Ended:
    """Load a source and run one method of it."""

    def run() -> Ended:
        image = machine().prepare(engine, source.encode())
        return machine().call(image, method, encode(list(args)), fuel, host or FakeHost())

    return on_big_stack(run)


def value_of(ended: Ended) -> Value:
    """Return what a call returned; fail when it did not."""
    assert ended.kind == "returned", f"{ended.code}: {ended.text}"
    return decode(ended.value)


class FakeHost:
    """A chain of one contract: storage, events and printed lines; each operation costs 1,000 fuel."""

    def __init__(self, **ctx: Value) -> None:
        self.ctx: dict[str, Value] = {"self": "me", "caller": "you", "height": 7, "sent": {}, **ctx}
        self.storage: dict[bytes, Value] = {}
        self.asked: list[tuple[int, Value]] = []
        self.answers: dict[int, Value] = {}

    def __call__(self, op: int, payload: bytes, meter: Any) -> bytes | None:
        meter.charge(1_000)
        asked = decode(payload)
        self.asked.append((op, asked))
        assert isinstance(asked, list)
        if op == 1:
            answer = self.storage.get(payload)
        elif op == 2:
            key, answer = encode(asked[0]), None
            self.storage.pop(key, None)
            if asked[1] is not None:
                self.storage[key] = asked[1]
        elif op == 3:
            answer = self._scan(*asked)  # type: ignore[arg-type]
        elif op == 11:
            answer = self.ctx
        elif op == 12:
            answer = meter.left()
        else:
            answer = self.answers.get(op)
        return None if answer is None else encode(answer)

    def _scan(self, prefix: list[Any], after: list[Any] | None, limit: int) -> Value:
        keys = sorted(decode(key) for key in self.storage)  # type: ignore[type-var]
        found = [key for key in keys if key[: len(prefix)] == prefix and (after is None or key > after)]  # type: ignore[index,operator]
        return [[key, self.storage[encode(key)]] for key in found[:limit]]
