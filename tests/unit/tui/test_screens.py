"""Blocks, transactions, accounts, mempools, peers, members, help."""

from chaosnet.rpc import schema
from tests.unit.tui.answers import MadeFeed
from tests.unit.tui.making import NOW, address_of, block_of, id_of, lose_two, running, status_of
from tests.unit.tui.terminal import SMALL, WIDE, app_of, painted, rows
from tui.app import ChaosApp
from tui.screens.account import AccountScreen
from tui.screens.block import BlockScreen
from tui.screens.transaction import TransactionScreen


async def test_block_then_transaction_then_account_and_back() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("2", "enter")
        shown = await painted(app, pilot)
        assert isinstance(app.screen, BlockScreen)
        assert "Block 10" in shown
        assert "alpha, beta, gamma" in shown
        assert "✗ insufficient_funds"[:8] in shown
        await pilot.press("enter")
        shown = await painted(app, pilot)
        assert isinstance(app.screen, TransactionScreen)
        assert id_of("tx 10 0") in shown
        assert "5.00" in shown
        assert "[b]thanks[/]\\x1b[31m" in shown, "shown as written, without effect"
        await pilot.press("tab", "enter")
        shown = await painted(app, pilot)
        assert isinstance(app.screen, AccountScreen)
        assert address_of("beta") in shown
        assert "1,234.56789012 COS" in shown
        assert "Time lock 1" in shown
        assert "+1,234.56789" in shown
        await pilot.press("escape", "escape", "escape")
        assert len(app.screen_stack) == 1


async def test_older_and_newer_block() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("2", "enter")
        await painted(app, pilot)
        await pilot.press("left_square_bracket")
        assert "Block 9" in await painted(app, pilot)
        await pilot.press("right_square_bracket", "right_square_bracket")
        shown = await painted(app, pilot)
        assert "not_found" in shown, "there is no block 11 yet"
        assert len(app.screen_stack) == 2


async def test_going_down_reads_more() -> None:
    feed = MadeFeed(running(heights=5))
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("2")
        await painted(app, pilot)
        assert len(rows(app, "#all-blocks")) == 5
        await pilot.press("end")
        await painted(app, pilot)
        assert [row[0] for row in rows(app, "#all-blocks")] == [str(h) for h in range(10, -1, -1)]
        app.open("account", address_of("alpha"))
        await painted(app, pilot)
        await pilot.press("tab", "end")
        await painted(app, pilot)
        assert [row[0] for row in rows(app, "#items")] == ["10", "9", "8"]


async def test_mempool_tells_what_waits_and_what_was_taken() -> None:
    feed = MadeFeed()
    feed.network.answered(1, status_of("beta", pool=17), NOW)
    feed.network.take_event(0, schema.PendingEvent(tx_ids=[id_of("a"), id_of("b")]), NOW - 2_000)
    feed.network.take_event(0, schema.BlockEvent(block=block_of(11), tx_ids=[id_of("a")]), NOW)
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("3")
        await painted(app, pilot)
        assert rows(app, "#pools")[1][:3] == ["● beta", "17", "4.2 KiB"]
        assert [row[2:] for row in rows(app, "#pending")] == [
            ["· waiting", id_of("b")],
            ["✓ in block 11", id_of("a")],
        ]
        await pilot.press("enter")
        assert isinstance(app.screen, TransactionScreen)


async def test_peers_of_the_node_chosen() -> None:
    feed = MadeFeed()
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("4")
        await painted(app, pilot)
        assert [row[:2] for row in rows(app, "#peers")] == [
            ["beta", "→ out"],
            ["gamma", "← in"],
            ["—", "← in"],
        ]
        feed.network.lost(1, "connection: refused", NOW)
        await pilot.press("n")
        shown = await painted(app, pilot)
        assert rows(app, "#peers") == []
        assert "Peers of beta" in shown
        assert "no answer since" in shown


async def test_enter_on_a_node_shows_its_peers() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=WIDE) as pilot:
        await painted(app, pilot)
        await pilot.press("down", "down", "enter")
        assert "Peers of gamma" in await painted(app, pilot)
        assert app.current_mode == "peers"


async def test_members_and_who_hears_them() -> None:
    feed = MadeFeed()
    lose_two(feed.network)
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("5")
        await painted(app, pilot)
        found = {row[0]: row[1:8] for row in rows(app, "#members")}
        assert found["✓ alpha"] == ["25.0%", "validator", "✓ no", "10", "0.0s", "itself", "✓ 0.3s"]
        assert found["✗ delta"] == ["25.0%", "validator", "✗ 2/2", "7", "3m12s", "✗ 3m12s", "✗ 3m12s"]


async def test_help_names_every_key() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("question_mark")
        shown = await painted(app, pilot)
        for binding in ChaosApp.BINDINGS:
            assert not isinstance(binding, tuple)
            key = {"question_mark": "?", "slash": "/", "colon": ":", "escape": "Esc"}.get(
                binding.key, binding.key
            )
            assert key in shown
        assert "no majority" in shown
