"""Where the busiest modules of the core come from: machine code, if `make compile` made it, else Python.

The same sources either way, compiled by mypyc. Code is kept under a hash of the interpreter and of all that
is in it, the constants of other modules too; so what was compiled before an edit is never used. With
CHAOSNET_PURE=1 in the environment it is left aside. What may be among the modules: docs/decisions/0016.
"""

import os
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).parent
KEPT: Final = ROOT / "_compiled"
ROOMS: Final = ("base", "crypto", "model", "rules", "contracts", "ledger")
"""Whose constants and types may be part of compiled code."""
_CONTRACTS: Final = "faults images interface keys ops thread_stack values wasm wasm_instance"
_LEDGER: Final = "apply check index keys overlay state"
_LEDGER_CONTRACTS: Final = "actions books check desk frames host host_assets names rights"
MODULES: Final = (
    "chaosnet.base.errors",
    "chaosnet.base.units",
    "chaosnet.crypto.addresses",
    "chaosnet.crypto.bech32m",
    "chaosnet.crypto.hashing",
    *(f"chaosnet.contracts.{name}" for name in _CONTRACTS.split()),
    *(f"chaosnet.ledger.{name}" for name in _LEDGER.split()),
    *(f"chaosnet.ledger.contracts.{name}" for name in _LEDGER_CONTRACTS.split()),
)
"""The way of a transaction. A module with msgspec structs stays Python: mypyc drops their options."""


def source_of(module: str) -> Path:
    """Return the file of a module of chaosnet."""
    return ROOT.parent.joinpath(*module.split(".")).with_suffix(".py")


def key() -> str:
    """Return the name under which code of exactly these sources is kept, for this interpreter."""
    digest = sha256(f"{sys.implementation.cache_tag} {sys.abiflags} {os.uname().machine}".encode())
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        content = path.read_bytes()
        digest.update(b"%s %d\n" % (str(path.relative_to(ROOT)).encode(), len(content)) + content)
    return digest.hexdigest()[:24]


def is_whole(directory: Path) -> bool:
    """Return whether a directory has code for every module."""
    stems = [directory.joinpath(*module.split(".")) for module in MODULES]
    return all(any(stem.with_suffix(s).is_file() for s in EXTENSION_SUFFIXES) for stem in stems)


class _Finder(MetaPathFinder):
    """Finds the compiled modules, and the library that they share, in one directory."""

    def __init__(self, directory: Path, shared: str) -> None:
        self._directory = directory
        self._shared = shared

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in MODULES and fullname != self._shared:
            return None
        package = fullname.split(".")[:-1]
        return PathFinder.find_spec(fullname, [str(self._directory.joinpath(*package))])


def is_in_use() -> bool:
    """Return whether this process runs compiled modules."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


def word() -> str:
    """Return what runs: `compiled` or `python`."""
    return "compiled" if is_in_use() else "python"


def install() -> None:
    """Let the modules be found, before the first of them is imported."""
    if os.environ.get("CHAOSNET_PURE") or not KEPT.is_dir():
        return
    directory = KEPT / key()
    if not is_whole(directory):
        return
    for shared in directory.glob("*__mypyc.*"):
        finder = _Finder(directory, shared.name.split(".")[0])
        sys.meta_path.insert(0, finder)
        try:
            import_module(shared.name.split(".")[0])
        except ImportError:  # made on another system
            sys.meta_path.remove(finder)
