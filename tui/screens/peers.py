"""The connections of one node."""

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import DataTable, Static

from chaosnet.base.errors import ChaosError
from chaosnet.rpc.schema import Peer
from tui.desk import Desk
from tui.plain import plain
from tui.screens.rows import node_line
from tui.screens.view import View
from tui.show import number, signed_ms, span
from tui.widgets.columns import Column
from tui.widgets.live_table import LiveTable, Row


class PeersScreen(View):
    """Peers of the node chosen."""

    TAB = "peers"
    SORTS = ("member", "height", "offset")

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._peers: list[Peer] = []
        self._of: int | None = None
        self._problem = ""
        self._version = -1

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="detail", markup=False)
        yield Static(id="problem", markup=False)
        yield LiveTable(id="peers")

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one("#peers").focus()

    def refresh_facts(self) -> None:
        """Ask the node again."""
        self._read(self.desk.selected)

    @work(exclusive=True, group="peers")
    async def _read(self, index: int) -> None:
        try:
            found = await self.desk.feed.ask_node(index, lambda client: client.peers())
            self._peers, self._problem = found.peers, ""
        except ChaosError as error:
            self._peers, self._problem = [], plain(str(error))
        self._of = index
        self._show()

    def paint(self) -> None:
        """Show what is known, and ask again when the node has answered since."""
        answered = self.desk.node.answered_ms or 0
        key = answered * 1_000 + self.desk.selected
        if key != self._version:
            self._version = key
            self.refresh_facts()
        self._show()

    def _show(self) -> None:
        words = self.desk.words
        table = self.query_one("#peers", LiveTable)
        order = words("sorted_by", name=words(f"sort_{self.sort}"))
        table.border_title = Content(f"{words('peers_title', node=self.desk.node.name)} · {order}").markup
        self.query_one("#detail", Static).update(f" {node_line(self.desk, self.desk.node)}")
        problem = self.query_one("#problem", Static)
        problem.display = bool(self._problem) and self.desk.node.live is not None
        problem.update(f"✗ {self._problem}")
        columns = [
            Column("member", words("col_member"), 10),
            Column("way", words("col_direction"), 5),
            Column("height", words("col_height"), 9, is_right=True),
            Column("round", words("col_late"), 5, is_right=True),
            Column("offset", words("col_offset"), 8, is_right=True),
            Column("since", words("col_since"), 7, is_right=True),
            Column("software", words("col_software"), 16, rank=1),
            *([Column("address", words("col_address"), 21, rank=2)] if self._has_addresses() else []),
            Column("id", words("col_node_id"), 12, is_flexible=True),
        ]
        rows = (
            [self._row(peer) for peer in sorted(self._peers, key=self._rank)]
            if self._of == self.desk.selected
            else []
        )
        table.display_rows(columns, rows)

    def _has_addresses(self) -> bool:
        """Return whether the node told addresses: only its operator listener does."""
        return any(peer.address for peer in self._peers)

    def _rank(self, peer: Peer) -> tuple[int, str]:
        ranks = {"height": -peer.height, "offset": -abs(peer.offset_ms)}
        return ranks.get(self.sort, 0 if peer.member else 1), peer.member or peer.node_id

    def _row(self, peer: Peer) -> Row:
        words = self.desk.words
        way = f"→ {words('outbound')}" if peer.is_outbound else f"← {words('inbound')}"
        connected_ms = self.desk.now_ms() - self.desk.node.to_local(peer.since_ms)
        cells = [
            (peer.member or "—", "bold" if peer.member else "dim"),
            (way, ""),
            (number(peer.height), ""),
            (number(peer.round), self.desk.palette.warn if peer.round else ""),
            (signed_ms(peer.offset_ms), ""),
            (span(connected_ms), "dim"),
            (peer.software, "dim"),
            *([(peer.address, "dim")] if self._has_addresses() else []),
            (peer.node_id, "dim"),
        ]
        return Row(f"peer {peer.node_id}", cells, copy=peer.node_id)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Go to the node that the peer is, when it is one of those shown."""
        name = next((p.member for p in self._peers if f"peer {p.node_id}" == event.row_key.value), "")
        for index, node in enumerate(self.desk.network.nodes):
            if name and node.name == name:
                self.desk.selected = index
                self.paint_all()
