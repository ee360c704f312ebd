"""Threads that answer questions: each with its machine, in bounds, and errors reach whoever asked."""

import asyncio
import threading
from typing import Any

import pytest

from chaosnet.base.errors import Broken, Invalid, Unavailable
from chaosnet.daemon.config import RpcSection
from chaosnet.daemon.query_pool import QueryPool


def pool_of(workers: int = 1, waiting: int = 2, made: list[Any] | None = None) -> QueryPool:
    def load(rule: int) -> Any:
        found = object()
        if made is not None:
            made.append(found)
        return found

    return QueryPool(1, RpcSection(query_workers=workers, query_waiting_max=waiting), load)


async def test_each_thread_has_one_machine_of_its_own() -> None:
    made: list[Any] = []
    with pool_of(2, 10, made) as pool:
        both = threading.Barrier(2, timeout=30)

        def work(machine: Any) -> tuple[Any, str]:
            both.wait()
            return machine, threading.current_thread().name

        assert made == []
        found = await asyncio.gather(*(pool.run(work) for _ in range(4)))
    assert len(made) == len({name for _, name in found}) == 2
    assert {id(machine) for machine, _ in found} == {id(machine) for machine in made}


async def test_more_than_may_wait_are_refused_and_places_come_back() -> None:
    gate = threading.Event()
    with pool_of(1, 1) as pool:
        waiting = [asyncio.ensure_future(pool.run(lambda _: gate.wait(30))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="overloaded"):
            await pool.run(lambda _: None)
        waiting[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting[1]
        with pytest.raises(Unavailable):  # it still stands in the queue
            await pool.run(lambda _: None)
        gate.set()
        assert await waiting[0]
        assert await pool.run(lambda _: 7) == 7


@pytest.mark.parametrize(
    "error", [Invalid("bad_argument", "x"), Broken("internal"), MemoryError(), SystemExit(3)]
)
async def test_errors_reach_whoever_asked_and_the_thread_goes_on(error: BaseException) -> None:
    def work(_: Any) -> None:
        raise error

    with pool_of() as pool:
        with pytest.raises(type(error)):
            await pool.run(work)
        assert await pool.run(lambda _: "on") == "on"


async def test_without_threads_nothing_is_answered() -> None:
    with pool_of(0) as pool, pytest.raises(Invalid, match="no_contracts"):
        await pool.run(lambda _: None)
