"""One simulated network from start to verdict.

First faults and load for the scenario's duration; then all faults end, and within bounded virtual time the
honest nodes must agree, advance, and have included every transaction. Everything follows from (scenario,
seed): the trace hash is the same in every process.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from msgspec.structs import replace

from chaosnet.base.dice import Dice
from chaosnet.base.units import EMPTY_HASH
from chaosnet.consensus.quorum import Verifier
from chaosnet.contracts.machine import Machine
from chaosnet.kernel.boot import genesis_stored, make_node, plain_apply, restore_branch
from chaosnet.kernel.events import Reply
from chaosnet.kernel.node import Node, NodeConfig
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.sim.byzantine import Cabal, Parts, draw_traits, make_twin
from chaosnet.sim.cast import Actor, actor_at, founding_of, genesis_of
from chaosnet.sim.checkers import Checkers, Violation
from chaosnet.sim.disk import Disk, Journal
from chaosnet.sim.faults import Faults
from chaosnet.sim.host import Host, Wiring
from chaosnet.sim.load import Load
from chaosnet.sim.memo import Memo
from chaosnet.sim.network import Network, Weather
from chaosnet.sim.scenario import Scenario
from chaosnet.sim.schedule import Schedule, Trace
from chaosnet.sim.secrets import cheap_work

BOOTSTRAP_NODES = 2
UNWRITTEN_MAX = 4
FENCE_LISTEN_BLOCKS = 10
FENCE_LISTEN_MS = 60_000
ALONE = 2
"""Nodes of each world that share no results with others."""
LOOK_US = 100_000
"""Progress is judged so often."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one world."""

    scenario: str
    seed: int
    trace_hash: str
    events: int
    virtual_ms: int
    height: int
    transactions: int
    """Included."""
    round_max: int
    faults: int
    recovered_ms: int
    """From the end of the faults until everything expected held; -1: never."""
    violations: tuple[Violation, ...]
    reorganisations: int = 0
    reorganised_max: int = 0
    """Most blocks undone at once."""
    seen: tuple[Violation, ...] = ()
    """Of the kind that the scenario expects."""
    penalties: dict[str, int] = field(default_factory=dict)
    """What honest nodes held against each other, by code."""
    refusals: dict[str, int] = field(default_factory=dict)
    """Transactions that nodes refused, by code."""


def genesis_for(spec: Scenario, seed: int) -> Genesis:
    """Return the genesis of a scenario: each seed has a network of its own, so other lots and orders."""
    name = f"simulated {seed}"
    if spec.founding_blocks:
        return replace(
            founding_of(spec.nodes, spec.observers, spec.founding_blocks, spec.params), chain_name=name
        )
    genesis = genesis_of(
        spec.nodes,
        spec.observers,
        spec.load.accounts,
        spec.params,
        schedule=spec.schedule,
        stakes=spec.stakes,
    )
    return replace(genesis, chain_name=name)


class World:
    """A network of kernels under one scenario and seed."""

    def __init__(
        self,
        spec: Scenario,
        seed: int,
        sink: Callable[[str], None] | None = None,
        machine: Machine | None = None,
    ) -> None:
        """`machine`: runs contracts, for all nodes: what one has loaded the others need not load again."""
        self.spec = spec
        self._machine = machine
        self.seed = seed
        self.dice = Dice(f"{spec.name} {seed}".encode())
        self.schedule = Schedule()
        self.trace = Trace(self.schedule, sink)
        self.genesis = genesis_for(spec, seed)
        self.checkers = Checkers(self.schedule, self.genesis)
        links = spec.links
        weather = Weather(*(getattr(links, name) for name in links.__struct_fields__))
        self.network = Network(self.schedule, self.dice.fork("network"), weather)
        self.hosts: list[Host] = []
        self._memo = Memo()
        self._verifier = Verifier(genesis_hash_of(self.genesis))
        self._stored = genesis_stored(self.genesis)
        self._wiring = Wiring(
            self.schedule, self.network, self.trace, self.checkers, self._memo.verify, self._replied
        )
        for place in range(spec.nodes + spec.observers):
            self._add_host(actor_at(place))
        for fault in spec.faults:
            for place in fault.nodes if fault.kind in ("copy_fence", "copy_chain") else ():
                self._add_host(make_twin(self.hosts[place].actor, len(self.hosts)))
                self.hosts[-1].is_spare = True
                if fault.kind == "copy_chain":
                    self.hosts[-1].trait = Parts([])
        self._known = [*range(min(BOOTSTRAP_NODES, len(self.hosts)))]
        self._known += [h.place for h in self.hosts if h.is_spare and h.is_byzantine]
        self._has_strangers = bool(spec.expect.violation) or len(self._known) > BOOTSTRAP_NODES
        self._add_byzantine()
        honest = [h for h in self.hosts if not h.is_byzantine]
        self.checkers.honest = {h.node_key: h.place for h in honest}
        sold = {h.actor.consensus_key for h in self.hosts if h.is_byzantine}
        self.checkers.honest_keys = frozenset(h.actor.consensus_key for h in honest) - sold
        self.checkers.is_peaceful = not any(
            (links.drop_ppm, links.duplicate_ppm, links.reorder_ppm)
        ) and not any(kind.startswith("storm_") for kind in spec.kinds())
        self.load = Load(self.schedule, self.dice.fork("load"), self.genesis, self.hosts, self.checkers)
        if spec.load.contracts:
            self.load.use_contracts(self.genesis)
        self.faults = Faults(self.schedule, self.dice.fork("faults"), self.hosts, self.network, self.checkers)
        self._is_settling = False
        self._goal_height = 0
        self._goal_final = 0
        self._recovered_ms = -1

    # ── making ───────────────────────────────────────────────────────────────────────────────────────────

    def _add_host(self, actor: Actor) -> Host:
        journal = Journal(genesis_hash_of(self.genesis), actor.consensus_seed)
        disk = Disk(self._stored, journal)
        host = Host(self._wiring, actor, disk, self.dice.fork(f"host {actor.place}"), self._boot)
        spec = self.spec
        host.clock.offset_ms = host.dice.between(-spec.clock_skew_ms, spec.clock_skew_ms)
        host.disk_us = (spec.disk_us_min, spec.disk_us_max)
        host.hash_rate = spec.hash_rate(actor.place)
        self.hosts.append(host)
        self.network.join(host)
        return host

    def _add_byzantine(self) -> None:
        byzantine = self.spec.byzantine
        dice = self.dice.fork("byzantine")
        members = list(byzantine.nodes)
        if not members:
            members = sorted(dice.shuffled(range(self.spec.nodes))[: byzantine.count])
        cabal = Cabal(self.hosts, genesis_hash_of(self.genesis), dice)
        for place in members:
            names = draw_traits(byzantine, dice)
            if "twin" in names:
                self._add_host(make_twin(self.hosts[place].actor, len(self.hosts)))
                cabal.corrupt(self.hosts[-1], names)
            cabal.corrupt(self.hosts[place], names)

    def _boot(self, host: Host) -> Node:
        """Make a node from what its disk holds."""
        is_copy = host.is_spare and host.is_byzantine
        actor = host.actor
        journal = None if host.is_follower else host.disk.journal
        config = NodeConfig(
            genesis=self.genesis,
            node_id=actor.node_key,
            seed=f"{self.spec.name} {self.seed} {host.place} {host.run}".encode(),
            consensus_key=actor.consensus_key if journal is not None else None,
            miner=actor.operator if host.hash_rate else b"",
            work_hash=cheap_work,
            listen_port=actor.address.port,
            bootstrap=tuple(self.hosts[i].actor.address for i in self._known if i != host.place),
            members_only=self.seed % 3 == 0 and not self._has_strangers,
            pinned=host.pinned,
            fence_listen_blocks=0 if is_copy else FENCE_LISTEN_BLOCKS,
            fence_listen_ms=0 if is_copy else FENCE_LISTEN_MS,
            unwritten_max=UNWRITTEN_MAX,
            machine=self._machine,
        )
        is_alone = host.place < ALONE or self.seed % 10 == 0
        node = make_node(
            config,
            host.disk.load(),
            host.disk,
            resume=journal.open() if journal is not None else None,
            apply=plain_apply if is_alone else self._memo.apply,
            verifier=None if is_alone else self._verifier,
        )
        restore_branch(node, host.disk.undo, host.disk.view)
        return node

    def _replied(self, place: int, run: int, reply: Reply) -> None:
        self.load.replied(place, run, reply)

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> None:
        """Plan the start of all hosts, the faults and the load: once, before anything runs."""
        spec = self.spec
        self.faults.plan(spec)
        for host in self.hosts:
            self.schedule.at(host.dice.below(300_000), self.faults.first_start, host)
        end_us = spec.duration_ms * 1_000
        self.load.begin(spec.load.per_minute, spec.load.burst_max, end_us)
        self.schedule.at(end_us, self._settle)

    def run(self) -> Outcome:
        """Run until everything expected holds, or something is violated."""
        self.plan()
        self.run_until((self.spec.duration_ms + self.spec.expect.recover_ms) * 1_000)
        if not self.checkers.violations and self._recovered_ms < 0 and not self.spec.expect.violation:
            self.checkers.violate("stalled", self._shortfall())
        for host in self.hosts:
            self.checkers.check_whole(host)
        for place in self.spec.expect.untrusted:
            if place not in self.checkers.doubted:
                self.checkers.violate("not_in_doubt", f"node{place} trusts what it must not trust")
        return self._outcome()

    def run_until(self, end_us: int) -> None:
        """Run until a time, until recovered, or until something is violated."""
        run_one, violations = self.schedule.run_one, self.checkers.violations
        while not violations and self._recovered_ms < 0 and run_one(end_us):
            pass

    def _settle(self) -> None:
        """The faults end; from here on the network has to recover."""
        spec, checkers = self.spec, self.checkers
        self.trace.say(-1, f"faults end at height {checkers.height}")
        self._check_gaps()
        self.faults.end()
        self._is_settling = True
        self._goal_final = checkers.height + spec.expect.blocks_min
        self._goal_height = checkers.head_height + spec.expect.blocks_min
        if spec.expect.next_block_ms:
            self.schedule.after(spec.expect.next_block_ms * 1_000, self._check_next, checkers.height)
        self.schedule.after(LOOK_US, self._look)

    def _check_next(self, height: int) -> None:
        if self.checkers.height == height:
            self.checkers.violate("stalled", f"no block {self.spec.expect.next_block_ms} ms after the faults")

    def _check_gaps(self) -> None:
        """Look for long pauses between blocks."""
        gap_ms_max = self.spec.expect.gap_ms_max
        times = [block.at_us // 1_000 for block in self.checkers.chain.values()]
        for height, (before, after) in enumerate(pairwise(times), start=1):
            if gap_ms_max and after - before > gap_ms_max:
                self.checkers.violate("gap", f"{after - before} ms between {height} and {height + 1}")

    def _look(self) -> None:
        if self._shortfall():
            self.schedule.after(LOOK_US, self._look)
        else:
            self._recovered_ms = self.schedule.now_us // 1_000 - self.spec.duration_ms

    def _shortfall(self) -> str:
        """Return what is still missing; empty: nothing."""
        heads: dict[str, int] = {}
        finals: dict[str, int] = {}
        for host in self.hosts:
            is_asked = host.place not in self.spec.expect.untrusted
            if is_asked and not host.is_byzantine and not host.is_spare:
                heads[f"node{host.place}"] = host.node.head.header.height if host.node else -1
                finals[f"node{host.place}"] = self.checkers.final_of(host)
        if min(heads.values()) < self._goal_height:
            return f"wanted height {self._goal_height} everywhere, have {heads}"
        if min(finals.values()) < self._goal_final:
            return f"wanted {self._goal_final} to be final everywhere, have {finals}"
        missing = self.load.missing()
        if missing:
            oldest = min(sent.since_us for sent in missing) // 1_000
            names = " ".join(f"{sent.tx_id.hex()[:8]}@node{sent.place}" for sent in missing[:3])
            return f"{len(missing)} transactions not included, the oldest from {oldest} ms: {names}"
        return ""

    def _outcome(self) -> Outcome:
        checkers = self.checkers
        expected = self.spec.expect.violation
        seen = tuple(v for v in checkers.violations if v.code == expected)
        violations = tuple(v for v in checkers.violations if v.code != expected)
        if expected and not seen:
            checkers.violate("unseen", f"{expected} did not come, or was not noticed")
            violations = tuple(checkers.violations)
        self.trace.add(-1, "end", self.hosts[0].node.head.block_id if self.hosts[0].node else EMPTY_HASH)
        return Outcome(
            scenario=self.spec.name,
            seed=self.seed,
            trace_hash=self.trace.digest(),
            events=self.trace.events,
            virtual_ms=self.schedule.now_us // 1_000,
            height=checkers.height,
            transactions=len(checkers.included),
            round_max=checkers.round_max,
            faults=self.faults.injected,
            recovered_ms=self._recovered_ms,
            violations=violations,
            reorganisations=checkers.reorganisations,
            reorganised_max=checkers.reorganised_max,
            seen=seen,
            penalties=checkers.penalties,
            refusals=self.load.refusals,
        )


def run_scenario(
    spec: Scenario,
    seed: int,
    sink: Callable[[str], None] | None = None,
    machine: Machine | None = None,
) -> Outcome:
    """Run one world; the same arguments give the same outcome, trace hash included."""
    return World(spec, seed, sink, machine).run()
