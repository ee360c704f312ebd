"""Reads request bodies within bounds: of each, of all together, and of time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.base.limits import REQUEST_BYTES_MAX

BODIES_BYTES_MAX: Final = 8 * REQUEST_BYTES_MAX
"""All bodies that are being read or worked on."""
BODY_MS_MAX: Final = 30_000
"""A body must have come within this time."""


class Bodies:
    """The bodies of one app's requests."""

    def __init__(self) -> None:
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._held

    @asynccontextmanager
    async def read(self, request: Request, bytes_max: int = REQUEST_BYTES_MAX) -> AsyncIterator[bytes]:
        """Yield the whole body; its bytes count as held until the block ends.

        Raises Invalid(`malformed` | `too_large`) and Unavailable(`overloaded` | `timeout`).
        """
        # Any other type would let a web page post here without asking the browser's leave first.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Invalid("malformed", "the content type must be application/json")
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > bytes_max:
            raise _too_large(bytes_max)
        body = Body(bytes_max)
        try:
            try:
                async with asyncio.timeout(BODY_MS_MAX / 1000):
                    await self._take(request, body)
            except TimeoutError as error:
                raise Unavailable("timeout", "the request body did not come in time") from error
            yield b"".join(body.chunks)
        finally:
            self._held -= body.size

    async def _take(self, request: Request, body: "Body") -> None:
        async for chunk in request.stream():
            body.size += len(chunk)
            self._held += len(chunk)
            if body.size > body.bytes_max:
                raise _too_large(body.bytes_max)
            if self._held > BODIES_BYTES_MAX:
                raise Unavailable("overloaded", "too many large requests at once")
            body.chunks.append(chunk)


@dataclass(slots=True)
class Body:
    """What has come of one body."""

    bytes_max: int
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0


def _too_large(bytes_max: int) -> Invalid:
    return Invalid("too_large", f"over {bytes_max} bytes")
