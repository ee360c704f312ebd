"""The pbft engine: agreement of known members of equal weight, with immediate finality (see `rounds`)."""

from chaosnet.consensus.rounds import Rounds
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.header import QuorumProof


def proposer_of(validators: ValidatorSet, height: int, round_: int) -> Validator:
    """Return whose turn it is: the members in operator order, one further each height and each round."""
    members = validators.validators
    return members[(height + round_) % len(members)]


class Pbft(Rounds):
    """The engine of one node for its whole run."""

    name = "pbft"
    proof = QuorumProof

    def turn(self, validators: ValidatorSet, seed: bytes, height: int, round_: int) -> Validator:
        """Return whose turn it is."""
        return proposer_of(validators, height, round_)
