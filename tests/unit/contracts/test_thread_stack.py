"""Contracts run only where the native stack is large enough."""

import threading

import pytest

from chaosnet.base.errors import Broken
from chaosnet.contracts.thread_stack import STACK_BYTES, check_stack, thread_stack_bytes
from tests.machines import ENGINES, machine, on_big_stack


def test_a_small_thread_is_refused() -> None:
    caught: list[Broken] = []

    def small() -> None:
        with pytest.raises(Broken) as broken:
            machine().start(ENGINES[0])
        caught.append(broken.value)

    machine()
    before = threading.stack_size(1 << 20)
    thread = threading.Thread(target=small)
    thread.start()
    threading.stack_size(before)
    thread.join()
    assert "stack" in caught[0].detail


def test_a_large_thread_passes() -> None:
    on_big_stack(check_stack)
    assert on_big_stack(thread_stack_bytes) >= STACK_BYTES
