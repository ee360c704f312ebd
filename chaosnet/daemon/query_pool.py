"""Threads that run contracts for those who only ask: never in the kernel's thread, and within bounds.

Each has a machine of its own. While a script runs, Python's lock is free, so agreement goes on beside it.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, Self, TypeVar

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.contracts.machine import Machine
from chaosnet.daemon.config import RpcSection
from chaosnet.daemon.machines import load_machine, start_thread

T = TypeVar("T")

STOP: Final = None

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[Machine], Any]]


class QueryPool:
    """Answers questions one after the other in each thread; what does not fit into the queue is refused."""

    def __init__(
        self, rule: int, settings: RpcSection, load: Callable[[int], Machine] = load_machine
    ) -> None:
        self.gas_max = settings.query_gas_max
        self._rule = rule
        self._load = load
        self._workers = settings.query_workers
        self._open_max = settings.query_workers + settings.query_waiting_max
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_full(self) -> bool:
        """Return whether no more questions may come now."""
        return self._open >= self._open_max

    async def run(self, work: Callable[[Machine], T]) -> T:
        """Return what `work` returns; raises what it raises.

        Raises Unavailable(`overloaded`) when too many wait, Invalid(`no_contracts`) without any thread.
        """
        if not self._workers:
            raise Invalid("no_contracts")
        if self.is_full:
            raise Unavailable("overloaded", "too many questions to contracts at once", 1_000)
        self._open += 1
        # Threads start with the first questions: most nodes are never asked.
        if len(self._threads) < min(self._workers, self._open):
            self._threads.append(start_thread(self._work, f"query-{len(self._threads)}"))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        future.add_done_callback(self._ended)
        self._jobs.put((loop, future, work))
        # Who goes away does not free the place of what still runs.
        return await asyncio.shield(future)

    def _ended(self, future: "asyncio.Future[Any]") -> None:
        self._open -= 1
        if not future.cancelled():
            future.exception()  # told to whoever still waits

    def close(self) -> None:
        """Let the threads end after what they do now."""
        for _ in self._threads:
            self._jobs.put(STOP)
        self._threads.clear()

    def _work(self) -> None:
        machine: Machine | None = None
        while (job := self._jobs.get()) is not STOP:
            loop, future, work = job
            try:
                machine = machine or self._load(self._rule)
                answer = work(machine)
            except BaseException as error:  # noqa: BLE001 - handed to whoever asked
                _tell(loop, future.set_exception, future, error)
            else:
                _tell(loop, future.set_result, future, answer)


def _tell(
    loop: asyncio.AbstractEventLoop,
    setter: Callable[[Any], None],
    future: "asyncio.Future[Any]",
    value: object,
) -> None:
    def tell() -> None:
        if not future.done():
            setter(value)

    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)
