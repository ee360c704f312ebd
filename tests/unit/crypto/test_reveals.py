"""Seeds from hash onions: the published seeds, and which reveals count."""

import pytest

from chaosnet.crypto.reveals import (
    REVEAL_BYTES,
    Revealed,
    combined,
    is_valid_reveal,
    layer_over,
    seed_of,
    start_of,
)
from tests.vectors import vectors_json


@pytest.mark.parametrize(("name", "cases"), [("first_round", 1), ("other_rounds", 3)])
def test_published_seeds(name: str, cases: int) -> None:
    data = vectors_json(f"lisk/pos_random_seed_generation_{name}.json")
    assert len(data["testCases"]) == cases
    for case in data["testCases"]:
        length = case["config"]["blocksPerRound"]
        blocks = [
            Revealed(b["height"], b["generatorPublicKey"].encode(), bytes.fromhex(b["asset"]["seedReveal"]))
            for b in case["input"]["blocks"]
        ]
        start = blocks[-1].height - length + 1
        middle = length // 2
        # Both stretches end one block before the middle, the end of a round.
        around = seed_of(blocks, start - middle, 2 * middle, round_length=length)
        whole = seed_of(blocks, start - length, length - 1, round_length=length)
        assert around.hex() == case["output"]["randomSeed1"], case["description"]
        assert whole.hex() == case["output"]["randomSeed2"], case["description"]


def onion(name: bytes, layers: int) -> list[bytes]:
    """Return the layers in the order in which they are published."""
    layer = layer_over(name)
    made = [layer]
    for _ in range(layers - 1):
        layer = layer_over(layer)
        made.append(layer)
    return made[::-1]


A, B = onion(b"a", 4), onion(b"b", 4)


def test_each_reveal_is_under_the_one_before() -> None:
    assert all(len(layer) == REVEAL_BYTES for layer in A)
    assert is_valid_reveal(A[0], A[1])
    assert not is_valid_reveal(A[1], A[0])
    assert not is_valid_reveal(A[0], A[2])
    assert not is_valid_reveal(A[0], B[1])


def test_a_longer_preimage_is_no_reveal() -> None:
    long = b"x" * 17
    assert not is_valid_reveal(layer_over(long), long)


def test_only_reveals_after_a_first_one_count() -> None:
    blocks = [
        Revealed(1, b"a", A[0]),
        Revealed(2, b"b", B[0]),
        Revealed(3, b"a", A[1]),
        Revealed(4, b"b", B[2]),
    ]
    assert seed_of(blocks, 1, 2, round_length=2) == start_of(3)
    assert seed_of(blocks, 3, 2, round_length=2) == combined(start_of(5), A[1])


def test_silence_of_a_round_starts_anew() -> None:
    blocks = [Revealed(1, b"a", A[0]), *(Revealed(h, b"b", B[0]) for h in (2, 3, 4)), Revealed(5, b"a", A[1])]
    assert seed_of(blocks, 5, 1, round_length=2) == start_of(6)
    assert seed_of(blocks, 5, 1, round_length=4) == combined(start_of(6), A[1])


def test_rounds_are_counted_from_the_era() -> None:
    blocks = [
        Revealed(2, b"a", A[0]),
        Revealed(3, b"b", B[0]),
        Revealed(4, b"b", B[1]),
        Revealed(5, b"a", A[1]),
    ]
    assert seed_of(blocks, 5, 1, round_length=2) == start_of(6)  # rounds of 1-2, 3-4, 5-6
    assert seed_of(blocks, 5, 1, round_length=2, before=1) == combined(start_of(6), A[1])  # 2-3, 4-5
