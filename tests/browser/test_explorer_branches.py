"""Branches in a real browser: what a reorganisation undoes disappears before the visitor's eyes."""

import time

import msgspec
import pytest

from tests.browser.scene import Scene
from tests.unit.explorer.branching_node import BranchingNode

pytestmark = pytest.mark.browser

ROWS = "document.querySelectorAll('tbody [data-key], .cards [data-key]')"
HEIGHTS = "[...document.querySelectorAll('.rows .node > a')].map(a => a.textContent)"
SLANTS = """
(() => {
  const middle = element => { const box = element.getBoundingClientRect(); return box.y + box.height / 2; };
  const dots = [...document.querySelectorAll('circle.at')], rows = document.querySelectorAll('.rows > li');
  return dots.map((dot, i) => Math.abs(middle(dot) - middle(rows[i])));
})()
"""


def node_of(scene: Scene) -> BranchingNode:
    node = scene.server.node
    assert isinstance(node, BranchingNode)
    return node


def fork(scene: Scene, depth: int) -> list[str]:
    now_ms = time.time_ns() // 1_000_000
    dropped: list[str] = scene.server.do(lambda: node_of(scene).fork(depth, time_ms=now_ms))
    return dropped


def test_tree_grows_a_branch_and_tells_what_was_dropped(forking: Scene) -> None:
    browser = forking.browser
    forking.open_live("/tree")
    assert browser.look("document.querySelectorAll('circle.at').length") == 7
    assert browser.look("document.querySelectorAll('circle.at.branch').length") == 0
    dropped = fork(forking, 2)
    browser.wait_for("document.querySelectorAll('circle.at.branch').length === 2")
    assert browser.look(HEIGHTS)[:4] == ["21", "20", "20", "19"]
    browser.look("document.querySelector('[data-live=reorganisations] summary').click()")
    links = "[...document.querySelectorAll('.ids a')].map(a => a.getAttribute('href'))"
    assert browser.look(links) == [f"/tx/{tx_id}" for tx_id in dropped]
    forking.grow()
    browser.wait_for(f"{HEIGHTS}[0] === '22'")
    assert browser.look("document.querySelector('[data-live=reorganisations] details').open")
    assert max(browser.look(SLANTS)) < 1, "every dot stands beside its row"
    assert browser.look("window.mark") == "kept"
    assert forking.complaints() == []


def test_undone_blocks_leave_the_lists_and_final_ones_are_marked(forking: Scene) -> None:
    browser, node = forking.browser, node_of(forking)
    for path in ("/blocks", "/"):
        forking.open_live(path)
        old = [block.id for block in node.made[-2:]]
        keys = f"[...{ROWS}].map(row => row.dataset.key)"
        assert set(old) <= set(browser.look(keys))
        fork(forking, 2)
        new = [block.id for block in node.made[-3:]]
        browser.wait_for(f"{keys}.includes('{new[-1]}')")
        browser.wait_for(f"!{old}.some(id => {keys}.includes(id))")
        assert set(new) <= set(browser.look(keys))
        assert browser.look("window.mark") == "kept"
    forking.open_live("/blocks")
    height = node.final_height + 1
    badge = f"document.querySelector('tr[data-key=\"{node.made[height].id}\"] .badge').textContent.trim()"
    assert browser.look(badge) == "not final yet"
    forking.grow()
    browser.wait_for(f"{badge} === 'final'")
    assert browser.look("window.mark") == "kept"
    assert forking.complaints() == []


def test_transaction_of_an_undone_block_waits_again_and_returns(forking: Scene) -> None:
    browser, node = forking.browser, node_of(forking)
    tx_id = node.tx_id(20, 0)
    forking.open_live(f"/tx/{tx_id}")
    assert browser.look("document.querySelector('.title .badge').textContent.trim()") == "in a block"
    fork(forking, 1)
    alert = browser.wait_for("document.querySelector('.alert.warn')?.textContent")
    assert "This transaction waits again." in alert
    forking.grow(2)
    browser.wait_for("document.querySelector('.title .badge').textContent.trim() === 'in a block'")
    for _ in range(6):
        forking.grow(0)
    browser.wait_for("document.querySelector('.title .badge').textContent.trim() === 'final'")
    assert browser.look("window.mark") == "kept"


def test_page_of_an_undone_block_says_so(forking: Scene) -> None:
    browser, node = forking.browser, node_of(forking)
    old = node.made[-1]
    forking.open_live(f"/block/{old.id}")
    fork(forking, 1)
    browser.wait_for("document.querySelector('h1').textContent === 'This block is not on the chain'")
    assert browser.look("document.querySelector('.button').getAttribute('href')") == "/block/20"


def test_validators_change_their_state_live(forking: Scene) -> None:
    browser, node = forking.browser, node_of(forking)
    forking.open_live("/validators")
    row = "[...document.querySelectorAll('[data-live=validators] tr')].map(row => row.textContent)"
    assert "silent" in browser.look(row)[3]
    assert browser.look("document.querySelector('.facts meter').value") == 6
    mended = [msgspec.structs.replace(v, is_silent=False) for v in node.validator_list.validators]
    told = msgspec.structs.replace(
        node.validator_list, validators=mended, height=110, leader=mended[3].operator, leader_name="delta"
    )
    forking.server.do(lambda: setattr(node, "validator_list", told))
    browser.wait_for(f"{row}[3].includes('its turn') && !{row}[3].includes('silent')")
    assert browser.look("document.querySelector('.facts meter').value") == 10
    assert browser.look("window.mark") == "kept"
    assert forking.complaints() == []


def test_pages_of_branches_fit_any_width(forking: Scene) -> None:
    dropped = fork(forking, 3)
    old = node_of(forking).beside[0]
    for width in (360, 768, 1280):
        forking.browser.dress(width=width, height=800)
        for path in ("/tree", "/validators", "/block/20", f"/block/{old.id}", f"/tx/{dropped[0]}"):
            forking.browser.open(forking.url + path)
            assert forking.browser.look("document.documentElement.scrollWidth") <= width, (path, width)
