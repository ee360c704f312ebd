"""Every page over a made-up chain: what it shows, links to, pages through and caches."""

import re

import pytest

from chaosnet.rpc.schema import Health
from tests.unit.explorer.made_node import ALICE, BOB, NOBODY, TEAM, MadeNode, address_of
from tests.unit.explorer.site import Site, Tags, text_of


def grown(blocks: int = 4, tx_count: int = 3, name: str = "alpha") -> MadeNode:
    node = MadeNode(name)
    for _ in range(blocks):
        node.grow(tx_count)
    return node


async def test_home_shows_blocks_facts_and_transactions() -> None:
    node = grown()
    site = await Site(node).start()
    html = await site.page("/")
    text = text_of(html)
    for words in (
        "3 transactions",
        "all final",
        "every 1.2 s under load",
        "3 needed",
        "10,000,000",
        "Healthy",
    ):
        assert words in text
    links = Tags(html).links()
    assert [f"/block/{height}" for height in (4, 3, 2, 1, 0)] == list(
        dict.fromkeys(link for link in links if re.fullmatch(r"/block/\d+", link))
    )
    assert f"/tx/{node.tx_id(4, 2)}" in links
    main = Tags(html).of("main")[0]
    assert main["data-topics"] == "state,block,chain,transactions"
    assert main["data-after"] == str(site.feed.last_id)


async def test_home_asks_no_node() -> None:
    node = grown()
    site = await Site(node).start()
    node.calls.clear()
    await site.page("/")
    assert node.calls == []


async def test_one_node_needs_no_table_and_several_stand_side_by_side() -> None:
    assert 'data-live="nodes"' not in await (await Site(grown()).start()).page("/")
    ahead, behind = grown(6), grown(4, name="beta")
    forked, foreign = grown(5, name="gamma"), MadeNode("delta", chain="elsewhere")
    forked.made[-1] = forked.made[-1].__class__(
        **{
            **{name: getattr(forked.made[-1], name) for name in forked.made[-1].__struct_fields__},
            "id": "ff" * 32,
        }
    )
    site = await Site(ahead, behind, forked, foreign).start()
    site.cut("delta")
    await site.start()
    text = text_of(await site.page("/"))
    for words in ("alpha", "agrees", "2 behind", "other chain", "delta", "unreachable"):
        assert words in text
    site.mend("delta")
    await site.start()
    assert "other network" in text_of(await site.page("/nodes"))


async def test_nodes_page_says_who_is_silent_and_since_when() -> None:
    node = grown()
    node.be_wrong(
        Health(
            is_healthy=False,
            phase="running",
            code="quorum_lost",
            reason="2 of 4 members silent, 3 needed",
            since_ms=node.now_ms,
        ),
        ("gamma", "delta"),
    )
    site = await Site(node).start()
    text = text_of(await site.page("/nodes"))
    assert "The chain has halted. 2 of 4 members silent, 3 needed · since 2026-09-21 14:13:28 UTC" in text
    assert len(re.findall(r"\bsilent\b(?!,)", text)) == 2
    assert "4 个成员中有 2 个无响应,需要 3 个" in text_of(await site.page("/?lang=zh"))


async def test_blocks_are_paged_newest_first() -> None:
    site = await Site(grown(60, 0)).start()
    html = await site.page("/blocks")
    links = Tags(html).links()
    assert "/block/60" in links
    assert "/block/36" in links
    assert "/block/35" not in links
    assert 'data-live="rows"' in html
    older = next(link for link in links if link.startswith("/blocks?from="))
    assert older == "/blocks?from=35"
    html = await site.page(older)
    assert 'data-live="rows"' not in html
    links = Tags(html).links()
    assert {"/block/35", "/block/11", "/blocks", "/blocks?from=10"} <= set(links)
    links = Tags(await site.page("/blocks?from=10")).links()
    assert "/blocks?from=35" in links
    assert not [link for link in links if link.startswith("/blocks?from=") and link != "/blocks?from=35"]


async def test_block_shows_every_header_field() -> None:
    node = grown()
    site = await Site(node).start()
    html = await site.page("/block/3")
    block = await node.block("3")
    for value in (
        block.summary.id,
        block.summary.parent,
        block.summary.state_root,
        block.tx_root,
        block.receipts_root,
        block.validators_hash,
        block.next_validators_hash,
        block.parent_seal_hash,
        block.header,
        block.seal,
        block.summary.proposer,
    ):
        assert value in html
    text = text_of(html)
    for words in (
        "Block 3",
        "final",
        "2026-09-21 14:13:26 UTC",
        "pbft, rule set 1",
        "alpha beta delta 3 of 4",
    ):
        assert words in text
    tips = [attrs for attrs in Tags(html).of("span") if attrs.get("class") == "tip"]
    assert len(tips) >= 14
    assert all(tip["tabindex"] == "0" and tip["aria-label"] for tip in tips)
    assert {"/block/2", "/block/4", f"/block/{block.summary.parent}"} <= set(Tags(html).links())
    assert text_of(await site.page(f"/block/{block.summary.id}")) == text


async def test_block_transactions_are_paged() -> None:
    node = grown(1, 230)
    site = await Site(node).start()

    def shown(html: str) -> list[str]:
        return [link[4:] for link in Tags(html).links() if link.startswith("/tx/")]

    html = await site.page("/block/1")
    assert shown(html) == [node.tx_id(1, position) for position in range(25)]
    assert "/block/1?from=25" in Tags(html).links()
    html = await site.page("/block/1?from=200")
    assert shown(html) == [node.tx_id(1, position) for position in range(200, 225)]
    assert {"/block/1?from=175", "/block/1?from=225"} <= set(Tags(html).links())
    assert len(shown(await site.page("/block/1?from=225"))) == 5
    assert shown(await site.page("/block/1?from=999999999999")) == []


async def test_genesis_and_newest_block() -> None:
    site = await Site(grown()).start()
    text = text_of(await site.page("/block/0"))
    assert "none: this is the genesis" in text
    assert "nobody: the genesis needs no seal" in text
    response = await site.get("/block/head")
    assert (response.status_code, response.headers["location"]) == (302, "/block/4")


async def test_final_things_are_asked_for_once() -> None:
    node = grown()
    site = await Site(node).start()
    node.calls.clear()
    for _ in range(3):
        await site.page("/block/2")
        await site.page(f"/tx/{node.tx_id(2, 0)}")
    assert sorted(node.calls) == ["block", "transaction"]


async def test_transaction_shows_body_actions_fee_and_raw_bytes() -> None:
    node = grown(2, 6)
    site = await Site(node).start()
    html = await site.page(f"/tx/{node.tx_id(2, 0)}")
    text = text_of(html)
    for words in (
        "In a final block",
        "for the coffee",
        "0.00021 000 COS",
        "21,000 of 50,000",
        "2.5 0000000 COS",
        "key policy",
        "accusation",
        "Block 5,000",
        "1 signature weight 1 needed",
    ):
        assert words in text
    assert "0d" * 212 in html
    assert "data-tx" not in html
    failed = text_of(await site.page(f"/tx/{node.tx_id(2, 5)}"))
    assert "It failed: balance does not cover amount plus maximal fee (not_enough)" in failed


async def test_pending_transaction_becomes_final() -> None:
    node = grown()
    tx_id = "ab" * 32
    node.submit_made(tx_id)
    site = await Site(node).start()
    html = await site.page(f"/tx/{tx_id}")
    assert "Waiting in the mempool" in html
    assert Tags(html).of("main")[0]["data-tx"] == tx_id
    assert "at most 0.0005 0000 COS" in text_of(html)
    node.grow(1)
    html = await site.page(f"/tx/{tx_id.upper()}")
    assert "In a final block" in html
    assert "data-tx" not in Tags(html).of("main")[0]


async def test_account_shows_locks_and_transactions() -> None:
    node = grown(12, 3)
    site = await Site(node).start()
    text = text_of(await site.page(f"/address/{TEAM}"))
    for words in (
        "400,000 .00000000 COS spendable now",
        "1,600,000 .00000000 COS",
        "Next release 2029-09-20 14:13:20 UTC",
        "20 %",
        "replaced since the start",
        "2 more waiting",
    ):
        assert words in text
    html = await site.page(f"/address/{ALICE}")
    links = Tags(html).links()
    assert len([link for link in links if link.startswith("/tx/")]) == 25
    assert f"/address/{ALICE}?cursor=25" in links
    assert "data-refresh" in Tags(html).of("main")[0]
    html = await site.page(f"/address/{ALICE}?cursor=25")
    assert len([link for link in Tags(html).links() if link.startswith("/tx/")]) == 11
    assert "data-refresh" not in Tags(html).of("main")[0]
    assert "out" in text_of(html)
    assert "never used" in text_of(await site.page(f"/address/{NOBODY}"))


async def test_operator_account_carries_the_members_name() -> None:
    site = await Site(grown()).start()
    assert "Operator of beta" in await site.page(f"/address/{address_of('beta')}")


# ── search ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("typed", ["3", " 3 ", "#3", "0003"])
async def test_search_finds_a_block_by_height(typed: str) -> None:
    site = await Site(grown()).start()
    response = await site.get(f"/search?q={typed.replace('#', '%23')}")
    assert response.status_code == 302
    assert response.headers["location"] in ("/block/3", "/block/0003")


async def test_search_finds_everything_that_has_a_name() -> None:
    node = grown(1_300, 0)
    node.grow(2)
    site = await Site(node).start()
    tx_id, block_id = node.tx_id(1_301, 1), node.block_id(2)
    for typed, path in {
        "1,234": "/block/1234",
        block_id: f"/block/{block_id}",
        "0x" + block_id.upper(): f"/block/{block_id}",
        tx_id: f"/tx/{tx_id}",
        BOB: f"/address/{BOB}",
        BOB.upper(): f"/address/{BOB}",
        "Gamma": f"/address/{address_of('gamma')}",
        "": "/",
    }.items():
        response = await site.get(f"/search?q={typed}")
        assert (response.status_code, response.headers["location"]) == (302, path), typed


@pytest.mark.parametrize(
    "typed", ["nothing", "99999", "cos1qqqq", "ab" * 32, "x" * 9_000, "../../etc", "%00", "%ff"]
)
async def test_search_without_a_find_gives_hints(typed: str) -> None:
    site = await Site(grown()).start()
    html = await site.page(f"/search?q={typed}", 404)
    assert "An address starts with cos1" in html
    assert len(html) < 10_000
    assert not site.faults


# ── language ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_language_follows_the_browser_and_the_choice_is_kept() -> None:
    site = await Site(grown()).start()
    assert '<html lang="en">' in await site.page("/blocks")
    html = await site.page("/blocks", accept_language="zh-CN,zh;q=0.9")
    assert '<html lang="zh-CN">' in html
    assert "已最终确认" in html
    response = await site.get("/blocks?from=2&lang=zh")
    assert "已最终确认" in response.text
    assert "lang=zh" in response.headers["set-cookie"]
    assert "HttpOnly" in response.headers["set-cookie"]
    assert "?from=2&amp;lang=en" in response.text
    assert "已最终确认" in await site.page("/", cookie="lang=zh", accept_language="en")
    assert "set-cookie" not in (await site.get("/?lang=xx")).headers


async def test_every_page_speaks_chinese_without_a_missing_word() -> None:
    node = grown()
    site = await Site(node, grown(name="beta")).start()
    for path in ("/", "/blocks", "/block/1", f"/tx/{node.tx_id(1, 0)}", f"/address/{TEAM}", "/nodes"):
        assert "zh-CN" in await site.page(f"{path}?lang=zh")
