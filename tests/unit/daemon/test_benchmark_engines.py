"""Figures of engines: which are asked for, what counts as a node's processor time, and a short real run."""

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from chaosnet.base.errors import Invalid
from chaosnet.daemon import benchmark, benchmark_engines
from chaosnet.daemon.benchmark import EngineFigures, Figures
from chaosnet.daemon.benchmark_engines import (
    EngineScale,
    carry,
    cpu_ticks,
    measure_engine,
    parse_engines,
    run_engines,
)
from chaosnet.daemon.devnet_plan import NodePlan
from tests.e2e.net import free_ports

SHORT = EngineScale(load_s=15, senders=100, rounds=30, idle_s=1, probes=3, probe_pause_s=0.1)
NODE = NodePlan("node0", 1, 2, 3)


@pytest.mark.parametrize(
    ("text", "names"),
    [("none", ()), ("pow", ("pow",)), ("pow,pos", ("pow", "pos")), ("dbft,pow,dbft", ("dbft", "pow"))],
)
def test_engines_are_chosen_by_name(text: str, names: tuple[str, ...]) -> None:
    assert parse_engines(text) == names


@pytest.mark.parametrize("text", ["", "raft", "pow,", "pow,none"])
def test_an_engine_that_is_not_there_is_an_error(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_engines(text)
    assert caught.value.code == "engine_unknown"


def test_processor_time_is_that_of_a_process_and_of_its_children(tmp_path: Path) -> None:
    for pid, name, parent, user, system in (
        (10, "python", 1, 5, 2),
        (11, "a (b) 7", 10, 100, 30),
        (12, "python", 1, 1, 1),
        (13, "other", 99, 1_000, 1_000),
        (14, "of a child", 11, 1_000, 1_000),
    ):
        (tmp_path / str(pid)).mkdir()
        rest = " ".join(["0"] * 9)
        (tmp_path / str(pid) / "stat").write_text(
            f"{pid} ({name}) S {parent} {rest} {user} {system} 7 7 20\n"
        )
    assert cpu_ticks([10, 12], tmp_path) == [137, 2]
    assert cpu_ticks([15], tmp_path) == [0]


def test_figures_lie_under_the_name_of_their_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []

    def measure(engine: str, scale: EngineScale) -> EngineFigures:
        return EngineFigures(scale.load_s, 2, 3, 4, note="mines" if engine == "pow" else "")

    monkeypatch.setattr(benchmark_engines, "measure_engine", measure)
    figures = Figures(engines=run_engines(("pow", "pos"), EngineScale(load_s=1), notes.append))
    four = {"four_validators_per_s": 1, "block_interval_ms": 2, "finality_ms": 3, "idle_cpu_percent": 4}
    written = msgspec.json.decode(msgspec.json.encode(figures))["engines"]
    assert written == {"pow": four | {"note": "mines"}, "pos": four}
    assert [note.split(",")[0] for note in notes] == ["pow", "pos"]


def at_clock(monkeypatch: pytest.MonkeyPatch, totals: list[int]) -> list[int]:
    """Let one second pass a look at the chain; the totals are what each look finds. Return what is pushed."""
    pushed: list[int] = []
    looks = 0

    def read(node: NodePlan) -> tuple[int, int, int]:
        nonlocal looks
        looks += 1
        return 1, totals[min(looks, len(totals)) - 1], 3

    def push(nodes: object, raws: list[bytes]) -> int:
        pushed.append(len(raws))
        return len(raws)

    monkeypatch.setattr(benchmark_engines, "read_total", read)
    monkeypatch.setattr(benchmark_engines, "_push", push)
    monkeypatch.setattr(
        benchmark_engines, "wait_for_total", lambda *_: max(totals) if len(totals) < 9 else 8_000
    )
    clock = SimpleNamespace(perf_counter=lambda: float(looks), sleep=lambda _: None)
    monkeypatch.setattr(benchmark_engines, "time", clock)
    return pushed


def test_a_rate_counts_to_the_last_block_and_what_was_there_before_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pushed = at_clock(monkeypatch, [100, 100, 600, 1_100, 1_100, 1_100])
    assert carry([NODE], [b""] * 1_000, load_s=20) == pytest.approx(1_000 / 3)
    assert pushed == [1_000]


def test_no_more_is_pushed_than_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = at_clock(monkeypatch, [0, 0, 0, 0, 0, 0, 500, 500, 2_500])
    carry([NODE], [b""] * 50_000, load_s=12)
    assert sum(pushed) == 8_000


def test_transfers_left_behind_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    at_clock(monkeypatch, [0, 0, 600])
    with pytest.raises(RuntimeError, match="left behind: 1000"):
        carry([NODE], [b""] * 1_000, load_s=5)
    at_clock(monkeypatch, [7, 7])
    with pytest.raises(RuntimeError, match="nothing of 1000"):
        carry([NODE], [b""] * 1_000, load_s=5)


@pytest.mark.process
@pytest.mark.parametrize("engine", ["pbft", "pow", "dpos"])
def test_an_engine_is_measured_on_real_nodes(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setitem(benchmark.PORTS, 4, free_ports(12))
    found = measure_engine(engine, SHORT)
    assert min(found.four_validators_per_s, found.block_interval_ms, found.finality_ms) > 0
    assert found.idle_cpu_percent >= 0
    assert ("miners" in found.note) == (engine == "pow")
