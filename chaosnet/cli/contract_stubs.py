"""Stubs for editors: the words a contract finds, and its own declared storage with types."""

from collections.abc import Mapping
from importlib import resources
from typing import Final

from chaosnet.contracts.values import Value
from chaosnet.devchain.words import LUA

_LUA: Final = {
    "int": "integer",
    "text": "string",
    "address": "address",
    "bytes": "bytes",
    "bool": "boolean",
    "list": "value[]",
    "map": "table<string, value>",
    "any": "value",
}
_TYPESCRIPT: Final = {
    "int": "bigint",
    "text": "string",
    "address": "Address",
    "bytes": "Uint8Array",
    "bool": "boolean",
    "list": "Value[]",
    "map": "Record<string, Value>",
    "any": "any",
}


def stubs(engine: str, declared: Mapping[str, Value]) -> str:
    """Return stubs in the form of the language: LuaLS annotations, or a `.d.ts`."""
    storage = declared.get("storage")
    entries = (
        {name: kind.split() for name, kind in (storage or {}).items() if isinstance(kind, str)}
        if isinstance(storage, dict)
        else {}
    )
    entries = {name: words for name, words in sorted(entries.items()) if words}
    if engine == LUA:
        return template("contract_api.lua") + _lua(entries)
    return template("contract_api.d.ts") + _typescript(entries)


def template(name: str) -> str:
    """Return the text of a file that comes with the program."""
    return resources.files("chaosnet.cli").joinpath("templates", name).read_text(encoding="utf-8")


def _lua(entries: dict[str, list[str]]) -> str:
    lines = [""]
    for name, (kind, *words) in entries.items():
        if kind == "counter":
            continue
        types = [_LUA.get(word, "value") for word in words]
        value = types[-1] if types else "value"
        keys = "".join(f", key{i}: {found}" for i, found in enumerate(types[:-1], 1))
        lines.append(f"---@class store_{name}")
        if kind == "list":
            lines += [
                "---@field len fun(self): integer",
                f"---@field get fun(self, index: integer): {value}?",
                f"---@field set fun(self, index: integer, value: {value})",
                f"---@field push fun(self, value: {value}): integer",
                f"---@field pop fun(self): {value}?",
                f"---@field each fun(self): fun(): integer, {value}",
            ]
        else:
            lines += [
                f"---@field get fun(self{keys}): {value}?",
                f"---@field set fun(self{keys}, value: {value})",
                f"---@field has fun(self{keys}): boolean",
                f"---@field delete fun(self{keys})",
            ]
        if kind == "map":
            lines += [
                f"---@field add fun(self{keys}, amount: integer): integer",
                f"---@field sub fun(self{keys}, amount: integer): integer",
                "---@field each fun(self, ...): fun(): ...",
                "---@field page fun(self, limit: integer, after?: value, ...): value[][]",
            ]
        lines.append("")
    lines.append("---@class store")
    for name, (kind, *_) in entries.items():
        lines.append(f"---@field {name} {'counter' if kind == 'counter' else f'store_{name}'}")
    return "\n".join([*lines, "store = {}"]) + "\n"


def _typescript(entries: dict[str, list[str]]) -> str:
    lines = ["", "declare const store: {"]
    for name, (kind, *words) in entries.items():
        types = [_TYPESCRIPT.get(word, "any") for word in words]
        value = types[-1] if types else "any"
        found = {
            "counter": "CounterEntry",
            "value": f"ValueEntry<{value}>",
            "list": f"ListEntry<{value}>",
            "map": f"MapEntry<[{', '.join(types[:-1])}], {value}>",
        }.get(kind, "any")
        lines.append(f"  readonly {name}: {found};")
    return "\n".join([*lines, "};"]) + "\n"
