"""The process in which Lua runs as compiled for this computer: it limits itself, then obeys its parent.

Each message is a length of four bytes and MessagePack: from the parent `call` and answers of the host, from
here questions to the host and how a call ended. A call can come while the host's answer is awaited.
"""

import os
import resource
import struct
import sys
from typing import Any, BinaryIO, Final

import msgspec
from lupa.lua54 import LuaRuntime  # type: ignore[import-untyped]

MESSAGE_BYTES_MAX: Final = 1 << 20
CPU_S_MAX: Final = 120
MEMORY_BYTES_MAX: Final = 2 << 30
LUA_BYTES_MAX: Final = 64 << 20
"""Of one frame's Lua."""

_COMPILE: Final = b"return function(text, name) return string.dump(assert(load(text, name, 't'))) end"
"""Parsing the prelude anew for each call would take most of its time."""
_START: Final = b"return load((...), '=setup', 'b')(select(2, ...))"

_REFUSED: Final = ("open", "socket.", "os.", "subprocess.", "shutil.", "ctypes.", "import", "urllib.")
"""Audit events that end the process once it has begun."""
_LIMITS: Final = (
    (resource.RLIMIT_CPU, CPU_S_MAX),
    (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, 3),
    (resource.RLIMIT_NPROC, 0),
)


class Child:
    """The loop."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._setup = b""
        self._prelude = b""
        self._compiler = LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
        self._compile = self._compiler.execute(_COMPILE)
        self._compiled: dict[bytes, bytes] = {}

    def run(self) -> None:
        """Obey until the parent goes away."""
        while (asked := self.read()) is not None:
            self.obey(asked)

    def read(self) -> Any:
        """Return the next message; None at the end."""
        head = self._source.read(4)
        if len(head) < 4:
            return None
        return msgspec.msgpack.decode(self._source.read(struct.unpack(">I", head)[0]))

    def write(self, *message: object) -> None:
        """Say something."""
        raw = msgspec.msgpack.encode(message)
        if len(raw) > MESSAGE_BYTES_MAX:
            raw = msgspec.msgpack.encode(("ended", "too_large", b""))
        self._sink.write(struct.pack(">I", len(raw)) + raw)
        self._sink.flush()

    def obey(self, asked: Any) -> None:
        """Do one thing."""
        if asked[0] == "start":
            self._setup = self._compile(asked[1], b"=setup")
            self._prelude = self._compile(asked[2], b"=prelude")
            self.write("ready")
        elif asked[0] == "call":
            self.write("ended", *self._called(*asked[1:]))

    def _called(self, source: bytes, method: bytes, args: bytes) -> tuple[str, bytes]:
        lua = LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            max_memory=LUA_BYTES_MAX,
            attribute_filter=_refuse,
        )
        try:
            if source not in self._compiled:
                self._compiled[source] = self._compile(source, b"=contract")
            run = lua.execute(_START, self._setup, self._ask, object, self._prelude, self._compiled[source])
            if isinstance(run, tuple):
                return "script_error", run[1]
            code, found = run(method, args)
        except MemoryError:
            return "memory", b""
        return code.decode(), found

    def _ask(self, op: int, payload: bytes) -> object:
        self.write("host", op, payload)
        while True:
            answer = self.read()
            if answer is None:
                os._exit(1)
            if answer[0] == "answer":
                return answer[1]
            self.obey(answer)


def _refuse(_target: object, _name: object, _is_setting: bool) -> object:
    raise AttributeError


def _audit(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith(_REFUSED):
        os._exit(2)


def main() -> None:
    """Limit this process for ever, then obey."""
    child = Child(sys.stdin.buffer, sys.stdout.buffer)
    LuaRuntime(max_memory=LUA_BYTES_MAX)  # whatever this imports or opens, it has now
    msgspec.msgpack.decode(msgspec.msgpack.encode(["ready"]))
    for limit, most in _LIMITS:
        resource.setrlimit(limit, (most, most))
    sys.addaudithook(_audit)
    child.run()


if __name__ == "__main__":
    main()
