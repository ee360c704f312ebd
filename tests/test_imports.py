"""The import contracts of .importlinter hold, and each of them catches what it is there for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGES = ("chaosnet", "explorer", "tui")

# file to plant, the forbidden line, the chain that the linter must report
PLANTED = [
    ("chaosnet/ledger/planted.py", "import time", "chaosnet.ledger.planted -> time"),
    ("chaosnet/kernel/planted.py", "import asyncio", "chaosnet.kernel.planted -> asyncio"),
    ("chaosnet/crypto/planted.py", "import secrets", "chaosnet.crypto.planted -> secrets"),
    ("chaosnet/base/planted.py", "import chaosnet.model", "chaosnet.base.planted -> chaosnet.model"),
    (
        "chaosnet/protocol/planted.py",
        "import chaosnet.ledger",
        "chaosnet.protocol.planted -> chaosnet.ledger",
    ),
    ("chaosnet/storage/planted.py", "import chaosnet.rpc", "chaosnet.storage.planted -> chaosnet.rpc"),
    ("chaosnet/sim/planted.py", "import random", "chaosnet.sim.planted -> random"),
    (
        "chaosnet/consensus/quorum.py",
        "import chaosnet.consensus.pbft",
        "chaosnet.consensus.quorum -> chaosnet.consensus.pbft",
    ),
    ("chaosnet/base/errors.py", "import chaosnet.base.codec", ".errors -> .codec"),
    ("explorer/planted.py", "import chaosnet.kernel", "explorer.planted -> chaosnet.kernel"),
    ("tui/planted.py", "import explorer", "tui.planted -> explorer"),
    ("chaosnet/nowhere/__init__.py", "", "nowhere"),
]


def lint(tree: Path) -> str:
    """Run the linter in `tree` and return what it prints."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=tree, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def planted_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    tree = tmp_path_factory.mktemp("planted")
    shutil.copy(REPOSITORY / ".importlinter", tree)
    for package in PACKAGES:
        shutil.copytree(
            REPOSITORY / package,
            tree / package,
            ignore=lambda folder, names: [
                name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()
            ],
        )
    for name, line, _ in PLANTED:
        (tree / name).parent.mkdir(exist_ok=True)
        with (tree / name).open("a") as file:
            file.write(f"\n{line}\n")
    return lint(tree)


def test_contracts_hold() -> None:
    report = lint(REPOSITORY)
    assert " 0 broken." in report, report


@pytest.mark.parametrize(("name", "chain"), [(name, chain) for name, _, chain in PLANTED])
def test_planted_import_is_caught(planted_report: str, name: str, chain: str) -> None:
    assert chain in planted_report, f"{name} went unnoticed:\n{planted_report}"
