"""Receipts: what a transaction did (contracts: State; events come with contracts)."""

from chaosnet.base.codec import Record, encode
from chaosnet.base.units import EMPTY_HASH, Hash32
from chaosnet.crypto.hashing import merkle_root


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
    events_root: bytes = EMPTY_HASH


def receipts_root_of(receipts: tuple[Receipt, ...]) -> Hash32:
    """Return the RFC 9162 root over encoded receipts."""
    return merkle_root([encode(receipt) for receipt in receipts])
