"""Canonical bytes of every struct that is hashed, sent or stored: an Invalid, or exactly what was encoded."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

import chaosnet.protocol.messages
import chaosnet.protocol.peers  # noqa: F401 - its records count
from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.errors import Invalid
from chaosnet.consensus.signstate import JournalEntry, JournalHead, SignState
from chaosnet.ledger.accounts import Account
from chaosnet.model.block import (
    Block,
    Certificate,
    SealedBlock,
    ValidatorSet,
    decode_block,
    decode_certificate,
    decode_sealed,
    decode_validators,
)
from chaosnet.model.evidence import DuplicateProposal, DuplicateVote, check_evidence
from chaosnet.model.genesis import Genesis, decode_genesis, genesis_hash_of
from chaosnet.model.header import Header, decode_header
from chaosnet.model.transaction import Transaction, decode_transaction
from tests.fuzz.hostile import MIB, both_lengths, fuzz, hostile_bytes, memory_bound, mutated, values_of
from tests.making import Person, network, transfer


def records(base: type[Record] = Record) -> list[type[Record]]:
    """Return every struct of the product that derives from Record."""
    found = []
    for kind in base.__subclasses__():
        if kind.__module__.startswith("chaosnet."):
            found += [kind, *records(kind)]
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


ALL = records()
DECODERS: list[tuple[Any, Callable[[bytes], object]]] = [
    (Transaction, decode_transaction),
    (Header, decode_header),
    (Block, decode_block),
    (SealedBlock, decode_sealed),
    (Certificate, decode_certificate),
    (ValidatorSet, decode_validators),
    (Genesis, decode_genesis),
]
ADA, BOB = Person("ada"), Person("bob", keys=3, threshold=2)
GENESIS = network([(ADA, 1_000, None)], [ADA])
REAL_TRANSACTIONS = [
    transfer(GENESIS, ADA, 0, BOB.address, 5).raw,
    transfer(GENESIS, BOB, 3, ADA.address, 1, memo="three keys").raw,
]


def refusal(decode: Callable[[bytes], object], data: bytes) -> str:
    """Return the code of a refusal; empty: accepted. Anything but Invalid passes through."""
    try:
        decode(data)
    except Invalid as error:
        return error.code
    return ""


def test_all_records_are_tried() -> None:
    assert {Transaction, Header, SignState, JournalHead, JournalEntry, Account} <= set(ALL)
    assert len(ALL) > 40


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
@both_lengths
def test_one_value_has_one_encoding(kind: type[Record], examples: int) -> None:
    decoder: Decoder[Record] = Decoder(kind, MIB)

    def check(data: bytes) -> None:
        try:
            value = decoder.decode(data)
        except Invalid as error:
            assert error.code in ("malformed", "not_canonical", "too_large")
        else:
            assert type(value) is kind
            assert encode(value) == data

    fuzz(check, hostile_bytes(kind), examples // 4)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_values_come_back_as_they_were(kind: type[Record]) -> None:
    decoder: Decoder[Record] = Decoder(kind, MIB)

    def check(value: Record) -> None:
        assert decoder.decode(encode(value)) == value

    fuzz(check, values_of(kind), 20)


@pytest.mark.parametrize(("kind", "decode"), DECODERS, ids=lambda part: getattr(part, "__name__", ""))
@both_lengths
def test_whatever_is_decoded_is_refused_or_right(
    kind: type[Record], decode: Callable[[bytes], object], examples: int
) -> None:
    fuzz(lambda data: refusal(decode, data), hostile_bytes(kind), examples)


@both_lengths
def test_real_transactions_with_faults(examples: int) -> None:
    originals = st.sampled_from(REAL_TRANSACTIONS)

    def check(data: bytes) -> None:
        if not refusal(decode_transaction, data):
            signed = decode_transaction(data)
            assert encode(signed.tx) == data
            for key, _, signature in signed.signature_checks():
                assert (len(key), len(signature)) == (32, 64)

    fuzz(check, st.one_of(originals, mutated(originals)), examples)


@both_lengths
def test_evidence_of_any_content_is_judged(examples: int) -> None:
    genesis = genesis_hash_of(GENESIS)

    def check(evidence: DuplicateVote | DuplicateProposal) -> None:
        assert refusal(lambda _: check_evidence(genesis, evidence), b"") == "bad_evidence"

    fuzz(check, values_of(DuplicateVote | DuplicateProposal), examples)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_claims_of_great_length_and_depth_cost_nothing(kind: type[Record]) -> None:
    decoder: Decoder[Record] = Decoder(kind, 8 * MIB)
    tag = getattr(kind.__struct_config__, "tag", None)
    opening = b"\x9f" + (bytes((tag,)) if tag is not None else b"")
    bombs = [
        prefix + bomb
        for prefix in (b"", opening, encode(bytes(20))[:1], b"\xdc\x00\x10" + opening[1:])
        for bomb in (
            b"\xdd\xff\xff\xff\xff",
            b"\xdd\x7f\xff\xff\xff" * 1_000,
            b"\xc6\xff\xff\xff\xff" + bytes(64),
            b"\xdf\xff\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff\x01",
            b"\x91" * 100_000,
            b"\x81\x00" * 50_000,
        )
    ]
    with memory_bound(8 * MIB):
        for bomb in bombs:
            assert refusal(decoder.decode, bomb) == "malformed"
    assert sys.getrecursionlimit() <= 10_000


def test_what_64_kib_can_make_the_decoder_allocate() -> None:
    size = 64 * 1024
    items = [b"\xc4\x00", b"\xc4\x02ab", b"\x92\xc4\x00\x00", b"\xc0", b"\x90"]
    for kind, _ in DECODERS:
        decoder: Decoder[Record] = Decoder(kind, size)
        fields = len(kind.__struct_fields__)
        for item in items:
            for place in range(fields):
                count = (size - 200) // len(item)
                array = b"\xdd" + count.to_bytes(4, "big") + item * count
                parts = [b"\xc4\x00"] * fields
                parts[place] = array
                data = bytes((0x91 + fields, 1)) + b"".join(parts)
                with memory_bound(16 * MIB):
                    assert refusal(decoder.decode, data)
