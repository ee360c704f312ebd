"""The engines in the repository are the ones that the rules name, and they are what a contract may run on."""

from hashlib import sha256
from importlib import metadata
from pathlib import Path

import pytest
import wasmtime

from chaosnet.contracts.wasm_instance import MEMORY_BYTES
from chaosnet.rules.engines import ENGINES, WASMTIME_VERSIONS

FOLDER = Path(__file__).parents[3] / "chaosnet/contracts/engines"
PAGE_BYTES = 64 << 10

ALL = [(rule, name) for rule, engines in ENGINES.items() for name in engines]


@pytest.mark.parametrize(("rule", "name"), ALL)
def test_files_have_the_hashes_of_the_rules(rule: int, name: str) -> None:
    files = ENGINES[rule][name]
    hint = "another engine is another rule set; before the first network: python engines/build.py --pin"
    assert sha256((FOLDER / files.module).read_bytes()).hexdigest() == files.module_sha256, hint
    assert sha256((FOLDER / files.prelude).read_bytes()).hexdigest() == files.prelude_sha256, hint


def test_the_runtime_is_pinned() -> None:
    assert metadata.version("wasmtime") in WASMTIME_VERSIONS
    pyproject = (FOLDER.parents[2] / "pyproject.toml").read_text()
    assert f'"wasmtime=={WASMTIME_VERSIONS[0]}"' in pyproject


def sections(module: bytes) -> dict[int, bytes]:
    """Return the sections of a module by number."""
    assert module[:8] == b"\0asm\1\0\0\0"
    found: dict[int, bytes] = {}
    at = 8
    while at < len(module):
        kind, at = module[at], at + 1
        size = shift = 0
        while True:
            byte, at = module[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        found[kind] = module[at : at + size]
        at += size
    return found


@pytest.mark.parametrize(("rule", "name"), ALL)
def test_module_has_one_import_fixed_memory_and_one_mutable_global(rule: int, name: str) -> None:
    raw = (FOLDER / ENGINES[rule][name].module).read_bytes()
    config = wasmtime.Config()
    config.wasm_exceptions = True
    config.cranelift_opt_level = "none"
    module = wasmtime.Module(wasmtime.Engine(config), raw)
    assert [(i.module, i.name) for i in module.imports] == [("env", "host")]
    exports = {e.name: e.type for e in module.exports}
    assert set(exports) == {
        *("memory", "__stack_pointer", "io_ptr", "vm_high", "vm_init"),
        *("vm_source", "vm_prelude", "vm_load", "vm_call"),
    }
    memory = exports["memory"]
    assert isinstance(memory, wasmtime.MemoryType)
    assert (memory.limits.min, memory.limits.max) == (MEMORY_BYTES // PAGE_BYTES, MEMORY_BYTES // PAGE_BYTES)
    pointer = exports["__stack_pointer"]
    assert isinstance(pointer, wasmtime.GlobalType)
    assert pointer.mutable
    found = sections(raw)
    assert found[6][0] == 1, "one global, which every call resets"
    assert 0 not in found, "no names, no traces of the compiler"
    assert 12 not in found, "no passive data, which a call could drop"
