"""Calls of a contract on a real node, a short run; and what is signed is what a node takes."""

import pytest

from chaosnet.daemon import benchmark
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
