"""The quorum engine of a chain that has none in force: it hears, says and seals nothing."""

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.engine import Asked, Finality, Given, RoundState
from chaosnet.model.block import ValidatorSet
from chaosnet.model.evidence import Proposal, Vote
from chaosnet.model.header import Header


class Idle:
    """Stands in for an Engine while a branching engine rules."""

    finality = Finality.IMMEDIATE

    def __init__(self, name: str) -> None:
        self.name = name

    def check_seal(self, header: Header, seal: bytes, validators: ValidatorSet, seed: bytes = b"") -> None:
        """Raise InvalidBlock(`bad_seal`): no certificate seals such a block."""
        raise InvalidBlock("bad_seal", f"{self.name} makes no certificates")

    def weight(self, header: Header) -> int:
        """Return 0."""
        return 0

    def step(self, given: Given, now: int) -> list[Asked]:
        """Ask for nothing."""
        return []

    def wants(self, message: Proposal | Vote) -> bool:
        """Return False."""
        return False

    def is_genuine(self, message: Proposal | Vote) -> bool:
        """Return False."""
        return False

    def remembers(self, block_id: bytes) -> bool:
        """Return False."""
        return False

    def proposer(self, height: int, round_: int) -> bytes:
        """Return nobody."""
        return b""

    def round_state(self) -> RoundState:
        """Return the state of waiting."""
        return RoundState(0, 0, 0, "wait", has_proposal=False, prevotes=0, precommits=0)

    def votes_behind(self, proposal: Proposal) -> tuple[Vote, ...]:
        """Return nothing."""
        return ()

    def missing_for(self, theirs: RoundState, limit: int) -> list[Proposal | Vote]:
        """Return nothing."""
        return []
