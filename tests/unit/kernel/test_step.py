"""The whole node as one function: same events, same effects; bad input raises nothing and changes nothing."""

import pytest

from chaosnet.kernel import events as ev
from chaosnet.kernel.node import Node
from chaosnet.kernel.step import step
from chaosnet.model.evidence import PREVOTE
from chaosnet.protocol import messages as msg
from chaosnet.protocol.messages import STREAM_OF, encode_message
from tests.unit.kernel.harness import Bench, closed, facts, of, peer_id, sent


def started() -> Bench:
    bench = Bench().start()
    bench.join_all()
    bench.advance(200)
    return bench


def test_the_start_sets_the_clocks_going() -> None:
    bench = Bench()
    effects = bench.feed(ev.Started())
    timers = {effect.name for effect in of(effects, ev.SetTimer)}
    assert timers == {"status", "peers", "get_peers", "engine:idle"}
    assert bench.node.started_ms == bench.node.head_ms == bench.now


def test_the_clocks_go_on() -> None:
    bench = started()
    for _ in range(3):
        bench.advance(61_000)
        assert {"status", "peers", "get_peers"} <= set(bench.timers)


def test_each_step_gives_its_own_effects_alone() -> None:
    bench = started()
    first = bench.feed(ev.TimerFired("status"))
    assert first
    assert bench.node.effects == []
    assert bench.feed(ev.TimerFired("no such timer")) == []
    assert first != []


def everything(bench: Bench) -> list[ev.Event]:
    """Return one event of each kind, and a message of each kind of a peer."""
    peer = bench.node_of(1)
    vote = bench.vote(1, PREVOTE)
    proposal = bench.proposal(bench.candidate())
    messages: list[msg.Message] = [
        bench.hello(),
        bench.status(),
        msg.GetPeers(),
        msg.Peers(()),
        msg.Txs((bench.tx("alice", 0).raw,)),
        msg.TxHashes((bytes(32),)),
        msg.GetTxs((bytes(32),)),
        proposal,
        msg.Votes((vote,)),
        msg.GetHeaders(1, 5),
        msg.Headers(1, ()),
        msg.GetBodies(1, 5),
        msg.Bodies(1, ()),
        msg.NewBlock(b""),
        msg.Goodbye("shutdown"),
    ]
    assert {type(message) for message in messages} == set(STREAM_OF)
    return [
        ev.SubmitTransactions(1, (b"x",)),
        ev.Verified(99, (True,)),
        ev.SignatureMade(vote, None),
        ev.Written(0),
        ev.Answered(7, b"x"),
        ev.Mined(7, 1),
        ev.DialFailed("h", 1, "timeout"),
        ev.DialOrder("h", 2),
        ev.Connected(peer_id("new"), outbound=True, host="h", port=1),
        *(ev.Received(peer, encode_message(message)) for message in messages),
        ev.Received(peer_id("nobody"), b"x"),
        ev.Disconnected(peer, "connection"),
        ev.Disconnected(peer_id("nobody"), "connection"),
        ev.TimerFired("engine:propose"),
        ev.TimerFired("engine:nonsense"),
        ev.DiskLow(5),
    ]


def test_every_kind_of_event_is_handled() -> None:
    bench = started()
    events = everything(bench)
    assert {type(event) for event in events} | {ev.Started} == set(ev.Event.__args__)
    for event in events:
        bench.run(event)
    assert bench.node.head.header.height == 0


def test_same_events_same_effects_byte_for_byte() -> None:
    def record() -> list[list[ev.Effect]]:
        bench = started()
        return [bench.run(event) for event in everything(bench)]

    assert record() == record()


@pytest.mark.parametrize(
    "payload", [b"", b"x", b"\xc1", b"\x93" * 500, bytes(100), b"\x91\x01", b"\x92\x63\x00"]
)
def test_garbage_closes_its_sender_and_raises_nothing(payload: bytes) -> None:
    bench = started()
    peer = bench.join("p")
    assert closed(bench.run(ev.Received(peer, payload))) == [(peer, "malformed")]


def test_a_message_with_a_byte_too_many_is_no_message() -> None:
    bench = started()
    peer = bench.join("p")
    effects = bench.run(ev.Received(peer, encode_message(msg.GetPeers()) + b"\x00"))
    assert [what for _, what in closed(effects)] == ["malformed"]


def test_a_flood_costs_its_sender_the_connection_and_nobody_else() -> None:
    bench = started()
    flood, calm = bench.join("flood"), bench.join("calm")
    status = encode_message(bench.status())
    for _ in range(6_000):
        bench.feed(ev.Received(flood, status))
    assert bench.node.book.is_banned(flood, "", bench.now)
    assert bench.node.sessions.is_ready(calm)


def test_messages_of_unknown_peers_are_nothing() -> None:
    bench = started()
    assert bench.run(ev.Received(peer_id("nobody"), encode_message(bench.status()))) == []


def test_blame_is_laid_at_the_end_of_the_step() -> None:
    bench = started()
    bench.node.blame.append((bench.node_of(1), "timeout", 5))
    effects = bench.feed(ev.TimerFired("nothing"))
    assert [(fact.what, fact.code) for fact in facts(effects, ev.PeerNote)] == [("penalised", "timeout")]
    assert bench.node.blame == []


def test_blocks_are_served_from_what_is_durable() -> None:
    bench = started()
    bench.grow(2)
    del bench.chain.blocks[2]  # not yet written
    peer = bench.join("p")
    (bodies,) = sent(bench.say(peer, msg.GetBodies(1, 9)), msg.Bodies, peer)
    assert bodies.blocks == (bench.chain.sealed_at(1),)
    (headers,) = sent(bench.say(peer, msg.GetHeaders(1, 9)), msg.Headers, peer)
    assert len(headers.headers) == 1


def test_a_goodbye_ends_the_conversation_without_an_answer() -> None:
    bench = started()
    peer = bench.join("p")
    effects = bench.say(peer, msg.Goodbye("shutdown"))
    assert closed(effects) == [(peer, "goodbye")]
    assert sent(effects, msg.Goodbye) == []


def test_an_order_to_dial_is_followed() -> None:
    bench = started()
    assert bench.run(ev.DialOrder("10.0.0.9", 7)) == [ev.Dial("10.0.0.9", 7, b"")]


def test_low_disk_halts_and_is_told() -> None:
    bench = started()
    (fact,) = facts(bench.run(ev.DiskLow(12_345)), ev.Halted)
    assert (fact.code, fact.detail) == ("disk_full", "12345 bytes free")
    assert bench.node.halted == "disk_full"
    assert of(bench.advance(1_000), ev.SetTimer), "it goes on to serve and to say where it stands"


def test_a_broken_invariant_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = started()

    def broken(_: Node, height: int) -> bytes:
        raise RuntimeError("disk")

    monkeypatch.setattr(type(bench.chain), "sealed_at", broken)
    with pytest.raises(RuntimeError):
        step(bench.node, ev.Received(bench.join("p"), encode_message(msg.GetBodies(0, 1))), bench.now)
