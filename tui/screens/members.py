"""The members of the network, and which node hears whom."""

from textual.app import ComposeResult

from chaosnet.rpc.schema import MemberStatus
from tui.network import NodeView
from tui.screens.view import View
from tui.show import ends, span
from tui.trouble import presence_of
from tui.widgets.columns import Column
from tui.widgets.live_table import Cell, LiveTable, Row


class MembersScreen(View):
    """One line a member, one column a node."""

    TAB = "members"
    SORTS = ("given", "name", "heard")

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield LiveTable(id="members")

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one("#members").focus()

    def paint(self) -> None:
        """Show all members that any node knows."""
        words = self.desk.words
        nodes = [node for node in self.desk.network.nodes if node.live is not None]
        table = self.query_one("#members", LiveTable)
        presence = presence_of(self.desk.network)
        title = words("members_title")
        if presence is not None:
            values = {"present": presence.present, "total": presence.validators, "needed": presence.needed}
            title += f" · {words('present', **values)}"
        table.border_title = f"{title} · {words('sorted_by', name=words(f'sort_{self.sort}'))}"
        columns = [
            Column("member", words("col_member"), 10),
            Column("role", words("col_role"), 9),
            Column("silent", words("col_silent"), 6),
            Column("heard", words("col_heard"), 10, is_right=True),
            *(Column(f"by {i}", node.name, 8, rank=1 + i) for i, node in enumerate(nodes)),
            Column("operator", words("col_operator"), 13, is_flexible=True, rank=1 + len(nodes)),
        ]
        table.display_rows(columns, self._rows(nodes))

    def _rows(self, nodes: list[NodeView]) -> list[Row]:
        seen: dict[str, list[tuple[NodeView, MemberStatus]]] = {}
        for node in nodes:
            for member in node.live.members if node.live is not None else []:
                seen.setdefault(member.operator, []).append((node, member))
        rows = [(self._heard_ms(views), self._row(nodes, views)) for views in seen.values()]
        if self.sort == "name":
            rows.sort(key=lambda item: item[1].cells[0][0].split(" ", 1)[-1])
        elif self.sort == "heard":
            rows.sort(key=lambda item: item[0] or 0)
        return [row for _, row in rows]

    @staticmethod
    def _heard_ms(views: list[tuple[NodeView, MemberStatus]]) -> int | None:
        """Return when any node heard a member last; a node that answers is heard itself."""
        times = [node.to_local(m.last_heard_ms) for node, m in views if m.last_heard_ms is not None]
        times += [node.answered_ms for node, m in views if m.is_self and node.answered_ms is not None]
        return max(times, default=None)

    def _row(self, nodes: list[NodeView], views: list[tuple[NodeView, MemberStatus]]) -> Row:
        words, palette, now_ms = self.desk.words, self.desk.palette, self.desk.now_ms()
        member = views[0][1]
        others = [m for _, m in views if not m.is_self]
        silent = sum(m.is_silent for m in others)
        heard_ms = self._heard_ms(views)
        is_gone = bool(others) and silent == len(others)
        sign, style = (
            ("✗", palette.bad) if is_gone else ("!", palette.warn) if silent else ("✓", palette.good)
        )
        state = f"✗ {silent}/{len(others)}" if silent else f"✓ {words('no')}"
        by_node = {id(node): m for node, m in views}
        cells: list[Cell] = [
            (f"{sign} {member.name}", style),
            (words.known(f"role_{member.role}", member.role), "" if member.role == "validator" else "dim"),
            (state, style),
            (span(now_ms - heard_ms) if heard_ms is not None else words("never"), ""),
            *(self._seen(node, by_node.get(id(node))) for node in nodes),
            (ends(member.operator, 24), "dim"),
        ]
        return Row(f"account:{member.operator}", cells, copy=member.operator)

    def _seen(self, node: NodeView, member: MemberStatus | None) -> Cell:
        """Return how one node sees a member: connected, and heard how long ago."""
        words, palette = self.desk.words, self.desk.palette
        if member is None:
            return "—", "dim"
        if member.is_self:
            return words("itself"), "dim"
        sign = "✓" if member.is_connected else "✗"
        if member.last_heard_ms is None:
            return f"{sign} {words('never')}", palette.bad if member.is_silent else palette.dim
        heard = span(self.desk.now_ms() - node.to_local(member.last_heard_ms))
        return (
            f"{sign} {heard}",
            palette.bad if member.is_silent else palette.good if member.is_connected else palette.warn,
        )
