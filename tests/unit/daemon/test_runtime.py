"""The shell around a kernel: what waits for a write, what ends the node, and who is told."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chaosnet.base.errors import Broken, Unavailable
from chaosnet.consensus.engine import AskSignature
from chaosnet.daemon import clock
from chaosnet.daemon import runtime as shell
from chaosnet.daemon.runtime import Runtime
from chaosnet.kernel import events as ev
from chaosnet.model.evidence import PREVOTE, Proposal, Vote

VOTE = Vote(PREVOTE, 0, 1, 0, b"b" * 32, b"k" * 32, b"")
SIGN = ev.AskSignature(AskSignature(VOTE, 0, -1, b""))
KEEP = ev.PersistCandidate(1, b"b" * 32, b"block")
NOTE = ev.Report(ev.PeerNote(b"p", "admitted", "ok"))


def send(text: str) -> ev.SendMessage:
    return ev.SendMessage(b"p", 0, text.encode())


class World:
    """A kernel by script, a disk that can be held up, a network that writes down; all in one diary."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        self.diary: list[str] = []
        self.events: list[ev.Event] = []
        self.script: Callable[[ev.Event], list[ev.Effect]] = lambda _: []
        self.disk = threading.Event()
        self.disk.set()
        self.fault: Exception | None = None
        monkeypatch.setattr(shell, "step", self._step)
        self.runtime = Runtime(None, self, self, on_report=self._report, **options)  # type: ignore[arg-type]
        self.runtime.attach(self)

    def _step(self, _node: object, event: ev.Event, _now: int) -> list[ev.Effect]:
        self.events.append(event)
        return self.script(event)

    def _report(self, fact: ev.ReportFact) -> None:
        self.diary.append(f"report {type(fact).__name__}")

    def do(self, *effects: ev.Effect) -> None:
        """Let the kernel ask for these effects; further events ask for nothing."""
        self.script = lambda _: list(effects)
        self.runtime.feed(ev.TimerFired("do"))
        self.script = lambda _: []

    def seen(self, kind: type[ev.Event]) -> list[ev.Event]:
        return [event for event in self.events if isinstance(event, kind)]

    # the store and the signer, in the writer thread
    def keep_candidate(self, _kept: object) -> None:
        self._write("keep")

    keep_evidence = keep_trust = keep_candidate

    def commit_block(self, block: ev.PersistBlock) -> None:
        self._write(f"commit {block.height}")

    def roll_back(self, height: int) -> None:
        self._write(f"roll back to {height}")

    def sign(self, _request: AskSignature) -> Proposal | Vote | None:
        self._write("sign")
        return VOTE

    def _write(self, what: str) -> None:
        self.disk.wait(5)
        if self.fault is not None:
            raise self.fault
        self.diary.append(what)

    # the links
    def send(self, _peer: bytes, _stream: int, payload: bytes) -> bool:
        self.diary.append(f"send {payload.decode()}")
        return True

    def dial(self, address: tuple[str, int], expected: bytes | None = None) -> None:
        self.diary.append(f"dial {address[0]}:{address[1]} {expected!r}")

    def close(self, _peer: bytes, reason: str) -> None:
        self.diary.append(f"close {reason}")


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    made = World(monkeypatch)
    yield made
    made.disk.set()
    await made.runtime.stop()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - threads have no asyncio.Event to set
            await asyncio.sleep(0.001)


async def turns(count: int = 20) -> None:
    """Let everything happen that needs no thread and no time."""
    for _ in range(count):
        await asyncio.sleep(0)


# ── secrets and the miner ────────────────────────────────────────────────────────────────────────────────


class Desk:  # a holder of secrets and a miner
    def __init__(self, diary: list[str]) -> None:
        self.diary = diary

    def answer(self, kind: str, question: bytes) -> bytes:
        return question + kind.encode()

    def mine(self, ticket: int, pre_hash: bytes, target: int) -> None:
        self.diary.append(f"mine {ticket} {pre_hash.decode()} {target}")

    def rest(self) -> None:
        self.diary.append("rest")

    async def close(self) -> None:
        self.diary.append("closed")


async def test_a_secret_is_asked_behind_what_is_written_and_its_answer_fed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, secrets=Desk([]))
    world.disk.clear()
    world.do(KEEP, ev.AskAnswer(7, "lottery", b"slot"))
    await turns()
    assert world.seen(ev.Answered) == []
    world.disk.set()
    await until(lambda: world.seen(ev.Answered))
    world.runtime._secrets = None
    world.do(ev.AskAnswer(8, "lottery", b"slot"))
    await until(lambda: len(world.seen(ev.Answered)) == 2)
    assert world.seen(ev.Answered) == [ev.Answered(7, b"slotlottery"), ev.Answered(8, b"")]
    await world.runtime.stop()


async def test_the_miner_is_told_in_order_and_closed_at_the_end(world: World) -> None:
    world.do(ev.Mine(1, b"hash", 9), ev.Rest())  # nobody to tell yet
    world.runtime.attach_miner(Desk(world.diary))
    world.do(send("a"), ev.Mine(2, b"hash", 9), ev.Rest())
    await world.runtime.stop()
    assert world.diary == ["send a", "mine 2 hash 9", "rest", "closed"]


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_effects_are_performed_in_order(world: World) -> None:
    world.do(send("a"), ev.Dial("h", 1, b""), NOTE, ev.Dial("h", 2, b"id"), ev.ClosePeer(b"p", "banned"))
    assert world.diary == ["send a", "dial h:1 None", "report PeerNote", "dial h:2 b'id'", "close banned"]


async def test_nothing_behind_a_write_is_done_before_it_is_durable(world: World) -> None:
    world.disk.clear()
    world.do(send("a"), KEEP, send("b"), NOTE)
    world.do(send("c"))
    await turns()
    assert world.diary == ["send a"]
    world.disk.set()
    await until(lambda: len(world.diary) == 5)
    assert world.diary == ["send a", "keep", "send b", "report PeerNote", "send c"]


async def test_a_branch_is_left_before_the_next_is_written_and_told(world: World) -> None:
    moved = ev.Report(ev.Reorganised(7, b"o", 6, b"n", common_height=5, dropped=()))
    world.disk.clear()
    block = ev.PersistBlock(6, b"", None, b"", b"", (), (), {}, {}, ())  # type: ignore[arg-type]
    world.do(ev.RollBack(5), block, moved)
    await turns()
    assert world.diary == []
    world.disk.set()
    await until(lambda: len(world.diary) == 3)
    assert world.diary == ["roll back to 5", "commit 6", "report Reorganised"]
    assert world.seen(ev.Written) == [ev.Written(6)]


async def test_a_signature_comes_back_only_when_it_is_recorded(world: World) -> None:
    world.disk.clear()
    world.do(KEEP, SIGN)
    await turns()
    assert world.seen(ev.SignatureMade) == []
    world.disk.set()
    await until(lambda: world.seen(ev.SignatureMade))
    assert world.seen(ev.SignatureMade) == [ev.SignatureMade(VOTE, VOTE)]
    assert world.diary == ["keep", "sign"]


async def test_a_node_without_a_key_signs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.runtime._signer = None
    world.do(SIGN)
    await until(lambda: world.seen(ev.SignatureMade))
    assert world.seen(ev.SignatureMade) == [ev.SignatureMade(VOTE, None)]
    await world.runtime.stop()


async def test_a_written_block_is_told_to_the_kernel(world: World) -> None:
    block = ev.PersistBlock(7, b"", None, b"", b"", (), (), {}, {}, ())  # type: ignore[arg-type]
    world.do(block)
    await until(lambda: world.seen(ev.Written))
    assert world.seen(ev.Written) == [ev.Written(7)]


async def test_questions_and_answers_that_speak_of_nothing_durable_do_not_wait(world: World) -> None:
    world.disk.clear()
    waiting = asyncio.ensure_future(world.runtime.submit((b"tx",)))
    await turns()
    verdicts = ((b"i", "ok", ""),)
    world.do(KEEP, ev.AskVerify(9, ((),)), ev.SetTimer("soon", 0), ev.Reply(1, verdicts), send("late"))
    await until(lambda: world.seen(ev.Verified) and ev.TimerFired("soon") in world.events)
    assert await waiting == verdicts
    assert world.diary == []
    world.disk.set()
    await until(lambda: world.diary == ["keep", "send late"])


async def test_what_waits_for_a_peer_is_dropped_with_its_connection(world: World) -> None:
    world.disk.clear()
    world.do(KEEP, send("old"), ev.ClosePeer(b"p", "timeout"), ev.SendMessage(b"q", 0, b"other"))
    world.runtime.on_closed(b"p", "connection")
    world.disk.set()
    await until(lambda: len(world.diary) == 2)
    assert world.diary == ["keep", "send other"]


# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────


async def test_each_item_gets_its_verdict_in_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "VERIFY_CHUNK", 2)
    monkeypatch.setattr(shell, "is_valid", lambda *check: check[0] == b"good")
    good, bad = (b"good", b"", b""), (b"bad", b"", b"")
    world.do(ev.AskVerify(4, ((good,), (bad,), (good, good), (good, bad), ())))
    await until(lambda: world.seen(ev.Verified))
    assert world.seen(ev.Verified) == [ev.Verified(4, (True, False, True, False, True))]


async def test_a_flood_of_transactions_does_not_hold_up_a_block(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = threading.Event()
    monkeypatch.setattr(shell, "is_valid", lambda *check: check[0] != b"slow" or stuck.wait(5))
    for ticket in range(9):
        world.do(ev.AskVerify(ticket, (((b"slow", b"", b""),),)))
    world.do(ev.AskVerify(77, (((b"block", b"", b""),),), is_for_block=True))
    await until(lambda: world.seen(ev.Verified))
    assert world.seen(ev.Verified) == [ev.Verified(77, (True,))]
    stuck.set()
    await until(lambda: len(world.seen(ev.Verified)) == 10)


async def test_a_fault_in_verification_ends_the_node_and_does_not_leave_it_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: bytes) -> bool:
        raise RuntimeError("library")

    monkeypatch.setattr(shell, "is_valid", fail)
    world.do(ev.AskVerify(4, (((b"", b"", b""),),)))
    await until(world.runtime.failed.done)


# ── failure ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_failed_write_ends_the_node_and_nothing_behind_it_is_done(world: World) -> None:
    world.fault = Unavailable("disk_full")
    world.do(KEEP, send("never"))
    await until(world.runtime.failed.done)
    assert world.runtime.failed.result() is world.fault
    world.do(send("never"))
    await turns()
    assert world.diary == []


async def test_a_broken_invariant_ends_the_node(world: World) -> None:
    broken = Broken("supply_changed")

    def fail(_: ev.Event) -> list[ev.Effect]:
        raise broken

    world.script = fail
    world.runtime.feed(ev.TimerFired("x"))
    assert world.runtime.failed.result() is broken
    world.do(send("never"))
    assert world.diary == []


async def test_an_effect_that_cannot_be_performed_ends_the_node(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise ValueError("no such frame")

    monkeypatch.setattr(world, "send", fail)
    world.do(send("a"), NOTE)
    assert isinstance(world.runtime.failed.result(), ValueError)
    assert world.diary == []


async def test_a_report_that_fails_does_not_stop_the_chain(world: World) -> None:
    def closed(_: ev.ReportFact) -> None:
        raise BrokenPipeError

    world.runtime._on_report = closed
    world.do(NOTE, KEEP, NOTE, SIGN, send("on"))
    await until(lambda: "send on" in world.diary)
    assert world.seen(ev.SignatureMade)
    assert not world.runtime.failed.done()


async def test_clients_are_told_when_the_node_fails(world: World) -> None:
    waiting = asyncio.ensure_future(world.runtime.submit((b"tx",)))
    await turns()
    world.fault = Broken("disk_failed")
    world.do(KEEP)
    with pytest.raises(Unavailable) as told:
        await waiting
    assert told.value.code == "shutdown"
    with pytest.raises(Unavailable):
        await world.runtime.submit((b"tx",))


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_clients_are_told_when_the_node_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    waiting = asyncio.ensure_future(world.runtime.submit((b"tx",)))
    await turns()
    await world.runtime.stop()
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await world.runtime.submit((b"tx",))


async def test_a_client_that_went_away_is_no_trouble(world: World) -> None:
    waiting = asyncio.ensure_future(world.runtime.submit((b"tx",)))
    await turns()
    waiting.cancel()
    await turns()
    world.do(ev.Reply(1, ()), send("on"))
    assert world.diary == ["send on"]


async def test_after_the_stop_no_event_reaches_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.do(ev.SetTimer("soon", 0), ev.AskVerify(1, (((b"", b"", b""),),)))
    await world.runtime.stop()
    before = list(world.events)
    world.runtime.on_closed(b"p", "shutdown")
    world.runtime.feed(ev.TimerFired("late"))
    await turns(50)
    assert world.events == before
    assert not world.runtime.failed.done()


async def test_the_write_under_way_is_finished_before_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.disk.clear()
    world.do(KEEP, send("never"))
    await turns()
    threading.Timer(0.02, world.disk.set).start()
    await world.runtime.stop()
    assert world.diary == ["keep"]


# ── timers ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_timer_set_again_fires_once(world: World) -> None:
    now = world.runtime.clock_ms()
    world.do(ev.SetTimer("t", now), ev.SetTimer("other", now), ev.SetTimer("t", now + 5))
    await until(lambda: len(world.events) == 3)
    await asyncio.sleep(0.01)
    assert world.events[1:] == [ev.TimerFired("other"), ev.TimerFired("t")]


async def test_a_timer_runs_by_the_clock_that_the_kernel_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system clock was set back by an hour: a second is a second all the same."""
    now = world.runtime.clock_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now - 3_600_000)
    world.do(ev.SetTimer("t", world.runtime.clock_ms() + 1))
    await until(lambda: ev.TimerFired("t") in world.events)
