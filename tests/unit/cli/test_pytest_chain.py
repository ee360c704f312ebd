"""Tests of contracts in Python, as their authors run them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEST = f"""
pytest_plugins = ["chaosnet.cli.pytest_chain"]

def test_counter(chain):
    counter = chain.deploy_file({str(ROOT / "examples/counter/counter.lua")!r}, 5).value
    assert chain.call(counter, "add", 3, sender="bob").value == 8
    assert chain.query(counter, "total") == 8
    assert chain.call(counter, "add", 0).code == "reverted"
"""


def test_a_test_in_python_gets_a_chain(tmp_path: Path) -> None:
    (tmp_path / "test_counter.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
