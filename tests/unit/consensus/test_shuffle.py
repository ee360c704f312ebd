"""The shuffled order: the published one, and that it depends on the seed alone."""

from collections import Counter

from chaosnet.consensus.shuffle import shuffled
from tests.vectors import vectors_json


def test_published_order() -> None:
    case = vectors_json("lisk/uniformly_shuffled_validator_list.json")["testCases"]
    names = [bytes.fromhex(name) for name in case["input"]["validatorList"]]
    assert len(names) == 103
    order = shuffled(names, bytes.fromhex(case["input"]["previousRoundSeed1"]))
    assert [name.hex() for name in order] == case["output"]["validatorList"]


def test_does_not_depend_on_the_order_given() -> None:
    names = [bytes([i]) for i in range(9)]
    assert shuffled(names, b"s") == shuffled(names[::-1], b"s")
    assert sorted(shuffled(names, b"s")) == names
    assert shuffled(names, b"s") != shuffled(names, b"t")


def test_everybody_leads_about_as_often() -> None:
    names = [b"a", b"b", b"c", b"d"]
    first = Counter(shuffled(names, seed.to_bytes(4, "big"))[0] for seed in range(2000))
    assert all(400 < first[name] < 600 for name in names)
