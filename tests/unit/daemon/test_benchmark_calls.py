"""Calls of a contract on a real node, a short run; and what is signed is what a node takes."""

import pytest

from chaosnet.cli import bench
from chaosnet.daemon import benchmark
from chaosnet.daemon.benchmark import Figures
from chaosnet.daemon.benchmark_calls import measure_calls, signed
from chaosnet.daemon.loadgen import make_senders
from chaosnet.model.contract_actions import Call
from chaosnet.model.transaction import decode_transaction
from tests.e2e.net import free_ports


def test_what_is_signed_can_be_decoded() -> None:
    sender = make_senders(1)[0]
    call = Call(bytes(33), "send", b"\x90", (), 0)
    found = decode_transaction(signed(bytes(32), sender, 3, call, 5))
    assert (found.body.nonce, found.body.gas_limit, found.body.actions) == (3, 5, (call,))


@pytest.mark.process
def test_a_short_run_counts_what_one_node_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(benchmark.PORTS, 1, free_ports(4))
    notes: list[str] = []
    (rate,) = measure_calls(1, "lua", senders=20, rounds=2, runs=1, note=notes.append)
    assert rate > 0
    assert notes == ["contract calls in lua, 1 validators, run 1 of 1"]


def test_the_command_keeps_each_run_and_its_median(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str, int]] = []

    def measured(nodes: int, language: str, *, rounds: int, runs: int, **_: object) -> list[float]:
        asked.append((nodes, language, rounds))
        return [10.0 * nodes, 1.0, 100.0][:runs]

    monkeypatch.setattr(bench, "measure_calls", measured)
    figures = Figures()
    bench.add_calls(figures, runs=3, senders=5)
    assert asked == [(1, "lua", 12), (1, "js", 12), (4, "lua", 4), (4, "js", 4)]
    assert figures.lua_call_one_validator_per_s == 10
    assert figures.js_call_four_validators_per_s == 40
    assert figures.runs["js_call_one_validator_per_s"] == [10.0, 1.0, 100.0]
