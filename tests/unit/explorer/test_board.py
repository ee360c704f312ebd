"""What is newest: from one stream, made whole by polling, told to all browsers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from chaosnet.rpc import schema
from explorer.feed import Reader
from tests.unit.explorer.branching_node import BranchingNode
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


def branching(blocks: int = 8) -> BranchingNode:
    node = BranchingNode()
    for _ in range(blocks):
        node.grow(2)
    return node


def reorganised(node: BranchingNode, depth: int) -> list[schema.StreamEvent]:
    """Fork, and return what a node's stream says then: the new blocks, and what became of the old."""
    dropped = node.fork(depth)
    told = node.reorganisations[0]
    fields = {name: getattr(told, name) for name in schema.ReorgEvent.__struct_fields__}
    news = [event(block) for block in node.made[-depth - 1 :]]
    return [*news, schema.ReorgEvent(**fields | {"dropped": dropped})]


async def test_reorganisation_corrects_lists_without_a_reset() -> None:
    node = branching()
    async with running(Site(node)) as site:
        reader = site.feed.subscribe(["block", "chain"], "en")
        old = node.made[-2:]
        asked = len(node.calls)
        for told in reorganised(node, 2):
            await site.clients[0].queue.put(told)
        chunk = await until(reader, b"gone")
        assert f'"gone":"{old[1].id} {old[0].id}"'.encode() in chunk
        assert b"event: reset" not in chunk
        if b"/block/9" not in chunk:
            await until(reader, b"/block/9")
        assert [block.id for block in site.board.blocks] == [block.id for block in node.made[::-1]]
        assert "blocks" not in node.calls[asked:], "the events themselves were enough"
        assert site.board.undone.block(old[0].id) is not None


async def test_reorganisation_is_followed_when_only_its_event_came() -> None:
    node = branching()
    async with running(Site(node)) as site:
        reader = site.feed.subscribe(["chain"], "en")
        *_, told = reorganised(node, 2)
        await site.clients[0].queue.put(told)
        await until(reader, b"gone")
        assert [block.id for block in site.board.blocks] == [block.id for block in node.made[::-1]]


async def test_reorganisation_is_found_by_polling() -> None:
    node = branching()
    site = await Site(node).start()
    reader = site.feed.subscribe(["chain"], "en")
    await reader.next_chunk()
    reorganised(node, 1)
    await site.start()
    assert b'"gone"' in await reader.next_chunk()
    assert site.board.blocks[0].id == node.made[-1].id


async def test_block_that_comes_back_is_no_longer_undone() -> None:
    node = branching()
    site = await Site(node).start()
    old = node.made[-1]
    reorganised(node, 1)
    await site.start()
    assert site.board.undone.block(old.id) is not None
    node.made[-2:] = [old, msgspec.structs.replace(node.made[-1], id="cd" * 32, parent=old.id)]
    await site.start()
    assert site.board.undone.block(old.id) is None
    assert "Block 8" in await site.page(f"/block/{old.id}")


async def test_finality_that_advances_is_told_once() -> None:
    node = branching()
    async with running(Site(node)) as site:
        reader = site.feed.subscribe(["chain"], "en")
        final = schema.FinalEvent(height=4, id=node.made[4].id)
        await site.clients[0].queue.put(final)
        assert rb"data-final=\"4\"" in await until(reader, b"final")
        before = site.feed.last_id
        site.board._finalise(4)
        assert site.feed.last_id == before
        assert [block.height for block in site.board.blocks if block.is_final] == [4, 3, 2, 1, 0]


async def test_watchers_of_a_dropped_transaction_are_told() -> None:
    node = branching()
    tx_id = node.tx_id(8, 0)
    async with running(Site(node)) as site:
        reader = site.feed.subscribe([], "en", tx_id=tx_id)
        other = site.feed.subscribe([], "en", tx_id=node.tx_id(2, 0))
        await other.next_chunk()
        for told in reorganised(node, 1):
            await site.clients[0].queue.put(told)
        await until(reader, b"touched")
        assert site.board.undone.height_of(tx_id) == 7
        assert site.feed.touched_at(other.tx_id) == 0, "its transaction is where it was"


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


async def test_stream_follows_the_node_that_pages_are_made_from_where_branches_differ() -> None:
    alpha, beta = branching(), branching()
    beta.name = "beta"
    alpha.be_wrong(schema.Health(is_healthy=False, phase="syncing"))
    async with running(Site(alpha, beta)) as site:
        await asyncio.sleep(0)
        reader = site.feed.subscribe(["chain"], "en")
        await site.clients[1].queue.put(schema.FinalEvent(height=4, id=beta.made[4].id))
        await until(reader, rb"data-final=\"4\"")
        alpha.be_wrong(schema.Health(is_healthy=True, phase="running"))
        await site.board._poll_all()
        await site.clients[0].queue.put(schema.FinalEvent(height=5, id=alpha.made[5].id))
        await until(reader, rb"data-final=\"5\"")
        assert (site.clients[0].streams, site.clients[1].streams) == (1, 1)
