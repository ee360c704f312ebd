"""The machine of contracts in a real process: reading and checking its engines, and a thread large enough."""

import resource
import threading
from collections.abc import Callable
from hashlib import sha256
from importlib import metadata, resources

from chaosnet.base.errors import Broken
from chaosnet.contracts.thread_stack import STACK_BYTES
from chaosnet.contracts.wasm import WasmMachine
from chaosnet.daemon.engine_cache import EngineCache, cache_directory
from chaosnet.rules.engines import ENGINES, WASMTIME_VERSIONS

THREAD_STACK_BYTES = STACK_BYTES + (24 << 20)
"""Frames of Python between those of the machine need room too."""


def read_engines(rule: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return modules and preludes of a rule set by engine; raise Broken for one that they do not name."""
    version = metadata.version("wasmtime")
    if version not in WASMTIME_VERSIONS:
        raise Broken("engine_unknown", f"wasmtime {version}; contracts run on {', '.join(WASMTIME_VERSIONS)}")
    folder = resources.files("chaosnet.contracts").joinpath("engines")
    modules: dict[str, bytes] = {}
    preludes: dict[str, bytes] = {}
    for name, files in ENGINES[rule].items():
        for found, file, digest in (
            (modules, files.module, files.module_sha256),
            (preludes, files.prelude, files.prelude_sha256),
        ):
            found[name] = folder.joinpath(file).read_bytes()
            if sha256(found[name]).hexdigest() != digest:
                raise Broken("engine_unknown", f"{file} of {name} is not the one that rule set {rule} names")
    return modules, preludes


def load_machine(rule: int) -> WasmMachine:
    """Return the machine of a rule set, to be used in one thread of `start_thread`."""
    modules, preludes = read_engines(rule)
    return WasmMachine(modules, preludes, compiled=EngineCache(cache_directory(), modules))


def main_machine(rule: int) -> WasmMachine:
    """Return the machine of a rule set, to be used in the main thread; its stack may grow from now on.

    Raises Broken where the system forbids that.
    """
    _grow_stack()
    return load_machine(rule)


def _grow_stack() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft == resource.RLIM_INFINITY or soft >= THREAD_STACK_BYTES:
        return
    try:
        resource.setrlimit(resource.RLIMIT_STACK, (THREAD_STACK_BYTES, hard))
    except (ValueError, OSError) as error:
        raise Broken(
            "internal", f"contracts need a stack of {THREAD_STACK_BYTES} bytes (ulimit -s): {error}"
        ) from error


def start_thread(target: Callable[[], None], name: str) -> threading.Thread:
    """Start a thread with the stack that contracts need."""
    before = threading.stack_size(THREAD_STACK_BYTES)
    try:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
    finally:
        threading.stack_size(before)
    return thread
