"""Server-sent events on the wire: encoding and parsing (WHATWG HTML, section 9.2, Server-sent events)."""

from typing import Final

import msgspec

from chaosnet.base.errors import Invalid

EVENT_BYTES_MAX: Final = 16 * 1024 * 1024
"""Bytes of one event that the parser holds."""


class Event(msgspec.Struct, frozen=True):
    """One event as a reader gets it."""

    name: str
    data: bytes
    id: str
    """Last event id seen, this event's included; empty: none yet."""


def encode_event(id: int, name: str, data: bytes) -> bytes:
    """Return one event; `data` is JSON without line breaks."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (id, name.encode(), data)


def encode_start(id: int, retry_ms: int) -> bytes:
    """Return the first bytes of a stream: the reader's pause before it reconnects, and where it stands.

    An id without data makes no event, but a reader that is cut off before the first one resumes from there.
    """
    return b"retry: %d\nid: %d\n\n" % (retry_ms, id)


def encode_heartbeat(id: int) -> bytes:
    """Return what keeps readers and proxies from giving a silent connection up: a comment.

    The id moves a reader on that filters, past the events it does not want.
    """
    return b":\nid: %d\n\n" % id


class Parser:
    """Turns the bytes of a stream into events, whatever way they are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0
        self._id = ""
        self.last_id = ""
        """Of the latest event that came whole: what to resume from."""
        self.retry_ms: int | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises Invalid(`too_large`)."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        head, *lines = chunk.split(b"\n")
        if not lines:
            self._rest += head
            self._check_size(len(self._rest))
            return []
        lines.insert(0, self._rest + head)
        self._rest = lines.pop()
        events = [event for line in lines if (event := self._line(line)) is not None]
        self._check_size(len(self._rest))
        return events

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"data":
                self._data.append(value)
                self._size += len(value)
                self._check_size(0)
            case b"event":
                self._name = value.decode("utf-8", "replace")
            case b"id" if b"\x00" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit() and len(value) < 10:
                self.retry_ms = int(value)
        return None

    def _dispatch(self) -> Event | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = "", [], 0
        self.last_id = self._id
        return Event(name or "message", b"\n".join(data), self.last_id) if data else None

    def _check_size(self, more: int) -> None:
        if self._size + more > EVENT_BYTES_MAX:
            raise Invalid("too_large", "event of the stream")
