"""Headers, blocks, seals and validator sets (protocol: Blocks).

The block id is the hash of the header. Signatures are never in it: the *seal* (for pbft and dbft a commit
certificate) travels and is stored beside the header. Block H+1 carries the seal of H as `parent_seal`; only
that copy feeds the state.
"""

from typing import Final, TypeVar

from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.errors import Invalid, InvalidBlock
from chaosnet.base.limits import BLOCK_BYTES_MAX, BLOCK_TXS_MAX, FRAME_BYTES_MAX, VALIDATORS_MAX
from chaosnet.base.units import Hash32, TxHash
from chaosnet.crypto.hashing import merkle_root, tagged_hash
from chaosnet.model.header import Header, seal_hash_of
from chaosnet.model.transaction import tx_hash_of

T = TypeVar("T")

SEAL_BYTES_MAX: Final = 64 * 1024


class Block(Record, tag=1):
    """A header with its body. Transactions are raw bytes, so that a block is hashed exactly as received."""

    header: Header
    parent_seal: bytes
    txs: tuple[bytes, ...]


class SealedBlock(Record, tag=1):
    """A block and what makes it final: the unit of sync."""

    block: Block
    seal: bytes


class Validator(Record):
    """One member of a validator set."""

    operator: bytes
    """Operator account (33 bytes): stable identity."""
    key: bytes
    """Consensus public key."""
    weight: int
    vrf_key: bytes = b""
    """Public key of its slot lottery under pos; else empty."""


class ValidatorSet(Record, tag=1):
    """Validators in ascending operator order."""

    validators: tuple[Validator, ...]

    @property
    def total(self) -> int:
        """Sum of all weights."""
        return sum(v.weight for v in self.validators)

    def index_of_key(self, key: bytes) -> int:
        """Return the position of a consensus key, or -1."""
        for i, validator in enumerate(self.validators):
            if validator.key == key:
                return i
        return -1


class Certificate(Record, tag=1):
    """Seal of pbft and dbft: precommits of more than two thirds for one block in one round."""

    era: int
    height: int
    round: int
    block_id: bytes
    signers: tuple[int, ...]
    """Positions in the validator set, ascending."""
    signatures: tuple[bytes, ...]
    """One for each signer, in the same order."""


_block_decoder: Decoder[Block] = Decoder(Block, FRAME_BYTES_MAX)
_sealed_decoder: Decoder[SealedBlock] = Decoder(SealedBlock, FRAME_BYTES_MAX)
_certificate_decoder: Decoder[Certificate] = Decoder(Certificate, SEAL_BYTES_MAX)
_set_decoder: Decoder[ValidatorSet] = Decoder(ValidatorSet, SEAL_BYTES_MAX)


def validators_hash_of(validators: ValidatorSet) -> Hash32:
    """Return the hash that headers commit to."""
    return tagged_hash(b"validators", encode(validators))


def decode_block(data: bytes) -> Block:
    """Decode a block and check its static bounds and its transaction root; raises InvalidBlock."""
    return decode_block_hashed(data)[0]


def decode_block_hashed(data: bytes) -> tuple[Block, list[TxHash]]:
    """Decode and check a block; return it with the hashes of its transactions. Raises InvalidBlock."""
    block = _decode(_block_decoder, data)
    return block, check_body(block)


def decode_sealed(data: bytes) -> SealedBlock:
    """Decode a sealed block and check its body; raises InvalidBlock."""
    sealed = _decode(_sealed_decoder, data)
    check_body(sealed.block)
    return sealed


def decode_certificate(data: bytes) -> Certificate:
    """Decode a commit certificate; raises InvalidBlock."""
    return _decode(_certificate_decoder, data)


def decode_validators(data: bytes) -> ValidatorSet:
    """Decode a validator set; raises InvalidBlock."""
    validators = _decode(_set_decoder, data)
    if not 1 <= len(validators.validators) <= VALIDATORS_MAX:
        raise InvalidBlock("too_large", "validators")
    return validators


def check_body(block: Block) -> list[TxHash]:
    """Return the hashes of the transactions; raise InvalidBlock unless the body is inside its bounds and is
    the one the header commits to.
    """
    header = block.header
    if len(block.txs) > BLOCK_TXS_MAX or sum(map(len, block.txs)) > BLOCK_BYTES_MAX:
        raise InvalidBlock("too_large", "block body")
    if header.tx_count != len(block.txs):
        raise InvalidBlock("bad_header", "transaction count")
    hashes = [tx_hash_of(raw) for raw in block.txs]
    if header.tx_root != merkle_root(hashes):
        raise InvalidBlock("bad_root", "transaction root")
    if header.parent_seal_hash != seal_hash_of(block.parent_seal):
        raise InvalidBlock("bad_header", "parent seal hash")
    return hashes


def tx_root_of(txs: tuple[bytes, ...]) -> Hash32:
    """Return the RFC 9162 root over the hashes of full transaction bytes."""
    return merkle_root([tx_hash_of(raw) for raw in txs])


def _decode(decoder: Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except Invalid as error:
        raise InvalidBlock(error.code, error.detail) from error
