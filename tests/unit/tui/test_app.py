"""Search, copying, mouse and palette; and facts that are hostile or odd."""

from collections.abc import Collection

import msgspec
import pytest
from textual.widgets import Input, Static

from chaosnet.rpc import schema
from tests.unit.tui.answers import MadeFeed
from tests.unit.tui.making import NOW, address_of, block_of, id_of, status_of
from tests.unit.tui.terminal import SMALL, WIDE, app_of, painted, seen
from tui.screens.account import AccountScreen
from tui.screens.block import BlockScreen
from tui.widgets.chart import Chart


@pytest.mark.parametrize(
    "typed, screen",
    [("9", BlockScreen), ("gamma", AccountScreen), (address_of("beta"), AccountScreen)],
)
async def test_search_opens_what_it_finds(typed: str, screen: type) -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("slash")
        app.screen.query_one(Input).value = typed
        await pilot.press("enter")
        await painted(app, pilot)
        assert isinstance(app.screen, screen)


async def test_search_that_finds_nothing_or_is_given_up() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("slash", *"q1nothing", "enter")
        await painted(app, pilot)
        assert [n.message for n in app._notifications] == ["nothing found: q1nothing"]
        await pilot.press("slash", "9", "escape")
        await painted(app, pilot)
        assert len(app.screen_stack) == 1


async def test_copying_takes_the_whole_id(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    app = app_of(MadeFeed())
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(size=SMALL) as pilot:
        await painted(app, pilot)
        await pilot.press("y", "2", "y", "5", "y", "6")
        await painted(app, pilot)
        await pilot.press("y", "7", "y")
        assert copied == [id_of("main 10"), id_of("main 10"), address_of("alpha"), id_of("main 10")]


async def test_mouse() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=SMALL) as pilot:
        await painted(app, pilot)
        await pilot.click("#tabs", offset=(16, 0))
        await painted(app, pilot)
        assert app.current_mode == "blocks"
        await pilot.click("#all-blocks", offset=(12, 3), times=2)
        await painted(app, pilot)
        assert isinstance(app.screen, BlockScreen)
        line = seen(app)[-1]
        await pilot.click("KeyBar", offset=(line.index("Back"), 0))
        await painted(app, pilot)
        assert len(app.screen_stack) == 1


async def test_palette_offers_the_screens_in_the_reader_s_language() -> None:
    app = app_of(MadeFeed(), "zh")
    async with app.run_test(size=WIDE) as pilot:
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert titles[:2] == ["总览", "区块"]
        await pilot.press("colon")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def test_screens_on_top_of_each_other_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app.DEPTH_MAX", 3)
    app = app_of(MadeFeed())
    async with app.run_test(size=SMALL) as pilot:
        for height in range(6):
            app.open("block", str(height))
            await pilot.pause()
        assert len(app.screen_stack) == 3


async def test_refresh_asks_now_and_quitting_closes_the_connections() -> None:
    feed = MadeFeed()
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("r")
        assert feed.woken == 1
        await pilot.press("q")
    assert feed.is_closed


EVIL = "[red]x[/]\x1b]0;owned\x07\n"


def evil(name: str, silent: Collection[str] = ()) -> schema.Status:
    status = status_of(name, silent=silent)
    health = schema.Health(is_healthy=False, phase=EVIL, code=EVIL, reason=EVIL, since_ms=1 << 62)
    consensus = msgspec.structs.replace(status.consensus, step=EVIL, engine=EVIL)
    return msgspec.structs.replace(
        status,
        name=EVIL,
        chain_name=EVIL,
        software=EVIL,
        health=health,
        consensus=consensus,
        clock_offset_ms=-(1 << 62),
        tip_time_ms=1 << 62,
        height=1 << 62,
    )


async def test_nothing_that_a_node_says_reaches_the_terminal_as_a_command() -> None:
    feed = MadeFeed()
    feed.network.answered(0, evil("alpha"), NOW)
    block = msgspec.structs.replace(block_of(11), proposer_name=EVIL, proposer=EVIL, id=EVIL)
    feed.network.take_event(0, schema.BlockEvent(block=block, tx_ids=[EVIL]), NOW)
    feed.network.take_event(0, schema.PendingEvent(tx_ids=[EVIL]), NOW)
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        for key in "12345":
            await pilot.press(key)
            shown = await painted(app, pilot)
            assert "\x1b" not in shown
            assert "\x07" not in shown
        await pilot.press("1")
        assert "[red]x[/]" in await painted(app, pilot), "markup is text"


async def test_no_color_leaves_signs_and_greys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    feed = MadeFeed()
    feed.network.answered(3, status_of("delta", chain="fork"), NOW)
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        assert "✗" in await painted(app, pilot)
        assert app.no_color


async def test_charts_have_a_title_with_figures() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=WIDE) as pilot:
        await painted(app, pilot)
        titles = [chart.border_title for chart in app.screen.query(Chart)]
        assert titles == ["Block interval · 1.0s, median 1.0s", "Txs per block · 2, most 2"]
        assert app.screen.query_one("#facts", Static).display
