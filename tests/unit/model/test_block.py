"""A header commits to its body, its parent's seal and the validator sets."""

import msgspec
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidBlock
from chaosnet.base.limits import BLOCK_TXS_MAX, VALIDATORS_MAX
from chaosnet.base.units import EMPTY_HASH
from chaosnet.model.block import (
    Block,
    SealedBlock,
    Validator,
    ValidatorSet,
    decode_block,
    decode_sealed,
    decode_validators,
    tx_root_of,
    validators_hash_of,
)
from chaosnet.model.header import (
    GenesisProof,
    Header,
    QuorumProof,
    block_id_of,
    decode_header,
    seal_hash_of,
)

TXS = (b"one", b"two", b"three")
HEADER = Header(
    version=1,
    genesis=b"g" * 32,
    era=0,
    height=7,
    parent=b"p" * 32,
    time_ms=1_000,
    proposer=bytes(33),
    rule=1,
    engine="pbft",
    tx_root=tx_root_of(TXS),
    tx_count=3,
    state_root=b"s" * 32,
    receipts_root=b"r" * 32,
    validators_hash=b"v" * 32,
    next_validators_hash=b"n" * 32,
    parent_seal_hash=seal_hash_of(b"seal"),
    gas_used=30,
    proof=QuorumProof(round=0),
)
BLOCK = Block(HEADER, b"seal", TXS)


def validators(count: int) -> ValidatorSet:
    return ValidatorSet(
        tuple(Validator(bytes(31) + i.to_bytes(2, "big"), bytes(32), 1) for i in range(count))
    )


def refused(block: Block) -> str:
    with pytest.raises(InvalidBlock) as caught:
        decode_block(encode(block))
    return caught.value.code


def test_round_trips() -> None:
    assert decode_header(encode(HEADER)) == HEADER
    assert decode_block(encode(BLOCK)) == BLOCK
    sealed = SealedBlock(BLOCK, b"certificate")
    assert decode_sealed(encode(sealed)) == sealed


def test_id_covers_every_field() -> None:
    changed: dict[str, object] = {
        name: value + 1 if isinstance(value, int) else value + b"x"
        for name, value in msgspec.structs.asdict(HEADER).items()
        if isinstance(value, int | bytes)
    }
    changed |= {"engine": "pow", "proof": QuorumProof(round=1)}
    assert set(changed) == set(Header.__struct_fields__)
    ids = {block_id_of(msgspec.structs.replace(HEADER, **{k: v})) for k, v in changed.items()}
    ids.add(block_id_of(msgspec.structs.replace(HEADER, proof=GenesisProof())))
    assert len(ids | {block_id_of(HEADER)}) == len(changed) + 2


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (Block(HEADER, b"seal", TXS[:2]), "bad_header"),
        (Block(HEADER, b"seal", (*TXS[:2], b"four")), "bad_root"),
        (Block(HEADER, b"seal", TXS[::-1]), "bad_root"),
        (Block(HEADER, b"other", TXS), "bad_header"),
        (Block(HEADER, b"", TXS), "bad_header"),
        (Block(HEADER, b"seal", (b"",) * (BLOCK_TXS_MAX + 1)), "too_large"),
    ],
)
def test_another_body_than_the_header_names_is_refused(block: Block, code: str) -> None:
    assert refused(block) == code


def test_sealed_blocks_have_their_body_checked_too() -> None:
    with pytest.raises(InvalidBlock):
        decode_sealed(encode(SealedBlock(Block(HEADER, b"seal", TXS[:2]), b"certificate")))


def test_no_seal_has_the_empty_hash() -> None:
    assert seal_hash_of(b"") == EMPTY_HASH
    assert seal_hash_of(b"\x00") != EMPTY_HASH


def test_garbage_is_an_invalid_block() -> None:
    for data in (b"", b"\xc0", encode(HEADER)[:-1]):
        with pytest.raises(InvalidBlock):
            decode_header(data)


def test_validator_sets_are_bounded_and_hashed_whole() -> None:
    largest = validators(VALIDATORS_MAX)
    assert decode_validators(encode(largest)) == largest
    for count in (0, VALIDATORS_MAX + 1):
        with pytest.raises(InvalidBlock, match="too_large"):
            decode_validators(encode(validators(count)))
    assert validators_hash_of(validators(3)) != validators_hash_of(validators(4))
    assert validators(3).total == 3


def test_keys_are_found_by_position() -> None:
    some = ValidatorSet((Validator(bytes(33), b"a" * 32, 1), Validator(bytes(33), b"b" * 32, 1)))
    assert [some.index_of_key(key) for key in (b"a" * 32, b"b" * 32, b"c" * 32)] == [0, 1, -1]
