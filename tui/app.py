"""The application: screens by keys, one feed behind them all, repainting when facts change."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.command import CommandPalette
from textual.screen import Screen
from textual.theme import Theme

from chaosnet.base.errors import ChaosError
from tui.desk import Desk, Open, Source
from tui.plain import plain
from tui.screens.account import AccountScreen
from tui.screens.block import BlockScreen
from tui.screens.blocks import BlocksScreen
from tui.screens.detail import DetailView
from tui.screens.help import HelpScreen
from tui.screens.members import MembersScreen
from tui.screens.overview import OverviewScreen
from tui.screens.peers import PeersScreen
from tui.screens.pool import PoolScreen
from tui.screens.reorg import ReorgScreen
from tui.screens.search import SearchScreen
from tui.screens.transaction import TransactionScreen
from tui.screens.tree import TreeScreen
from tui.screens.validator import ValidatorScreen
from tui.screens.view import View
from tui.show import Palette, ends
from tui.words import Words

PAINT_MS: Final = 250
"""Facts that change more often are shown together."""
TICK_MS: Final = 1_000
"""Ages and durations are shown anew this often when no fact changes."""
SCREENS: Final[dict[str, type[View]]] = {
    "overview": OverviewScreen,
    "blocks": BlocksScreen,
    "pool": PoolScreen,
    "peers": PeersScreen,
    "members": MembersScreen,
    "tree": TreeScreen,
    "help": HelpScreen,
}
DETAILS: Final[dict[str, Callable[[Desk, str], DetailView]]] = {
    "block": BlockScreen,
    "transaction": TransactionScreen,
    "account": AccountScreen,
    "validator": ValidatorScreen,
    "reorg": ReorgScreen,
}
DEPTH_MAX: Final = 20
"""Screens on top of each other; going deeper replaces the uppermost."""
THEME: Final = Theme(
    name="chaosnet",
    primary="#5ab4e5",
    secondary="#7a8ca3",
    accent="#5ab4e5",
    success="#2ebd95",
    warning="#e6a73c",
    error="#f0703a",
    foreground="#d8dee6",
    background="#0d1117",
    surface="#0d1117",
    panel="#1b2330",
)
"""Blue, green, amber and vermilion of the Okabe-Ito palette, which colour-blind eyes can tell apart."""


class ChaosApp(App[None]):
    """All nodes of a network, live."""

    TITLE = "chaosnet"
    CSS_PATH = "chaos.tcss"
    BINDINGS = [
        *(Binding(str(i), f"show('{name}')", show=False) for i, name in enumerate(SCREENS, start=1)),
        Binding("question_mark", "show('help')", show=False),
        Binding("slash", "search", show=False),
        Binding("n", "next_node", show=False),
        Binding("s", "sort", show=False),
        Binding("f", "filter", show=False),
        Binding("p", "pause", show=False),
        Binding("r", "refresh_now", show=False),
        Binding("y", "copy", show=False),
        Binding("colon", "command_palette", show=False),
        Binding("escape", "leave", show=False),
        Binding("q", "quit", show=False),
    ]

    def __init__(self, feed: Source, words: Words) -> None:
        super().__init__()
        self.feed = feed
        self.register_theme(THEME)
        self.theme = THEME.name
        self.desk = Desk(feed, words, _palette_of(THEME))
        self._painted_version = -1
        self._painted_ms = 0
        for name, screen in SCREENS.items():
            self.add_mode(name, partial(screen, self.desk))

    def on_mount(self) -> None:
        """Begin asking, and painting."""
        self.switch_mode("overview")
        self.theme_changed_signal.subscribe(self, self._take_theme)
        self.run_worker(self.feed.run(), exit_on_error=True)
        self.set_interval(PAINT_MS / 1000, self._tick)

    async def on_unmount(self) -> None:
        """Close the connections."""
        await self.feed.close()

    # ── painting ─────────────────────────────────────────────────────────────────────────────────────────

    def _tick(self) -> None:
        now_ms = self.desk.now_ms()
        if self.desk.is_paused:
            return
        if self.feed.network.version != self._painted_version or abs(now_ms - self._painted_ms) >= TICK_MS:
            self.paint()

    def paint(self) -> None:
        """Show the facts as they are now."""
        self._painted_version, self._painted_ms = self.feed.network.version, self.desk.now_ms()
        if isinstance(self.screen, View):
            self.screen.paint_all()

    def _take_theme(self, theme: Theme) -> None:
        self.desk.palette = _palette_of(theme)
        self.paint()

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────

    # A click runs its action inside the widget clicked: to wait here for that widget to go would never end.

    def action_show(self, name: str) -> None:
        """Go to a screen; from deeper inside it, to its beginning."""
        if self.current_mode != name:
            self.switch_mode(name)
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_leave(self) -> None:
        """Leave a detail, else go to the overview."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.switch_mode("overview")

    def action_search(self) -> None:
        """Ask what to look for."""
        self.push_screen(SearchScreen(self.desk.words), self._search)

    def _search(self, text: str | None) -> None:
        if text:
            self.run_worker(self._find(text), exclusive=True, group="search")

    async def _find(self, text: str) -> None:
        for node in self.feed.network.nodes:
            for member in node.status.members if node.status is not None else []:
                if member.name == text:
                    self.open("account", member.operator)
                    return
        try:
            found = await self.feed.ask(lambda client: client.search(text))
        except ChaosError as error:
            self.notify(plain(str(error)), severity="error", markup=False)
            return
        if found.kind in DETAILS:
            self.open(found.kind, found.key)
        else:
            nothing = self.desk.words("search_nothing", text=ends(text, 40))
            self.notify(nothing, severity="warning", markup=False)

    def action_next_node(self) -> None:
        """Choose the next node."""
        self.desk.selected = (self.desk.selected + 1) % len(self.feed.network.nodes)
        self.paint()

    def action_sort(self) -> None:
        """Sort by another column."""
        if isinstance(self.screen, View):
            self.screen.next_sort()

    def action_filter(self) -> None:
        """Narrow the table down."""
        if isinstance(self.screen, View):
            self.screen.next_filter()

    def action_pause(self) -> None:
        """Hold the display, or go on."""
        self.desk.is_paused = not self.desk.is_paused
        self.paint()

    def action_refresh_now(self) -> None:
        """Ask all nodes now."""
        self.feed.wake()
        if isinstance(self.screen, View):
            self.screen.refresh_facts()

    def action_open_current(self) -> None:
        """Open the line under the cursor, as Enter does."""
        if isinstance(self.screen, View) and self.screen.table is not None:
            self.screen.table.action_select_cursor()

    def action_copy(self) -> None:
        """Copy what the line under the cursor names."""
        table = self.screen.table if isinstance(self.screen, View) else None
        text = table.current.copied if table is not None and table.current is not None else ""
        if text:
            self.copy_to_clipboard(text)
            self.notify(self.desk.words("copied", text=ends(text, 40)), markup=False)
        else:
            self.notify(self.desk.words("nothing_to_copy"), severity="warning", markup=False)

    def action_command_palette(self) -> None:
        """Offer everything by name."""
        if not isinstance(self.screen, CommandPalette):
            placeholder = self.desk.words("command_placeholder")
            self.push_screen(CommandPalette(placeholder=placeholder, id="--command-palette"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Return what the command palette offers."""
        words = self.desk.words
        for name in SCREENS:
            yield SystemCommand(words(name), words("command_show"), partial(self.action_show, name))
        yield SystemCommand(words("command_theme"), words("command_theme_help"), self.action_change_theme)
        yield SystemCommand(
            words("command_screenshot"),
            words("command_screenshot_help"),
            lambda: self.set_timer(0.1, self.deliver_screenshot),
        )
        yield SystemCommand(words("key_quit"), words("h_quit"), self.action_quit)

    # ── opening ──────────────────────────────────────────────────────────────────────────────────────────

    def on_open(self, message: Open) -> None:
        """Show what a screen asked for."""
        self.open(message.kind, message.key, replaces=message.replaces)

    def open(self, kind: str, key: str, *, replaces: bool = False) -> None:
        """Show one thing, or a node's peers."""
        if kind == "node":
            self.desk.selected = int(key)
            self.switch_mode("peers")
        elif replaces or len(self.screen_stack) >= DEPTH_MAX:
            self.switch_screen(DETAILS[kind](self.desk, key))
        else:
            self.push_screen(DETAILS[kind](self.desk, key))


def _palette_of(theme: Theme) -> Palette:
    """Return the styles of the levels in a theme."""
    return Palette(
        good=theme.success or "green",
        warn=theme.warning or "yellow",
        bad=f"bold {theme.error or 'red'}",
        accent=theme.accent or theme.primary,
    )
