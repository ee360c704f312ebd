"""What happens inside a transaction: a machine that writes down each frame and each operation of the host.

It stands between the ledger and the real machine and changes nothing: results, gas and state stay the same.
"""

from dataclasses import dataclass, field

from chaosnet.base.errors import Invalid
from chaosnet.contracts import ops, values
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.machine import Ended, HostCall, Image, Machine, Meter
from chaosnet.contracts.values import Value

MARK = "\x01"
"""First character of what a mark of an instrumented source prints: such prints cost nothing here."""


@dataclass(slots=True)
class Step:
    """One operation that a frame asked of the host."""

    op: int
    """Number, see machine.py."""
    asked: Value
    answered: Value
    """None also where the operation ended the frame."""
    fuel: int
    """Taken by the operation, calls inside it included."""
    fault: str = ""
    """Code when it ended the frame."""
    frame: "Frame | None" = None
    """What it called."""


@dataclass(slots=True)
class Frame:
    """One method that ran."""

    contract: str
    """Address; empty for the frame that a transaction begins with: its action tells."""
    method: str
    args: Value
    fuel_limit: int
    steps: list[Step] = field(default_factory=list)
    code: str = ""
    """`ok`, or how it ended."""
    value: Value = None
    text: str = ""
    fuel: int = 0
    """Used, by the script and by operations."""
    marks: list[tuple[int, int, int]] = field(default_factory=list)
    """Of an instrumented source: (number of the mark, fuel left, steps before it)."""

    @property
    def own_fuel(self) -> int:
        """Return the fuel that the script itself used."""
        return self.fuel - sum(step.fuel for step in self.steps)


class Tracer:
    """A machine that traces: `frames` are the outermost ones, in order; `prints` what was printed."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._callee = ""
        self._open: list[Frame] = []
        self.frames: list[Frame] = []
        self.prints: list[list[Value]] = []

    def clear(self) -> None:
        """Forget what was written down."""
        self.frames, self.prints, self._open, self._callee = [], [], [], ""

    def prepare(self, engine: str, source: bytes) -> Image:
        """Load a source; see Machine."""
        return self._machine.prepare(engine, source)

    def call(
        self, image: Image, method: str, args: bytes, fuel: int, host: HostCall, ctx: bytes = b""
    ) -> Ended:
        """Run a method and write down how; see Machine."""
        frame = Frame(self._callee, method, _decoded(args), fuel)
        if self._open:
            self._open[-1].steps[-1].frame = frame
        else:
            self.frames.append(frame)
        self._open.append(frame)
        try:
            ended = self._machine.call(image, method, args, fuel, self._answering(frame, host), ctx)
        finally:
            self._open.pop()
        frame.code, frame.text, frame.fuel = ended.code, ended.text, ended.fuel_used
        frame.value = _decoded(ended.value)
        return ended

    def _answering(self, frame: Frame, host: HostCall) -> HostCall:
        def answer(op: int, payload: bytes, meter: Meter) -> bytes | None:
            asked = _decoded(payload)
            if op == ops.PRINT and isinstance(asked, list) and asked and str(asked[0]).startswith(MARK):
                frame.marks.append((int(str(asked[0])[1:]), meter.left(), len(frame.steps)))
                return None
            if op == ops.PRINT:
                self.prints.append(asked if isinstance(asked, list) else [asked])
            step = Step(op, asked, None, 0)
            frame.steps.append(step)
            if op in (ops.CALL, ops.TRANSFER_AND_CALL) and isinstance(asked, list) and asked:
                self._callee = str(asked[0])
            before = meter.left()
            try:
                answered = host(op, payload, meter)
                step.answered = _decoded(answered or b"")
                return answered
            except GuestFault as fault:
                step.fault = fault.code
                raise
            finally:
                step.fuel = before - meter.left()
                self._callee = ""

        return answer


def _decoded(raw: bytes) -> Value:
    try:
        return values.decode(raw) if raw else None
    except Invalid:
        return None
