"""What frames each screen: tabs at the top, the line that says what is wrong, the keys at the bottom."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from tui.desk import Desk
from tui.show import clock, trouble_of
from tui.trouble import troubles_of

TABS: Final = ("overview", "blocks", "pool", "peers", "members", "tree", "help")
KEYS: Final = (
    ("/", "search", "search"),
    ("n", "node", "next_node"),
    ("s", "sort", "sort"),
    ("f", "filter", "filter"),
    ("p", "pause", "pause"),
    ("⏎", "open", "open_current"),
    ("Esc", "back", "leave"),
    ("y", "copy", "copy"),
    ("r", "refresh", "refresh_now"),
    ("?", "help", "show('help')"),
    ("q", "quit", "quit"),
)
BANNER_LINES: Final = 2
BROAD: Final = 112
"""From this width on there is room for a badge."""
NARROW: Final = 96
"""Below this width the tabs stand closer together."""


class TopBar(Horizontal):
    """Name, screens and the time."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="tabs")
        yield Static(id="clock")

    def paint(self, desk: Desk, active: str) -> None:
        """Show which screen is active, and the time."""
        words = desk.words
        is_narrow = self.app.size.width < NARROW
        tabs = [" " if is_narrow else "[b $primary] chaosnet [/]"]
        for number, name in enumerate(TABS, start=1):
            style = "b reverse" if name == active else "$foreground"
            before = "" if is_narrow else " "
            tabs.append(f"[{style}][@click=app.show('{name}')]{before}{number} {words(name)} [/][/]")
        self.query_one("#tabs", Static).update("".join(tabs))
        time = Text(clock(desk.now_ms()))
        is_broad = self.app.size.width >= BROAD
        if is_broad and any(n.live and n.live.consensus.is_handing_over for n in desk.network.nodes):
            time = Text.assemble((f" {words('handing_over')} ", f"reverse {desk.palette.warn}"), " ", time)
        if desk.is_paused:
            time = Text.assemble((f" {words('paused')} ", f"reverse {desk.palette.warn}"), " ", time)
        self.query_one("#clock", Static).update(time)


class Banner(Static):
    """The worst troubles; nothing when there are none."""

    def paint(self, desk: Desk) -> None:
        """Show what is wrong."""
        troubles = troubles_of(desk.network)
        self.display = bool(troubles)
        if not troubles:
            return
        is_bad = troubles[0].level == "bad"
        self.set_class(is_bad, "-bad")
        shown = [trouble for trouble in troubles if trouble.level == troubles[0].level or is_bad][
            :BANNER_LINES
        ]
        lines = []
        for trouble in shown:
            sign = "✗" if trouble.level == "bad" else "!"
            lines.append(f" {sign} {trouble_of(trouble, desk.now_ms(), desk.words)}")
        if len(troubles) > len(shown):
            lines[-1] += f" · {desk.words('more_troubles', n=len(troubles) - len(shown))}"
        self.update(Text("\n".join(lines), overflow="ellipsis", no_wrap=True))


class KeyBar(Static):
    """Keys that do something here; a click does the same."""

    def paint(self, desk: Desk, without: Sequence[str]) -> None:
        """Show the keys, except some."""
        parts = [
            f"[@click=app.{action}][b $accent]{key}[/] {desk.words(f'key_{name}')}[/]"
            for key, name, action in KEYS
            if name not in without
        ]
        self.update(" " + "  ".join(parts))
