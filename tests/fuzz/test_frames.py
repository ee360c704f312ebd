"""The byte stream of a hostile peer: whatever it sends in whatever pieces, bounded in time and memory."""

import itertools

from hypothesis import strategies as st

from chaosnet.base.errors import InvalidMessage
from chaosnet.base.limits import FRAME_BYTES_MAX
from chaosnet.protocol.frames import HEADER_BYTES, Frame, FrameDecoder, encode_frame
from tests.fuzz.hostile import MIB, both_lengths, fuzz, memory_bound

FRAMES = st.lists(st.tuples(st.integers(0, 2), st.binary(min_size=1, max_size=40)), max_size=6)
CUTS = st.lists(st.integers(0, 300), max_size=12)


def fed(data: bytes, cuts: list[int], limit: int = FRAME_BYTES_MAX) -> tuple[list[Frame], str]:
    """Feed a stream in pieces; return its frames and the code it was ended with."""
    decoder = FrameDecoder(limit)
    frames: list[Frame] = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for begin, end in itertools.pairwise(edges):
        try:
            frames += decoder.feed(data[begin:end])
        except InvalidMessage as error:
            return frames, error.code
        assert decoder.held_bytes <= limit + HEADER_BYTES
    return frames, ""


@both_lengths
def test_any_stream_gives_frames_or_is_refused(examples: int) -> None:
    def check(given: tuple[bytes, list[int]]) -> None:
        data, cuts = given
        frames, code = fed(data, cuts, 64)
        assert code in ("", "too_large", "malformed")
        assert all(0 < len(payload) <= 64 and stream < 3 for stream, payload in frames)
        assert data.startswith(b"".join(encode_frame(*frame) for frame in frames))

    tiny = st.builds(lambda a, b: a.to_bytes(4, "big") + b, st.integers(0, 70), st.binary(max_size=80))
    streams = st.one_of(st.binary(max_size=300), st.lists(tiny, max_size=5).map(b"".join))
    fuzz(check, st.tuples(streams, CUTS), examples)


@both_lengths
def test_pieces_do_not_matter(examples: int) -> None:
    def check(given: tuple[list[Frame], bytes, list[int]]) -> None:
        frames, rest, cuts = given
        data = b"".join(encode_frame(*frame) for frame in frames) + rest
        whole, code = fed(data, [])
        pieces, piece_code = fed(data, cuts)
        assert piece_code == code
        # A fault in the last piece hides the frames before it in that piece.
        assert whole == pieces or (code and frames[: len(pieces)] == pieces)

    fuzz(check, st.tuples(FRAMES, st.binary(max_size=9), CUTS), examples)


def test_a_claimed_length_costs_nothing_until_the_bytes_come() -> None:
    decoders = [FrameDecoder() for _ in range(128)]
    with memory_bound(MIB):
        for decoder in decoders:
            assert decoder.feed(FRAME_BYTES_MAX.to_bytes(4, "big") + b"\x02") == []


def test_a_frame_in_single_bytes_takes_linear_time_and_its_own_size() -> None:
    payload = bytes(200_000)
    decoder = FrameDecoder()
    frames: list[Frame] = []
    with memory_bound(4 * len(payload)):
        for byte in encode_frame(1, payload):
            frames += decoder.feed(bytes((byte,)))
    assert frames == [(1, payload)]
