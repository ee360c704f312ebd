from typing import Any

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.contracts.interface import Kind, Method, Permissions, check_args, parse_interface
from chaosnet.contracts.values import Value

COUNTER: dict[str, Value] = {
    "api": 1,
    "name": "Counter",
    "version": "1.0.0",
    "licence": "MIT",
    "doc": "Counts.",
    "init": {"args": ["start int?"]},
    "methods": {
        "add": {"kind": "write", "args": ["n int"], "returns": "int", "doc": "Adds.", "reentrant": True},
        "get": {"kind": "view", "returns": "int"},
        "pay": {"kind": "payable"},
    },
    "events": {"Added": ["by address", "n int"]},
    "errors": {"too_many": "more than anyone needs"},
    "storage": {"count": "counter", "names": "map text int"},
    "permissions": {"transfer": ["COS"], "call": "any", "issue": True},
}


def test_a_whole_interface() -> None:
    interface = parse_interface(COUNTER)
    assert (interface.name, interface.version, interface.licence) == ("Counter", "1.0.0", "MIT")
    assert interface.init == Method("init", "write", (("start", Kind("int", True)),))
    assert interface.methods["add"] == Method("add", "write", (("n", Kind("int")),), Kind("int"), True)
    assert interface.methods["get"].kind == "view"
    assert interface.events == {"Added": (("by", Kind("address")), ("n", Kind("int")))}
    assert interface.permissions == Permissions(("COS",), ("any",), True)


def test_what_is_left_out_is_empty() -> None:
    least: dict[str, Value] = {"api": 1, "name": "x", "methods": {"get": {"kind": "view"}}}
    interface = parse_interface(least)
    assert interface.permissions == Permissions()
    assert interface.events == {}
    assert interface.init is None
    empty: dict[str, Value] = {"events": [], "permissions": [], "errors": [], "storage": []}
    assert parse_interface(least | empty) == interface, "an empty list stands for an empty map"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"api": 2}, "api"),
    ({"api": True}, "api"),
    ({"name": ""}, "name"),
    ({"name": None}, "name"),
    ({"agree": {}}, "agree"),
    ({"surprise": 1}, "surprise"),
    ({"methods": {}}, "methods"),
    ({"methods": {"@init": {"kind": "view"}}}, "@init"),
    ({"methods": {"a": {"kind": "other"}}}, "kind"),
    ({"methods": {"a": {"kind": "view", "gas": 1}}}, "gas"),
    ({"methods": {"a": {"kind": "view", "args": ["n number"]}}}, "number"),
    ({"methods": {"a": {"kind": "view", "args": ["n int", "n int"]}}}, "n int"),
    ({"methods": {"a": {"kind": "view", "args": [1]}}}, "args"),
    ({"methods": {"a": {"kind": "view", "args": "n int"}}}, "args"),
    ({"methods": {"a": {"kind": "view", "args": [f"n{i} int" for i in range(17)]}}}, "over 16"),
    ({"methods": {"a": {"kind": "view", "reentrant": 1}}}, "reentrant"),
    ({"methods": {f"m{i}": {"kind": "view"} for i in range(129)}}, "over 128"),
    ({"init": {"kind": "view"}}, "init"),
    ({"events": {"E": {"a": "int"}}}, "events"),
    ({"errors": {"e": 1}}, "errors"),
    ({"storage": {"s": []}}, "storage"),
    ({"doc": "x" * 1_001}, "doc"),
    ({"permissions": {"fly": True}}, "fly"),
    ({"permissions": {"issue": "any"}}, "issue"),
    ({"permissions": {"call": "all"}}, "call"),
    ({"permissions": {"call": [1]}}, "call"),
]


@pytest.mark.parametrize("changes, place", BAD)
def test_anything_else_is_refused_with_its_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_interface(COUNTER | changes)
    assert caught.value.code == "bad_interface"
    assert place in caught.value.detail


def test_arguments_must_fit() -> None:
    args = (("n", Kind("int")), ("to", Kind("address")), ("memo", Kind("text", True)))

    def check(*values: Value) -> list[Value]:
        return check_args(args, list(values), lambda text: text == "cos1")

    assert check(1, "cos1") == [1, "cos1", None]
    assert check(1, "cos1", "m") == [1, "cos1", "m"]
    for wrong in ((), (1,), (True, "cos1"), (1, "other"), (1, "cos1", 2), (1, "cos1", "m", None)):
        with pytest.raises(Invalid, match="bad_args"):
            check(*wrong)


@pytest.mark.parametrize(
    "word, good, bad",
    [
        ("int", 0, False),
        ("text", "", b""),
        ("bytes", b"", ""),
        ("bool", False, 0),
        ("list", [], {}),
        ("map", {}, []),
        ("any", None, None),
    ],
)
def test_kinds_of_values(word: str, good: Value, bad: Value) -> None:
    def is_address(text: str) -> bool:
        return False

    assert Kind(word).fits(good, is_address)
    if word != "any":
        assert not Kind(word).fits(bad, is_address)
        assert not Kind(word).fits(None, is_address)
        assert Kind(word, is_optional=True).fits(None, is_address)
