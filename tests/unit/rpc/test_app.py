"""The three listeners over a made-up node: what they answer, refuse, bound and hide."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chaosnet.base.errors import Broken, Invalid, Refused, Unavailable
from chaosnet.base.limits import REQUEST_BYTES_MAX
from chaosnet.rpc import bodies, schema
from chaosnet.rpc.handlers import ADMIN, Asked
from chaosnet.rpc.route import Route
from tests.unit.rpc.caller import Caller, problem

TOKEN = "a token of some length"


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


async def test_pages_may_use_the_public_listener_and_no_other() -> None:
    origin = {"origin": "https://example.org"}
    response = await Caller().get("/v1/status", headers=origin)
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    json = {"access-control-request-headers": "content-type"}
    preflight = origin | json | {"access-control-request-method": "POST"}
    for path in ("/v1/transactions", "/v1/contracts/any/query"):
        assert (await Caller().ask("OPTIONS", path, headers=preflight)).status_code == 200
        assert (await Caller("operator").ask("OPTIONS", path, headers=preflight)).status_code >= 400
    preflight["access-control-request-method"] = "DELETE"
    assert (await Caller().ask("OPTIONS", "/v1/transactions", headers=preflight)).status_code == 400
    assert (
        "access-control-allow-origin"
        not in (await Caller("operator").get("/v1/status", headers=origin)).headers
    )
    only = Caller(cors_origins=["https://own.example"])
    assert "access-control-allow-origin" not in (await only.get("/v1/status", headers=origin)).headers


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────


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


async def test_time_out_inside_the_node_is_not_the_caller_s() -> None:
    caller = Caller()
    caller.backend.failure = TimeoutError()
    problem(await caller.ask("POST", "/v1/transactions", json={"raw": "aa"}), 500, "internal")
    assert caller.errors == [caller.backend.failure]


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
