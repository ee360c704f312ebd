"""Tests of contracts in Python: `pytest_plugins = ["chaosnet.cli.pytest_chain"]` gives a fixture, `chain`.

Tests run in the main thread, whose stack may grow as far as contracts need.
"""

from functools import cache
from pathlib import Path

import pytest

from chaosnet.contracts.machine import Machine
from chaosnet.contracts.values import Value
from chaosnet.daemon.machines import main_machine
from chaosnet.devchain.bundle import bundle
from chaosnet.devchain.chain import DevChain, Result
from chaosnet.model.genesis_make import FIRST_RULE


class FileChain(DevChain):
    """A developer's chain that deploys files too."""

    def deploy_file(self, path: Path | str, *args: Value, sender: str = "alice", sent: int = 0) -> Result:
        """Put a contract with the files it needs on the chain; the result's value is its address."""
        made = bundle(Path(path))
        return self.deploy(made.source, made.engine, *args, sender=sender, sent=sent)


@cache
def _machine() -> Machine:
    return main_machine(FIRST_RULE)


@pytest.fixture
def chain() -> FileChain:
    """Return a new chain with funded accounts."""
    return FileChain(_machine())
