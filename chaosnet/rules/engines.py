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
            module_sha256="1e61a4c07408bd3a4ffbe49986da0b4d730e94e5330a569958cfbf5e3d3efe7a",
            prelude="prelude.lua",
            prelude_sha256="47fa36644163eee4d661025734d51b3f8bc09b246e68761ce21194fbb3a6fedf",
        ),
        "js/1": EngineFiles(
            module="javascript.wasm",
            module_sha256="0cb09b310456e70c36a78f23acfba39007103e1c7c275b1da6c384b8eb847343",
            prelude="prelude.js",
            prelude_sha256="a2ca22956d6ca707791db3ac99804c9c3ccd45fa7372eba2aeb771610b49b29d",
        ),
    },
}
"""By rule set and engine's name."""

WASMTIME_VERSIONS: Final = ("50.0.1",)
"""Runtimes proven to give the same results, fuel, traps and memory: on another no contract runs."""
