"""Pages of contracts and tokens: what they show, the console, and what a stranger may put into them."""

from urllib.parse import quote

import msgspec
import pytest

from chaosnet.rpc import schema
from explorer.contracts import permissions_of
from explorer.source import highlight
from tests.fake_backend import ABSENT
from tests.fake_contracts import BOX, HOSTILE, MAKER, TOKEN, TX
from tests.unit.explorer.made_node import MadeNode
from tests.unit.explorer.site import Site, Tags, text_of


async def site_of(node: MadeNode | None = None) -> tuple[Site, MadeNode]:
    node = node or MadeNode()
    node.grow(1)
    return await Site(node).start(), node


async def test_a_contract_shows_interface_storage_events_and_source() -> None:
    site, _ = await site_of()
    html = await site.page(f"/contract/{BOX}")
    text = text_of(html)
    for words in (
        "Box 1.2.0 Lua",
        "Keeps numbers.",
        "moves assets COS",
        "calls contracts any",
        "get(of address? ) → int",
        "What is in it.",
        "takes assets put(n int )",
        "Ran once at the deployment: init(start int )",
        "count counter",
        "names n/00",
        "local greeting",
    ):
        assert words in text, words
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 26, "source, doc, and each stored value"
    links = Tags(html).links()
    assert f"/contract/{BOX}?storage=names#storage" in links
    assert any("after=" in link for link in links)
    assert f"/address/{MAKER}" in links, "an address in an event"


async def test_pages_of_storage_and_events() -> None:
    site, _ = await site_of()
    first = Tags(await site.page(f"/contract/{BOX}?storage=names"))
    more = next(link for link in first.links() if "after=" in link)
    text = text_of(await site.page(more.partition("#")[0]))
    assert "n/39" in text
    assert "n/00" not in text
    older = next(link for link in first.links() if "events=" in link)
    text = text_of(await site.page(older.partition("#")[0]))
    assert " n 39 " in text
    assert "Nothing is stored here." in text_of(await site.page(f"/contract/{BOX}?storage=count"))


async def test_the_console_asks_views_only() -> None:
    site, node = await site_of()
    text = text_of(await site.page(f"/contract/{BOX}?method=get&arg={MAKER}"))
    assert "9007199254740993 31,000 gas, at block 5" in text
    assert node.asked == [schema.Query(method="get", args=[MAKER])]
    await site.page(f"/contract/{BOX}?method=get&arg=")
    assert node.asked[-1].args == [], "an optional argument that is left out"
    count = len(node.asked)
    for query in ("method=put&arg=1", "method=nothing", "method=%3Cscript%3E"):
        html = await site.page(f"/contract/{BOX}?{query}")
        assert "<script>alert" not in html
    assert len(node.asked) == count
    node.answer = schema.Answer(code="reverted", text=HOSTILE, gas=5, height=5)
    html = await site.page(f"/contract/{BOX}?method=get")
    assert "<script>alert" not in html
    assert "reverted" in text_of(html)
    node.is_busy = True
    assert "too many questions at once" in text_of(await site.page(f"/contract/{BOX}?method=get"))


async def test_what_is_typed_wrongly_is_told_and_kept() -> None:
    site, node = await site_of()
    interface = dict(node.contract(BOX).interface)
    interface["methods"] = {"of": {"kind": "view", "args": ["n int"]}}
    made = msgspec.structs.replace(node.contract(BOX), interface=interface)
    node.contract = lambda _: made  # type: ignore[method-assign,assignment]
    html = await site.page(f"/contract/{BOX}?method=of&arg={quote('1.5<b>')}")
    assert "n: an integer" in text_of(html)
    assert [tag.get("value") for tag in Tags(html).of("input") if tag.get("name") == "arg"] == ["1.5<b>"]
    assert node.asked == []


async def test_lists_and_tokens() -> None:
    site, _ = await site_of()
    assert f"/contract/{BOX}" in Tags(await site.page("/contracts")).links()
    assert "BOX Box coin" in text_of(await site.page("/tokens"))
    text = text_of(await site.page(f"/token/{TOKEN}"))
    for words in ("10,000.50", "99 %", "1 %", "10,000.00", "nobody", "0.3 %", "= 2.00 BOX"):
        assert words in text, words
    assert "made" in text
    assert "10,000.50 BOX" in text
    assert f"/tx/{TX}" in Tags(await site.page(f"/token/{TOKEN}?transfers=5.0.0")).links()
    text = text_of(await site.page(f"/address/{MAKER}"))
    assert "Tokens" in text
    assert "10,000.00 BOX" in text
    assert f"/contract/{BOX}" in Tags(await site.page(f"/address/{BOX}")).links()


async def test_chinese_pages() -> None:
    site, _ = await site_of()
    for path in ("/contracts", f"/contract/{BOX}?method=get", "/tokens", f"/token/{TOKEN}"):
        html = await site.page(f"{path}{'&' if '?' in path else '?'}lang=zh")
        assert 'lang="zh-CN"' in html


@pytest.mark.parametrize(
    "path",
    [
        f"/contract/{ABSENT}",
        "/contract/nobody",
        "/contract/..%2f..%2fetc",
        f"/contract/{BOX}?events=%00",
        f"/contract/{BOX}?after=%7B%7D",
        "/contracts?cursor=%3C",
        "/token/zz",
        f"/token/{'00' * 32}",
        f"/token/{TOKEN}?cursor=%20",
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(path: str) -> None:
    site, _ = await site_of()
    await site.page(path, status=404)
    assert site.faults == []


async def test_a_transaction_shows_its_call_and_what_came_of_it() -> None:
    node = MadeNode()
    site, _ = await site_of(node)
    tx_id = node.txs[-1][0].id
    real = node.transaction

    async def called(name: str) -> schema.Transaction:
        found = await real(name)
        action = {
            "kind": "call",
            "contract": BOX,
            "method": "put",
            "args": [2**60],
            "sent": {"COS": "5", TOKEN: "7"},
            "deposit_max": "9",
        }
        said = schema.ContractEvent(
            contract=BOX, name="Put", values=[MAKER, HOSTILE], index=0, tx_id=name, height=1
        )
        return msgspec.structs.replace(
            found,
            body=found.body | {"actions": [action]},
            events=[said],
            returns=[{"$int": str(2**60)}],
            text=HOSTILE,
            code="reverted",
        )

    node.transaction = called  # type: ignore[method-assign,assignment]
    html = await site.page(f"/tx/{tx_id}")
    text = text_of(html)
    for words in (
        "put n 1152921504606846976",
        "Sent along",
        "Returned 1152921504606846976",
        "Put",
        "It said: ",
    ):
        assert words in text, words
    assert "<script>alert" not in html
    assert f"/contract/{BOX}" in Tags(html).links()


def test_sources_are_escaped_line_by_line_in_any_language() -> None:
    source = "local a = '<b>'\n-- </span><script>\n\nreturn [[x\ny]]"
    for engine in ("lua/1", "js/1", "other/9"):
        lines = highlight(engine, source)
        assert len(lines) == 5, engine
        assert "<b>" not in "".join(lines)
        assert "<script>" not in "".join(lines)


def test_permissions_in_order_and_only_real_ones() -> None:
    assert permissions_of({"permissions": {"transfer": ["COS"], "issue": True, "call": "any"}}) == [
        ("call", ["any"]),
        ("issue", []),
        ("transfer", ["COS"]),
    ]
    assert permissions_of({"permissions": {"issue": False, "call": []}}) == []
    assert permissions_of({}) == []
