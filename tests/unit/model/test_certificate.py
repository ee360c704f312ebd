"""What seals a block, and what does not."""

from dataclasses import dataclass

import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidBlock
from chaosnet.base.units import EMPTY_HASH
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.block import (
    Certificate,
    Validator,
    ValidatorSet,
    validators_hash_of,
)
from chaosnet.model.certificate import check_sealed, is_quorum
from chaosnet.model.evidence import PRECOMMIT, PREVOTE, vote_digest_of
from chaosnet.model.header import Header, QuorumProof, block_id_of

GENESIS = b"g" * 32
SEEDS = tuple(bytes([i]) * 32 for i in range(1, 5))


@dataclass
class Sealed:
    """A header of four validators with these weights, and the means to sign it."""

    weights: tuple[int, ...] = (1, 1, 1, 1)

    def __post_init__(self) -> None:
        pairs = zip(SEEDS, self.weights, strict=True)
        self.validators = ValidatorSet(
            tuple(Validator(bytes([0, i]) * 16 + b".", public_key_of(s), w) for i, (s, w) in enumerate(pairs))
        )
        self.header = Header(
            version=1,
            genesis=GENESIS,
            era=0,
            height=7,
            parent=b"p" * 32,
            time_ms=1,
            proposer=bytes(33),
            rule=1,
            engine="pbft",
            tx_root=EMPTY_HASH,
            tx_count=0,
            state_root=EMPTY_HASH,
            receipts_root=EMPTY_HASH,
            validators_hash=validators_hash_of(self.validators),
            next_validators_hash=EMPTY_HASH,
            parent_seal_hash=EMPTY_HASH,
            gas_used=0,
            proof=QuorumProof(0),
        )

    def seal(self, *signers: int, kind: int = PRECOMMIT, genesis: bytes = GENESIS, round_: int = 0) -> bytes:
        block_id = block_id_of(self.header)
        digest = vote_digest_of(genesis, kind, 0, 7, round_, block_id)
        signatures = tuple(sign(SEEDS[i], digest) for i in signers)
        return encode(Certificate(0, 7, 0, block_id, signers, signatures))

    def check(self, seal: bytes) -> None:
        check_sealed(self.header, seal, self.validators)


def refused(sealed: Sealed, seal: bytes) -> str:
    with pytest.raises(InvalidBlock) as caught:
        sealed.check(seal)
    return caught.value.code


@pytest.mark.parametrize("signers", [(0, 1, 2), (1, 2, 3), (0, 1, 2, 3)])
def test_three_of_four_seal(signers: tuple[int, ...]) -> None:
    sealed = Sealed()
    sealed.check(sealed.seal(*signers))


@pytest.mark.parametrize("signers", [(), (0,), (0, 1), (0, 1, 1), (2, 1, 0), (0, 0, 1, 2)])
def test_too_few_repeated_or_unordered_signers_do_not_seal(signers: tuple[int, ...]) -> None:
    sealed = Sealed()
    assert refused(sealed, sealed.seal(*signers)) == "bad_seal"


def test_weight_counts_and_not_heads() -> None:
    sealed = Sealed(weights=(5, 1, 1, 1))
    assert refused(sealed, sealed.seal(1, 2, 3)) == "bad_seal"
    sealed.check(sealed.seal(0, 1))


def test_exactly_two_thirds_are_not_enough() -> None:
    assert not is_quorum(2, 3)
    assert not is_quorum(6, 9)
    assert is_quorum(7, 9)
    assert is_quorum(1, 1)
    assert not is_quorum(0, 0)


def test_signatures_over_something_else_do_not_seal() -> None:
    sealed = Sealed()
    assert refused(sealed, sealed.seal(0, 1, 2, kind=PREVOTE)) == "bad_seal"
    assert refused(sealed, sealed.seal(0, 1, 2, genesis=b"h" * 32)) == "bad_seal"
    assert refused(sealed, sealed.seal(0, 1, 2, round_=1)) == "bad_seal"


def test_one_bad_signature_spoils_the_certificate_even_above_the_quorum() -> None:
    sealed = Sealed()
    good = Certificate(0, 7, 0, block_id_of(sealed.header), (0, 1, 2, 3), (bytes(64),) * 4)
    assert refused(sealed, encode(good)) == "bad_seal"


def test_signer_out_of_range_or_without_signature_is_refused() -> None:
    sealed = Sealed()
    block_id = block_id_of(sealed.header)
    for signers, signatures in (((0, 1, 4), 3), ((-1, 0, 1), 3), ((0, 1, 2), 2), ((0, 1, 2), 4)):
        seal = encode(Certificate(0, 7, 0, block_id, signers, (bytes(64),) * signatures))
        assert refused(sealed, seal) == "bad_seal"


@pytest.mark.parametrize(
    "about", [{"era": 1}, {"height": 8}, {"block_id": b"x" * 32}], ids=["era", "height", "block"]
)
def test_certificate_of_another_block_is_refused(about: dict[str, object]) -> None:
    sealed = Sealed()
    fields = {"era": 0, "height": 7, "block_id": block_id_of(sealed.header)} | about
    seal = encode([1, fields["era"], fields["height"], 0, fields["block_id"], [], []])
    assert refused(sealed, seal) == "bad_seal"


def test_another_set_than_the_header_names_is_refused() -> None:
    sealed = Sealed()
    other = ValidatorSet(sealed.validators.validators[:3])
    with pytest.raises(InvalidBlock, match="bad_header"):
        check_sealed(sealed.header, sealed.seal(0, 1, 2), other)


def test_seal_that_is_no_certificate_is_refused() -> None:
    sealed = Sealed()
    assert refused(sealed, b"") == "malformed"
    assert refused(sealed, sealed.seal(0, 1, 2) + b"\x00") == "malformed"
