"""Validators, bonds, the tree of blocks and its reorganisations, the engine and what comes after it."""

from typing import Any

import pytest
from msgspec import structs

from chaosnet.rpc import schema
from tests.unit.tui.answers import MadeFeed
from tests.unit.tui.making import NAMES, NOW, address_of, id_of, with_health
from tests.unit.tui.staking import (
    FINAL,
    HEAD,
    feed_under,
    network_under,
    reorg_event,
    status_under,
    validator_list,
)
from tests.unit.tui.terminal import SMALL, WIDE, app_of, painted, rows, seen
from tui.asking import PAUSE_MS
from tui.screens.account import AccountScreen
from tui.screens.block import BlockScreen
from tui.screens.reorg import ReorgScreen
from tui.screens.transaction import TransactionScreen
from tui.screens.validator import ValidatorScreen
from tui.widgets.live_table import LiveTable

ENGINES = ("pbft", "dbft", "dpos", "pos", "pow")


# ── validators


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_validators_with_share_bond_and_what_they_missed(size: tuple[int, int]) -> None:
    app = app_of(feed_under("dpos"))
    async with app.run_test(size=size) as pilot:
        await pilot.press("5")
        await painted(app, pilot)
        shown = await painted(app, pilot)
        found = {row[0]: row[1:8] for row in rows(app, "#members")}
        assert found["✓ alpha"] == ["25.0%", "4,000,000.00", "10%", "0", "in the set", "✓ no", "106"]
        assert found["✓ delta"][3] == "7"
        assert found["✓ epsilon"][:5] == ["—", "500,000.00", "5%", "0", "candidate"]
        (jailed,) = (row for name, row in found.items() if name.startswith("✗"))
        assert jailed[4] == "✗ jailed"
        for part in ("leader alpha", "epoch 4", "6/25", "in the set 4", "missed slots 28", "jailed 1"):
            assert part in shown
        assert all(len(line) <= size[0] for line in seen(app))


async def test_validators_are_sorted_and_narrowed_down() -> None:
    app = app_of(feed_under("dpos"))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("5")
        await painted(app, pilot)
        await pilot.press("s", "s", "s")
        assert "by missed slots" in await painted(app, pilot)
        assert [row[4] for row in rows(app, "#members")] == ["21", "7", "0", "0", "0", "0"]
        expected = {"in the set": 4, "candidates": 2, "jailed": 1, "missing or silent": 2}
        for name, count in expected.items():
            await pilot.press("f")
            assert f"only {name}" in await painted(app, pilot)
            assert len(rows(app, "#members")) == count
        await pilot.press("f")
        assert "only" not in await painted(app, pilot)
        assert len(rows(app, "#members")) == 6


async def test_a_validator_and_the_bonds_of_its_operator_then_its_account() -> None:
    app = app_of(feed_under("dpos"))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("5")
        await painted(app, pilot)
        await pilot.press("enter")
        shown = await painted(app, pilot)
        assert isinstance(app.screen, ValidatorScreen)
        for part in ("Validator alpha", address_of("alpha"), "25.0% · 1", "4,000,000.00 COS", "10%"):
            assert part in shown
        found = rows(app, "#items")
        assert [row[1:] for row in found] == [
            ["1,000.00", "—", ""],
            ["500.00", "—", ""],
            ["", "100.00", "103"],
            ["", "200.00", "2,000"],
        ]
        await pilot.press("enter")
        shown = await painted(app, pilot)
        assert isinstance(app.screen, AccountScreen)
        assert "1,500.00 COS" in shown
        assert "500.00 COS with " in shown
        assert "200.00 COS free from block 2,000" in shown


async def test_an_account_of_an_old_node_is_shown_without_bonds() -> None:
    feed = feed_under("dpos")
    feed.answers.unknown = {"delegations"}
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        app.open("account", address_of("beta"))
        shown = await painted(app, pilot)
        assert "1,234.56789012 COS" in shown
        assert "Bonded" not in shown


async def test_nodes_that_do_not_know_the_routes_are_watched_all_the_same() -> None:
    feed = feed_under("dpos")
    feed.answers.unknown = {"validators", "tree"}
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        await painted(app, pilot)
        await pilot.press("5")
        await painted(app, pilot)
        shown = await painted(app, pilot)
        assert "✗ not_found: no such route: validators" in shown
        assert [row[0] for row in rows(app, "#members")] == [f"✓ {name}" for name in NAMES]
        await pilot.press("6")
        await painted(app, pilot)
        assert "✗ not_found: no such route: tree" in await painted(app, pilot)
        await pilot.press("1")
        assert "engine dpos" in await painted(app, pilot)


# ── the tree


async def test_the_tree_with_its_forks_at_80x24() -> None:
    app = app_of(feed_under("dpos"))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("6")
        await painted(app, pilot)
        shown = await painted(app, pilot)
        assert [row[:2] for row in rows(app, "#tree")] == [
            ["●", "106"],
            ["●", "105"],
            ["│ ○", "105"],
            ["● │", "104"],
            ["│ ○", "104"],
            ["●─╯", "103"],
            ["●", "102"],
            ["◆", "101"],
        ]
        notes = [row[-1] for row in rows(app, "#tree")]
        assert notes[0] == "head ← all 4"
        assert (notes[2], notes[-1]) == ("side", "final")
        for part in ("final ◆ 101 (5 behind)", "branches 2", "Tree of alpha", "Reorganisations of alpha"):
            assert part in shown
        await pilot.press("f", "f")
        assert "only forks" in await painted(app, pilot)
        assert [row[1] for row in rows(app, "#tree")] == ["105", "105", "104", "104", "103", "101"]


async def test_nodes_watched_stand_at_their_tips_and_the_next_node_has_its_own_tree() -> None:
    feed = feed_under("pow")
    tree = feed.answers.block_tree
    assert tree is not None
    other = structs.replace(status_under("pow", "beta", 105), tip=tree.blocks[1].id)
    feed.network.answered(1, other, NOW)
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("6")
        await painted(app, pilot)
        await painted(app, pilot)
        notes = {row[2]: row[-1] for row in rows(app, "#tree")}
        assert notes[tree.blocks[0].id[:8]] == "head ← alpha, gamma, delta"
        assert notes[tree.blocks[1].id[:8]] == "side ← beta"
        await pilot.press("n")
        assert "Tree of beta" in await painted(app, pilot)
        feed.now += PAUSE_MS
        await painted(app, pilot)
        assert set(feed.network.forks.trees) == {0, 1}


async def test_a_reorganisation_and_the_transactions_it_dropped() -> None:
    app = app_of(feed_under("dpos"))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("6")
        await painted(app, pilot)
        await painted(app, pilot)
        assert rows(app, "#reorgs")[0][1:4] == ["2", "103", "2"]
        await pilot.press("tab", "enter")
        shown = await painted(app, pilot)
        assert isinstance(app.screen, ReorgScreen)
        assert "Transactions dropped 2 of 2: they wait again" in shown
        assert rows(app, "#items") == [[id_of("dropped 1")], [id_of("dropped 2")]]
        await pilot.press("tab", "enter")
        await painted(app, pilot)
        assert isinstance(app.screen, TransactionScreen)


async def test_enter_on_a_block_of_the_tree_opens_it() -> None:
    app = app_of(feed_under("dpos"))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("6")
        await painted(app, pilot)
        await painted(app, pilot)
        await pilot.press("enter")
        await painted(app, pilot)
        assert isinstance(app.screen, BlockScreen)


async def test_a_block_that_is_not_in_the_chain_is_shown_as_the_tree_tells_of_it() -> None:
    feed = feed_under("dpos")
    tree = feed.answers.block_tree
    assert tree is not None
    side = tree.blocks[1]
    feed.answers.unknown = {f"block {side.id}"}
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("6")
        await painted(app, pilot)
        await painted(app, pilot)
        await pilot.press("down", "down", "enter")
        shown = await painted(app, pilot)
        assert isinstance(app.screen, BlockScreen)
        assert side.id in shown
        assert "side: not in the chain" in shown
        assert "✗" not in shown


async def test_under_immediate_finality_the_tree_is_the_head() -> None:
    app = app_of(MadeFeed())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("6")
        await painted(app, pilot)
        assert "final at once: there are no forks" in await painted(app, pilot)
        assert [row[:2] for row in rows(app, "#tree")] == [["◆", "10"]]


async def test_tree_and_validators_are_asked_only_while_they_are_shown_and_once_a_second() -> None:
    feed = feed_under("dpos")
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        for _ in range(5):
            await painted(app, pilot)
        assert feed.answers.asked == ["validators"], "once, for the epoch"
        await pilot.press("6")
        for _ in range(5):
            await painted(app, pilot)
        assert feed.answers.asked.count("tree") == 1
        for height in range(HEAD + 1, HEAD + 4):
            feed.now += PAUSE_MS
            feed.network.answered(0, status_under("dpos", height=height), feed.now)
            await painted(app, pilot)
            await painted(app, pilot)
        assert feed.answers.asked.count("tree") == 4
        assert feed.answers.asked.count("validators") == 1
        await pilot.press("3")
        feed.now += PAUSE_MS
        feed.network.answered(0, status_under("dpos", height=HEAD + 9), feed.now)
        await painted(app, pilot)
        assert len(feed.answers.asked) == 5


# ── the overview


@pytest.mark.parametrize("engine, lang", list(zip(ENGINES, ("en", "zh", "zh", "en", "zh"), strict=True)))
async def test_every_screen_under_every_engine(engine: str, lang: str) -> None:
    app = app_of(feed_under(engine), lang)
    async with app.run_test(size=SMALL) as pilot:
        for key in "1234567":
            await pilot.press(key)
            await painted(app, pilot)
            assert all(len(line) <= 80 for line in seen(app))
        await pilot.press("1")
        shown = await painted(app, pilot)
        assert engine in shown
        finality = {"pow": "depth", "pos": "gadget", "dpos": "gadget"}.get(engine, "immediate")
        assert app.desk.words(f"finality_{finality}") in shown


async def test_the_overview_says_how_far_final_blocks_lag() -> None:
    app = app_of(feed_under("dpos"))
    async with app.run_test(size=SMALL) as pilot:
        shown = await painted(app, pilot)
        assert f"final {FINAL} ({HEAD - FINAL} behind)" in shown
        assert rows(app, "#nodes")[0][2] == f"−{HEAD - FINAL}"
        assert "epoch 4" in await painted(app, pilot)


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_countdown_to_the_next_engine_and_the_hand_over(size: tuple[int, int]) -> None:
    feed = feed_under("pow", handover_height=HEAD + 14, next_engine="pos")
    app = app_of(feed)
    async with app.run_test(size=size) as pilot:
        assert f"next pos in 14 blocks after {HEAD + 14}" in await painted(app, pilot)
        changes: dict[str, Any] = {"handover_height": HEAD, "next_engine": "pos", "is_handing_over": True}
        for index, name in enumerate(NAMES):
            feed.network.answered(index, status_under("pow", name, **changes), NOW)
        shown = await painted(app, pilot)
        assert f"HANDING OVER to pos after {HEAD}: transactions wait" in shown
        if size == WIDE:
            assert "handing over from pow to pos" in shown
            await pilot.press("2")
            assert "HAND-OVER" in await painted(app, pilot), "on every screen"


async def test_tips_on_branches_are_no_alarm() -> None:
    feed = feed_under("pow")
    feed.network.answered(3, status_under("pow", "delta", chain="side"), NOW)
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        shown = await painted(app, pilot)
        assert f"~ {id_of(f'side {HEAD}')[:6]}" in shown
        assert "~ on branches above" in shown
        assert "ANOTHER CHAIN" not in shown


async def test_a_deep_reorganisation_is_an_event_and_a_warning_and_opens() -> None:
    feed = MadeFeed(network_under("pow"))
    feed.network.take_event(0, reorg_event(depth=7, is_deep=True), NOW)
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        shown = await painted(app, pilot)
        assert "! alpha: DEEP REORGANISATION, 7 blocks undone" in shown
        assert "✗ alpha: DEEP: 7 blocks undone above 99: 106 → 107" in shown
        app.screen.query_one("#events", LiveTable).focus()
        await pilot.press("enter")
        shown = await painted(app, pilot)
        assert isinstance(app.screen, ReorgScreen)
        assert "DEEP · 7 blocks" in shown


async def test_an_untrusted_history_is_a_red_line_on_every_screen() -> None:
    feed = feed_under("pos")
    ill = schema.Health(is_healthy=False, phase="running", code="untrusted", reason="nothing trusted")
    status = structs.replace(with_health(status_under("pos", "beta"), ill), trust="untrusted")
    feed.network.answered(1, status, NOW)
    app = app_of(feed)
    async with app.run_test(size=SMALL) as pilot:
        for key in "1256":
            await pilot.press(key)
            assert "UNTRUSTED: nothing trusted links to the history of beta" in await painted(app, pilot)


async def test_nothing_that_a_tree_or_a_validator_says_reaches_the_terminal_as_a_command() -> None:
    evil = "[red]x[/]\x1b]0;owned\x07\n"
    feed = feed_under("dpos")
    row = structs.replace(validator_list().validators[0], name=evil, weight=evil, bonded=evil, key=evil)
    feed.answers.validator_list = structs.replace(
        feed.answers.validator_list, validators=[row], leader_name=evil, engine=evil
    )
    tree = feed.answers.block_tree
    assert tree is not None
    block = structs.replace(tree.blocks[0], proposer_name=evil, weight=evil, engine=evil)
    feed.answers.block_tree = structs.replace(tree, blocks=[block], finality=evil)
    app = app_of(feed)
    async with app.run_test(size=WIDE) as pilot:
        for key in ("5", "enter", "6"):
            await pilot.press(key)
            await painted(app, pilot)
            shown = await painted(app, pilot)
            assert "\x1b" not in shown
            assert "\x07" not in shown
