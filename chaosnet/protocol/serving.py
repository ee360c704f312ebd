"""Answers to nodes that catch up. Bounded in blocks by the request, in bytes here; empty above the head.

Reading a block from disk and packing it takes a quarter of a millisecond, which a request of ten bytes asks
for 64 times. So what all peers together are given in a second is bounded, or a few strangers could keep a
validator from its votes. Who gets no answer asks somebody else.
"""

from typing import Final, Protocol

from chaosnet.base.limits import (
    AMOUNT_MAX,
    BODIES_MESSAGE_BYTES_MAX,
    BODIES_PER_MESSAGE_MAX,
    HEADERS_PER_MESSAGE_MAX,
)
from chaosnet.protocol.messages import Bodies, GetBodies, GetHeaders, Headers, SealedHeader
from chaosnet.protocol.rates import MIB, Bucket

HEADERS_PER_S: Final = 5_000
BLOCKS_PER_S: Final = 1_500
"""At a quarter of a millisecond each, two fifths of a core."""
BYTES_PER_S: Final = 32 * MIB
"""Half of what may wait for one peer (limits.py): who asks for too much is banned before its link breaks."""


class BlockReader(Protocol):
    """Committed blocks by height: the part of the kernel's ChainReader that is served."""

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        """Return (encoded header, seal) of the canonical block at a height."""
        ...

    def sealed_at(self, height: int) -> bytes | None:
        """Return the encoded SealedBlock at a height; None when unknown or pruned."""
        ...


class BlockServer:
    """Answers requests within a budget that all peers share; a second's worth may go at once."""

    def __init__(self) -> None:
        self._headers = Bucket(60 * HEADERS_PER_S, HEADERS_PER_S, 0)
        self._blocks = Bucket(60 * BLOCKS_PER_S, BLOCKS_PER_S, 0)
        self._bytes = Bucket(60 * BYTES_PER_S, BYTES_PER_S, 0)

    def answer(
        self, request: GetHeaders | GetBodies, reader: BlockReader, now: int
    ) -> Headers | Bodies | None:
        """Return the answer; None while the budget is used up."""
        items = self._headers if isinstance(request, GetHeaders) else self._blocks
        if not (items.has_room(1, now) and self._bytes.has_room(1, now)):
            return None
        if isinstance(request, GetHeaders):
            headers = serve_headers(request, reader)
            items.spend(len(headers.headers) or 1)
            self._bytes.spend(sum(len(h.header) + len(h.seal) for h in headers.headers))
            return headers
        bodies = serve_bodies(request, reader)
        items.spend(len(bodies.blocks) or 1)
        self._bytes.spend(sum(map(len, bodies.blocks)))
        return bodies


def serve_headers(request: GetHeaders, reader: BlockReader) -> Headers:
    """Return the canonical headers asked for, as far as they exist and fit."""
    headers: list[SealedHeader] = []
    room = BODIES_MESSAGE_BYTES_MAX
    for height in _heights(request.first, min(request.count, HEADERS_PER_MESSAGE_MAX)):
        found = reader.header_at(height)
        if found is None:
            break
        header, seal = found
        room -= len(header) + len(seal)
        if headers and room < 0:
            break
        headers.append(SealedHeader(header=header, seal=seal))
    return Headers(first=request.first, headers=tuple(headers))


def serve_bodies(request: GetBodies, reader: BlockReader) -> Bodies:
    """Return the canonical blocks asked for, as far as they are kept and fit; one fits in any case."""
    blocks: list[bytes] = []
    room = BODIES_MESSAGE_BYTES_MAX
    for height in _heights(request.first, min(request.count, BODIES_PER_MESSAGE_MAX)):
        block = reader.sealed_at(height)
        if block is None:
            break
        room -= len(block)
        if blocks and room < 0:
            break
        blocks.append(block)
    return Bodies(first=request.first, blocks=tuple(blocks))


def _heights(first: int, count: int) -> range:
    """Return the heights asked for that a store can be asked about."""
    return range(max(0, first), min(first + count, AMOUNT_MAX))
