"""One case of the list of attacks: programs for each language, or the reason why there is none."""

from dataclasses import dataclass

GAS, MEMORY, STACK, ERROR, OK = "out_of_gas", "memory", "stack", "script_error", "ok"
FUEL, LONG = 30_000_000, 3_000_000_000

Program = tuple[str, str] | tuple[str, str, int]
"""How it ends, the body of a method, its fuel; else FUEL where that shall be used up, or LONG."""


@dataclass(frozen=True)
class Case:
    """One number of the list."""

    title: str
    lua: str | list[Program]
    """Programs, or why it does not apply to Lua."""
    js: str | list[Program]
    tests: tuple[str, ...] = ()
    """Tests that show it where no program of one contract can: file::name below tests/."""


HOST = "on the side of the host: see the tests"
