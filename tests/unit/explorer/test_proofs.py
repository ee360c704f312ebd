"""What a header's proof shows."""

import pytest

from chaosnet.consensus.asert import target_of
from explorer.proofs import proof_fields, proof_of, work_of
from tests.unit.explorer.branching_node import PROOFS, BranchingNode
from tests.unit.explorer.made_node import MadeNode

LABELS = {
    "pow": ["pow_bits", "pow_work", "pow_nonce"],
    "pos": ["slot", "max_height_generated", "max_height_prevoted", "pos_vrf"],
    "pbft": ["round"],
    "dbft": ["round", "reveal"],
    "dpos": ["slot", "max_height_generated", "max_height_prevoted", "reveal"],
}


@pytest.mark.parametrize("engine", LABELS)
async def test_each_engine_shows_its_own_fields(engine: str) -> None:
    block = await BranchingNode(engine=engine).block("0")
    assert proof_of(block) == PROOFS[engine]
    assert [field.label for field in proof_fields(block)] == LABELS[engine]


async def test_header_that_cannot_be_read_shows_none() -> None:
    assert proof_fields(await MadeNode().block("0")) == []


@pytest.mark.parametrize("bits", [0x2000FFFF, 0x1D00FFFF, 0x2001FFFF, 0x03123456, 0x02008000])
def test_work_is_the_expected_hashes(bits: int) -> None:
    assert work_of(bits) == (1 << 256) // (target_of(bits) + 1)


@pytest.mark.parametrize("bits", [0, 0x01000000, 0xFF00FFFF])
def test_no_target_is_no_work(bits: int) -> None:
    assert work_of(bits) == 0
