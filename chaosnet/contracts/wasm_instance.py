"""One instance of an engine on wasmtime: its memory, its meter, and the calls in both directions.

Reaches into the C library past its Python, for speed. What is decided here is consensus: with which
settings the modules run, what a memory is restored to, and which traps are the guest's own fault.
"""

import ctypes
import struct
from typing import Any, Final

import wasmtime
from wasmtime import _bindings, _ffi

from chaosnet.base.errors import Broken
from chaosnet.contracts.faults import GuestFault, OutOfGas
from chaosnet.contracts.machine import HostCall
from chaosnet.contracts.thread_stack import MAX_WASM_STACK

MEMORY_BYTES: Final = 24 << 20
"""(chain) memory of an instance, fixed when the modules were linked."""
IO_BYTES: Final = 20 << 10
"""Most of one request or answer."""
AREA_BYTES: Final = 24 << 10
"""Of the area through which values cross; what is left beside one request is for those that waited."""
CONTEXT_BYTES_MAX: Final = 4 << 10
_HEAD_BYTES: Final = 4
_head = struct.Struct("<HH").unpack_from
OP_OUT_OF_MEMORY: Final = 0xFFFFFFFF
PRELUDE_FUEL: Final = 10**12
_PLACES_MAX: Final = 64

_TRAP_OF_HOST: Final = wasmtime.TrapCode.INTERRUPT.value
_OUT_OF_FUEL: Final = wasmtime.TrapCode.OUT_OF_FUEL.value
_TRAP_FAULTS: Final = {
    wasmtime.TrapCode.STACK_OVERFLOW.value: "stack",
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS.value: "stack",  # what lies below a guest's stack is address 0
    _OUT_OF_FUEL: "out_of_gas",
    wasmtime.TrapCode.TABLE_OUT_OF_BOUNDS.value: "script_error",
    wasmtime.TrapCode.INDIRECT_CALL_TO_NULL.value: "script_error",
    wasmtime.TrapCode.BAD_SIGNATURE.value: "script_error",
    wasmtime.TrapCode.INTEGER_OVERFLOW.value: "script_error",
    wasmtime.TrapCode.INTEGER_DIVISION_BY_ZERO.value: "script_error",
    wasmtime.TrapCode.BAD_CONVERSION_TO_INTEGER.value: "script_error",
    wasmtime.TrapCode.UNREACHABLE.value: "script_error",
}
"""Traps that depend on nothing but module and input. Any other is a fault of the host."""

HELD_FUEL_MAX: Final = 10_000_000
"""A call with so much fuel, about a millisecond, keeps the interpreter's lock: handing it on takes longer."""


# ── the C functions on the way of each call, with plain addresses as pointers ────────────────────────────

_library_held = ctypes.PyDLL(_ffi.dll._name, handle=_ffi.dll._handle)  # noqa: SLF001


def _bind(name: str, *arguments: Any, result: Any = ctypes.c_void_p, library: Any = _library_held) -> Any:
    """Return an own handle of a function of wasmtime's library; the interpreter's lock is kept."""
    function = library[name]
    function.argtypes = arguments
    function.restype = result
    return function


_ADDRESS = ctypes.c_void_p
_CALL = (_ADDRESS, _ADDRESS, _ADDRESS, ctypes.c_size_t, _ADDRESS)
_call_held = _bind("wasmtime_func_call_unchecked", *_CALL)
_call_released = _bind("wasmtime_func_call_unchecked", *_CALL, library=_ffi.dll)
_set_fuel = _bind("wasmtime_context_set_fuel", _ADDRESS, ctypes.c_uint64)
_get_fuel = _bind("wasmtime_context_get_fuel", _ADDRESS, _ADDRESS)
_global_set = _bind("wasmtime_global_set", _ADDRESS, _ADDRESS, _ADDRESS)
_trap_new_code = _bind("wasmtime_trap_new_code", ctypes.c_uint8)
_trap_code = _bind("wasmtime_trap_code", _ADDRESS, _ADDRESS, result=ctypes.c_bool)
_trap_delete = _bind("wasm_trap_delete", _ADDRESS, result=None)
_Callback = ctypes.CFUNCTYPE(_ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, ctypes.c_size_t)
_no_callback = _Callback()
_Words = ctypes.c_uint32 * 8
_no_finalizer = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()
_string_at = ctypes.string_at
_libc = ctypes.PyDLL(None)
_memmove = _bind("memmove", _ADDRESS, _ADDRESS, ctypes.c_size_t, library=_libc)
_memset = _bind("memset", _ADDRESS, ctypes.c_int, ctypes.c_size_t, library=_libc)
_madvise = _bind("madvise", _ADDRESS, ctypes.c_size_t, ctypes.c_int, result=ctypes.c_int, library=_libc)
_MADV_DONTNEED: Final = 4
_SHALLOW_BYTES: Final = 8 << 10
"""Of the stack: so much is cleared by writing over it, the rest by giving its pages back."""


def make_engine() -> wasmtime.Engine:
    """Return the compiler with the chain's settings; floats are the same bits on every processor."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = True
    config.cranelift_opt_level = "speed"
    config.wasm_exceptions = True
    config.wasm_relaxed_simd = False
    config.wasm_simd = False
    config.wasm_threads = False
    # An own stack for async calls is never used, but must not be smaller than the other.
    _bindings.wasmtime_config_async_stack_size_set(config.ptr(), MAX_WASM_STACK + (1 << 20))
    config.max_wasm_stack = MAX_WASM_STACK
    return wasmtime.Engine(config)


class FuelMeter:
    """Fuel of one instance, while a host function runs: read at first need, written back at its end."""

    __slots__ = ("_box", "_box_at", "_context", "fuel", "is_changed")

    def __init__(self, context: int) -> None:
        self._context = context
        self._box = ctypes.c_uint64()
        self._box_at = ctypes.addressof(self._box)
        self.fuel = -1
        self.is_changed = False

    def left(self) -> int:
        if self.fuel < 0:
            self.fuel = self.read()
        return self.fuel

    def charge(self, fuel: int) -> None:
        left = self.fuel
        if left < 0:
            _get_fuel(self._context, self._box_at)
            left = self._box.value
        self.is_changed = True
        if fuel >= left:
            self.fuel = 0
            raise OutOfGas
        self.fuel = left - fuel

    def read(self) -> int:
        """Return what the instance has left; outside of host functions."""
        _get_fuel(self._context, self._box_at)
        return self._box.value

    def write_back(self) -> None:
        """End a host function."""
        if self.is_changed:
            _set_fuel(self._context, self.fuel)
            self.is_changed = False
        self.fuel = -1


class Instance:
    """One memory with the functions of one engine; a trap ends its life."""

    def __init__(self, engine: wasmtime.Engine, module: wasmtime.Module) -> None:
        self._store = wasmtime.Store(engine)
        context = self._store._context()  # noqa: SLF001
        self._context = ctypes.addressof(context.contents)
        _set_fuel(self._context, PRELUDE_FUEL)
        self._call = _call_released
        self.host: HostCall = no_host
        self._stored: BaseException | None = None
        self.is_lost = False
        """It stopped, or is, in the middle of something: then it must not be used again."""
        self.meter = FuelMeter(self._context)
        self._asked: dict[int, Any] = {}
        """By address: what the engine lays out its arguments in; it has few places for that."""
        self._callback = _Callback(self._answer)  # kept: the library holds only its address
        kind = self._kind = wasmtime.FuncType([wasmtime.ValType.i32()] * 2, [wasmtime.ValType.i32()])
        function = _ffi.wasmtime_func_t()
        callback = ctypes.cast(self._callback, _bindings.wasmtime_func_unchecked_callback_t)
        _bindings.wasmtime_func_new_unchecked(
            context, kind.ptr(), callback, None, _no_finalizer, ctypes.byref(function)
        )
        instance = wasmtime.Instance(self._store, module, [wasmtime.Func._from_raw(function)])  # noqa: SLF001
        self._exports = instance.exports(self._store)
        memory = self._exports["memory"]
        if not isinstance(memory, wasmtime.Memory) or memory.data_len(self._store) != MEMORY_BYTES:
            raise Broken("internal", "the module's memory has another size")
        self._base = ctypes.addressof(memory.data_ptr(self._store).contents)
        self._slots = (ctypes.c_uint64 * 16)()  # arguments and results, 16 bytes each
        self._slots_at = ctypes.addressof(self._slots)
        self._trap = ctypes.c_void_p()
        self._trap_at = ctypes.addressof(self._trap)
        self._functions: dict[str, int] = {}
        for name, export in self._exports.items():
            if isinstance(export, wasmtime.Func):
                self._functions[name] = ctypes.addressof(export._func)  # noqa: SLF001
        self._reset_globals()
        self._high = ctypes.c_uint32.from_address(self._base + self.run("vm_high"))
        area = (ctypes.c_char * AREA_BYTES).from_address(self._base + self.run("io_ptr"))
        self._sent: Any = area  # slices of it are bytes
        self._io = memoryview(area).cast("B")  # slices of it can be written
        self.vm_call = self._functions["vm_call"]

    def _reset_globals(self) -> None:
        """Prepare the reset of the only mutable global: the guest's stack begins where the data begins."""
        pointer = self._exports["__stack_pointer"]
        if not isinstance(pointer, wasmtime.Global):
            raise Broken("internal", "the module does not export its stack pointer")
        self.start: int = pointer.value(self._store)
        self._deep = max(0, self.start - _SHALLOW_BYTES)
        self._pointer = ctypes.addressof(pointer._global)  # noqa: SLF001
        self._pointer_value = _bindings.wasmtime_val_t()
        self._pointer_value.kind = _ffi.WASMTIME_I32
        self._pointer_value.of.i32 = self.start
        self._pointer_value_at = ctypes.addressof(self._pointer_value)

    def close(self) -> None:
        """Give the memory back now: the callback holds the instance, so nothing else would in time."""
        self._io.release()
        self._store.close()
        self._callback = _no_callback

    def set_fuel(self, fuel: int) -> None:
        """Fill the meter."""
        self._call = _call_held if fuel <= HELD_FUEL_MAX else _call_released
        _set_fuel(self._context, fuel)

    # ── the guest asks ──

    def _answer(self, _env: object, _caller: object, slots_at: int, _count: object) -> int | None:
        """Answer env.host. An exception that left would kill the process: it is kept, and a trap raised."""
        try:
            meter = self.meter
            slots = self._asked.get(slots_at)
            if slots is None:
                if len(self._asked) >= _PLACES_MAX:
                    self._asked.clear()
                slots = self._asked[slots_at] = _Words.from_address(slots_at)
            asked, size = slots[0], slots[4]
            if asked == OP_OUT_OF_MEMORY:
                raise GuestFault("memory")
            waiting = asked >> 8
            start = waiting + _HEAD_BYTES
            if size > IO_BYTES or start + size > AREA_BYTES:
                raise GuestFault("script_error", "a request beyond its area")
            sent = self._sent[: start + size]
            if waiting:
                self._catch_up(sent, waiting)
            op = asked & 0xFF
            answer = self.host(op, sent[start:], meter) if op else None
            if meter.fuel >= 0:
                meter.write_back()
            if answer is None:
                slots[0] = 0
                return None
            size = len(answer)
            if size > IO_BYTES:
                raise GuestFault("too_large", "an answer of the host")
            self._io[:size] = answer
            slots[0] = size
            return None
        except BaseException as error:  # noqa: BLE001 - re-raised by `enter`, outside of C
            self.meter.write_back()
            self._stored = error
            trap: int = _trap_new_code(_TRAP_OF_HOST)
            return trap

    def _catch_up(self, sent: bytes, end: int) -> None:
        """Do what waited, in its order: operations that are answered with nothing."""
        at = 0
        if end > len(sent):
            raise GuestFault("script_error", "a request beyond its area")
        while at < end:
            start = at + _HEAD_BYTES
            size, op = _head(sent, at) if start <= end else (AREA_BYTES, 0)
            at = start + size
            if at > end:
                raise GuestFault("script_error", "a request beyond its area")
            self.host(op, sent[start:at], self.meter)

    def end(self, result: int) -> bytes:
        """Do what waited for the end of a call, and return the value that it ended with.

        `result`: what `vm_call` returned, not negative. Raises GuestFault, Broken.
        """
        waiting, size = result >> 16, result & 0xFFFF
        ended = self._sent[: waiting + size]
        if not waiting:
            return bytes(ended)
        try:
            self._catch_up(ended, waiting)
        except (GuestFault, Broken):
            raise
        except BaseException as error:  # noqa: BLE001 - never the guest's fault
            raise _host_failed(error)  # noqa: B904 - it is the cause
        finally:
            self.meter.write_back()
        return bytes(ended[waiting:])

    # ── the host asks ──

    def run(self, name: str, argument: int = 0) -> int:
        """Call a function of the module by name; return its 32 bits without sign."""
        return self.enter(self._functions[name], argument) & 0xFFFFFFFF

    def enter(self, function: int, argument: int) -> int:
        """Call a function of the module; return its result with sign.

        Raises GuestFault when the frame ends by its own fault, Broken for anything else.
        """
        slots = self._slots
        slots[0] = argument
        self.is_lost = True
        error = self._call(self._context, function, self._slots_at, 8, self._trap_at)
        if error:
            pointer = ctypes.cast(error, ctypes.POINTER(_ffi.wasmtime_error_t))
            raise Broken("internal", str(wasmtime.WasmtimeError._from_ptr(pointer)))  # noqa: SLF001
        if self._trap.value:
            self._raise_trap()
        self.is_lost = False
        result = slots[0] & 0xFFFFFFFF
        return result - (1 << 32) if result & 0x80000000 else result

    def _raise_trap(self) -> None:
        trap = self._trap.value
        code = ctypes.c_uint8()
        known = _trap_code(trap, ctypes.addressof(code))
        _trap_delete(trap)
        self._trap.value = None
        stored, self._stored = self._stored, None
        self.is_lost = not isinstance(stored, GuestFault) and code.value not in _TRAP_FAULTS
        if isinstance(stored, GuestFault | Broken):
            raise stored
        if stored is not None:
            raise _host_failed(stored)
        fault = _TRAP_FAULTS.get(code.value) if known else None
        if fault is None:
            raise Broken("internal", f"the engine stopped with trap {code.value if known else 'unknown'}")
        raise GuestFault(fault)

    # ── memory ──

    def restore(self, content: bytes) -> None:
        """Make the memory what it was when `content` was taken: stack, data, heap and what lies above."""
        base = self._base
        deep, high = self._deep, self._mark()
        end = deep + len(content)
        if _madvise(base, deep, _MADV_DONTNEED):  # pages never touched cost nothing so; anew they are zero
            _memset(base, 0, deep)
        _memmove(base + deep, content, len(content))
        if high > end:
            _memset(base + end, 0, high - end)
        _global_set(self._context, self._pointer, self._pointer_value_at)

    def content(self) -> bytes:
        """Clear the stack's end; return it and the memory after it up to the heap's mark."""
        at = self._base + self._deep
        _memset(at, 0, self.start - self._deep)
        return _string_at(at, max(self.start, self._mark()) - self._deep)

    def _mark(self) -> int:
        """Return how far the heap reached, never out of the memory: a guest may have written over it."""
        return min(self._high.value, MEMORY_BYTES)

    def whole_memory(self) -> bytes:
        """Return all memory, for comparison in tests and tools."""
        return _string_at(self._base, MEMORY_BYTES)

    def write(self, data: bytes) -> None:
        """Put a call into the area that the engine reads."""
        self._io[: len(data)] = data

    def read(self, size: int) -> bytes:
        """Take an answer out of the area that the engine writes."""
        return self._io[:size].tobytes()

    def source(self, name: str, source: bytes) -> None:
        """Hand a source to `vm_prelude` or `vm_load`; raise GuestFault with its own text when it fails."""
        at = self.run("vm_source", len(source))
        _memmove(self._base + at, source, len(source))
        try:
            result = self.enter(self._functions[name], len(source))
        except GuestFault:  # what it left lies above the mark
            _memset(self._base + at, 0, len(source))
            raise
        if result < 0:
            raise GuestFault("script_error", self.read(-result)[1:].decode("utf-8", "replace"))


def _host_failed(error: BaseException) -> Broken:
    failed = Broken("internal", f"a host function failed: {error!r}")
    failed.__cause__ = error
    return failed


def no_host(op: int, _payload: bytes, _meter: object) -> bytes | None:
    """Refuse: while an engine starts or loads a source it has no host."""
    raise GuestFault("unknown_op", f"operation {op} while loading")
