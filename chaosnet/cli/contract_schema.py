"""`chaosnet contract schema`: the JSON Schema of the interface that a contract declares.

What it says is what `contracts/interface.py` checks, as far as a schema can say it: that a name stands twice
among arguments, or a text is not Unicode, it cannot.
"""

from typing import Any

import msgspec
import typer

from chaosnet.cli.output import Json, print_json, print_text
from chaosnet.contracts.interface import ANY, API, ARGS_MAX, METHODS_MAX, NAMES_MAX, TEXT_MAX

app = typer.Typer()

TYPES = ("int", "text", "address", "bytes", "bool", "list", "map", "any")
NAME = "[A-Za-z_][A-Za-z0-9_]{0,63}"
KIND = f"(?:{'|'.join(TYPES)})\\??"

_TEXT: dict[str, Any] = {"type": "string", "maxLength": TEXT_MAX}
_NOTHING = ({"type": "object", "maxProperties": 0}, {"type": "null"})


@app.command()
def schema(*, as_json: Json = False) -> None:
    """Print the JSON Schema of interfaces, as /v1/contracts/{id} and `contract show --json` have them."""
    found = interface_schema()
    if as_json:
        print_json(found)
    else:
        print_text(schema_text())


def schema_text() -> str:
    """Return the schema as the file that is published."""
    return msgspec.json.format(msgspec.json.encode(interface_schema()), indent=2).decode()


def interface_schema() -> dict[str, Any]:
    """Return the schema."""
    method = _method()
    init_fields = {"kind": {"enum": ["write", "payable"]}, "reentrant": {"const": False}}
    init = {**method, "required": [], "properties": {**method["properties"], **init_fields}}
    permissions = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"transfer": _scope(), "call": _scope(), "issue": {"type": "boolean"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Interface of a chaosnet contract",
        "description": "A list without items may stand for an empty map: in Lua they are written alike.",
        "type": "object",
        "additionalProperties": False,
        "required": ["api", "name", "methods"],
        "properties": {
            "api": {"const": API},
            "name": {**_TEXT, "minLength": 1},
            "version": _TEXT,
            "licence": _TEXT,
            "doc": _TEXT,
            "init": _or_empty(init),
            "methods": {**_named(method, METHODS_MAX), "minProperties": 1},
            "events": _or_empty(_named(_args(), NAMES_MAX)),
            "errors": _or_empty(_named(_TEXT, NAMES_MAX)),
            "storage": _or_empty(_named(_TEXT, NAMES_MAX)),
            "permissions": _or_empty(permissions),
        },
    }


def _method() -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind"],
        "properties": {
            "kind": {"enum": ["view", "write", "payable"]},
            "args": _args(),
            "returns": {"type": ["string", "null"], "pattern": f"^{KIND}$"},
            "doc": _TEXT,
            "reentrant": {"type": "boolean"},
        },
    }


def _args() -> dict[str, Any]:
    item = {"type": "string", "pattern": f"^{NAME} {KIND}$"}
    return {
        "description": "Names and types, such as `to address` or `note text?`.",
        "anyOf": [{"type": "array", "maxItems": ARGS_MAX, "items": item}, *_NOTHING],
    }


def _scope() -> dict[str, Any]:
    item = {**_TEXT, "minLength": 1}
    return {"anyOf": [{"const": ANY}, {"type": "array", "maxItems": NAMES_MAX, "items": item}, *_NOTHING]}


def _named(values: dict[str, Any], most: int) -> dict[str, Any]:
    return {
        "type": "object",
        "maxProperties": most,
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": values,
    }


def _or_empty(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "array", "maxItems": 0}, {"type": "null"}]}
