"""One height: the paper's cases as transcripts, and what an engine keeps of them."""

from pathlib import Path

import pytest

from chaosnet.consensus.tendermint import Agreement
from chaosnet.model.evidence import NIL
from tests.unit.consensus.desk import NAMES, TRANSCRIPTS, Desk, play


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    play(path.read_text())


def test_a_forgotten_lock_shows_and_the_fence_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Agreement._prevote

    def forgetful(self: Agreement, now: int) -> bool:
        self.locked_round, self.locked_block = -1, NIL
        return real(self, now)

    monkeypatch.setattr(Agreement, "_prevote", forgetful)
    text = (TRANSCRIPTS / "disagreement.txt").read_text()
    with pytest.raises(AssertionError, match="refused prevote C in 1"):
        play(text)


def test_an_observer_follows_without_a_voice() -> None:
    desk = Desk("g", [1, 1, 1, 1])
    desk.head()
    desk.input("wait 100")
    for text in (
        "a proposes B in 0",
        *(f"{who} {what} B in 0" for what in ("prevotes", "precommits") for who in "abc"),
    ):
        desk.input(text)
    assert desk.said == ["timer idle 10000", "timer propose 1000", "sealed B in 0 by abc"]


def test_a_block_is_checked_once() -> None:
    desk = Desk("c", [1, 1, 1, 1])
    desk.head()
    desk.input("wait 100")
    for text in (
        "a proposes B in 0",
        "a prevotes B in 0",
        "b prevotes B in 0",
        "a precommits nil in 0",
        "b precommits nil in 0",
        "b proposes B in 1 after 0",
    ):
        desk.input(text)
    assert desk.asked_checks == [desk.id_of("B")]
    assert desk.said[-1] == "prevote B in 1"


def test_a_lock_outlives_a_restart_of_all_with_its_proof() -> None:
    """Whoever locked can still show the others why, though everybody has forgotten the prevotes."""
    desk = Desk("b", [1, 1, 1, 1])
    desk.head()
    desk.input("wait 100")
    for text in ("a proposes B in 0", "a prevotes B in 0", "c prevotes B in 0"):
        desk.input(text)
    desk.input("restart")
    for text in ("a precommits nil in 0", "c precommits nil in 0"):
        desk.input(text)
    desk.said.clear()
    desk.input("peer 1 propose")
    assert "send propose B in 1 after 0" in desk.said
    assert {"send prevote B in 0", "send a prevote B in 0", "send c prevote B in 0"} <= set(desk.said)


def test_a_wiped_node_keeps_its_lock_but_cannot_propose_what_it_has_not() -> None:
    desk = Desk("b", [1, 1, 1, 1])
    desk.head()
    desk.input("wait 100")
    for text in ("a proposes B in 0", "a prevotes B in 0", "c prevotes B in 0"):
        desk.input(text)
    desk.kept.clear()
    desk.input("restart")
    desk.said.clear()
    for text in ("a precommits nil in 0", "c precommits nil in 0"):
        desk.input(text)
    assert desk.said == ["timer propose 1500"]  # its turn, but it can neither propose B nor anything else
    desk.input("fire propose")
    for text in ("a precommits nil in 1", "c precommits nil in 1", "d precommits nil in 1"):
        desk.input(text)
    desk.input("c proposes B in 2 after 0")  # somebody else still had it
    assert desk.said[-1] == "prevote B in 2"


def test_only_the_proposer_proposes() -> None:
    desk = Desk("b", [1, 1, 1, 1])
    desk.head()
    for text in ("c proposes B in 0", "b proposes B in 1 after 1", "a proposes nil in 0"):
        desk.input(text)
    assert not desk.engine.round_state().has_proposal
    desk.input("a proposes B in 0")
    assert desk.engine.round_state().has_proposal


def test_memory_of_one_height_is_bounded() -> None:
    """However many rounds fail, what the engine holds does not grow."""
    desk = Desk("b", [1, 1, 1, 1])
    desk.head()
    desk.input("wait 100")
    sizes = []
    for round_ in range(120):
        proposer = NAMES[round_ % 4]
        if proposer != "b":
            desk.input(f"{proposer} proposes bad{round_} in {round_}")
        for what in ("prevotes", "precommits"):
            for who in "acd":
                desk.input(f"{who} {what} nil in {round_}")
        agreement = desk.engine._agreement
        assert agreement is not None
        assert agreement.round == round_ + 1
        sizes.append(len(agreement._checked) + len(agreement.keeper._rounds))
    assert max(sizes) < 60
