"""Splits a connection's byte stream into frames; says nothing about what a frame means.

A frame is the payload's length (4 bytes, big-endian), the stream class (1 byte: 0 votes and control, 1
transactions, 2 sync) and the payload. An empty payload, an unknown class or a length over the bound ends the
connection as soon as the five header bytes are there: nothing is held for a frame that will be refused.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final

from chaosnet.base.errors import Invalid, InvalidMessage
from chaosnet.base.limits import FRAME_BYTES_MAX

STREAM_CLASSES: Final = 3
"""Stream classes 0, 1 and 2, the most urgent first (protocol/messages.py names them)."""
HEADER_BYTES: Final = 5

Frame = tuple[int, bytes]
"""Stream class and payload."""

_header = Struct(">IB")
encode_header: Final[Callable[[int, int], bytes]] = _header.pack
"""Return the five bytes before a payload, from its length in bytes and its stream class; unchecked."""


def check_frame(stream_class: int, payload: bytes) -> None:
    """Raise Invalid(`bad_argument` | `too_large`) unless the receiver will accept the frame."""
    if not 0 <= stream_class < STREAM_CLASSES:
        raise Invalid("bad_argument", f"stream class {stream_class}")
    if not payload:
        raise Invalid("bad_argument", "empty frame")
    if len(payload) > FRAME_BYTES_MAX:
        raise Invalid("too_large", f"frame of {len(payload)} bytes, at most {FRAME_BYTES_MAX}")


def encode_frame(stream_class: int, payload: bytes) -> bytes:
    """Return the frame's bytes; raise Invalid(`bad_argument` | `too_large`)."""
    check_frame(stream_class, payload)
    return encode_header(len(payload), stream_class) + payload


class FrameDecoder:
    """Turns chunks of one stream into frames, in time linear in the bytes fed.

    Useless after it has raised: the stream has no later point from which it could be read again.
    """

    __slots__ = ("_held", "_limit", "_wanted")

    def __init__(self, limit: int = FRAME_BYTES_MAX) -> None:
        self._limit = limit
        self._held = bytearray()
        # Bytes to gather before looking again: each held byte is looked at once, however small the chunks.
        self._wanted = HEADER_BYTES

    @property
    def held_bytes(self) -> int:
        """Bytes of an unfinished frame."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes; raise InvalidMessage(`too_large` | `malformed`)."""
        if self._held:
            self._held += data
            if len(self._held) < self._wanted:
                return []
            data = bytes(self._held)
            self._held = bytearray()
        frames: list[Frame] = []
        begin, end = 0, len(data)
        while end - begin >= HEADER_BYTES:
            size, stream_class = _header.unpack_from(data, begin)
            if size > self._limit:
                raise InvalidMessage("too_large", f"frame of {size} bytes, at most {self._limit}")
            if not size or stream_class >= STREAM_CLASSES:
                raise InvalidMessage("malformed", f"frame of {size} bytes in class {stream_class}")
            after = begin + HEADER_BYTES + size
            if after > end:
                self._wanted = after - begin
                break
            frames.append((stream_class, data[begin + HEADER_BYTES : after]))
            begin = after
        else:
            self._wanted = HEADER_BYTES
        if begin < end:
            self._held += data[begin:] if begin else data
        return frames
