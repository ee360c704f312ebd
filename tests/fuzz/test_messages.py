"""Wire messages: only InvalidMessage comes out, inside every bound, for little memory."""

import pytest
from hypothesis import strategies as st

from chaosnet.base.errors import InvalidMessage
from chaosnet.base.limits import FRAME_BYTES_MAX
from chaosnet.protocol.messages import (
    STREAM_OF,
    Bodies,
    GetTxs,
    Goodbye,
    Headers,
    Hello,
    Message,
    Peers,
    Propose,
    Status,
    TxHashes,
    Txs,
    Votes,
    decode_message,
    encode_message,
)
from chaosnet.protocol.rates import LIMITS, items_of
from tests.fuzz.hostile import MIB, both_lengths, fuzz, hostile_bytes, memory_bound, mutated, values_of

KINDS: list[type] = list(STREAM_OF)


def refusal(payload: bytes) -> str:
    """Return the code a payload is refused with; empty: it was taken."""
    try:
        message = decode_message(payload)
    except InvalidMessage as error:
        assert error.penalty > 0
        return error.code
    assert encode_message(message) == payload
    assert items_of(message) >= 1
    return ""


def test_every_kind_has_a_stream_class_and_a_rate() -> None:
    assert set(STREAM_OF) == set(LIMITS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@both_lengths
def test_any_payload(kind: type, examples: int) -> None:
    codes = ("", "malformed", "not_canonical", "too_large")

    def check(payload: bytes) -> None:
        assert refusal(payload) in codes

    fuzz(check, hostile_bytes(kind), examples)


@both_lengths
def test_a_message_under_another_tag(examples: int) -> None:
    def check(given: tuple[Message, int]) -> None:
        message, tag = given
        payload = bytearray(encode_message(message))
        payload[1] = tag
        refusal(bytes(payload))

    fuzz(check, st.tuples(st.one_of(*map(values_of, KINDS)), st.integers(0, 20)), examples)


@both_lengths
def test_messages_as_honest_nodes_send_them_with_faults(examples: int) -> None:
    honest: list[Message] = [
        Hello(1, bytes(32), (1,), "chaosnet/1", 26_700, 0, 7, bytes(32), 1_700_000_000_000),
        Status(0, 7, bytes(32), 1_700_000_000_000, 0, "prevote", True, b"\x0f", b"", b"\x07"),
        GetTxs((bytes(32), b"\xff" * 32)),
    ]
    payloads = st.sampled_from([encode_message(message) for message in honest])
    assert not any(refusal(encode_message(message)) for message in honest)
    fuzz(refusal, mutated(payloads), examples)


def bomb(kind: type, size: int, item: bytes) -> bytes:
    """Return a payload of a kind whose first list has as many items as fit."""
    tag: int = kind.__struct_config__.tag  # type: ignore[attr-defined]
    before = b"\x00" if kind in (Headers, Bodies) else b""
    count = (size - 10) // len(item)
    fields = 2 + len(before)
    return bytes((0x90 + fields, tag)) + before + b"\xdd" + count.to_bytes(4, "big") + item * count


ITEMS = {
    Txs: b"\xc4\x02ab",
    TxHashes: b"\xc4\x02ab",
    GetTxs: b"\xc4\x00",
    Peers: b"\x93\xc4\x00\xa0\x00",
    Votes: b"\x98\x01\x01\x00\x00\x00\xc4\x00\xc4\x00\xc4\x00",
    Headers: b"\x92\xc4\x00\xc4\x00",
    Bodies: b"\xc4\x02ab",
}


@pytest.mark.parametrize(("kind", "item"), ITEMS.items(), ids=lambda part: getattr(part, "__name__", ""))
@pytest.mark.parametrize(("size", "limit"), [(128 * 1024, MIB), (FRAME_BYTES_MAX, 2 * MIB)])
def test_a_message_of_nothing_but_items_stays_small(kind: type, item: bytes, size: int, limit: int) -> None:
    payload = bomb(kind, size, item)
    with memory_bound(limit):
        assert refusal(payload) == "malformed"


@pytest.mark.parametrize("kind", [Hello, Status, Goodbye, Propose], ids=lambda kind: kind.__name__)
def test_a_long_text_or_number_of_bytes_is_no_message(kind: type) -> None:
    tag: int = kind.__struct_config__.tag  # type: ignore[attr-defined]
    payload = bytes((0x91, tag)) + b"\xdb" + (4 * MIB).to_bytes(4, "big") + b"a" * 4 * MIB
    with memory_bound(2 * MIB if kind is not Propose else 20 * MIB):
        assert refusal(payload) in ("malformed", "too_large")
