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
            module_sha256="71db81785154081e885601f2a7e87d9972a3e8b486ea149d41d17e9ce92cb42c",
            prelude="prelude.lua",
            prelude_sha256="aa0f47b1911f5121ee7282671322930177d786e395c152842269b68a118d32e8",
        ),
        "js/1": EngineFiles(
            module="javascript.wasm",
            module_sha256="62e7c9947df4aad32a00973e62e9649dc29517213436e3666f033206041e9b09",
            prelude="prelude.js",
            prelude_sha256="af6cae25bc250f2251ee0c6516697dc9afe90be66995edadd7d696911e5872c5",
        ),
    },
}
"""By rule set and engine's name."""

WASMTIME_VERSIONS: Final = ("50.0.1",)
"""Runtimes proven to give the same results, fuel, traps and memory: on another no contract runs."""
