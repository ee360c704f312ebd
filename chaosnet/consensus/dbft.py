"""The dbft engine: delegates elected for an epoch agree as members do under pbft (see `rounds`).

Blocks are final at once. The delegates take turns in an order that the epoch's seed shuffles. Known liveness
faults of dBFT 2.0 are not taken over: the rules of a height are those of Tendermint.
"""

from functools import lru_cache

from chaosnet.consensus.rounds import Rounds
from chaosnet.consensus.shuffle import shuffled
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.header import RoundProof


@lru_cache(maxsize=8)
def order_of(validators: ValidatorSet, seed: bytes) -> tuple[Validator, ...]:
    """Return the delegates in the order of their turns."""
    of_operator = {validator.operator: validator for validator in validators.validators}
    return tuple(of_operator[operator] for operator in shuffled(list(of_operator), seed))


class Dbft(Rounds):
    """The engine of one node for its whole run."""

    name = "dbft"
    proof = RoundProof

    def turn(self, validators: ValidatorSet, seed: bytes, height: int, round_: int) -> Validator:
        """Return whose turn it is: one further in the epoch's order each height and each round."""
        order = order_of(validators, seed)
        return order[(height + round_) % len(order)]
