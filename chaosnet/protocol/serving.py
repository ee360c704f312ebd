"""Answers to nodes that catch up. Bounded in blocks by the request, in bytes here; empty above the head."""

from typing import Protocol

from chaosnet.base.limits import (
    AMOUNT_MAX,
    BODIES_MESSAGE_BYTES_MAX,
    BODIES_PER_MESSAGE_MAX,
    HEADERS_PER_MESSAGE_MAX,
)
from chaosnet.protocol.messages import Bodies, GetBodies, GetHeaders, Headers, SealedHeader


class BlockReader(Protocol):
    """Committed blocks by height: the part of the kernel's ChainReader that is served."""

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        """Return (encoded header, seal) of the canonical block at a height."""
        ...

    def sealed_at(self, height: int) -> bytes | None:
        """Return the encoded SealedBlock at a height; None when unknown or pruned."""
        ...


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
