"""How full this node makes its blocks: as full as all get through within a round, and no fuller.

The chain's bound (`block_gas_max`) fits the reference machine. Where machines are slower or shared, a full
block may take longer than the propose time-out, and every such round is lost. So a producer learns from its
own blocks: those that came through quickly let the next be larger, those that took long or failed make it
smaller. A local choice; no rule depends on it.
"""

from typing import Final

from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.node import Node

SMALLEST_PART: Final = 20
"""Never below this part of the chain's bound."""


def fill_gas(node: Node) -> int:
    """Return the gas up to which this node fills a block now; half of the bound before it has learnt."""
    most = node.head.params.block_gas_max
    return min(node.fill_gas or most // 2, most)


def learn(node: Node, committed: Candidate, now: int) -> None:
    """Take note of how a height ended; called before the head moves, with the candidates still there."""
    most = node.head.params.block_gas_max
    limit = fill_gas(node)
    patience_ms = node.head.params.propose_timeout_ms
    for own in node.candidates.values():
        gas = sum(signed.body.gas_limit for signed in own.txs)  # what fills a block; calls use less
        if not own.since_ms or gas * 4 < limit:
            continue  # a peer's block, or one so small that its size did not matter
        took_ms = now - own.since_ms
        if own is not committed or took_ms * 2 > patience_ms * 3:
            node.fill_gas = max(limit // 2, most // SMALLEST_PART)
        elif took_ms * 4 < patience_ms * 3 and gas * 4 >= limit * 3:
            node.fill_gas = min(limit * 5 // 4, most)
