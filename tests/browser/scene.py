"""One explorer over a made-up node, and one real browser on it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from tests.browser import chromium
from tests.browser.chromium import BrowserError, Chromium
from tests.browser.servers import NodeServer, explorer_over
from tests.unit.explorer.branching_node import BranchingNode
from tests.unit.explorer.made_node import MadeNode


class Scene(NamedTuple):
    """What a test acts on."""

    server: NodeServer
    url: str
    process: "subprocess.Popen[bytes]"
    browser: Chromium

    def grow(self, tx_count: int = 1) -> int:
        now_ms = time.time_ns() // 1_000_000
        height: int = self.server.do(lambda: self.server.node.grow(tx_count, time_ms=now_ms)).height
        return height

    def open_live(self, path: str) -> None:
        """Open a page, wait for its stream, and mark it: a reload would lose the mark."""
        self.browser.open(self.url + path)
        self.browser.wait_for("document.documentElement.dataset.stream === 'on'")
        self.browser.look("window.mark = 'kept'")

    def complaints(self) -> list[Any]:
        """What the browser objected to: errors in scripts, policy violations."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [event["params"] for event in self.browser.events if event["method"] in kinds]


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Twenty blocks, each final at once."""
    node = MadeNode()
    for _ in range(20):
        node.grow(2)
    with _played(node) as played:
        yield played


@pytest.fixture
def forking() -> Iterator[Scene]:
    """Twenty blocks of a chain that can fork, the newest six not final."""
    node = BranchingNode()
    now_ms = time.time_ns() // 1_000_000
    for height in range(1, 21):
        node.grow(2, time_ms=now_ms - (21 - height) * 1_000)
    with _played(node) as played:
        yield played


@contextmanager
def _played(node: MadeNode) -> Iterator[Scene]:
    path = chromium.program()
    if path is None:
        pytest.skip("no Chromium on this host: the explorer is not tried in a real browser")
    server = NodeServer(node)
    try:
        with explorer_over(server.url) as (url, process):
            try:
                browser = Chromium(path)
            except (BrowserError, OSError) as error:
                pytest.skip(f"Chromium does not start on this host: {error}")
            with browser:
                browser.dress(width=1280, height=900)
                yield Scene(server, url, process, browser)
    finally:
        server.stop()
