"""Messages become frames in one place, on the stream of their kind."""

import pytest

from chaosnet.kernel import outbox
from chaosnet.kernel.events import SendMessage
from chaosnet.kernel.outbox import send, send_all
from chaosnet.protocol.messages import SYNC, TXS, VOTES, Bodies, GetPeers, Goodbye, Txs, encode_message
from tests.unit.kernel.harness import Bench


def test_each_kind_goes_on_its_stream() -> None:
    bench = Bench()
    for message in (Goodbye("shutdown"), Txs(()), Bodies(1, ())):
        send(bench.node, b"p", message)
    assert bench.node.effects == [
        SendMessage(b"p", VOTES, encode_message(Goodbye("shutdown"))),
        SendMessage(b"p", TXS, encode_message(Txs(()))),
        SendMessage(b"p", SYNC, encode_message(Bodies(1, ()))),
    ]


def test_one_message_to_many_peers_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[object] = []

    def count(message: object) -> bytes:
        encoded.append(message)
        return b"payload"

    monkeypatch.setattr(outbox, "encode_message", count)
    bench = Bench()
    first, second = Txs((b"a",)), GetPeers()
    send_all(bench.node, [(b"p", first), (b"q", first), (b"q", second), (b"p", second)])
    assert encoded == [first, second]
    assert [(e.peer, e.stream) for e in bench.node.effects if isinstance(e, SendMessage)] == [
        (b"p", TXS),
        (b"q", TXS),
        (b"q", VOTES),
        (b"p", VOTES),
    ]
