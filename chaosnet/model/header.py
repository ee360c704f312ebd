"""Headers and the proof that each engine puts into them (protocol: Blocks).

The block id is the hash of the header. Signatures are never in it: the *seal* (for pbft and dbft a commit
certificate, for pos and dpos the producer's signature, for pow nothing) travels beside the header.
"""

from typing import Final

from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.errors import Invalid, InvalidBlock
from chaosnet.base.units import EMPTY_HASH, BlockId, Hash32
from chaosnet.crypto.hashing import tagged_hash

HEADER_VERSION: Final = 1
HEADER_BYTES_MAX: Final = 4096


class GenesisProof(Record, tag=0):
    """Engine proof of block 0, which nobody produced."""


class QuorumProof(Record, tag=1):
    """Engine proof of a pbft or dbft block."""

    round: int
    """Round in which the block was first proposed."""


class PowProof(Record, tag=2):
    """Engine proof of a pow block: the work itself, so such a block has no seal."""

    bits: int
    """Target in Bitcoin's compact form."""
    nonce: int


class StakeProof(Record, tag=3):
    """Engine proof of a pos block."""

    slot: int
    """Slots since the era began, from 1."""
    vrf: bytes
    """ECVRF proof (80 bytes, RFC 9381) over the epoch's seed and the slot."""
    max_height_generated: int
    """Greatest height this proposer has sealed before, on any branch (LIP-14)."""
    max_height_prevoted: int
    """Greatest height of the parent's branch with two thirds of prevotes (LIP-14)."""


class SlotProof(Record, tag=4):
    """Engine proof of a dpos block."""

    slot: int
    """Slots since the era began, from 1."""
    reveal: bytes
    """Next layer of the proposer's hash onion (16 bytes, LIP-22)."""
    max_height_generated: int
    max_height_prevoted: int


class RoundProof(Record, tag=5):
    """Engine proof of a dbft block."""

    round: int
    """Round in which the block was first proposed."""
    reveal: bytes
    """Next layer of the proposer's hash onion (16 bytes, LIP-22)."""


Proof = GenesisProof | QuorumProof | PowProof | StakeProof | SlotProof | RoundProof


class Header(Record, tag=1):
    """Everything a light client needs to know of a block."""

    version: int
    genesis: bytes
    """Genesis hash."""
    era: int
    height: int
    parent: bytes
    """Block id of the parent."""
    time_ms: int
    """Unix time, greater than the parent's."""
    proposer: bytes
    """Operator account of the producer: it receives the fees."""
    rule: int
    """Number of the rule set in force by the parent's state."""
    engine: str
    tx_root: bytes
    """RFC 9162 root over the hashes of the transactions' full bytes."""
    tx_count: int
    state_root: bytes
    """Root of the state after this block."""
    receipts_root: bytes
    """RFC 9162 root over the encoded receipts."""
    validators_hash: bytes
    """Hash of the set that seals this block."""
    next_validators_hash: bytes
    """Hash of the set that seals the next block."""
    parent_seal_hash: bytes
    """Hash of the parent's seal, as carried by this block."""
    gas_used: int
    proof: Proof


_decoder: Decoder[Header] = Decoder(Header, HEADER_BYTES_MAX)


def block_id_of(header: Header) -> BlockId:
    """Return the hash of a header."""
    return BlockId(tagged_hash(b"header", encode(header)))


def seal_hash_of(seal: bytes) -> Hash32:
    """Return the hash of a seal; of no seal, 32 zero bytes."""
    return tagged_hash(b"seal", seal) if seal else EMPTY_HASH


def decode_header(data: bytes) -> Header:
    """Decode a header; raises InvalidBlock."""
    try:
        return _decoder.decode(data)
    except Invalid as error:
        raise InvalidBlock(error.code, error.detail) from error
