"""How long a voting engine waits, and which block times it votes for: pure functions of the round."""

from typing import Final

from chaosnet.model.genesis import ChainParams

DRIFT_MS_MAX: Final = 60_000


def propose_wait_ms(params: ChainParams, round_: int) -> int:
    """Return the wait for a round's proposal."""
    return _grown(params, params.propose_timeout_ms, round_)


def vote_wait_ms(params: ChainParams, round_: int) -> int:
    """Return the wait for the missing votes once two thirds have voted."""
    return _grown(params, params.vote_timeout_ms, round_)


def is_timely(params: ChainParams, round_: int, *, time_ms: int, now: int) -> bool:
    """Return whether a new block's time is near enough to this node's clock to vote for it.

    A vote rule, not validity (protocol: Blocks, Time). The drift allowed doubles each round, so that bad
    clocks slow a network down but do not stop it.
    """
    drift_ms = min(params.clock_drift_ms << min(round_, 16), DRIFT_MS_MAX)
    return abs(time_ms - now) <= drift_ms


def _grown(params: ChainParams, timeout_ms: int, round_: int) -> int:
    """Return the wait of a round: longer each round, so that it suffices some time, but never without end."""
    return min(timeout_ms + params.timeout_step_ms * round_, params.timeout_ms_max)
