"""Every message survives the wire unchanged, and nothing over its bound or in another encoding gets in."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidMessage
from chaosnet.base.limits import (
    ADDRESSES_PER_MESSAGE_MAX,
    BODIES_PER_MESSAGE_MAX,
    FRAME_BYTES_MAX,
    HASHES_PER_MESSAGE_MAX,
    HEADERS_PER_MESSAGE_MAX,
    TXS_MESSAGE_BYTES_MAX,
    TXS_PER_MESSAGE_MAX,
)
from chaosnet.model.evidence import PREVOTE, Proposal, Vote
from chaosnet.protocol import messages as m

H = b"h" * 32
SIG = b"s" * 64
VOTE = Vote(kind=PREVOTE, era=0, height=3, round=1, block_id=H, signer=H, signature=SIG)
PROPOSAL = Proposal(era=0, height=3, round=1, pol_round=-1, block_id=H, signer=H, signature=SIG)
HELLO = m.Hello(
    version=1,
    genesis=H,
    rules=(1,),
    software="chaosnet/1",
    listen_port=1,
    era=0,
    height=9,
    head=H,
    time_ms=5,
)
STATUS = m.Status(
    era=0,
    height=9,
    head=H,
    time_ms=5,
    round=0,
    step="wait",
    has_proposal=True,
    prevotes=b"\x05",
    precommits=b"",
    linked=b"\x01",
)
ADDRESS = m.PeerAddress(node_id=H, host="127.0.0.1", port=1)
SAMPLES: list[m.Message] = [
    HELLO,
    STATUS,
    m.GetPeers(),
    m.Peers(addresses=(ADDRESS, m.PeerAddress(node_id=b"", host="seed.example.org", port=65_535))),
    m.Txs(raws=(b"a", b"")),
    m.TxHashes(hashes=(H,)),
    m.GetTxs(hashes=(H, H)),
    m.Propose(proposal=PROPOSAL, block=b"block"),
    m.Votes(votes=(VOTE, msgspec.structs.replace(VOTE, block_id=b""))),
    m.GetHeaders(first=0, count=HEADERS_PER_MESSAGE_MAX),
    m.Headers(first=1, headers=(m.SealedHeader(header=b"header", seal=b"seal"),)),
    m.GetBodies(first=1, count=BODIES_PER_MESSAGE_MAX),
    m.Bodies(first=1, blocks=(b"block",)),
    m.Goodbye(code="banned"),
    m.NewBlock(block=b"block"),
]


def code_of(payload: bytes) -> str:
    with pytest.raises(InvalidMessage) as caught:
        m.decode_message(payload)
    assert caught.value.penalty == 100
    return caught.value.code


def test_samples_are_of_every_kind() -> None:
    assert {type(message) for message in SAMPLES} == set(m.STREAM_OF)


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_message_survives_the_wire(message: m.Message) -> None:
    assert m.decode_message(m.encode_message(message)) == message


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_trailing_and_missing_bytes_are_refused(message: m.Message) -> None:
    payload = m.encode_message(message)
    assert code_of(payload + b"\x00") == "malformed"
    assert code_of(payload[:-1]) == "malformed"


TOO_MANY: list[m.Message] = [
    m.Txs(raws=(b"",) * (TXS_PER_MESSAGE_MAX + 1)),
    m.TxHashes(hashes=(H,) * (HASHES_PER_MESSAGE_MAX + 1)),
    m.Peers(addresses=(ADDRESS,) * (ADDRESSES_PER_MESSAGE_MAX + 1)),
    m.Votes(votes=(VOTE,) * (m.VOTES_PER_MESSAGE_MAX + 1)),
    m.Headers(first=1, headers=(m.SealedHeader(b"", b""),) * (HEADERS_PER_MESSAGE_MAX + 1)),
    m.Bodies(first=1, blocks=(b"",) * (BODIES_PER_MESSAGE_MAX + 1)),
    msgspec.structs.replace(HELLO, rules=(1,) * 65),
]

OVER_BOUNDS: list[m.Message] = [
    m.Txs(raws=(bytes(TXS_MESSAGE_BYTES_MAX), b"x")),
    m.TxHashes(hashes=(b"short",)),
    m.GetTxs(hashes=(H + b"x",)),
    m.Peers(addresses=(msgspec.structs.replace(ADDRESS, host="x" * 254),)),
    m.Peers(addresses=(msgspec.structs.replace(ADDRESS, host=""),)),
    m.Peers(addresses=(msgspec.structs.replace(ADDRESS, port=0),)),
    m.Peers(addresses=(msgspec.structs.replace(ADDRESS, node_id=b"x"),)),
    m.Votes(votes=(msgspec.structs.replace(VOTE, kind=0),)),
    m.Votes(votes=(msgspec.structs.replace(VOTE, signature=b""),)),
    m.Votes(votes=(msgspec.structs.replace(VOTE, round=-1),)),
    m.Propose(proposal=msgspec.structs.replace(PROPOSAL, pol_round=-2), block=b""),
    m.Propose(proposal=msgspec.structs.replace(PROPOSAL, block_id=b""), block=b""),
    m.GetHeaders(first=-1, count=1),
    m.GetHeaders(first=1, count=0),
    m.GetHeaders(first=1, count=HEADERS_PER_MESSAGE_MAX + 1),
    m.GetBodies(first=1, count=BODIES_PER_MESSAGE_MAX + 1),
    m.Goodbye(code="x" * 65),
    msgspec.structs.replace(HELLO, genesis=b"short"),
    msgspec.structs.replace(HELLO, software="x" * 65),
    msgspec.structs.replace(HELLO, listen_port=65_536),
    msgspec.structs.replace(STATUS, prevotes=bytes(33)),
    msgspec.structs.replace(STATUS, head=b""),
    msgspec.structs.replace(STATUS, step="x" * 17),
]


@pytest.mark.parametrize("message", OVER_BOUNDS, ids=lambda message: type(message).__name__)
def test_what_is_over_a_bound_is_refused(message: m.Message) -> None:
    assert code_of(m.encode_message(message)) == "too_large"


@pytest.mark.parametrize("message", TOO_MANY, ids=lambda message: type(message).__name__)
def test_too_many_items_are_refused_while_they_are_read(message: m.Message) -> None:
    assert code_of(m.encode_message(message)) == "malformed"


def test_frame_bound_holds_before_decoding() -> None:
    assert code_of(bytes(FRAME_BYTES_MAX + 1)) == "too_large"


def test_second_encoding_of_the_same_message_is_refused() -> None:
    payload = m.encode_message(m.GetHeaders(first=1, count=2))
    assert payload.endswith(b"\x01\x02")
    assert code_of(payload[:-2] + b"\xcc\x01\x02") == "not_canonical"


def test_unknown_kind_is_malformed() -> None:
    assert code_of(encode([99])) == "malformed"
    assert code_of(encode([1])) == "malformed"
    assert code_of(b"") == "malformed"


@given(st.binary(max_size=200))
def test_noise_decodes_or_is_refused_as_such(noise: bytes) -> None:
    try:
        message = m.decode_message(noise)
    except InvalidMessage as error:
        assert error.code in ("malformed", "not_canonical", "too_large")
    else:
        assert m.encode_message(message) == noise
