"""Bugs planted in the kernel, the engine or the shell are caught within a few seeds."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from chaosnet.consensus import signstate
from chaosnet.consensus.engine import KeepCandidate
from chaosnet.consensus.fence import Fence
from chaosnet.consensus.quorum import Tally
from chaosnet.consensus.signstate import Decision
from chaosnet.consensus.tendermint import Agreement
from chaosnet.kernel import agreement, producer
from chaosnet.kernel import events as ev
from chaosnet.model import certificate
from chaosnet.model.evidence import NIL
from chaosnet.sim.disk import Disk, Journal
from chaosnet.sim.host import Host
from chaosnet.sim.scenario import Byzantine, Load, Random, Scenario
from chaosnet.sim.world import run_scenario

SEEDS = 10
CALM = Scenario(name="planted calm", about="", duration_ms=5_000, load=Load(per_minute=600))
CRASHES = Scenario(
    name="planted crashes",
    about="",
    duration_ms=15_000,
    params={"idle_interval_ms": 2_000},
    load=Load(per_minute=600),
    random=(Random(kind="crash", every_ms=400, length_ms_min=1, length_ms_max=300, always=True),),
)


def found(spec: Scenario, seeds: int = SEEDS) -> set[str]:
    """Return the codes of the first violation of each seed, up to the first seed that has one."""
    for seed in range(seeds):
        violations = run_scenario(spec, seed).violations
        if violations:
            return {violation.code for violation in violations}
    return set()


def test_nothing_is_found_where_nothing_is_planted() -> None:
    assert found(CALM, 2) == set()
    assert found(CRASHES, 2) == set()


def vote_twice(patch: pytest.MonkeyPatch) -> None:
    vote: Callable[..., None] = Agreement._vote

    def twice(self: Agreement, kind: int, block_id: bytes, **proof: Any) -> None:
        vote(self, kind, block_id, **proof)
        vote(self, kind, NIL if block_id else bytes(32))

    patch.setattr(Agreement, "_vote", twice)


def sign_always(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(signstate, "decide", lambda _state, _request: Decision.SIGN)
    patch.setattr(Fence, "is_foreign", lambda *_, **__: False)


def forget_at_restart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Journal, "open", lambda _self: None)


def test_a_double_vote_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    vote_twice(monkeypatch)
    sign_always(monkeypatch)
    assert "double_sign" in found(CALM)


def test_the_sign_state_alone_stops_an_engine_that_votes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    vote_twice(monkeypatch)
    assert found(CALM) <= {"stalled"}


def test_a_forgotten_sign_state_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    sign_always(monkeypatch)
    forget_at_restart(monkeypatch)
    assert "double_sign" in found(CRASHES)


def test_a_signature_that_is_not_durable_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def skip(self: Journal) -> None:
        self._next = None

    monkeypatch.setattr(Journal, "finish", skip)
    assert "unrecorded" in found(CALM)


@pytest.mark.parametrize(
    ("skipped", "code"), [(ev.PersistBlock, "unpersisted"), (ev.PersistCandidate, "unkept")]
)
def test_a_skipped_write_is_caught(
    monkeypatch: pytest.MonkeyPatch, skipped: type[ev.Fact], code: str
) -> None:
    write: Callable[..., None] = Disk.write

    def partly(self: Disk, effect: ev.PersistBlock | ev.PersistCandidate | ev.PersistEvidence) -> None:
        if not isinstance(effect, skipped):
            write(self, effect)

    monkeypatch.setattr(Disk, "write", partly)
    assert code in found(CALM)


def test_a_kernel_that_keeps_no_candidate_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    do: Callable[..., list[Any]] = agreement._do

    def careless(node: Any, asked: Any, now: int) -> list[Any]:
        return [] if isinstance(asked, KeepCandidate) else do(node, asked, now)

    monkeypatch.setattr(agreement, "_do", careless)
    assert "unkept" in found(CALM)


def test_a_shell_that_speaks_before_it_writes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    perform: Callable[..., None] = Host._perform

    def hasty(self: Host) -> None:
        waits = [effect for effect in self._queue if isinstance(effect, ev.PersistBlock | ev.AskSignature)]
        for effect in [effect for effect in self._queue if effect not in waits]:
            if not isinstance(effect, ev.PersistCandidate | ev.PersistEvidence):
                self._queue.remove(effect)
                self._perform_one(effect)
        perform(self)

    monkeypatch.setattr(Host, "_perform", hasty)
    assert "unpersisted" in found(CALM)


def test_a_quorum_of_half_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    half = lambda signed, total: 2 * signed >= total  # noqa: E731 - a planted rule
    monkeypatch.setattr(certificate, "is_quorum", half)
    monkeypatch.setattr("chaosnet.consensus.quorum.is_quorum", half)
    split = Scenario(
        name="planted half",
        about="",
        duration_ms=15_000,
        load=Load(per_minute=600),
        random=(Random(kind="partition", every_ms=2_000, count_max=2, always=True),),
    )
    assert "fork" in found(split)
    assert Tally([1] * 4, 4).has_quorum_of_any() is False


def test_an_engine_without_locks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    precommit: Callable[..., bool] = Agreement._precommit

    def unlocked(self: Agreement, now: int) -> bool:
        moved = precommit(self, now)
        self.locked_round, self.locked_block = -1, NIL
        self.valid_round, self.valid_block = -1, NIL
        return moved

    monkeypatch.setattr(Agreement, "_precommit", unlocked)
    monkeypatch.setattr(signstate, "_is_true_to_lock", lambda *_: True)
    many = Scenario(
        name="planted unlocked",
        about="",
        duration_ms=20_000,
        params={
            "propose_timeout_ms": 40,
            "vote_timeout_ms": 20,
            "timeout_step_ms": 20,
            "timeout_ms_max": 200,
        },
        load=Load(per_minute=600),
        byzantine=Byzantine(count=1, traits=("flipflop", "equivocate"), is_each_whole=True),
        random=(Random(kind="storm_drop", every_ms=500, length_ms_max=2_000, amount=300_000, always=True),),
    )
    assert found(many, 40) & {"fork", "stalled"}


def test_a_clock_read_in_the_core_shows_in_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    build: Callable[..., Any] = producer.build
    assert run_scenario(CALM, 1).trace_hash == run_scenario(CALM, 1).trace_hash

    def late(node: Any, round_: int, proposer: bytes, now: int) -> Any:
        return build(node, round_, proposer, now + time.time_ns() % 97)

    monkeypatch.setattr(producer, "build", late)
    assert run_scenario(CALM, 1).trace_hash != run_scenario(CALM, 1).trace_hash
