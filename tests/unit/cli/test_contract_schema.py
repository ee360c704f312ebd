"""The published schema accepts and refuses what the chain does."""

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.cli.contract_schema import TYPES, interface_schema, schema_text
from chaosnet.contracts import interface
from tests.tidy import REPOSITORY
from tests.unit.cli.conftest import Cli

FULL: dict[str, Any] = {
    "api": 1,
    "name": "Box",
    "version": "1",
    "licence": "MIT",
    "doc": "",
    "init": {"args": ["a int"], "kind": "payable"},
    "methods": {"m": {"kind": "view", "args": ["a int?", "b address"], "returns": "map", "reentrant": True}},
    "events": {"E": ["a text"], "F": []},
    "errors": {"no": "not today"},
    "storage": {"s": "counter"},
    "permissions": {"transfer": ["COS"], "call": "any", "issue": True},
}
VALID = jsonschema.Draft202012Validator(interface_schema())
JUNK = st.sampled_from(
    [
        None,
        0,
        1,
        2,
        True,
        False,
        "",
        "any",
        "view",
        "int",
        "a int",
        "a int?",
        "a  int",
        "x" * 1_001,
        ["a int"],
    ]
) | st.sampled_from(
    [["a int"] * 17, ["1a int"], [1], [""], ["x"], [], {}, {"a": 1}, {"a b": "c"}, {"x": "y"}, {"m": {}}]
)
PLACES = (
    [(name,) for name in (*FULL, "agree")]
    + [("methods", "m", name) for name in ("kind", "args", "returns", "doc", "reentrant", "run")]
    + [("init", name) for name in ("kind", "args", "returns", "doc", "reentrant")]
    + [("permissions", name) for name in ("transfer", "call", "issue", "deploy")]
    + [("events", "E"), ("errors", "no"), ("storage", "s"), ("methods", "a-b")]
)


def is_accepted(value: Any) -> bool:
    try:
        interface.parse_interface(value)
    except Invalid:
        return False
    return True


def test_the_published_file_is_this_one(cli: Cli) -> None:
    published = (REPOSITORY / "docs" / "contract-interface.schema.json").read_text()
    assert published == schema_text() + "\n"
    assert cli("contract", "schema").out == published
    assert cli("contract", "schema", "--json").json == interface_schema()
    jsonschema.Draft202012Validator.check_schema(interface_schema())
    assert set(TYPES) == set(interface._TYPES)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), st.one_of(JUNK, st.just(...)))
def test_it_agrees_with_the_chain(place: tuple[str, ...], value: Any) -> None:
    found: Any = {name: dict(part) if isinstance(part, dict) else part for name, part in FULL.items()}
    found["methods"] = {"m": dict(FULL["methods"]["m"])}
    at = found
    for name in place[:-1]:
        at = at[name]
    if value is ...:
        at.pop(place[-1], None)
    else:
        at[place[-1]] = value
    assert VALID.is_valid(found) == is_accepted(found), (place, value)


@pytest.mark.parametrize("example", ["counter", "token", "pool"])
@pytest.mark.parametrize("language", ["lua", "js"])
def test_it_takes_the_examples(cli: Cli, example: str, language: str) -> None:
    file = Path(REPOSITORY) / "examples" / example / f"{example}.{language}"
    VALID.validate(cli("contract", "check", file, "--json").json["interface"])
