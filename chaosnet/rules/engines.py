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
            module_sha256="b317756be944ae05261bebd9621bef21fa59575e654a2256b8e4d77e9af0e8cf",
            prelude="prelude.lua",
            prelude_sha256="6e8a2adbd9557ae4437a22d1c6f6cb053415c4c95e0d246098e05839d1cd1787",
        ),
        "js/1": EngineFiles(
            module="javascript.wasm",
            module_sha256="8d963d96956d85a800bcc4ef267fdc428c9d3e900c8e8b825c22632c55bf8677",
            prelude="prelude.js",
            prelude_sha256="65edcbb00429bebfce7c88f2563794445638688b37aebf5c51197ed11b2c5d9d",
        ),
    },
}
"""By rule set and engine's name."""

WASMTIME_VERSIONS: Final = ("50.0.1",)
"""Runtimes proven to give the same results, fuel, traps and memory: on another no contract runs."""
