"""The native stack of the thread that runs contracts: a guest must meet its own bound before this one."""

import ctypes
from _thread import get_ident
from typing import Final

from chaosnet.base.errors import Broken
from chaosnet.contracts.ops import DEPTH_MAX

MAX_WASM_STACK: Final = 8 << 20
"""Native stack of one frame: never the bound that is met first, whatever the processor."""
STACK_BYTES: Final = (DEPTH_MAX + 1) * MAX_WASM_STACK
"""Least stack of the thread that runs a machine."""

_libc = ctypes.PyDLL(None)


def thread_stack_bytes() -> int:
    """Return the size of the running thread's stack."""
    attributes = ctypes.create_string_buffer(256)
    start, size = ctypes.c_void_p(), ctypes.c_size_t()
    failed = _libc.pthread_getattr_np(ctypes.c_void_p(get_ident()), attributes)
    if failed or _libc.pthread_attr_getstack(attributes, ctypes.byref(start), ctypes.byref(size)):
        raise Broken("internal", "the size of the thread's stack cannot be read")
    _libc.pthread_attr_destroy(attributes)
    return size.value


def check_stack() -> None:
    """Raise Broken when the running thread has too small a stack for contracts."""
    has = thread_stack_bytes()
    if has < STACK_BYTES:
        raise Broken("internal", f"contracts need a thread with {STACK_BYTES} bytes of stack, this has {has}")
