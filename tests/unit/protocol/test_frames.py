"""Frames come out as they went in, however the stream is cut; nothing oversize is ever held."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid, InvalidMessage
from chaosnet.base.limits import FRAME_BYTES_MAX
from chaosnet.protocol.frames import HEADER_BYTES, Frame, FrameDecoder, encode_frame, encode_header

FRAMES = st.lists(st.tuples(st.integers(0, 2), st.binary(min_size=1, max_size=300)), max_size=30)


def feed_all(decoder: FrameDecoder, chunks: list[bytes]) -> list[Frame]:
    return [frame for chunk in chunks for frame in decoder.feed(chunk)]


def test_layout_is_length_class_payload() -> None:
    assert encode_frame(2, b"abc") == b"\x00\x00\x00\x03\x02abc"


@given(frames=FRAMES, cuts=st.lists(st.integers(0, 10_000), max_size=40))
def test_any_split_gives_the_same_frames(frames: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(encode_frame(*frame) for frame in frames)
    at = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    decoder = FrameDecoder()
    assert feed_all(decoder, [stream[a:b] for a, b in pairwise(at)]) == frames
    assert decoder.held_bytes == 0


@given(frames=FRAMES)
def test_single_bytes_and_empty_chunks(frames: list[Frame]) -> None:
    stream = b"".join(encode_frame(*frame) for frame in frames)
    chunks = [part for byte in stream for part in (b"", bytes([byte]))]
    assert feed_all(FrameDecoder(), chunks) == frames


@given(data=st.binary(max_size=2_000), cut=st.integers(0, 2_000))
def test_noise_is_refused_or_decodes_to_what_encodes_to_it(data: bytes, cut: int) -> None:
    decoder = FrameDecoder(limit=100)
    try:
        frames = feed_all(decoder, [data[:cut], data[cut:]])
    except InvalidMessage as error:
        assert error.code in {"too_large", "malformed"}
        return
    stream = b"".join(encode_frame(*frame) for frame in frames)
    assert data.startswith(stream)
    assert decoder.held_bytes == len(data) - len(stream) < HEADER_BYTES + 100


def test_oversize_is_refused_at_its_header() -> None:
    decoder = FrameDecoder(limit=1000)
    assert decoder.feed(encode_header(1000, 0)) == []
    assert decoder.feed(bytes(1000)) == [(0, bytes(1000))]
    assert decoder.feed(encode_header(1001, 0)[:4]) == []
    with pytest.raises(InvalidMessage, match="too_large"):
        decoder.feed(b"\x00")
    with pytest.raises(InvalidMessage, match="too_large"):
        FrameDecoder().feed(encode_header(FRAME_BYTES_MAX + 1, 0))


@pytest.mark.parametrize("header", [encode_header(0, 0), encode_header(1, 3), encode_header(1, 255)])
def test_empty_frames_and_unknown_classes_are_refused(header: bytes) -> None:
    with pytest.raises(InvalidMessage, match="malformed"):
        FrameDecoder().feed(header)


@pytest.mark.parametrize(
    ("stream_class", "payload", "code"),
    [
        (0, b"", "bad_argument"),
        (3, b"x", "bad_argument"),
        (-1, b"x", "bad_argument"),
        (2, bytes(FRAME_BYTES_MAX + 1), "too_large"),
    ],
)
def test_encode_makes_nothing_that_decode_refuses(stream_class: int, payload: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        encode_frame(stream_class, payload)
    assert caught.value.code == code


def test_large_frame_in_tiny_chunks_is_linear() -> None:
    # Copying what is held at each of the 100,000 chunks would move 400 GB: this would never end.
    size = FRAME_BYTES_MAX
    stream = encode_frame(2, bytes(size)) + encode_frame(0, b"vote") * 10_000
    decoder = FrameDecoder()
    frames = feed_all(decoder, [stream[at : at + 80] for at in range(0, len(stream), 80)])
    assert len(frames[0][1]) == size
    assert frames[1:] == [(0, b"vote")] * 10_000
