"""A chain that makes blocks, and a store that was started with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import Chain
from tests.unit.storage.stores import started


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def store(tmp_path: Path, chain: Chain) -> Iterator[ChainStore]:
    opened = started(tmp_path / "data", chain)
    yield opened
    opened.close()
