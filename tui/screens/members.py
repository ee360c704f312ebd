"""Who makes the blocks, with what share and how well; and which node hears whom."""

from typing import NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from chaosnet.rpc.schema import MemberStatus, ValidatorStatus
from tui.asking import read_validators
from tui.desk import Desk
from tui.network import NodeView
from tui.screens.facts import Fact, epoch_fact, leader_of, line_of
from tui.screens.view import View
from tui.show import NOTHING, cos, ends, number, permille, share, span
from tui.trouble import presence_of
from tui.widgets.columns import Column
from tui.widgets.live_table import Cell, LiveTable, Row


class Seen(NamedTuple):
    """One line: what the chain says of an operator, and what the nodes do."""

    operator: str
    row: ValidatorStatus | None
    views: list[tuple[NodeView, MemberStatus]]
    heard_ms: int | None
    """When any node heard it last, by this machine's clock."""

    @property
    def name(self) -> str:
        """Of the member, or empty."""
        return self.views[0][1].name if self.views else self.row.name if self.row is not None else ""

    @property
    def others(self) -> int:
        """Nodes that could hear it."""
        return sum(not member.is_self for _, member in self.views)

    @property
    def silent(self) -> int:
        """Nodes that do not hear it."""
        heard = sum(member.is_silent for _, member in self.views if not member.is_self)
        return heard if self.views else int(self.row is not None and self.row.is_silent)


class MembersScreen(View):
    """One line a validator, candidate or member; one column a node."""

    TAB = "members"
    SORTS = ("given", "name", "bonded", "missed", "last", "heard")
    FILTERS = ("all", "set", "candidates", "jailed", "trouble")

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="facts", markup=False)
        yield Static(id="problem", markup=False)
        yield LiveTable(id="members")

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one("#members").focus()

    def refresh_facts(self) -> None:
        """Ask for the validators again."""
        self.run_worker(self._read(), exclusive=True, group="validators")

    async def _read(self) -> None:
        await read_validators(self.desk.feed)
        self.paint_all()

    def paint(self) -> None:
        """Show all validators and members that any node knows; ask again when the chain has moved."""
        desk, words, network = self.desk, self.desk.words, self.desk.network
        if network.best() is not None and desk.validators_pace.is_due(network.tip_key(), desk.now_ms()):
            self.refresh_facts()
        problem = self.query_one("#problem", Static)
        problem.display = bool(network.validators_problem)
        problem.update(f"✗ {network.validators_problem}")
        facts = self.query_one("#facts", Static)
        facts.display = network.validators is not None
        facts.update(_facts(desk, self.size.width))
        nodes = [node for node in network.nodes if node.live is not None]
        table = self.query_one("#members", LiveTable)
        presence = presence_of(network)
        title = words("members_title")
        if presence is not None:
            values = {"present": presence.present, "total": presence.validators, "needed": presence.needed}
            title += f" · {words('present', **values)}"
        table.border_title = f"{title} · {self.order_line()}"
        seen = self._seen(nodes)
        staking = any(item.row is not None and _has_stake(item.row) for item in seen)
        rows = [self._row(nodes, item, with_stake=staking) for item in sorted(seen, key=self._rank)]
        table.display_rows(self._columns(nodes, with_stake=staking), rows)

    def _columns(self, nodes: list[NodeView], *, with_stake: bool) -> list[Column]:
        words = self.desk.words
        stake = [
            Column("bonded", words("col_bonded"), 15, is_right=True, rank=1),
            Column("commission", words("col_commission"), 5, is_right=True, rank=2),
            Column("missed", words("col_missed"), 6, is_right=True),
        ]
        return [
            Column("member", words("col_member"), 11),
            Column("share", words("col_share"), 6, is_right=True),
            *(stake if with_stake else []),
            Column("state", words("col_state"), 12),
            Column("silent", words("col_silent"), 6),
            Column("last", words("col_last"), 10, is_right=True, rank=3),
            Column("heard", words("col_heard"), 10, is_right=True, rank=4),
            *(Column(f"by {i}", node.name, 8, rank=5 + i) for i, node in enumerate(nodes)),
            Column("operator", words("col_operator"), 13, is_flexible=True, rank=5 + len(nodes)),
        ]

    def _seen(self, nodes: list[NodeView]) -> list[Seen]:
        """Return the lines that the filter leaves, validators first, in the order the node gave."""
        validators = self.desk.network.validators
        by_operator: dict[str, ValidatorStatus | None] = {}
        for row in validators.validators if validators is not None else []:
            by_operator.setdefault(row.operator, row)
        views: dict[str, list[tuple[NodeView, MemberStatus]]] = {}
        for node in nodes:
            for member in node.live.members if node.live is not None else []:
                views.setdefault(member.operator, []).append((node, member))
        for operator in views:
            by_operator.setdefault(operator, None)
        found = [
            Seen(operator, row, views.get(operator, []), _heard_ms(views.get(operator, [])))
            for operator, row in by_operator.items()
        ]
        return [item for item in found if self._is_shown(item)]

    def _is_shown(self, item: Seen) -> bool:
        row = item.row
        if self.filter == "set":
            return row is not None and row.is_validator
        if self.filter == "candidates":
            return row is not None and not row.is_validator
        if self.filter == "jailed":
            return row is not None and row.is_jailed
        if self.filter == "trouble":
            return bool(item.silent) or (row is not None and (row.missed_slots > 0 or row.is_jailed))
        return True

    def _rank(self, item: Seen) -> tuple[int, str]:
        """Return the place in the order chosen; what was given keeps its order."""
        row = item.row
        if self.sort == "name":
            return 0, item.name or item.operator
        if self.sort == "heard":
            return item.heard_ms or 0, ""
        if row is None:
            return 1 if self.sort != "given" else 0, ""
        values = {
            "bonded": -int(row.bonded) if row.bonded.isdecimal() and len(row.bonded) < 40 else 0,
            "missed": -row.missed_slots,
            "last": -(row.last_block or 0),
        }
        return values.get(self.sort, 0), ""

    def _row(self, nodes: list[NodeView], item: Seen, *, with_stake: bool) -> Row:
        words, palette, now_ms = self.desk.words, self.desk.palette, self.desk.now_ms()
        row = item.row
        is_gone = item.silent > 0 and item.silent >= item.others
        is_jailed = row is not None and row.is_jailed
        sign, style = (
            ("✗", palette.bad)
            if is_gone or is_jailed
            else ("!", palette.warn)
            if item.silent
            else ("✓", palette.good)
        )
        state = f"✗ {item.silent}/{max(item.others, 1)}" if item.silent else f"✓ {words('no')}"
        by_node = {id(node): member for node, member in item.views}
        cells: list[Cell] = [
            (f"{sign} {item.name or ends(item.operator, 9)}", style),
            (share(row.weight_ppm) if row is not None else NOTHING, "" if row is not None else "dim"),
            *(_stake_cells(row, self.desk) if with_stake else []),
            state_of(self.desk, row, item.views[0][1].role if item.views else ""),
            (state, palette.good if not item.silent else style),
            (number(row.last_block) if row is not None else NOTHING, "dim"),
            (span(now_ms - item.heard_ms) if item.heard_ms is not None else words("never"), ""),
            *(self._seen_by(node, by_node.get(id(node))) for node in nodes),
            (ends(item.operator, 24), "dim"),
        ]
        kind = "validator" if row is not None else "account"
        return Row(f"{kind}:{item.operator}", cells, copy=item.operator)

    def _seen_by(self, node: NodeView, member: MemberStatus | None) -> Cell:
        """Return how one node sees a member: connected, and heard how long ago."""
        words, palette = self.desk.words, self.desk.palette
        if member is None:
            return NOTHING, "dim"
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


def _heard_ms(views: list[tuple[NodeView, MemberStatus]]) -> int | None:
    """Return when any node heard a member last; a node that answers is heard itself."""
    times = [node.to_local(m.last_heard_ms) for node, m in views if m.last_heard_ms is not None]
    times += [node.answered_ms for node, m in views if m.is_self and node.answered_ms is not None]
    return max(times, default=None)


def _has_stake(row: ValidatorStatus) -> bool:
    return row.is_candidate or row.bonded not in ("", "0")


def _stake_cells(row: ValidatorStatus | None, desk: Desk) -> list[Cell]:
    if row is None:
        return [(NOTHING, "dim")] * 3
    return [
        (cos(row.bonded), ""),
        (permille(row.commission_permille) if row.is_candidate else NOTHING, "dim"),
        (number(row.missed_slots), desk.palette.warn if row.missed_slots else "dim"),
    ]


def state_of(desk: Desk, row: ValidatorStatus | None, role: str) -> Cell:
    """Return where an operator stands: in the set, to come, to go, candidate, jailed; else its role."""
    words, palette = desk.words, desk.palette
    if row is not None and row.is_jailed:
        return f"✗ {words('validator_jailed')}", palette.bad
    if row is not None and row.is_validator and not row.is_next:
        return words("validator_leaving"), palette.warn
    if row is not None and row.is_validator and (row.is_candidate or not role):
        return words("validator_in_set"), ""
    if row is not None and row.is_next and not row.is_validator:
        return words("validator_next"), palette.accent
    if row is not None and row.is_candidate:
        return words("validator_candidate"), "dim"
    return words.known(f"role_{role}", role) or NOTHING, "" if role == "validator" else "dim"


def _facts(desk: Desk, width: int) -> Text:
    """Return who leads now and how far the epoch is, and the counts."""
    found, words, palette = desk.network.validators, desk.words, desk.palette
    if found is None:
        return Text("")
    rows = found.validators
    waiting = sum(row.is_candidate and not row.is_validator for row in rows)
    missed, jailed = sum(row.missed_slots for row in rows), sum(row.is_jailed for row in rows)
    first = [Fact(words("fact_engine"), found.engine, "bold"), *leader_of(desk), *epoch_fact(desk)]
    if found.epoch is not None and found.epoch.seed:
        first.append(Fact(words("fact_seed"), found.epoch.seed[:12], rank=2))
    second = [
        Fact(words("fact_set"), number(sum(row.is_validator for row in rows))),
        Fact(
            words("fact_candidates"),
            number(waiting),
            rank=2,
        ),
        Fact(words("fact_missed"), number(missed), palette.warn if missed else "", rank=1),
        Fact(words("fact_jailed"), number(jailed), palette.bad if jailed else ""),
    ]
    return Text("\n").join([line_of(first, width), line_of(second, width)])
