"""pos: in each slot every validator draws a lot, and wins in proportion to its bonded coins.

The lot is a verifiable random function of the epoch's seed and the slot, nothing else, so nobody can draw
twice. On average every second slot has a winner; of several winners the fork choice prefers the lowest lot.
"""

from typing import Final

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus import gadget
from chaosnet.consensus.branching import Parent, Turn
from chaosnet.consensus.slots import (
    Slotted,
    ballot_of,
    epoch_of,
    proof_of,
    slot_after,
    time_of,
    validator_of,
)
from chaosnet.crypto.vrf import beta_of, verify
from chaosnet.model.block import Validator
from chaosnet.model.header import Header, StakeProof

LOT_BYTES: Final = 16
"""Of the function's output are the lot; the rest is not looked at."""
WINNERS_NUMERATOR: Final = 1
WINNERS_DENOMINATOR: Final = 2
"""Winners of a slot on average."""


class Pos(Slotted):
    """Functions of the engine; without state."""

    name = "pos"
    rounds_max = gadget.ROUNDS_MAX

    def check_leader(self, header: Header, validator: Validator, parent: Parent) -> None:
        """Raise InvalidBlock(`bad_header` | `bad_proposer`) unless the lot is the validator's and wins."""
        proof = proof_of(header, StakeProof)
        beta = verify(validator.vrf_key, question_of(parent, proof.slot), proof.vrf)
        if beta is None:
            raise InvalidBlock("bad_proposer", "not the lot of this validator and slot")
        if not is_won(beta, validator.weight, parent.validators.total):
            raise InvalidBlock("bad_proposer", "the lot does not win")

    def preference(self, header: Header) -> tuple[int, ...]:
        """Return what decides between two blocks of one slot: the lower lot, then the lower id."""
        lot = int.from_bytes(beta_of(proof_of(header, StakeProof).vrf), "big")
        return (-lot, *super().preference(header))

    def next_turn(self, parent: Parent, own_operator: bytes, after_ms: int) -> Turn | None:
        """Return the next slot, if we are a validator that can draw lots."""
        validator = validator_of(parent.validators, own_operator)
        if validator is None or not validator.vrf_key:
            return None
        slot = slot_after(parent, after_ms)
        return Turn(time_of(parent, slot), slot, question_of(parent, slot), own_operator)

    def proof(
        self, parent: Parent, turn: Turn, answer: bytes, max_height_generated: int
    ) -> StakeProof | None:
        """Return the proof of our block; None when the lot does not win, or is not of our key."""
        validator = validator_of(parent.validators, turn.proposer)
        if validator is None:
            return None
        beta = verify(validator.vrf_key, turn.question, answer)
        if beta is None or not is_won(beta, validator.weight, parent.validators.total):
            return None
        prevoted = ballot_of(parent).max_height_prevoted
        return StakeProof(turn.slot, answer, max_height_generated, prevoted)

    def entropy(self, header: Header) -> bytes:
        """Return the 64-byte output of the lottery's function; raises InvalidBlock or Invalid for none."""
        return beta_of(proof_of(header, StakeProof).vrf)

    def missed(self, header: Header, parent: Parent) -> tuple[tuple[bytes, int], ...]:
        """Return nothing: nobody knows before who wins a slot."""
        return ()


def question_of(parent: Parent, slot: int) -> bytes:
    """Return the lottery's input: seed of the epoch and slot."""
    return epoch_of(parent).seed + slot.to_bytes(8, "big")


def is_won(beta: bytes, weight: int, total: int) -> bool:
    """Return whether a lot wins with so much of the total weight."""
    lot = int.from_bytes(beta[:LOT_BYTES], "big")
    return lot * total * WINNERS_DENOMINATOR < weight * WINNERS_NUMERATOR << 8 * LOT_BYTES
