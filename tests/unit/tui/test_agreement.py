"""Who agrees with whom, when answers are never of one moment."""

import pytest

from tui.agreement import LAG, Standing, Verdict, compare, majority_genesis, wanted

AGREES, DIFFERS, SPLIT = Verdict.AGREES, Verdict.DIFFERS, Verdict.SPLIT
ALONE, UNKNOWN, FOREIGN = Verdict.ALONE, Verdict.UNKNOWN, Verdict.FOREIGN


def node(height: int, marks: str | dict[int, str], *, genesis: str = "g") -> Standing:
    known = {height: marks} if isinstance(marks, str) else marks
    return Standing(genesis, height, known)


@pytest.mark.parametrize(
    "nodes, verdicts",
    [
        ([node(5, "a"), node(5, "a"), node(5, "a"), node(5, "a")], [AGREES] * 4),
        ([node(5, "a"), node(5, "a"), node(5, "b"), node(5, "a")], [AGREES, AGREES, DIFFERS, AGREES]),
        ([node(5, "a"), node(5, "b"), node(5, "b"), node(5, "a")], [SPLIT] * 4),
        ([node(5, "a"), None, node(5, "a")], [AGREES, UNKNOWN, AGREES]),
        ([node(5, "a"), None, None], [ALONE, UNKNOWN, UNKNOWN]),
        ([node(5, "a"), node(5, "a"), node(5, "a", genesis="h")], [AGREES, AGREES, FOREIGN]),
        ([None, None], [UNKNOWN, UNKNOWN]),
        ([node(5, "a")], [ALONE]),
    ],
)
def test_nodes_at_one_height(nodes: list[Standing | None], verdicts: list[Verdict]) -> None:
    assert list(compare(nodes).verdicts) == verdicts


def test_a_node_one_block_ahead_is_compared_at_the_common_height() -> None:
    nodes = [node(7, {6: "f", 7: "g"}), node(6, {6: "f"}), node(6, {5: "e", 6: "f"})]
    found = compare(nodes)
    assert found.height == 6
    assert found.verdicts == (AGREES, AGREES, AGREES)


def test_a_node_that_skipped_the_common_height_is_asked_for_it() -> None:
    nodes = [node(7, {7: "g"}), node(6, {6: "f"}), node(6, {6: "x"})]
    assert wanted(nodes, 0) == [6]
    assert wanted(nodes, 1) == []
    assert compare(nodes).verdicts[0] is UNKNOWN
    nodes[0] = node(7, {6: "f", 7: "g"})
    assert wanted(nodes, 0) == []
    assert compare(nodes).verdicts == (AGREES, AGREES, DIFFERS)


def test_a_fork_is_seen_although_the_nodes_agreed_before() -> None:
    nodes = [node(6, {5: "e", 6: "f"}), node(6, {5: "e", 6: "f"}), node(6, {5: "e", 6: "x"})]
    assert compare(nodes).verdicts == (AGREES, AGREES, DIFFERS)


@pytest.mark.parametrize("mark, verdict", [("old", AGREES), ("other", DIFFERS)])
def test_a_node_far_behind_is_compared_at_its_own_height(mark: str, verdict: Verdict) -> None:
    top = 100 + LAG
    nodes = [node(top, {99: "old", top: "t"}), node(top, {top: "t"}), node(99, mark)]
    assert compare(nodes).verdicts == (AGREES, AGREES, verdict)
    assert wanted(nodes, 0) == []
    assert wanted(nodes, 1) == [99]
    assert wanted(nodes, 2) == [], "who lags is not asked"


def test_one_node_ahead_of_all_others() -> None:
    nodes = [node(500, {500: "t"}), node(9, "old")]
    assert compare(nodes).verdicts == (UNKNOWN, UNKNOWN)
    assert wanted(nodes, 0) == [9]
    nodes[0] = node(500, {9: "old", 500: "t"})
    assert compare(nodes).verdicts == (AGREES, AGREES)
    nodes[0] = node(500, {9: "new", 500: "t"})
    assert compare(nodes).verdicts[1] is DIFFERS


def test_contradictions_are_bad_and_silence_is_not() -> None:
    assert compare([node(5, "a"), node(5, "b")]).is_bad
    assert not compare([node(5, "a"), None]).is_bad


def test_majority_genesis() -> None:
    assert majority_genesis([node(1, "a", genesis="x"), node(1, "a"), node(1, "a")]) == "g"
    assert majority_genesis([None]) == ""


def forking(height: int, final: int, marks: dict[int, str]) -> Standing:
    return Standing("g", height, marks, final)


def test_tips_on_branches_contradict_nobody_while_final_blocks_agree() -> None:
    nodes = [forking(9, 5, {5: "e", 9: "i"}), forking(9, 5, {5: "e", 9: "x"})]
    assert compare(nodes).verdicts == (Verdict.BRANCH, Verdict.BRANCH)
    assert compare(nodes).is_bad is False
    nodes.append(forking(9, 5, {5: "e", 9: "i"}))
    assert compare(nodes).verdicts == (AGREES, Verdict.BRANCH, AGREES)


def test_final_blocks_that_differ_are_a_contradiction() -> None:
    nodes = [
        forking(9, 5, {5: "e", 9: "i"}),
        forking(9, 5, {5: "x", 9: "y"}),
        forking(9, 5, {5: "e", 9: "i"}),
    ]
    found = compare(nodes)
    assert (found.height, found.verdicts) == (5, (AGREES, DIFFERS, AGREES))


def test_final_blocks_are_asked_for_at_the_lowest_of_their_heights() -> None:
    nodes = [forking(9, 7, {7: "g", 9: "i"}), forking(9, 5, {5: "e", 9: "i"})]
    assert wanted(nodes, 0) == [5]
    assert wanted(nodes, 1) == []
