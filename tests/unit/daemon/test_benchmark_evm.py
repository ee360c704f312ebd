"""The ERC-20 to compare with: its bytecode is whole, and its figure says when it is absent."""

import shutil

import pytest

from chaosnet.daemon.benchmark_evm import absent, py_evm_rate, token_code

JUMPDEST, JUMPI = 0x5B, 0x57


def test_a_failure_jumps_to_where_code_for_it_is() -> None:
    code = token_code()
    at = code.index(bytes((JUMPI,))) - 1
    assert code[at - 1] == 0x60
    assert code[code[at]] == JUMPDEST
    assert code[code[at] :] == bytes.fromhex("5b60006000fd")


def test_it_counts_transfers_or_says_why_not() -> None:
    rate, why = py_evm_rate(3)
    assert (rate > 0) != bool(why)


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert absent() == ["anvil: not on this machine, left out"]
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/anvil")
    assert absent() == []
