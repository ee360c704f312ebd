"""The finality gadget: the published steps of Lisk-BFT, weights, changing sets, and its safety."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.base.codec import Decoder, encode
from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.branching import Ballot, View, Work
from chaosnet.consensus.gadget import (
    ROUNDS,
    ROUNDS_MAX,
    Claim,
    Tip,
    after,
    check_claim,
    first_ballot,
    rank,
    relation,
)
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.evidence import claims_contradict
from tests.vectors import vectors_json


def seats(weights: dict[bytes, int]) -> ValidatorSet:
    return ValidatorSet(tuple(Validator(name, name, weights[name]) for name in sorted(weights)))


def equal(names: Sequence[bytes]) -> ValidatorSet:
    return seats(dict.fromkeys(names, 1))


def claim_of(header: dict[str, Any]) -> Claim:
    return Claim(
        header["height"],
        header["generatorPublicKey"].encode(),
        header["maxHeightPreviouslyForged"],
        header["maxHeightPrevoted"],
    )


def sets_of_rounds(claims: Sequence[Claim], size: int) -> list[ValidatorSet]:
    """Return the set of each round: its producers, filled up with those of the round before."""
    sets: list[list[bytes]] = []
    for start in range(0, len(claims), size):
        names = list(dict.fromkeys(claim.proposer for claim in claims[start : start + size]))
        before = sets[-1] if sets else []
        sets.append((names + [name for name in before if name not in names])[:size])
    return [equal(names) for names in sets]


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("4_validators_simple", 12),
        ("5_validators_switched_completely", 30),
        ("7_validators_partial_switch", 35),
    ],
)
def test_published_steps(name: str, steps: int) -> None:
    data = vectors_json(f"lisk/{name}.json")
    size = data["config"]["activeValidators"]
    cases = data["testCases"]
    assert len(cases) == steps
    claims = [claim_of(case["input"]["blockHeader"]) for case in cases]
    sets = sets_of_rounds(claims, size)
    ballot = first_ballot(data["config"]["finalizedHeight"])
    for i, (claim, case) in enumerate(zip(claims, cases, strict=True)):
        check_claim(ballot, claim)
        ballot = after(ballot, claim, sets[i // size])
        wanted = case["output"]
        assert ballot.final_height == wanted["finalizedHeight"], claim.height
        assert ballot.max_height_prevoted == wanted["preVotedConfirmedHeight"], claim.height
        for block in ballot.blocks:
            where = (claim.height, block.height)
            assert block.prevotes == wanted["preVotes"].get(str(block.height), 0), where
            assert block.precommits == wanted["preCommits"].get(str(block.height), 0), where
        active_from = {v.operator: v.active_from for v in ballot.voters}
        assert active_from[claim.proposer] == case["input"]["blockHeader"]["validatorMinHeightActive"]


def test_published_invalid_headers() -> None:
    data = vectors_json("lisk/bft_invalid_block_headers.json")
    assert len(data["testCases"]) == 5
    for case in data["testCases"]:
        claims = [claim_of(header) for header in case["config"]["blockHeaders"]]
        validators = equal(sorted({claim.proposer for claim in claims}))
        ballot = first_ballot(0)
        for claim in claims:
            ballot = after(ballot, claim, validators)
        with pytest.raises(InvalidBlock) as caught:
            check_claim(ballot, claim_of(case["input"]))
        assert caught.value.code == "bad_header", case["description"]
        if "lower max" not in case["description"]:
            # The same producer's right claim passes.
            check_claim(ballot, Claim(16, claims[0].proposer, 11, 12))


def test_published_fork_choice() -> None:
    data = vectors_json("lisk/bft_fork_choice_rules.json")
    names = {1: "identical", 2: "valid", 3: "double", 4: "tie", 5: "better", 6: "worse"}
    assert len(data["testCases"]) == 7
    for case in data["testCases"]:
        head = (case.get("config") or data["config"])["lastBlock"]
        found = relation(tip_of(head), tip_of(case["input"]["receivedBlock"]))
        assert found == names[case["output"]["forkStatus"]], case["description"]


def tip_of(block: dict[str, Any]) -> Tip:
    return Tip(
        block["id"].encode(),
        block["previousBlockId"].encode(),
        block["height"],
        block["generatorPublicKey"].encode(),
        block["maxHeightPrevoted"],
    )


A, B, C, D = b"a", b"b", b"c", b"d"


def run(
    ballot: Ballot, validators: ValidatorSet, proposers: Sequence[bytes], *, rounds_max: int = ROUNDS
) -> Ballot:
    """Add blocks on one branch, each of whose producers has only ever been on it."""
    height = ballot.blocks[-1].height if ballot.blocks else ballot.final_height
    last = {block.proposer: block.height for block in ballot.blocks}
    for proposer in proposers:
        height += 1
        claim = Claim(height, proposer, last.get(proposer, 0), ballot.max_height_prevoted)
        check_claim(ballot, claim)
        ballot = after(ballot, claim, validators, rounds_max=rounds_max)
        last[proposer] = height
    return ballot


def test_weight_decides_not_heads() -> None:
    validators = seats({A: 7, B: 1, C: 1, D: 1})
    light = run(first_ballot(0), validators, [B, C, D] * 3)
    assert (light.max_height_prevoted, light.final_height) == (0, 0)
    heavy = run(first_ballot(0), validators, [A, A, A])
    assert heavy.final_height == 2


def test_exactly_two_thirds_are_not_enough() -> None:
    validators = equal([A, B, C])
    assert run(first_ballot(0), validators, [A, B] * 5).max_height_prevoted == 0
    assert run(first_ballot(0), validators, [A, B, C]).max_height_prevoted == 1


def test_an_era_begins_with_its_last_common_block_final() -> None:
    ballot = run(first_ballot(40), equal([A, B, C]), [A])
    assert (ballot.final_height, ballot.max_height_prevoted) == (40, 40)
    assert {v.active_from for v in ballot.voters} == {41}


def test_who_comes_back_starts_anew() -> None:
    ballot = run(first_ballot(0), equal([A, B, C]), [A, B, C] * 2)
    before = ballot.voters[1]
    ballot = run(ballot, equal([A, C, D]), [A])
    assert before.operator not in [v.operator for v in ballot.voters]
    ballot = run(ballot, equal([A, B, C]), [C])
    assert {v.operator: v.active_from for v in ballot.voters} == {A: 1, B: 8, C: 1}


def test_a_block_is_counted_by_the_weights_of_its_own_height() -> None:
    old, new = seats({A: 1, B: 1, C: 4}), seats({A: 4, B: 1, C: 1})
    ballot = run(run(first_ballot(0), old, [B]), new, [A])
    assert [block.prevotes for block in ballot.blocks] == [2, 4]
    assert [s.from_height for s in ballot.sets] == [1, 2]


def test_window_and_old_sets_are_dropped() -> None:
    ballot = run(first_ballot(0), seats({A: 1, B: 2}), [A, B] * 2)
    ballot = run(ballot, seats({A: 2, B: 2}), [A, B] * 6)
    assert [block.height for block in ballot.blocks] == list(range(11, 17))
    assert [s.from_height for s in ballot.sets] == [5]


def test_where_leaders_are_drawn_blocks_wait_longer_for_votes_while_they_are_not_final() -> None:
    validators, leaders = equal([A, B, C]), [A, B] * 20
    ballot = run(first_ballot(0), validators, leaders, rounds_max=ROUNDS_MAX)
    assert len(ballot.blocks) == ROUNDS_MAX * 3
    ballot = run(ballot, validators, [C, A, B, C], rounds_max=ROUNDS_MAX)
    assert ballot.final_height == 39
    ballot = run(ballot, validators, [A, B, C], rounds_max=ROUNDS_MAX)
    assert len(ballot.blocks) == ROUNDS * 3


@pytest.mark.parametrize(("rounds_max", "is_live"), [(ROUNDS, False), (ROUNDS_MAX, True)])
def test_drawn_leaders_with_a_third_of_them_gone(rounds_max: int, *, is_live: bool) -> None:
    """Only all of the 21 who are left together are more than two thirds of 31."""
    operators = [bytes([i]) * 20 for i in range(31)]
    dice = Random(1)
    leaders = [dice.choice(operators[:21]) for _ in range(31 * 20)]
    ballot = run(first_ballot(0), equal(operators), leaders, rounds_max=rounds_max)
    assert (ballot.final_height > len(leaders) - 31 * 10) == is_live


def test_a_view_reads_back() -> None:
    decoder: Decoder[View] = Decoder(View, 1 << 20)
    for view in (run(first_ballot(3), equal([A, B, C]), [A, B, C]), Work(b"\x01", 3)):
        assert decoder.decode(encode(view)) == view


def test_no_votes_from_who_was_higher_elsewhere() -> None:
    validators = equal([A, B, C])
    ballot = run(first_ballot(0), validators, [A, B])
    back = after(ballot, Claim(3, C, 3, 0), validators)
    assert [block.prevotes for block in back.blocks] == [2, 1, 0]
    assert back.max_height_prevoted == 0


def test_rank_prefers_prevotes_then_height_then_the_lower_slot() -> None:
    low, high = first_ballot(1), first_ballot(2)
    assert rank(high, 5, 9) > rank(low, 9, 9)
    assert rank(low, 6, 9) > rank(low, 5, 1)
    assert rank(low, 6, 8) > rank(low, 6, 9)


class Node(msgspec.Struct):
    """A block of the tree in the safety test."""

    parent: "Node | None"
    height: int
    slot: int
    ballot: Ballot

    def at(self, height: int) -> "Node":
        node = self
        while node.height > height:
            assert node.parent is not None
            node = node.parent
        return node


def grow(random: Random, liars: int, blocks: int) -> list[Node]:
    """Return a tree made by producers who see blocks late or never; the first ones lie as they like."""
    calm = random.choice((0.4, 0.7, 0.95))
    names = [bytes([i]) for i in range(random.choice((4, 5, 7)))]
    weights = {name: random.randint(1, 5) for name in names}
    bad = names[:liars]
    while liars and 3 * sum(weights[name] for name in bad) >= sum(weights.values()):
        weights[names[-1]] += 1
    validators = seats(weights)
    root = Node(None, 0, 0, first_ballot(0))
    tree = [root]
    head = dict.fromkeys(names, root)
    highest = dict.fromkeys(names, 0)
    made: dict[bytes, list[tuple[int, int, int]]] = {name: [] for name in names}
    for slot in range(1, blocks):
        name = random.choice(names)
        is_liar = name in bad
        parent = random.choice(tree[-12:]) if is_liar else head[name]
        generated = random.randint(0, parent.height) if is_liar else highest[name]
        claim = Claim(parent.height + 1, name, generated, parent.ballot.max_height_prevoted)
        numbers = (generated, claim.max_height_prevoted, claim.height)
        try:
            check_claim(parent.ballot, claim)
        except InvalidBlock:
            assert is_liar
            continue
        if not is_liar:
            assert not any(claims_contradict(numbers, old) for old in made[name])
        made[name].append(numbers)
        node = Node(parent, claim.height, slot, after(parent.ballot, claim, validators))
        tree.append(node)
        highest[name] = max(highest[name], claim.height)
        head[name] = node
        for other in names:
            seen = random.choice(tree[-3:])
            if random.random() < calm and place(seen) > place(head[other]):
                head[other] = seen
    return tree


def place(node: Node) -> tuple[int, ...]:
    return rank(node.ballot, node.height, node.slot)


def conflicts(tree: Sequence[Node]) -> bool:
    finals = [node.at(node.ballot.final_height) for node in tree]
    distinct = {id(node): node for node in finals}
    ordered = sorted(distinct.values(), key=lambda node: node.height)
    return any(high.at(low.height) is not low for low, high in pairwise(ordered))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2))
def test_less_than_a_third_of_liars_never_finalise_two_branches(seed: int, liars: int) -> None:
    tree = grow(Random(seed), liars, 90)
    assert not conflicts(tree)


def test_branches_do_become_final_in_such_trees() -> None:
    finals = [max(node.ballot.final_height for node in grow(Random(seed), 1, 90)) for seed in range(30)]
    assert sum(final > 5 for final in finals) >= 5


def test_two_thirds_of_liars_can_finalise_two_branches() -> None:
    validators = equal([A, B, C])
    root = Node(None, 0, 0, first_ballot(0))
    tips = []
    for order in ([A, B, C] * 3, [B, A, C] * 3):
        node = root
        for _ in order:
            height = node.height + 1
            ballot = run(node.ballot, validators, order[node.height : height])
            node = Node(node, height, height, ballot)
        tips.append(node)
    assert conflicts(tips)
