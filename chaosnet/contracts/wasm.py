"""The machine on wasmtime: runs the engines' modules under one meter, each call from a fresh image.

Everything it needs comes in as bytes. Fuel is used up when nothing is left after the call, wherever in the
program that shows. A frame's native stack may take MAX_WASM_STACK, so the thread must have STACK_BYTES, and
each depth of calls has its own instance. Out of fuel, or ended by the host, an instance is as good as new
after the next restore; whatever else stops it in the middle ends its life.
"""

from _thread import get_ident
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec
import wasmtime

from chaosnet.base.errors import Broken
from chaosnet.contracts.faults import TEXT_BYTES_MAX, GuestFault, OutOfGas
from chaosnet.contracts.images import ImageCache
from chaosnet.contracts.machine import Ended, HostCall, Image
from chaosnet.contracts.ops import DEPTH_MAX, IMAGE_BYTE_FUEL, LOAD_FUEL_MAX
from chaosnet.contracts.thread_stack import check_stack
from chaosnet.contracts.wasm_instance import (
    AREA_BYTES,
    CONTEXT_BYTES_MAX,
    Instance,
    make_engine,
    no_host,
)

IMAGES_BYTES_MAX: Final = 128 << 20

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class WasmImage:
    """A loaded contract: the end of the guest's stack, and memory up to the heap's mark."""

    engine: str
    content: bytes
    load_fuel: int

    @property
    def size_bytes(self) -> int:
        return len(self.content)


@dataclass(slots=True)
class _Engine:
    """A compiled module, its memory after the prelude, and its instances by depth of call."""

    module: wasmtime.Module
    base: bytes = b""
    instances: list[Instance | None] = field(default_factory=lambda: [None] * DEPTH_MAX)


class CompiledModules(Protocol):
    """Machine code of engines, from an earlier process of the same user: trusted as code is."""

    def get(self, name: str) -> bytes | None:
        """Return what was kept for the engine, if all of it is as it was."""
        ...

    def put(self, name: str, code: bytes) -> None:
        """Keep it, where that is possible."""
        ...


class WasmMachine:
    """Contracts of several engines. For one thread at a time."""

    def __init__(
        self,
        modules: Mapping[str, bytes],
        preludes: Mapping[str, bytes],
        *,
        compiled: CompiledModules | None = None,
        images_bytes_max: int = IMAGES_BYTES_MAX,
    ) -> None:
        """Take modules and preludes by the engine's name; each is compiled when it is first used.

        `compiled` keeps machine code between processes.
        """
        self._modules = modules
        self._preludes = preludes
        self._compiled = compiled
        self._wasm = make_engine()
        self._engines: dict[str, _Engine] = {}
        self._images = ImageCache(images_bytes_max)
        self._running_on: int | None = None
        self._depth = 0

    def start(self, engine: str) -> None:
        """Make an engine ready now; else its first contract does. Raises Broken when it does not start."""
        self._check_thread()
        if engine not in self._engines:
            self._engines[engine] = self._started(engine)

    def _started(self, name: str) -> _Engine:
        module = self._module(name)
        instance = Instance(self._wasm, module)
        try:
            if instance.run("vm_init"):
                raise Broken("internal", f"engine {name} does not start")
            instance.source("vm_prelude", self._preludes[name])
            return _Engine(module, instance.content())
        except GuestFault as fault:
            raise Broken("internal", f"the prelude of {name} fails: {fault}") from fault
        finally:
            instance.close()

    def _module(self, name: str) -> wasmtime.Module:
        """Return the engine's machine code: a second or two where none is kept."""
        kept = self._compiled.get(name) if self._compiled else None
        if kept is not None:
            return wasmtime.Module.deserialize(self._wasm, kept)
        module = wasmtime.Module(self._wasm, self._modules[name])
        if self._compiled:
            self._compiled.put(name, bytes(module.serialize()))
        return module

    def _check_thread(self) -> None:
        thread = get_ident()
        if thread != self._running_on:
            check_stack()
            self._running_on = thread

    def _instance(self, engine: _Engine) -> Instance:
        """Return the instance of this depth; a new one after a trap."""
        if self._depth >= DEPTH_MAX:
            raise GuestFault("call_depth")
        instance = engine.instances[self._depth]
        if instance is None:
            instance = engine.instances[self._depth] = Instance(self._wasm, engine.module)
        return instance

    def _drop_lost(self, engine: _Engine) -> None:
        """End the instance of this depth if nobody can answer for it any more."""
        instance = engine.instances[self._depth]
        if instance is not None and instance.is_lost:
            engine.instances[self._depth] = None
            instance.close()

    def prepare(self, engine: str, source: bytes) -> Image:
        """Load a source; raise GuestFault when it does not load within LOAD_FUEL_MAX."""
        image = self._images.get((engine, source))
        if image is None:
            image = self._load(engine, source)
            self._images.put((engine, source), image)
        return image

    def _load(self, engine: str, source: bytes) -> WasmImage:
        self.start(engine)
        runs = self._engines[engine]
        instance = self._instance(runs)
        instance.restore(runs.base)
        instance.set_fuel(LOAD_FUEL_MAX)
        instance.host = no_host
        try:
            instance.source("vm_load", source)
        finally:
            self._drop_lost(runs)
        content = instance.content()
        left = instance.meter.read() - IMAGE_BYTE_FUEL * max(0, len(content) - len(runs.base))
        if left <= 0:
            raise OutOfGas("loading and what it leaves in memory")
        return WasmImage(engine, content, LOAD_FUEL_MAX - left)

    def call(
        self, image: Image, method: str, args: bytes, fuel: int, host: HostCall, ctx: bytes = b""
    ) -> Ended:
        """Run one method from the image; see Machine.call."""
        if not isinstance(image, WasmImage):
            raise Broken("internal", "an image of another machine")
        if not self._depth:
            self._check_thread()
        engine = self._engines[image.engine]
        instance = self._instance(engine)
        instance.restore(image.content)
        instance.set_fuel(fuel)
        instance.host = host
        call = b"\x93%b%b%b" % (_encode(method), args, ctx)
        if len(call) > AREA_BYTES or len(ctx) > CONTEXT_BYTES_MAX:
            raise Broken("internal", "arguments beyond the bound of a value")
        instance.write(call)
        depth = self._depth
        self._depth = depth + 1
        try:
            result = instance.enter(instance.vm_call, len(call))
            value = instance.end(result) if result >= 0 else b""
        except GuestFault as fault:
            left = 0 if fault.code == "out_of_gas" else instance.meter.read()
            return Ended("failed", fault.code, b"", fault.text, fuel - left)
        finally:
            self._depth = depth
            instance.host = no_host
            self._drop_lost(engine)
        left = instance.meter.read()
        if not left:
            return Ended("failed", "out_of_gas", b"", "", fuel)
        if result >= 0:
            return Ended("returned", "ok", value, "", fuel - left)
        return self._failed(instance.read(min(-result, TEXT_BYTES_MAX + 1)), fuel - left)

    def _failed(self, raw: bytes, used: int) -> Ended:
        text = raw[1:].decode("utf-8", "replace")
        if raw[:1] == b"R":
            return Ended("reverted", "reverted", b"", text, used)
        return Ended("failed", "script_error", b"", text, used)
