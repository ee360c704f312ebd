"""What the routes of contracts and tokens answer, over a made-up node."""

import httpx
import msgspec
import pytest

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.rpc import schema
from chaosnet.rpc.app import public_app
from chaosnet.rpc.client import AsyncClient
from chaosnet.rpc.client.contract_calls import key_text
from tests.fake_backend import ABSENT, FakeBackend
from tests.fake_contracts import BOX, MAKER, TOKEN, TX
from tests.unit.rpc.caller import Caller, problem


async def test_a_question_reaches_the_contract() -> None:
    caller = Caller()
    body = {"method": "get", "args": [{"$int": "9007199254740993"}], "gas": 50_000}
    answer = await caller.ask("POST", f"/v1/contracts/{BOX}/query", json=body)
    assert answer.json()["value"] == {"$int": "9007199254740993"}
    assert caller.backend.asked == [
        schema.Query(method="get", args=[{"$int": "9007199254740993"}], gas=50_000)
    ]


async def test_a_busy_node_says_so() -> None:
    caller = Caller()
    caller.backend.is_busy = True
    answer = await caller.ask("POST", f"/v1/contracts/{BOX}/query", json={"method": "get", "args": []})
    problem(answer, 503, "overloaded")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"/v1/contracts/{ABSENT}", "no_contract"),
        ("/v1/contracts/nobody", "bad_address"),
        (f"/v1/contracts/{'x' * 91}", "bad_argument"),
        (f"/v1/contracts/{BOX}/storage?prefix=names", "bad_argument"),
        (f"/v1/contracts/{BOX}/storage?prefix=%7B%7D", "bad_argument"),
        (f"/v1/contracts/{BOX}/storage?after={'%5B' * 500}", "bad_argument"),
        (f"/v1/contracts/{BOX}/storage?prefix={'x' * 1_001}", "bad_argument"),
        (f"/v1/contracts/{BOX}/storage?limit=0", "bad_argument"),
        (f"/v1/contracts/{BOX}/storage/names/proof", "bad_argument"),
        (f"/v1/contracts/{BOX}/storage/names", "bad_argument"),
        (f"/v1/contracts/{BOX}/storage/%5B%22names%22%5D", "not_found"),
        ("/v1/contracts/nobody/events", "bad_address"),
        (f"/v1/contracts/{BOX}/events?name=", "bad_argument"),
        ("/v1/events?name=Put", "bad_argument"),
        (f"/v1/events?contract={BOX}&name={'x' * 65}", "bad_argument"),
        (f"/v1/events/{TX}/64/proof", "bad_argument"),
        (f"/v1/events/{TX}/-1/proof", "bad_argument"),
        (f"/v1/events/{TX}/1/proof", "not_found"),
        ("/v1/tokens/zz", "bad_argument"),
        (f"/v1/tokens/{TX}", "no_token"),
        (f"/v1/tokens/{TX}/holders", "no_token"),
        (f"/v1/tokens/{TX}/transfers", "no_token"),
        ("/v1/accounts/nobody/tokens", "bad_address"),
        ("/v1/contracts?cursor=" + "x" * 201, "bad_argument"),
    ],
)
async def test_bad_arguments_are_named(path: str, code: str) -> None:
    answer = await Caller().get(path)
    problem(answer, 404 if code in ("not_found", "no_contract", "no_token") else 400, code)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"method": 1, "args": []}', b'{"method": "get"}', b'{"args": []}', b'"x"']
)
async def test_a_malformed_question_is_refused(body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = await Caller().ask("POST", f"/v1/contracts/{BOX}/query", content=body, headers=headers)
    problem(answer, 400, "malformed")


async def test_the_client_asks_all_of_it() -> None:
    app = public_app(FakeBackend(), submit="public", on_error=lambda _: None)
    async with AsyncClient("http://node", transport=httpx.ASGITransport(app=app)) as node:
        assert [c.name for c in (await node.contracts()).contracts] == ["Box"]
        assert (await node.contract(BOX)).interface["doc"] == "Keeps numbers."
        page = await node.contract_storage(BOX, ["names"], limit=30)
        assert (len(page.entries), page.next) == (30, '["names","n/29"]')
        assert len((await node.contract_storage(BOX, ["names"], page.next, 30)).entries) == 10
        assert (await node.contract_storage(BOX, ["count"])).entries == []
        assert (await node.storage_entry(BOX, ["names", "n/07"])).key == ["names", "n/07"]
        with pytest.raises(Invalid, match="not_found"):
            await node.storage_entry(BOX, ["names", "n/77"])
        assert (await node.storage_proof(BOX, ["names", "n/00"], 3)).storage_key == ["names", "n/00"]
        first = await node.events(BOX, "Put", limit=30)
        assert len((await node.events(BOX, "Put", first.next, 30)).events) == 10
        assert (await node.event_proof(TX, 0)).event_index == 0
        assert (await node.query(BOX, schema.Query(method="get", args=[]))).code == "ok"
        assert (await node.tokens()).tokens[0].symbol == "BOX"
        assert (await node.token(TOKEN)).reserve is not None
        assert [h.holder for h in (await node.token_holders(TOKEN)).holdings] == [MAKER, BOX]
        assert [t.to for t in (await node.token_transfers(TOKEN, limit=1)).transfers] == [BOX]
        assert (await node.account_tokens(ABSENT)).holdings == []
        with pytest.raises(Invalid, match="no_contract"):
            await node.contract(ABSENT)


async def test_the_client_tells_a_busy_node_from_a_wrong_question() -> None:
    node = FakeBackend()
    node.is_busy = True
    app = public_app(node, submit="public", on_error=lambda _: None)
    async with AsyncClient("http://node", transport=httpx.ASGITransport(app=app)) as client:
        with pytest.raises(Unavailable, match="overloaded"):
            await client.query(BOX, schema.Query(method="get", args=[]))


def test_a_key_in_a_path_has_no_slash() -> None:
    text = key_text(["names", "a/b", 3, {"$bytes": "00"}])
    assert "/" not in text
    assert msgspec.json.decode(text) == ["names", "a/b", 3, {"$bytes": "00"}]
