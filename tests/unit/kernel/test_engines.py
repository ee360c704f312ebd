"""Which engines there are."""

import pytest

from chaosnet.consensus.engine import Finality
from chaosnet.kernel.engines import Engines
from chaosnet.model.genesis import ENGINES_KNOWN


@pytest.mark.parametrize("name", ENGINES_KNOWN)
def test_every_engine_of_a_schedule_is_there(name: str) -> None:
    engines = Engines(bytes(32), None, None)
    assert engines.knows(name)
    branching = engines.branching(name)
    assert (branching is None) == (name in ("pbft", "dbft"))
    assert (branching or engines.quorum(name)).name == name


def test_finality_of_each() -> None:
    engines = Engines(bytes(32), None, None)
    found = {name: (engines.branching(name) or engines.quorum(name)).finality for name in ENGINES_KNOWN}
    assert found == {
        "pbft": Finality.IMMEDIATE,
        "dbft": Finality.IMMEDIATE,
        "pow": Finality.DEPTH,
        "pos": Finality.GADGET,
        "dpos": Finality.GADGET,
    }


def test_another_name_is_unknown() -> None:
    assert not Engines(bytes(32), None, None).knows("poa")
