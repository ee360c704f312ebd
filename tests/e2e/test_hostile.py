"""A real node under attack by hostile peers: it drops them, stays small, and goes on committing."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from chaosnet.base.limits import FRAME_BYTES_MAX
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.devnet_plan import NodePlan
from chaosnet.daemon.loadgen import Push, make_senders, presign, read_total
from chaosnet.model.evidence import PRECOMMIT, PREVOTE, Proposal, Vote
from chaosnet.model.genesis_json import parse_genesis
from chaosnet.protocol import messages as msg
from chaosnet.protocol.frames import encode_frame
from tests.e2e.attacker import Attacker, events, memory_mib
from tests.e2e.net import get, height, network, peers, same_state, wait_for

pytestmark = pytest.mark.process

SENDERS = make_senders(64)
GROWTH_MIB_MAX = 160
"""What an attack may add to the memory of a node: queues, bodies and pools have their bounds."""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """Four validators that make a block every quarter second; node0 is the one attacked."""
    directory = tmp_path_factory.mktemp("besieged") / "net"
    with network(directory, 4, SENDERS, idle_interval_ms=250) as running:
        raws = presign(bytes.fromhex(running.plan.genesis), SENDERS, 40)
        batches = [raws[i : i + 320] for i in range(0, len(raws), 320)]
        Push(running.plan.nodes, batches, pause_s=0.2).start().join()
        wait_for("blocks worth asking for", lambda: read_total(target(running))[1] >= 2_000)
        yield running


def target(net: Devnet) -> NodePlan:
    return net.plan.nodes[0]


@contextmanager
def unharmed(net: Devnet) -> Iterator[None]:
    """Fail unless node0 keeps its peers and its size through the block, commits after it, and is healthy."""
    node, before = target(net), memory_mib(net, "node0")
    start = height(node)
    yield
    grown = memory_mib(net, "node0", peak=True) - before
    assert grown <= GROWTH_MIB_MAX
    assert height(node) >= start
    wait_for("blocks go on", lambda: height(node) >= start + 5, 30)
    wait_for("the other validators are linked", lambda: peers(node) >= 3, 30)
    wait_for("all agree", lambda: same_state(net), 30)
    wait_for("healthy", lambda: bool(get(node, "/health")["is_healthy"]), 30)
    assert get(node, "/v1/evidence")["evidence"] == []


def counted(net: Devnet, what: str, code: str, attack: Callable[[], Awaitable[object]]) -> int:
    """Run an attack; return how many more times its kind was counted."""
    before = events(target(net)).get((what, code), 0)
    asyncio.run(_awaited(attack))
    return events(target(net)).get((what, code), 0) - before


async def _awaited(attack: Callable[[], Awaitable[object]]) -> None:
    await attack()


# ── what breaks the rules of the wire ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "junk",
    [b"GET / HTTP/1.1\r\n\r\n", bytes(4_096), b"\x16\x03\x01\xff\xff" + bytes(70_000), b""],
    ids=["http", "zeros", "endless hello", "nothing"],
)
def test_what_is_no_tls_is_dropped(net: Devnet, junk: bytes) -> None:
    with unharmed(net), ExitStack() as stack:
        for _ in range(40):
            try:
                sock = socket.create_connection(("127.0.0.1", target(net).p2p_port), timeout=10)
                stack.callback(sock.close)
                sock.sendall(junk)
                if not junk:
                    sock.shutdown(socket.SHUT_WR)
                while sock.recv(65_536):
                    pass
            except ConnectionError:
                pass


FRAMES = {
    "longer than allowed": ((FRAME_BYTES_MAX + 1).to_bytes(4, "big") + b"\x00", ""),
    "of length 2^32-1": (b"\xff" * 4 + b"\x00" + bytes(100_000), ""),
    "empty": (bytes(5), ""),
    "of no class": (b"\x00\x00\x00\x01\x09\x00", ""),
    "longer than a greeting": (encode_frame(0, bytes(5_000)), "too_large"),
    "of noise": (encode_frame(0, b"\xc1 no message"), "malformed"),
    "of a deep list": (encode_frame(0, b"\x91" * 4_000), "malformed"),
    "with a message before the greeting": (
        encode_frame(1, msg.encode_message(msg.Txs((b"x",)))),
        "unexpected",
    ),
}


@pytest.mark.parametrize(("data", "code"), FRAMES.values(), ids=FRAMES.keys())
def test_who_sends_such_a_frame_is_dropped(net: Devnet, data: bytes, code: str) -> None:
    async def attack() -> None:
        async with Attacker(net, target(net), f"frame {data[:40].hex()}") as attacker:
            assert await attacker.open() == "ok"
            await attacker.write(data)
            assert await attacker.is_dropped() == code

    with unharmed(net):
        found = counted(net, "banned", code, attack)
        assert not code or found == 1


HELLOS = {
    "another genesis": ({"genesis": b"\x01" * 32}, "wrong_network"),
    "another protocol": ({"version": 99}, "handshake"),
    "no rule set in common": ({"rules": (77,)}, "handshake"),
    "a negative height": ({"height": -1}, "handshake"),
    "control characters": ({"software": "\x1b[2J"}, "handshake"),
}


@pytest.mark.parametrize(("fields", "code"), HELLOS.values(), ids=HELLOS.keys())
def test_who_greets_with_the_wrong_words_is_dropped(
    net: Devnet, fields: dict[str, object], code: str
) -> None:
    async def attack() -> None:
        async with Attacker(net, target(net), f"hello {fields}") as attacker:
            assert await attacker.open() == "ok"
            await attacker.greet(**fields)
            assert await attacker.is_dropped() == code

    with unharmed(net):
        assert counted(net, "penalised", code, attack) == 1


def test_who_never_greets_is_dropped(net: Devnet) -> None:
    async def attack() -> None:
        async with Attacker(net, target(net), "silent") as attacker:
            assert await attacker.open() == "ok"
            assert await attacker.is_dropped() == "timeout"

    with unharmed(net):
        asyncio.run(attack())


def test_a_second_connection_under_a_key_and_a_stranger_to_the_network_are_refused(net: Devnet) -> None:
    async def attack() -> None:
        async with Attacker(net, target(net), "twin") as first, Attacker(net, target(net), "twin") as second:
            assert await first.open() == "ok"
            assert await second.open() == "duplicate_peer"
        async with Attacker(net, target(net), "stranger", genesis=b"\x02" * 32) as stranger:
            with pytest.raises(OSError):
                await stranger.open()

    with unharmed(net):
        asyncio.run(attack())


# ── floods ───────────────────────────────────────────────────────────────────────────────────────────────


def test_thousands_of_connections_and_slow_handshakes(net: Devnet) -> None:
    with unharmed(net), ExitStack() as stack:
        for _ in range(3_000):
            sock = socket.socket()
            stack.callback(sock.close)
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", target(net).p2p_port))
        assert get(target(net), "/health")["is_healthy"]
        assert len(list(Path(f"/proc/{net.pid('node0')}/fd").iterdir())) < 300
    # The half-open ones are gone after five seconds: there is room again.
    wait_for("room for an honest connection", lambda: asyncio.run(is_let_in(net, "late")), 20)


def test_keys_that_come_and_go_without_end(net: Devnet) -> None:
    slowest = 0.0

    async def come_and_go(worker: int) -> None:
        for i in range(40):
            async with Attacker(net, target(net), f"guest {worker} {i}") as attacker:
                if await attacker.open() == "ok":
                    await attacker.greet(listen_port=1 + i)

    async def attack() -> None:
        nonlocal slowest
        coming = asyncio.gather(*map(come_and_go, range(6)))
        while not coming.done():
            began = time.monotonic()
            await asyncio.to_thread(get, target(net), "/health")
            slowest = max(slowest, time.monotonic() - began)
        await coming

    with unharmed(net):
        asyncio.run(attack())
    assert slowest < 3.0


async def is_let_in(net: Devnet, name: str) -> bool:
    try:
        async with Attacker(net, target(net), name) as attacker:
            return await attacker.open() == "ok"
    except (OSError, asyncio.IncompleteReadError, AttributeError):
        return False


async def flood(net: Devnet, name: str, message: Callable[[int], msg.Message], count: int) -> Attacker:
    """Greet and send many messages at once, reading nothing before the end; return the dropped attacker."""
    async with Attacker(net, target(net), name) as attacker:
        assert await attacker.open() == "ok"
        await attacker.greet()
        frames = [
            encode_frame(msg.STREAM_OF[type(m)], msg.encode_message(m)) for m in map(message, range(count))
        ]
        sending = asyncio.create_task(attacker.write(b"".join(frames)))
        await attacker.is_dropped()
        await sending
        return attacker


def test_transactions_with_bad_signatures_ban_who_sends_them(net: Devnet) -> None:
    raws = presign(bytes.fromhex(net.plan.genesis), SENDERS, 20, first_nonce=40)
    bad = [raw[:-9] + bytes(8) + raw[-1:] for raw in raws]

    async def attack() -> None:
        await flood(net, "forger", lambda i: msg.Txs(tuple(bad[i * 64 : i * 64 + 64])), 20)
        async with Attacker(net, target(net), "forger") as again:
            assert await again.open() == "ok"
            assert await again.is_dropped() == "banned"

    with unharmed(net):
        assert counted(net, "banned", "bad_signature", attack) >= 1
    assert get(target(net), "/v1/status")["mempool_txs"] == 0


def test_votes_and_proposals_of_no_member_change_nothing(net: Devnet) -> None:
    genesis = parse_genesis((net.directory / "genesis.json").read_text())
    member = genesis.members[1].consensus_key

    def forged(i: int, signer: bytes) -> Vote:
        kind = PRECOMMIT if i % 2 else PREVOTE
        return Vote(kind, 0, height(target(net)) + 1, 0, i.to_bytes(32, "big"), signer, bytes(64))

    async def strangers() -> None:
        async with Attacker(net, target(net), "no member") as attacker:
            assert await attacker.open() == "ok"
            await attacker.greet()
            for i in range(50):
                await attacker.say(msg.Votes((forged(i, attacker.node_id),)))
                proposal = Proposal(0, height(target(net)) + 1, 0, -1, bytes(32), attacker.node_id, bytes(64))
                await attacker.say(msg.Propose(proposal, b"no block"))
            await attacker.listen(1)

    async def forger() -> None:
        async with Attacker(net, target(net), "impostor") as attacker:
            assert await attacker.open() == "ok"
            await attacker.greet()
            for i in range(2):
                await attacker.say(msg.Votes((forged(i, member),)))
            assert await attacker.is_dropped() == "bad_signature"

    with unharmed(net):
        asyncio.run(strangers())
        assert counted(net, "banned", "bad_signature", forger) == 1


FLOODS: dict[str, Callable[[int], msg.Message]] = {
    "GetBodies": lambda _: msg.GetBodies(1, 64),
    "GetHeaders": lambda _: msg.GetHeaders(1, 256),
    "GetTxs": lambda i: msg.GetTxs((i.to_bytes(32, "big"),) * 10_000),
    "TxHashes": lambda i: msg.TxHashes(tuple((i * 10_000 + n).to_bytes(32, "big") for n in range(10_000))),
    "GetPeers": lambda _: msg.GetPeers(),
    "Status": lambda i: msg.Status(0, i, bytes(32), 1, 0, "wait", False, b"", b"", b""),
}
COUNTS = {"GetTxs": 60, "TxHashes": 60}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_answered_in_part_and_ends_in_a_ban(net: Devnet, name: str) -> None:
    node = target(net)
    slowest = 0.0

    async def attack() -> None:
        nonlocal slowest
        flooding = asyncio.create_task(flood(net, f"flood {name}", FLOODS[name], COUNTS.get(name, 8_000)))
        while not flooding.done():
            began = time.monotonic()
            await asyncio.to_thread(get, node, "/health")
            slowest = max(slowest, time.monotonic() - began)
        attacker = await flooding
        assert attacker.bytes_heard < 100 << 20

    with unharmed(net):
        assert counted(net, "banned", "rate_limited", attack) == 1
    assert slowest < 3.0


def test_a_peer_that_never_reads_is_dropped(net: Devnet) -> None:
    async def attack() -> None:
        async with Attacker(net, target(net), "deaf") as attacker:
            assert await attacker.open() == "ok"
            await attacker.greet()
            for _ in range(120):
                await attacker.say(msg.GetBodies(1, 64))
                await attacker.say(msg.GetHeaders(1, 256))
                await attacker.say(msg.Status(0, 0, bytes(32), 1, 0, "wait", False, b"", b"", b""))
                await asyncio.sleep(0.05)

    with unharmed(net):
        asyncio.run(attack())


def test_lies_about_the_height_do_not_stop_a_node(net: Devnet) -> None:
    node = target(net)
    seen: list[str] = []

    async def lie(name: str, answer: msg.Message | None) -> None:
        async with Attacker(net, node, f"liar {name}") as attacker:
            assert await attacker.open() == "ok"
            await attacker.greet(height=2**63, time_ms=2**64 - 1)
            for _ in range(16):
                best = 2**64 - 1
                await attacker.say(
                    msg.Status(0, best, b"\x01" * 32, best, best, "x", True, b"\xff", b"", b"")
                )
                await attacker.listen(0.5)
                seen.append((await asyncio.to_thread(get, node, "/health"))["code"])
                if answer is not None and any(isinstance(m, msg.GetHeaders) for m in attacker.heard):
                    attacker.heard.clear()
                    await attacker.say(answer)

    async def lies() -> None:
        start = height(node)
        empty = msg.Headers(start + 1, ())
        await asyncio.gather(lie("silent", None), lie("empty", empty), lie("more", None))
        assert set(seen) == {""}, "a stranger's claim makes no node look late"
        assert height(node) >= start + 8
        assert abs(get(node, "/v1/status")["clock_offset_ms"]) < 1_000

    with unharmed(net):
        asyncio.run(lies())


def test_unfinished_frames_of_many_peers_are_bounded(net: Devnet) -> None:
    async def attack() -> None:
        attackers = [Attacker(net, target(net), f"half {i}") for i in range(16)]
        half = FRAME_BYTES_MAX.to_bytes(4, "big") + b"\x01" + bytes(FRAME_BYTES_MAX - 1)
        for attacker in attackers:
            assert await attacker.open() == "ok"
            await attacker.greet()
            await attacker.write(half)
        for attacker in attackers:
            assert await asyncio.wait_for(attacker.end(), 20) == "timeout"
            await attacker.__aexit__()

    with unharmed(net):
        asyncio.run(attack())
