"""The miner: processes of low priority that search a nonce, each its own part of all nonces.

They are started by the first block to mine and wait without work between blocks. A process ends when its
input is closed, so also when the node is killed: none is ever left behind.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

log = structlog.get_logger("miner")

RESTART_S: Final = 1.0
"""Pause before a process that ended by itself is started again."""
END_S: Final = 5.0
REST: Final = b"\n"


class Miner:
    """Searches for one block at a time; the newest order replaces the one before."""

    def __init__(self, processes: int, on_found: Callable[[int, int], None]) -> None:
        """`processes`: 0 for one less than there are processors, but one.

        `on_found` takes (ticket, nonce), in the event loop.
        """
        self._processes = processes or max(1, (os.cpu_count() or 1) - 1)
        self._on_found = on_found
        self._tasks: list[asyncio.Task[None]] = []
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._job: tuple[int, bytes, int] | None = None
        self._is_closing = False

    def mine(self, ticket: int, pre_hash: bytes, target: int) -> None:
        """Search until a nonce is found, or the next order comes."""
        self._job = (ticket, pre_hash, target)
        if not self._tasks and not self._is_closing:
            self._tasks = [asyncio.create_task(self._keep(number)) for number in range(self._processes)]
        self._tell()

    def rest(self) -> None:
        """Search no more."""
        if self._job is not None:
            self._job = None
            self._tell()

    def pids(self) -> list[int]:
        """Return the processes that run."""
        return [process.pid for process in self._running.values()]

    async def close(self) -> None:
        """End all processes."""
        self._is_closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in list(self._running.values()):
            await _end(process)
        self._running.clear()

    def _tell(self) -> None:
        for number in self._running:
            self._order(number)

    def _order(self, number: int) -> None:
        """Give one process the present job: it begins at its own number and goes on in steps of all."""
        line = REST
        if self._job is not None:
            ticket, pre_hash, target = self._job
            line = f"{ticket} {pre_hash.hex()} {target:x} {number} {self._processes}\n".encode()
        stdin = self._running[number].stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(line)

    async def _keep(self, number: int) -> None:
        """Run one process for as long as there is a miner."""
        while not self._is_closing:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "chaosnet.daemon.miner_worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            self._running[number] = process
            self._order(number)
            await self._listen(process)
            log.warning("miner_ended", process=number, code=await process.wait())
            del self._running[number]
            await asyncio.sleep(RESTART_S)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Take what a process finds, until it ends."""
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        async for line in process.stdout:
            ticket, nonce = line.split()
            if self._job is not None and self._job[0] == int(ticket):
                self.rest()
                self._on_found(int(ticket), int(nonce))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close a process's input and wait; by force when it takes too long."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), END_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
