"""The engines as the release ships them, and a stack that is large enough."""

import resource
import threading
from typing import Any

import pytest

from chaosnet.base.errors import Broken
from chaosnet.contracts.thread_stack import STACK_BYTES, check_stack
from chaosnet.daemon import machines
from chaosnet.rules.engines import ENGINES


def test_every_engine_of_the_rule_set_is_shipped() -> None:
    modules, preludes = machines.read_engines(1)
    assert set(modules) == set(preludes) == set(ENGINES[1])


def test_another_file_or_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(machines, "WASMTIME_VERSIONS", ("1.0.0",))
        with pytest.raises(Broken, match="engine_unknown"):
            machines.read_engines(1)
    other = type(next(iter(ENGINES[1].values())))("lua.wasm", "00" * 32, "prelude.lua", "00" * 32)
    monkeypatch.setattr(machines, "ENGINES", {1: {"lua/1": other}})
    with pytest.raises(Broken, match="engine_unknown"):
        machines.read_engines(1)


def test_threads_for_contracts_have_room() -> None:
    found: list[Any] = []

    def look() -> None:
        try:
            check_stack()
            found.append("enough")
        except Broken as error:
            found.append(error)

    machines.start_thread(look, "large").join()
    small = threading.Thread(target=look)
    small.start()
    small.join()
    assert found[0] == "enough"
    assert isinstance(found[1], Broken)


def test_the_main_threads_stack_may_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [8 << 20, resource.RLIM_INFINITY]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    asked: list[Any] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: asked.append(given))
    machines.main_machine(1)
    assert asked == [(machines.THREAD_STACK_BYTES, resource.RLIM_INFINITY)]
    assert machines.THREAD_STACK_BYTES > STACK_BYTES
    limits[0] = resource.RLIM_INFINITY
    machines.main_machine(1)
    assert len(asked) == 1

    def refuse(_which: int, _given: object) -> None:
        raise ValueError("not allowed")

    limits[0] = 8 << 20
    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(Broken, match="ulimit"):
        machines.main_machine(1)
