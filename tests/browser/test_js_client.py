"""The JavaScript client in a real browser, loaded as its README says, makes the bytes that nodes make."""

import contextlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser import chromium
from tests.browser.chromium import BrowserError, Chromium

pytestmark = pytest.mark.browser

PACKAGE = Path(__file__).resolve().parents[2] / "clients" / "js"
VECTORS = json.loads((PACKAGE / "test" / "vectors.json").read_text())
PREFIX = "/node_modules/chaosnet-client/"
USE = """
import('chaosnet-client').then(({ Key, transfer, transactionBody, signTransaction, parseAddress, toHex }) => {
  const key = new Key('%(seed)s');
  const genesis = new Uint8Array(32).fill(7);
  const numbers = { nonce: 300, expiry: 70000, gasLimit: 21000, gasPrice: 0n };
  const actions = [transfer(parseAddress('cos', '%(other)s'), 150000000n)];
  const body = transactionBody({ genesis, sender: key.accountAddress, actions, ...numbers });
  return toHex(signTransaction(body, key).raw);
})
"""


def import_map() -> str:
    """Return the one script of the README that a page needs without a bundler."""
    readme = (PACKAGE / "README.md").read_text()
    return readme.partition("```html\n")[2].partition("```")[0]


class Site(SimpleHTTPRequestHandler):
    """Serves a page with the import map, and the packages as an application would have them."""

    def do_GET(self) -> None:
        if self.path != "/":
            self.path = self.path.replace(PREFIX, "/", 1)
            super().do_GET()
            return
        page = f"<!doctype html><title>client</title>{import_map()}".encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(PACKAGE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_page_signs_what_a_node_takes() -> None:
    path = chromium.program()
    if path is None:
        pytest.skip("no Chromium on this host: the JavaScript client is not tried in a real browser")
    if not (PACKAGE / "node_modules" / "@noble" / "curves").exists():
        pytest.skip(
            "npm packages of clients/js are not installed (npm ci): the client is not tried in a browser"
        )
    with served() as url:
        try:
            browser = Chromium(path)
        except (BrowserError, OSError) as error:
            pytest.skip(f"Chromium does not start on this host: {error}")
        with browser:
            browser.open(url)
            assert browser.look(USE % VECTORS["key"]) == VECTORS["off_line"]["raw"]
