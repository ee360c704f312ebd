"""Values of contracts survive JSON in both directions, whatever they are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.contracts.values import decode, encode
from chaosnet.rpc.schema.values import from_json, to_json

INTS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["$int", "$"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | INTS | TEXTS | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    text = json.dumps(to_json(value))
    found = from_json(json.loads(text))
    assert encode(found) == encode(value)
    assert decode(encode(found)) == value


def test_forms() -> None:
    assert to_json({"a": [1, 2**60, b"\x01", None]}) == {
        "a": [1, {"$int": str(2**60)}, {"$bytes": "01"}, None]
    }
    assert to_json({"$a": 1}) == {"$map": [["$a", 1]]}
    assert from_json({"$int": "7"}) == 7
    with pytest.raises(TypeError):
        to_json(1.5)


@pytest.mark.parametrize(
    "found",
    [
        1.5,
        [0.0],
        {"$int": 7},
        {"$int": "7", "a": 1},
        {"$int": "١"},
        {"$int": "9" * 30},
        {"$bytes": "0"},
        {"$float": "1"},
        {"$map": [["a"]]},
        {"$map": [["a", 1], ["a", 2]]},
        {"$map": [[1, 1]]},
    ],
)
def test_what_stands_for_nothing_is_refused(found: object) -> None:
    with pytest.raises(Invalid) as caught:
        from_json(found)
    assert caught.value.code == "bad_argument"


def test_nesting_is_bounded() -> None:
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(Invalid):
        from_json(deep)
