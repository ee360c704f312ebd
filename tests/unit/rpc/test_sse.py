"""The wire format of server-sent events, as the WHATWG text has it."""

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.rpc import sse
from chaosnet.rpc.sse import Event, Parser, encode_event, encode_heartbeat, encode_start


def parse(*chunks: bytes) -> list[Event]:
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def test_what_is_encoded_is_parsed() -> None:
    stream = encode_start(7, 1500) + encode_event(8, "block", b'{"a":1}') + encode_heartbeat(9)
    parser = Parser()
    assert parser.feed(stream) == [Event("block", b'{"a":1}', "8")]
    assert (parser.last_id, parser.retry_ms) == ("9", 1500)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_stream_may_be_cut_anywhere(end: bytes) -> None:
    stream = encode_event(1, "block", b"{}") + b": comment\n\n" + encode_event(2, "final", b"[1,2]")
    stream = stream.replace(b"\n", end) + b"x"
    wanted = [Event("block", b"{}", "1"), Event("final", b"[1,2]", "2")]
    assert parse(stream) == wanted
    assert parse(*(stream[i : i + 1] for i in range(len(stream)))) == wanted
    for cut in range(len(stream)):
        assert parse(stream[:cut], stream[cut:]) == wanted
        assert parse(stream[:cut], b"", stream[cut:]) == wanted


def test_examples_of_the_specification() -> None:
    assert parse(b"data: YHOO\ndata: +2\ndata: 10\n\n") == [Event("message", b"YHOO\n+2\n10", "")]
    assert parse(
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
    ) == [
        Event("message", b"first event", "1"),
        Event("message", b"second event", ""),
        Event("message", b" third event", ""),
    ]
    assert parse(b"data\n\ndata\ndata\n\ndata:") == [Event("message", b"", ""), Event("message", b"\n", "")]
    assert parse(b"data:test\n\ndata: test\n\n") == [Event("message", b"test", "")] * 2


def test_event_that_is_cut_off_does_not_count_as_seen() -> None:
    parser = Parser()
    parser.feed(encode_event(1, "block", b"{}") + encode_event(2, "block", b"{}")[:-1])
    assert parser.last_id == "1"


def test_odd_fields_change_nothing() -> None:
    stream = b"id: 1\nid: a\x00b\nretry: soon\nretry: 99999999999\nwhat: ever\nevent: e\n\ndata: d\n\n"
    parser = Parser()
    assert parser.feed(stream) == [Event("message", b"d", "1")]
    assert parser.retry_ms is None


def test_line_separators_of_unicode_do_not_end_a_line() -> None:
    data = '{"memo":"a\u2028b\u0085c\x0bd"}'.encode()
    assert parse(encode_event(1, "block", data)) == [Event("block", data, "1")]


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 40 + b"\n", b"x" * 40])
def test_endless_event_is_refused(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "EVENT_BYTES_MAX", 1000)
    parser = Parser()
    with pytest.raises(Invalid, match="too_large"):
        for _ in range(30):
            parser.feed(piece)
