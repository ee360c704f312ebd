"""Headers: the id covers every field and every proof, and bytes that are not canonical are refused."""

import pytest
from msgspec import structs

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidBlock
from chaosnet.base.units import EMPTY_HASH
from chaosnet.model.header import (
    HEADER_BYTES_MAX,
    GenesisProof,
    Header,
    PowProof,
    Proof,
    QuorumProof,
    RoundProof,
    SlotProof,
    StakeProof,
    block_id_of,
    decode_header,
    seal_hash_of,
)

HEADER = Header(
    version=1,
    genesis=b"g" * 32,
    era=0,
    height=5,
    parent=b"p" * 32,
    time_ms=1_700_000_000_000,
    proposer=b"o" * 33,
    rule=1,
    engine="pbft",
    tx_root=b"t" * 32,
    tx_count=0,
    state_root=b"s" * 32,
    receipts_root=b"r" * 32,
    validators_hash=b"v" * 32,
    next_validators_hash=b"n" * 32,
    parent_seal_hash=b"h" * 32,
    gas_used=0,
    proof=QuorumProof(0),
)
PROOFS: list[Proof] = [
    GenesisProof(),
    QuorumProof(0),
    PowProof(0x207F_FFFF, 2**64 - 1),
    StakeProof(1, b"v" * 80, 0, 0),
    SlotProof(1, b"r" * 16, 0, 0),
    RoundProof(0, b"r" * 16),
]


def with_proof(proof: Proof) -> Header:
    return structs.replace(HEADER, proof=proof)


@pytest.mark.parametrize("proof", PROOFS)
def test_each_proof_reads_back(proof: Proof) -> None:
    header = with_proof(proof)
    assert decode_header(encode(header)) == header


def test_the_id_covers_every_field() -> None:
    changed = {block_id_of(HEADER)}
    for name in Header.__struct_fields__:
        old = getattr(HEADER, name)
        new = old + 1 if isinstance(old, int) else PROOFS[2] if name == "proof" else old + old[:1]
        changed.add(block_id_of(structs.replace(HEADER, **{name: new})))
    assert len(changed) == len(Header.__struct_fields__) + 1


def test_the_id_covers_every_field_of_a_proof() -> None:
    for proof in PROOFS:
        for name in type(proof).__struct_fields__:
            old = getattr(proof, name)
            new = old - 1 if isinstance(old, int) else old + b"x"
            changed = with_proof(structs.replace(proof, **{name: new}))
            assert block_id_of(changed) != block_id_of(with_proof(proof)), (proof, name)
    assert len({block_id_of(with_proof(proof)) for proof in PROOFS}) == len(PROOFS)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (encode(HEADER) + b"\x00", "malformed"),
        (encode(HEADER)[:-1], "malformed"),
        (encode(structs.replace(HEADER, proposer=bytes(HEADER_BYTES_MAX))), "too_large"),
    ],
)
def test_other_bytes_are_no_header(data: bytes, code: str) -> None:
    with pytest.raises(InvalidBlock) as caught:
        decode_header(data)
    assert caught.value.code == code


def test_a_long_form_of_a_number_is_not_canonical() -> None:
    data = encode(HEADER)
    at = data.index(b"\x05\xc4")  # height 5, then the parent
    with pytest.raises(InvalidBlock) as caught:
        decode_header(data[:at] + b"\xcc" + data[at:])
    assert caught.value.code == "not_canonical"


def test_no_seal_has_the_empty_hash() -> None:
    assert seal_hash_of(b"") == EMPTY_HASH
    assert seal_hash_of(b"x") not in (EMPTY_HASH, seal_hash_of(b"y"))
