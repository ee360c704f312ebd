"""The listeners of a real node under hostile callers, and a client before a node that lies."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from chaosnet.base.errors import Invalid
from chaosnet.base.limits import BATCH_TXS_MAX, REQUEST_BYTES_MAX
from chaosnet.crypto.addresses import parse_address
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.devnet_plan import NodePlan
from chaosnet.daemon.loadgen import Push, batch_body, make_senders, presign, read_total
from chaosnet.rpc.client import Client
from chaosnet.rpc.lightclient import check_account_proof
from chaosnet.rpc.schema import AccountProof
from tests.described import CONFIG
from tests.e2e.attacker import memory_mib
from tests.e2e.net import chaosnet, get, network, wait_for

pytestmark = pytest.mark.process

SENDERS = make_senders(20)
GROWTH_MIB_MAX = 160


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """One validator with a few transactions on its chain."""
    with network(tmp_path_factory.mktemp("asked") / "net", 1, SENDERS, idle_interval_ms=1_000) as running:
        raws = presign(bytes.fromhex(running.plan.genesis), SENDERS, 2)
        Push(running.plan.nodes, [raws]).start().join()
        wait_for("transactions on the chain", lambda: read_total(node_of(running))[1] == len(raws))
        yield running


def node_of(net: Devnet) -> NodePlan:
    return net.plan.nodes[0]


@contextmanager
def unharmed(net: Devnet) -> Iterator[None]:
    """Fail unless the node answers at once all the while, stays small, and goes on."""
    node, before = node_of(net), memory_mib(net, "node0")
    height = read_total(node)[0]
    yield
    began = time.monotonic()
    assert get(node, "/health")["is_healthy"]
    assert time.monotonic() - began < 5
    assert memory_mib(net, "node0", peak=True) - before <= GROWTH_MIB_MAX
    wait_for("it goes on", lambda: read_total(node)[0] > height + 1, 30)


# ── requests made from the node's own description ────────────────────────────────────────────────────────


def description(url: str) -> BaseSchema:
    # The stream has no end; what it sends is read elsewhere.
    return schemathesis.openapi.from_url(f"{url}/openapi.json", config=CONFIG).exclude(path="/v1/stream")


def answers_are_as_described(url: str, examples: int) -> None:
    """Make requests of every operation, well-formed and not; check each answer against the description."""
    for found in description(url).get_all_operations():
        operation = found.ok()  # type: ignore[union-attr] # a description that cannot be read fails here
        for mode in GenerationMode:

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=examples < 50,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Case) -> None:
                # A well-formed address may be of another network: refusing that is right.
                case.call_and_validate(excluded_checks=[positive_data_acceptance])

            with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parameters
                ask()


EXAMPLES = pytest.mark.parametrize("examples", [5, pytest.param(60, marks=pytest.mark.soak)])


@EXAMPLES
def test_public_listener_answers_as_described(net: Devnet, examples: int) -> None:
    answers_are_as_described(node_of(net).rest_url, examples)


@EXAMPLES
def test_operator_listener_answers_as_described(net: Devnet, examples: int) -> None:
    answers_are_as_described(node_of(net).operator_url, examples)


def test_no_request_was_a_fault_of_the_node(net: Devnet) -> None:
    assert "request_failed" not in (net.directory / "node0" / "log").read_text()


# ── callers that take their time, or do not stop ─────────────────────────────────────────────────────────


def connect(net: Devnet, stack: ExitStack) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", node_of(net).public_port), timeout=30)
    stack.callback(sock.close)
    return sock


def is_cut(sock: socket.socket) -> bool:
    """Return whether the node ends the connection within the time-out of the socket."""
    try:
        while sock.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def test_heads_that_never_end_are_cut_off(net: Devnet) -> None:
    with unharmed(net), ExitStack() as stack:
        slow = [connect(net, stack) for _ in range(200)]
        for i, sock in enumerate(slow):
            sock.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n"[: i % 36])
        for _ in range(3):
            time.sleep(1)
            for sock in slow:
                with suppress(ConnectionError):  # what is no head at all is refused at once
                    sock.sendall(b"X-Slow: 1\r\n")
            assert get(node_of(net), "/health")["is_healthy"]
        assert all(is_cut(sock) for sock in slow)


def test_a_head_without_bound_is_cut_off(net: Devnet) -> None:
    with unharmed(net), ExitStack() as stack:
        for line in (b"X-Many: 1\r\n", b"X-Long: " + b"a" * 4_000 + b"\r\n", b"GET /" + b"a" * 4_000):
            sock = connect(net, stack)
            try:
                sock.sendall(b"GET / HTTP/1.1\r\n")
                for _ in range(8 * 1024 * 1024 // len(line)):
                    sock.sendall(line)
            except ConnectionError:
                continue
            assert is_cut(sock)


def goes_on(sock: socket.socket) -> bool:
    """Send a little more of a body; return whether the node still takes it."""
    try:
        sock.sendall(b"1\r\nx\r\n")
    except ConnectionError:
        return False
    return True


def test_a_body_without_end_is_refused_at_its_bound(net: Devnet) -> None:
    head = b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    piece = b"a" * 65_536
    with unharmed(net), ExitStack() as stack:
        socks = [connect(net, stack) for _ in range(4)]
        for sock in socks:
            sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(REQUEST_BYTES_MAX // len(piece) + 1):
            for sock in socks:
                sock.sendall(b"10000\r\n" + piece + b"\r\n")
        assert all(b" 413 " in sock.recv(4_096) for sock in socks)
        wait_for("those who go on are cut off", lambda: not any(goes_on(sock) for sock in socks), 30)
        sock = connect(net, stack)
        sock.sendall(head + b"Content-Length: 99999999999\r\n\r\n")
        assert b" 413 " in sock.recv(4_096)


def post(net: Devnet, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", node_of(net).public_port, timeout=30)
    try:
        connection.request("POST", path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        return answer.status, found
    finally:
        connection.close()


def test_a_batch_of_one_too_many_is_refused_whole(net: Devnet) -> None:
    raws = presign(bytes.fromhex(net.plan.genesis), make_senders(BATCH_TXS_MAX + 1, "none"), 1)
    with unharmed(net):
        status, problem = post(net, "/v1/transactions:batch", batch_body(raws))
        assert (status, problem["code"]) == (413, "too_large")
        status, answer = post(net, "/v1/transactions:batch", batch_body(raws[1:]))
        assert (status, len(answer["verdicts"])) == (200, BATCH_TXS_MAX)
        assert {verdict["code"] for verdict in answer["verdicts"]} == {"not_enough"}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"raws":' * 100_000,
        b'{"raws":["' + b"zz" * 1_000 + b'"]}',
        b'{"raws":["' + b"00" * 4_000_000 + b'"]}',
        b'{"raws":[' + b'"",' * 2_000_000 + b'""]}',
        b'{"raws":[1e999]}',
        b"\xff\xfe",
        b"",
    ],
    ids=["depth", "objects", "no hex", "one long", "many empty", "number", "no text", "nothing"],
)
def test_such_a_body_is_refused(net: Devnet, body: bytes) -> None:
    with unharmed(net):
        status, answer = post(net, "/v1/transactions:batch", body)
        assert status in (400, 413, 422) or {v["code"] for v in answer["verdicts"]} <= {
            "too_large",
            "malformed",
        }


# ── a node that lies ─────────────────────────────────────────────────────────────────────────────────────

Change = Callable[[str, bytes], bytes]


@contextmanager
def liar(truth: NodePlan, change: Change) -> Iterator[str]:
    """Run a node that passes on what another one says, changed; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", truth.public_port, timeout=20)
            connection.request("GET", self.path)
            answer = connection.getresponse()
            body = change(self.path, answer.read())
            connection.close()
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def one_digit_changed(field: str, at: int) -> Change:
    """Return a change of one hex digit of one field of a proof."""

    def change(path: str, body: bytes) -> bytes:
        if "/proof" not in path:
            return body
        reply = msgspec.json.decode(body, type=AccountProof)
        text = getattr(reply, field) or "0"
        place = at % len(text)
        other = "0" if text[place] != "0" else "1"
        forged = text[:place] + other + text[place + 1 :]
        return msgspec.json.encode(msgspec.structs.replace(reply, **{field: forged}))

    return change


def prove(net: Devnet, url: str) -> int:
    """Return the balance a node proves, as a careful client asks for it."""
    address, prefix = net.plan.faucet, net.plan.address_prefix
    with Client(url) as client:
        reply = client.account_proof(address)
    verified = check_account_proof(
        reply, address=parse_address(prefix, address), genesis_hash=bytes.fromhex(net.plan.genesis)
    )
    assert verified.account_value is not None
    return verified.header.height


def test_a_changed_digit_anywhere_in_a_proof_is_refused(net: Devnet) -> None:
    assert prove(net, node_of(net).rest_url) > 0
    fields = ("address", "key", "value", "proof", "header", "seal", "validators", "genesis")
    for field in fields:
        for at in (0, 7, 40, -30, -1):
            with liar(node_of(net), one_digit_changed(field, at)) as url, pytest.raises(Invalid) as caught:
                prove(net, url)
            assert caught.value.code == "proof_invalid", (field, at)


def test_the_command_refuses_the_proof_of_a_liar(net: Devnet) -> None:
    with liar(node_of(net), one_digit_changed("proof", 90)) as url:
        arguments = ("account", net.plan.faucet, "--prove", "--genesis", net.plan.genesis, "--node", url)
        done = chaosnet(*arguments, check=False)
    assert done.returncode == 4, done.stderr
    assert "proof_invalid" in done.stderr
    assert chaosnet(*arguments[:-1], node_of(net).rest_url).returncode == 0


def test_the_proof_of_another_chain_is_refused(net: Devnet, tmp_path: Path) -> None:
    with network(tmp_path / "net", 1, SENDERS, idle_interval_ms=500) as other:
        wait_for("a block of the other chain", lambda: read_total(node_of(other))[0] >= 1)
        with Client(node_of(other).rest_url) as client:
            account = client.account_proof(net.plan.faucet)
        assert account.value is None  # nobody of that address is there
        foreign = msgspec.json.encode(account)
        with liar(node_of(net), lambda path, body: foreign if "/proof" in path else body) as url:
            with pytest.raises(Invalid) as caught:
                prove(net, url)
            assert caught.value.code == "proof_invalid"
