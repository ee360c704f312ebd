"""Which engine runs a contract under which rule set: module and prelude by SHA-256.

A contract names an abstract engine; a rule set says which bytes that is. Both files are part of consensus, so
another of either is a new rule set, while the old ones stay in the release. `python engines/build.py --pin`
writes the hashes anew; that is allowed until the first network runs.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """Files in chaosnet/contracts/engines with their SHA-256, in hex."""

    module: str
    module_sha256: str
    prelude: str
    prelude_sha256: str


ENGINES: Final[dict[int, dict[str, EngineFiles]]] = {
    1: {
        "lua/1": EngineFiles(
            module="lua.wasm",
            module_sha256="36300a1c32fef6d594b63068a775c39c491758646beb6cf6420cb2af0b5d128d",
            prelude="prelude.lua",
            prelude_sha256="6e8a2adbd9557ae4437a22d1c6f6cb053415c4c95e0d246098e05839d1cd1787",
        ),
        "js/1": EngineFiles(
            module="javascript.wasm",
            module_sha256="4bed65e2ba810b69b05e6f8dd17e70b4a0717a2aa91dc93890d9062f500029dc",
            prelude="prelude.js",
            prelude_sha256="65edcbb00429bebfce7c88f2563794445638688b37aebf5c51197ed11b2c5d9d",
        ),
    },
}
"""By rule set and engine's name."""

WASMTIME_VERSIONS: Final = ("50.0.1",)
"""Runtimes proven to give the same results, fuel, traps and memory: on another no contract runs."""
