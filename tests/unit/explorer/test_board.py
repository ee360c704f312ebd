"""What is newest: from one stream, made whole by polling, told to all browsers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from chaosnet.rpc import schema
from explorer.feed import Reader
from tests.unit.explorer.made_node import MadeNode
from tests.unit.explorer.site import Site


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[Site]:
    async with site.app.router.lifespan_context(site.app):
        yield site


async def until(reader: Reader, text: bytes) -> bytes:
    """Return the chunk that holds a text."""
    async with asyncio.timeout(10):
        while text not in (chunk := await reader.next_chunk()):
            assert chunk, "the stream has ended"
    return chunk


def event(block: schema.BlockSummary, *tx_ids: str) -> schema.BlockEvent:
    return schema.BlockEvent(block=block, tx_ids=list(tx_ids))


def heights(site: Site) -> list[int]:
    return [block.height for block in site.board.blocks]


async def test_new_block_goes_from_the_one_stream_to_every_browser() -> None:
    node = MadeNode()
    async with running(Site(node)) as site:
        readers = [site.feed.subscribe(["block"], lang) for lang in ("en", "zh", "en")]
        asked = len(node.calls)
        await site.clients[0].queue.put(event(node.grow(3)))
        for reader, words in zip(
            readers, (b"3 transactions", "3 笔交易".encode(), b"3 transactions"), strict=True
        ):
            assert words in await until(reader, b"cards")
        assert heights(site) == [1, 0]
        assert site.clients[0].streams == 1
        assert "blocks" not in node.calls[asked:], "the event itself was enough"


async def test_gap_in_the_stream_is_filled() -> None:
    node = MadeNode()
    async with running(Site(node)) as site:
        reader = site.feed.subscribe(["block"], "en")
        for _ in range(3):
            last = node.grow()
        await site.clients[0].queue.put(event(last))
        await until(reader, b"/block/3")
        assert heights(site) == [3, 2, 1, 0]


async def test_polling_finds_what_the_stream_did_not_bring() -> None:
    node = MadeNode()
    site = await Site(node).start()
    for _ in range(5):
        node.grow(2)
    await site.start()
    assert heights(site) == [5, 4, 3, 2, 1, 0]
    assert [t.id for t in site.board.transactions[:3]] == [
        node.tx_id(5, 1),
        node.tx_id(5, 0),
        node.tx_id(4, 1),
    ]


async def test_newest_transactions_outlive_a_hundred_empty_blocks() -> None:
    node = MadeNode()
    node.grow(2)
    site = await Site(node).start()
    for _ in range(120):
        node.grow(0)
        await site.start()
    assert len(site.board.blocks) == 100
    assert [t.id for t in site.board.transactions] == [node.tx_id(1, 1), node.tx_id(1, 0)]


async def test_transactions_of_a_block_are_asked_for_once() -> None:
    node = MadeNode()
    node.grow(15)
    site = await Site(node).start()
    for _ in range(4):
        node.grow(0)
        await site.start()
    assert node.calls.count("block_transactions") == 1
    assert len(site.board.transactions) == 10


async def test_lagging_node_does_not_take_blocks_back() -> None:
    alpha, beta = MadeNode("alpha"), MadeNode("beta")
    for _ in range(6):
        alpha.grow()
    for _ in range(3):
        beta.grow()
    site = await Site(alpha, beta).start()
    site.cut("alpha")
    before = site.feed.last_id
    await site.start()
    assert heights(site)[0] == 6
    assert site.feed.oldest_id <= before + 1, "no reset"


async def test_replaced_chain_is_loaded_anew_and_browsers_start_over() -> None:
    node = MadeNode()
    for _ in range(4):
        node.grow()
    site = await Site(node).start()
    cached = await site.page("/block/2")
    reader = site.feed.subscribe([], "en")
    await reader.next_chunk()
    node.salt = "again"
    node.made.clear()
    node.txs.clear()
    for _ in range(3):
        node.grow()
    await site.start()
    assert heights(site) == [2, 1, 0]
    assert site.board.blocks[0].id == node.block_id(2)
    assert b"event: reset" in await reader.next_chunk()
    assert node.block_id(2) not in cached
    assert node.block_id(2) in await site.page("/block/2")


async def test_reorganisation_is_followed() -> None:
    node = MadeNode()
    for _ in range(4):
        node.grow()
    async with running(Site(node)) as site:
        reader = site.feed.subscribe([], "en")
        node.made[3] = msgspec.structs.replace(node.made[3], id="ab" * 32)
        node.made[4] = msgspec.structs.replace(node.made[4], id="cd" * 32, parent="ab" * 32)
        await site.clients[0].queue.put(schema.ReorgEvent(common_height=2, dropped=[]))
        await until(reader, b"reset")
        assert [b.id for b in site.board.blocks[:2]] == ["cd" * 32, "ab" * 32]


async def test_watchers_hear_of_their_transaction_pending_and_in_a_block() -> None:
    node = MadeNode()
    async with running(Site(node)) as site:
        reader = site.feed.subscribe([], "en", tx_id="ee" * 32)
        queue = site.clients[0].queue
        await queue.put(schema.PendingEvent(tx_ids=["11" * 32, "ee" * 32]))
        await until(reader, b"touched")
        await queue.put(event(node.grow(), "ee" * 32))
        await until(reader, b"touched")


async def test_state_is_told_when_it_changes_and_only_then() -> None:
    node = MadeNode()
    site = await Site(node).start()
    reader = site.feed.subscribe(["state"], "en")
    await reader.next_chunk()
    before = site.feed.last_id
    await site.start()
    assert site.feed.last_id == before
    node.be_wrong(
        schema.Health(
            is_healthy=False,
            phase="running",
            code="quorum_lost",
            reason="2 of 4 members silent, 3 needed",
            since_ms=node.now_ms,
        ),
        ("gamma", "delta"),
    )
    await site.start()
    chunk = await until(reader, b"members silent")
    assert b"The chain has halted." in chunk
    assert b"2026-09-21" in chunk


async def test_stream_moves_to_a_node_that_answers() -> None:
    alpha, beta = MadeNode("alpha"), MadeNode("beta")
    async with running(Site(alpha, beta)) as site:
        await asyncio.sleep(0)
        reader = site.feed.subscribe(["block"], "en")
        site.cut("alpha")
        await site.board._poll_all()
        await site.clients[1].queue.put(event(beta.grow()))
        await until(reader, b"/block/1")
        assert (site.clients[0].streams, site.clients[1].streams) == (1, 1)
