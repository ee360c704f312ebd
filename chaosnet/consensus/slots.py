"""What pos and dpos share: time in slots, blocks signed by their producers, finality by the gadget.

Slot s of an era (from 1) starts `s x slot_ms` after the last block before the era, and a block's time is its
slot's start exactly. Who may use a slot, each engine says itself.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from chaosnet.base.errors import Broken, InvalidBlock
from chaosnet.consensus import gadget
from chaosnet.consensus.branching import Ballot, Parent, View
from chaosnet.consensus.engine import Finality
from chaosnet.crypto.signing import is_valid
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.epoch import Epoch
from chaosnet.model.evidence import header_digest
from chaosnet.model.header import Header, SlotProof, StakeProof, block_id_of

_HEIGHT_BITS: Final = 64

P = TypeVar("P", StakeProof, SlotProof)


class Slotted:
    """The engine of one node without its rule of leaders; without state."""

    name: str
    finality = Finality.GADGET
    rounds_max = gadget.ROUNDS
    """Rounds for which a block that is not final can gather votes."""

    def __init__(self, is_good: Callable[[bytes, bytes, bytes], bool] = is_valid) -> None:
        """`is_good` takes key, message and signature; simulated nodes may share one that remembers."""
        self._is_good = is_good

    def check_leader(self, header: Header, validator: Validator, parent: Parent) -> None:
        """Raise InvalidBlock(`bad_header` | `bad_proposer`) unless the validator may use the block's slot."""
        raise NotImplementedError

    def check(self, header: Header, seal: bytes, parent: Parent) -> None:
        """Raise InvalidBlock unless the block is due in its slot, fits the gadget and its proposer signed it.

        Codes: `bad_header`, `bad_proposer`, `bad_seal`, `bad_time`.
        """
        slot = slot_of(header)
        if slot <= last_slot(parent):
            raise InvalidBlock("bad_time", f"slot {slot} is not after {last_slot(parent)}")
        if header.time_ms != time_of(parent, slot):
            raise InvalidBlock("bad_time", f"slot {slot} starts at {time_of(parent, slot)}")
        validator = validator_of(parent.validators, header.proposer)
        if validator is None:
            raise InvalidBlock("bad_proposer", "not in the validator set")
        gadget.check_claim(ballot_of(parent), claim_of(header))
        if not self._is_good(validator.key, header_digest(header), seal):
            raise InvalidBlock("bad_seal", "not the proposer's signature")
        self.check_leader(header, validator, parent)

    def follow(self, header: Header, parent: Parent) -> Ballot:
        """Return the finality gadget's count after a block."""
        return gadget.after(
            ballot_of(parent), claim_of(header), parent.validators, rounds_max=self.rounds_max
        )

    def score(self, view: View, header: Header) -> tuple[int, ...]:
        """Return prevoted height, height, lower slot, and of one slot what each engine prefers."""
        if not isinstance(view, Ballot):
            raise Broken("internal", f"not a view of {self.name}")
        return (*gadget.rank(view, header.height, slot_of(header)), *self.preference(header))

    def preference(self, header: Header) -> tuple[int, ...]:
        """Return what decides between two blocks of one slot: the lower id."""
        return (-int.from_bytes(block_id_of(header), "big"),)

    def claim(self, score: tuple[int, ...]) -> int:
        """Return prevoted height, then height."""
        return score[0] << _HEIGHT_BITS | score[1]

    def earliest_ms(self, header: Header) -> int:
        """Return the start of the slot: who hears of a block before waits."""
        return header.time_ms

    def puzzle(self, header: Header) -> tuple[bytes, int]:
        """Raise Broken: nothing is mined."""
        raise Broken("internal", f"{self.name} has no puzzle")


def slot_of(header: Header) -> int:
    """Return the slot of a block; raises InvalidBlock(`bad_header`) for one of another engine."""
    if not isinstance(header.proof, StakeProof | SlotProof):
        raise InvalidBlock("bad_header", "not a proof with a slot")
    return header.proof.slot


def last_slot(parent: Parent) -> int:
    """Return the slot of the parent; 0 when it is the last block before the era."""
    return 0 if parent.view is None else slot_of(parent.header)


def time_of(parent: Parent, slot: int) -> int:
    """Return when a slot starts."""
    return parent.era_time_ms + slot * parent.params.slot_ms


def slot_after(parent: Parent, after_ms: int) -> int:
    """Return the first slot for a child of this parent that starts after a time."""
    latest_ms = max(after_ms, parent.header.time_ms)
    return max(last_slot(parent), (latest_ms - parent.era_time_ms) // parent.params.slot_ms) + 1


def epoch_of(parent: Parent) -> Epoch:
    """Return the epoch of the next block; raises Broken when there is none."""
    if parent.epoch is None:
        raise Broken("internal", "no epoch is in force")
    return parent.epoch


def ballot_of(parent: Parent) -> Ballot:
    """Return the count at the parent, at the beginning of an era a new one."""
    if parent.view is None:
        return gadget.first_ballot(parent.era_height)
    if not isinstance(parent.view, Ballot):
        raise Broken("internal", "not a view of the finality gadget")
    return parent.view


def claim_of(header: Header) -> gadget.Claim:
    """Return what a header tells the gadget; raises InvalidBlock(`bad_header`) for one of another engine."""
    proof = header.proof
    if not isinstance(proof, StakeProof | SlotProof):
        raise InvalidBlock("bad_header", "not a proof with votes")
    return gadget.Claim(header.height, header.proposer, proof.max_height_generated, proof.max_height_prevoted)


def validator_of(validators: ValidatorSet, operator: bytes) -> Validator | None:
    """Return the validator with this operator account."""
    return next((v for v in validators.validators if v.operator == operator), None)


def proof_of(header: Header, kind: type[P]) -> P:
    """Return the engine's own proof; raises InvalidBlock(`bad_header`) for that of another engine."""
    if not isinstance(header.proof, kind):
        raise InvalidBlock("bad_header", f"not a {kind.__name__}")
    return header.proof
