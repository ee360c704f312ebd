"""What the routes answer, over a made-up node."""

from urllib.parse import quote

import msgspec
import pytest

from chaosnet.base.limits import BATCH_TXS_MAX
from chaosnet.rpc import schema
from chaosnet.rpc.client.contract_calls import key_text
from chaosnet.rpc.route import Route
from chaosnet.rpc.routes import ROUTES
from tests.fake_backend import ABSENT, HEAD, PRESENT, id_of
from tests.fake_contracts import BOX, MAKER, TOKEN, TX
from tests.unit.rpc.caller import Caller, problem

# ── reads ────────────────────────────────────────────────────────────────────────────────────────────────

KEY = quote(key_text(["names", "n/00"]))
PATHS = {
    "block": "/v1/blocks/3",
    "block_transactions": "/v1/blocks/head/transactions?limit=1",
    "transaction": f"/v1/transactions/{id_of('tx 2')}",
    "account": f"/v1/accounts/{ABSENT}",
    "account_transactions": f"/v1/accounts/{PRESENT}/transactions?cursor=2&limit=2",
    "account_proof": f"/v1/accounts/{PRESENT}/proof?height=3&trusted_height=2",
    "search": "/v1/search?q=4",
    "blocks": "/v1/blocks?from=4&limit=2",
    "validators": "/v1/validators?from=1&limit=2",
    "delegations": f"/v1/delegations/{PRESENT}",
    "contract": f"/v1/contracts/{BOX}",
    "contract_storage": f"/v1/contracts/{BOX}/storage?limit=2",
    "storage_proof": f"/v1/contracts/{BOX}/storage/{KEY}/proof?height=3",
    "storage_entry": f"/v1/contracts/{BOX}/storage/{KEY}",
    "contract_events": f"/v1/contracts/{BOX}/events?name=Put",
    "events": f"/v1/events?contract={BOX}&name=Put&limit=2",
    "event_proof": f"/v1/events/{TX}/0/proof?trusted_height=2",
    "token": f"/v1/tokens/{TOKEN}",
    "token_holders": f"/v1/tokens/{TOKEN}/holders",
    "token_transfers": f"/v1/tokens/{TOKEN}/transfers",
    "account_tokens": f"/v1/accounts/{MAKER}/tokens",
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
        "/v1/validators?limit=1201",
        "/v1/validators?from=-1",
        "/v1/tree?limit=3",
        "/v1/delegations/" + "q" * 91,
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


async def test_a_node_in_doubt_is_alive_and_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller()
    told = schema.Health(is_healthy=False, phase="running", code="untrusted", reason="pin a block")
    monkeypatch.setattr(caller.backend, "health", lambda: told)
    assert (await caller.get("/health")).status_code == 200
    ready = await caller.get("/ready")
    assert (ready.status_code, ready.json()["code"], ready.json()["reason"]) == (
        503,
        "untrusted",
        "pin a block",
    )


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
