"""Contracts and tokens in a real browser: the console answers, a stranger's text stays text, no barriers."""

from urllib.parse import quote

import pytest

from chaosnet.rpc.schema import Query
from tests.browser.scene import Scene
from tests.browser.test_explorer_access import AXE, violations
from tests.fake_contracts import BOX, MAKER, TOKEN

pytestmark = pytest.mark.browser

ANSWER = "document.querySelector('#method-get .answer output')?.textContent"


def test_a_question_is_typed_and_answered(scene: Scene) -> None:
    scene.browser.open(f"{scene.url}/contract/{BOX}")
    scene.browser.look(f"document.querySelector('#method-get input[name=arg]').value = '{MAKER}'")
    scene.browser.look("document.querySelector('#method-get button').click()")
    assert scene.browser.wait_for(ANSWER) == "9007199254740993"
    assert scene.server.node.asked == [Query(method="get", args=[MAKER])]
    assert scene.browser.look("document.querySelector('#method-get input[name=arg]').value") == MAKER
    assert scene.browser.look("document.querySelector('#method-put form')") is None, "puts are not questions"
    assert scene.complaints() == []


def test_the_text_of_a_stranger_is_no_script(scene: Scene) -> None:
    for path in (f"/contract/{BOX}", f"/contract/{BOX}?storage=names", f"/token/{TOKEN}"):
        scene.browser.open(scene.url + path)
        assert scene.browser.look("document.querySelectorAll('main script').length") == 0
    assert scene.complaints() == []


def test_pages_of_contracts_have_no_barriers(scene: Scene) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci in tests/e2e): accessibility is not checked")
    paths = [
        "/contracts?lang=zh",
        f"/contract/{BOX}?lang=en",
        f"/contract/{BOX}?storage=names&method=get&arg={quote(MAKER)}",
        "/tokens",
        f"/token/{TOKEN}",
        f"/address/{MAKER}",
    ]
    assert violations(scene, paths) == []


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_no_page_is_wider_than_its_window(scene: Scene, width: int) -> None:
    scene.browser.dress(width=width, height=800)
    for path in ("/", "/contracts", f"/contract/{BOX}", "/tokens", f"/token/{TOKEN}"):
        scene.browser.open(scene.url + path)
        assert scene.browser.look("document.documentElement.scrollWidth") == width, path
