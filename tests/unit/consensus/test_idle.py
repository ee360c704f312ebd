"""The engine that is none."""

import pytest

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.engine import WorkWaiting
from chaosnet.consensus.idle import Idle
from chaosnet.model.block import ValidatorSet
from tests.unit.kernel.harness import Bench


def test_it_seals_nothing_and_asks_for_nothing() -> None:
    idle = Idle("pow")
    header = Bench().node.head.header
    with pytest.raises(InvalidBlock, match="pow makes no certificates"):
        idle.check_seal(header, b"", ValidatorSet(()))
    assert (idle.step(WorkWaiting(), 1), idle.proposer(1, 0), idle.weight(header)) == ([], b"", 0)
    assert not idle.remembers(b"x")
    assert idle.missing_for(idle.round_state(), 9) == []
