"""Receipts: what a transaction did (contracts: State).

A receipt is in consensus bytes and names events and returned values by their hashes. The things themselves
are an Outcome, which everybody who executes the block has, and nobody needs to agree on apart from that.
"""

from typing import Final

from chaosnet.base.codec import Record, encode
from chaosnet.base.units import EMPTY_HASH, Hash32
from chaosnet.crypto.hashing import merkle_root, tagged_hash


class Receipt(Record, tag=1):
    """Outcome of one transaction, committed to by the header's receipts root."""

    tx_id: bytes
    code: str
    """`ok`, or the code of the failure; a failed transaction still pays and raises the nonce."""
    gas: int
    """Gas used."""
    fee: int
    """Motes paid: gas used x gas price."""
    return_hash: bytes = EMPTY_HASH
    """See `return_hash_of`."""
    events_root: bytes = EMPTY_HASH
    """See `events_root_of`."""


class Event(Record, tag=1):
    """What a contract said, for whoever listens outside the chain."""

    contract: bytes
    """Address (33 bytes)."""
    name: str
    values: bytes
    """Canonical list of values."""
    index: int
    """Position among the events of its transaction."""


class Move(Record, tag=1):
    """Tokens that changed hands."""

    token: bytes
    """Id (32 bytes)."""
    source: bytes
    """Address; empty: they were made."""
    to: bytes
    """Address; empty: they were destroyed."""
    amount: int


class Outcome(Record, tag=1):
    """What a transaction left behind beside its receipt."""

    events: tuple[Event, ...] = ()
    """None when it failed."""
    returns: tuple[bytes, ...] = ()
    """Canonical value that each deployment (the contract's address) and each call returned, in order."""
    text: str = ""
    """What a contract said when it failed; at most 256 bytes."""
    failed_at: int = -1
    """Position of the action that failed."""
    moves: tuple[Move, ...] = ()
    """In order; none when it failed. COS is not among them."""


NO_OUTCOME: Final = Outcome()
"""Of every transaction that touches no contract."""


def receipts_root_of(receipts: tuple[Receipt, ...]) -> Hash32:
    """Return the RFC 9162 root over encoded receipts."""
    return merkle_root([encode(receipt) for receipt in receipts])


def events_root_of(events: tuple[Event, ...]) -> Hash32:
    """Return the RFC 9162 root over encoded events; EMPTY_HASH when there are none."""
    return merkle_root([encode(event) for event in events]) if events else EMPTY_HASH


def return_hash_of(code: str, outcome: Outcome) -> Hash32:
    """Return the hash of what was returned, or of the text that a contract reverted with.

    EMPTY_HASH when there is neither: texts of other failures are for people, and no rule.
    """
    if outcome.returns:
        return tagged_hash(b"returns", encode(outcome.returns))
    is_text = code == "reverted" and outcome.text != ""
    return tagged_hash(b"revert", outcome.text.encode()) if is_text else EMPTY_HASH
