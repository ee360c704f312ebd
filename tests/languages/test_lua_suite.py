"""Lua's own test files run in the engine: whole, with listed patches, or not at all for a listed reason."""

from typing import Any

import pytest

from chaosnet.contracts.values import encode
from tests.languages import lua_files
from tests.machines import FakeHost, machine, on_big_stack

FUEL = 5_000_000_000
ENTRIES = lua_files.table()
ANSWERS = {"attrib.lua": "27", "big.lua": "a", "events.lua": "12", "locals.lua": "5", "verybig.lua": "10"}
"""What files return that return something: a run that left early would not."""
LAST = {"utf8.lua": "ok"}
"""What they print at their end, where it is not OK."""


def test_every_file_is_listed_once() -> None:
    assert set(ENTRIES) == set(lua_files.test_files())


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_entries_give_their_reasons(name: str) -> None:
    entry = ENTRIES[name]
    assert entry["run"] in ("whole", "patched", "excluded")
    assert bool(entry.get("patch")) == (entry["run"] == "patched")
    assert bool(entry.get("reason")) == (entry["run"] == "excluded")
    for patch in entry.get("patch", []):
        assert patch["reason"]
        assert ("lines" in patch) != ("find" in patch)


@pytest.mark.parametrize(
    "name", sorted(name for name, entry in ENTRIES.items() if entry["run"] != "excluded")
)
def test_file_runs_to_its_end(name: str) -> None:
    entry = ENTRIES[name]
    content = lua_files.patched(lua_files.test_files()[name], entry.get("patch", []))
    source = lua_files.contract(name, content)
    host = FakeHost()

    def run() -> Any:
        return machine().call(machine().prepare("lua/1", source), "run", encode([]), FUEL, host)

    ended = on_big_stack(run)
    assert (ended.code, ended.text) == ("ok", "")
    if name in ANSWERS:
        assert ended.value[1:].decode() == ANSWERS[name]
    else:
        assert host.asked[-1] == (200, [LAST.get(name, "OK")])


def test_a_failed_assertion_of_a_file_is_seen() -> None:
    source = lua_files.contract("x.lua", b"assert(1 == 1)\nassert(1 == 2)\n")
    ended = on_big_stack(
        lambda: machine().call(machine().prepare("lua/1", source), "run", encode([]), FUEL, FakeHost())
    )
    assert (ended.code, ended.text) == ("script_error", "x.lua:2: assertion failed!")
