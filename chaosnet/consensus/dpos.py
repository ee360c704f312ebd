"""dpos: elected delegates take turns in an order that the epoch's seed shuffles; an unused slot is lost."""

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.branching import Parent, Turn
from chaosnet.consensus.shuffle import shuffled
from chaosnet.consensus.slots import (
    Slotted,
    ballot_of,
    epoch_of,
    last_slot,
    proof_of,
    slot_after,
    slot_of,
    time_of,
)
from chaosnet.crypto.reveals import REVEAL_BYTES
from chaosnet.model.block import Validator
from chaosnet.model.header import Header, SlotProof


class Dpos(Slotted):
    """Functions of the engine; without state."""

    name = "dpos"

    def check_leader(self, header: Header, validator: Validator, parent: Parent) -> None:
        """Raise InvalidBlock(`bad_header` | `bad_proposer`) unless it is the delegate's slot.

        Whether the reveal is the right one the state decides: a wrong one only adds nothing to the seed.
        """
        proof = proof_of(header, SlotProof)
        if len(proof.reveal) != REVEAL_BYTES:
            raise InvalidBlock("bad_header", f"a reveal has {REVEAL_BYTES} bytes")
        if leader_of(parent, proof.slot) != validator.operator:
            raise InvalidBlock("bad_proposer", f"slot {proof.slot} is another delegate's")

    def next_turn(self, parent: Parent, own_operator: bytes, after_ms: int) -> Turn | None:
        """Return our next slot on this parent; None when we are no delegate."""
        order = order_of(parent)
        if own_operator not in order:
            return None
        slot = slot_after(parent, after_ms)
        slot += (order.index(own_operator) - slot) % len(order)
        return Turn(time_of(parent, slot), slot, b"", own_operator)

    def proof(self, parent: Parent, turn: Turn, answer: bytes, max_height_generated: int) -> SlotProof | None:
        """Return the proof of our block; None when the answer is no reveal."""
        if len(answer) != REVEAL_BYTES:
            return None
        return SlotProof(turn.slot, answer, max_height_generated, ballot_of(parent).max_height_prevoted)

    def entropy(self, header: Header) -> bytes:
        """Return the reveal; raises InvalidBlock(`bad_header`) for a block of another engine."""
        return proof_of(header, SlotProof).reveal

    def missed(self, header: Header, parent: Parent) -> tuple[tuple[bytes, int], ...]:
        """Return (operator, slots) that nobody used before this block, in operator order."""
        first, last = last_slot(parent) + 1, slot_of(header) - 1
        order = order_of(parent)
        size = len(order)
        # Slots s with s % size == i from 0 to x are (x - i) // size + 1; a long silence costs no loop.
        counts = (
            (operator, (last - i) // size - (first - 1 - i) // size) for i, operator in enumerate(order)
        )
        return tuple(sorted((operator, count) for operator, count in counts if count > 0))


def order_of(parent: Parent) -> tuple[bytes, ...]:
    """Return the operators in the order of their slots, for the epoch of the next block."""
    return shuffled([v.operator for v in parent.validators.validators], epoch_of(parent).seed)


def leader_of(parent: Parent, slot: int) -> bytes:
    """Return the operator whose slot this is."""
    order = order_of(parent)
    return order[slot % len(order)]
