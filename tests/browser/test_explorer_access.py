"""Every page passes the accessibility rules of axe-core, light and dark, wide and narrow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chaosnet.rpc.schema import Health
from tests.browser.scene import Scene
from tests.fake_backend import PRESENT
from tests.unit.explorer.branching_node import BranchingNode
from tests.unit.explorer.made_node import ALICE, TEAM

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent.parent / "e2e/node_modules/axe-core/axe.min.js"
LOOKS = ((1280, False), (390, True))
RUN = """
axe.run(document, {resultTypes: ['violations']}).then(result => result.violations.map(
    violation => [violation.id, violation.nodes.map(node => node.html.slice(0, 120))]))
"""


def test_pages_have_no_barriers(scene: Scene) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci in tests/e2e): accessibility is not checked")
    node = scene.server.node
    halted = Health(
        is_healthy=False, phase="running", code="quorum_lost", reason="2 of 4 members silent, 3 needed"
    )
    scene.server.do(lambda: node.submit_made("ab" * 32))
    paths = [
        "/",
        "/blocks",
        "/block/3",
        f"/tx/{node.tx_id(3, 0)}",
        f"/tx/{'ab' * 32}",
        f"/address/{ALICE}?lang=zh",
        f"/address/{TEAM}?lang=en",
        "/nodes",
        "/nowhere",
    ]
    found = violations(scene, paths, LOOKS[:1])
    scene.server.do(lambda: node.be_wrong(halted, ("gamma", "delta")))
    found += violations(scene, paths, LOOKS[1:])
    assert found == []


def test_pages_of_branches_have_no_barriers(forking: Scene) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci in tests/e2e): accessibility is not checked")
    node = forking.server.node
    assert isinstance(node, BranchingNode)
    old = node.made[-1]
    forking.server.do(lambda: node.fork(2))
    node.next_engine, node.handover_height, node.trust = "pos", 40, "untrusted"
    paths = ["/tree", "/validators?lang=zh", "/block/20?lang=en", f"/block/{old.id}", f"/address/{PRESENT}"]
    assert violations(forking, paths) == []


def violations(scene: Scene, paths: list[str], looks: Sequence[tuple[int, bool]] = LOOKS) -> list[Any]:
    """Return what breaks a rule on these pages, each seen in these widths, light or dark."""
    found = []
    for width, is_dark in looks:
        scene.browser.dress(width=width, height=900, is_dark=is_dark)
        for path in paths:
            scene.browser.open(scene.url + path)
            scene.browser.look(AXE.read_text(encoding="utf-8") + ";true")
            found += [(path, width, *violation) for violation in scene.browser.look(RUN)]
    return found
