"""The three listeners over a made-up node: what they answer, refuse, bound and hide."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from starlette.types import ASGIApp

from chaosnet.base.errors import Broken, Invalid, Refused, Unavailable
from chaosnet.base.limits import BATCH_TXS_MAX, REQUEST_BYTES_MAX
from chaosnet.rpc import bodies, schema
from chaosnet.rpc.app import admin_app, operator_app, public_app
from chaosnet.rpc.handlers import ADMIN, Asked
from chaosnet.rpc.routes import ROUTES, Route
from tests.fake_backend import ABSENT, HEAD, PRESENT, FakeBackend, id_of

TOKEN = "a token of some length"


class Caller:
    """Asks one app, and keeps what its error hook was told."""

    def __init__(self, kind: str = "public", **options: Any) -> None:
        self.backend = FakeBackend()
        self.errors: list[BaseException] = []
        if kind == "public":
            app = public_app(
                self.backend, submit=options.pop("submit", "public"), on_error=self.errors.append, **options
            )
        elif kind == "operator":
            app = operator_app(self.backend, on_error=self.errors.append)
        else:
            app = admin_app(
                self.backend, submit=options.pop("submit", "admin"), on_error=self.errors.append, **options
            )
        self.app: ASGIApp = app

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:1") as client:
            return await client.request(method, path, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)


def problem(response: httpx.Response, status: int, code: str) -> schema.Problem:
    assert response.headers["content-type"] == "application/problem+json"
    found = msgspec.json.decode(response.content, type=schema.Problem)
    assert (response.status_code, found.status, found.code) == (status, status, code), found
    assert found.title and found.type.endswith(code)
    return found


# ── reads ────────────────────────────────────────────────────────────────────────────────────────────────

PATHS = {
    "block": "/v1/blocks/3",
    "block_transactions": "/v1/blocks/head/transactions?limit=1",
    "transaction": f"/v1/transactions/{id_of('tx 2')}",
    "account": f"/v1/accounts/{ABSENT}",
    "account_transactions": f"/v1/accounts/{PRESENT}/transactions?cursor=2&limit=2",
    "account_proof": f"/v1/accounts/{PRESENT}/proof?height=3&trusted_height=2",
    "search": "/v1/search?q=4",
    "blocks": "/v1/blocks?from=4&limit=2",
}
READS = [route for route in ROUTES if route.method == "GET" and route.name not in ("stream", "metrics")]


@pytest.mark.parametrize("route", READS, ids=lambda route: route.name)
async def test_every_read_answers_its_type(route: Route) -> None:
    response = await Caller().get(PATHS.get(route.name, route.path))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    msgspec.json.decode(response.content, type=route.result)


async def test_arguments_reach_the_node() -> None:
    caller = Caller()
    page = (await caller.get("/v1/blocks?from=4&limit=2")).json()
    assert [block["height"] for block in page["blocks"]] == [4, 3]
    assert page["next"] == 2
    assert (await caller.get("/v1/blocks/final")).json()["summary"]["height"] == HEAD
    proof = (await caller.get(f"/v1/accounts/{PRESENT}/proof?trusted_height=2")).json()
    assert len(proof["set_changes"]) == 1
    page = (await caller.get(f"/v1/accounts/{PRESENT}/transactions?cursor=2&limit=2")).json()
    assert (len(page["transactions"]), page["next"]) == (2, "4")


async def test_amounts_are_strings() -> None:
    account = (await Caller().get(f"/v1/accounts/{PRESENT}")).json()
    assert account["balance"] == "9007199254740993"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/blocks?limit=0",
        "/v1/blocks?limit=101",
        "/v1/blocks?limit=abc",
        "/v1/blocks?limit=",
        "/v1/blocks?limit=1.0",
        "/v1/blocks?limit=1e1",
        "/v1/blocks?limit=%2B1",
        "/v1/blocks?from=null",
        "/v1/blocks?from=-1",
        "/v1/blocks?from=99999999999999999999",
        "/v1/blocks?first=3",
        "/v1/blocks?limit=1&limit=2",
        "/v1/status?x=1",
        "/v1/blocks/tip",
        "/v1/blocks/" + "9" * 20,
        "/v1/blocks/" + "A" * 64,
        "/v1/blocks/3?name=4",
        "/v1/transactions/xyz",
        "/v1/accounts/" + "q" * 91,
        f"/v1/accounts/{PRESENT}/transactions?cursor=" + "1" * 201,
        "/v1/search",
        "/v1/search?q=",
        "/v1/search?q=" + "x" * 201,
        "/v1/stream?kinds=Block",
        "/v1/stream?after=x",
    ],
)
async def test_arguments_outside_their_range_are_refused(path: str) -> None:
    problem(await Caller().get(path), 400, "bad_argument")


async def test_what_is_not_there_is_not_found() -> None:
    caller = Caller()
    problem(await caller.get(f"/v1/transactions/{'0' * 64}"), 404, "not_found")
    problem(await caller.get("/v1/blocks/77"), 404, "not_found")
    problem(await caller.get("/v1/nothing"), 404, "not_found")
    problem(await caller.get("/v1/status/"), 404, "not_found")
    problem(await caller.get("/"), 404, "not_found")
    problem(await caller.get("/v1/accounts/cos1xyz"), 400, "bad_address")


async def test_wrong_method_is_told_the_right_ones() -> None:
    caller = Caller()
    response = await caller.ask("DELETE", "/v1/status")
    problem(response, 405, "bad_method")
    assert response.headers["allow"] == "GET, HEAD"
    response = await caller.get("/v1/transactions:batch")
    problem(response, 405, "bad_method")
    assert response.headers["allow"] == "POST"


async def test_head_has_no_body() -> None:
    caller = Caller()
    for path in ("/v1/status", "/v1/stream", "/health"):
        assert (await caller.ask("HEAD", path)).status_code == 200
    assert caller.backend.hub.readers == 0


# ── health ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("is_healthy", "phase", "alive", "ready"),
    [
        (True, "running", 200, 200),
        (False, "starting", 200, 503),
        (True, "syncing", 200, 503),
        (False, "syncing", 200, 503),
        (False, "halted", 503, 503),
        (False, "running", 503, 503),
        (False, "stopping", 503, 503),
    ],
)
async def test_health_and_readiness(is_healthy: bool, phase: str, alive: int, ready: int) -> None:
    caller = Caller()
    caller.backend.is_healthy, caller.backend.phase = is_healthy, phase
    for path, status in (("/health", alive), ("/ready", ready), ("/v1/health", 200)):
        response = await caller.get(path)
        assert response.status_code == status
        assert response.json()["phase"] == phase


# ── what each listener shows ─────────────────────────────────────────────────────────────────────────────


async def test_addresses_and_metrics_are_for_the_operator() -> None:
    public, operator = Caller(), Caller("operator")
    problem(await public.get("/metrics"), 404, "not_found")
    assert (await public.get("/v1/peers")).json()["peers"][0]["address"] == ""
    assert "10.0.0.7" not in (await public.get("/health")).text
    assert (await operator.get("/v1/peers")).json()["peers"][0]["address"] == "10.0.0.7:4000"
    response = await operator.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "chaosnet_height 5" in response.text


@pytest.mark.parametrize(
    ("kind", "submit", "status"),
    [
        ("public", "public", 202),
        ("public", "admin", 403),
        ("public", "off", 403),
        ("operator", "", 403),
        ("admin", "public", 202),
        ("admin", "admin", 202),
        ("admin", "off", 403),
    ],
)
async def test_submission_is_open_where_it_is_configured(kind: str, submit: str, status: int) -> None:
    caller = Caller(kind, **({"submit": submit} if submit else {}))
    response = await caller.ask("POST", "/v1/transactions", json={"raw": "aa"})
    assert response.status_code == status
    for path in ("/v1/transactions:batch", "/v1/transactions:simulate"):
        body = {"raws": ["aa"]} if path.endswith("batch") else {"raw": "aa"}
        other = await caller.ask("POST", path, json=body)
        assert other.status_code == (200 if status == 202 else 403)
    assert len(caller.backend.submitted) == (2 if status == 202 else 0)
    if status == 403:
        problem(response, 403, "submit_off")


async def test_browsers_may_read_the_public_listener_and_nothing_else() -> None:
    origin = {"origin": "https://example.org"}
    response = await Caller().get("/v1/status", headers=origin)
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    preflight = origin | {"access-control-request-method": "POST"}
    assert (await Caller().ask("OPTIONS", "/v1/transactions", headers=preflight)).status_code == 400
    assert (
        "access-control-allow-origin"
        not in (await Caller("operator").get("/v1/status", headers=origin)).headers
    )
    only = Caller(cors_origins=["https://own.example"])
    assert "access-control-allow-origin" not in (await only.get("/v1/status", headers=origin)).headers


# ── submission ───────────────────────────────────────────────────────────────────────────────────────────


async def test_one_transaction_is_accepted_with_its_id() -> None:
    caller = Caller()
    response = await caller.ask("POST", "/v1/transactions", json={"raw": "0aFF"})
    assert response.status_code == 202
    assert response.json()["code"] == "ok"
    assert caller.backend.submitted == [b"\x0a\xff"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("bad_signature", 422),
        ("nonce_too_low", 422),
        ("already_known", 409),
        ("too_large", 413),
        ("sender_full", 429),
        ("mempool_full", 503),
        ("overloaded", 503),
        ("not_ready", 503),
    ],
)
async def test_refused_transaction_is_a_problem_with_the_code_of_its_verdict(code: str, status: int) -> None:
    caller = Caller()
    caller.backend.verdict = code
    response = await caller.ask("POST", "/v1/transactions", json={"raw": "aa"})
    problem(response, status, code)
    assert ("retry-after" in response.headers) == (status in (429, 503))


async def test_batch_has_a_verdict_for_each_in_order() -> None:
    caller = Caller()
    response = await caller.ask(
        "POST", "/v1/transactions:batch", json={"raws": ["aa", "zz", "b", "bb", "a b "]}
    )
    assert response.status_code == 200
    verdicts = response.json()["verdicts"]
    assert [verdict["code"] for verdict in verdicts] == ["ok", "malformed", "malformed", "ok", "malformed"]
    assert [bool(verdict["id"]) for verdict in verdicts] == [True, False, False, True, False]
    assert caller.backend.submitted == [b"\xaa", b"\xbb"]
    assert (await caller.ask("POST", "/v1/transactions:batch", json={"raws": []})).json() == {"verdicts": []}


async def test_batch_is_bounded() -> None:
    caller = Caller()
    full = {"raws": ["aa" * 260] * BATCH_TXS_MAX}
    assert (
        len((await caller.ask("POST", "/v1/transactions:batch", json=full)).json()["verdicts"])
        == BATCH_TXS_MAX
    )
    over = {"raws": ["aa"] * (BATCH_TXS_MAX + 1)}
    problem(await caller.ask("POST", "/v1/transactions:batch", json=over), 413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"raw": 5}',
        b'{"raw": null}',
        b'{"raw": "aa", "more": 1}',
        b"{}",
        b'{"raw": "xx"}',
        b'{"raw": "abc"}',
        b'{"raw": "\xff"}',
        b"[" * 100_000,
    ],
)
async def test_malformed_bodies_are_refused(body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for path in ("/v1/transactions", "/v1/transactions:simulate"):
        problem(await Caller().ask("POST", path, content=body, headers=headers), 400, "malformed")


async def test_body_that_a_web_page_could_send_is_refused() -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = await Caller().ask(
            "POST", "/v1/transactions", content=b'{"raw": "aa"}', headers={"content-type": kind}
        )
        problem(response, 400, "malformed")


async def test_body_is_bounded_while_it_comes() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b" " * 65_536

    headers = {"content-type": "application/json"}
    caller = Caller()
    response = await caller.ask("POST", "/v1/transactions:batch", content=endless(), headers=headers)
    problem(response, 413, "too_large")
    assert taken <= REQUEST_BYTES_MAX // 65_536 + 1
    assert response.headers["connection"] == "close"
    announced = headers | {"content-length": str(REQUEST_BYTES_MAX + 1)}
    response = await caller.ask("POST", "/v1/transactions:batch", content=b"{}", headers=announced)
    problem(response, 413, "too_large")


async def test_bodies_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODIES_BYTES_MAX", 30)
    caller = Caller()
    started, finish = asyncio.Event(), asyncio.Event()

    async def wait(raws: list[bytes]) -> list[schema.Verdict]:
        started.set()
        await finish.wait()
        return [schema.Verdict(id="", code="ok")]

    caller.backend.submit = wait  # type: ignore[method-assign]
    first = asyncio.create_task(caller.ask("POST", "/v1/transactions", json={"raw": "aa" * 5}))
    await started.wait()
    problem(await caller.ask("POST", "/v1/transactions", json={"raw": "aa" * 5}), 503, "overloaded")
    finish.set()
    assert (await first).status_code == 202
    assert (await caller.ask("POST", "/v1/transactions", json={"raw": "aa" * 5})).status_code == 202


async def test_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_MS_MAX", 1)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"content-type": "application/json"}
    problem(await Caller().ask("POST", "/v1/transactions", content=never(), headers=headers), 503, "timeout")


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Invalid("bad_argument"), 400, "bad_argument"),
        (Invalid("bad_evidence"), 422, "bad_evidence"),
        (Refused("not_a_member"), 409, "not_a_member"),
        (Unavailable("disk_full", retry_after_ms=2_500), 503, "disk_full"),
        (Unavailable("not_ready"), 503, "not_ready"),
    ],
)
async def test_expected_failures_keep_their_code(error: Exception, status: int, code: str) -> None:
    caller = Caller()
    caller.backend.failure = error
    response = await caller.get("/v1/status")
    problem(response, status, code)
    assert not caller.errors
    if isinstance(error, Unavailable):
        assert response.headers["retry-after"] == str(-(-error.retry_after_ms // 1000))


@pytest.mark.parametrize("error", [KeyError("secret"), Broken("supply_changed", "secret")])
async def test_own_faults_are_reported_inside_and_hidden_outside(error: Exception) -> None:
    caller = Caller()
    caller.backend.failure = error
    response = await caller.get("/v1/status")
    problem(response, 500, "internal")
    assert "secret" not in response.text and "Traceback" not in response.text
    assert caller.errors == [error]


# ── administration ───────────────────────────────────────────────────────────────────────────────────────


async def test_administration_over_tcp_needs_the_token() -> None:
    caller = Caller("admin", token=TOKEN)
    good = {"authorization": f"Bearer {TOKEN}"}
    assert (await caller.get("/v1/status", headers=good)).status_code == 200
    for wrong in (
        {},
        {"authorization": TOKEN},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": b"\xe9"},
    ):
        response = await caller.get("/v1/status", headers=wrong)
        problem(response, 401, "bad_token")
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:80"},
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
        {"origin": "http://localhost"},
        {"origin": "null"},
    ],
)
async def test_administration_over_tcp_refuses_web_pages(headers: dict[str, str]) -> None:
    caller = Caller("admin", token=TOKEN)
    response = await caller.get("/v1/status", headers={"authorization": f"Bearer {TOKEN}"} | headers)
    problem(response, 403, "bad_origin")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:9", "[::1]", "LOCALHOST:1"])
async def test_administration_over_tcp_answers_under_loopback_names(host: str) -> None:
    caller = Caller("admin", token=TOKEN)
    response = await caller.get("/v1/status", headers={"authorization": f"Bearer {TOKEN}", "host": host})
    assert response.status_code == 200


def test_short_token_is_refused() -> None:
    with pytest.raises(Invalid, match="16 characters"):
        Caller("admin", token="short")


async def test_further_actions_are_mounted_and_described() -> None:
    async def stop(asked: Asked[schema.SubmitRequest]) -> schema.Verdict:
        """Stop the node."""
        return schema.Verdict(id=asked.given.raw, code="ok")

    action = Route(
        name="stop",
        method="POST",
        path="/v1/admin/stop",
        call=stop,
        result=schema.Verdict,
        body=schema.SubmitRequest,
        listeners=(ADMIN,),
    )
    caller = Caller("admin", actions=[action])
    assert (await caller.ask("POST", "/v1/admin/stop", json={"raw": "now"})).json()["id"] == "now"
    assert "/v1/admin/stop" in (await caller.get("/openapi.json")).json()["paths"]
