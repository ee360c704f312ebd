"""The miner with real processes: it finds, is told otherwise, rests, and leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from chaosnet.crypto.scrypt import pow_hash
from chaosnet.daemon import miner as miners
from chaosnet.daemon.miner import Miner

EASY = 2**256 // 8
HOPELESS = 1
HASH = b"p" * 32


class Found:
    """Collects what a miner finds."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    def __call__(self, ticket: int, nonce: int) -> None:
        self.queue.put_nowait((ticket, nonce))

    async def next(self) -> tuple[int, int]:
        return await asyncio.wait_for(self.queue.get(), 30)


async def test_the_newest_order_replaces_the_one_before_and_its_nonce_meets_the_target() -> None:
    found = Found()
    miner = Miner(2, found)
    miner.mine(1, HASH, HOPELESS)
    miner.mine(2, HASH, EASY)
    ticket, nonce = await found.next()
    assert ticket == 2
    assert pow_hash(HASH, nonce) <= EASY
    miner.mine(3, b"q" * 32, EASY)
    assert (await found.next())[0] == 3
    pids = miner.pids()
    assert 1 <= len(pids) <= 2
    miner.mine(4, HASH, HOPELESS)
    await miner.close()
    assert found.queue.empty()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_nothing_is_found_after_rest() -> None:
    found = Found()
    miner = Miner(1, found)
    miner.mine(1, HASH, EASY)
    miner.rest()
    miner.mine(2, b"q" * 32, EASY)
    assert (await found.next())[0] == 2
    await miner.close()
    assert found.queue.empty()


async def test_a_process_that_ends_by_itself_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miners, "RESTART_S", 0.0)
    found = Found()
    miner = Miner(1, found)
    miner.mine(1, HASH, EASY)
    await found.next()
    os.kill(miner.pids()[0], signal.SIGKILL)
    miner.mine(2, HASH, EASY)
    assert (await found.next())[0] == 2
    await miner.close()


def test_a_process_ends_with_its_input() -> None:
    command = [sys.executable, "-m", "chaosnet.daemon.miner_worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        worker.stdin.write(f"1 {HASH.hex()} {HOPELESS:x} 0 1\n".encode())
        worker.stdin.close()
        assert worker.wait(30) == 0
