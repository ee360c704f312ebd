"""What holds on every page: safety headers, escaping, errors that help, and the site's own health."""

import asyncio
import re
from typing import Any

import httpx
import msgspec
import pytest

from chaosnet.base.errors import Invalid
from chaosnet.rpc.schema import Health
from explorer import feed as feeds
from explorer.app import create_app
from explorer.feed import Reader
from tests.fake_backend import PRESENT
from tests.unit.explorer.made_node import ALICE, HOSTILE, MadeNode
from tests.unit.explorer.site import Site, Tags, text_of


def hostile_node() -> MadeNode:
    node = MadeNode(HOSTILE[:40], chain=HOSTILE)
    node.memo = HOSTILE
    node.grow(2)
    validators = [
        msgspec.structs.replace(v, name=HOSTILE, operator=HOSTILE) for v in node.validator_list.validators
    ]
    node.validator_list = msgspec.structs.replace(
        node.validator_list, engine=HOSTILE, leader=HOSTILE, leader_name=HOSTILE, validators=validators
    )
    blocks = [
        msgspec.structs.replace(b, proposer=HOSTILE, proposer_name=HOSTILE, id=HOSTILE + b.id[:4])
        for b in node.block_tree.blocks
    ]
    node.block_tree = msgspec.structs.replace(node.block_tree, finality=HOSTILE, blocks=blocks)
    bonds = [
        msgspec.structs.replace(b, name=HOSTILE, operator=HOSTILE) for b in node.delegation_list.delegations
    ]
    node.delegation_list = msgspec.structs.replace(node.delegation_list, delegations=bonds)
    node.be_wrong(Health(is_healthy=False, phase=HOSTILE, code=HOSTILE, reason=HOSTILE, since_ms=1))
    return node


def paths_of(node: MadeNode) -> list[str]:
    return [
        "/",
        "/blocks",
        "/block/1",
        f"/tx/{node.tx_id(1, 0)}",
        f"/address/{ALICE}",
        "/nodes",
        "/tree",
        "/validators",
        f"/address/{PRESENT}",
        "/block/99",
        "/tx/zz",
        "/nowhere",
    ]


async def site_of(node: MadeNode) -> Site:
    site = Site.__new__(Site)
    node_name, node.name = node.name, "alpha"
    Site.__init__(site, node)
    node.name = node_name
    return await site.start()


async def test_policy_allows_nothing_but_the_sites_own_files() -> None:
    node = MadeNode()
    node.grow(1)
    site = await Site(node).start()
    for path in [*paths_of(node), "/health", "/static/live.js", "/favicon.ico", "/static/none.js"]:
        response = await site.get(path)
        policy = dict(
            part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in str(policy)
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_pages_need_nothing_that_the_policy_forbids() -> None:
    node = MadeNode()
    node.grow(1)
    site = await Site(node).start()
    for path in paths_of(node):
        tags = Tags((await site.get(path)).text)
        for tag, attrs in tags.found:
            assert tag not in ("style", "iframe", "object", "embed", "base", "form") or tag == "form"
            assert not [name for name in attrs if name.startswith("on") or name == "style"], (
                path,
                tag,
                attrs,
            )
        for script in tags.of("script"):
            assert (script["src"] or "").startswith("/static/")
        for attrs in [*tags.of("a"), *tags.of("link"), *tags.of("form")]:
            target = attrs.get("href") or attrs.get("action") or ""
            assert re.match(r"[/?#](?!/)", target), target


async def test_hostile_text_stays_text() -> None:
    node = hostile_node()
    site = await site_of(node)
    for path in [
        *paths_of(node),
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/%3Cscript%3E",
        "/blocks?from=%3Cscript%3E",
    ]:
        html = (await site.get(path)).text
        assert len(Tags(html).of("script")) == 1, path
        assert "49" not in text_of(html) or "{{ 7*7 }}" in text_of(html)
        assert not [attrs for _, attrs in Tags(html).found if "onload" in attrs]
    assert HOSTILE in "".join(Tags(await site.page(f"/tx/{node.tx_id(1, 0)}")).words)
    assert HOSTILE in " ".join(Tags(await site.page("/nodes")).words)


async def test_hostile_text_stays_text_in_the_stream() -> None:
    site = await site_of(hostile_node())
    reader = site.feed.subscribe(["state", "block", "transactions"], "en", after=site.feed.oldest_id - 1)
    await reader.next_chunk()
    chunk = await reader.next_chunk()
    assert b"&lt;script&gt;" in chunk
    assert b"<script" not in chunk


@pytest.mark.parametrize(
    "path",
    [
        "/block/x",
        "/block/-1",
        "/block/99999999999999999999999999",
        "/block/" + "a" * 5_000,
        "/block/%00",
        "/block/..%2f..%2fetc",
        "/tx/1",
        "/tx/" + "g" * 64,
        "/tx/" + "ab" * 32,
        "/address/nobody",
        "/address/cos1" + "q" * 59,
        "/address/" + "a" * 91,
        f"/address/{ALICE}?cursor=%0a",
        "/nowhere",
        "/static/../app.py",
        "/static/app.py",
    ],
)
async def test_unknown_things_are_404_with_a_way_on(path: str) -> None:
    site = await Site(MadeNode()).start()
    html = await site.page(path, 404)
    assert "What could help" in html
    assert "/" in Tags(html).links()
    assert not [link for link in Tags(html).links() if link.startswith("//")]
    assert len(html) < 10_000
    assert not site.faults


async def test_block_to_come_is_told_apart() -> None:
    node = MadeNode()
    node.grow(0)
    site = await Site(node).start()
    assert "The newest block is 1; this one is not made yet." in text_of(await site.page("/block/2", 404))


async def test_unknown_transaction_is_waited_for() -> None:
    site = await Site(MadeNode()).start()
    html = await site.page("/tx/" + "AB" * 32, 404)
    assert Tags(html).of("main")[0]["data-tx"] == "ab" * 32
    assert "this page shows it as soon as a node has it" in html


async def test_wrong_method() -> None:
    site = await Site(MadeNode()).start()
    response = await site.get("/")
    assert response.status_code == 200
    transport = httpx.ASGITransport(site.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://explorer") as client:
        assert (await client.head("/live")).status_code == 200
        assert (await client.post("/blocks")).status_code == 405
        assert (await client.head("/blocks")).status_code == 200


async def test_without_a_node_the_page_says_since_when_and_tries_again() -> None:
    node = MadeNode()
    for _ in range(7):
        node.grow()
    site = await Site(node).start()
    site.cut("alpha")
    await site.start()
    for path in ("/", "/blocks", "/block/1", f"/address/{ALICE}", "/search?q=3"):
        response = await site.get(path)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        refresh = next(m for m in Tags(response.text).of("meta") if m.get("http-equiv") == "refresh")
        assert refresh["content"] == "5"
        text = text_of(response.text)
        assert re.search(r"reachable since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)
        assert "The newest block seen before was 7." in text
    assert "No node answers." in text_of(await site.page("/nodes"))
    site.mend("alpha")
    await site.start()
    await site.page("/")


async def test_site_that_never_saw_a_node_still_speaks() -> None:
    site = Site(MadeNode())
    site.cut("alpha")
    await site.start()
    assert "No node answers" in await site.page("/", 503)
    await site.page("/nodes")
    await site.page("/nowhere", 404)


async def test_own_fault_is_a_page_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    node = MadeNode()
    site = await Site(node).start()
    monkeypatch.setattr(site.board, "transactions", [object()])
    response = await site.get("/")
    assert response.status_code == 500
    assert "The fault is on this side" in response.text
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "fault at /" in caplog.text


async def test_own_health() -> None:
    node = MadeNode()
    site = await Site(node, MadeNode("beta")).start()
    site.cut("beta")
    await site.start()
    response = await site.get("/health")
    report = response.json()
    assert (response.status_code, report["is_healthy"], report["height"]) == (200, True, 0)
    assert [(n["name"], n["is_reachable"], n["problem"]) for n in report["nodes"]] == [
        ("alpha", True, ""),
        ("beta", False, "connection"),
    ]
    site.cut("alpha")
    await site.start()
    response = await site.get("/health")
    assert (response.status_code, response.json()["reason"]) == (503, "no node is reachable")


async def test_too_many_watchers_are_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "READERS_MAX", 0)
    site = await Site(MadeNode()).start()
    response = await site.get("/live?topics=state")
    assert response.status_code == 503
    assert response.headers["retry-after"]


async def test_live_stream_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    site = await Site(MadeNode()).start()
    watched: list[str] = []
    subscribe = site.feed.subscribe

    def subscribe_and_stop(*args: Any, **options: Any) -> Reader:
        reader = subscribe(*args, **options)
        watched.append(reader.tx_id)
        asyncio.get_running_loop().call_soon(site.feed.close)
        return reader

    monkeypatch.setattr(site.feed, "subscribe", subscribe_and_stop)
    response = await site.get("/live?topics=state,nonsense&lang=zh&after=0&tx=<script>", last_event_id="x")
    assert watched == [""]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert response.text.startswith("retry: 2000")


async def test_static_files_change_their_address_with_their_content() -> None:
    site = await Site(MadeNode()).start()
    tags = Tags(await site.page("/"))
    for url in (tags.of("script")[0]["src"], tags.of("link")[1]["href"]):
        assert url
        response = await site.get(url)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        assert (await site.get(url.partition("?")[0])).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("nodes", [[], ["ftp://x"], ["x"], ["http://n"] * 65])
def test_node_addresses_are_checked(nodes: list[str]) -> None:
    with pytest.raises(Invalid):
        create_app(nodes)
