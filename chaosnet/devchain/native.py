"""Lua contracts beside the engine, in Lua as compiled for this computer: every result must be the same.

Each transaction and question runs there first, in a process with bounds (native_child.py), then in the
engine, whose result counts. Gas is not compared: Lua itself has no meter. Where the engine ends a frame for
gas, memory or stack, nothing is compared, since these bounds are the engine's own.
"""

import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from select import select
from typing import Any, Final, Self

import msgspec

from chaosnet.base.errors import Broken, Invalid, Refused
from chaosnet.contracts.faults import FAULTS, GuestFault, OutOfGas, clip_text
from chaosnet.contracts.machine import Ended, HostCall, Image, Machine, Meter
from chaosnet.contracts.ops import CTX
from chaosnet.contracts.values import Value
from chaosnet.devchain.chain import GAS, DevChain
from chaosnet.devchain.trace import Frame, Tracer
from chaosnet.devchain.words import LUA
from chaosnet.model.receipt import Outcome, Receipt
from chaosnet.model.transaction import SignedTx

BOUNDS: Final = ("out_of_gas", "memory", "stack", "call_depth")
"""Ends that are the engine's alone."""
START_S_MAX: Final = 60
CALL_S_MAX: Final = 5
"""Lua itself has no meter: whoever says nothing for so long has come to no end."""


@dataclass(frozen=True, slots=True)
class NativeImage:
    """A source; what loading it costs is what it costs in the engine."""

    engine: str
    source: bytes
    load_fuel: int

    @property
    def size_bytes(self) -> int:
        """Return the memory that it takes."""
        return len(self.source)


@dataclass(slots=True)
class _Meter:
    """Counts what the host charges."""

    fuel: int

    def left(self) -> int:
        return self.fuel

    def charge(self, fuel: int) -> None:
        if fuel >= self.fuel:
            self.fuel = 0
            raise OutOfGas
        self.fuel -= fuel


class NativeMachine:
    """A machine for Lua outside of the engine; other languages run in the engine. Close it."""

    def __init__(self, engine: Machine, prelude: bytes) -> None:
        """Raises Invalid(`bad_argument`) where Lua is not installed."""
        if find_spec("lupa") is None:
            raise Invalid("bad_argument", "--native needs Lua for this computer: pip install lupa")
        self._engine = engine
        self._setup = resources.files("chaosnet.devchain").joinpath("native.lua").read_bytes()
        self._prelude = prelude
        self._depth = 0
        self._is_lost = False
        """The process has ended with calls under way: all of them end too."""
        self._start()

    def _start(self) -> None:
        self._is_lost = False
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-m", "chaosnet.devchain.native_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        self._say("start", self._setup, self._prelude)
        if self._hear(START_S_MAX)[0] != "ready":
            raise Broken("internal", "the process for Lua itself does not start")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._child.pid

    def close(self) -> None:
        """End the process."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def prepare(self, engine: str, source: bytes) -> Image:
        """Load a source in the engine; see Machine."""
        image = self._engine.prepare(engine, source)
        return image if engine != LUA else NativeImage(engine, source, image.load_fuel)

    def call(
        self, image: Image, method: str, args: bytes, fuel: int, host: HostCall, ctx: bytes = b""
    ) -> Ended:
        """Run a method; see Machine."""
        if not isinstance(image, NativeImage):
            return self._engine.call(image, method, args, fuel, host, ctx)

        def answer(op: int, payload: bytes, meter: Meter) -> bytes | None:
            return ctx if ctx and op == CTX else host(op, payload, meter)

        if self._is_lost and not self._depth:
            self.close()
            self._start()
        meter = _Meter(fuel)
        self._depth += 1
        try:
            code, found, fault = self._run(image, method, args, meter, answer)
        finally:
            self._depth -= 1
        used = fuel - meter.left()
        if fault is not None:
            return Ended("failed", fault.code, b"", fault.text, used)
        if code == "ok":
            return Ended("returned", "ok", found, "", used)
        text = clip_text(found.decode("utf-8", "replace"))
        if code == "reverted":
            return Ended("reverted", code, b"", text, used)
        return Ended("failed", code if code in FAULTS else "script_error", b"", text, used)

    def _run(
        self, image: NativeImage, method: str, args: bytes, meter: _Meter, host: HostCall
    ) -> tuple[str, bytes, GuestFault | None]:
        fault: GuestFault | None = None
        self._say("call", image.source, method.encode(), args)
        while (told := self._hear())[0] == "host":
            answer: bytes | bool = False
            try:
                answer = host(told[1], told[2], meter) or b""
            except GuestFault as raised:
                fault = raised
            if self._is_lost:
                return "out_of_gas", b"", None
            self._say("answer", answer)
        return told[1], told[2], fault

    def _say(self, *message: object) -> None:
        raw = msgspec.msgpack.encode(message)
        assert self._child.stdin is not None  # noqa: S101 - a pipe
        with suppress(OSError):  # who has ended says nothing either
            self._child.stdin.write(struct.pack(">I", len(raw)) + raw)
            self._child.stdin.flush()

    def _hear(self, most_s: int | None = None) -> Any:
        """Return what the process says next; one that says nothing in time has used up its gas."""
        pipe = self._child.stdout
        assert pipe is not None  # noqa: S101 - a pipe
        is_ready, _, _ = select([pipe], [], [], CALL_S_MAX if most_s is None else most_s)
        head = pipe.read(4) if is_ready else b""
        if len(head) < 4:
            self._is_lost = True
            self._child.kill()
            return ("ended", "out_of_gas", b"")
        return msgspec.msgpack.decode(pipe.read(struct.unpack(">I", head)[0]))


class NativeChain(DevChain):
    """A developer's chain on which everything runs twice; a difference raises Refused(`engines_differ`)."""

    def __init__(self, machine: Machine, native: NativeMachine) -> None:
        super().__init__(machine)
        self.native = native
        self._native = Tracer(native)

    def _block(self, moment: Any, signed: SignedTx) -> tuple[Receipt, Outcome]:
        before, engine = self._moment, self.tracer
        self.tracer = self._native
        try:
            receipt, outcome = super()._block(moment, signed)
            root, frames, prints = self.root, self.tracer.frames, self.tracer.prints
        finally:
            self.tracer, self._moment = engine, before
        mine = super()._block(moment, signed)
        if mine[0].code not in BOUNDS:
            self._compare(
                frames,
                {
                    "code": (receipt.code, mine[0].code),
                    "what it returned": (outcome.returns, mine[1].returns),
                    "what it said": (outcome.text, mine[1].text) if receipt.code == "reverted" else ("", ""),
                    "events": (outcome.events, mine[1].events),
                    "prints": (prints, engine.prints),
                    "state": (root.hex(), self.root.hex()),
                },
            )
        return mine

    def query(self, contract: str, method: str, *args: Value, caller: str = "alice", gas: int = GAS) -> Value:
        """Ask on both; see DevChain."""
        engine = self.tracer
        self.tracer = self._native
        try:
            found = self._answer(contract, method, args, caller, gas)
            frames = self.tracer.frames
        finally:
            self.tracer = engine
        mine = self._answer(contract, method, args, caller, gas)
        if mine[0] not in BOUNDS:
            self._compare(frames, {"code": (found[0], mine[0]), "the answer": (found[1], mine[1])})
        if isinstance(mine[2], GuestFault):
            raise mine[2]
        return mine[1]

    def _answer(
        self, contract: str, method: str, args: tuple[Value, ...], caller: str, gas: int
    ) -> tuple[str, Value, GuestFault | None]:
        try:
            return "ok", super().query(contract, method, *args, caller=caller, gas=gas), None
        except GuestFault as fault:
            return fault.code, None, fault

    def _compare(self, frames: list[Frame], pairs: Mapping[str, tuple[object, object]]) -> None:
        for name, (native, engine) in pairs.items():
            if native != engine:
                where = next(_differences(frames, self.tracer.frames), "after the last operation")
                detail = f"{name}: {native!r} in Lua itself, {engine!r} in the engine; {where}"
                raise Refused("engines_differ", detail)


def _differences(native: list[Frame], engine: list[Frame]) -> Any:
    """Go over what went otherwise, the first first."""
    for one, other in zip(native, engine, strict=False):
        for number, (mine, its) in enumerate(zip(one.steps, other.steps, strict=False), 1):
            if mine.frame is not None and its.frame is not None:
                yield from _differences([mine.frame], [its.frame])
            if (mine.op, mine.asked, mine.answered) != (its.op, its.asked, its.answered):
                place = f"{one.method}, operation {number}"
                yield f"{place}: {mine.op} {mine.asked!r}, not {its.op} {its.asked!r}"
        if (one.code, one.value, len(one.steps)) != (other.code, other.value, len(other.steps)):
            yield f"{one.method}: {one.code} {one.text!r}, not {other.code} {other.text!r}"
