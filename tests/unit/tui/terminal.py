"""The terminal's application as tests drive and read it."""

from textual.pilot import Pilot

from tests.unit.tui.answers import MadeFeed
from tui.app import ChaosApp
from tui.widgets.live_table import LiveTable
from tui.words import load_words

WIDE = (140, 45)
SMALL = (80, 24)
P = Pilot[None]


def app_of(feed: MadeFeed, lang: str = "en") -> ChaosApp:
    return ChaosApp(feed, load_words(lang))


def seen(app: ChaosApp) -> list[str]:
    """Return the lines of the terminal as they stand there."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def text(app: ChaosApp) -> str:
    return "\n".join(seen(app))


def rows(app: ChaosApp, selector: str) -> list[list[str]]:
    table = app.screen.query_one(selector, LiveTable)
    return [[cell.plain.strip() for cell in table.get_row_at(i)] for i in range(table.row_count)]


async def painted(app: ChaosApp, pilot: P) -> str:
    await pilot.pause()
    app.paint()
    await pilot.pause()
    return text(app)
