#!/usr/bin/env python3
"""Takes the pictures of the documentation from a devnet: `scripts/screenshots.py --explorer URL --dir DIR`.

The devnet should have some traffic and a contract, to have something to see. Chromium must be installed.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from chaosnet.cli.tui import targets  # noqa: E402
from tests.browser import chromium  # noqa: E402
from tui.app import ChaosApp  # noqa: E402
from tui.feed import Feed  # noqa: E402
from tui.words import load_words  # noqa: E402

BYTES_MAX = 300_000
SETTLE_S = 2.5
"""What has just arrived is highlighted for a moment."""
WIDE = (1280, 860)
PHONE = (390, 844)
TERMINAL = (120, 36)
"""Columns and lines."""
TERMINAL_WINDOW = (1280, 801)
"""What they fill."""
WATCH_S = 12.0
"""The terminal watches for so long before its picture is taken."""


def shoot(browser: chromium.Chromium, url: str, path: Path, size: tuple[int, int], *, is_dark: bool) -> None:
    """Write one picture; a large one is an error."""
    browser.dress(width=size[0], height=size[1], is_dark=is_dark)
    browser.open(url)
    time.sleep(SETTLE_S)
    browser.shoot(path)
    count = path.stat().st_size
    print(f"{path.relative_to(REPOSITORY)}  {count // 1024} KiB")
    if count > BYTES_MAX:
        sys.exit(f"{path} is larger than {BYTES_MAX} bytes")


def link_in(browser: chromium.Chromium, url: str, selector: str) -> str:
    """Return where the first such link of a page leads."""
    browser.open(url)
    return str(browser.wait_for(f"document.querySelector({selector!r})?.href"))


def shoot_explorer(browser: chromium.Chromium, url: str, folder: Path) -> None:
    """Take the explorer's pictures."""
    transaction = link_in(browser, url, ".txs td:first-child a")
    block = link_in(browser, url, ".txs td:nth-child(2) a")
    account = link_in(browser, url, ".txs td:nth-child(4) a")
    contract = link_in(browser, f"{url}/contracts", ".list td:first-child a")
    shoot(browser, url, folder / "explorer-home.png", WIDE, is_dark=False)
    shoot(browser, url, folder / "explorer-home-dark.png", WIDE, is_dark=True)
    shoot(browser, block, folder / "explorer-block.png", WIDE, is_dark=True)
    shoot(browser, transaction, folder / "explorer-transaction.png", WIDE, is_dark=False)
    shoot(browser, account, folder / "explorer-account.png", WIDE, is_dark=False)
    shoot(browser, contract, folder / "explorer-contract.png", WIDE, is_dark=False)
    shoot(browser, f"{url}/nodes", folder / "explorer-nodes.png", WIDE, is_dark=True)
    shoot(browser, url, folder / "explorer-phone.png", PHONE, is_dark=True)


def shoot_terminal(browser: chromium.Chromium, directory: Path, path: Path, keys: str) -> None:
    """Take the picture of `chaosnet tui` over all nodes of a devnet, after these keys."""
    svg = asyncio.run(_draw_terminal(directory, keys))
    page = path.with_suffix(".html")
    page.write_text(f'<body style="margin:0;background:#292929">{svg}', encoding="utf-8")
    try:
        shoot(browser, page.as_uri(), path, TERMINAL_WINDOW, is_dark=True)
    finally:
        page.unlink()


async def _draw_terminal(directory: Path, keys: str) -> str:
    """Run the terminal without one, and return how it looks."""
    app = ChaosApp(Feed(targets([], directory)), load_words("en"))
    async with app.run_test(size=TERMINAL) as pilot:
        await pilot.press(*keys)
        await asyncio.sleep(WATCH_S)
        await pilot.pause()
        svg = app.export_screenshot(simplify=True)
    return svg.replace("Fira Code", "DejaVu Sans Mono").replace("<svg ", '<svg style="display:block" ', 1)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--explorer", default="http://127.0.0.1:26600", help="address of the explorer")
    parser.add_argument(
        "--dir", type=Path, help="directory of the devnet; without it the terminal is left out"
    )
    parser.add_argument("--only-terminal", action="store_true", help="leave the explorer out")
    parser.add_argument(
        "--screen",
        default="tui=",
        metavar="NAME=KEYS",
        help="name of the terminal's picture and the keys pressed before: tui-tree=6 is the tree of blocks",
    )
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "images")
    given = parser.parse_args()
    path = chromium.program()
    if path is None:
        sys.exit("Chromium is not installed")
    given.out.mkdir(parents=True, exist_ok=True)
    with chromium.Chromium(path) as browser:
        if not given.only_terminal:
            shoot_explorer(browser, given.explorer.rstrip("/"), given.out.resolve())
        if given.dir is not None:
            name, _, keys = given.screen.partition("=")
            shoot_terminal(browser, given.dir, given.out.resolve() / f"{name}.png", keys)


if __name__ == "__main__":
    main()
