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
            prelude_sha256="b73c1f3b477c523644979b103756d12f06874e25e7e0db271786a46fb1eeeedc",
        ),
        "js/1": EngineFiles(
            module="javascript.wasm",
            module_sha256="3564ef846d1405a29ef3c73a3361f9461ba945b6e7ce21d108cc4e4ca593ecb5",
            prelude="prelude.js",
            prelude_sha256="8a7474d2782d9554177670c77e58fe1c3e1f380a819d2cbb7471bbe5480f4ecc",
        ),
    },
}
"""By rule set and engine's name."""

WASMTIME_VERSIONS: Final = ("50.0.1",)
"""Runtimes proven to give the same results, fuel, traps and memory: on another no contract runs."""
