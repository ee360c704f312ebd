"""What tests run of a contract, and where its gas goes: read from the marks of instrumented sources.

Between two marks fuel belongs to the line of the first; what the host took is told apart. Marks themselves
cost a little fuel, measured once and left out, so that figures are close to those on a chain, not equal.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from chaosnet.contracts import ops
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.machine import Machine, Meter
from chaosnet.contracts.values import encode
from chaosnet.devchain.bundle import Bundle
from chaosnet.devchain.chain import DevChain
from chaosnet.devchain.instrument import ENDS, PRELUDES, Point, instrument
from chaosnet.devchain.trace import Frame, Tracer
from chaosnet.devchain.words import LUA
from chaosnet.model.contract_actions import CONTRACT_BYTES_MAX

ENTRY: Final = "(entry)"
"""Function of the fuel before the first mark of a frame: the way into the contract."""
OPS: Final = {
    getattr(ops, name.upper()): name
    for name in (
        *("get", "set", "scan", "emit", "transfer", "call", "balance", "hash", "verify", "ctx", "gas_left"),
        *("transfer_and_call", "issue", "burn", "approve", "transfer_from", "allowance", "token", "rights"),
        *("convert", "print"),
    )
}
_PROBE: Final = {
    True: "contract{api=1,name='P',methods={p={kind='view',run=function() _hit(11) _hit(12) _hit(13) end}}}",
    False: "contract({api:1,name:'P',methods:{p:{kind:'view',run(){_hit(11); _hit(12); _hit(13)}}}})",
}
_FUEL: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """One file: lines with statements, and those that ran."""

    file: str
    lines: tuple[int, ...]
    missed: tuple[int, ...]

    @property
    def percent(self) -> int:
        """Return the share that ran, rounded down."""
        return (len(self.lines) - len(self.missed)) * 100 // max(len(self.lines), 1)


class Measure:
    """Watches tests through marks."""

    gas_differs = True

    def __init__(self, machine: Machine) -> None:
        self.points: list[Point] = []
        self.left_out: list[str] = []
        """Files that could not be instrumented: they run as they are."""
        self._machine = machine
        self._sources: dict[bytes, bytes] = {}

    def source_of(self, made: Bundle) -> bytes:
        """Return the instrumented source."""
        name = made.files[-1]
        known = self._sources.get(made.source)
        if known is not None:
            return known
        found = instrument(made, len(self.points))
        source = made.source
        if found is not None and self._loads(made.engine, found[0]):
            source = found[0]
            self.points += found[1]
        else:
            self.left_out.append(name)
        self._sources[made.source] = source
        return source

    def _loads(self, engine: str, source: bytes) -> bool:
        try:
            return len(source) <= CONTRACT_BYTES_MAX and bool(self._machine.prepare(engine, source))
        except GuestFault:
            return False

    def deployed(self, address: str, made: Bundle) -> None:
        """Be told of a new contract."""

    def looked(self, chain: DevChain) -> None:
        """Read what the last transaction or question did."""
        for frame in chain.tracer.frames:
            self.read(frame)

    def read(self, frame: Frame) -> None:
        """Read one frame with those inside it."""
        raise NotImplementedError


class Coverage(Measure):
    """Which statements ran."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._hit: set[int] = set()

    def read(self, frame: Frame) -> None:
        """Read one frame with those inside it."""
        self._hit.update(number for number, _, _ in frame.marks)
        for step in frame.steps:
            if step.frame is not None:
                self.read(step.frame)

    def files(self) -> list[FileCoverage]:
        """Return what was found, by name."""
        lines: dict[str, set[int]] = defaultdict(set)
        hit: dict[str, set[int]] = defaultdict(set)
        for number, point in enumerate(self.points):
            lines[point.file].add(point.line)
            if number in self._hit:
                hit[point.file].add(point.line)
        return [
            FileCoverage(file, tuple(sorted(lines[file])), tuple(sorted(lines[file] - hit[file])))
            for file in sorted(lines)
        ]


@dataclass(slots=True)
class Spent:
    """Fuel of one place."""

    own: int = 0
    """By the script itself."""
    host: Counter[str] = field(default_factory=Counter)
    """By operation; a call counts without what the callee used."""
    runs: int = 0

    @property
    def total(self) -> int:
        """Return all of it."""
        return self.own + sum(self.host.values())


class Profile(Measure):
    """Where fuel goes."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.spent: dict[Point, Spent] = defaultdict(Spent)
        self.stacks: Counter[str] = Counter()
        """Folded stacks, as tools for flame graphs read them: frames with `;` between, and fuel."""
        self._marks = {is_lua: _mark_fuel(machine, is_lua) for is_lua in (True, False)}

    def read(self, frame: Frame, above: str = "") -> None:
        """Read one frame with those inside it."""
        if not frame.marks:
            self._add(Point("(unmarked)", 0, frame.method), frame, 0, len(frame.steps), frame.own_fuel, above)
            return
        first = self.points[frame.marks[0][0]]
        cost = self._marks[first.file.endswith(".lua")]
        starts = [(Point(first.file, 0, ENTRY), frame.fuel_limit, 0)]
        starts += [(self.points[number], left, at) for number, left, at in frame.marks]
        ends = [(left, at) for _, left, at in frame.marks]
        ends.append((frame.fuel_limit - frame.fuel, len(frame.steps)))
        for place, ((point, left, at), (later, until)) in enumerate(zip(starts, ends, strict=True)):
            taken = sum(step.fuel for step in frame.steps[at:until])
            # The call of a mark begins before it is seen and ends after.
            is_last = place == len(starts) - 1
            own = max(0, left - later - taken - (0 if is_last and place else cost))
            self._add(point, frame, at, until, own, above)

    def _add(self, point: Point, frame: Frame, at: int, until: int, own: int, above: str) -> None:
        spent = self.spent[point]
        spent.runs += 1
        spent.own += own
        here = f"{above}{frame.method};{point.function}:{point.line}" if point.line else above + frame.method
        self.stacks[here] += own
        for step in frame.steps[at:until]:
            inner = step.frame.fuel if step.frame is not None else 0
            name = OPS.get(step.op, str(step.op))
            spent.host[name] += step.fuel - inner
            self.stacks[f"{here};{name}"] += step.fuel - inner
            if step.frame is not None:
                self.read(step.frame, f"{here};")

    def by_function(self) -> dict[Point, Spent]:
        """Return fuel by function: points of line 0."""
        found: dict[Point, Spent] = defaultdict(Spent)
        for point, spent in self.spent.items():
            one = found[Point(point.file, 0, point.function)]
            one.own += spent.own
            one.host.update(spent.host)
            one.runs = max(one.runs, spent.runs)
        return found

    def by_operation(self) -> Counter[str]:
        """Return fuel by operation of the host."""
        found: Counter[str] = Counter()
        for spent in self.spent.values():
            found.update(spent.host)
        return found

    def folded(self) -> Iterable[str]:
        """Go over the stacks as lines."""
        return (f"{stack} {fuel}" for stack, fuel in sorted(self.stacks.items()) if fuel)


def _mark_fuel(machine: Machine, is_lua: bool) -> int:
    """Return the fuel that one mark takes."""
    tracer = Tracer(machine)
    source = PRELUDES[is_lua] + _PROBE[is_lua] + ENDS[is_lua]
    image = tracer.prepare(LUA if is_lua else "js/1", source.encode())
    tracer.call(image, "p", encode([]), _FUEL, _nothing)
    left = [left for _, left, _ in tracer.frames[0].marks]
    return left[1] - left[2]


def _nothing(_op: int, _payload: bytes, _meter: Meter) -> bytes | None:
    return None
