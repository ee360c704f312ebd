"""Links to other nodes: who is admitted, what is told every second, what a peer is given that it lacks."""

import pytest
from msgspec.structs import replace

from chaosnet.base.limits import HANDSHAKE_MS_MAX
from chaosnet.kernel import events as ev
from chaosnet.kernel.peering import GET_PEERS_MS, PEERS_MS, STATUS_MS, bitmap_bytes
from chaosnet.model.evidence import PRECOMMIT, PREVOTE
from chaosnet.protocol.messages import (
    GetBodies,
    GetPeers,
    Goodbye,
    Hello,
    PeerAddress,
    Peers,
    Propose,
    Status,
    TxHashes,
    Votes,
    encode_message,
)
from chaosnet.protocol.session import SILENT_MS_MAX
from tests.unit.kernel.harness import PORT, Bench, closed, facts, of, peer_id, sent


def started(**config: object) -> Bench:
    bench = Bench(**config).start()  # type: ignore[arg-type]
    bench.advance(200)
    return bench


def notes(effects: list[ev.Effect]) -> list[tuple[str, str]]:
    return [(fact.what, fact.code) for fact in facts(effects, ev.PeerNote)]


# ── greeting ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_open_transport_is_greeted_and_a_greeting_answered_with_where_we_stand() -> None:
    bench = started()
    peer = peer_id("p")
    opened = bench.run(ev.Connected(peer, outbound=False, host="9.9.9.9", port=1))
    (hello,) = sent(opened, Hello, peer)
    assert (hello.genesis, hello.height, hello.listen_port) == (bench.genesis_hash, 0, PORT)
    effects = bench.say(peer, bench.hello())
    assert notes(effects) == [("admitted", "ok")]
    assert len(sent(effects, Status, peer)) == 1
    assert len(sent(effects, GetPeers, peer)) == 1


def test_pending_transactions_are_offered_to_a_newcomer() -> None:
    bench = started()
    tx = bench.tx("alice", 0)
    bench.submit(tx)
    bench.join("p")
    assert sent(bench.log, TxHashes, peer_id("p")) == [TxHashes((tx.tx_hash,))]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"genesis": bytes(32)}, "wrong_network"),
        ({"version": 2}, "handshake"),
        ({"rules": (9,)}, "handshake"),
        ({"height": -1}, "handshake"),
    ],
)
def test_who_does_not_fit_is_told_why_and_closed(fields: dict[str, object], code: str) -> None:
    bench = started()
    peer = peer_id("p")
    bench.run(ev.Connected(peer, outbound=False, host="9.9.9.9", port=1))
    effects = bench.say(peer, bench.hello(**fields))
    assert closed(effects) == [(peer, code)]
    assert sent(effects, Goodbye, peer) == [Goodbye(code)]
    assert bench.node.sessions.ready() == []


def test_nothing_is_taken_before_the_greeting() -> None:
    bench = started()
    peer = peer_id("p")
    bench.run(ev.Connected(peer, outbound=False, host="9.9.9.9", port=1))
    effects = bench.say(peer, bench.status())
    assert closed(effects) == [(peer, "unexpected")]
    assert bench.node.book.is_banned(peer, "", bench.now)


def test_a_closed_network_admits_members_alone() -> None:
    bench = started(members_only=True)
    bench.join(1)
    stranger = peer_id("p")
    bench.run(ev.Connected(stranger, outbound=False, host="9.9.9.9", port=1))
    effects = bench.say(stranger, bench.hello())
    assert closed(effects) == [(stranger, "not_a_member")]
    assert not bench.node.book.is_banned(stranger, "", bench.now), "no fault: it may become one"
    assert bench.node.sessions.ready() == [bench.node_of(1)]


def test_a_banned_key_is_closed_at_once() -> None:
    bench = started()
    peer = bench.join("p")
    bench.run(ev.Received(peer, b"garbage"))
    bench.run(ev.Disconnected(peer, "malformed"))
    effects = bench.run(ev.Connected(peer, outbound=False, host="9.9.9.9", port=1))
    assert closed(effects) == [(peer, "banned")]
    assert sent(effects, Hello) == []


def test_a_silent_connection_is_closed() -> None:
    bench = started()
    bench.are_silent = True
    bench.run(ev.Connected(peer_id("mute"), outbound=False, host="9.9.9.9", port=1))
    bench.join("p")
    effects = bench.advance(HANDSHAKE_MS_MAX + PEERS_MS)
    assert closed(effects) == [(peer_id("mute"), "timeout")]
    assert closed(bench.advance(SILENT_MS_MAX)) == [(peer_id("p"), "timeout")]
    assert closed(bench.advance(SILENT_MS_MAX)) == [], "each is closed once"


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_banned_peer_has_sent_before_it_is_gone_is_not_looked_at() -> None:
    bench = started()
    peer = bench.join("p")
    assert notes(bench.run(ev.Received(peer, b"garbage"))) == [
        ("banned", "malformed"),
        ("closed", "malformed"),
    ]
    assert bench.say(peer, bench.votes([1, 2, 3], PREVOTE)) == []
    assert bench.run(ev.Received(peer, b"garbage")) == []
    assert bench.node.round_state().prevotes == 0
    assert sent(bench.advance(STATUS_MS), Status, peer) == []
    assert notes(bench.run(ev.Disconnected(peer, "connection"))) == []


def test_a_connection_being_closed_is_not_dialled_again() -> None:
    """The transport would call it a duplicate, and the address would be left alone for a minute."""
    bench = started(bootstrap=(PeerAddress(b"", "seed.example", PORT),))
    peer = bench.node_of(1)
    bench.run(ev.Connected(peer, outbound=True, host="seed.example", port=PORT))
    bench.say(peer, bench.hello())
    bench.run(ev.Received(peer, encode_message(Goodbye("shutdown"))))
    assert of(bench.advance(2_000), ev.Dial) == []
    bench.run(ev.Disconnected(peer, "goodbye"))
    assert len(of(bench.advance(6_000), ev.Dial)) >= 1


def test_small_faults_add_up_and_fade() -> None:
    bench = started()
    peer = bench.join("p")
    wrong = bench.proposal(bench.candidate())
    other = bench.proposal(bench.candidate(round_=1), 1).proposal
    not_its_turn = Propose(replace(other, round=2), wrong.block)
    for _ in range(9):
        assert notes(bench.say(peer, not_its_turn)) == [("penalised", "bad_proposer")]
    bench.advance(60_000)
    assert notes(bench.say(peer, not_its_turn)) == [("penalised", "bad_proposer")]
    for _ in range(9):
        bench.say(peer, not_its_turn)
    assert bench.node.book.is_banned(peer, "", bench.now)


# ── every second ─────────────────────────────────────────────────────────────────────────────────────────


def test_status_goes_to_all_every_second_and_at_once_with_a_new_head() -> None:
    bench = started()
    peers = bench.join_all()
    effects = bench.advance(3 * STATUS_MS)
    assert [len(sent(effects, Status, peer)) for peer in peers] == [3, 3, 3]
    bench.log.clear()
    bench.grow()
    told = [s for s in sent(bench.log, Status, peers[0]) if s.height == 1]
    assert len(told) == 1
    assert told[0].head == bench.node.head.block_id


def test_status_says_whose_votes_are_held_and_who_is_linked() -> None:
    bench = started()
    bench.join(2)
    bench.say(bench.node_of(2), bench.votes([1, 3], PREVOTE))
    bench.say(bench.node_of(2), bench.votes([2], PRECOMMIT))
    (status,) = sent(bench.advance(STATUS_MS), Status)
    held = int.from_bytes(status.prevotes, "big")
    assert held & 0b1110 == 0b1010
    assert int.from_bytes(status.precommits, "big") & 0b1110 == 0b0100
    assert int.from_bytes(status.linked, "big") == 0b0101
    assert not status.has_proposal


@pytest.mark.parametrize(("bitmap", "expected"), [(0, b""), (1, b"\x01"), (256, b"\x01\x00")])
def test_bitmaps_have_no_leading_zeros(bitmap: int, expected: bytes) -> None:
    assert bitmap_bytes(bitmap) == expected


def test_addresses_are_asked_for_every_minute_and_given_at_most_so_often() -> None:
    bench = started()
    peer = bench.join("p")
    assert len(sent(bench.advance(GET_PEERS_MS), GetPeers)) == 1
    assert len(sent(bench.say(peer, GetPeers()), Peers, peer)) == 1
    assert len(sent(bench.say(peer, GetPeers()), Peers, peer)) == 1
    effects = bench.say(peer, GetPeers())
    assert sent(effects, Peers) == []
    assert notes(effects) == [("penalised", "rate_limited")]


def test_validators_are_dialled_as_soon_as_their_addresses_are_known() -> None:
    bench = started()
    peer = bench.join("p", host="8.8.8.8")
    addresses = tuple(PeerAddress(bench.node_of(i), f"8.8.4.{i}", PORT) for i in (1, 2, 3))
    bench.say(peer, Peers(addresses))
    dialled = {(e.host, e.node_id) for e in of(bench.advance(PEERS_MS), ev.Dial)}
    assert dialled == {(a.host, a.node_id) for a in addresses}


# ── what a peer lacks ────────────────────────────────────────────────────────────────────────────────────


def with_votes() -> tuple[Bench, bytes, bytes]:
    """Return a node in round 0 that holds the proposal and all prevotes but that of 3; and two peers."""
    bench = started()
    one, two = bench.join(1), bench.join(2)
    candidate = bench.candidate()
    bench.say(one, bench.proposal(candidate))
    bench.say(one, bench.votes([1], PREVOTE, candidate.block_id))
    bench.advance(2_000)
    return bench, one, two


def test_a_peer_gets_the_votes_and_the_proposal_it_lacks() -> None:
    bench, _, two = with_votes()
    effects = bench.say(two, bench.status(step="propose", prevotes=b"\x01"))
    assert len(sent(effects, Propose, two)) == 1
    (votes,) = sent(effects, Votes, two)
    assert [vote.signer for vote in votes.votes] == [bench.key_of(1)]


def test_votes_go_before_the_block_so_that_who_is_rounds_behind_can_take_it() -> None:
    bench, one, two = with_votes()
    for round_ in range(1, 40):
        bench.say(one, bench.votes([1, 2, 3], PREVOTE, round_=round_))
    assert bench.node.round_state().round == 39
    block = bench.candidate(round_=39)
    bench.say(one, bench.proposal(block, 39))
    effects = bench.say(two, bench.status())
    late = Bench(me=None).start()
    late.join(0)
    for effect in of(effects, ev.SendMessage):
        if effect.peer == two:
            late.run(ev.Received(bench.node_of(0), effect.payload))
    assert late.node.round_state().round == 39
    assert block.block_id in late.node.candidates


def test_a_peer_that_lacks_nothing_gets_nothing() -> None:
    bench, _, two = with_votes()
    effects = bench.say(two, bench.status(step="prevote", has_proposal=True, prevotes=b"\x03"))
    assert sent(effects, Propose) == []
    assert sent(effects, Votes) == []


def test_repair_is_given_once_a_second_however_often_it_is_asked_for() -> None:
    """A status is a hundred bytes, a block four million."""
    bench, _, two = with_votes()
    asked = bench.status(step="propose")
    effects = [effect for _ in range(50) for effect in bench.say(two, asked)]
    assert len(sent(effects, Propose, two)) == 1
    bench.now += STATUS_MS
    assert len(sent(bench.say(two, asked), Propose, two)) == 1


def test_repair_at_a_new_height_does_not_wait() -> None:
    bench, _, two = with_votes()
    bench.say(two, bench.status(step="propose"))
    bench.grow()
    bench.say(bench.node_of(1), bench.votes([1], PREVOTE))
    assert len(sent(bench.say(two, bench.status()), Votes, two)) == 1


def test_a_peer_at_another_height_gets_no_votes() -> None:
    bench, _, two = with_votes()
    effects = bench.say(two, bench.status(height=5, step="propose"))
    effects += bench.say(two, bench.status(era=1, step="propose"))
    assert sent(effects, Votes) == []
    assert sent(effects, Propose) == []


def test_a_halted_peer_is_given_nothing() -> None:
    bench, _, two = with_votes()
    assert sent(bench.say(two, bench.status(step="halted")), Propose) == []


def test_a_peer_that_is_ahead_is_asked_for_its_blocks() -> None:
    bench = started()
    one = bench.join(1)
    bench.say(one, bench.status(height=1))
    bench.now += 600  # the grace for consensus to bring it
    effects = bench.say(one, bench.status(height=1))
    assert sent(effects, GetBodies, one) == [GetBodies(1, 1)]


def test_a_block_that_somebody_is_at_is_asked_for_by_the_clock_too() -> None:
    bench = started()
    one = bench.join(1)
    bench.say(one, bench.status(height=1))
    assert sent(bench.advance(2 * STATUS_MS), GetBodies, one) == [GetBodies(1, 1)]
