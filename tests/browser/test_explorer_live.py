"""The explorer in a real browser: blocks arrive without a reload, nothing is asked of strangers."""

import time

import httpx
import pytest

from chaosnet.rpc.schema import Health
from tests.browser import chromium
from tests.browser.chromium import Chromium
from tests.browser.scene import Scene
from tests.unit.explorer.made_node import ALICE, HOSTILE, id_of

pytestmark = pytest.mark.browser

TOP_CARD = "document.querySelector('.cards .height')?.textContent"
STOP_S = 6.0


def test_new_block_appears_without_a_reload(scene: Scene) -> None:
    scene.open_live("/")
    assert scene.browser.look(TOP_CARD) == "20"
    for tx_count in (3, 0, 5):
        height = scene.grow(tx_count)
        scene.browser.wait_for(f"{TOP_CARD} === '{height}'")
    scene.browser.wait_for("document.querySelector('.facts dd').textContent === '23'")
    newest = scene.server.node.tx_id(23, 4)
    scene.browser.wait_for(f"document.querySelector('.txs tbody tr').dataset.key === '{newest}'")
    assert scene.browser.look("document.querySelectorAll('.cards .card').length") == 12
    assert scene.browser.look("window.mark") == "kept"
    assert scene.complaints() == []


def test_browser_asks_only_the_site_and_the_site_listens_once(scene: Scene) -> None:
    scene.open_live("/")
    with Chromium(chromium.program() or "") as other:
        other.open(scene.url + "/blocks")
        other.wait_for("document.documentElement.dataset.stream === 'on'")
        height = scene.grow()
        other.wait_for(f"document.querySelector('tbody a').textContent === '{height}'")
        scene.browser.wait_for(f"{TOP_CARD} === '{height}'")
        assert scene.server.node.hub.readers == 1
        assert httpx.get(scene.url + "/health", trust_env=False).json()["browsers"] == 2
    asked = [
        event["params"]["request"]["url"]
        for event in scene.browser.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert len(asked) >= 5
    assert [url for url in asked if not url.startswith(scene.url + "/")] == []


def test_transaction_turns_final_before_the_visitors_eyes(scene: Scene) -> None:
    tx_id = id_of("waited for")
    scene.browser.open(f"{scene.url}/tx/{tx_id}")
    scene.browser.wait_for("document.documentElement.dataset.stream === 'on'")
    scene.browser.look("window.mark = 'kept'")
    assert "not known" in scene.browser.look("document.querySelector('h1').textContent")
    scene.server.do(lambda: scene.server.node.submit_made(tx_id))
    scene.browser.wait_for("document.querySelector('.title .badge')?.textContent.includes('pending')")
    scene.grow()
    scene.browser.wait_for("document.querySelector('.title .badge')?.textContent.includes('final')")
    assert scene.browser.look("window.mark") == "kept"
    assert scene.browser.look("document.documentElement.dataset.stream") == "none", "nothing more to wait for"


def test_halt_is_announced_and_its_end_too(scene: Scene) -> None:
    scene.open_live("/")
    since_ms = time.time_ns() // 1_000_000 - 65_000
    halted = Health(
        is_healthy=False,
        phase="running",
        code="quorum_lost",
        reason="2 of 4 members silent, 3 needed",
        since_ms=since_ms,
    )
    scene.server.do(lambda: scene.server.node.be_wrong(halted, ("gamma", "delta")))
    alert = "document.querySelector('.alert')?.textContent"
    assert "2 of 4 members silent, 3 needed" in scene.browser.wait_for(alert)
    assert "1 min ago" in scene.browser.look(alert)
    assert scene.browser.look("document.querySelectorAll('.mark.bad').length") == 2
    well = Health(is_healthy=True, phase="running")
    scene.server.do(lambda: scene.server.node.be_wrong(well))
    scene.browser.wait_for("document.querySelector('.alert') === null")
    assert scene.browser.look("window.mark") == "kept"


def test_ages_tick_and_copying_works(scene: Scene) -> None:
    height = scene.grow(2)
    scene.open_live(f"/address/{ALICE}")
    before = scene.browser.look("document.querySelector('.txs time.age').textContent")
    scene.browser.wait_for(f"document.querySelector('.txs time.age').textContent !== '{before}'")
    scene.browser.look("document.querySelector('.subject .copy').click()")
    scene.browser.wait_for("document.querySelector('.subject .copy.done') !== null")
    assert scene.browser.look("document.getElementById('said').textContent") == "Copied"
    assert scene.browser.look(f"document.querySelector('.txs a[href=\"/block/{height}\"]') !== null")
    assert scene.complaints() == []


def test_pages_work_without_scripts(scene: Scene) -> None:
    scene.browser.without_scripts()
    scene.browser.open(scene.url + "/")
    scene.browser.without_scripts(is_off=False)
    assert scene.browser.look(TOP_CARD) == "20"
    assert scene.browser.look("getComputedStyle(document.querySelector('.copy')).display") == "none"
    assert scene.browser.look("getComputedStyle(document.querySelector('.stream')).display") == "none"
    assert scene.browser.look("document.querySelectorAll('.txs tbody tr').length") == 10


def test_hostile_memo_runs_nothing(scene: Scene) -> None:
    scene.server.node.memo = HOSTILE + "<img src=x onerror='window.owned=1'><svg onload='window.owned=1'>"
    scene.browser.open(f"{scene.url}/tx/{scene.server.node.tx_id(3, 0)}")
    assert scene.browser.look("document.querySelector('.memo').textContent") == scene.server.node.memo
    assert scene.browser.look("window.owned") is None
    # The policy holds even against markup that slipped through.
    scene.browser.look(
        "document.body.insertAdjacentHTML('beforeend', `<img src=x onerror='window.owned=1'>`)"
    )
    scene.browser.wait_for(
        "new Promise(done => setTimeout(() => done(true), 0))"  # the event of the failed image comes later
    )
    assert scene.browser.look("window.owned") is None


def test_no_page_is_wider_than_the_window(scene: Scene) -> None:
    node = scene.server.node
    paths = ("/", "/blocks", "/block/3", f"/tx/{node.tx_id(3, 0)}", f"/address/{ALICE}", "/nodes", "/x")
    for width in (360, 768, 1280):
        scene.browser.dress(width=width, height=800)
        for path in paths:
            scene.browser.open(scene.url + path)
            assert scene.browser.look("document.documentElement.scrollWidth") <= width, (path, width)


def test_stop_does_not_wait_for_browsers(scene: Scene) -> None:
    scene.open_live("/")
    scene.process.terminate()
    assert scene.process.wait(STOP_S) == 0
    scene.browser.wait_for("document.documentElement.dataset.stream === 'off'")
