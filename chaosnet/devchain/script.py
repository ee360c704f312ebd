"""Tests of contracts in their own language: the file runs in the consensus engine, the chain beside it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Invalid
from chaosnet.contracts import values
from chaosnet.contracts.faults import FAULTS, GuestFault
from chaosnet.contracts.machine import Ended, Machine
from chaosnet.contracts.values import Value
from chaosnet.devchain.bundle import Bundle, bundle, place_of
from chaosnet.devchain.chain import DevChain
from chaosnet.devchain.desk import Desk, Failed, Plain, Watch
from chaosnet.devchain.generate import Generator, Parameter, parse_parameter, shorten, shrink
from chaosnet.devchain.steps import Steps, shown
from chaosnet.devchain.words import LUA

FUEL: Final = 10**10
"""Of one test's own program; calls of contracts do not count."""
SUFFIXES: Final = ("_test.lua", ".test.js")

_LINE: Final = re.compile(r"^contract:([0-9]{1,9}): ?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Plan:
    """How tests run."""

    seed: str
    runs: int = 100
    """Of a test with parameters."""
    sequences: int = 20
    """Of an invariant."""
    steps: int = 20
    """Of a sequence."""
    pattern: str = ""
    """Only tests whose name holds it."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a file offers."""

    index: int
    kind: str
    name: str
    takes: tuple[Parameter, ...]
    line: int


@dataclass(slots=True)
class Verdict:
    """How a test ended."""

    name: str
    kind: str
    file: str
    line: int
    runs: int = 0
    gas: int = 0
    """Of all transactions of its last run."""
    prints: list[str] = field(default_factory=list)
    failure: str = ""
    """Empty: it passed."""
    place: str = ""
    """File and line of the failure."""
    example: list[str] = field(default_factory=list)
    """Arguments, or steps, with which it failed."""
    skipped_gas: bool = False

    @property
    def is_ok(self) -> bool:
        """Return whether it passed."""
        return not self.failure


class Script:
    """A file of tests."""

    def __init__(self, path: Path, engine: Machine, chain: DevChain, watch: Watch | None = None) -> None:
        """`engine` runs the tests and is another one than the chain's.

        Raises Invalid for a file that is none, with place and cause.
        """
        self.path = path
        self._made = bundle(path)
        self._source = _composed(self._made)
        self._engine = engine
        self._chain = chain
        self._base = chain.snapshot()
        self._watch = watch or Plain()
        self._bundles: dict[str, Bundle] = {}
        self._actions: tuple[tuple[str, tuple[Parameter, ...]], ...] = ()
        self.items = self._listed()

    def run(self, item: Item, plan: Plan) -> Verdict:
        """Run one test as often as its kind asks for."""
        if item.kind == "invariant":
            return self._run_invariant(item, plan)
        verdict = self._verdict(item)
        addresses = [account.text for account in self._chain.accounts.values()][:4]
        dice = Dice(f"{plan.seed} {self.path.name} {item.name}".encode())
        for number in range(plan.runs if item.takes else 1):
            args = Generator(dice.fork(str(number)), addresses).values(item.takes)
            desk = self._once(item, args)
            verdict.runs += 1
            if desk.failure is not None and item.takes:
                args = shrink(
                    args, item.takes, addresses, lambda other: bool(self._once(item, other).failure)
                )
                desk = self._once(item, args)
                verdict.example = [self._named(shown(args, item.takes))]
            if self._judged(verdict, desk):
                break
        return verdict

    def _run_invariant(self, item: Item, plan: Plan) -> Verdict:
        verdict = self._verdict(item)
        dice = Dice(f"{plan.seed} {self.path.name} {item.name}".encode())
        for number in range(plan.sequences):
            desk = self._once(item, [], Steps(dice.fork(str(number)), plan.steps, self._actions))
            verdict.runs += 1
            if desk.failure is not None:

                def fails(fewer: list[Value]) -> bool:
                    return bool(self._once(item, [], self._replay(fewer)).failure)

                steps = shorten(desk.steps.taken, fails)
                desk = self._once(item, [], self._replay(steps))
                verdict.example = [self._named(step) for step in desk.steps.told]
            if self._judged(verdict, desk):
                break
        return verdict

    def _replay(self, steps: list[Value]) -> Steps:
        return Steps(Dice(b""), len(steps), self._actions, given=steps)

    def _named(self, text: str) -> str:
        """Return a text with the names of accounts instead of their addresses."""
        for account in self._chain.accounts.values():
            text = text.replace(f"'{account.text}'", account.name).replace(account.text, account.name)
        return text

    def _verdict(self, item: Item) -> Verdict:
        file, line = self._place(item.line)
        return Verdict(item.name, item.kind, file, line)

    def _judged(self, verdict: Verdict, desk: Desk) -> bool:
        """Take over what happened; return whether it failed."""
        verdict.gas, verdict.prints = desk.gas, desk.prints
        verdict.skipped_gas = verdict.skipped_gas or desk.skipped_gas
        if desk.failure is None:
            return False
        verdict.failure = desk.failure.text
        if desk.failure.line:
            verdict.place = "{}:{}".format(*self._place(desk.failure.line))
        return True

    def _once(self, item: Item, args: list[Value], steps: Steps | None = None) -> Desk:
        """Run a test once, on a chain as new."""
        self._chain.revert(self._base)
        desk = Desk(
            self._chain,
            self.path.parent,
            steps or Steps(Dice(b"")),
            watch=self._watch,
            bundles=self._bundles,
        )
        try:
            ended = self._call("run", [item.index, list(args)], desk)
        except GuestFault as fault:
            desk.failure = desk.failure or Failed(0, str(fault))
            return desk
        if ended.kind != "returned" and desk.failure is None:
            desk.failure = _failed(ended)
        return desk

    def _call(self, method: str, args: list[Value], desk: Desk) -> Ended:
        image = self._engine.prepare(self._made.engine, self._source.encode())
        return self._engine.call(image, method, values.encode(args), FUEL, desk.host)

    def _listed(self) -> list[Item]:
        desk = Desk(self._chain, self.path.parent, Steps(Dice(b"")))
        try:
            ended = self._call("list", [], desk)
        except GuestFault as fault:
            raise Invalid("bad_argument", self._explained(fault.text or FAULTS[fault.code])) from fault
        if ended.kind != "returned":
            raise Invalid("bad_argument", self._explained(ended.text or FAULTS[ended.code]))
        found = values.decode(ended.value)
        assert isinstance(found, list)  # noqa: S101 - the harness answers so
        tests, actions = (part if isinstance(part, list) else [] for part in found)
        items = [self._item(index, one) for index, one in enumerate(tests)]
        taken = [self._item(index, one) for index, one in enumerate(actions)]
        self._actions = tuple((one.name, one.takes) for one in taken)
        return items

    def _item(self, index: int, fields: Value) -> Item:
        assert isinstance(fields, list)  # noqa: S101 - the harness answers so
        kind, name, types, line = fields
        try:
            takes = tuple(parse_parameter(str(one)) for one in (types if isinstance(types, list) else []))
        except Invalid as error:
            file, at = self._place(int(str(line)))
            raise Invalid("bad_argument", f"{file}:{at}: {error.detail}") from error
        return Item(index, str(kind), str(name), takes, int(str(line)))

    def _place(self, line: int) -> tuple[str, int]:
        return place_of(self._source, line, self.path.name) if line else (self.path.name, 0)

    def _explained(self, text: str) -> str:
        found = _LINE.match(text)
        if found is None:
            return f"{self.path.name}: {text}"
        file, line = self._place(int(found[1]))
        return f"{file}:{line}: {found[2]}"


def find_scripts(paths: Sequence[Path]) -> list[Path]:
    """Return files of tests: those named, those in named folders, those beside a named contract.

    Raises Invalid(`bad_argument`) where there is none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            here = [one for one in sorted(path.rglob("*")) if one.name.endswith(SUFFIXES)]
            found += [one for one in here if "node_modules" not in one.parts]
        elif path.name.endswith(SUFFIXES):
            found.append(path)
        else:
            found += _beside(path)
    if not found:
        raise Invalid("bad_argument", f"no file here is named *{SUFFIXES[0]} or *{SUFFIXES[1]}")
    return found


def _beside(path: Path) -> list[Path]:
    names = [path.stem + suffix for suffix in SUFFIXES]
    found = [path.with_name(name) for name in names if path.with_name(name).exists()]
    if not found:
        raise Invalid("bad_argument", f"{path} has no tests beside it: {' or '.join(names)}")
    return found


def _failed(ended: Ended) -> Failed:
    found = _LINE.match(ended.text)
    if found is not None:
        return Failed(int(found[1]), found[2])
    if ended.code == "out_of_gas":
        return Failed(0, "the test takes too long: is there a loop without end?")
    return Failed(0, ended.text or FAULTS[ended.code])


@cache
def _harness(name: str) -> str:
    return resources.files("chaosnet.devchain").joinpath(name).read_text()


def _composed(made: Bundle) -> str:
    """Return the tests with what they find, in the form of a bundle: its lines lead back to the files."""
    is_lua = made.engine == LUA
    comment = "--" if is_lua else "//"
    head = [
        f"{comment} chaosnet bundle 1",
        f"{comment} @file (test)",
        _harness("harness.lua" if is_lua else "harness.js"),
        f"{comment} @file {made.files[-1]}",
    ]
    opening = "\n".join(head) + "\n"
    opening = opening.replace("@LINES@", str(opening.count("\n")))
    return f"{opening}{made.text}\n{comment} @file (end)\n_finish_tests();\n"
