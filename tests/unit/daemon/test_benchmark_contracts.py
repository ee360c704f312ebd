"""Figures of contracts: a short run has every row, and they follow from the work done."""

from chaosnet.cli.bench import _contract_table, _profile_table, add_contracts
from chaosnet.daemon.benchmark import Figures
from chaosnet.daemon.benchmark_contracts import measure_contracts
from chaosnet.daemon.benchmark_profile import RATIO_MAX
from chaosnet.daemon.benchmark_programs import NASTY, nasty_source
from chaosnet.daemon.benchmark_rig import ContractScale
from tests.machines import machine, on_big_stack

SHORT = ContractScale(runs=1, accounts=40, calls=6, senders=20, contracts=3, nasty_gas=120_000)


def test_a_short_run_has_every_row() -> None:
    notes: list[str] = []
    found = on_big_stack(lambda: measure_contracts(machine(), SHORT, notes.append))
    assert notes
    for stages in found.stages_us.values():
        assert list(stages) == ["machine", "host", "transaction", "block"]
        assert min(stages.values()) > 0
    assert set(found.nasty_ratio) == {f"{language} {name}" for language in NASTY for name in NASTY[language]}
    assert found.worst_program_ratio == max(found.nasty_ratio.values())
    for rows in (found.native_call_ratio, found.token_ns_per_gas, found.round_robin_ratio):
        assert set(rows) == {"lua", "js"}
        assert min(rows.values()) > 0
    figures = Figures()
    add_contracts(figures, found)
    assert figures.lua_vm_per_s > 0
    assert figures.native_call_ratio == max(found.native_call_ratio.values())
    assert _contract_table(found).row_count == 8
    assert set(found.profile) == {
        name for name, ratio in found.native_call_ratio.items() if ratio > RATIO_MAX
    }
    for name, rows_of in found.profile.items():
        assert _profile_table(name, rows_of).row_count == len(rows_of) > 0


def test_every_slow_program_loads() -> None:
    for language, programs in NASTY.items():
        for name in programs:
            source = nasty_source(language, name).encode()
            on_big_stack(lambda source=source, language=language: machine().prepare(f"{language}/1", source))  # type: ignore[misc]
