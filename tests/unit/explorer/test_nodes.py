"""Which node is asked, and what happens while some or all do not answer."""

import asyncio

import pytest

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.rpc.client import AsyncClient
from chaosnet.rpc.schema import Health
from explorer import nodes as module
from explorer.nodes import Nodes
from tests.unit.explorer.made_node import MadeNode
from tests.unit.explorer.site import Site


def nodes_of(site: Site) -> Nodes:
    return site.board._nodes


async def asked(site: Site) -> str:
    return (await nodes_of(site).ask(lambda client: client.status())).name


async def test_first_node_is_asked_and_the_next_when_it_is_gone() -> None:
    site = await Site(MadeNode("alpha"), MadeNode("beta")).start()
    assert await asked(site) == "alpha"
    site.cut("alpha")
    assert await asked(site) == "beta"
    await site.start()
    primary = nodes_of(site).primary
    assert primary is not None
    assert primary.name == "beta"
    site.mend("alpha")
    await site.start()
    assert await asked(site) == "alpha"


async def test_healthy_node_goes_before_one_that_is_not() -> None:
    alpha, beta = MadeNode("alpha"), MadeNode("beta")
    alpha.be_wrong(Health(is_healthy=False, phase="syncing", code="syncing"))
    site = await Site(alpha, beta).start()
    assert await asked(site) == "beta"


async def test_node_of_another_network_is_never_asked() -> None:
    site = await Site(MadeNode("alpha"), MadeNode("stranger", chain="other")).start()
    site.cut("alpha")
    await site.start()
    with pytest.raises(Unavailable):
        await asked(site)
    assert [nodes_of(site).is_foreign(view) for view in nodes_of(site).views] == [False, True]


async def test_objection_of_a_node_is_the_answer() -> None:
    site = await Site(MadeNode("alpha"), MadeNode("beta")).start()
    with pytest.raises(Invalid, match="not_found"):
        await nodes_of(site).ask(lambda client: client.block(999))


async def test_unreadable_answer_is_the_nodes_fault_not_the_visitors() -> None:
    site = await Site(MadeNode("alpha")).start()

    async def unreadable(client: AsyncClient) -> None:
        raise Invalid("malformed", "answer")

    with pytest.raises(Unavailable, match="malformed"):
        await nodes_of(site).ask(unreadable)


async def test_since_when_a_node_is_gone_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    site = await Site(MadeNode("alpha")).start()
    view = nodes_of(site).views[0]
    site.cut("alpha")
    monkeypatch.setattr(module, "clock_ms", lambda: 5_000)
    await site.start()
    monkeypatch.setattr(module, "clock_ms", lambda: 9_000)
    await site.start()
    assert (view.is_reachable, view.since_ms, view.problem) == (False, 5_000, "connection")
    assert nodes_of(site).down_since_ms == 5_000
    last = nodes_of(site).last_status
    assert nodes_of(site).status is None
    assert last is not None
    assert last.name == "alpha"


async def test_slow_node_costs_a_page_no_more_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALL_S", 0.01)
    site = await Site(MadeNode("alpha")).start()
    with pytest.raises(Unavailable, match="timeout"):
        await nodes_of(site).ask(lambda _: asyncio.Event().wait())


async def test_questions_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_S", 0.01)
    site = await Site(MadeNode("alpha")).start()
    release = asyncio.Event()
    waiting = [
        asyncio.create_task(nodes_of(site).ask(lambda _: release.wait())) for _ in range(module.CALLS_MAX)
    ]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="overloaded"):
        await asked(site)
    release.set()
    await asyncio.gather(*waiting)
    assert await asked(site) == "alpha"
