"""How full a producer makes its blocks."""

from types import SimpleNamespace
from typing import cast

from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.node import Node
from chaosnet.kernel.pace import fill_gas, learn
from chaosnet.model.genesis import ChainParams

PARAMS = ChainParams()
MOST = PARAMS.block_gas_max


def node_with(*candidates: Candidate) -> Node:
    head = SimpleNamespace(params=PARAMS)
    named = dict(enumerate(candidates))
    return cast("Node", SimpleNamespace(head=head, candidates=named, fill_gas=0))


def block(gas: int, since_ms: int, *, share_used: float = 0.5) -> Candidate:
    """Return a block that holds transactions with so much gas as their limits."""
    header = SimpleNamespace(gas_used=int(gas * share_used))
    txs = [SimpleNamespace(body=SimpleNamespace(gas_limit=gas // 4)) for _ in range(4)]
    return cast(
        "Candidate", SimpleNamespace(block=SimpleNamespace(header=header), txs=txs, since_ms=since_ms)
    )


def test_a_node_begins_with_half_of_the_bound() -> None:
    assert fill_gas(node_with()) == MOST // 2


def test_a_full_block_that_came_through_quickly_lets_the_next_be_larger() -> None:
    own = block(MOST // 2, since_ms=1_000)
    node = node_with(own)
    learn(node, own, now=1_000 + PARAMS.propose_timeout_ms // 2)
    assert fill_gas(node) == MOST // 2 * 5 // 4


def test_what_calls_leave_of_their_limits_does_not_count() -> None:
    own = block(MOST // 2, since_ms=1_000, share_used=0.1)
    node = node_with(own)
    learn(node, own, now=1_100)
    assert fill_gas(node) == MOST // 2 * 5 // 4


def test_it_never_grows_beyond_the_bound() -> None:
    own = block(MOST, since_ms=1_000)
    node = node_with(own)
    node.fill_gas = MOST
    learn(node, own, now=1_100)
    assert fill_gas(node) == MOST


def test_a_full_block_that_took_long_makes_the_next_smaller() -> None:
    own = block(MOST // 2, since_ms=1_000)
    node = node_with(own)
    learn(node, own, now=1_000 + 2 * PARAMS.propose_timeout_ms)
    assert fill_gas(node) == MOST // 4


def test_a_full_block_that_lost_its_round_makes_the_next_smaller() -> None:
    own, other = block(MOST // 2, since_ms=1_000), block(MOST // 2, since_ms=0)
    node = node_with(own, other)
    learn(node, other, now=1_200)
    assert fill_gas(node) == MOST // 4


def test_small_blocks_and_those_of_peers_teach_nothing() -> None:
    small, foreign = block(MOST // 100, since_ms=1_000), block(MOST, since_ms=0)
    node = node_with(small, foreign)
    learn(node, foreign, now=60_000)
    assert fill_gas(node) == MOST // 2


def test_it_never_shrinks_below_a_twentieth() -> None:
    own = block(MOST, since_ms=1)
    node = node_with(own)
    for _ in range(20):
        learn(node, own, now=60_000)
    assert fill_gas(node) == MOST // 20
