"""The first screen: all nodes side by side, in any size, whatever happens to them."""

import pytest

from chaosnet.rpc import schema
from tests.unit.tui.answers import MadeFeed
from tests.unit.tui.making import NAMES, NOW, block_of, id_of, lose_two, network_of, status_of
from tests.unit.tui.terminal import SMALL, WIDE, app_of, painted, rows, seen, text
from tui.widgets.frame import Banner
from tui.widgets.live_table import LiveTable


@pytest.mark.parametrize("size", [SMALL, WIDE, (60, 16), (250, 80)])
@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_overview_in_every_size(size: tuple[int, int], lang: str) -> None:
    app = app_of(MadeFeed(), lang)
    async with app.run_test(size=size) as pilot:
        shown = await painted(app, pilot)
        for name in NAMES:
            assert f"● {name}" in shown
        assert id_of("main 10")[:6] in shown
        assert app.screen.query_one(Banner).display is False


async def test_overview_at_80x24_has_every_part() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=SMALL) as pilot:
        shown = await painted(app, pilot)
        for part in ("7 Help", "4 of 4 present, 3 needed", "4 agree at 10", "live from alpha", "0 propose"):
            assert part in shown
        for part in (
            "✓ healthy",
            "Block interval",
            "Txs per block",
            "Blocks",
            "Events",
            "block 10",
            "q Quit",
        ):
            assert part in shown
        assert len(seen(app)) == 24
        assert all(len(line) <= 80 for line in seen(app))
        blocks = app.screen.query_one("#blocks", LiveTable)
        assert blocks.content_size.height >= 5


async def test_growing_and_shrinking_terminal() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=WIDE) as pilot:
        assert "Reply" in await painted(app, pilot)
        await pilot.resize_terminal(*SMALL)
        narrow = await painted(app, pilot)
        assert "Reply" not in narrow
        assert "q Quit" in narrow
        await pilot.resize_terminal(*WIDE)
        assert "Reply" in await painted(app, pilot)


async def test_quorum_loss_is_a_red_line_on_every_screen() -> None:
    feed = MadeFeed()
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        await painted(app, pilot)
        lose_two(feed.network)
        for key in "1234567":
            await pilot.press(key)
            shown = await painted(app, pilot)
            banner = app.screen.query_one(Banner)
            assert banner.display
            assert banner.has_class("-bad")
            assert "HALTED: 2 of 4 members silent, 3 needed — since " in shown
            assert "(3m12s)" in shown
        for index, name in enumerate(NAMES):
            feed.network.answered(index, status_of(name, 11), NOW)
        await painted(app, pilot)
        assert app.screen.query_one(Banner).display is False


async def test_unreachable_node_stays_in_its_place_and_says_since_when() -> None:
    feed = MadeFeed()
    feed.network.lost(1, "timeout: 3 s", NOW - 75_000)
    feed.now = NOW + 75_000
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        await painted(app, pilot)
        names = [row[0] for row in rows(app, "#nodes")]
        assert names == ["● alpha", "○ beta", "● gamma", "● delta"]
        assert rows(app, "#nodes")[1][-1] == "✗ no answer 1m15s"
        await pilot.press("n")
        await pilot.pause()
        assert "beta · http://beta:26710 · ✗ no answer since" in text(app)


async def test_nobody_has_answered_yet() -> None:
    app = app_of(MadeFeed(network_of()))
    async with app.run_test(size=SMALL) as pilot:
        shown = await painted(app, pilot)
        assert "asking" in shown
        for key in "234567":
            await pilot.press(key)
            await painted(app, pilot)


async def test_a_fork_is_shown_by_sign_and_colour() -> None:
    feed = MadeFeed()
    feed.network.answered(3, status_of("delta", chain="fork"), NOW)
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        shown = await painted(app, pilot)
        assert f"✗ {id_of('fork 10')[:6]}" in shown
        assert "ANOTHER CHAIN: delta differs from the majority at height 10" in shown


async def test_sorting_keeps_the_cursor_on_its_node() -> None:
    feed = MadeFeed()
    feed.network.lost(2, "connection: refused", NOW)
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        await painted(app, pilot)
        await pilot.press("n", "s", "s")
        assert "by health" in await painted(app, pilot)
        assert [row[0] for row in rows(app, "#nodes")] == ["○ gamma", "● alpha", "● beta", "● delta"]
        table = app.screen.query_one("#nodes", LiveTable)
        assert table.current is not None
        assert table.current.key == "node:1"


async def test_pause_holds_the_display() -> None:
    feed = MadeFeed()
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        await painted(app, pilot)
        await pilot.press("p")
        assert "PAUSED" in text(app)
        feed.network.take_event(0, schema.BlockEvent(block=block_of(11), tx_ids=[]), NOW)
        app._tick()
        await pilot.pause()
        assert rows(app, "#blocks")[0][0] == "10"
        await pilot.press("p")
        assert rows(app, "#blocks")[0][0] == "11"
        assert "PAUSED" not in text(app)


async def test_new_blocks_move_the_list_and_not_the_cursor() -> None:
    feed = MadeFeed()
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("2")
        await painted(app, pilot)
        table = app.screen.query_one(LiveTable)
        await pilot.press("down", "down")
        assert table.current is not None
        assert table.current.key == "block:8"
        feed.network.take_event(0, schema.BlockEvent(block=block_of(11), tx_ids=[]), NOW)
        await painted(app, pilot)
        assert table.current is not None
        assert table.current.key == "block:8"
        await pilot.press("up", "up", "up")
        feed.network.take_event(0, schema.BlockEvent(block=block_of(12), tx_ids=[]), NOW)
        await painted(app, pilot)
        assert table.current is not None
        assert table.current.key == "block:12", "at the top it follows"
