"""What contracts declare and say, as people read and type it."""

import pytest

from chaosnet.base.errors import Invalid
from explorer.calls import (
    INPUT_CHARS_MAX,
    VALUE_CHARS_MAX,
    Argument,
    arguments_of,
    init_of,
    methods_of,
    named,
    shown,
    typed,
)

INTERFACE = {
    "init": {"args": ["supply int"]},
    "methods": {
        "move": {"kind": "write", "args": ["to address", "n int", "note text?"], "doc": "Send."},
        "held": {"kind": "view", "args": ["of address"], "returns": "int", "reentrant": True},
    },
}


def test_methods_in_order_with_their_signatures() -> None:
    held, move = methods_of(INTERFACE)
    assert (held.name, held.kind, held.returns, held.is_reentrant) == ("held", "view", "int", True)
    assert move.args == (
        Argument("to", "address", False),
        Argument("n", "int", False),
        Argument("note", "text", True),
    )
    assert move.doc == "Send."
    init = init_of(INTERFACE)
    assert init is not None
    assert init.args == (Argument("supply", "int", False),)
    assert init_of({}) is None
    assert methods_of({"methods": 7}) == []
    assert arguments_of(None) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        ({"$int": "9223372036854775807"}, "9223372036854775807"),
        ("a < b", "a < b"),
        ({"$bytes": "00ff"}, "0x00ff"),
        ([1, {"$bytes": "aa"}], '[1, "0xaa"]'),
        ({"k": [None]}, '{"k": [null]}'),
        ({"$odd": 1}, '{"$odd": 1}'),
    ],
)
def test_values_as_people_read_them(value: object, text: str) -> None:
    assert shown(value) == text


def test_long_values_are_cut() -> None:
    assert len(shown("x" * 20_000)) == VALUE_CHARS_MAX + 1


def test_values_by_their_names() -> None:
    assert named(["cos1q", 5, "more"], ["to address", "n int"]) == [
        ("to", "address", "cos1q"),
        ("n", "int", "5"),
        ("#3", "", "more"),
    ]


def test_what_is_typed_becomes_arguments() -> None:
    kinds = ("int", "text", "bytes", "bool", "address", "list", "any")
    arguments = tuple(Argument(kind, kind, False) for kind in kinds)
    texts = ["9,223,372,036,854,775,807", " hi ", "0x00ff", "true", " COS1Q ", '[1, "a"]', ""]
    assert typed(arguments, texts) == [
        {"$int": "9223372036854775807"},
        " hi ",
        {"$bytes": "00ff"},
        True,
        "cos1q",
        [1, "a"],
        None,
    ]
    optional = (Argument("a", "int", False), Argument("b", "int", True), Argument("c", "text", True))
    assert typed(optional, ["1", "", ""]) == [1]
    assert typed(optional, ["1", "", "x"]) == [1, None, "x"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "1.5"),
        ("int", ""),
        ("int", "9" * 21),
        ("bool", "yes"),
        ("bytes", "0x0"),
        ("list", "[1.5]"),
        ("map", "{"),
        ("list", "[" * 1_500),
        ("text", "x" * (INPUT_CHARS_MAX + 1)),
    ],
)
def test_what_fits_no_type_is_named(kind: str, text: str) -> None:
    with pytest.raises(Invalid, match="amount") as refused:
        typed((Argument("amount", kind, False),), [text])
    assert refused.value.code == "bad_argument"
