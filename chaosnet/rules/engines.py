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
            module_sha256="05e0186f64e07ae28c70068156c5fda1dd54fd32a8ee0f8f6ddc9e06c575542e",
            prelude="prelude.lua",
            prelude_sha256="91a2cb86e8b09ad6544d8022603b41819d8b3bf926dc7eaf67a8274962cdd3e3",
        ),
        "js/1": EngineFiles(
            module="javascript.wasm",
            module_sha256="9e565baf6b1e844608ee4307e0e378ef5609b702d3fe7d54b4a159ed986f1b31",
            prelude="prelude.js",
            prelude_sha256="756ce1356b6c04d5576f30bcc8e488be057d29f2547b86e09656f51004346aae",
        ),
    },
}
"""By rule set and engine's name."""

WASMTIME_VERSIONS: Final = ("50.0.1",)
"""Runtimes proven to give the same results, fuel, traps and memory: on another no contract runs."""
