"""What a header's engine proof says, field by field, for people."""

from typing import Final, NamedTuple

from chaosnet.base.errors import Invalid
from chaosnet.model.header import (
    GenesisProof,
    PowProof,
    Proof,
    QuorumProof,
    RoundProof,
    SlotProof,
    StakeProof,
    decode_header,
)
from chaosnet.rpc.schema import Block

COMPACT_SIZE_BITS: Final = 24


class ProofField(NamedTuple):
    """One line: the key of its label, and its value."""

    label: str
    value: str
    is_hash: bool = False


def proof_of(block: Block) -> Proof | None:
    """Return the engine's proof in a block's header; None when the header cannot be read."""
    try:
        return decode_header(bytes.fromhex(block.header)).proof
    except (Invalid, ValueError):
        return None


def proof_fields(block: Block) -> list[ProofField]:
    """Return the lines that show a block's proof; none for what has none, or cannot be read."""
    match proof_of(block):
        case PowProof(bits=bits, nonce=nonce):
            return [
                ProofField("pow_bits", f"0x{bits:08x}", is_hash=True),
                ProofField("pow_work", str(work_of(bits))),
                ProofField("pow_nonce", str(nonce)),
            ]
        case StakeProof(slot=slot, vrf=vrf, max_height_generated=made, max_height_prevoted=prevoted):
            return [*_slot_fields(slot, made, prevoted), ProofField("pos_vrf", vrf.hex(), is_hash=True)]
        case SlotProof(slot=slot, reveal=reveal, max_height_generated=made, max_height_prevoted=prevoted):
            return [*_slot_fields(slot, made, prevoted), ProofField("reveal", reveal.hex(), is_hash=True)]
        case RoundProof(round=number, reveal=reveal):
            return [ProofField("round", str(number)), ProofField("reveal", reveal.hex(), is_hash=True)]
        case QuorumProof(round=number):
            return [ProofField("round", str(number))]
        case GenesisProof() | None:
            return []


def _slot_fields(slot: int, made: int, prevoted: int) -> list[ProofField]:
    return [
        ProofField("slot", str(slot)),
        ProofField("max_height_generated", str(made)),
        ProofField("max_height_prevoted", str(prevoted)),
    ]


def work_of(bits: int) -> int:
    """Return the hashes that meet a target in Bitcoin's compact form on average; 0 for no target."""
    mantissa, size = bits & 0x7FFFFF, bits >> COMPACT_SIZE_BITS
    target = mantissa << 8 * (size - 3) if size >= 3 else mantissa >> 8 * (3 - size)
    return (1 << 256) // (target + 1) if 0 < size <= 34 and target else 0
