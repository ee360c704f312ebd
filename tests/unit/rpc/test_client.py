"""Both clients against the app, and against nodes that lie, break off or are not there."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from hashlib import sha256

import httpx
import pytest

from chaosnet.base.errors import ChaosError, Invalid, Refused, Unavailable
from chaosnet.base.limits import BATCH_TXS_MAX
from chaosnet.rpc import schema
from chaosnet.rpc.app import operator_app, public_app
from chaosnet.rpc.client import AsyncClient, Client, blocking
from chaosnet.rpc.client.calls import StreamReader
from chaosnet.rpc.routes import ROUTES
from chaosnet.rpc.sse import encode_event, encode_start
from tests.fake_backend import ABSENT, HEAD, PRESENT, FakeBackend, id_of


def ignore(error: BaseException) -> None:
    raise error


def client_of(backend: FakeBackend, *, submit: str = "public") -> AsyncClient:
    app = public_app(backend, submit=submit, on_error=ignore)
    return AsyncClient("http://node", transport=httpx.ASGITransport(app=app))


def always(response: httpx.Response) -> Client:
    return answering(lambda _: response)


def answering(answer: Callable[[httpx.Request], httpx.Response], **more: str) -> Client:
    return Client("http://node", transport=httpx.MockTransport(answer), **more)  # type: ignore[arg-type]


async def test_every_route_has_a_method_that_returns_its_type() -> None:
    methods = {"alive": "ready"}  # the same document at two places
    for route in ROUTES:
        method = getattr(AsyncClient, methods.get(route.name, route.name))
        wanted = inspect.signature(method).return_annotation
        if route.name not in ("stream", "submit_batch"):
            assert wanted == route.result, route.name


def test_both_clients_have_the_same_methods() -> None:
    def signatures(kind: type) -> dict[str, list[str]]:
        methods = {n: m for n, m in vars(kind).items() if not n.startswith("_") and callable(m)}
        return {name: list(inspect.signature(method).parameters) for name, method in methods.items()}

    assert signatures(Client) == signatures(AsyncClient)


async def test_reads() -> None:
    async with client_of(FakeBackend()) as node:
        assert (await node.status()).height == HEAD
        assert (await node.health()).is_healthy
        assert (await node.ready()).phase == "running"
        assert (await node.peers()).peers[0].member == "beta"
        assert (await node.params()).schedule == [{"height": 1, "engine": "pbft"}]
        assert (await node.genesis()).document["chain_name"] == "fake"
        assert (await node.openapi())["openapi"] == "3.1.0"
        page = await node.blocks(3, 2)
        assert ([block.height for block in page.blocks], page.next) == ([3, 2], 1)
        assert (await node.blocks()).blocks[0].height == HEAD
        for name in (2, "2", id_of("block 2")):
            assert (await node.block(name)).summary.height == 2
        assert len((await node.block_transactions("head")).transactions) == 1
        assert (await node.block_transactions(2, 1)).transactions == []
        assert (await node.transaction(id_of("tx 2"))).height == 2
        assert (await node.account(PRESENT)).exists
        assert not (await node.account(ABSENT)).exists
        first = await node.account_transactions(PRESENT, limit=2)
        assert len((await node.account_transactions(PRESENT, first.next, 4)).transactions) == 3
        assert (await node.account_proof(PRESENT, 3, 2)).set_changes
        assert (await node.search("4 & more")).kind == "none"
        assert (await node.evidence()).evidence == []
        validators = await node.validators(1, 3)
        assert ([v.name for v in validators.validators], validators.next) == (["beta", "gamma", "delta"], 4)
        assert len((await node.validators()).validators) == 6
        assert len((await node.tree()).blocks) == 8
        assert len((await node.delegations(PRESENT)).delegations) == 2
        assert (await node.delegations(ABSENT)).delegations == []


async def test_metrics_of_the_operator() -> None:
    app = operator_app(FakeBackend(), on_error=ignore)
    async with AsyncClient("http://node", transport=httpx.ASGITransport(app=app)) as node:
        assert "chaosnet_height 5" in await node.metrics()


async def test_not_ready_is_an_answer_and_no_failure() -> None:
    backend = FakeBackend()
    backend.is_healthy, backend.phase = False, "halted"
    async with client_of(backend) as node:
        assert (await node.ready()).phase == "halted"


async def test_submission() -> None:
    backend = FakeBackend()
    async with client_of(backend) as node:
        assert (await node.submit(b"\x01")).id == sha256(b"\x01").hexdigest()
        verdicts = await node.submit_batch([b"\x02", b"\x03"])
        assert [verdict.code for verdict in verdicts] == ["ok", "ok"]
        assert (await node.simulate(b"\x04")).gas == 21
        assert backend.submitted == [b"\x01", b"\x02", b"\x03"]
        with pytest.raises(Invalid, match="too_large"):
            await node.submit_batch([b"\x01"] * (BATCH_TXS_MAX + 1))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("bad_signature", Invalid),
        ("already_known", Refused),
        ("mempool_full", Unavailable),
        ("sender_full", Unavailable),
    ],
)
async def test_refusal_is_raised_with_the_node_s_code(code: str, kind: type[ChaosError]) -> None:
    backend = FakeBackend()
    backend.verdict = code
    async with client_of(backend) as node:
        with pytest.raises(kind) as caught:
            await node.submit(b"\x01")
    assert caught.value.code == code


async def test_closed_submission_and_unknown_names_are_raised() -> None:
    async with client_of(FakeBackend(), submit="off") as node:
        with pytest.raises(Refused, match="submit_off"):
            await node.submit(b"\x01")
        for name in ("77", "a/b", "..", "", "?x=1", "tip#"):
            with pytest.raises(Invalid):
                await node.block(name)


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_waiting_ends_when_the_transaction_is_in_a_block() -> None:
    backend = FakeBackend()
    asked = 0
    tx_id = id_of("tx 2")
    find = backend.transaction

    async def transaction(given: str) -> schema.Transaction:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise Invalid("not_found")
        if asked == 2:
            return schema.Transaction(id=given, status="pending", raw="00", body={})
        return await find(given)

    backend.transaction = transaction  # type: ignore[assignment,method-assign]
    async with client_of(backend) as node:
        assert (await node.wait_for_transaction(tx_id)).height == 2
    assert asked == 3


async def test_waiting_is_bounded() -> None:
    async with client_of(FakeBackend()) as node:
        with pytest.raises(Unavailable, match="timeout"):
            await node.wait_for_transaction("0" * 64, timeout_ms=1)
        with pytest.raises(Invalid, match="bad_argument"):
            await node.wait_for_transaction("no id", timeout_ms=60_000)


# ── nodes that are not there, or lie ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "unix:///nowhere/chaosnet.sock"])
async def test_node_that_cannot_be_reached(url: str) -> None:
    with Client(url) as node, pytest.raises(Unavailable) as caught:
        node.status()
    assert caught.value.code == "connection"
    async with AsyncClient(url) as other:
        with pytest.raises(Unavailable, match="connection"):
            await other.status()


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://", "unix://"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        Client(url)


def test_silence_is_a_timeout() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    with answering(silent) as node, pytest.raises(Unavailable, match="timeout"):
        node.status()


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (httpx.Response(200, content=b"{}", headers={"content-type": "application/json"}), "malformed"),
        (httpx.Response(200, content=b"<html>"), "malformed"),
        (httpx.Response(200, content=b"[" * 100_000), "malformed"),
        (httpx.Response(502, content=b"<html>bad gateway"), "connection"),
        (httpx.Response(302, headers={"location": "http://elsewhere"}), "connection"),
        (
            httpx.Response(400, content=b"?", headers={"content-type": "application/problem+json"}),
            "connection",
        ),
    ],
)
def test_answers_that_are_none_of_a_node(response: httpx.Response, code: str) -> None:
    with always(response) as node, pytest.raises(ChaosError) as caught:
        node.status()
    assert caught.value.code == code


def test_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "RESPONSE_BYTES_MAX", 100)

    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 30

    with always(httpx.Response(200, content=endless())) as node, pytest.raises(Invalid, match="too_large"):
        node.status()


def test_retry_after_is_handed_on() -> None:
    problem = schema.Problem(type="", title="", status=503, code="overloaded")
    content = httpx.Response(
        503,
        json={"type": "", "title": "", "status": 503, "code": problem.code},
        headers={"content-type": "application/problem+json", "retry-after": "7"},
    )
    with always(content) as node, pytest.raises(Unavailable) as caught:
        node.status()
    assert (caught.value.code, caught.value.retry_after_ms) == ("overloaded", 7_000)


def test_token_is_sent_with_each_request() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"is_healthy": True, "phase": "running"})

    for more in ({"token": "secret"}, {}):
        with answering(answer, **more) as node:
            node.health()
    assert seen == ["Bearer secret", None]


# ── the stream ───────────────────────────────────────────────────────────────────────────────────────────


def final(id: int) -> bytes:
    return encode_event(id, "final", b'{"event":"final","height":%d,"id":""}' % id)


class Scripted:
    """A node whose stream breaks off after each of these parts."""

    def __init__(self, *parts: bytes | httpx.Response | Exception) -> None:
        self._parts = list(parts)
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url.query, "ascii"))
        part = self._parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return httpx.Response(200, content=part) if isinstance(part, bytes) else part


def refusal(status: int, code: str) -> httpx.Response:
    problem = {"type": "", "title": "", "status": status, "code": code}
    return httpx.Response(status, json=problem, headers={"content-type": "application/problem+json"})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses the clients would have made."""
    made: list[float] = []

    async def pause(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr("chaosnet.rpc.client.blocking.time.sleep", made.append)
    monkeypatch.setattr("chaosnet.rpc.client.asynchronous.asyncio.sleep", pause)
    return made


def test_broken_stream_is_resumed_where_it_ended(pauses: list[float]) -> None:
    script = Scripted(
        encode_start(4, 500) + final(5) + final(6)[:20],
        httpx.ConnectError("down"),
        refusal(429, "rate_limited"),
        final(6) + encode_event(7, "closed", b'{"event":"closed","code":"overloaded"}'),
        final(8) + encode_event(9, "newer", b"?"),
        refusal(404, "not_found"),
    )
    seen = []
    with answering(script) as node, pytest.raises(Invalid, match="not_found"):
        for event_id, event in node.stream(kinds=("final", "reorg")):
            assert isinstance(event, schema.FinalEvent)
            seen.append((event_id, event.height))
    assert seen == [(5, 5), (6, 6), (8, 8)]
    assert [query.rpartition("kinds")[0] for query in script.asked] == [
        "",
        "after=5&",
        "after=5&",
        "after=5&",
        "after=7&",
        "after=9&",
    ]
    # The server's hint, growing while nothing comes; what a refusal asks for counts too.
    assert pauses == [0.5, 1.0, 2.0, 0.5, 0.5]


async def test_asynchronous_stream_is_resumed_too(pauses: list[float]) -> None:
    script = Scripted(final(5), httpx.ConnectError("down"), final(6), refusal(404, "not_found"))
    seen = []
    async with AsyncClient("http://node", transport=httpx.MockTransport(script)) as node:
        with pytest.raises(Invalid, match="not_found"):
            async for event_id, _ in node.stream(4):
                seen.append(event_id)
    assert seen == [5, 6]
    assert script.asked == ["after=4", "after=5", "after=5", "after=6"]


def test_stream_without_resume_ends_with_its_connection() -> None:
    with answering(Scripted(final(5))) as node:
        assert [event_id for event_id, _ in node.stream(resume=False)] == [5]
    with answering(Scripted(httpx.ConnectError("down"))) as node, pytest.raises(Unavailable):
        list(node.stream(resume=False))


def test_pause_grows_to_its_bound() -> None:
    reader = StreamReader(None, ())
    pauses = [reader.pause_ms(Unavailable("connection")) for _ in range(20)]
    assert pauses[:5] == [1_000, 2_000, 4_000, 8_000, 10_000]
    assert pauses[-1] == 10_000
    reader.feed(b":\n\n")
    assert reader.pause_ms(None) == 1_000


def test_malformed_event_is_refused() -> None:
    for data in (b"{}", b"[]", b'{"event":"final"}', b'{"event":"final","height":"x","id":""}'):
        with pytest.raises(Invalid, match="malformed"):
            StreamReader(None, ()).feed(encode_event(1, "final", data))


async def test_stream_may_be_left_at_any_time() -> None:
    script = Scripted(final(5) + final(6))
    async with AsyncClient("http://node", transport=httpx.MockTransport(script)) as node:
        events = node.stream()
        async for event_id, _ in events:
            assert event_id == 5
            break
        await asyncio.sleep(0)
        await events.aclose()  # type: ignore[attr-defined]
