"""`chaosnet tui`: all nodes of a network side by side, live; or once, for scripts."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from chaosnet.cli.asking import DEFAULT_NODE
from chaosnet.cli.output import REFUSED, UNREACHABLE, Json
from chaosnet.daemon.devnet_plan import load_plan

if TYPE_CHECKING:
    from tui.feed import Feed
    from tui.network import Target

Nodes = Annotated[
    list[str] | None,
    typer.Option("--node", envvar="CHAOSNET_NODE", help="URL of a node; given once for each."),
]
Devnet = Annotated[
    Path | None, typer.Option("--dir", help="Watch all nodes of the devnet in this directory.")
]
RefreshMs = Annotated[
    int, typer.Option("--refresh", min=100, metavar="MS", help="Pause between two questions.")
]
Language = Annotated[str | None, typer.Option("--lang", help="en or zh; by default that of the locale.")]
Once = Annotated[bool, typer.Option("--once", help="Print one plain table and end, as without a terminal.")]


def tui(
    node: Nodes = None,
    directory: Devnet = None,
    refresh: RefreshMs = 1_000,
    lang: Language = None,
    *,
    once: Once = False,
    as_json: Json = False,
) -> None:
    """Watch all nodes of a network side by side: chain, agreement, peers, mempool, members, tree, events."""
    from tui.feed import Feed
    from tui.report import report_json, report_table
    from tui.trouble import troubles_of
    from tui.words import language_of, load_words

    feed = Feed(targets(node or [], directory), refresh_ms=refresh)
    words = load_words(language_of(lang, os.environ))
    if once or as_json or not sys.stdout.isatty():
        asyncio.run(_look_once(feed))
        report = report_json if as_json else report_table
        typer.echo(report(feed.network, feed.clock_ms(), words))
        if not any(view.is_reachable for view in feed.network.nodes):
            raise typer.Exit(UNREACHABLE)
        if troubles_of(feed.network):
            raise typer.Exit(REFUSED)
        return
    from tui.app import ChaosApp

    app = ChaosApp(feed, words)
    app.run()
    if app.return_code:
        raise typer.Exit(app.return_code)


def targets(urls: list[str], directory: Path | None) -> "list[Target]":
    """Return the nodes to watch: those named, those of a devnet, or the default one.

    Raises Invalid(`bad_argument`, `data_damaged`) for a directory without a devnet.
    """
    from tui.network import Target

    found = [] if directory is None else [Target(n.name, n.rest_url) for n in load_plan(directory).nodes]
    named = [url.rstrip("/") for url in urls or ([] if found else [DEFAULT_NODE])]
    return found + [Target(urlsplit(url).netloc or url, url) for url in named]


async def _look_once(feed: "Feed") -> None:
    """Ask all nodes once."""
    try:
        await feed.look_once()
    finally:
        await feed.close()
