"""The pbft engine: what a seal must be, heights one after the other, and whole networks in trouble."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidBlock
from chaosnet.base.units import EMPTY_HASH
from chaosnet.consensus import quorum
from chaosnet.consensus.engine import Engine, PeerSaid, WorkWaiting
from chaosnet.consensus.pbft import Pbft, proposer_of
from chaosnet.consensus.tendermint import Agreement
from chaosnet.crypto.signing import sign
from chaosnet.model import certificate as certificates
from chaosnet.model.block import Certificate, validators_hash_of
from chaosnet.model.evidence import NIL, PRECOMMIT, Proposal, vote_digest_of
from chaosnet.model.header import (
    GenesisProof,
    Header,
    QuorumProof,
    block_id_of,
)
from tests.unit.consensus.arena import Arena
from tests.unit.consensus.desk import (
    GENESIS,
    NAMES,
    Desk,
    header_at,
    seed_of,
    validators_of,
)


def test_pbft_is_an_engine() -> None:
    engine: Engine = Pbft(GENESIS, None, None)
    assert engine.step(WorkWaiting(), 0) == []
    assert engine.round_state().height == 0
    assert engine.missing_for(engine.round_state(), 10) == []


# ── one engine ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_justifies_a_block_proposed_again() -> None:
    desk = Desk("d", [1, 1, 1, 1])
    desk.head()
    for who in "abc":
        desk.give(PeerSaid(desk.message(f"{who} prevotes B in 0")))
    again, new = desk.message("b proposes B in 1 after 0"), desk.message("b proposes C in 1")
    assert isinstance(again, Proposal)
    assert isinstance(new, Proposal)
    behind = desk.engine.votes_behind(again)
    assert {desk.validators.index_of_key(vote.signer) for vote in behind} == {0, 1, 2}
    assert {(vote.round, vote.block_id) for vote in behind} == {(0, again.block_id)}
    assert desk.engine.votes_behind(new) == ()


def test_votes_of_the_next_height_wait_for_their_head() -> None:
    desk = Desk("b", [1, 1, 1, 1])
    desk.head(20)
    desk.height = 21
    early = [desk.message(f"{who} precommits B in 0") for who in "acd"]
    desk.height = 23
    early += [desk.message("a precommits B in 0")]
    for message in early:
        desk.give(PeerSaid(message))
    assert desk.engine.round_state().precommits == 0
    desk.head(21)
    assert desk.engine.round_state().precommits == 0b1101
    desk.head(23)
    assert desk.engine.round_state().precommits == 0


def test_the_same_head_again_changes_nothing() -> None:
    desk = Desk("b", [1, 1, 1, 1])
    desk.head()
    desk.input("wait 100")
    desk.input("a proposes B in 0")
    before = desk.engine.round_state()
    desk.said.clear()
    desk.head()
    assert desk.engine.round_state() == before
    assert desk.said == []


def test_another_era_is_not_heard() -> None:
    desk = Desk("b", [1, 1, 1, 1])
    desk.head()
    message = desk.message("c prevotes B in 0")
    desk.give(PeerSaid(replace(message, era=1)))
    assert desk.engine.round_state().prevotes == 0


# ── seals ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Seal:
    """A header of four validators and the certificate that seals it."""

    header: Header
    round: int = 0
    signers: tuple[int, ...] = (0, 1, 2)

    def check(self) -> None:
        block_id, height = block_id_of(self.header), self.header.height
        digest = vote_digest_of(GENESIS, PRECOMMIT, 0, height, self.round, block_id)
        signatures = tuple(sign(seed_of(NAMES[i]), digest) for i in self.signers)
        certificate = Certificate(0, height, self.round, block_id, self.signers, signatures)
        Pbft(GENESIS, None, None).check_seal(self.header, encode(certificate), FOUR)


FOUR = validators_of([1, 1, 1, 1])


def sealed_header(proposer: int = 3, round_: int = 2) -> Header:
    """Return a header of height 5; by rotation, validator 3 proposes in round 2."""
    return replace(
        header_at(5),
        proposer=FOUR.validators[proposer].operator,
        validators_hash=validators_hash_of(FOUR),
        proof=QuorumProof(round_),
    )


def test_a_good_seal_passes() -> None:
    Seal(sealed_header(), round=2).check()
    Seal(sealed_header(), round=9, signers=(1, 2, 3)).check()


@pytest.mark.parametrize(
    "seal, code",
    [
        (Seal(sealed_header(), round=1), "bad_seal"),
        (Seal(sealed_header(), round=2, signers=(0, 1)), "bad_seal"),
        (Seal(sealed_header(proposer=2), round=2), "bad_proposer"),
        (Seal(sealed_header(round_=-2)), "bad_header"),
        (Seal(replace(sealed_header(), proof=GenesisProof())), "bad_header"),
        (Seal(replace(sealed_header(), engine="dbft")), "bad_header"),
        (Seal(replace(sealed_header(), genesis=EMPTY_HASH)), "bad_header"),
        (Seal(replace(sealed_header(), validators_hash=EMPTY_HASH), round=2), "bad_header"),
    ],
)
def test_a_bad_seal_is_refused(seal: Seal, code: str) -> None:
    with pytest.raises(InvalidBlock) as caught:
        seal.check()
    assert caught.value.code == code


def test_turns_rotate_with_height_and_round() -> None:
    turns = [FOUR.validators.index(proposer_of(FOUR, 7, round_)) for round_ in range(5)]
    assert turns == [3, 0, 1, 2, 3]
    assert proposer_of(FOUR, 8, 0) == proposer_of(FOUR, 7, 1)


# ── networks ─────────────────────────────────────────────────────────────────────────────────────────────


def trouble(arena: Arena, for_ms: int) -> None:
    """Lose messages, cut links and crash honest nodes between any two effects."""
    dice, size, end = arena.dice, len(arena.members), arena.now + for_ms
    arena.loss_percent = dice.pick((0, 5, 20, 40))
    while arena.now < end:
        arena.run(lambda: False, within_ms=dice.between(200, 1_500))
        arena.cut = {(dice.below(size), dice.below(size)) for _ in range(dice.below(size + 1))}
        for member in arena.honest:
            if member.is_up and dice.chance(1, 6):
                member.crash_in = dice.below(12)
    arena.loss_percent, arena.cut = 0, set()
    for member in arena.members:
        member.crash_in = -1


def worlds() -> Iterator[tuple[int, int, str]]:
    """Yield (members, byzantine member or -1, seed)."""
    for i in range(42):
        size = i % 7 + 1
        yield size, (i % size if size >= 4 and i % 3 else -1), f"world {i}"


@pytest.mark.parametrize("size, byzantine, seed", list(worlds()))
def test_members_agree_in_trouble_and_go_on_after_it(size: int, byzantine: int, seed: str) -> None:
    arena = Arena(size, seed, byzantine=byzantine)
    arena.start(*range(size))
    trouble(arena, 10_000)
    goal = max(m.height for m in arena.members) + 3
    assert arena.run(arena.all_at(goal), within_ms=30_000)


def test_double_votes_are_noticed() -> None:
    arena = Arena(4, "double", byzantine=3)
    arena.start(0, 1, 2, 3)
    assert arena.run(lambda: all(m.accused for m in arena.honest), within_ms=30_000)


def test_too_low_a_quorum_splits_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arena notices two blocks at one height; nothing else in this file would be worth much otherwise."""
    monkeypatch.setattr(quorum, "is_quorum", quorum.is_one_honest)
    monkeypatch.setattr(certificates, "is_quorum", quorum.is_one_honest)
    arena = Arena(4, "split", byzantine=3)
    arena.start(0, 1, 2, 3)
    with pytest.raises(AssertionError, match="two blocks for one height"):
        arena.run(lambda: False, within_ms=60_000)


def test_forgotten_locks_split_the_chain_unless_fenced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the rare split is found, by trying; and the same engines do no harm behind their fences."""
    prevote, propose = Agreement._prevote, Agreement._propose

    def forgetful(self: Agreement, now: int) -> bool:
        self.locked_round, self.locked_block = -1, NIL
        return prevote(self, now)

    def fresh(self: Agreement, now: int) -> bool:
        valid = self.valid_round, self.valid_block
        self.valid_round, self.valid_block = -1, NIL
        propose(self, now)
        self.valid_round, self.valid_block = valid
        return False

    monkeypatch.setattr(Agreement, "_prevote", forgetful)
    monkeypatch.setattr(Agreement, "_propose", fresh)

    def splits(attempt: int, *, has_fences: bool) -> bool:
        arena = Arena(4, f"p{attempt}", byzantine=attempt % 4)
        arena.has_fences = has_fences
        arena.loss_percent = arena.dice.pick((10, 20, 30, 40))
        arena.start(0, 1, 2, 3)
        try:
            arena.run(lambda: False, within_ms=15_000)
        except AssertionError:
            return True
        return False

    found = next(attempt for attempt in range(4, 300) if splits(attempt, has_fences=False))
    assert not splits(found, has_fences=True)


@pytest.mark.parametrize("seed", range(4))
def test_two_of_four_return_after_half_an_hour(seed: int) -> None:
    arena = Arena(4, f"silence {seed}")
    arena.start(0, 1, 2, 3)
    arena.run(lambda: arena.members[0].height >= 3, within_ms=30_000)
    arena.stop(2, 3)
    arena.run(lambda: False, within_ms=30 * 60_000)
    height = max(m.height for m in arena.members)
    rounds = [m.engine.round_state().round for m in arena.members[:2]]
    assert max(rounds) <= 2  # waiting alone raises no round
    arena.start(2)
    assert arena.run(lambda: all(arena.members[i].height >= height + 2 for i in (0, 1, 2)), within_ms=10_000)
    arena.start(3)
    assert arena.run(arena.all_at(height + 4), within_ms=10_000)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_crash_at_each_step_loses_nothing(size: int) -> None:
    for effects in range(40):
        arena = Arena(size, f"step {effects}")
        arena.start(*range(size))
        arena.members[0].crash_in = effects
        assert arena.run(arena.all_at(4), within_ms=30_000)


def test_all_crash_at_once_again_and_again() -> None:
    arena = Arena(4, "storm")
    arena.start(0, 1, 2, 3)
    for _ in range(30):
        arena.run(lambda: False, within_ms=arena.dice.between(50, 1_500))
        arena.stop(0, 1, 2, 3)
        arena.start(0, 1, 2, 3)
    goal = max(m.height for m in arena.members) + 3
    assert arena.run(arena.all_at(goal), within_ms=20_000)


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        arena = Arena(5, "again", byzantine=1)
        arena.start(*range(5))
        trouble(arena, 5_000)
        runs.append((arena.decided, [m.journal for m in arena.members], arena.now))
    assert runs[0] == runs[1]
