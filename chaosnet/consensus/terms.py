"""What one height is decided under: who votes, whose turn it is, how long to wait, which times are near."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chaosnet.model.block import ValidatorSet
from chaosnet.model.genesis import ChainParams

DRIFT_MS_MAX: Final = 60_000


@dataclass(frozen=True)
class Terms:
    """Fixed for one height."""

    era: int
    height: int
    validators: ValidatorSet
    params: ChainParams
    own_key: bytes
    """Consensus key of this node if it is in the set, else empty: it follows without a voice."""
    turn: Callable[[int], bytes]
    """Consensus key of a round's proposer."""

    def propose_wait_ms(self, round_: int) -> int:
        """Return the wait for a round's proposal."""
        return self._grown(self.params.propose_timeout_ms, round_)

    def vote_wait_ms(self, round_: int) -> int:
        """Return the wait for the missing votes once two thirds have voted."""
        return self._grown(self.params.vote_timeout_ms, round_)

    def is_timely(self, round_: int, *, time_ms: int, now: int) -> bool:
        """Return whether a new block's time is near enough to this node's clock to vote for it.

        A vote rule, not validity (protocol: Blocks, Time). The drift allowed doubles each round, so that bad
        clocks slow a network down but do not stop it.
        """
        drift_ms = min(self.params.clock_drift_ms << min(round_, 16), DRIFT_MS_MAX)
        return abs(time_ms - now) <= drift_ms

    def _grown(self, timeout_ms: int, round_: int) -> int:
        """Return the wait of a round: longer each round, so that it suffices some time, but never endless."""
        return min(timeout_ms + self.params.timeout_step_ms * round_, self.params.timeout_ms_max)
