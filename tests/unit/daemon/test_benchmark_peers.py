"""Machines to compare with: what is missing or fails is named, and never takes the place of a figure."""

from pathlib import Path

from chaosnet.daemon.benchmark_peers import anvil_rate, py_evm_rate


def program(path: Path, lines: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    for rate, why in (py_evm_rate(tmp_path), anvil_rate(tmp_path)):
        assert rate == 0
        assert "not installed, left out" in why


def test_py_evm_runs_in_a_python_of_its_own(tmp_path: Path) -> None:
    python = tmp_path / "venv/bin/python"
    program(python, "echo 1234.5")
    assert py_evm_rate(tmp_path) == (1234.5, "")
    python.write_text("#!/bin/sh\nexit 1\n")
    assert py_evm_rate(tmp_path)[0] == 0
    python.write_text("#!/bin/sh\necho what\n")
    rate, why = py_evm_rate(tmp_path)
    assert (rate, why[:25]) == (0, "py-evm: failed, left out:")


def test_an_anvil_that_ends_is_no_figure(tmp_path: Path) -> None:
    program(tmp_path / "node_modules/.bin/anvil", "exit 3")
    assert anvil_rate(tmp_path) == (0, "anvil: failed, left out: it does not start")


def test_transfers_are_counted_where_anvil_is() -> None:
    """Where `make bench` has never run there is none; what is said then is tested above."""
    rate, why = anvil_rate(Path(".bench/peers"), 300)
    assert (rate > 0) != why.startswith("anvil: not installed")
