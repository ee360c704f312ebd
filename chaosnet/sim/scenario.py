"""Scenarios: what a simulated network looks like, what befalls it, and what is expected of it.

A scenario is a TOML file of these tables; every number is an integer. Times are virtual.
"""

import tomllib
from pathlib import Path
from typing import dataclass_transform

import msgspec

from chaosnet.base.errors import Invalid


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything a scenario consists of."""


class Load(Table):
    """Transfers that clients send."""

    accounts: int = 6
    per_minute: int = 60
    burst_max: int = 3
    """Transfers sent at once, at most."""
    contracts: bool = False
    """Contracts are deployed and called; every other transaction has to do with them. Needs a machine."""


class Links(Table):
    """The network as it is all the time."""

    latency_us_min: int = 1_000
    latency_us_max: int = 30_000
    reset_ppm: int = 0
    """Chance per message that its link breaks, in millionths; likewise below."""
    drop_ppm: int = 0
    duplicate_ppm: int = 0
    reorder_ppm: int = 0
    deaf_ppm: int = 0


class Fault(Table):
    """Something that happens at a known time. See faults.py for the kinds."""

    kind: str
    at_ms: int
    length_ms: int = 0
    """0: to the end of the faults."""
    nodes: tuple[int, ...] = ()
    """Empty: `count` of them, drawn."""
    count: int = 1
    amount: int = 0
    """What it means depends on the kind."""


class Random(Table):
    """Something that happens now and then."""

    kind: str
    every_ms: int
    """Mean time between two."""
    length_ms_min: int = 500
    length_ms_max: int = 5_000
    count_min: int = 1
    count_max: int = 1
    """Nodes at once."""
    amount: int = 0
    always: bool = False
    """Part of every seed; otherwise a third of the seeds goes without."""


class Byzantine(Table):
    """Members that lie. Their number is not checked here: a test may have more than the third."""

    count: int = 0
    traits: tuple[str, ...] = ()
    """Each has one or more of them, drawn. See byzantine.py."""
    is_each_whole: bool = False
    """Each has all of them."""
    nodes: tuple[int, ...] = ()
    """These instead of `count` drawn ones."""


class Expect(Table):
    """What must hold beyond safety."""

    recover_ms: int = 30_000
    """After the faults: all honest nodes advance, agree, and have included every transaction within this."""
    next_block_ms: int = 0
    """After the faults: the next block within this; 0: not asked."""
    gap_ms_max: int = 0
    """Longest time without a block while faults last and transactions wait; 0: not asked."""
    blocks_min: int = 3
    """Blocks to be made, and to become final, after the faults."""
    untrusted: tuple[int, ...] = ()
    """Nodes that must say in the end that they are in doubt; they are not asked to agree with the others."""
    violation: str = ""
    """More is wrong here than may be: the checkers must see this, in every seed."""


class Scenario(Table):
    """One simulated network."""

    name: str
    about: str
    nodes: int = 4
    """Validators."""
    observers: int = 0
    duration_ms: int = 20_000
    """How long faults and load last."""
    clock_skew_ms: int = 0
    """Constant offset of each node's clock, at most, either way."""
    disk_us_min: int = 100
    disk_us_max: int = 3_000
    schedule: str = "pbft"
    """One engine, or several with the last height of each but the last: `pow:20,pos`."""
    founding_blocks: int = 0
    """Not 0: a public network, which mines its coins in so many blocks of pow; then pos."""
    params: dict[str, int] = {}
    """Fields of ChainParams that differ."""
    stakes: tuple[int, ...] = ()
    """Motes bonded for each member from the start; where it ends: 1,000 COS each."""
    hash_rates: tuple[int, ...] = ()
    """Hashes a second of each node under pow; where it ends: 100 each. 0: it does not mine."""
    load: Load = Load()
    links: Links = Links()
    faults: tuple[Fault, ...] = ()
    random: tuple[Random, ...] = ()
    byzantine: Byzantine = Byzantine()
    expect: Expect = Expect()

    def hash_rate(self, place: int) -> int:
        """Return the hashes a second of a node; observers do not mine unless they are named."""
        if place < len(self.hash_rates):
            return self.hash_rates[place]
        return 100 if place < self.nodes else 0

    def kinds(self) -> list[str]:
        """Return the kinds of all faults."""
        return [fault.kind for fault in self.faults] + [random.kind for random in self.random]


class Regression(Table):
    """A seed that once failed."""

    scenario: str
    seed: int
    note: str


class Regressions(Table):
    """All of them."""

    regression: tuple[Regression, ...] = ()


def parse_scenario(text: str) -> Scenario:
    """Return the scenario of a TOML text; raises Invalid(`bad_config`)."""
    try:
        return msgspec.convert(tomllib.loads(text), Scenario)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise Invalid("bad_config", str(error)) from error


def load_scenario(path: Path) -> Scenario:
    """Return the scenario of a file; raises Invalid(`bad_config`)."""
    try:
        return parse_scenario(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid("bad_config", f"{path}: {error.strerror}") from error
    except Invalid as error:
        raise Invalid("bad_config", f"{path}: {error.detail}") from error


def load_regressions(path: Path) -> tuple[Regression, ...]:
    """Return the seeds that once failed."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Regressions).regression
